"""Simulated teams whose truth is known: what the coaching tests measure themselves against."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.coach.rows import ScoredCall
from pipeline.coach.standings import Standing, standings

TODAY = dt.date(2026, 11, 13)
RANKED = 0.8
"""Two reps are ranked where one is above the other with at least this probability; else they cannot be told apart."""


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


Path = Callable[[np.random.Generator, float, int], np.ndarray]


def linear(rng: np.random.Generator, change: float, days: int) -> np.ndarray:
    """(days + 1,) what a rep's latent skill was, `age` days ago, against today; `change` is the sd over 90 days."""
    return -rng.normal(0, change) * np.arange(days + 1) / 90


def walk(rng: np.random.Generator, change: float, days: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(rng.normal(0, change / math.sqrt(90), days))])


def step(rng: np.random.Generator, change: float, days: int) -> np.ndarray:
    return np.where(np.arange(days + 1) > rng.integers(1, days), rng.normal(0, change), 0.0)


def simulate(
    rng: np.random.Generator,
    *,
    reps: int,
    mean: float = 2.3,
    spread: float = 0.8,
    noise: float = 0.8,
    calls: tuple[int, int] = (3, 20),
    days: int = 90,
    change: float = 0.0,
    how: Path = linear,
    flat: dict[int, float] | None = None,
    criterion: str = "discovery",
    common: dict[int, np.ndarray] | None = None,
) -> Team:
    """A team of reps whose latent skill is N(mean, spread) today and got there `how` it did.

    `flat` fixes the expected level of the reps with these numbers. `common` holds paths that several criteria of a rep
    share, and is filled as they are made.
    """
    scores: list[ScoredCall] = []
    truth: dict[str, float] = {}
    for index in range(reps):
        rep = f"rep {index}"
        latent = rng.normal(mean, spread)
        path = how(rng, change, days) if common is None else common.setdefault(index, how(rng, change, days))
        if flat and index in flat:
            latent, path = latent_for(flat[index], noise), np.zeros(days + 1)
        truth[rep] = expected_level(latent, noise)
        for number in range(int(rng.integers(calls[0], calls[1] + 1))):
            age = int(rng.integers(0, days))
            level = int(np.clip(np.rint(latent + path[age] + rng.normal(0, noise)), 0, 4))
            scores.append(
                ScoredCall(f"{rep}-{number}", rep, criterion, level, team="North", date=TODAY - dt.timedelta(age))
            )
    return Team(tuple(scores), truth)


def looked_at(
    rng: np.random.Generator, *, criteria: int = 8, together: bool = False, **team: Any
) -> list[tuple[list[Standing], dict[str, float]]]:
    """Standings and truth per criterion of a team scored on several; `together`: each rep's criteria move as one."""
    common: dict[int, np.ndarray] | None = {} if together else None
    made = {f"c{n}": simulate(rng, criterion=f"c{n}", common=common, **team) for n in range(criteria)}
    found = standings([row for part in made.values() for row in part.scores])
    return [([s for s in found if s.criterion == name], part.truth) for name, part in made.items()]


def p_above(one: Standing, other: Standing) -> float:
    """P(one's standing > the other's), both taken as normal and independent."""
    spread = math.sqrt(2 * (one.sd**2 + other.sd**2))
    return 0.5 * math.erfc((other.estimate - one.estimate) / spread)


def wrongly_ranked(found: Sequence[Standing], truth: dict[str, float]) -> tuple[int, int]:
    """Pairs ranked by the standings (P >= `RANKED`) the wrong way round, and all that they rank."""
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
