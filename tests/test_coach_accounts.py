from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from coach_story import DAY, RUBRIC, TURNS, call, means, merged, moment, story

from pipeline.coach.accounts import account_names, account_view, by_account, view_json
from pipeline.coach.moves import moves_in
from pipeline.coach.plans import AFTERWARDS, CLOSING, QUESTIONS, Plan, plan_json, pre_call_plan
from pipeline.coach.rows import CallRow, ObjectionRow, Rows
from pipeline.coach.statements import Statement
from pipeline.types import NEUTRAL


def view_of(rows: Rows, name: str = "Acme"):  # type: ignore[no-untyped-def]
    view = account_view(rows, name, RUBRIC, as_of=DAY)
    assert view is not None
    return view


def plan_of(rows: Rows, name: str = "Acme") -> Plan:
    plan = pre_call_plan(rows, name, RUBRIC, as_of=DAY)
    assert plan is not None
    return plan


def statements(value: object) -> list[dict[str, object]]:
    """Every statement in a report, at any depth."""
    if isinstance(value, dict):
        own = [value] if {"text", "call"} <= set(value) else []
        return own + [s for item in value.values() for s in statements(item)]
    return [s for item in value for s in statements(item)] if isinstance(value, list) else []


def test_calls_come_in_order_and_silence_is_counted() -> None:
    view = view_of(story())
    assert [call.call_id for call in view.calls] == ["a1", "a3", "a5"]
    assert view.silent_days == 5
    assert account_names(story()) == ["Acme", "Birch", "Cedar", "Dale"]


def test_facts_are_quoted_with_their_call_and_turn() -> None:
    view = view_of(story())
    decides = view.facts["decides"][0]
    assert (decides.call_id, decides.turn, decides.speaker) == ("a1", 5, "buyer:Mia")
    assert decides.quote == "I sign it, after Raj in finance has seen the payback."
    assert decides.text == "buyer Mia on who decides and how"
    assert [s.turn for s in view.facts["numbers"]] == [3, 3, 3]
    assert view.facts["price"] == ()
    assert [s.text for s in view.met] == ["Owen, on 3 of 3 calls", "Mia, on 3 of 3 calls"]
    assert account_view(story(), "Cedar", RUBRIC).facts["price"][0].turn == 6  # type: ignore[union-attr]


def test_every_statement_rests_on_words_that_were_said() -> None:
    rows = story()
    for name in account_names(rows):
        for report in (view_json(view_of(rows, name)), plan_json(plan_of(rows, name))):
            assert json.loads(json.dumps(report)) == report
            expect = report.get("expect") or {}
            for elsewhere in (*expect.pop("came_up", ()), *expect.pop("others", ())):
                assert any(c.call_id == elsewhere["call"] and c.account != name for c in rows.calls)
            found = statements(report)
            assert found
            for statement in found:
                assert any(c.call_id == statement["call"] and c.account == name for c in rows.calls)
                if "quote" in statement:
                    assert statement["quote"] in TURNS[int(str(statement["turn"]))][1]


def test_the_best_level_of_any_call_is_how_far_the_account_is() -> None:
    early = call("p", "Ann", 0, "Acme", {"discovery": 3})
    late = call("q", "Ann", 5, "Acme", {"discovery": 1})
    progress = {item.criterion: item for item in account_view(merged(early, late), "Acme", RUBRIC).progress}  # type: ignore[union-attr]
    assert (progress["discovery"].best, progress["discovery"].done) == (3, True)
    assert progress["discovery"].statement.call_id == "p"  # type: ignore[union-attr]
    assert (progress["proposal"].best, progress["proposal"].statement) == (None, None)


def test_an_objection_is_open_until_one_of_its_kind_is_handled() -> None:
    opened = call("p", "Ann", 0, "Acme", {"objection_handling": 1})
    assert [o.kind for o in view_of(opened).open_objections] == ["price_terms"]
    closed = merged(opened, call("q", "Ann", 5, "Acme", {"objection_handling": 4}))
    view = account_view(closed, "Acme", RUBRIC)
    assert view is not None
    assert view.open_objections == ()
    assert [o.statement.call_id for o in view.answered_objections] == ["p", "q"]
    assert view.answered_objections[0].statement.quote == "That is too much for us this year."
    as_stall = [dataclasses.replace(o, kind="stall") if o.call_id == "q" else o for o in closed.objections]
    other = account_view(dataclasses.replace(closed, objections=tuple(as_stall)), "Acme", RUBRIC)
    assert other is not None
    assert [o.statement.call_id for o in other.open_objections] == ["p"]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (0, "no next step was asked for"),
        (1, "the next step was left vague"),
        (2, "a next step without a date"),
        (3, "asked for a commitment"),
        (4, "asked for a commitment, and got it"),
    ],
)
def test_the_next_step_is_the_one_of_the_newest_scored_call(level: int, text: str) -> None:
    rows = merged(
        call("p", "Ann", 0, "Acme", {"ask_for_sale": 4 if level < 2 else 0}),
        call("q", "Ann", 5, "Acme", {"ask_for_sale": level}),
        call("r", "Ann", 9, "Acme", {"discovery": 3}),
    )
    step = account_view(rows, "Acme", RUBRIC).next_step  # type: ignore[union-attr]
    assert step is not None
    assert (step.text, step.call_id) == (text, "q")


