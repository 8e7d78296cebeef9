"""Numbers and marks in sentences."""

from __future__ import annotations

from collections.abc import Mapping


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`; `many` where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def tallied(counts: Mapping[str, int], nothing: str = "nothing to do") -> str:
    """How many of each, by name: `1 failed, 12 scored`; `nothing` where there is none."""
    return ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or nothing


def size_text(size: int) -> str:
    """A file's size as people read it: `512 bytes`, `14 kB`, `2.3 MB`."""
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def clock(seconds: float) -> str:
    """Seconds from the start of a call: `4:05`, `1:02:03` above an hour."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign, `+0.8` or `-0.6`; one that rounds to nothing has none."""
    said = f"{value:+.{digits}f}"
    return said[1:] if not said.strip("+-0.") else said


def change_text(value: float | None, low: float | None, high: float | None) -> str:
    """A change with its interval, ` +0.8 (+0.1 to +1.5)`, a blank before it; nothing where none is known."""
    if value is None or low is None or high is None:
        return ""
    return f" {signed(value)} ({signed(low)} to {signed(high)})"


def rounded(value: float, places: int) -> float:
    """So many decimals that are the same as the value itself once fewer are shown: 0.853 in two is 0.86, because 0.85
    would be shown as 0.8 beside a sentence that says 0.9 of the value."""
    near, step = round(value, places), 10.0**-places
    if all(f"{near:.{shown}f}" == f"{value:.{shown}f}" for shown in range(places)):
        return near
    return round(near + (step if value > near else -step), places)


def hundredths(value: float) -> float:
    """`rounded` to two decimals."""
    return rounded(value, 2)


def straight(text: str) -> str:
    """The text with straight apostrophes, of the same length: rules are written with those."""
    return text.replace("\u2019", "'")
