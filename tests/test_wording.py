from __future__ import annotations

import pytest

from pipeline.wording import counted, size_text


def test_numbers_in_sentences() -> None:
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert counted(2, "company", "companies") == "2 companies"


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1 byte"), (999, "999 bytes"), (14_300, "14 kB"), (2_340_000, "2.3 MB")]
)
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text
