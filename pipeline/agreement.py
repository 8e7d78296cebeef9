"""Agreement between two sets of ratings: quadratic weighted kappa, exact and within-one, with bootstrap intervals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement over `n` pairs of levels (0-4): quadratic weighted kappa with its 90 % bootstrap interval, the share
    of exact matches and of pairs at most one level apart. Kappa is None where either rater used one level only."""

    n: int
    qwk: float | None
    low: float | None
    high: float | None
    exact: float
    within_one: float


def quadratic_weighted_kappa(pairs: Sequence[Pair]) -> float | None:
    """Cohen's kappa with quadratic weights (Cohen 1968); None when it is not defined (one constant rater).

    With squared distances as weights it is one minus the mean squared difference over the one expected of independent
    raters, the sum of both variances and of the squared difference of the means (Fleiss and Cohen 1973): a page asks
    for thousands, and the library's takes a millisecond each.
    """
    n = len(pairs)
    first, second = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    squares = [sum(a * a for a, _ in pairs), sum(b * b for _, b in pairs)]
    # whole numbers as long as possible: n squared times each variance
    spread = [n * squares[0] - first * first, n * squares[1] - second * second]
    if not all(spread):
        return None
    apart = n * sum((a - b) * (a - b) for a, b in pairs)
    return 1.0 - apart / (spread[0] + spread[1] + (first - second) ** 2)


def agreement(groups: Sequence[Sequence[Pair]], *, draws: int = 500, seed: int = 0) -> Agreement:
    """Agreement over pairs of levels, grouped by call: calls, not pairs, are drawn for the interval."""
    pairs = [pair for group in groups for pair in group]
    if not pairs:
        return Agreement(0, None, None, None, 0.0, 0.0)
    low, high = bootstrap(groups, lambda drawn: quadratic_weighted_kappa(drawn), draws=draws, seed=seed)
    return Agreement(
        n=len(pairs),
        qwk=quadratic_weighted_kappa(pairs),
        low=low,
        high=high,
        exact=sum(a == b for a, b in pairs) / len(pairs),
        within_one=sum(abs(a - b) <= 1 for a, b in pairs) / len(pairs),
    )


def bootstrap(
    groups: Sequence[Sequence[Pair]], statistic: Callable[[list[Pair]], float | None], *, draws: int, seed: int
) -> tuple[float | None, float | None]:
    """5th and 95th percentile of `statistic` over `draws` resamples of the groups (Efron 1979)."""
    rng = random.Random(seed)
    values = []
    for _ in range(draws):
        drawn = [pair for group in rng.choices(groups, k=len(groups)) for pair in group]
        value = statistic(drawn)
        if value is not None:
            values.append(value)
    if not values or len(values) < draws / 2:
        return None, None
    values.sort()
    return values[int(0.05 * len(values))], values[min(len(values) - 1, int(0.95 * len(values)))]
