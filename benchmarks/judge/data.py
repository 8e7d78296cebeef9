"""The test calls: labelled, never read by any training code (a test holds `models/` to that), and never to become
training calls: more calls no longer make a better judge, a larger test tells better how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.training.corpus import LabelledCall, Labels, agreed_level, read_corpus

TEST = Path(__file__).resolve().parent / "test"
SETS = {"w12 to w15": range(12, 16), "w88 to w95": range(88, 96)}
"""Test calls by the writer that their ids name, the earlier and the later ones."""


def read_test() -> list[LabelledCall]:
    """All test calls."""
    return read_corpus(TEST)


def set_of(call_id: str) -> str:
    """The name in `SETS` of the set that a test call stands in; raises `LookupError` where it is in none."""
    writer = int(call_id.removeprefix("w").partition("-")[0])
    found = [name for name, writers in SETS.items() if writer in writers]
    if not found:
        raise LookupError(f"{call_id}: no set of test calls has this writer; add one to SETS")
    return found[0]


def consensus(call: LabelledCall, criterion: str) -> int | None:
    """The level of a criterion as labellers and readers agree on it, halves rounded up; None is n/a."""
    level = agreed_level(call, criterion)
    return None if level is None else int(level + 0.5)


def cited(labels: Sequence[Labels], criterion: str) -> set[int]:
    """Every turn that some labeller cited for a criterion."""
    return {turn for label in labels for turn in label.evidence[criterion]}
