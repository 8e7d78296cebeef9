"""Where each rep stands on each criterion now: a shrunken, recency-weighted estimate with its uncertainty.

The model, one criterion at a time, for the level y of a call of rep r at time t:

    y ~ N(theta_r(t), sigma^2)                              a call is a noisy look at the rep's standing
    theta_r(t) ~ N(mu, tau^2)                               a standing is one of a population of reps
    corr(theta_r(t), theta_r(s)) = 2^(-|t - s| / H)         and moves slowly: an Ornstein-Uhlenbeck process
    mu ~ N(2, 1.25^2), tau ~ half-N(0.8), log sigma ~ N(log 0.75, 0.5^2), H as in `HALF_LIVES_DAYS`

It is the hierarchical normal model (Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 5.4) whose rep effects move in
time with the exponential covariance (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, app. B.2),
worked out exactly by a Kalman filter per rep (Durbin & Koopman, Time Series Analysis by State Space Methods, ch. 4),
with mu integrated out in closed form and tau, sigma and the half-life H numerically on a grid.

What follows from it: few calls pull a rep towards the others, many speak for themselves; the newest calls weigh most,
the more so the more the team's own calls show that reps change (H is learned, relative to the newest call in the
store); a rep who has not been heard for long is less certain; and the interval carries what is not known about mu,
tau, sigma and H, where plugging in one value of each would be too sure with the handful of reps a team has.

Measured on simulated teams whose truth is known (`benchmarks/coaching.py`): the 90 % interval covers 87-93 % while reps
stay as they are or change by about 0.3 levels a quarter, 84-85 % when they change twice as much or over a whole year.
Pairs are ranked only where P >= `RANKED`: 2-5 % of all pairs come out in the wrong order, where plain averages have
7-24 %. `tests/test_coach_standings.py` holds it to that.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.coach.rows import ScoredCall

HALF_LIVES_DAYS: Mapping[float, float] = {90.0: 0.13, 180.0: 0.13, 720.0: 0.14, math.inf: 0.6}
"""Days after which a call says half as much about today's standing, with the probability of each before any call is
seen: three to two that reps stay as they are, else that they change over a quarter, half a year or two years."""
RECENT_DAYS = 45
"""Age up to which a call is counted in `n_recent`; a call without a date is taken to be this old."""
OWN_HALF_LIFE_DAYS = 90.0
INTERVAL = 0.90
RANKED = 0.8
"""Two reps are ranked when one is above the other with at least this probability; else they cannot be told apart."""
DEFAULT_TARGET = 3.0
TOP_LEVEL = 4.0
TREND_DAYS = 135
TREND_MIN_CALLS = 4
TREND_MIN_SPAN_DAYS = 14
TREND_SURE = 0.9

_MU_MEAN, _MU_SD = 2.0, 1.25
_TAU_SD = 0.8
_SIGMA_MEDIAN, _SIGMA_LOG_SD = 0.75, 0.5
_SLOPE_SD = 0.5

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trend:
    """Change in levels per 30 days with its 90 % interval; `word` is `rising`, `falling` or `no clear change`."""

    per_30_days: float
    low: float
    high: float
    word: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A rep's standing on one criterion.

    `estimate` with its 90 % interval `low`-`high` and standard deviation `sd`; `n` scored calls, `n_recent` of them in
    the last 45 days; `plain_mean` for comparison. Against `target`: `p_below` = P(standing < target),
    `p_below_without_worst` the same with the lowest call left out, `shortfall` = E[max(target - standing, 0)] in
    levels. `p_below_alone` is P(standing < target) from the rep's own calls only, nothing borrowed from colleagues: the
    normal tail of their weighted mean (weights halve every 90 days; effective n = sum(w)^2 / sum(w^2): Kish, Survey
    Sampling, 1965, ch. 11.7). `call_sd` is how much calls scatter around a standing. `trend` is None with too few.
    """

    rep: str
    team: str | None
    criterion: str
    n: int
    n_recent: int
    estimate: float
    sd: float
    low: float
    high: float
    plain_mean: float
    call_sd: float
    target: float
    p_below: float
    p_below_without_worst: float
    p_below_alone: float
    shortfall: float
    trend: Trend | None
    last_call: dt.date | None
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Values of (tau, sigma, half-life in days) that the posterior is summed over; each (grid,)."""

    tau: Array
    sigma: Array
    half_life: Array


@dataclass(frozen=True, slots=True)
class _Series:
    """The calls of many reps side by side, oldest first: levels, ages in days, and which cells hold a call."""

    levels: Array
    ages: Array
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Filtered:
    """What the Kalman filter leaves per rep and grid point, for the levels and (`_1`) for a series of ones.

    `state`, `state_1`, `variance` describe the standing at age 0; `ss_yy`, `ss_y1`, `ss_11` are sums of products of
    innovations over their variances, `log_det` the sum of the logs of those.
    """

    state: Array
    state_1: Array
    variance: Array
    ss_yy: Array
    ss_y1: Array
    ss_11: Array
    log_det: Array


@dataclass(frozen=True, slots=True)
class _Fit:
    """One criterion's posterior: weights `g` and sigma, (grid,), and the standings' mean and sd, (reps, grid).

    `mean_less` and `sd_less` are the standings with each rep's lowest call left out.
    """

    g: Array
    sigma: Array
    mean: Array
    sd: Array
    mean_less: Array
    sd_less: Array


def standings(
    scores: Iterable[ScoredCall],
    *,
    targets: Mapping[str, float] | None = None,
    as_of: dt.date | None = None,
) -> tuple[Standing, ...]:
    """Every rep's standing on every criterion with at least one scored call, ordered by rep, then criterion.

    `targets` gives a criterion's target level (3.0 unless stated). `as_of` leaves out later calls; ages count from the
    newest call that is left. A rep is a name: the team shown is the one of the newest call.
    """
    rows = [row for row in scores if as_of is None or row.date is None or row.date <= as_of]
    newest = max((row.date for row in rows if row.date), default=None)
    by_criterion: dict[str, dict[str, list[ScoredCall]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_criterion[row.criterion][row.rep].append(row)
    found: list[Standing] = []
    for criterion, reps in by_criterion.items():
        target = (targets or {}).get(criterion, DEFAULT_TARGET)
        ordered = {rep: sorted(calls, key=lambda c: (-_age(c, newest), c.call_id)) for rep, calls in reps.items()}
        fit = _fit(list(ordered.values()), newest)
        for index, (rep, calls) in enumerate(ordered.items()):
            found.append(_standing(rep, criterion, calls, fit, index, target=target, newest=newest))
    return tuple(sorted(found, key=lambda s: (s.rep, s.criterion)))


def p_above(one: Standing, other: Standing) -> float:
    """P(one's standing > the other's), both taken as normal and independent."""
    spread = math.sqrt(2 * (one.sd**2 + other.sd**2))
    return 0.5 * math.erfc((other.estimate - one.estimate) / spread)


def _age(call: ScoredCall, newest: dt.date | None) -> int:
    return (newest - call.date).days if newest and call.date else RECENT_DAYS


def _series(reps: Sequence[Sequence[ScoredCall]], newest: dt.date | None) -> _Series:
    """All reps' calls, then the same again with each rep's lowest call (of equals the newest) left out."""
    width = max(len(calls) for calls in reps)
    levels, ages = np.zeros((2 * len(reps), width)), np.zeros((2 * len(reps), width))
    present = np.zeros((2 * len(reps), width), dtype=bool)
    for row, calls in enumerate(reps):
        worst = min(range(len(calls)), key=lambda i: (calls[i].level, -i))
        for part in (row, len(reps) + row):
            levels[part, : len(calls)] = [call.level for call in calls]
            ages[part, : len(calls)] = [_age(call, newest) for call in calls]
            present[part, : len(calls)] = True
        present[len(reps) + row, worst] = False
    return _Series(levels, ages, present)


def _filter(series: _Series, grid: _Grid) -> _Filtered:
    """Kalman filter of the deviation from mu, oldest call first, all reps and grid points at once."""
    rows, steps = series.levels.shape
    shape = (rows, len(grid.tau))
    prior = grid.tau**2
    state, state_1 = np.zeros(shape), np.zeros(shape)
    variance = np.broadcast_to(prior, shape).copy()
    ss_yy, ss_y1, ss_11, log_det = (np.zeros(shape) for _ in range(4))
    age = series.ages.max(axis=1)
    for step in [*range(steps), None]:
        here = np.ones(rows, dtype=bool) if step is None else series.present[:, step]
        now = np.zeros(rows) if step is None else np.where(here, series.ages[:, step], age)
        keep = np.exp2(-(age - now)[:, None] / grid.half_life)
        age = now
        state, state_1 = state * keep, state_1 * keep
        variance = prior + (variance - prior) * keep**2
        if step is None:
            break
        total = variance + grid.sigma**2
        seen = here[:, None]
        error, error_1 = series.levels[:, step, None] - state, 1.0 - state_1
        gain = np.where(seen, variance / total, 0.0)
        ss_yy += np.where(seen, error**2 / total, 0.0)
        ss_y1 += np.where(seen, error * error_1 / total, 0.0)
        ss_11 += np.where(seen, error_1**2 / total, 0.0)
        log_det += np.where(seen, np.log(total), 0.0)
        state, state_1, variance = state + gain * error, state_1 + gain * error_1, variance * (1 - gain)
    return _Filtered(state, state_1, variance, ss_yy, ss_y1, ss_11, log_det)


def _grid(reps: Sequence[Sequence[ScoredCall]]) -> _Grid:
    """A grid fine where it matters: sigma around the scatter of a rep's calls about their mean."""
    squares = freedom = 0.0
    for calls in reps:
        values = np.array([call.level for call in calls], dtype=np.float64)
        squares, freedom = squares + float(((values - values.mean()) ** 2).sum()), freedom + len(values) - 1
    prior_calls = 4.0  # what the scatter is worth before any rep has two calls
    centre = math.sqrt((squares + prior_calls * _SIGMA_MEDIAN**2) / (freedom + prior_calls))
    axes = (np.linspace(0.05, 2.0, 11), centre * np.geomspace(0.55, 1.45, 9), np.array(list(HALF_LIVES_DAYS)))
    tau, sigma, half_life = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    return _Grid(tau, sigma, half_life)


