"""Which days a call can be of."""

from __future__ import annotations

import datetime as dt

from pipeline import days


def test_a_call_is_of_tomorrow_at_the_latest() -> None:
    assert days.latest(dt.date(2031, 5, 6)) == dt.date(2031, 5, 7)
    last = days.latest()
    assert [days.possible(day) for day in (last, last + dt.timedelta(1), None)] == [last, None, None]


def test_a_clock_that_is_far_behind_takes_no_call_its_date() -> None:
    assert days.latest(dt.date(1970, 1, 1)) > days.WRITTEN


def test_a_date_in_the_future_is_told_with_what_to_do() -> None:
    assert days.doubts(None) == days.doubts(days.latest()) == ()
    (line,) = days.doubts(dt.date(2999, 1, 5))
    assert line.startswith("the date 2999-01-05 lies in the future")
    assert "debrief process" in line
