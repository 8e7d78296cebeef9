from __future__ import annotations

import dataclasses
from io import StringIO

import pytest
from coach_story import DAY, RUBRIC, call, merged
from rich.console import Console

from pipeline.cli.account_text import account_text, plan_text
from pipeline.coach.accounts import AccountView, account_view
from pipeline.coach.plans import CLOSING, plan_json, pre_call_plan
from pipeline.coach.reports import account_report
from pipeline.coach.rows import MoveRow, ObjectionRow, Rows, TurnRow
from pipeline.coach.signs import ordered, planned

DONE = {c.id: 3 for c in RUBRIC.criteria}


def said(rows: Rows, call_id: str, *lines: str, start: int = 20) -> Rows:
    """The rows with more turns of a call: `Mia: words [moves]`, `R` is the rep."""
    turns, moves = [], []
    for number, line in enumerate(lines, start=start):
        who, _, rest = line.partition(": ")
        text, _, made = rest.removesuffix("]").partition(" [")
        side, name = ("rep", "rep") if who == "R" else ("buyer", who)
        turns.append(TurnRow(call_id, number, 10.0 * number, 10.0 * number + 8, side, name, text))
        moves += [MoveRow(call_id, number, move) for move in made.split()]
    return dataclasses.replace(rows, turns=(*rows.turns, *turns), moves=(*rows.moves, *moves))


def view_of(rows: Rows) -> AccountView:
    view = account_view(rows, "Acme", RUBRIC, as_of=DAY)
    assert view is not None
    return view


def states(rows: Rows) -> dict[str, str]:
    return dict(view_of(rows).stages)


def stalled(*, kind: str = "stall", text: str = "It's the deposit. We never pay one.") -> Rows:
    """A first call with an objection in turn 20 that was only partly handled."""
    rows = said(call("p", "Ann", -20, "Acme", DONE), "p", f"Mia: {text}")
    return dataclasses.replace(rows, objections=(ObjectionRow("p", 20, kind, "partly"),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "kind_p", "words", "told"),
    [
        (
            "competition",
            0.7,
            "Another vendor gave us a week.",
            "an objection, perhaps about another option, partly handled",
        ),
        ("competition", 0.9, "Another vendor gave us a week.", "an objection about another option, partly handled"),
        ("competition", None, "Another vendor gave us a week.", "an objection about another option, partly handled"),
        ("stall", 0.7, "Hm, after the fair.", "an objection, perhaps a stall, partly handled"),
        ("stall", 0.9, "It's the deposit.", "a stall, partly handled"),
        ("other", 0.3, "Hm, the fair.", "an objection, partly handled"),
    ],
)
def test_the_kind_of_an_objection_is_told_as_surely_as_it_was_heard(
    kind: str, kind_p: float | None, words: str, told: str
) -> None:
    rows = stalled(kind=kind, text=words)
    rows = dataclasses.replace(rows, objections=(dataclasses.replace(rows.objections[0], kind_p=kind_p),))
    assert view_of(rows).open_objections[0].statement.text == told
    # the risk, the plan and its words say the same
    perhaps = "perhaps" in told
    (row,) = account_report(rows, RUBRIC, "Acme", as_of=DAY)
    (risk,) = [risk["text"] for risk in row["risks"] if risk["kind"] == "open objections"]
    assert ("perhaps" in risk) is perhaps
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.expect is not None
    assert plan.expect.sure is not perhaps
    out = StringIO()
    Console(file=out, width=200).print(plan_text(plan_json(plan)))
    assert ("Expect: an objection, perhaps" in out.getvalue()) is perhaps
    assert plan.ask_because == f"{told.removesuffix(', partly handled')}{',' if perhaps else ''} is open"


def later(first: Rows, *lines: str) -> Rows:
    second = said(call("q", "Ann", -2, "Acme", {k: v for k, v in DONE.items() if "objection" not in k}), "q", *lines)
    return dataclasses.replace(merged(first, second), moves=second.moves)


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("The purchase order was raised this morning.", True),
        ("Good news, Raj signed the agreement yesterday.", True),
        ("Thanks for the order, Mia.", True),
        ("We've placed the order with you, check your mail.", True),
        ("What makes the work order good is that it's signed by you and by me.", False),
        ("We'll have the order placed by Friday.", False),
        ("If the contract's signed by then we can start.", False),
        ("Has the purchase order been raised?", False),
        ("It isn't signed.", False),
        ("We placed the order with Brightline, sorry.", False),
        ("We signed the contract with a competitor last week.", False),
        ("We've signed the contract with the other vendor, I'm afraid.", False),
        ("The order has been placed with another supplier.", False),
        ("We signed the agreement with somebody else.", False),
        ("The order was placed with our current supplier.", False),
        ("We signed the contract with one of your competitors.", False),
        ("We placed the order elsewhere.", False),
        ("We signed the contract, with the annex, this morning.", True),
        ("They signed it two years ago.", False),
        ("Monday you get it signed from us.", False),
        ("I have the contract signed here on my desk.", True),
        ("The fire officer came in May. It is signed.", False),
        ("About your order: it is signed.", True),
    ],
)
def test_an_order_is_one_only_once_it_has_happened(text: str, placed: bool) -> None:
    assert bool(ordered([TurnRow("p", 1, 0.0, 1.0, "buyer", "Mia", text)])) is placed


