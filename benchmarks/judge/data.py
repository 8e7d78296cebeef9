"""The test calls: labelled, never read by any training code (a test holds `models/` to that).

`test/` stays; what is in `fresh/` measures the judge that ships until the next one is trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median_high

from models.training.corpus import LabelledCall, Labels, read_corpus

TEST = Path(__file__).resolve().parent / "test"
FRESH = TEST.with_name("fresh")


def read_test() -> list[LabelledCall]:
    """All test calls."""
    return read_corpus(TEST)


def read_fresh() -> list[LabelledCall]:
    """Calls that were written after the judge was trained; none where all of them are training calls by now."""
    return read_corpus(FRESH)


def consensus(labels: Sequence[Labels], criterion: str) -> int | None:
    """The labellers' common level of a criterion: n/a where most say so, else the upper median of the levels given."""
    levels = [label.levels[criterion] for label in labels]
    known = sorted(level for level in levels if level is not None)
    if 2 * len(known) < len(levels) or not known:
        return None
    return median_high(known) if len(known) != 2 else (known[0] + known[1] + 1) // 2


def cited(labels: Sequence[Labels], criterion: str) -> set[int]:
    """Every turn that some labeller cited for a criterion."""
    return {turn for label in labels for turn in label.evidence[criterion]}
