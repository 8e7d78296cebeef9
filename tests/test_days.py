"""Which day a call was on, and which it can be of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

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


def test_a_time_zone_that_is_none_is_told_where_there_is_a_date() -> None:
    day = dt.date(2026, 4, 1)
    assert days.doubts(day, "Europe/Paris") == days.doubts(None, "Mars/Base") == ()
    (line,) = days.doubts(day, "Mars/Base")
    assert "no time zone is called 'Mars/Base'" in line


@pytest.mark.parametrize(
    ("text", "stated", "day"),
    [
        ("2026-04-01T01:30:00Z", "America/Los_Angeles", 31),
        ("2026-04-01T01:30:00Z", "Asia/Tokyo", 1),
        ("2026-04-01 01:30:00+00:00", "America/Los_Angeles", 31),
        # without a zone: this machine's, which is New York here
        ("2026-04-01T01:30:00Z", None, 31),
        ("2026-04-01T01:30:00.000Z", "Mars/Base", 31),
        ("2026-04-01T04:30:00Z", None, 1),
        # the distance from UTC tells the place; a stated zone tells it better
        ("2026-04-01T01:30:00+09:00", None, 1),
        ("2026-04-01T01:30:00+02:00", "America/Los_Angeles", 31),
        # a time without either is one of the place
        ("2026-04-01T01:30:00", "America/Los_Angeles", 1),
        ("2026-04-01", "America/Los_Angeles", 1),
        ("20260401", None, 1),
        ("2026-04-01 at noon", None, 1),
    ],
)
def test_a_call_is_of_the_day_that_it_was_where_it_was_made(
    zone: Callable[[str], None], text: str, stated: str | None, day: int
) -> None:
    zone("America/New_York")
    assert days.day_of(text, stated) == dt.date(2026, 4 if day == 1 else 3, day)


@pytest.mark.parametrize("name", ["", "..", "/etc/passwd", "Europe", "x" * 5000, "a\0b", 3, None, ["UTC"]])
def test_what_is_no_time_zone_is_none(name: object) -> None:
    assert days.known_zone(name) is None


def test_the_first_day_there_is_has_none_before_it(zone: Callable[[str], None]) -> None:
    zone("America/New_York")
    assert days.day_of("0001-01-01T00:00:00Z") == dt.date(1, 1, 1)
