"""What QUALITY.md says of the sets that the test calls stand in."""

import pytest

from benchmarks.judge.__main__ import by_set, judge_all
from benchmarks.judge.data import SETS, read_test, set_of
from benchmarks.judge.measure import measure
from models.judge_model import load_judge


def test_every_set_is_measured_on_its_own_calls_alone() -> None:
    calls = [call for call in read_test() if call.call_id in ("w12-01", "w12-02", "w88-01")]
    levels, cards = judge_all(calls, load_judge())
    sets = by_set(calls, cards, levels)
    assert {name: count for name, (count, _) in sets.items()} == {"w12 to w15": 2, "w88 to w95": 1}
    assert sum(report.overall.n for _, report in sets.values()) == measure(calls, cards, levels).overall.n


def test_every_test_call_stands_in_a_set() -> None:
    assert {set_of(call.call_id) for call in read_test()} == set(SETS)
    with pytest.raises(LookupError, match="w96-01"):
        set_of("w96-01")
