"""Pauses found by level: only where silence is plain, or steady noise."""

from __future__ import annotations

import numpy as np
import pytest

from models import pauses
from models.silero import FRAME_S


def line(floor_db: float, said: list[tuple[float, float]], seconds: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Noise at -20 dB wherever something is said over a floor; speech probability one there and a little around."""
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(round(seconds * 16_000)) * 10 ** (floor_db / 20)
    speech = np.zeros(round(seconds / FRAME_S), np.float32)
    for t0, t1 in said:
        at = slice(round(t0 * 16_000), round(t1 * 16_000))
        samples[at] += 0.1 * rng.standard_normal(at.stop - at.start)
        speech[round((t0 - 0.1) / FRAME_S) : round((t1 + 0.1) / FRAME_S)] = 1.0
    return samples.astype(np.float32), speech


def found(samples: np.ndarray, speech: np.ndarray) -> list[tuple[float, float]]:
    half = len(samples) // 3 + 7
    mask = pauses.pauses(pauses.levels([samples[:half], samples[half:]]), speech)
    return [(first * pauses.HOP_S, last * pauses.HOP_S) for first, last in pauses.runs(mask)]


def test_pauses_are_found_to_ten_milliseconds() -> None:
    spans = found(*line(-80, [(0.5, 1.5), (1.9, 3.0)]))
    assert [edge for span in spans for edge in span] == pytest.approx([0, 0.5, 1.5, 1.9, 3.0, 4.0], abs=0.021)


def test_closed_lips_are_no_pause() -> None:
    assert not [span for span in found(*line(-80, [(0.5, 1.5), (1.62, 3.0)])) if 0.6 < span[0] < 2.9]


def test_over_a_steady_hiss_pauses_are_found_and_closed_lips_are_none() -> None:
    spans = found(*line(-50, [(0.8, 1.8), (1.9, 2.6), (3.0, 4.0)], seconds=5.0))
    assert [edge for span in spans for edge in span] == pytest.approx([0, 0.8, 2.6, 3.0, 4.0, 5.0], abs=0.041)


def test_on_a_line_whose_noise_comes_and_goes_or_is_loud_level_says_nothing() -> None:
    samples, speech = line(-50, [(0.8, 1.8), (2.2, 3.0)], seconds=5.0)
    swell = 1 + 4 * (np.sin(np.arange(len(samples)) / 2_000) > 0)
    assert found(*line(-30, [(0.8, 1.8), (2.2, 3.0)], seconds=5.0)) == []
    assert found((samples * np.where(np.abs(samples) < 0.02, swell, 1)).astype(np.float32), speech) == []


def test_nothing_said_nothing_found() -> None:
    assert not pauses.pauses(pauses.levels([np.zeros(16_000, np.float32)]), np.zeros(31, np.float32)).any()
    assert not len(pauses.pauses(pauses.levels([]), np.zeros(0, np.float32)))


def test_levels_do_not_depend_on_how_the_recording_is_cut() -> None:
    samples, _ = line(-60, [(0.5, 3.0)])
    whole = pauses.levels([samples])
    parts = pauses.levels(samples[start : start + 5_003] for start in range(0, len(samples), 5_003))
    assert np.allclose(whole, parts, atol=1e-3)
    assert whole[150] == pytest.approx(-20, abs=1.5)
