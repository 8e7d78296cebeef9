"""What QUALITY.md says of the calls kept apart from the judge."""

from benchmarks.judge.__main__ import measured_apart
from benchmarks.judge.data import read_test
from benchmarks.judge.report import agreement_table
from models.judge_model import load_judge


def test_of_calls_kept_apart_it_says_how_far_their_readers_agree() -> None:
    apart = measured_apart(read_test()[:4], load_judge())
    *_, of_all = agreement_table(apart.report, apart.raters, apart.level_readers).splitlines()
    assert of_all.startswith("| all |")
    assert " - |" not in of_all
    assert apart.readers is not None
