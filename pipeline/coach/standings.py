"""Where each rep stands on each criterion now: a shrunken, recency-weighted estimate with its uncertainty.

The model for the level y of a call of rep r at time t, one criterion at a time:

    y ~ N(theta_r(t), sigma^2)             a call is a noisy look at the rep's standing
    theta_r = mu + u_r(t) + b_r t          a standing is one of a population of reps, and may move
    Var(u_r) = tau^2, corr(u_r(t), u_r(s)) = 2^(-|t - s| / H)      back and forth: an Ornstein-Uhlenbeck process
    b_r ~ N(0, delta^2)                                             or steadily, t from the rep's first call
    mu ~ N(2, 1.25^2), tau ~ half-N(0.8), log sigma ~ N(log 0.75, 0.5^2), (H, delta) as in `DYNAMICS`

It is the hierarchical normal model (Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 5.4) whose rep effects move in
time with the exponential covariance (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, app. B.2) or
along a line, worked out exactly by a Kalman filter of level and slope per rep (Durbin & Koopman, Time Series Analysis
by State Space Methods, ch. 4), with mu integrated out in closed form and the rest numerically on a grid.

How fast reps change is one fact about a team, seen through all its criteria: the weight of each entry of `DYNAMICS` is
its prior times the marginal likelihoods of all criteria. A single criterion's handful of calls cannot tell a steady
team from a changing one, and intervals then cover 80 % where 90 % is claimed; eight together can.

What follows from it: few calls pull a rep towards the others, many speak for themselves; the newest calls weigh most,
the more so the more the team's own calls show that reps change; a rep who has not been heard for long is less certain;
and the interval carries what is not known about mu, tau, sigma, H and delta.

Measured on simulated teams whose truth is known, scored on eight criteria (`benchmarks/coaching.py`): the 90 % interval
covers 0.87-0.93 while reps stay as they are, drift by 0.3 or 0.6 levels a quarter, wander as much, or take one step.
Ranking two reps only where one is above the other with a probability of 0.8 puts 2-4 % of all pairs in the wrong order,
where plain averages have 8-23 %.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.coach.rows import Look


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A way in which reps may change: half-life `half_life` in days, steady change with sd `slope` in levels a day.

    `p` is its probability before any call is seen.
    """

    half_life: float
    slope: float
    p: float