def _fit(reps: Sequence[Sequence[ScoredCall]], newest: dt.date | None) -> _Fit:
    grid = _grid(reps)
    out = _filter(_series(reps, newest), grid)
    own = slice(0, len(reps))
    precision = 1 / _MU_SD**2 + out.ss_11[own].sum(axis=0)
    mu = (_MU_MEAN / _MU_SD**2 + out.ss_y1[own].sum(axis=0)) / precision
    log_p = -0.5 * (out.ss_yy[own].sum(axis=0) + out.log_det[own].sum(axis=0)) + 0.5 * (mu**2 * precision)
    # sigma's grid is geometric: its spacing is already d(log sigma), the scale of its prior
    log_p += -0.5 * (np.log(precision) + (grid.tau / _TAU_SD) ** 2)
    log_p += -0.5 * (np.log(grid.sigma / _SIGMA_MEDIAN) / _SIGMA_LOG_SD) ** 2
    log_p += np.log([HALF_LIVES_DAYS[half_life] for half_life in grid.half_life.tolist()])
    g = np.exp(log_p - log_p.max())
    kept = g > 1e-4
    left = (1 - out.state_1)[:, kept]
    mean = out.state[:, kept] + mu[kept] * left
    sd = np.sqrt(out.variance[:, kept] + left**2 / precision[kept])
    less = slice(len(reps), None)
    return _Fit(g[kept] / g[kept].sum(), grid.sigma[kept], mean[own], sd[own], mean[less], sd[less])