def test_asking_well_does_not_close_a_deal_an_order_does() -> None:
    assert states(call("p", "Ann", -2, "Acme", DONE))["close"] == "in hand"
    assert states(call("p", "Ann", -2, "Acme", {**DONE, "ask_for_sale": 1}))["close"] == "to come"
    placed = said(call("p", "Ann", -2, "Acme", {**DONE, "ask_for_sale": 1}), "p", "Mia: The PO's been raised.")
    assert states(placed)["close"] == "done"
    assert states(placed)["survey"] == "done"
    (row,) = account_report(placed, RUBRIC, "Acme", as_of=DAY)
    assert row["ordered"]["quote"] == "The PO's been raised."


def test_terms_close_when_a_later_call_agrees_on_them() -> None:
    assert [o.kind for o in view_of(stalled()).open_objections] == ["stall"]
    agreed = later(
        stalled(),
        "R: Then no deposit: half in March, the rest when it runs. [terms]",
        "Owen: And that goes into the contract?",
        "R: It does.",
        "Mia: I can live with that.",
    )
    view = view_of(agreed)
    assert view.open_objections == ()
    assert "agreed on later it seems" in view.answered_objections[0].statement.text
    assert view.answered_objections[0].statement.quote == "It's the deposit. We never pay one."


@pytest.mark.parametrize(
    "lines",
    [
        ("R: The training is half a day, on site. [terms]", "Mia: I can live with that."),
        ("R: Then no deposit. [terms]", "Mia: That's not fair to you, let me think."),
        ("R: The deposit is ten percent. [terms]", "Mia: No way. [object]", "R: I see.", "Mia: That works."),
        ("Mia: What about the deposit?", "R: I'll ask.", "Mia: That works."),
    ],
)
def test_what_is_agreed_on_something_else_closes_no_objection(lines: tuple[str, ...]) -> None:
    assert len(view_of(later(stalled(), *lines)).open_objections) == 1


def test_a_signature_that_is_spoken_of_is_what_to_ask_for() -> None:
    rows = later(stalled(), "Mia: Alright, we'll have the contract and the PO with you on Monday. [commit]")
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    assert plan.ask.startswith("the signature or order")
    assert plan.ask_statement.quote.startswith("Alright")  # type: ignore[union-attr]
    assert "before they spoke of signing" in plan.expect.because  # type: ignore[union-attr]
    assert [q.question for q in plan.questions] == list(CLOSING)
    assert plan_json(plan)["missing"] == ["the order: no call says that it is signed or placed"]
    no = later(stalled(), "Mia: I'm not going to sign the order. [commit]")
    assert not view_of(no).planned
    off = merged(rows, call("r", "Ann", -1, "Acme", DONE))
    assert not view_of(off).planned


@pytest.mark.parametrize(
    ("text", "plans"),
    [
        ("and you'll have your p o on the eighteenth", True),
        ("You'll have the P.O. on the 18th.", True),
        ("The purchase order will be with you on the 18th.", True),
        ("The PO will be with finance on the 18th.", False),
        ("you'll have it in your p o box on friday", False),
        ("The brochure will be with you on the 18th.", False),
    ],
)
def test_an_order_is_planned_however_a_transcript_writes_it(text: str, plans: bool) -> None:
    turn = TurnRow("p", 1, 0.0, 1.0, "buyer", "Mia", text)
    assert bool(planned([turn], {("p", 1): frozenset({"commit"})})) is plans


def test_a_promise_to_have_it_signed_is_a_plan_and_no_order() -> None:
    rows = said(call("p", "Ann", -2, "Acme", DONE), "p", "Mia: Tuesday the fifth, you get it signed. [commit]")
    view = view_of(rows)
    assert (view.ordered, view.planned and view.planned.turn) == (None, 20)
    ready = said(call("p", "Ann", -2, "Acme", DONE), "p", "Mia: If the test is clean I sign on the spot. [commit]")
    assert view_of(ready).planned


