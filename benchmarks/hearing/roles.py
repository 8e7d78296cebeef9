"""Roles: rep and buyers of labelled transcripts with every label and all metadata hidden; only the words are left."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.hearing.cases import ROOT, SAMPLES
from models.training.corpus import read_corpus
from models.training.roles import held_out
from pipeline.roles import resolve_roles
from pipeline.types import CallMeta, Hearing, Transcript

Row = dict[str, Any]
THRESHOLD = 0.8


def call_sets() -> dict[str, list[Transcript]]:
    """Sets of calls that the role head was not trained on, by name."""
    train, test = ROOT / "models" / "corpus" / "train", ROOT / "benchmarks" / "judge" / "test"
    samples = [
        Transcript.from_json(json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((SAMPLES / "reference").glob("*.json"))
    ]
    return {
        "held-out half of the corpus": [item.transcript for item in read_corpus(train) if held_out(item.call_id)],
        "the judge's test calls": [item.transcript for item in read_corpus(test)],
        "recorded sample calls": samples,
    }


def hidden(transcript: Transcript, chance: random.Random) -> Transcript:
    """The same turns by `SPEAKER_00` and so on in random order, without metadata or notes."""
    labels = list(dict.fromkeys(turn.speaker for turn in transcript.turns))
    chance.shuffle(labels)
    names = {label: f"SPEAKER_{index:02d}" for index, label in enumerate(labels)}
    turns = tuple(replace(turn, speaker=names[turn.speaker]) for turn in transcript.turns)
    return replace(transcript, turns=turns, meta=CallMeta(), hearing=Hearing())


def share_right(truth: Transcript, found: Transcript) -> float:
    """Share of the text whose side is right."""
    pairs = [(len(a.text), a.side == b.side) for a, b in zip(truth.turns, found.turns, strict=True)]
    return sum(size for size, same in pairs if same) / max(1, sum(size for size, _ in pairs))


def role_rows() -> Iterator[Row]:
    """One row per set: calls right, calls left to a person at the threshold, and swapped ones among the rest."""
    for name, calls in call_sets().items():
        right = swapped = waiting = 0
        confidences: list[tuple[float, bool]] = []
        for transcript in calls:
            blind = hidden(transcript, random.Random(transcript.call_id))
            guess, sure = resolve_roles(blind, threshold=0.0), resolve_roles(blind, threshold=THRESHOLD)
            good = guess.resolved and share_right(transcript, guess) > 0.7
            right += good
            waiting += not sure.resolved
            swapped += sure.resolved and share_right(transcript, sure) < 0.5
            confidences.append((guess.hearing.roles_confidence or 0.0, good))
        brier = sum((confidence - good) ** 2 for confidence, good in confidences) / max(1, len(confidences))
        yield {
            "set": name,
            "calls": len(calls),
            "right": right,
            "waiting": waiting,
            "swapped": swapped,
            "mean_confidence": sum(c for c, _ in confidences) / max(1, len(confidences)),
            "brier": brier,
        }
