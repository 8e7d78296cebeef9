"""Simulated teams whose truth is known: what the coaching tests measure themselves against."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.coach.rows import ScoredCall
from pipeline.coach.standings import RANKED, Standing, p_above

TODAY = dt.date(2026, 11, 13)


@dataclass(frozen=True, slots=True)
class Team:
    scores: tuple[ScoredCall, ...]
    truth: dict[str, float]  # rep -> expected level of a call of today


def expected_level(latent: float, noise: float) -> float:
    """E[level] of a call whose level is `latent` plus normal noise, rounded and cut to 0-4."""
    return sum(0.5 * math.erfc((edge - latent) / (noise * math.sqrt(2))) for edge in (0.5, 1.5, 2.5, 3.5))


def latent_for(level: float, noise: float) -> float:
    """The latent value whose expected level is `level`, by bisection."""
    low, high = -4.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_level(middle, noise) < level else (low, middle)
    return (low + high) / 2


def simulate(
    rng: np.random.Generator,
    *,
    reps: int,
    mean: float = 2.3,
    spread: float = 0.8,
    noise: float = 0.8,
    calls: tuple[int, int] = (3, 20),
    days: int = 90,
    drift_per_30_days: float = 0.0,
    flat: dict[int, float] | None = None,
    criterion: str = "discovery",
) -> Team:
    """A team of reps whose latent skill is N(mean, spread), drifting linearly where asked.

    `flat` fixes the expected level of the reps with these numbers.
    """
    scores: list[ScoredCall] = []
    truth: dict[str, float] = {}
    for index in range(reps):
        rep = f"rep {index}"
        latent, drift = rng.normal(mean, spread), rng.normal(0, drift_per_30_days)
        if flat and index in flat:
            latent, drift = latent_for(flat[index], noise), 0.0
        truth[rep] = expected_level(latent, noise)
        for number in range(int(rng.integers(calls[0], calls[1] + 1))):
            age = int(rng.integers(0, days))
            level = int(np.clip(np.rint(latent - drift * age / 30 + rng.normal(0, noise)), 0, 4))
            scores.append(
                ScoredCall(f"{rep}-{number}", rep, criterion, level, team="North", date=TODAY - dt.timedelta(age))
            )
    return Team(tuple(scores), truth)


def wrongly_ranked(found: Sequence[Standing], truth: dict[str, float]) -> tuple[int, int]:
    """Pairs that the standings rank (P >= `RANKED`) the wrong way round, and all that they rank."""
    wrong = ranked = 0
    for one in found:
        for other in found:
            if one.rep != other.rep and p_above(one, other) >= RANKED:
                ranked += 1
                wrong += truth[one.rep] < truth[other.rep]
    return wrong, ranked


def wrong_pairs(estimate: dict[str, float], truth: dict[str, float]) -> tuple[int, int]:
    """Pairs of reps ranked the wrong way round, and all pairs, both times two: a tie counts as half wrong."""
    names = sorted(truth)
    wrong = total = 0
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            true, seen = truth[one] - truth[other], estimate[one] - estimate[other]
            total += 2
            wrong += 1 if seen == 0 else 2 * (true * seen < 0)
    return wrong, total
