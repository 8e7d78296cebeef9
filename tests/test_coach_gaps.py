from __future__ import annotations

import dataclasses
import datetime as dt
import functools

import numpy as np
import pytest
from coach_simulation import TODAY, simulate
from test_coach_standings import calls

from pipeline.coach.gaps import FALSE_ALARMS, HEARD_DAYS, MIN_CALLS, SURE, criterion_shares, find_gaps
from pipeline.coach.rows import ScoredCall
from pipeline.rubric import Rubric, load_rubric

CRITERIA = ("discovery", "decision_makers", "business_case", "positioning", "recommendation", "ask_for_sale")


@functools.cache
def rubric() -> Rubric:
    return load_rubric("sales_call")


def found_for(seed: int, *, teams: int, level: float, hole: float | None = None, **team: object) -> list[list[str]]:
    """The gaps found for one rep per simulated team, at `level` on every criterion but `hole` on the first."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(teams):
        rows: list[ScoredCall] = []
        for criterion in CRITERIA:
            own = hole if hole is not None and criterion == CRITERIA[0] else level
            rows += simulate(rng, criterion=criterion, flat={0: own}, **team).scores  # type: ignore[arg-type]
        found.append([gap.criterion for gap in find_gaps(rows, rubric()) if gap.rep == "rep 0"])
    return found


def test_a_rep_at_target_among_weaker_colleagues_rarely_gets_a_gap() -> None:
    found = found_for(3, teams=60, level=3.0, reps=4, calls=(3, 12))
    assert sum(map(bool, found)) / 60 <= 0.05


def test_a_whole_team_at_target_rarely_gets_a_gap() -> None:
    rng = np.random.default_rng(4)
    alarms = reps = 0
    for _ in range(12):
        rows: list[ScoredCall] = []
        for criterion in CRITERIA:
            rows += simulate(rng, reps=6, criterion=criterion, flat=dict.fromkeys(range(6), 3.0)).scores
        alarms += len({gap.rep for gap in find_gaps(rows, rubric())})
        reps += 6
    assert alarms / reps <= 0.05


def test_a_real_hole_is_found_and_nothing_else() -> None:
    found = found_for(8, teams=20, level=3.3, hole=1.5, reps=4, calls=(6, 12))
    assert sum("discovery" in gaps for gaps in found) >= 18
    assert sum(len(set(gaps) - {"discovery"}) for gaps in found) <= 1


def test_who_has_not_been_heard_for_half_a_year_is_no_gap() -> None:
    team = calls("Bob", [3, 4, 3, 4, 3])

    def left(days: int) -> list[str]:
        old = [
            dataclasses.replace(row, date=row.date and row.date - dt.timedelta(days)) for row in calls("Ann", [1] * 8)
        ]
        return [gap.rep for gap in find_gaps(team + old, rubric())]

    assert left(HEARD_DAYS) == ["Ann"]
    assert left(HEARD_DAYS + 1) == []
    undated = [dataclasses.replace(row, date=None) for row in calls("Ann", [1] * 8)]
    assert [gap.rep for gap in find_gaps(team + undated, rubric())] == ["Ann"]


def test_a_gap_carries_its_numbers() -> None:
    rows = calls("Ann", [1, 1, 2, 1, 1]) + calls("Bob", [3, 4, 3, 4, 3])
    (gap,) = find_gaps(rows, rubric())
    assert (gap.rep, gap.criterion, gap.level) == ("Ann", "discovery", 1)
    assert gap.standing.n == 5
    assert gap.standing.p_below >= SURE
    assert gap.reason.startswith(f"Discovery at {gap.standing.estimate:.1f} (90 % interval ")
    assert "over 5 calls; target 3.0" in gap.reason
    assert gap.expected_lift == pytest.approx(25 * gap.standing.shortfall)


def test_two_low_calls_are_not_a_gap_but_three_are() -> None:
    others = calls("Bob", [3, 4, 3, 4, 3])
    assert find_gaps(calls("Ann", [0] * (MIN_CALLS - 1)) + others, rubric()) == ()
    assert [gap.rep for gap in find_gaps(calls("Ann", [0] * MIN_CALLS) + others, rubric())] == ["Ann"]


def test_one_bad_call_is_never_a_gap() -> None:
    for n in (2, 3, 5, 9):
        rows = calls("Ann", [3] * n + [0]) + calls("Bob", [3, 3, 4, 3]) + calls("Cid", [4, 3, 3, 3])
        assert find_gaps(rows, rubric()) == ()


def test_being_at_target_in_a_weak_team_is_no_gap() -> None:
    weak = [row for name in "BCDEF" for row in calls(name, [1, 0, 1, 1, 2, 1])]
    assert "Ann" not in {gap.rep for gap in find_gaps(calls("Ann", [3, 3, 3]) + weak, rubric())}


def test_criteria_that_the_rubric_does_not_know_are_left_out() -> None:
    rows = calls("Ann", [0] * 5) + calls("Ann", [0] * 5, criterion="proposal") + calls("Ann", [0] * 5, criterion="x")
    assert {gap.criterion for gap in find_gaps(rows, rubric())} == {"discovery", "proposal"}


def test_a_lower_target_closes_the_gap_and_a_higher_one_opens_it() -> None:
    rows = calls("Ann", [2] * 10) + calls("Bob", [3] * 10)
    assert {gap.rep for gap in find_gaps(rows, rubric())} == {"Ann"}
    assert find_gaps(rows, rubric(), target=1.5) == ()
    assert {gap.rep for gap in find_gaps(rows, rubric(), target=4.0)} == {"Ann", "Bob"}


def test_gaps_come_largest_lift_first_and_look_back() -> None:
    rows = calls("Ann", [2] * 8) + calls("Ann", [0] * 8, criterion="proposal") + calls("Bob", [3] * 8)
    gaps = find_gaps(rows, rubric())
    assert [gap.criterion for gap in gaps] == ["proposal", "discovery"]
    assert gaps[0].expected_lift > gaps[1].expected_lift
    assert find_gaps(rows, rubric(), as_of=TODAY - dt.timedelta(400)) == ()


def test_the_share_of_a_criterion_counts_only_calls_where_it_was_due() -> None:
    rows = [ScoredCall(c, "Ann", "discovery", 2) for c in "abcd"] + [ScoredCall("a", "Ann", "proposal", 2)]
    shares = criterion_shares(rows, rubric())
    assert shares["Ann", "discovery"] == pytest.approx((0.5 + 3) / 4)
    assert shares["Ann", "proposal"] == pytest.approx(0.5 / 4)


def test_the_documented_limits_hold() -> None:
    assert (SURE, MIN_CALLS, FALSE_ALARMS) == (0.8, 3, 0.025)