def test_the_commitment_is_quoted_before_the_small_talk_around_it() -> None:
    rows = call("p", "Ann", 0, "Acme", {"ask_for_sale": 3})
    rows = dataclasses.replace(rows, moments=(*rows.moments, moment("p", "ask_for_sale", 9, "commit")))
    assert view_of(rows).next_step.turn == 9


def test_moves_are_read_from_what_the_judge_wrote_and_from_the_right_side() -> None:
    named = moment("p", "decision_makers", 5, "name_decider", "tell_process")
    assert moves_in(named, RUBRIC) == {"name_decider", "tell_process"}
    assert moves_in(dataclasses.replace(named, speaker="rep"), RUBRIC) == set()
    assert moves_in(dataclasses.replace(named, why="something else"), RUBRIC) == set()
    assert means("price") == "the rep states a price"


def test_calls_that_were_not_scored_are_listed_but_state_nothing() -> None:
    row = CallRow("x", "abstained", "too noisy", "Ann", "North", "Acme", DAY)
    view = view_of(Rows(calls=(row,)))
    assert view.calls == (row,)
    report = view_json(view)
    assert statements(report) == []
    assert report["calls"][0]["reason"] == "too noisy"
    assert report["missing"] == []
    assert len(report["not_scored"]) == len(RUBRIC.criteria)
    plan = plan_json(plan_of(Rows(calls=(row,))))
    assert statements(plan) == []
    assert plan["expect"] is None
    assert plan["ask"]["because"] == "no call was scored yet"
    assert "not scored" in plan["questions"][0]["because"]
    doubted = plan_json(plan_of(Rows(calls=(dataclasses.replace(row, status="scored"),))))
    assert doubted["ask"]["because"] == "no criterion could be scored on any call yet"


def test_an_account_without_calls_is_none() -> None:
    assert account_view(story(), "Nobody", RUBRIC) is None
    assert pre_call_plan(story(), "Nobody", RUBRIC) is None
    assert account_view(story(), "Acme", RUBRIC, as_of=DAY - dt.timedelta(99)) is None


def test_the_rows_of_each_account_apart_give_the_same_view() -> None:
    rows = story()
    parts = by_account(rows)
    assert set(parts) == set(account_names(rows))
    for name, part in parts.items():
        assert account_view(part, name, RUBRIC, as_of=DAY) == account_view(rows, name, RUBRIC, as_of=DAY)


def test_the_plan_asks_three_questions_about_what_is_missing() -> None:
    plan = plan_of(story())
    assert len(plan.questions) == 3
    assert [q.criterion for q in plan.questions] == ["business_case", "objection_handling", "ask_for_sale"]
    case = plan.questions[0]
    assert case.question == QUESTIONS["business_case"][1][1]  # level 2 was reached: the question for getting from there
    assert case.because == "a number of theirs is on the table; what acting is worth is to be agreed on"
    assert case.statement.turn == 3  # type: ignore[union-attr]


def test_what_was_never_scored_is_asked_about_after_what_is_known_to_be_weak() -> None:
    plan = plan_of(call("p", "Ann", -9, "Acme", {"ask_for_sale": 1, "decision_makers": 3}))
    assert [q.criterion for q in plan.questions] == ["ask_for_sale", "discovery", "business_case"]
    assert plan.questions[1].because == "discovery: not scored on any call yet"
    assert plan.questions[1].statement is None


def test_an_account_where_only_one_thing_is_missing_gets_all_its_questions() -> None:
    done = {c.id: 3 for c in RUBRIC.criteria} | {"decision_makers": 2}
    plan = plan_of(call("p", "Ann", -9, "Acme", done))
    assert [q.criterion for q in plan.questions] == ["decision_makers"] * 2  # the third would ask what was told
    assert len({q.question for q in plan.questions}) == 2


def test_who_is_asked_for_the_order_is_not_asked_about_the_problem_again() -> None:
    done = {c.id: 3 for c in RUBRIC.criteria}
    plan = plan_of(call("p", "Ann", -9, "Acme", done | {"discovery": 1}))
    assert plan.ask == "the order, with a start date"
    assert [q.question for q in plan.questions] == list(CLOSING)
    plan = plan_of(call("p", "Ann", -9, "Acme", done | {"discovery": 1, "positioning": 2}))
    assert [q.criterion for q in plan.questions] == ["positioning", "positioning", "ask_for_sale"]


