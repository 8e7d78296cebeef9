import re

import numpy as np
import pytest
import torch

from pipeline import custom
from pipeline.custom import pieces, score_by_examples
from pipeline.rubric import Criterion
from pipeline.types import CriterionScore, Turn

CERTIFICATE = Criterion(
    id="certificate",
    title="Mentions our security certificate when risk comes up",
    stage="align",
    question="names the certificate when the buyer worries about risk",
    levels=("never", "hinted", "named unasked", "named when risk came up", "and the buyer takes it up"),
    judge="examples",
    occasion=(
        "Is our data safe with you?",
        "Our security team will worry about this.",
        "What happens if you get hacked?",
        "I don't like the idea of our files sitting on someone else's servers.",
        "Who else could get into that?",
        "We've had a supplier leak things before.",
        "IT gets nervous when outsiders connect to our network.",
        "How do we know you look after our information properly?",
    ),
    shows=(
        "We are ISO 27001 certified.",
        "I can send you our security certificate.",
        "We hold the SOC 2 certificate and it is audited every year.",
        "An outside auditor checks how we protect customer data.",
        "There's a certificate for exactly that, you can have a copy.",
        "We passed the security audit again in spring, I'll forward you the report.",
        "An independent body inspects how we look after your information.",
        "That's covered, we've been certified for data security since 2021.",
    ),
    confirms=(
        "Good, our security people will accept that.",
        "Please send me the certificate.",
        "That's what our IT department always asks for.",
        "If I can forward that to them, it's settled.",
        "Okay, that puts my mind at rest.",
        "Great, that will save us the questionnaire.",
    ),
)


def turns(*rows: tuple[str, str]) -> list[Turn]:
    return [Turn(10.0 * i, 10.0 * i + 8, speaker, text) for i, (speaker, text) in enumerate(rows)]


def score(*rows: tuple[str, str]) -> CriterionScore:
    return score_by_examples(turns(*rows), CERTIFICATE)


def level(*rows: tuple[str, str]) -> tuple[int | None, str]:
    found = score(*rows)
    return found.level, found.status


def rep(text: str) -> tuple[str, str]:
    return "rep", text


def ann(text: str) -> tuple[str, str]:
    return "buyer:Ann", text


SMALL_TALK = rep("How was your weekend, did you get any rain?")
WORRY = ann("My worry is whether our data is safe with you.")
NAMED = rep("So, we are ISO 27001 certified, audited every year.")
CHATTER = (
    SMALL_TALK,
    ann("Plenty of it. We run two shifts, sometimes three before Christmas."),
    rep("And what happens when the conveyor stops?"),
    ann("Everybody stands around, and then the truck goes out half empty."),
    rep("The price includes training for two days."),
    ann("Okay. And how long does it take to put in?"),
    rep("About a week, our support people come out."),
)


def test_without_occasion_it_does_not_apply() -> None:
    assert level(SMALL_TALK, ann("Plenty of it.")) == (None, "na")
    assert level(*CHATTER) == (None, "na")


def test_levels_rise_with_what_happens() -> None:
    assert level(SMALL_TALK, WORRY, rep("Let me show you the colours of the dashboard.")) == (0, "scored")
    assert level(SMALL_TALK, NAMED, ann("Right.")) == (2, "scored")
    assert level(SMALL_TALK, WORRY, NAMED, ann("Hm.")) == (3, "scored")
    assert level(SMALL_TALK, WORRY, NAMED, ann("Good, our security people will accept that.")) == (4, "scored")


def test_under_the_least_confidence_it_abstains() -> None:
    """`min_confidence` holds for criteria by examples as for the others."""
    said = turns(SMALL_TALK, WORRY, NAMED, ann("Hm."))
    sure = score_by_examples(said, CERTIFICATE)
    doubted = score_by_examples(said, CERTIFICATE, floor=sure.confidence + 0.01)
    assert (sure.level, doubted.level, doubted.status) == (3, None, "abstained")
    assert (doubted.evidence, doubted.confidence) == (sure.evidence, sure.confidence)
    assert "not sure enough" in doubted.reason
    assert score_by_examples(said, CERTIFICATE, floor=sure.confidence) == sure


def test_named_before_the_worry_is_not_an_answer_to_it() -> None:
    assert level(SMALL_TALK, NAMED, ann("Right."), WORRY, rep("Shall we look at the dashboard?")) == (2, "scored")


def test_the_buyer_saying_it_does_not_earn_it() -> None:
    assert level(SMALL_TALK, WORRY, ann("We are ISO 27001 certified ourselves."), rep("Lovely day."))[0] == 0


AUDITOR = "Fair enough. Every autumn we get accredited by a third party for keeping client records private."
STAMP = "Twice a year a third party goes over how private records are kept here, and we get accredited for it."


def content_words(text: str) -> set[str]:
    small = {"could", "every", "there", "would", "about"}
    return {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 4} - small


@pytest.mark.parametrize(
    "worry",
    ["I'm scared of cyber criminals stealing our documents.", "Could a criminal steal the documents we upload to you?"],
)
@pytest.mark.parametrize("answer", [AUDITOR, STAMP])
def test_paraphrases_that_share_no_content_word_count(worry: str, answer: str) -> None:
    assert not content_words(worry) & content_words(" ".join(CERTIFICATE.occasion))
    assert not content_words(answer) & content_words(" ".join(CERTIFICATE.shows))
    assert level(*CHATTER, ann(worry), rep("Let me show you the colours of the dashboard."), *CHATTER)[0] in (0, 1)
    assert level(*CHATTER, ann(worry), rep(answer), *CHATTER)[0] in (2, 3)
    taken = ann("Lovely, forward me that and our security people will be happy.")
    assert level(*CHATTER, ann(worry), rep(answer), taken, *CHATTER)[0] in (2, 4)


