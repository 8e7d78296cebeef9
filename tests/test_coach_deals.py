from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from coach_story import DAY, RUBRIC, call, merged, moment, story
from test_coach_signs import said as with_moves

from pipeline.coach.accounts import account_view
from pipeline.coach.commitments import commitments
from pipeline.coach.deals import RISKS, STRATEGIES, Deal, deal_of, next_step, risks, strategies
from pipeline.coach.moves import moves_of
from pipeline.coach.plans import pre_call_plan
from pipeline.coach.reports import account_report
from pipeline.coach.rows import MoveRow, Rows, TurnRow


def deal(rows: Rows, name: str = "Acme", *, as_of: dt.date = DAY, known: tuple[str, ...] = ()) -> Deal:
    view = account_view(rows, name, RUBRIC, as_of=as_of)
    assert view is not None
    mine = dataclasses.replace(rows, turns=tuple(t for t in rows.turns if t.call_id in {c.call_id for c in view.calls}))
    return deal_of(mine, view, moves_of(mine, RUBRIC), commitments(mine, as_of=as_of), known=known)


def says(rows: Rows, call_id: str, *said: str, start: int = 20) -> Rows:
    """The rows with more turns at the end of a call: `R: words` is the rep."""
    more = []
    for number, line in enumerate(said, start=start):
        who, _, text = line.partition(": ")
        side, name = ("rep", "rep") if who == "R" else ("buyer", who)
        more.append(TurnRow(call_id, number, 10.0 * number, 10.0 * number + 8, side, name, text))
    return dataclasses.replace(rows, turns=(*rows.turns, *more))


def kinds(rows: Rows, **options: object) -> set[str]:
    return {risk.kind for risk in risks(deal(rows, **options))}  # type: ignore[arg-type]


def typed(rows: Rows, call_type: str) -> Rows:
    return dataclasses.replace(rows, calls=tuple(dataclasses.replace(c, call_type=call_type) for c in rows.calls))


def untold(rows: Rows) -> Rows:
    """The rows without what was cited on who decides."""
    return dataclasses.replace(rows, moments=tuple(m for m in rows.moments if m.criterion != "decision_makers"))


GOOD = {c.id: 3 for c in RUBRIC.criteria if c.id != "objection_handling"}


def test_a_deal_that_moves_has_few_risks_and_each_rests_on_words() -> None:
    rows = says(call("p", "Ann", -2, "Acme", GOOD), "p", "R: Shall we meet on Friday?", "Mia: Yes, Friday.")
    assert kinds(rows) == set()
    found = risks(deal(story()))
    assert {risk.kind for risk in found} >= {"open objections", "no dated step"}
    for risk in found:
        assert risk.rests_on, risk.kind
        assert json.loads(json.dumps(risk.to_json()))["rests_on"][0]["call"]


@pytest.mark.parametrize(
    ("kind", "rows", "as_of"),
    [
        ("silence", call("p", "Ann", -2, "Acme", GOOD), DAY + dt.timedelta(30)),
        ("decision unknown", untold(call("p", "Ann", -2, "Acme", {**GOOD, "decision_makers": 1})), DAY),
        ("price before value", call("p", "Ann", -2, "Acme", {**GOOD, "business_case": 1}), DAY),
        ("no dated step", call("p", "Ann", -2, "Acme", GOOD), DAY),
        ("open objections", call("p", "Ann", -2, "Acme", {**GOOD, "objection_handling": 1}), DAY),
    ],
)
def test_each_risk_comes_from_what_the_calls_show(kind: str, rows: Rows, as_of: dt.date) -> None:
    assert kind in kinds(rows, as_of=as_of)
    clean = says(call("q", "Ann", -2, "Acme", GOOD), "q", "R: Shall we meet on Friday?", "Mia: Yes, Friday.")
    assert kind not in kinds(clean)


def test_what_the_page_shows_is_not_called_unknown() -> None:
    low = {**GOOD, "decision_makers": 1}
    assert "decision unknown" not in kinds(call("p", "Ann", -2, "Acme", low))
    rows = says(untold(call("p", "Ann", -2, "Acme", low)), "p", "Owen: Our controller, Nadia Brook, has to sign that.")
    (risk,) = [r for r in risks(deal(rows)) if r.kind == "decider not met"]
    assert risk.text == "has a say and was on no call: Nadia Brook"
    assert risk.rests_on[0].turn == 20