def test_what_is_missing_names_no_objections_where_none_is_open_and_quotes_nothing_that_says_nothing() -> None:
    rows = call("p", "Ann", -9, "Acme", {"discovery": 1, "decision_makers": 0, "objection_handling": 1})
    heard = plan_json(plan_of(rows))["missing"]
    assert any("objection handling" in item for item in heard)
    unheard = plan_of(dataclasses.replace(rows, objections=()))
    assert not any("objection handling" in item for item in plan_json(unheard)["missing"])
    neutral = tuple(dataclasses.replace(m, why=NEUTRAL) for m in rows.moments)
    bare = plan_of(dataclasses.replace(rows, moments=neutral, turns=()))
    assert [item.statement for item in bare.view.progress if item.best is not None] == [None] * 3
    assert bare.questions[0].statement is None


def test_once_the_order_is_placed_nothing_is_asked_that_leads_to_it() -> None:
    rows = call("p", "Ann", -9, "Acme", {"discovery": 1, "business_case": 1})
    signed = dataclasses.replace(rows.turns[-1], turn=30, side="buyer", name="Mia", text="The order is placed.")
    plan = plan_of(dataclasses.replace(rows, turns=(*rows.turns, signed)))
    assert [q.question for q in plan.questions] == list(AFTERWARDS)


def test_the_plan_shows_what_is_promised_and_the_day_that_is_agreed() -> None:
    rows = call("p", "Ann", -9, "Acme", {"discovery": 1, "ask_for_sale": 2})
    said = [
        dataclasses.replace(rows.turns[-1], turn=31, text="Shall we meet on Thursday the 5th?"),
        dataclasses.replace(
            rows.turns[-1], turn=32, side="buyer", name="Mia", text="Yes. I'll send the log on Friday."
        ),
    ]
    row = plan_json(plan_of(dataclasses.replace(rows, turns=(*rows.turns, *said))))
    assert row["ask"]["because"].endswith("; a day is agreed already: 2026-11-05")
    assert [one["due"] for one in row["promised"]] == [None, "2026-11-05"]  # none that is overdue
    assert row["last_next_step"]["text"] == "a day was agreed: 2026-11-05"
    assert row["last_next_step"]["quote"] == "Shall we meet on Thursday the 5th?"
    # what holds on a condition, or until a day, is no day that is agreed
    for text in (
        "If the form is late, I'll call you on Thursday the 5th.",
        "I'll pencil you in until Thursday the 5th.",
    ):
        late = dataclasses.replace(rows.turns[-1], turn=31, text=text)
        row = plan_json(plan_of(dataclasses.replace(rows, turns=(*rows.turns, late))))
        assert len(row["promised"]) == 2
        assert "agreed already" not in row["ask"]["because"]
    # without it nothing is added, and the level says how it ended
    bare = plan_json(plan_of(rows))
    assert (bare["last_next_step"]["text"], len(bare["promised"])) == ("a next step without a date", 1)
    assert "agreed already" not in bare["ask"]["because"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("I will look at it. I don't say no.", "asked for a commitment; the answer left it open"),
        (
            "The boxes, yes. The day I'll say after Monday.",
            "asked for a commitment; the answer left it open",
        ),
        ("Yes, you have my word.", "asked for a commitment, and got it"),
    ],
)
def test_an_answer_that_leaves_it_open_is_no_commitment(answer: str, text: str) -> None:
    rows = call("p", "Ann", -9, "Acme", {"ask_for_sale": 4})
    moments = tuple(
        dataclasses.replace(m, speaker="buyer:Mia", quote=answer) if m.criterion == "ask_for_sale" else m
        for m in rows.moments
    )
    row = plan_json(plan_of(dataclasses.replace(rows, moments=moments)))
    assert row["last_next_step"]["text"] == text
    # the rep's words may be what is quoted: the answer to them tells
    last = rows.turns[-1]
    asks = dataclasses.replace(last, turn=last.turn + 1, side="rep", name="rep", text="Can I book Tuesday the 17th?")
    says = dataclasses.replace(last, turn=last.turn + 2, side="buyer", name="Mia", text=answer)
    moments = tuple(
        dataclasses.replace(m, turn=asks.turn, speaker="rep", quote=asks.text, why="")
        if m.criterion == "ask_for_sale"
        else m
        for m in rows.moments
    )
    row = plan_json(plan_of(dataclasses.replace(rows, moments=moments, turns=(*rows.turns, asks, says))))
    assert row["last_next_step"]["text"] == text


