"""Days to meet: which are agreed on, in whose words, and who will be there."""

from __future__ import annotations

import datetime as dt

import pytest
from test_coach_commitments import heard


@pytest.mark.parametrize(
    "words",
    [
        "We do get a dip on a Sunday, when we start the line.",
        "So your agreement's up on the thirtieth, and I'd like to talk about the next one.",
        "Then, after Thursday, we can go through it.",
    ],
)
def test_a_day_that_is_spoken_of_is_none_to_meet(words: str) -> None:
    assert heard(f"R: {words}", "Mia: Yes, fine.", "R: Good.") == []


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("R: Ann could do the twelfth. Would that suit?", "Mia: Half one, the twelfth. Yeah. Done."), "2026-09-12"),
        (
            ("R: Start Monday, and a review on Friday the 18th. Will you do that?", "Mia: Yes. Review on the 18th."),
            "2026-09-18",
        ),
    ],
)
def test_a_day_said_again_beside_a_yes_is_agreed(said: tuple[str, ...], due: str) -> None:
    made = heard(*said, "R: Good.")
    assert (made[-1].kind, str(made[-1].due)) == ("meeting", due)


def test_a_day_said_again_is_agreed_once_in_the_words_that_proposed_it() -> None:
    (made,) = heard(
        "R: So Friday the 18th, ten o'clock, I come over and we go through it?",
        "Mia: Yes. Friday the 18th.",
        "R: Good.",
    )
    assert made.quote.startswith("So Friday the 18th")
    assert heard("R: Ann could do the twelfth. Would that suit?", "Mia: The twelfth I'm away. Yes, really.") == []


@pytest.mark.parametrize(
    "answer",
    [
        "The 16th, I don't know. She's at the dentist on Wednesdays. Lemme talk to her.",
        "The 16th, hm, let me hear what she says.",
        "The 16th could be.",
    ],
)
def test_a_day_that_is_only_said_after_is_not_agreed(answer: str) -> None:
    assert heard("R: So shall we meet on Wednesday the 16th?", f"Mia: {answer}", "R: I see.") == []


def test_who_asks_to_be_called_waits_for_the_call() -> None:
    (made,) = heard("R: Thursday, then?", "Mia: Could be. Call me Monday and I'll tell you.", "R: Good.")
    assert (made.kind, str(made.due)) == ("meeting", "2026-09-14")
    (own,) = heard("R: So?", "Mia: I'll call you on Monday.", "R: Good.")
    assert own.kind == "action"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("I'll come by on Friday with the samples.", "meeting"),
        ("I'll be there on Friday.", "meeting"),
        ("I will come back to you on Friday.", "action"),
        ("I'll send you the quote on Friday.", "action"),
        ("I'll come up with a figure by Friday.", "action"),
    ],
)
def test_who_will_be_there_needs_no_recorded_call_to_have_kept_it(said: str, kind: str) -> None:
    (made,) = heard(f"R: {said}", "Mia: Good.")
    assert (made.kind, str(made.due)) == (kind, "2026-09-11")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("How's your Tuesday treating you?", "It's Wednesday."),
        ("How's your Tuesday?", "Good, yeah."),
        ("So thank you for joining the demo on Wednesday, I'd love to talk about the rest.", "Okay. Yes."),
        ("Friday mornings, he does the calls with me and the bookkeeper.", "Okay so that's it."),
        ("He signs it on the Friday, he doesn't even call a meeting.", "Good."),
        ("That slot's got your name in pencil till the 16th.", "In pencil. Okay."),
        ("It has to be over before the 16th when the fitters start.", "Yes. I'd like that."),
        ("We'll look at a start some other Wednesday.", "Okay."),
        (
            "I've a supermarket visit on the tenth, so I'll be needing to see what comes out of that.",
            "Shall I pencil it, then, and we talk again to see if he's good?",
        ),
        ("My brother says it's good, and we three meet on the Monday.", "What does she want to see on the Monday?"),
    ],
)
def test_nobody_agreed_to_meet_on_a_day_that_was_only_spoken_of(said: str, answer: str) -> None:
    made = heard(f"Mia: {said}", f"R: {answer}", "Mia: Hm.")
    assert [one for one in made if one.due] == []


@pytest.mark.parametrize(
    ("said", "answer", "due"),
    [
        (
            "Wednesday the 16th, ten o'clock?",
            "Wednesday the 16th. He's back on the 15th. Okay. I'll take it.",
            "2026-09-16",
        ),
        ("And then we meet Monday?", "Saturday at ten, I tell her. Monday, I'll be there.", "2026-09-14"),
        (
            "So wording on Friday, you ask her Monday, and we speak Monday at four?",
            "Monday at four. Yes.",
            "2026-09-14",
        ),
        ("Can we meet before the 16th?", "Yes, sure.", "2026-09-16"),
        ("How's your Thursday looking for a call?", "Good, yes.", "2026-09-10"),
        ("I've a free hour on Thursday, shall we meet?", "Good, yes.", "2026-09-10"),
        ("Can we have a call on Friday?", "Yes, sure.", "2026-09-11"),
        ("So we have a call on Friday.", "Yes.", "2026-09-11"),
        ("Come by Thursday.", "Yes, okay.", "2026-09-10"),
        ("Can we meet on Wednesday?", "Come by Friday.", "2026-09-11"),
        ("Let's set up a demo by Friday.", "Yes, good.", "2026-09-11"),
    ],
)
def test_the_day_to_meet_is_the_one_that_the_answer_takes_up(said: str, answer: str, due: str) -> None:
    made = heard(f"R: {said}", f"Mia: {answer}", "R: Good.")
    assert [str(one.due) for one in made if one.kind == "meeting"] == [due]


