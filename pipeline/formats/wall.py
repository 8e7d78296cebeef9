"""Times of the day in transcripts: `10:01 AM`, and a first word that is said at 10:01:02."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.values import clock

HALF = r"(?:\s?([AaPp]\.?[Mm]\b\.?))?"
"""What may stand behind a time of the day; of two numbers before it the first is the hour."""
LONGEST_S = 6 * 3600.0
"""No call's first word is said later than this: what begins later goes by the clock on the wall."""

_DIAL_S = 12 * 3600.0
_DISORDER_S = 600.0
"""Lines may be out of order by this much."""


def from_the_start(first: float, times: Sequence[float]) -> list[float] | None:
    """Times of the day as seconds from the `first` of them; None where they are that already, or one is damaged."""
    late = [since(first, at) for at in times] if first >= LONGEST_S else []
    return late if late and max(late) <= LONGEST_S else None


def is_coarse(stamp: str, half: str | None) -> bool:
    """True for a time of the day without seconds; `half` is what says before or after noon."""
    return half is not None and stamp.count(":") == 1


def written_time(stamp: str, half: str | None) -> float | None:
    """Seconds of a time as it is written, from midnight or noon where `half` says before or after it."""
    return clock(f"{stamp}:00" if is_coarse(stamp, half) else stamp)


def since(first: float, at: float) -> float:
    """Seconds from one time of the day to another, also beyond noon or midnight; 0 for what is out of order."""
    late = (at - first) % _DIAL_S
    return late if late <= _DIAL_S - _DISORDER_S else 0.0
