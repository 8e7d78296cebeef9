"""Dates as vendors write them."""

from __future__ import annotations

import datetime as dt
from typing import Any


def date_of(value: Any) -> dt.date | None:
    """The day of an ISO 8601 text as written, or of milliseconds (or seconds) since 1970 in UTC; None for neither."""
    if isinstance(value, str):
        if value.isdigit() and 9 <= len(value) <= 13:
            return date_of(int(value))
        try:
            return dt.date.fromisoformat(value.strip()[:10])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 10**8 <= value < 10**13:
        return None
    return dt.datetime.fromtimestamp(value / 1000 if value >= 10**11 else value, tz=dt.UTC).date()
