"""Since when a gap is there, and how the pages say it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from coach_story import DAY, RUBRIC

from pipeline.coach.rows import ScoredCall
from pipeline.coach.team import Since, low_since, picture_of
from pipeline.web.render import environment


def test_a_call_without_a_date_hides_not_since_when_a_gap_is_there() -> None:
    def gap(*levels: int, dated: bool = True) -> Since:
        days = [DAY - dt.timedelta(7 * n) if dated else None for n in range(len(levels))]
        rows = [ScoredCall(f"d{n}", "Bob", "discovery", level, date=days[n]) for n, level in enumerate(levels)]
        return low_since([*rows, ScoredCall("undated", "Bob", "discovery", 1)], 3.0)

    parts: Any = environment().get_template("team_parts.html").module
    assert parts.below(gap(1, 2, 1)) == "Below the target on 3 of 3 calls since the first, on 19 Oct 2026. "
    assert parts.below(gap(1, 2, dated=False)) == "No call has a date that says since when. "
    assert parts.below(gap(3, 4, 0)) == "The newest calls reached the target again. "
    assert parts.below(None) == ""


def test_undated_calls_of_one_type_are_not_said_to_have_reached_the_target() -> None:
    rows = [ScoredCall(f"d{n}", "Bob", "discovery", 1, call_type="demo") for n in range(4)]
    rows.append(ScoredCall("other", "Bob", "discovery", 1, date=DAY, call_type="closing"))
    since = picture_of(rows, RUBRIC, call_type="demo").since["Bob", "discovery"]
    assert since == Since(None, 0, 0, always=True)