def test_one_contact_over_several_calls_is_a_risk() -> None:
    one = [dataclasses.replace(call(name, "Ann", day, "Acme", GOOD)) for name, day in (("p", -9), ("q", -2))]
    rows = merged(*one)
    assert "single contact" not in kinds(rows)
    alone = dataclasses.replace(rows, turns=tuple(t for t in rows.turns if t.name != "Mia"))
    assert "single contact" in kinds(alone)


def test_promises_that_no_call_shows_as_kept_are_told_apart_by_side() -> None:
    rows = says(
        call("p", "Ann", -20, "Acme", GOOD),
        "p",
        "R: I'll send the drawing by Friday.",
        "Mia: I'll ask Raj about it tomorrow.",
    )
    assert {"we are late", "they are late"} <= kinds(rows)
    found = {risk.kind: risk for risk in risks(deal(rows))}
    assert found["we are late"].rests_on[0].quote == "I'll send the drawing by Friday."


def test_a_customer_with_open_objections_is_protected_though_nobody_else_is_named() -> None:
    rows = call("p", "Ann", -2, "Acme", {**GOOD, "objection_handling": 1})
    assert "protect" not in {s.kind for s in strategies(deal(rows))}
    (play,) = [s for s in strategies(deal(typed(rows, "renewal"))) if s.kind == "protect"]
    assert play.because == "Protect the account: a customer with 1 objection open"
    assert [s.call_id for s in play.rests_on] == ["p", "p"]


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        (call("p", "Ann", -2, "Acme", GOOD), None),
        (typed(call("p", "Ann", -2, "Acme", GOOD), "business review"), "a call is of type business review"),
        (typed(call("p", "Ann", -2, "Acme", GOOD), "proposal review"), None),
        (says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: You fitted us the first two."), "buys already"),
        (says(call("p", "Ann", -2, "Acme", GOOD), "p", "R: Your renewal with us is in May."), "buys already"),
    ],
)
def test_who_is_a_customer_rests_on_something(rows: Rows, because: str | None) -> None:
    found = deal(rows).customer
    assert (because in found.text) if because and found else found is None
    assert deal(rows).customer == found


def test_the_companys_own_list_of_customers_counts() -> None:
    rows = call("p", "Ann", -2, "Acme", GOOD)
    view = account_view(rows, "Acme", RUBRIC, as_of=DAY)
    assert view is not None
    found = deal_of(rows, view, moves_of(rows, RUBRIC), (), customers=("acme",)).customer
    assert found is not None
    assert found.text == "a customer by company.yaml"


