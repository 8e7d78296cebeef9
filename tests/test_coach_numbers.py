from __future__ import annotations

import pytest
from coach_story import call
from test_coach_facts import asked, heard, turns
from test_coach_signs import said, view_of


def test_numbers_that_were_asked_for_or_worked_out_by_the_rep_belong_to_the_case() -> None:
    assert asked("numbers", {"ask_impact": 0.9}, "Owen: Sixty-two hours a month.", give_number=0.75) == [21]
    assert asked("numbers", {"ask_impact": 0.9}, "Owen: Two or three.", give_number=0.75) == []
    assert asked("numbers", {}, "Owen: It was sixty-two.", give_number=0.75) == []
    assert turns("numbers", "R: So that is sixty thousand a year.", quantify=0.85) == [20]
    assert turns("numbers", "R: So that is a lot every year.", quantify=0.85) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("We lose about forty orders a month.", True),
        ("That's two people full time.", True),
        ("It is around twelve thousand a year.", True),
        ("We bin one in twenty.", True),
        ("Seven of 'em flash on the hinge.", True),
        ("It waits half an hour, then nine days.", True),
        ("It was in oh-nine, on the third of May.", False),
        ("A guy has a ten and he orders for the six.", False),
        ("The first two weeks it stank.", False),
        ("It went wrong two weeks ago.", False),
        ("We copied the old one of the two.", False),
    ],
)
def test_an_amount_that_is_told_with_the_trouble_is_a_number_of_the_case(line: str, found: bool) -> None:
    assert bool(turns("numbers", f"Owen: {line}", tell_impact=0.85)) is found
    assert not turns("numbers", f"Owen: {line}", tell_impact=0.85, object=0.9)
    assert not turns("numbers", f"Owen: {line}", tell_impact=0.6)


def test_an_amount_after_the_price_is_of_the_deal() -> None:
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "R: It is nine thousand.", "Mia: Ten a month.")
    assert view_of(heard(rows, 21, tell_impact=0.9)).facts["numbers"]
    assert not view_of(heard(heard(rows, 21, tell_impact=0.9), 20, price=0.9)).facts["numbers"]


def test_how_much_is_answered_at_once() -> None:
    lines = ("R: And how often is that?", "Owen: Four, since May.", "Mia: The five o'clock bus.")
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", *lines)
    assert [s.turn for s in view_of(heard(rows, 20, follow_up=0.9)).facts["numbers"]] == [21]
    assert not view_of(heard(rows, 20, ask_situation=0.9)).facts["numbers"]
    assert not view_of(heard(heard(rows, 20, follow_up=0.9), 21, tell_process=0.9)).facts["numbers"]
    daily = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", "R: How many a day?", "Owen: Four hundred.")
    assert view_of(heard(daily, 20, ask_situation=0.9)).facts["numbers"]


def test_a_long_turn_is_quoted_with_its_number() -> None:
    talk = "It comes off the wagon and he takes it down and turns it and stacks it for the printer in the hall. " * 4
    rows = said(call("p", "Ann", -2, "Acme", {"discovery": 3}), "p", f"Owen: {talk}Then it is two lads for a shift.")
    (number,) = view_of(heard(rows, 20, tell_impact=0.9)).facts["numbers"]
    assert "two lads" in str(number.quote)
    assert str(number.quote) in rows.turns[-1].text
