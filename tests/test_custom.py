from pipeline.custom import score_by_examples
from pipeline.rubric import Criterion
from pipeline.types import Turn

CERTIFICATE = Criterion(
    id="certificate",
    title="Names our security certificate when risk comes up",
    stage="align",
    question="names the certificate when the buyer worries about risk",
    levels=("never", "hinted", "named unasked", "named when risk came up", "and the buyer takes it up"),
    judge="examples",
    occasion=("Is our data safe with you?", "Our security team will worry about this.", "What happens if you get hacked?"),
    shows=(
        "We are ISO 27001 certified.",
        "I can send you our security certificate.",
        "We hold the SOC 2 certificate and it is audited every year.",
    ),
    confirms=("Good, our security people will accept that.", "Please send me the certificate."),
)


def turns(*rows: tuple[str, str]) -> list[Turn]:
    return [Turn(10.0 * i, 10.0 * i + 8, speaker, text) for i, (speaker, text) in enumerate(rows)]


def level(*rows: tuple[str, str]) -> tuple[int | None, str]:
    score = score_by_examples(turns(*rows), CERTIFICATE)
    return score.level, score.status


SMALL_TALK = ("rep", "How was your weekend, did you get any rain?")
WORRY = ("buyer:Ann", "My worry is whether our data is safe with you.")
NAMED = ("rep", "So, we are ISO 27001 certified, audited every year.")


def test_without_occasion_it_does_not_apply() -> None:
    assert level(SMALL_TALK, ("buyer:Ann", "Plenty of it.")) == (None, "na")


def test_levels_rise_with_what_happens() -> None:
    assert level(SMALL_TALK, WORRY, ("rep", "Let me show you the colours of the dashboard.")) == (0, "scored")
    unasked = level(SMALL_TALK, NAMED, ("buyer:Ann", "Right."))
    assert unasked == (2, "scored")
    assert level(SMALL_TALK, WORRY, NAMED, ("buyer:Ann", "Hm.")) == (3, "scored")
    taken = level(SMALL_TALK, WORRY, NAMED, ("buyer:Ann", "Good, our security people will accept that."))
    assert taken == (4, "scored")


def test_the_buyer_saying_it_does_not_earn_it() -> None:
    assert level(SMALL_TALK, WORRY, ("buyer:Ann", "We are ISO 27001 certified ourselves."), ("rep", "Lovely day."))[0] == 0


def test_quotes_are_verbatim() -> None:
    rows = turns(SMALL_TALK, WORRY, NAMED)
    for item in score_by_examples(rows, CERTIFICATE).evidence:
        assert item.quote in rows[item.turn].text
