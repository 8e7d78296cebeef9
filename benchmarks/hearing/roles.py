"""Roles: rep and buyers of labelled transcripts with every label and all metadata hidden; only the words are left."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.hearing.cases import ROOT, SAMPLES
from models.training.corpus import read_corpus
from pipeline.roles import resolve_roles
from pipeline.types import CallMeta, Hearing, Transcript

Row = dict[str, Any]
THRESHOLD = 0.8


def call_sets() -> dict[str, list[Transcript]]:
    """Sets of calls that neither the role head nor the judge was trained on, by name."""
    samples = [
        Transcript.from_json(json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((SAMPLES / "reference").glob("*.json"))
    ]
    return {
        "the judge's test calls": [item.transcript for item in read_corpus(ROOT / "benchmarks/judge/test")],
        "recorded sample calls": samples,
    }


def hidden(transcript: Transcript, chance: random.Random) -> Transcript:
    """The same turns by `SPEAKER_00` and so on in random order, without metadata or notes."""
    labels = list(dict.fromkeys(turn.speaker for turn in transcript.turns))
    chance.shuffle(labels)
    names = {label: f"SPEAKER_{index:02d}" for index, label in enumerate(labels)}
    turns = tuple(replace(turn, speaker=names[turn.speaker]) for turn in transcript.turns)
    return replace(transcript, turns=turns, meta=CallMeta(), hearing=Hearing())


def misplaced(truth: Transcript, found: Transcript) -> float:
    """Share of the text that stands on the wrong side."""
    pairs = [(len(a.text), a.side != b.side) for a, b in zip(truth.turns, found.turns, strict=True)]
    return sum(size for size, wrong in pairs if wrong) / max(1, sum(size for size, _ in pairs))


def role_rows() -> Iterator[Row]:
    """One row per set: calls with nobody on the wrong side, calls left to a person at the threshold, and among the rest
    those with somebody on the wrong side (misplaced) and those with most of the text there (swapped)."""
    for name, calls in call_sets().items():
        counts = dict.fromkeys(("right", "waiting", "misplaced", "swapped"), 0)
        confidences: list[tuple[float, bool]] = []
        for transcript in calls:
            blind = hidden(transcript, random.Random(transcript.call_id))
            guess, sure = resolve_roles(blind, threshold=0.0), resolve_roles(blind, threshold=THRESHOLD)
            good = guess.resolved and misplaced(transcript, guess) == 0.0
            wrong = misplaced(transcript, sure) if sure.resolved else 0.0
            counts["right"] += good
            counts["waiting"] += not sure.resolved
            counts["misplaced"] += wrong > 0.0
            counts["swapped"] += wrong > 0.5
            confidences.append((guess.hearing.roles_confidence or 0.0, good))
        brier = sum((confidence - good) ** 2 for confidence, good in confidences) / max(1, len(confidences))
        yield {
            "set": name,
            "calls": len(calls),
            **counts,
            "mean_confidence": sum(c for c, _ in confidences) / max(1, len(confidences)),
            "brier": brier,
        }