def test_a_call_held_to_sell_more_is_a_chance_by_the_need_told_on_it() -> None:
    rows = says(call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: We lose an hour a day on the second dock.")
    rows = dataclasses.replace(rows, moves=(MoveRow("p", 20, "tell_impact"),))
    for call_type in ("upsell", "cross-sell"):
        (play,) = [s for s in strategies(deal(typed(rows, call_type))) if s.kind == call_type]
        assert play.rests_on[0].quote == "We lose an hour a day on the second dock."
    assert {s.kind for s in strategies(deal(typed(rows, "discovery")))} == {"advance"}


def test_a_need_counts_once_and_small_talk_is_none() -> None:
    rows = says(
        call("p", "Ann", -2, "Acme", GOOD), "p", "Owen: My knee went on the hill.", "Owen: We bin a crate a day."
    )
    moves = (
        MoveRow("p", 20, "tell_impact", 0.8),
        MoveRow("p", 21, "tell_impact", 0.95),
        MoveRow("p", 21, "tell_problem", 0.95),
    )
    (play,) = strategies(deal(typed(dataclasses.replace(rows, moves=moves), "upsell")))
    assert play.because == "a customer with a need (1 time)"
    assert play.rests_on[0].turn == 21


def test_a_day_that_a_buyer_took_is_a_dated_step_whatever_the_words() -> None:
    rows = call("p", "Ann", -2, "Acme", GOOD)
    step = "R: I am up your way Tuesday. A few minutes with Gene? [dated_step]"
    assert "no dated step" not in kinds(
        with_moves(rows, "p", step, "Mia: Hang on. I'll stick you in at nine. [commit]")
    )
    assert "no dated step" in kinds(with_moves(rows, "p", step, "Mia: I will look at it. [commit resist]"))
    assert "no dated step" in kinds(with_moves(rows, "p", step, "Mia: Maybe so. [soft_yes]"))
    vague = "R: I am up your way some time. A few minutes with Gene? [dated_step]"
    assert "no dated step" in kinds(with_moves(rows, "p", vague, "Mia: Hang on, I'll stick you in. [commit]"))


def test_a_call_whose_words_are_gone_is_not_said_to_have_agreed_on_no_day() -> None:
    rows = merged(call("x1", "Ann", 0, "Elm", {"discovery": 3}))
    without = dataclasses.replace(rows, turns=())
    kinds = [
        [risk["kind"] for risk in account_report(part, RUBRIC, "Elm", as_of=DAY)[0]["risks"]]
        for part in (rows, without)
    ]
    assert "no dated step" in kinds[0]
    assert "no dated step" not in kinds[1]


def test_what_was_never_said_rests_on_no_words() -> None:
    rows = untold(call("p", "Ann", -2, "Acme", {**GOOD, "decision_makers": 0}))
    (risk,) = [r for r in risks(deal(rows)) if r.kind == "decision unknown"]
    assert [s.quote for s in risk.rests_on] == [None]


def test_growth_and_another_need_are_chances_only_with_a_customer() -> None:
    rows = says(
        call("p", "Ann", -2, "Acme", GOOD),
        "p",
        "Owen: We are opening another depot in March.",
        "Owen: Do you also do the invoices?",
    )
    assert {s.kind for s in strategies(deal(rows))} == {"advance"}
    found = {s.kind: s for s in strategies(deal(typed(rows, "Renewal")))}
    assert set(found) == {"upsell", "cross-sell"}
    assert found["upsell"].rests_on[0].quote == "We are opening another depot in March."
    assert found["cross-sell"].rests_on[0].turn == 21


def test_an_account_that_takes_time_without_a_case_or_a_decision_is_let_go() -> None:
    weak = {**GOOD, "decision_makers": 1, "business_case": 1}
    rows = merged(call("p", "Ann", -80, "Acme", weak), call("q", "Ann", -60, "Acme", weak))
    (play,) = [s for s in strategies(deal(rows)) if s.kind == "divest"]
    assert "60 days of silence" in play.because
    assert [s for s in strategies(deal(rows, as_of=DAY - dt.timedelta(55))) if s.kind == "divest"] == []
    better = merged(call("p", "Ann", -80, "Acme", weak), call("q", "Ann", -60, "Acme", GOOD))
    assert {s.kind for s in strategies(deal(better))} == {"advance"}


def test_the_next_step_is_the_earliest_that_is_ahead() -> None:
    rows = says(
        call("p", "Ann", -2, "Acme", GOOD),
        "p",
        "R: I'll send the drawing next week.",
        "Mia: Good. I'll ask Raj for the budget by Wednesday.",
    )
    step = next_step(deal(rows))
    assert step is not None
    assert (step["owner"], step["due"], step["overdue"], step["call"]) == ("Mia", "2026-11-04", False, "p")
    vague = next_step(deal(call("q", "Ann", -2, "Acme", GOOD)))
    assert vague is not None
    assert (vague["what"], vague["due"]) == ("I will send you something and we speak soon.", None)
    bare = dataclasses.replace(call("q", "Ann", -2, "Acme", GOOD), turns=())
    assert next_step(deal(bare)) is None


def test_what_is_done_only_in_some_case_comes_after_what_is_done_in_any() -> None:
    waits = "R: If the form is late I'll call you on Tuesday."
    alone = next_step(deal(says(call("p", "Ann", -2, "Acme", GOOD), "p", waits)))
    meets = ("R: Shall we meet on Thursday?", "Mia: Yes, Thursday.")
    step = next_step(deal(says(call("p", "Ann", -2, "Acme", GOOD), "p", waits, *meets)))
    assert alone is not None
    assert step is not None
    assert (alone["due_words"], step["due_words"]) == ("Tuesday", "Thursday")
    sends = "R: I'll send you the page on Tuesday, so you can fix it if it's wrong."
    sent = next_step(deal(says(call("p", "Ann", -2, "Acme", GOOD), "p", sends, *meets)))
    assert sent is not None
    assert sent["due_words"] == "Tuesday"


def test_a_goodbye_is_no_next_step_where_something_moves_the_deal() -> None:
    rows = says(
        call("p", "Ann", -20, "Acme", GOOD),
        "p",
        "R: I'll send the revised contract on Tuesday.",
        "Mia: I'll look at the photos tomorrow.",
        "Mia: Sounds good. Talk to you Thursday.",
    )
    step = next_step(deal(rows))
    assert step is not None
    assert (step["turn"], step["overdue"]) == (20, True)


def test_moves_come_from_the_record_where_it_lists_them() -> None:
    rows = call("p", "Ann", -2, "Acme", {"proposal": 3})
    assert moves_of(rows, RUBRIC)["p", 6] == {"price", "scope"}
    listed = dataclasses.replace(rows, moves=(MoveRow("p", 7, "contrast"),))
    assert dict(moves_of(listed, RUBRIC)) == {("p", 7): {"contrast"}}
    missed = dataclasses.replace(rows, moments=(moment("p", "proposal", 6, "price", kind="missed"),))
    assert moves_of(missed, RUBRIC) == {}


def test_the_account_report_holds_it_all() -> None:
    (row,) = account_report(story(), RUBRIC, "Acme", as_of=DAY)
    assert {"competitors", "commitments", "next_step_agreed", "risks", "strategy"} <= set(row)
    assert json.loads(json.dumps(row)) == row
    lines = account_report(story(), RUBRIC, as_of=DAY)
    assert {line["account"] for line in lines} == {"Acme", "Birch", "Cedar", "Dale"}
    assert all(len(line["call_ids"]) == line["calls"] for line in lines)
    assert set(RISKS) >= {kind for line in lines for kind in line["risks"]}
    assert {*STRATEGIES, "advance"} >= {kind for line in lines for kind in line["strategy"]}


def test_no_account_that_ordered_or_of_which_nothing_is_known_is_let_go() -> None:
    weak = {**GOOD, "decision_makers": 1, "business_case": 1}
    slow = merged(call("p", "Ann", -80, "Acme", weak), call("q", "Ann", -60, "Acme", weak))
    assert "divest" in {s.kind for s in strategies(deal(slow))}
    placed = says(slow, "q", "Mia: The purchase order was raised this morning.")
    assert "divest" not in {s.kind for s in strategies(deal(placed))}
    for unknown in (("business_case",), ("decision_makers",), ("business_case", "decision_makers")):
        scored = tuple(score for score in slow.scores if score.criterion not in unknown)
        assert "divest" not in {s.kind for s in strategies(deal(dataclasses.replace(slow, scores=scored)))}


def named(rows: Rows, call_id: str, name: str) -> Rows:
    """The rows with all that buyers say on a call said by one of this name."""
    return dataclasses.replace(
        rows,
        turns=tuple(
            dataclasses.replace(t, name=name) if (t.call_id, t.side) == (call_id, "buyer") else t for t in rows.turns
        ),
    )


def test_a_single_contact_is_one_whom_every_buyer_on_two_calls_is() -> None:
    rows = merged(call("p", "Ann", -9, "Acme", GOOD), call("q", "Ann", -2, "Acme", GOOD))
    alone = named(named(rows, "p", "Nair, Priya"), "q", "Nair, Priya")
    (risk,) = [r for r in risks(deal(alone)) if r.kind == "single contact"]
    assert risk.text == "one person met on 2 calls: Nair, Priya"
    # who is not named may be somebody else
    assert "single contact" not in kinds(named(alone, "q", "Buyer 2"))
    # a call on which no buyer was heard is none on which one was met
    unheard = tuple(t for t in alone.turns if t.call_id == "p" or t.side == "rep")
    assert "single contact" not in kinds(dataclasses.replace(alone, turns=unheard))


def put_off() -> Rows:
    """A meeting that was put off to two days ago, and no call since."""
    silent = [dataclasses.replace(call(*one, "Acme", GOOD), turns=()) for one in (("p", "Ann", -30), ("q", "Ann", -20))]
    first = says(silent[0], "p", "R: Shall we meet on the 10th?", "Mia: Yes, that works.")
    off = ("Mia: The tenth got moved, sorry.", "R: No problem, we'll make it the 31st.")
    return merged(first, says(silent[1], "q", *off))


def test_what_was_put_off_to_a_day_that_passed_is_no_longer_ahead() -> None:
    rows = put_off()
    for as_of, late in ((DAY - dt.timedelta(10), False), (DAY, True)):
        made = next(c for c in commitments(rows, as_of=as_of) if c.turn == 20 and c.call_id == "p")
        assert (made.status, made.moved_to) == ("moved", dt.date(2026, 10, 31))
        plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=as_of)
        assert plan is not None
        assert (made in plan.promised) is not late
        step = next_step(deal(rows, as_of=as_of))
        assert step is not None
        assert (step["due"], step["overdue"]) == ("2026-10-31", late)