def test_what_came_up_on_other_accounts_is_counted_and_leads_to_its_calls() -> None:
    ours = call("m", "Ann", -1, "Acme", {"discovery": 2})
    first, second = call("p", "Ann", -9, "Birch", {"discovery": 2}), call("q", "Ann", -5, "Cedar", {"discovery": 2})
    priced = [ObjectionRow(p, 5, "price_terms", "no") for p in "pq"]
    third = call("r", "Ann", -3, "Dale", {"discovery": 2})
    raised = (*priced, ObjectionRow("q", 6, "competition", "no"), ObjectionRow("r", 6, "stall", "no"))
    rows = dataclasses.replace(merged(ours, first, second, third), objections=raised)
    plan = pre_call_plan(rows, "Acme", RUBRIC, as_of=DAY)
    assert plan is not None
    expect = plan_json(plan)["expect"]
    assert (expect["objection"], "on 2 of the 3 calls" in expect["because"]) == ("price_terms", True)
    assert [(at["call"], at["turn"]) for at in expect["came_up"]] == [("q", 5), ("p", 5)]
    assert [(at["call"], at["turn"], at["text"]) for at in expect["others"]] == [("r", 6, "a stall")]


def test_the_objection_to_expect_is_the_open_one_with_an_answer_that_worked() -> None:
    expect = plan_of(story()).expect
    assert expect is not None
    assert (expect.kind, expect.because) == ("price_terms", "raised on this account and still open")
    assert expect.statement.call_id == "a5"  # type: ignore[union-attr]
    assert expect.worked is not None
    assert (expect.worked.score.rep, expect.worked.moment.turn) == ("Cid", 8)
    assert expect.worked.to_json()["handled"] == "yes"


def test_an_answer_comes_after_the_objection_and_is_one_before_it_is_anything_else() -> None:
    rows = story()
    before = moment("c5", "objection_handling", 6, "answer")
    after = moment("c0", "objection_handling", 10, "trade")
    expect = plan_of(dataclasses.replace(rows, moments=(*rows.moments, before, after))).expect
    assert expect is not None
    assert expect.worked is not None
    assert (expect.worked.moment.call_id, expect.worked.moment.turn) == ("c0", 10)


def test_a_question_is_no_answer_that_worked() -> None:
    rows = story()
    asked = tuple(
        dataclasses.replace(m, quote="Is it the budget?") if m.criterion == "objection_handling" else m
        for m in rows.moments
    )
    expect = plan_of(dataclasses.replace(rows, moments=asked)).expect
    assert expect is not None
    assert expect.worked is None


def test_without_an_open_one_other_accounts_tell_what_to_expect() -> None:
    expect = plan_of(story(), "Cedar").expect
    assert expect is not None
    assert (expect.kind, expect.statement) == ("price_terms", None)
    assert "on 12 of the 12 calls" in expect.because
    alone = plan_of(call("p", "Ann", -9, "Acme", {"discovery": 3}))
    assert alone.expect is None


@pytest.mark.parametrize(
    ("levels", "ask"),
    [
        ({"discovery": 1}, "a dated second conversation"),
        ({"discovery": 3, "decision_makers": 1}, "the steps and the day of the decision"),
        ({"discovery": 3, "decision_makers": 3, "business_case": 1}, "half an hour, on a fixed date"),
        ({"discovery": 3, "decision_makers": 3, "business_case": 3}, "a date to go through the offer"),
        (
            {"discovery": 3, "decision_makers": 3, "business_case": 3, "objection_handling": 1},
            "what clears the open objection",
        ),
        ({"discovery": 3, "decision_makers": 3, "business_case": 1, "proposal": 3}, "the order, with a start date"),
    ],
)
def test_the_ask_is_the_most_that_is_fair_now(levels: dict[str, int], ask: str) -> None:
    plan = plan_of(call("p", "Ann", -9, "Acme", levels))
    assert plan.ask.startswith(ask)
    assert plan.ask_because


def test_long_silence_is_said() -> None:
    rows = call("p", "Ann", -30, "Acme", {"discovery": 3})
    assert plan_json(plan_of(rows))["silence"] == "30 days since the last call"
    assert "silence" not in plan_json(plan_of(call("p", "Ann", -3, "Acme", {"discovery": 3})))


def test_every_criterion_of_the_rubric_has_questions() -> None:
    assert set(QUESTIONS) == {c.id for c in RUBRIC.criteria}
    for questions in QUESTIONS.values():
        assert {level for level, _, _ in questions} == {1, 2}


def test_a_statement_without_words_says_only_its_call() -> None:
    assert Statement("level 3", "c1", DAY).to_json() == {"text": "level 3", "call": "c1", "date": "2026-11-02"}