def test_a_meeting_is_not_moved_to_a_day_that_is_past() -> None:
    made = heard("R: Shall we meet on Wednesday the 9th?", "Mia: Yes. We had the auditors on Monday, as you know.")
    assert [str(one.due) for one in made] == ["2026-09-09"]


def test_an_answer_to_one_day_moves_no_other() -> None:
    made = heard(
        "R: Could we start on Monday the 21st? And we sit down, you and me, on the sixth of October with the result.",
        "Mia: The 21st is, em. We've the auditors in that Monday. Make it Tuesday the 22nd and you're on.",
    )
    assert [str(one.due) for one in made] == ["2026-09-22", "2026-10-06"]


@pytest.mark.parametrize(
    ("answer", "due"),
    [
        ("Fine. And the order goes in on Friday.", "2026-09-16"),
        ("Yes. You get the drawing by the Thursday before, the tenth.", "2026-09-16"),
        ("Good, and if he says yes you'll have the order on Friday.", "2026-09-16"),
        ("Sixteenth, four o'clock, fine.", "2026-09-16"),
        ("Wednesday's bad, Thursday?", "2026-09-17"),
        ("I'm away. Make it Friday the 18th.", "2026-09-18"),
    ],
)
def test_an_answer_moves_a_day_to_meet_only_where_it_speaks_of_the_meeting(answer: str, due: str) -> None:
    made = heard("R: Wednesday the sixteenth at four?", f"Mia: {answer}", "R: Good.")
    assert [str(one.due) for one in made if one.kind == "meeting"] == [due]


def test_nobody_meets_on_the_day_a_contract_runs_out() -> None:
    assert heard("R: Your agreement is finishing on the 30th, I wanted to talk before.", "Mia: Yes.") == []


@pytest.mark.parametrize(
    "answer",
    [
        "The board is on the 12th. I'm not going to tell you yes on the 16th, I want to, though.",
        "The 16th I must see. I think it can go. Let me check with the hall first.",
        "I can't promise. There's a delivery.",
        "Oh, no. Not the 16th.",
    ],
)
def test_a_day_that_is_left_open_or_refused_is_no_day_to_meet(answer: str) -> None:
    assert [one for one in heard("R: Can we sit down on the 16th?", f"Mia: {answer}") if one.kind == "meeting"] == []


def test_a_day_is_agreed_where_the_yes_comes_after_the_check_or_some_turns_later() -> None:
    (made,) = heard("R: Can we sit down on the 16th?", "Mia: Let me check. Yes, that works.")
    assert str(made.due) == "2026-09-16"
    later = ("R: Could we come by on Thursday?", "Mia: For the blue one?", "R: Only the blue one.")
    (made,) = heard(*later, "Mia: Then yes, come on Thursday at nine.", "R: I like fritters.")
    assert (str(made.due), made.kind) == ("2026-09-10", "meeting")


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("I filled in your form on Sunday and got a mail, so how about I call?", "None"),
        ("I had his letter on Friday, I'll send it on.", "None"),
        ("I closed it this morning. I'll put it on the shelf for you.", "None"),
        ("They meet every second Tuesday, and then he signs.", "None"),
        ("It's done at the works meeting, which is every other Tuesday.", "None"),
        ("Ask Sunday to meet the van!", "None"),
    ],
)
def test_a_day_on_which_something_happened_or_others_meet_is_nobodys_promise(words: str, due: str) -> None:
    made = heard(f"R: {words}", "Mia: Yes, okay, fine.")
    assert [str(one.due) for one in made] in ([], [due])
    assert [one for one in made if one.kind == "meeting"] == []


def test_a_day_said_with_its_weekday_is_not_moved_by_the_weekday_alone() -> None:
    (made,) = heard(
        "R: Shall we meet on Thursday the 16th?", "Mia: Thursday I have auditors, but after one, yes, fine."
    )
    assert str(made.due) == "2026-09-16"


def test_a_visit_is_told_beside_what_is_brought_to_it() -> None:
    made = heard("Mia: Come over and look at it on Thursday.", "R: Thursday, I will. I'll bring the jars.")
    assert {(one.kind, str(one.due)) for one in made} == {("meeting", "2026-09-10"), ("action", "2026-09-10")}


@pytest.mark.parametrize(
    "said",
    [
        "Try me any time and I'll send it over again. You'll have it on Thursday.",
        "Text me the number on Thursday and I'll send you the quote.",
    ],
)
def test_a_promise_is_no_day_to_meet_because_somebody_may_write(said: str) -> None:
    found = heard(f"R: {said}", "Mia: Good.")
    assert {made.kind for made in found} == {"action"}
    assert found[0].due == dt.date(2026, 9, 10)
