from __future__ import annotations

import pytest

from pipeline.coach.commands import _effect_text
from pipeline.wording import change_text, counted, hundredths, rounded, signed, size_text


def test_two_decimals_are_shown_with_one_like_the_value_itself() -> None:
    values = [n / 7919 for n in range(-4 * 7919, 4 * 7919, 3)]
    assert [v for v in values if f"{hundredths(v):.1f}" != f"{v:.1f}"] == []
    assert max(abs(hundredths(v) - v) for v in values) < 0.0151
    assert (hundredths(0.853), hundredths(2.847), hundredths(0.56)) == (0.86, 2.84, 0.56)


@pytest.mark.parametrize("places", [1, 2, 3])
def test_a_rounded_number_is_shown_like_the_value_itself_however_few_decimals_are_shown(places: int) -> None:
    values = [n / 7919 for n in range(-7919, 7919)] + [
        n / 16 + tiny for n in range(-32, 32) for tiny in (-1e-4, 0, 1e-4)
    ]
    for value in values:
        made = rounded(value, places)
        assert [f"{made:.{n}f}" for n in range(places)] == [f"{value:.{n}f}" for n in range(places)]
        assert abs(made - value) < 1.51 * 10**-places


def test_a_change_that_rounds_to_nothing_has_no_sign() -> None:
    assert [signed(0.84), signed(-0.56), signed(-0.04), signed(0.004, 2)] == ["+0.8", "-0.6", "0.0", "0.00"]
    assert change_text(-1.1, -2.26, 0.03) == " -1.1 (-2.3 to 0.0)"
    assert change_text(None, None, None) == ""
    told = {"verdict": "no clear effect", "effect": -1.115, "low": -2.257, "high": 0.028, "n_before": 4, "n_after": 3}
    assert _effect_text(told) == _effect_text(told, why=True) == "no clear effect -1.1 (-2.3 to 0.0), n 4+3"
    early = {"verdict": "too early to tell", "effect": None, "reason": "1 scored call since completion, 3 needed"}
    assert _effect_text(early) == "too early to tell"
    assert _effect_text(early, why=True) == "too early to tell; 1 scored call since completion, 3 needed"


def test_numbers_in_sentences() -> None:
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert counted(2, "company", "companies") == "2 companies"


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1 byte"), (999, "999 bytes"), (14_300, "14 kB"), (2_340_000, "2.3 MB")]
)
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text