def test_without_a_price_the_close_is_not_in_hand() -> None:
    rows = call("p", "Ann", -2, "Acme", {k: v for k, v in DONE.items() if k != "proposal"})
    assert states(rows)["close"] == "to come"


def twice(first: str, second: str, kind: str, *, calls: tuple[str, str] = ("p", "p")) -> list[int | None]:
    """Turns of the objections still open where the second of two was answered."""
    rows = said(call("p", "Ann", -20, "Acme", DONE), "p", f"Mia: {first}")
    if calls[1] == "q":
        rows = merged(rows, said(call("q", "Ann", -2, "Acme", DONE), "q", f"Mia: {second}", start=21))
    else:
        rows = said(rows, "p", f"Mia: {second}", start=21)
    made = (ObjectionRow("p", 20, kind, "partly"), ObjectionRow(calls[1], 21, kind, "yes"))  # type: ignore[arg-type]
    return [o.statement.turn for o in view_of(dataclasses.replace(rows, objections=made)).open_objections]


def test_the_answer_to_one_objection_is_not_the_answer_to_another() -> None:
    assert twice("The tablets break in the cold store.", "Who trains the drivers?", "other") == [20]
    assert twice("The tablets break in the cold store.", "So the tablets can fall?", "other") == []
    assert twice("Ninety days is long.", "And eleven hundred a month is steep.", "price_terms") == [20]
    assert twice("The price is steep.", "It costs too much.", "price_terms", calls=("p", "q")) == []


def test_a_long_objection_is_quoted_where_it_objects() -> None:
    talk = "we walked the hall with the boys and the new man from the night shift and looked at all of it, " * 4
    rows = said(call("p", "Ann", -2, "Acme", DONE), "p", f"Mia: So {talk}and we can’t afford it.")
    rows = dataclasses.replace(rows, objections=(ObjectionRow("p", 20, "price_terms", "no"),))
    (raised,) = view_of(rows).open_objections
    assert (raised.statement.quote or "").endswith("we can’t afford it.")


def test_an_earlier_call_is_not_called_the_last_one() -> None:
    without_ask = {criterion: level for criterion, level in DONE.items() if criterion != "ask_for_sale"}
    for levels, heading in ((DONE, "How the last call ended"), (without_ask, "How the call of 2026-")):
        rows = merged(call("p", "Ann", -20, "Acme", DONE), call("q", "Ann", -2, "Acme", levels))
        plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
        assert plan is not None
        out = StringIO()
        Console(file=out, width=80).print(plan_text(plan_json(plan)))
        assert heading in out.getvalue()


@pytest.mark.parametrize(
    ("asks", "answer", "plans"),
    [
        ("Will you sign it Thursday?", "Friday. Friday at ten, we do it. [commit]", True),
        ("Then you sign with the finger, and the truck comes. Good?", "We're good. [commit]", True),
        ("Will you give me the order number by noon?", "Noon. Yes. [commit]", True),
        ("Mr. Lund signs on Wednesday. Are we good on that?", "We're good. [commit]", True),
        ("Will you sign it Thursday?", "Let me ask him first. [commit]", False),
        ("Will you sign it Thursday?", "Thursday is bad. [commit resist]", False),
        ("Can we meet on Thursday?", "Thursday, yes. [commit]", False),
        ("Will you sign up for the course?", "Yes. [commit]", False),
        ("First you both sign. Would it help him if I went through the photos with him?", "Yes. [commit]", False),
    ],
)
def test_a_yes_to_who_asks_for_the_signature_plans_it(asks: str, answer: str, plans: bool) -> None:
    view = view_of(said(call("p", "Ann", -2, "Acme", DONE), "p", f"R: {asks}", f"Mia: {answer}"))
    assert (view.planned is not None) == plans


def test_no_heading_stands_without_anything_under_it() -> None:
    rows = said(call("p", "Ann", -2, "Acme", DONE), "p", "Mia: The order's placed.")
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    out = StringIO()
    console = Console(file=out, width=80)
    console.print(plan_text(plan_json(plan)))
    (row,) = account_report(rows, RUBRIC, "Acme", as_of=DAY)
    console.print(account_text(row))
    lines = out.getvalue().splitlines()
    assert "Still missing" not in lines
    assert "1 call, the last on" in out.getvalue()
    for number, line in enumerate(lines[:-1]):
        if line in ("Ask", "Keep", "Next time", "Risks", "Still missing"):
            assert lines[number + 1].strip(), line
