"""Pauses by level, to 10 ms: where a voice stops is heard more finely there than by any network of 17 or 32 ms frames.

Only where it is plain: on a line whose quiet frames lie at least 45 dB under its speech (a headset, a noise
suppressor), or where what is heard in them is steady (the hiss of a line) and at least 15 dB under it. On others level
says nothing of where speech ends, and no pause is found.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from models.silero import FRAME_S as SPEECH_FRAME_S

HOP_S = 0.01
MIN_PAUSE_S = 0.18
"""Shorter silences are closed lips, not pauses (Heldner and Edlund 2010, "Pauses, gaps and overlaps")."""

_HOP = 160
_PLAIN_DB = 45.0
_ABOVE_FLOOR = 0.15
_MIN_ABOVE_DB = 6.0
_STEADY_DB = 1.5
"""Quiet frames of a steady noise, all but the lowest and the highest tenth, lie no further apart."""
_STEADY_UNDER_DB = 15.0
_STEADY_ABOVE_DB = 2.0
_STEADY_FRAMES = 5
_QUIET = 0.05
_MIN_QUIET_S = 1.0

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def levels(blocks: Iterable[Floats]) -> Floats:
    """Level in dB (of full scale) per 10 ms of consecutive 16 kHz blocks, smoothed over three; shape (frames,)."""
    rows: list[Floats] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // _HOP
        rows.append(np.mean(np.square(rest[: whole * _HOP].reshape(whole, _HOP)), axis=1))
        rest = rest[whole * _HOP :]
    power = np.concatenate(rows) if rows else np.zeros(0, np.float32)
    smooth = np.convolve(power, np.full(3, 1 / 3, np.float32), mode="same") if len(power) else power
    return np.asarray(10 * np.log10(smooth + 1e-10), np.float32)


def pauses(level: Floats, speech: Floats) -> Mask:
    """True in each 10 ms that belongs to a silence of at least 0.18 s; nowhere where silence is not plain.

    `level` is what `levels` gives, `speech` the probability of speech per 32 ms. Silent is whatever lies less than
    15 % of the way from the floor (5th percentile) up to the speech (75th percentile where somebody speaks), or less
    than 2 dB over a steady noise.
    """
    likely = at_times(speech, len(level))
    spoken = level[likely > 0.5]
    if not len(spoken):
        return np.zeros(len(level), bool)
    floor, loud = float(np.percentile(level, 5)), float(np.percentile(spoken, 75))
    if loud - floor >= _PLAIN_DB:
        silent = level < floor + max(_MIN_ABOVE_DB, _ABOVE_FLOOR * (loud - floor))
    else:
        silent = _in_steady_noise(level, likely, loud)
    return longer_than(silent, round(MIN_PAUSE_S / HOP_S))


def _in_steady_noise(level: Floats, likely: Floats, loud: float) -> Mask:
    """Which frames are no louder than a steady noise; none where it is not steady, or too near to the speech."""
    power = 10 ** (level.astype(np.float64) / 10)
    smooth = 10 * np.log10(np.convolve(power, np.full(_STEADY_FRAMES, 1 / _STEADY_FRAMES), mode="same"))
    quiet = smooth[likely < _QUIET]
    if len(quiet) < _MIN_QUIET_S / HOP_S:
        return np.zeros(len(level), bool)
    low, middle, high = (float(value) for value in np.percentile(quiet, (10, 50, 90)))
    if high - low > _STEADY_DB or loud - middle < _STEADY_UNDER_DB:
        return np.zeros(len(level), bool)
    return np.asarray(smooth < middle + _STEADY_ABOVE_DB)


def longer_than(mask: Mask, frames: int) -> Mask:
    """The runs of True of at least `frames`."""
    kept = np.zeros(len(mask), bool)
    for first, last in runs(mask):
        kept[first:last] = last - first >= frames
    return kept


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First and one past the last index of each run of True."""
    edges = np.diff(np.r_[0, mask.astype(np.int8), 0])
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def at_times(speech: Floats, frames: int, hop_s: float = HOP_S) -> Floats:
    """Speech probability per 32 ms, read at the middles of `frames` frames of `hop_s`."""
    if not len(speech):
        return np.zeros(frames, np.float32)
    middles = (np.arange(frames) + 0.5) * hop_s
    return np.asarray(np.interp(middles, (np.arange(len(speech)) + 0.5) * SPEECH_FRAME_S, speech), np.float32)


def two_means(values: npt.NDArray[np.floating]) -> tuple[float, float]:
    """The means of the lower and of the higher of two groups of values (k-means from the outer tenths)."""
    low, high = (float(value) for value in np.percentile(values, [10, 90]))
    for _ in range(20):
        upper = values > (low + high) / 2
        if upper.all() or not upper.any():
            break
        low, high = float(values[~upper].mean()), float(values[upper].mean())
    return low, high
