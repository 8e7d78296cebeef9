"""Numbers and marks in sentences."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`; `many` where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def size_text(size: int) -> str:
    """A file's size as people read it: `512 bytes`, `14 kB`, `2.3 MB`."""
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def hundredths(value: float) -> float:
    """Two decimals that are the same as the value itself once one decimal is shown: 0.853 is 0.86, because 0.85 would
    be shown as 0.8 beside a sentence that says 0.9 of the value."""
    near = round(value, 2)
    if f"{near:.1f}" == f"{value:.1f}":
        return near
    return round(near + (0.01 if value > near else -0.01), 2)


def straight(text: str) -> str:
    """The text with straight apostrophes, of the same length: rules are written with those."""
    return text.replace("\u2019", "'")
