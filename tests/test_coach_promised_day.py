"""The day of a promise among the days that are named around it, and whether an answer leaves a day open."""

from __future__ import annotations

import pytest
from test_coach_commitments import heard

from pipeline.coach.answers import leaves_open


def test_a_day_on_which_somebody_is_elsewhere_is_not_agreed() -> None:
    made = heard(
        "R: Could you put me with both of them for ten minutes, on a call on Thursday or Friday?",
        "Mia: Let me look here. Thursday he's at the fair. Friday, eight fifteen. I'll put them in the small room.",
        "R: Good.",
    )
    assert {str(one.due) for one in made} == {"2026-09-11"}


def test_a_number_alone_is_the_date_that_was_named_before() -> None:
    made = heard(
        "R: Can we meet on Monday the 19th of October, ten o'clock?",
        "Mia: Yes. And we sign on the 12th.",
        "R: I'll bring two samples on the 19th.",
        "Mia: Good.",
    )
    assert [str(one.due) for one in made if "samples" in one.quote] == ["2026-10-19"]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("R: So Thursday at one I'll have page one ready, and so we go in on the 22nd.", "Mia: Good."), "2026-09-10"),
        (("R: The 22nd, at seven. I'll text you both dates right now.", "Mia: Good."), "None"),
    ],
)
def test_a_day_of_something_else_is_not_the_promises(said: tuple[str, ...], due: str) -> None:
    assert [str(one.due) for one in heard(*said) if one.kind == "action"] == [due]


@pytest.mark.parametrize(
    "words",
    [
        "With one on our shelf you have it in three days.",
        "It saves nine a month so you have it back in eight months.",
        "You have the offer of the 14th.",
    ],
)
def test_what_somebody_has_anyway_is_not_promised(words: str) -> None:
    assert heard(f"R: {words}", "Mia: Hm.") == []


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (
            "Let me look here. Thursday he's out. Friday, eight fifteen. I'll put them both in the conference room.",
            False,
        ),
        ("Let me look at it. I'll let you know.", True),
        ("Let me check with him first. I'll put it in front of him.", True),
        ("Let me look here. I'd have to ask him.", True),
    ],
)
def test_who_looks_and_then_arranges_it_leaves_nothing_open(answer: str, left: bool) -> None:
    assert leaves_open(answer) is left