DYNAMICS: tuple[Dynamics, ...] = (
    Dynamics(math.inf, 0.0, 0.30),
    Dynamics(90.0, 0.0, 0.10),
    Dynamics(180.0, 0.0, 0.10),
    Dynamics(360.0, 0.0, 0.10),
    Dynamics(720.0, 0.0, 0.10),
    Dynamics(math.inf, 0.3 / 90, 0.15),
    Dynamics(math.inf, 0.6 / 90, 0.15),
)
"""Steady reps; reps who change back and forth over a quarter to two years; reps who move by 0.3 or 0.6 a quarter."""
RECENT_DAYS = 45
"""Age up to which a call is counted in `n_recent`; a call without a date is taken to be this old."""
OWN_HALF_LIFE_DAYS = 90.0
INTERVAL = 0.90
DEFAULT_TARGET = 3.0
TOP_LEVEL = 4.0
TREND_DAYS = 135
TREND_MIN_CALLS = 4
TREND_MIN_SPAN_DAYS = 14
TREND_SURE = 0.95

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
    """Values that the posterior is summed over, each (grid,); `dynamics` indexes `DYNAMICS`, the fastest to vary."""

    tau: Array
    sigma: Array
    half_life: Array
    slope: Array
    dynamics: NDArray[np.int64]


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
class _Seen:
    """One criterion's calls seen through every grid point, before it is known how fast reps change.

    `log_p` is the log posterior up to a constant without the dynamics' prior; `mu` and `precision` those of mu.
    `without_worst` are the calls but each rep's lowest.
    """

    grid: _Grid
    filtered: _Filtered
    mu: Array
    precision: Array
    log_p: Array
    without_worst: _Series

    def evidence(self) -> Array:
        """(dynamics,): log marginal likelihood of each way to change, up to a constant."""
        table = self.log_p.reshape(-1, len(DYNAMICS))
        top = table.max()
        return np.asarray(np.log(np.exp(table - top).sum(axis=0) + 1e-300) + top)


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
    scores: Iterable[Look],
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
    by_criterion: dict[str, dict[str, list[Look]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: (row.criterion, row.rep, -_age(row, newest), row.call_id)):
        by_criterion[row.criterion][row.rep].append(row)
    seen = {criterion: _see(list(reps.values()), newest) for criterion, reps in by_criterion.items()}
    prior = np.log([item.p for item in DYNAMICS])
    together = prior + sum((item.evidence() for item in seen.values()), np.zeros(len(DYNAMICS)))
    found: list[Standing] = []
    for criterion, reps in by_criterion.items():
        target = (targets or {}).get(criterion, DEFAULT_TARGET)
        fit = _fit(seen[criterion], together - seen[criterion].evidence())
        for index, (rep, calls) in enumerate(reps.items()):
            found.append(_standing(rep, criterion, calls, fit, index, target=target, newest=newest))
    return tuple(sorted(found, key=lambda s: (s.rep, s.criterion)))


def _age(call: Look, newest: dt.date | None) -> int:
    return (newest - call.date).days if newest and call.date else RECENT_DAYS


def _series(reps: Sequence[Sequence[Look]], newest: dt.date | None, *, without_worst: bool = False) -> _Series:
    """All reps' calls; `without_worst` leaves each rep's lowest call (of equals the newest) out."""
    width = max(len(calls) for calls in reps)
    levels, ages = np.zeros((len(reps), width)), np.zeros((len(reps), width))
    present = np.zeros((len(reps), width), dtype=bool)
    for row, calls in enumerate(reps):
        levels[row, : len(calls)] = [call.level for call in calls]
        ages[row, : len(calls)] = [_age(call, newest) for call in calls]
        present[row, : len(calls)] = True
        if without_worst:
            present[row, min(range(len(calls)), key=lambda i: (calls[i].level, -i))] = False
    return _Series(levels, ages, present)


def _filter(series: _Series, grid: _Grid) -> _Filtered:
    """Kalman filter of the deviation from mu, oldest call first, all reps and grid points at once."""
    rows, steps = series.levels.shape
    shape = (rows, len(grid.tau))
    prior = grid.tau**2
    state, state_1, slope, slope_1 = (np.zeros(shape) for _ in range(4))
    variance = np.broadcast_to(prior, shape).copy()
    slope_variance = np.broadcast_to(grid.slope**2, shape).copy()
    ss_yy, ss_y1, ss_11, log_det, covariance = (np.zeros(shape) for _ in range(5))
    age = series.ages.max(axis=1)
    for step in [*range(steps), None]:
        here = np.ones(rows, dtype=bool) if step is None else series.present[:, step]
        now = np.zeros(rows) if step is None else np.where(here, series.ages[:, step], age)
        days = (age - now)[:, None]
        keep = np.exp2(-days / grid.half_life)
        age = now
        state, state_1 = state * keep + slope * days, state_1 * keep + slope_1 * days
        variance = variance * keep**2 + prior * (1 - keep**2) + 2 * covariance * keep * days + slope_variance * days**2
        covariance = covariance * keep + slope_variance * days
        if step is None:
            break
        total = variance + grid.sigma**2
        seen = here[:, None]
        error, error_1 = series.levels[:, step, None] - state, 1.0 - state_1
        gain, slope_gain = np.where(seen, variance / total, 0.0), np.where(seen, covariance / total, 0.0)
        ss_yy += np.where(seen, error**2 / total, 0.0)
        ss_y1 += np.where(seen, error * error_1 / total, 0.0)
        ss_11 += np.where(seen, error_1**2 / total, 0.0)
        log_det += np.where(seen, np.log(total), 0.0)
        state, state_1 = state + gain * error, state_1 + gain * error_1
        slope, slope_1 = slope + slope_gain * error, slope_1 + slope_gain * error_1
        slope_variance = slope_variance - slope_gain * covariance
        covariance, variance = covariance * (1 - gain), variance * (1 - gain)
    return _Filtered(state, state_1, variance, ss_yy, ss_y1, ss_11, log_det)


def _grid(reps: Sequence[Sequence[Look]]) -> _Grid:
    """A grid fine where it matters: sigma around the scatter of a rep's calls about their mean."""
    squares = freedom = 0.0
    for calls in reps:
        values = np.array([call.level for call in calls], dtype=np.float64)
        squares, freedom = squares + float(((values - values.mean()) ** 2).sum()), freedom + len(values) - 1
    prior_calls = 4.0  # what the scatter is worth before any rep has two calls
    centre = math.sqrt((squares + prior_calls * _SIGMA_MEDIAN**2) / (freedom + prior_calls))
    axes = (np.linspace(0.05, 2.0, 11), centre * np.geomspace(0.55, 1.45, 9), np.arange(float(len(DYNAMICS))))
    tau, sigma, place = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    dynamics = place.astype(np.int64)
    half_life, slope = (np.array([getattr(item, name) for item in DYNAMICS]) for name in ("half_life", "slope"))
    return _Grid(tau, sigma, half_life[dynamics], slope[dynamics], dynamics)


def _see(reps: Sequence[Sequence[Look]], newest: dt.date | None) -> _Seen:
    grid = _grid(reps)
    out = _filter(_series(reps, newest), grid)
    precision = 1 / _MU_SD**2 + out.ss_11.sum(axis=0)
    mu = (_MU_MEAN / _MU_SD**2 + out.ss_y1.sum(axis=0)) / precision
    log_p = -0.5 * (out.ss_yy.sum(axis=0) + out.log_det.sum(axis=0)) + 0.5 * (mu**2 * precision)
    # sigma's grid is geometric: its spacing is already d(log sigma), the scale of its prior
    log_p += -0.5 * (np.log(precision) + (grid.tau / _TAU_SD) ** 2)
    log_p += -0.5 * (np.log(grid.sigma / _SIGMA_MEDIAN) / _SIGMA_LOG_SD) ** 2
    return _Seen(grid, out, mu, precision, log_p, _series(reps, newest, without_worst=True))


def _fit(seen: _Seen, log_dynamics: Array) -> _Fit:
    """The posterior of one criterion, given what everything else says about how reps change (dynamics,)."""
    log_p = seen.log_p + log_dynamics[seen.grid.dynamics]
    g = np.exp(log_p - log_p.max())
    kept = g > 1e-4
    mu, precision = seen.mu[kept], seen.precision[kept]

    def standing(out: _Filtered, part: slice | NDArray[np.bool_]) -> tuple[Array, Array]:
        left = 1 - out.state_1[:, part]
        return out.state[:, part] + mu * left, np.sqrt(out.variance[:, part] + left**2 / precision)

    mean, sd = standing(seen.filtered, kept)
    grid = seen.grid
    likely = _Grid(
        tau=grid.tau[kept],
        sigma=grid.sigma[kept],
        half_life=grid.half_life[kept],
        slope=grid.slope[kept],
        dynamics=grid.dynamics[kept],
    )
    less = standing(_filter(seen.without_worst, likely), slice(None))
    return _Fit(g[kept] / g[kept].sum(), likely.sigma, mean, sd, *less)


def _standing(
    rep: str,
    criterion: str,
    calls: Sequence[Look],
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


def _p_alone(calls: Sequence[Look], newest: dt.date | None, call_sd: float, target: float) -> float:
    from scipy.special import ndtr

    weights = np.exp2(-np.array([_age(call, newest) for call in calls]) / OWN_HALF_LIFE_DAYS)
    levels = np.array([call.level for call in calls], dtype=np.float64)
    mean = float(weights @ levels) / float(weights.sum())
    effective_n = float(weights.sum()) ** 2 / float(weights @ weights)
    return float(ndtr((target - mean) / (call_sd / math.sqrt(effective_n))))


def _trend(dated: Sequence[Look], fit: _Fit, newest: dt.date | None) -> Trend | None:
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
