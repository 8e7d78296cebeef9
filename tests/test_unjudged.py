"""Calls that the judge leaves whole: in a foreign language, no sales call, too short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.judge_model import Verdict, load_judge
from models.training.corpus import read_corpus
from pipeline.judge import scorecard
from pipeline.rubric import load_rubric
from pipeline.types import CallMeta, Transcript, Turn
from pipeline.unjudged import not_english, reason_for_all, why_unjudged

RUBRIC = load_rubric("sales_call")
CORPUS = Path(__file__).resolve().parent.parent / "models/corpus/tune"

GERMAN = """Guten Tag, hier ist Anna Weber von der Firma Nordlicht. Haben Sie kurz Zeit?
Ja, gerade so. Worum geht es denn bei Ihnen?
Wir haben eine Software, mit der Sie die Wartung Ihrer Maschinen planen. Was war in diesem Jahr der längste Stillstand?
Das war im März, da stand die Linie drei Tage. Das hat uns eine Menge Geld gekostet, und der Chef war sauer.
Wer ist denn bei Ihnen dafür zuständig, und wer entscheidet am Ende über so eine Anschaffung?
Das bin ich zusammen mit der Leitung, die ist so ein Thema aber schon lange leid.
Dann schlage ich vor, dass wir uns in der nächsten Woche eine Stunde nehmen und es gemeinsam ansehen.
Gut, schicken Sie mir bitte einen Termin und die Unterlagen, dann sehe ich es mir in Ruhe an."""

SUPPORT = """Thank you for calling support, my name is Dana. How can I help?
Hi, I cannot log in since this morning. It says my account is locked.
I am sorry about that. Can I have your customer number please?
Yes, it is four four one nine two.
Thank you. I see three failed attempts at seven this morning. Was that you?
Probably my son. He plays with the tablet.
I can unlock it. For security I have to ask your date of birth.
The third of May nineteen eighty one.
Thank you. I am sending you a mail with a link. Please tell me when it is there.
One moment. Yes, it is here. I click on it.
Now choose a new password with at least twelve characters.
It says it is accepted. And now I am in. Wonderful."""


def call(lines: str) -> Transcript:
    turns = [
        Turn(10.0 * i, 10.0 * i + 9, "buyer:Ann" if i % 2 else "rep", text) for i, text in enumerate(lines.split("\n"))
    ]
    return Transcript("x", CallMeta(), tuple(turns))


def read(transcript: Transcript) -> Verdict:
    return load_judge().read(transcript.turns)


@pytest.mark.parametrize(("lines", "reason"), [(GERMAN, "not English"), (SUPPORT, "hardly anything")])
def test_what_the_judge_cannot_judge_is_not_scored(lines: str, reason: str) -> None:
    transcript = call(lines)
    card = scorecard(transcript, RUBRIC, read(transcript), revision="r")
    assert {score.status for score in card.criteria.values()} == {"abstained"}
    assert reason in reason_for_all(card.to_json())
    assert (card.overall, card.moves, card.objections) == (None, (), ())


def test_a_rubric_of_examples_alone_may_be_for_other_conversations() -> None:
    own = next(criterion for criterion in load_rubric("meddicc").criteria if criterion.judge == "examples")
    transcript = call(SUPPORT)
    assert not why_unjudged(transcript, replace(RUBRIC, criteria=(own,)), read(transcript))
    assert why_unjudged(transcript, replace(RUBRIC, criteria=(*RUBRIC.criteria, own)), read(transcript))


def test_a_sales_call_is_judged_whatever_its_spelling() -> None:
    transcript = read_corpus(CORPUS)[0].transcript
    shouted = [replace(turn, text=turn.text.upper().replace("'", "\u2019")) for turn in transcript.turns]
    for turns in (transcript.turns, tuple(shouted)):
        made = replace(transcript, turns=turns)
        assert not why_unjudged(made, RUBRIC, read(made))


def test_a_few_words_say_nothing_of_the_language() -> None:
    few = replace(call(GERMAN), turns=call(GERMAN).turns[:3])
    assert not not_english(few)
    assert not_english(call(GERMAN))


def test_reasons_that_differ_are_none_for_the_whole_call() -> None:
    def card(*scores: tuple[str, str]) -> dict[str, object]:
        return {"criteria": {str(n): {"status": status, "reason": why} for n, (status, why) in enumerate(scores)}}

    assert reason_for_all(card(("abstained", "a"), ("abstained", "a"))) == "a"
    assert not reason_for_all(card(("abstained", "a"), ("abstained", "b")))
    assert not reason_for_all(card(("abstained", "a"), ("scored", "")))
    assert not reason_for_all(None)