def _standing(
    rep: str,
    criterion: str,
    calls: Sequence[ScoredCall],
    fit: _Fit,
    index: int,
    *,
    target: float,
    newest: dt.date | None,
) -> Standing:
    mean, sd = fit.mean[index], fit.sd[index]
    centre = float(fit.g @ mean)
    dated = [call for call in calls if call.date]
    levels = [call.level for call in calls]
    tail = (1 - INTERVAL) / 2
    single = len(calls) < 2
    call_sd = math.sqrt(float(fit.g @ fit.sigma**2))
    return Standing(
        rep=rep,
        team=(dated or calls)[-1].team,
        criterion=criterion,
        n=len(calls),
        n_recent=sum(_age(call, newest) <= RECENT_DAYS for call in calls),
        estimate=min(max(centre, 0.0), TOP_LEVEL),
        sd=math.sqrt(float(fit.g @ (sd**2 + (mean - centre) ** 2))),
        low=_quantile(fit.g, mean, sd, tail),
        high=_quantile(fit.g, mean, sd, 1 - tail),
        plain_mean=sum(levels) / len(levels),
        call_sd=call_sd,
        target=target,
        p_below=_below(fit.g, mean, sd, target),
        p_below_without_worst=0.0 if single else _below(fit.g, fit.mean_less[index], fit.sd_less[index], target),
        p_below_alone=_p_alone(calls, newest, call_sd, target),
        shortfall=_shortfall(fit.g, mean, sd, target),
        trend=_trend(dated, fit, newest),
        last_call=dated[-1].date if dated else None,
        call_ids=tuple(call.call_id for call in calls),
    )


