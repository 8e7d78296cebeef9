"""The test calls: labelled, never read by any training code (a test holds `models/` to that).

`test/` stays; what is in `fresh/` measures the judge that ships until the next one is trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.training.corpus import LabelledCall, Labels, agreed_level, read_corpus

TEST = Path(__file__).resolve().parent / "test"
FRESH = TEST.with_name("fresh")


def read_test() -> list[LabelledCall]:
    """All test calls."""
    return read_corpus(TEST)


def read_fresh() -> list[LabelledCall]:
    """Calls that were written after the judge was trained; none where all of them are training calls by now."""
    return read_corpus(FRESH)


def consensus(call: LabelledCall, criterion: str) -> int | None:
    """The level of a criterion as labellers and readers agree on it, halves rounded up; None is n/a."""
    level = agreed_level(call, criterion)
    return None if level is None else int(level + 0.5)


def cited(labels: Sequence[Labels], criterion: str) -> set[int]:
    """Every turn that some labeller cited for a criterion."""
    return {turn for label in labels for turn in label.evidence[criterion]}
