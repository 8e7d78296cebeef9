"""Dates as vendors write them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.days import day_at, day_of


def date_of(value: Any) -> dt.date | None:
    """The day of an ISO 8601 text, or of milliseconds (or seconds) since 1970 where this machine is; None for
    neither."""
    if isinstance(value, str):
        if value.isdigit() and 9 <= len(value) <= 13:
            return date_of(int(value))
        try:
            return day_of(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 10**8 <= value < 10**13:
        return None
    return day_at(dt.datetime.fromtimestamp(value / 1000 if value >= 10**11 else value, tz=dt.UTC))