def _below(g: Array, mean: Array, sd: Array, x: float) -> float:
    from scipy.special import ndtr

    return float(g @ ndtr((x - mean) / sd))


def _quantile(g: Array, mean: Array, sd: Array, p: float) -> float:
    """Quantile of a normal mixture by bisection to 1e-4, kept within 0-4."""
    low, high = 0.0, TOP_LEVEL
    if _below(g, mean, sd, low) >= p:
        return low
    if _below(g, mean, sd, high) <= p:
        return high
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if _below(g, mean, sd, middle) < p else (low, middle)
    return (low + high) / 2


def _shortfall(g: Array, mean: Array, sd: Array, target: float) -> float:
    """E[max(target - theta, 0)] of a normal mixture: sd (z Phi(z) + phi(z)) with z = (target - mean) / sd."""
    from scipy.special import ndtr

    z = (target - mean) / sd
    return float(g @ (sd * (z * ndtr(z) + np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi))))


def _p_alone(calls: Sequence[ScoredCall], newest: dt.date | None, call_sd: float, target: float) -> float:
    from scipy.special import ndtr

    weights = np.exp2(-np.array([_age(call, newest) for call in calls]) / OWN_HALF_LIFE_DAYS)
    levels = np.array([call.level for call in calls], dtype=np.float64)
    mean = float(weights @ levels) / float(weights.sum())
    effective_n = float(weights.sum()) ** 2 / float(weights @ weights)
    return float(ndtr((target - mean) / (call_sd / math.sqrt(effective_n))))


def _trend(dated: Sequence[ScoredCall], fit: _Fit, newest: dt.date | None) -> Trend | None:
    """Bayesian slope over the last 135 days, prior N(0, 0.5^2) levels per 30 days; None under 4 calls or 14 days."""
    from scipy.special import ndtr, ndtri

    points = [
        (call.date, call.level) for call in dated if newest and call.date and (newest - call.date).days <= TREND_DAYS
    ]
    if len(points) < TREND_MIN_CALLS or (points[-1][0] - points[0][0]).days < TREND_MIN_SPAN_DAYS:
        return None
    x = np.array([(date - points[0][0]).days / 30 for date, _ in points])
    y = np.array([level for _, level in points], dtype=np.float64)
    x -= x.mean()
    variance = float(fit.g @ fit.sigma**2)
    precision = float(x @ x) / variance + 1 / _SLOPE_SD**2
    slope, sd = float(x @ (y - y.mean())) / variance / precision, precision**-0.5
    reach = float(ndtri(0.5 + INTERVAL / 2)) * sd
    rising = float(ndtr(slope / sd))
    word = "rising" if rising >= TREND_SURE else "falling" if rising <= 1 - TREND_SURE else "no clear change"
    return Trend(slope, slope - reach, slope + reach, word)
