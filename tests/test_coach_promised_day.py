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


def test_a_number_alone_is_the_date_that_was_named_last() -> None:
    made = heard(
        "R: All done by the 18th of December.",
        "Mia: Good.",
        "R: Can we meet on Friday the 18th?",
        "Mia: Yes.",
        "R: I'll bring two samples on the 18th.",
        "Mia: Good.",
    )
    assert [str(one.due) for one in made if "samples" in one.quote] == ["2026-09-18"]


def test_the_day_by_which_somebody_knows_is_none_to_meet() -> None:
    made = heard(
        "R: Can we hold Monday the 21st for Ines to start, if you've the go-ahead by Friday the 18th?",
        "Mia: Yes, hold it. I'll know by the 18th.",
    )
    assert [str(one.due) for one in made] == ["2026-09-21"]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("R: So Thursday at one I'll have page one ready, and so we go in on the 22nd.", "Mia: Good."), "2026-09-10"),
        (("R: The 22nd, at seven. I'll text you both dates right now.", "Mia: Good."), "None"),
        (("R: You hear on the 22nd. I'll get the contract ready and send it over.", "Mia: Good."), "None"),
        (("R: Let me talk to Phil. We'll see about Friday.", "Mia: Good."), "None"),
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


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("I'll look that up for you by Friday.", "2026-09-11"),
        ("I'll look the part number up and send it tomorrow.", "2026-09-09"),
        ("I'll call you some time on Thursday.", "2026-09-10"),
        ("I'll give you a ring sometime next Tuesday.", "2026-09-15"),
        ("I'll share it first thing tomorrow.", "2026-09-09"),
        ("I'll set something up and send you an invite by Friday.", "2026-09-11"),
        ("I'll put warranty terms in writing for you by Friday.", "2026-09-11"),
        ("I'll write Betty a mail tomorrow.", "2026-09-09"),
        ("I'll put twenty aside for you by Friday.", "2026-09-11"),
    ],
)
def test_a_way_of_speaking_within_other_words_is_a_promise(words: str, due: str) -> None:
    assert [(made.kind, str(made.due)) for made in heard(f"R: {words}", "Mia: Mhm.")] == [("action", due)]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("R: What I can do, I can send a sample.", "Mia: Yes please."), "None"),
        (("R: Give your boss our quote, please.", "Mia: I will, Friday."), "2026-09-11"),
        (("R: On Thursday I'm in the area, shall I come by?", "Mia: Yes, do."), "2026-09-10"),
        (("R: Can we do Thursday?", "Mia: Thursday I'm in the office, yes, come by."), "2026-09-10"),
        (("R: Let's talk before Friday.", "Mia: Good."), "2026-09-11"),
        (("R: Can we meet next Tuesday?", "Mia: Why not Wednesday?", "R: Okay, Wednesday."), "2026-09-16"),
        (("R: The quote's ready on Friday. I'll send it to the office.", "Mia: Good."), "2026-09-11"),
        (("R: The quote's ready on Friday. By the way, I'll send it over.", "Mia: Good."), "2026-09-11"),
        (("R: The quote's ready on Friday. I'll ask the office to email it.", "Mia: Good."), "2026-09-11"),
        (("R: It runs out on 11 October. I'll send it by Friday the 11th.", "Mia: Good."), "2026-09-11"),
        (("R: It runs out on 18 October. I'll send it in 10 days.", "Mia: Good."), "2026-09-18"),
    ],
)
def test_what_is_agreed_on_is_heard_with_its_day(said: tuple[str, ...], due: str) -> None:
    assert [str(made.due) for made in heard(*said)] == [due]


def test_of_two_days_in_a_sentence_both_are_agreed() -> None:
    made = heard(
        "R: Start on Monday the twelfth of October, review on Tuesday the third of November at two. Will you do that?",
        "Mia: Starting the twelfth. And review on the third of November at two. Yes.",
    )
    assert [str(one.due) for one in made] == ["2026-10-12", "2026-11-03"]


@pytest.mark.parametrize(
    ("said", "answer", "due"),
    [
        ("So I'll call you tomorrow, same time.", "Tomorrow I'm in Bristol.", "None"),
        ("so i'll call you tomorrow same time", "tomorrow i'm in bristol", "None"),
        ("I'll ring you on Friday.", "On Friday I'm away with the kids.", "None"),
        ("I'll send you the invite for the ninth.", "You can send it. I'm not saying yes to it.", "None"),
        ("I'll call you tomorrow.", "Tomorrow I'm in at nine.", "2026-09-09"),
        ("I'll call you tomorrow.", "Okay. On Friday I'm out.", "2026-09-09"),
        ("I'll call you tomorrow.", "On Friday I'm out.", "2026-09-09"),
        ("I'll mail you the sheet tomorrow.", "Tomorrow I'm away.", "2026-09-09"),
    ],
)
def test_a_day_to_call_that_the_other_will_not_have_is_no_agreed_day(said: str, answer: str, due: str) -> None:
    assert [str(made.due) for made in heard(f"R: {said}", f"Mia: {answer}")] == [due]


def test_the_day_of_a_bill_is_no_day_by_which_something_is_promised() -> None:
    (made,) = heard("R: I'll keep the whole bill for the third of April.", "Mia: Good.")
    assert made.due is None
