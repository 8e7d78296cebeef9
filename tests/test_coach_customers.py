from __future__ import annotations

import dataclasses

import pytest
from coach_story import DAY, RUBRIC, call, merged
from test_coach_deals import GOOD, deal, kinds, says, typed

from pipeline.coach.customers import GROWTH, OTHER_NEED, reviews, troubles
from pipeline.coach.deals import strategies
from pipeline.coach.plans import pre_call_plan
from pipeline.coach.rows import Rows, TurnRow


def turn(text: str) -> TurnRow:
    return TurnRow("p", 1, 0.0, 1.0, "buyer", "Owen", text)


def customer(*lines: str) -> Rows:
    return typed(says(call("p", "Ann", -2, "Acme", GOOD), "p", *lines), "check-in")


@pytest.mark.parametrize(
    ("text", "grows"),
    [
        ("We're putting in a second bottling line next year.", True),
        ("We'll need four more licences by May.", True),
        ("We're going to open another depot.", True),
        ("We're hiring two fitters.", True),
        ("Nuisance. We're hiring one in.", False),
        ("The second shift swept the floor.", False),
        ("There's a new machine guard on it.", False),
        ("It's across the hall.", False),
        ("Somebody on the other line called.", False),
    ],
)
def test_growth_is_a_plan_or_a_number(text: str, grows: bool) -> None:
    assert bool(GROWTH.search(text)) is grows


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("Do you also do label printers?", True),
        ("Do you have something for the cold store?", True),
        ("Could you do it by noon?", False),
        ("What about the invoice?", False),
        ("One more thing, who is Pete?", False),
        ("Do you do that every time?", False),
    ],
)
def test_another_need_names_something_else(text: str, needs: bool) -> None:
    assert bool(OTHER_NEED.search(text)) is needs


def test_a_complaint_is_trouble_and_a_fault_until_it_is_mended() -> None:
    assert troubles([turn("I was on hold for forty minutes.")])
    assert troubles([turn("Nobody called back on Friday.")])
    assert troubles([turn("The feeder keeps jamming.")])
    assert troubles([turn("The printer is not working."), turn("I'll wait.")])
    assert not troubles([turn("The printer is not working."), turn("Ah, it's running.")])
    assert not troubles([turn("It's the first time this year.")])
    assert troubles([turn("It won't start since Monday.")])
    assert not troubles([turn("You did, and I won't start on that again.")])
    assert not troubles([turn("No, you never let us down, they did.")])
    assert not troubles([turn("You haven't let me down yet, and I'm not fed up.")])
    assert troubles([turn("You let us down in May.")])
    assert not troubles([turn("When a thing's broken in the yard, the man from town comes on a Friday.")])
    assert not troubles([turn("And if the old holder is broken we pay it extra.")])
    assert not troubles([turn("So you don't get paid if it doesn't work?")])
    assert troubles([turn("When I came in, the press was fine. Now it's broken.")])
    assert troubles([turn("I'm not going to tap nothing, somebody has to fix the vent by five.")])
    assert troubles([turn("We paid fourteen months for the one in house two that never talked to the internet.")])
    assert troubles([turn("The box you put in, it never worked.")])
    assert not troubles([turn("Somebody has to fix a date. We paid ten months for it and were glad.")])
    assert not troubles([turn("It never ran so well.")])
    assert not troubles([turn("You have to fix the price for three years. You need to fix our monthly rate.")])
    assert reviews([turn("We'll talk about it in June, before it runs out.")])
    assert reviews([turn("Our support is up for renewal.")])
    assert reviews([turn("I don't know if we'll renew.")])
    assert reviews([turn("Then we send the cancellation, to be safe.")])
    assert not reviews([turn("I don't know if we'll be in on Monday.")])
    assert not reviews([turn("When it comes up on the screen I'll tell you.")])


def test_who_has_had_trouble_with_what_they_bought_is_a_customer() -> None:
    had = says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: The last press from you, I've had two motors on it.")
    assert deal(had).customer
    asked = says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: The last email from you was clear.")
    assert not deal(asked).customer


def test_trouble_goes_before_every_chance() -> None:
    growth = "Owen: We're opening another depot in March."
    glad = strategies(deal(customer(growth)))
    assert [play.kind for play in glad] == ["upsell"]
    rows = customer(growth, "Owen: Your hotline, nobody picks up.", "Owen: And it's up for renewal in May.")
    (play,) = strategies(deal(rows))
    assert play.because == "Protect the account: a customer with something to put right"
    assert {"trouble", "contract in question"} <= kinds(rows)
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask == "the day by which it is put right, and who tells them"
    assert plan.ask_statement.turn == 21  # type: ignore[union-attr]


def test_what_is_wrong_with_somebody_elses_service_is_no_trouble() -> None:
    rows = says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: At our supplier nobody picks up.")
    assert "trouble" not in kinds(rows)
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert not plan.ask.startswith("the day by which")
    named = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY, customers=("acme",))
    assert named is not None
    assert named.ask.startswith("the day by which")


def test_who_said_on_an_earlier_call_that_they_buy_complains_as_a_customer() -> None:
    first = says(call("p", "Ann", -9, "Acme", GOOD), "p", "Owen: We pay you every month for it.")
    rows = merged(first, says(call("q", "Ann", -2, "Acme", GOOD), "q", "Owen: Nobody called me back and I am fed up."))
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask == "the day by which it is put right, and who tells them"
    assert "trouble" in kinds(rows)
    # another account's words make nobody a customer
    other = dataclasses.replace(first, calls=tuple(dataclasses.replace(c, account="Birch") for c in first.calls))
    alone = merged(
        other, dataclasses.replace(rows, calls=rows.calls[1:], turns=()), dataclasses.replace(rows, calls=())
    )
    plan = pre_call_plan(alone, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask != "the day by which it is put right, and who tells them"