def test_a_roundabout_worry_that_is_not_understood_is_not_held_against_the_rep() -> None:
    worry = ann("I'd not want a competitor seeing our recipes because somebody left a door open.")
    assert level(*CHATTER, worry, *CHATTER) == (None, "na")
    assert level(*CHATTER, worry, rep(AUDITOR), *CHATTER) == (2, "scored")


@pytest.mark.parametrize(
    "trap",
    [
        "I can send you our brochure.",
        "Our forklift drivers all have their licence.",
        "We take safety on site very seriously, everyone wears a helmet.",
        "Trust me, it's never been a problem.",
    ],
)
def test_words_that_only_sound_alike_do_not_earn_it(trap: str) -> None:
    assert level(*CHATTER, WORRY, rep(trap), ann("Hm."))[0] in (0, 1)


def test_back_channels_and_long_turns_do_not_hide_it() -> None:
    nods = [turn for _ in range(4) for turn in (ann("Mm-hmm."), rep("Yeah."))]
    taken = ann("Good, our security people will accept that.")
    assert level(SMALL_TALK, WORRY, NAMED, *nods, taken) == (4, "scored")
    ramble = "It runs in the browser. You click on this and it shows the list. " * 6
    assert level(SMALL_TALK, WORRY, rep(ramble + NAMED[1] + " " + ramble), ann("Hm."))[0] == 3
    run_on = "so it runs in the browser and you click on this and it shows you the list of the motors and the pumps "
    said = "and so we are iso 27001 certified you know audited every year by an outside auditor "
    assert level(SMALL_TALK, WORRY, rep(run_on * 2 + said + run_on * 2), ann("hm"))[0] in (2, 3)


def test_quotes_are_verbatim_and_show_what_counted() -> None:
    ramble = "It runs in the browser. You click on this and it shows the list. " * 8
    rows = turns(SMALL_TALK, WORRY, rep(ramble + NAMED[1]), ann("Good, our security people will accept that."))
    evidence = score_by_examples(rows, CERTIFICATE).evidence
    assert len(evidence) == 2
    assert all(item.quote in rows[item.turn].text and len(item.quote) <= custom.QUOTE_CHARACTERS for item in evidence)
    assert "27001" in evidence[0].quote


def test_a_low_score_says_where_it_was_due() -> None:
    found = score(SMALL_TALK, WORRY, rep("Let me show you the colours of the dashboard."))
    assert [item.turn for item in found.missed] == [1]
    assert found.evidence[0].quote == WORRY[1]


def test_of_a_long_turn_the_words_that_make_it_due_are_quoted() -> None:
    history = "We started out by the river, and for years there were only twelve of us in one room. " * 4
    worry = "And our security team will worry about this, they ask what happens if you get hacked."
    found = score(("rep", "Here are the prices."), ("buyer", history + worry), ("rep", "The sensor sits on the motor."))
    assert (found.level, found.evidence[0].why) == (0, "here it was due")
    assert found.evidence[0].quote.endswith("if you get hacked.")


def test_an_always_due_criterion_is_never_na() -> None:
    always = Criterion("timing", "Timing", "assess", "asks when", ("",) * 5, judge="examples", shows=CERTIFICATE.shows)
    found = score_by_examples(turns(*CHATTER), always)
    assert (found.level, found.status, found.evidence) == (0, "scored", ())
    assert score_by_examples([], always).status == "abstained"


def test_confidence_rises_with_likeness() -> None:
    found = [custom._sureness(value) for value in (0.1, 0.3, 0.4, 0.6)]
    assert found == sorted(found)
    assert 0 < found[0] < found[-1] < 1


def test_pieces_are_spans_of_the_text() -> None:
    text = "Yes. " + "and " * 50 + "done. We did it. They liked it."
    found = [text[start:end] for start, end in pieces(text)]
    assert "Yes." not in found
    assert "We did it." in found
    assert "We did it. They liked it." in found
    assert max(len(piece.split()) for piece in found) <= custom.PAIR
    assert {word for piece in found for word in piece.split()} == set(text.split()) - {"Yes."}
    assert list(pieces("")) == list(pieces("Mm. Hm.")) == []


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, used, said = custom.embed_sentences, set(), []

    def embedded(sentences: list[str]) -> np.ndarray:
        used.add(torch.get_num_threads())
        return real(sentences)

    monkeypatch.setattr(custom, "embed_sentences", embedded)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for kept in (custom._call_vectors, custom._example_vectors, custom._ordinary):
                kept.cache_clear()
            said.append(score(*CHATTER, WORRY, NAMED))
    finally:
        torch.set_num_threads(before)
    assert said[0] == said[1]
    assert said[0].level == 3
    assert used == {1}, "on this machine two threads may happen to give the same sums"


def test_one_side_of_a_call_is_embedded_once_for_all_criteria(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = custom.embed_sentences

    def counted(sentences: list[str]) -> np.ndarray:
        asked.append(len(sentences))
        return real(sentences)

    monkeypatch.setattr(custom, "embed_sentences", counted)
    for cache in (custom._call_vectors, custom._example_vectors, custom._ordinary):
        cache.cache_clear()
    first = score(*CHATTER, WORRY, NAMED)
    calls = len(asked)
    assert score(*CHATTER, WORRY, NAMED) == first
    assert len(asked) == calls == 6
