from __future__ import annotations

import datetime as dt

from pipeline.coach.commitments import Commitment, commitments, commitments_of
from pipeline.coach.rows import CallRow, MoveRow, Rows, TurnRow

DAY = dt.date(2026, 9, 8)  # a Tuesday
CALL = CallRow("a", rep="Ann Lee", account="Acme", date=DAY)


def talk(*said: tuple[str, str]) -> tuple[list[TurnRow], list[MoveRow]]:
    """Turns of `(words, moves)`, the rep's and the buyer's by turns, and the moves that were heard in them for sure."""
    turns, moves = [], []
    for number, (text, heard) in enumerate(said):
        side, name = ("rep", "rep") if number % 2 == 0 else ("buyer", "Gerry")
        turns.append(TurnRow("a", number, 5.0 * number, 5.0 * number + 4, side, name, text))
        moves += [MoveRow("a", number, move, 0.9) for move in heard.split()]
    return turns, moves


def heard(*said: tuple[str, str]) -> list[Commitment]:
    turns, moves = talk(*said)
    assert not commitments_of(CALL, turns), "a rule over the words finds it"
    return commitments_of(CALL, turns, moves)


def test_a_step_that_the_judge_hears_agreed_on_is_a_meeting() -> None:
    (made,) = heard(("I'm past your door Friday.", "dated_step"), ("Half seven. Aye, go on. Back door.", "commit"))
    assert (made.kind, made.owner, made.side, made.due) == ("meeting", "Ann Lee", "rep", dt.date(2026, 9, 11))
    assert (made.turn, made.quote) == (0, "I'm past your door Friday.")


def test_the_day_is_the_one_that_the_yes_names() -> None:
    (made,) = heard(
        ("Monday the 21st or Tuesday the 22nd, that's me up your way.", "dated_step"),
        ("Tuesday. I'm on the committee Monday.", "commit"),
    )
    assert (made.turn, made.due) == (0, dt.date(2026, 9, 22))
    (made,) = heard(("So you and Lou and the drawing?", "dated_step"), ("Put it down. Friday.", "commit"))
    assert (made.turn, made.owner, made.due) == (1, "Gerry", dt.date(2026, 9, 11))


def test_without_a_proposal_a_yes_or_a_day_nothing_was_agreed() -> None:
    day, yes = "I'm past your door Friday.", "Half seven. Aye, go on."
    assert not heard((day, ""), (yes, "commit"))
    assert not heard((day, "dated_step"), (yes, "soft_yes"))
    assert not heard((day, "dated_step"), (yes, "commit resist"))
    assert not heard(("I'm past your door some day.", "dated_step"), (yes, "commit"))
    assert not heard(
        (day, "dated_step"), ("Hm.", ""), ("Well.", ""), ("The dog bites.", ""), ("Does it.", ""), (yes, "commit")
    )
    turns, moves = talk((day, "dated_step"), (yes, "commit"))
    unsure = [MoveRow(move.call_id, move.turn, move.move, 0.4) for move in moves]
    assert not commitments_of(CALL, turns, unsure)


def test_one_step_is_told_once_and_what_a_rule_finds_is_not_told_again() -> None:
    day, yes = "I'm past your door Friday.", "Half seven. Aye, go on."
    assert len(heard((day, "dated_step"), (yes, "commit"), ("Back door?", ""), ("Back door.", "commit"))) == 1
    turns, moves = talk(("Can we meet on Friday?", "dated_step"), ("Friday works.", "commit"))
    assert commitments_of(CALL, turns, moves) == commitments_of(CALL, turns) != []


def test_a_day_that_is_agreed_on_again_later_in_the_call_is_one_meeting() -> None:
    day, yes, chat = "I'm past your door Friday.", "Half seven. Aye, go on.", ("Grand weather.", "")
    again = ("So I'm at your door Friday.", "dated_step")
    assert len(heard((day, "dated_step"), (yes, "commit"), *[chat] * 4, again, (yes, "commit"))) == 1
    turns, moves = talk(
        ("Can we meet on Friday?", "dated_step"), ("Friday works.", "commit"), *[chat] * 4, again, (yes, "commit")
    )
    assert commitments_of(CALL, turns, moves) == commitments_of(CALL, turns) != []


def test_a_step_heard_by_the_judge_is_for_the_month_that_was_named_before() -> None:
    (made,) = heard(
        ("It is Monday the nineteenth of October then.", ""),
        ("Right.", ""),
        ("I'm past your door the nineteenth.", "dated_step"),
        ("Half seven. Aye, go on.", "commit"),
    )
    assert made.due == dt.date(2026, 10, 19)


def test_reports_hear_it_with_the_calls_moves() -> None:
    turns, moves = talk(("I'm past your door Friday.", "dated_step"), ("Half seven. Aye, go on.", "commit"))
    other = [MoveRow("b", move.turn, move.move, 0.9) for move in moves]
    (made,) = commitments(Rows(calls=(CALL,), turns=tuple(turns), moves=(*moves, *other)), as_of=DAY)
    assert (made.due, made.status) == (dt.date(2026, 9, 11), "open")
    assert not commitments(Rows(calls=(CALL,), turns=tuple(turns), moves=tuple(other)), as_of=DAY)
