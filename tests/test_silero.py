from __future__ import annotations

import numpy as np
from hearing_samples import piece

from models.silero import FRAME_S, probabilities, speech_spans


def test_blocks_give_the_same_as_the_whole() -> None:
    samples = piece("rec-01", 0.0, 14.0)[0]
    whole = probabilities([samples])
    parts = probabilities(np.array_split(samples, 7))
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    assert len(whole) == -(-len(samples) // 512)


def test_no_samples_no_frames() -> None:
    assert len(probabilities([])) == 0
    assert speech_spans(np.zeros(0, np.float32)) == []


def test_spans_bridge_short_silence_and_drop_short_noise() -> None:
    rows = np.zeros(300, np.float32)
    rows[50:100] = rows[105:150] = 0.9  # 0.16 s apart: one span
    rows[200:203] = 0.9  # 0.1 s: noise
    spans = speech_spans(rows, pad_s=0.0)
    assert spans == [(50 * FRAME_S, 150 * FRAME_S)]


def test_padding_never_overlaps() -> None:
    rows = np.zeros(200, np.float32)
    rows[20:60] = rows[72:120] = 0.9
    first, second = speech_spans(rows, pad_s=1.0)
    assert first[1] <= second[0]
    assert first[0] >= 0.0
