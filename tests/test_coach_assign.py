from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from coach_story import DAY, RUBRIC, call, merged, story

from pipeline.coach.assign import DUE_DAYS, MAX_OPEN, assignment_id, completed, new_assignments
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.training import Library, load_library

LIBRARY = load_library()


def given(rows: Rows, *, as_of: dt.date = DAY) -> tuple[Assignment, ...]:
    return new_assignments(rows, RUBRIC, LIBRARY, as_of=as_of)


def with_(rows: Rows, *assignments: Assignment) -> Rows:
    return dataclasses.replace(rows, assignments=(*rows.assignments, *assignments))


def low_everywhere() -> Rows:
    """A rep who is low on five criteria, and a good colleague."""
    low = dict.fromkeys(("discovery", "decision_makers", "business_case", "proposal", "ask_for_sale"), 0)
    high = dict.fromkeys(low, 4)
    weeks = range(6)
    return merged(
        *(call(f"x{w}", "Xan", 7 * w - 40, "Acme", low) for w in weeks),
        *(call(f"y{w}", "Yve", 7 * w - 40, "Birch", high) for w in weeks),
    )


def test_a_gap_becomes_an_assignment_with_evidence_and_a_date() -> None:
    made = {(a.rep, a.criterion): a for a in given(story())}
    assert ("Cid", "discovery") not in made
    ask = made["Ann", "ask_for_sale"]
    assert (ask.module, ask.level, ask.status) == ("ask-for-sale-never-hang-up-without", 1, "open")
    assert (ask.assigned_on, ask.due_on) == (DAY, DAY + dt.timedelta(DUE_DAYS))
    assert ask.reason.startswith("Ask for the sale at 1.")
    assert ask.detail["n"] == 6
    lows, best = ask.detail["low_moments"], ask.detail["best_moments"]
    assert [(m["call_id"], m["kind"]) for m in lows] == [("a5", "missed"), ("a4", "missed"), ("a3", "missed")]
    assert {m["rep"] for m in best} == {"Bob"}
    assert best[0]["quote"] == "I will send you something and we speak soon."
    assert json.loads(json.dumps(ask.to_json()))["due_on"] == "2026-11-16"


def test_objections_get_the_module_for_the_kind_that_goes_wrong() -> None:
    weeks = range(6)
    bad = merged(*(call(f"x{w}", "Xan", 7 * w - 40, "Acme", {"objection_handling": 0}) for w in weeks))
    good = merged(*(call(f"y{w}", "Yve", 7 * w - 40, "Birch", {"objection_handling": 4}) for w in weeks))
    (made,) = given(merged(bad, good))
    assert made.module == "objections-price-and-terms"
    assert made.detail["objection_kind"] == "price_terms"
    assert {m["objection_kind"] for m in made.detail["best_moments"]} == {"price_terms"}


def test_running_twice_assigns_nothing_new() -> None:
    rows = story()
    first = given(rows)
    assert first
    assert given(with_(rows, *first)) == ()
    assert given(with_(rows, *first), as_of=DAY + dt.timedelta(9)) == ()
    assert {a.assignment_id for a in given(rows)} == {a.assignment_id for a in first}


def test_never_more_than_two_open_and_the_largest_lift_first() -> None:
    rows = low_everywhere()
    first = given(rows)
    assert len(first) == MAX_OPEN
    assert [a.detail["expected_lift"] for a in first] == sorted(
        (a.detail["expected_lift"] for a in first), reverse=True
    )
    one_done = [completed(first[0], on=DAY), first[1]]
    (third,) = given(with_(rows, *one_done), as_of=DAY + dt.timedelta(1))
    assert third.criterion not in {a.criterion for a in first}
    assert given(with_(rows, *one_done, third), as_of=DAY + dt.timedelta(1)) == ()


def test_after_training_the_gap_must_show_again_in_new_calls() -> None:
    levels = {"discovery": 1}
    rows = merged(
        *(call(f"x{w}", "Xan", 7 * w - 40, "Acme", levels) for w in range(6)),
        *(call(f"y{w}", "Yve", 7 * w - 40, "Birch", {"discovery": 4}) for w in range(6)),
    )
    (first,) = given(rows)
    done = completed(first, on=DAY + dt.timedelta(10))
    assert (done.status, done.completed_on) == ("done", DAY + dt.timedelta(10))
    later = DAY + dt.timedelta(40)
    two = merged(rows, *(call(f"z{n}", "Xan", 15 + n, "Acme", levels) for n in range(2)))
    assert given(with_(two, done), as_of=later) == ()
    three = merged(two, call("z9", "Xan", 20, "Acme", levels))
    (second,) = given(with_(three, done), as_of=later)
    assert second.module == "discovery-one-question-deeper"
    assert second.assignment_id != first.assignment_id


def test_a_criterion_under_another_name_is_taught_by_the_same_modules() -> None:
    pain = dataclasses.replace(RUBRIC.criterion("discovery"), id="identify_pain", same_as="discovery")
    rubric = dataclasses.replace(RUBRIC, criteria=(pain,))
    rows = merged(*(call(f"x{w}", "Xan", 7 * w - 40, "Acme", {"identify_pain": 0}) for w in range(6)))
    (made,) = new_assignments(rows, rubric, LIBRARY, as_of=DAY)
    assert made.criterion == "identify_pain"
    assert made.module.startswith("discovery-")


def test_no_scores_or_no_module_is_no_assignment() -> None:
    assert given(Rows()) == ()
    assert new_assignments(story(), RUBRIC, Library(), as_of=DAY) == ()
    assert given(story(), as_of=DAY - dt.timedelta(400)) == ()


@pytest.mark.parametrize("other", [("B", "c", "m"), ("A", "d", "m"), ("A", "c", "n")])
def test_the_id_is_made_of_the_facts(other: tuple[str, str, str]) -> None:
    assert assignment_id("A", "c", "m", DAY) == assignment_id("A", "c", "m", DAY)
    assert assignment_id("A", "c", "m", DAY) != assignment_id(*other, DAY)
    assert assignment_id("A", "c", "m", DAY) != assignment_id("A", "c", "m", DAY + dt.timedelta(1))


def test_no_further_module_while_the_calls_since_are_at_the_target() -> None:
    low = [call(f"x{w}", "Xan", 3 * w - 80, "Acme", {"discovery": 1}) for w in range(25)]
    others = [
        call(f"{rep}{w}", rep, 7 * w - 80, "Birch", {"discovery": 2 + w % 3})
        for rep in ("Yve", "Zoe")
        for w in range(12)
    ]
    (first,) = given(merged(*low, *others))
    done = completed(first, on=DAY)
    good = merged(*low, *others, *(call(f"z{n}", "Xan", 1 + n, "Acme", {"discovery": 3 + n % 2}) for n in range(3)))
    assert given(with_(good, done), as_of=DAY + dt.timedelta(5)) == ()
