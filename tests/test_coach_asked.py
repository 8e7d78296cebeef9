"""What a buyer is asked to sign or order is the buyer's to do; small talk is nobody's promise."""

from __future__ import annotations

import pytest
from test_coach_commitments import heard, talk

from pipeline.coach.agreed import agreed_steps
from pipeline.coach.rows import MoveRow


@pytest.mark.parametrize(
    ("asked", "answer", "due"),
    [
        ("Will you give me the number by Friday, so that I hold two?", "Friday noon. Yes. Ada types it.", "2026-09-11"),
        ("Do you order it on Friday?", "Friday before noon, yes, that works.", "2026-09-11"),
        ("Will you sign it Thursday?", "Yes, Thursday suits.", "2026-09-10"),
    ],
)
def test_who_is_asked_to_sign_owns_it(asked: str, answer: str, due: str) -> None:
    (made,) = heard(f"R: {asked}", f"Mia: {answer}")
    assert (made.side, made.owner, made.kind, str(made.due)) == ("buyer", "Mia", "action", due)
    assert made.asked == asked


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("And you order by the pallet?", "Yeah."),
        ("Do you order on a Monday?", "Yes, Monday, before ten."),
        ("When do you order next?", "Yeah, Thursday I think."),
        ("Did you sign the old one on the second?", "Yes."),
    ],
)
def test_how_somebody_orders_is_no_promise_to(asked: str, answer: str) -> None:
    assert heard(f"R: {asked}", f"Mia: {answer}") == []


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("May it be that you sign on Thursday, and I come by at ten with the drawing?", "Thursday, fine. Yes."),
        ("I'd come by on Thursday at ten, you sign and we start.", "Thursday. Yes."),
    ],
)
def test_a_day_on_which_the_rep_comes_too_is_a_day_to_meet(asked: str, answer: str) -> None:
    (made,) = heard(f"R: {asked}", f"Mia: {answer}")
    assert (made.kind, str(made.due)) == ("meeting", "2026-09-10")


def test_a_day_that_nobody_asked_for_answers_no_request() -> None:
    assert heard("R: Could you ask Bob?", "Mia: He's back Monday. Yes.") == []
    assert heard("R: Could you send the drawings by Friday?", "Mia: Friday's a holiday. Yeah.") == []


def test_a_day_to_meet_before_the_signature_is_one() -> None:
    (made,) = heard("R: Can we meet before you sign on Thursday?", "Mia: Yes, Thursday at nine.")
    assert made.kind == "meeting"


@pytest.mark.parametrize(
    "said",
    [
        ("R: And what does that mean for you on Friday, when they count?", "Mia: Fine, on Friday I work late."),
        ("R: On Thursday I can be at your gate.", "Mia: Thursday, okay, I'll see how it's looking."),
        ("Mia: I'll see how the week goes, I'm on site Thursday.", "R: Thursday is only Ada, that's fine."),
        ("R: Will you sign it, so I can bring it on Wednesday at six?", "Mia: Wednesday's the day after the pour."),
        ("R: Will you sign it Monday at nine?", "Mia: I expect so. I read it Sunday first, so I won't swear to it."),
        ("R: Bring soup.", "Mia: I'll have tamales."),
        ("R: Tell Lorna bye.", "Mia: I'll tell her."),
        ("Mia: I'll tell you and you tell me if it's good.", "R: Good."),
        ("Mia: The first months I'll have the two of them, the lease and the van.", "R: Good."),
    ],
)
def test_a_question_or_small_talk_is_no_promise(said: tuple[str, ...]) -> None:
    assert heard(*said) == []


@pytest.mark.parametrize(
    "said",
    [
        "I'll have both of the quotes with you by Friday.",
        "On Friday we'll have lunch.",
        "On Friday I'll show it.",
    ],
)
def test_what_has_a_day_is_no_small_talk(said: str) -> None:
    (made,) = heard(f"R: {said}", "Mia: Good.")
    assert str(made.due) == "2026-09-11"


def test_a_greeting_beside_what_is_asked_for_leaves_it_asked() -> None:
    (made,) = heard("R: Send me the sheet by Friday and tell Marco hi.", "Mia: Will do.")
    assert (made.owner, str(made.due)) == ("Mia", "2026-09-11")


def test_how_a_day_looks_proposes_it() -> None:
    (made,) = heard("R: How does Thursday look for you?", "Mia: Yes, fine, Thursday.")
    assert (made.kind, str(made.due)) == ("meeting", "2026-09-10")


@pytest.mark.parametrize(
    "said",
    [
        ("R: Shall we say Thursday at two?", "Mia: Yes, Thursday at two. I'd see how the demo goes, then the rest."),
        ("R: We do the trial on Thursday, then we'll see how it runs.", "Mia: Yes, Thursday."),
        ("R: Shall we meet Thursday and we'll see how many you need?", "Mia: Yes, fine."),
    ],
)
def test_who_says_yes_and_sees_how_it_goes_agrees(said: tuple[str, ...]) -> None:
    (made,) = heard(*said)
    assert (made.kind, str(made.due)) == ("meeting", "2026-09-10")


def test_words_that_wait_agree_to_no_step_whatever_is_heard() -> None:
    asks, waits = talk("a", "R: On Thursday at two we do the set-up.", "Mia: Thursday. I'll see how the week goes.")
    agrees = talk("a", "R: On Thursday at two we do the set-up.", "Mia: Thursday. I'll be here, see you.")[1]
    moves = [MoveRow(asks.call_id, asks.turn, "dated_step", 0.9), MoveRow(asks.call_id, waits.turn, "commit", 0.9)]
    assert list(agreed_steps([asks, waits], moves, (), None)) == []
    assert len(list(agreed_steps([asks, agrees], moves, (), None))) == 1
