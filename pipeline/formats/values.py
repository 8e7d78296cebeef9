"""Reading values out of JSON that somebody else wrote: the right kind of value or nothing, never an exception."""

from __future__ import annotations

import math
import re
from typing import Any

MAX_SECONDS = 1000 * 3600.0
"""Times beyond this are taken for damage."""

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,9})?)")
_ISO = re.compile(r"PT(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?")
_NUMBER = re.compile(r"[+]?\d{1,15}(?:\.\d{0,18})?(?:[eE][+-]?\d{1,2})?s?")


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def string(value: Any) -> str:
    """A text, a whole number written out, else empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**24 else ""


def first(value: Any) -> dict[str, Any]:
    """The first object of a list, or an empty one."""
    items = rows(value[:1]) if isinstance(value, list) else []
    return items[0] if items else {}


def seconds(value: Any, *, per_second: float = 1.0) -> float | None:
    """A time in seconds out of the ways vendors write one; None where it is none, negative, or absurdly large.

    Numbers and numerals (divided by `per_second`: 1000 for milliseconds), `"1.200s"`, ISO 8601 `"PT1H2M3.5S"`,
    clocks `"1:02:03.5"`, and protobuf durations `{"seconds": "1", "nanos": 200000000}`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if isinstance(value, int) and abs(value) > 10**18:
            return None
        return _in_range(float(value) / per_second)
    if isinstance(value, dict):
        whole, nanos = seconds(value.get("seconds", 0)), seconds(value.get("nanos", 0), per_second=1e9)
        return None if whole is None or nanos is None else _in_range(whole + nanos)
    return _written(value.strip(), per_second) if isinstance(value, str) else None


def _written(text: str, per_second: float) -> float | None:
    if _NUMBER.fullmatch(text):
        return _in_range(float(text.removesuffix("s")) / (1.0 if text.endswith("s") else per_second))
    if match := _ISO.fullmatch(text):
        hours, minutes, rest = (float(part or 0) for part in match.groups())
        return _in_range(hours * 3600 + minutes * 60 + rest)
    return clock(text)


def clock(text: str) -> float | None:
    """Seconds of `m:ss`, `mm:ss.mmm` or `h:mm:ss,mmm`; None where the text is no clock time."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        return None
    hours, minutes, rest = match.groups()
    return _in_range(float(hours or 0) * 3600 + float(minutes) * 60 + float(rest.replace(",", ".")))


def _in_range(value: float) -> float | None:
    return value if math.isfinite(value) and 0 <= value <= MAX_SECONDS else None


def probability(value: Any) -> float | None:
    """A number from 0 to 1, also when written as text; else None."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value.removesuffix("s"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def speaker_label(speaker: Any = None, channel: Any = None) -> str:
    """A label from a vendor's speaker and channel: texts as given, numbers as `speaker 0`, `channel 1`; else empty."""
    who = string(speaker)
    named = who if isinstance(speaker, str) and not who.isdigit() else f"speaker {who}" if who else ""
    return " ".join(part for part in (f"channel {string(channel)}" if string(channel) else "", named) if part)
