"""Silero voice activity detection from the ONNX file inside the faster-whisper package, streamed in blocks.

Each 512-sample frame (32 ms at 16 kHz) gets the probability that somebody speaks. Recurrent state and the 64 samples
of left context carry over between blocks, so a six-hour recording needs no more memory than one block.
Network: Silero Team, silero-vad (MIT).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FRAME = 512
FRAME_S = FRAME / 16_000
_CONTEXT = 64


def probabilities(blocks: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Speech probability per 32 ms frame of consecutive 16 kHz blocks; the last frame is padded with zeros.

    Raises `ModelUnavailable` when the packaged weights are missing or altered.
    """
    session = _session()
    h = np.zeros((1, 1, 128), np.float32)
    c = np.zeros((1, 1, 128), np.float32)
    context = np.zeros(_CONTEXT, np.float32)
    rest = np.zeros(0, np.float32)
    rows: list[npt.NDArray[np.float32]] = []

    def run(samples: npt.NDArray[np.float32]) -> None:
        nonlocal h, c, context
        frames = samples.reshape(-1, FRAME)
        left = np.vstack([context, frames[:-1, -_CONTEXT:]]) if len(frames) > 1 else context[None]
        output, h, c = session.run(None, {"input": np.hstack([left, frames]), "h": h, "c": c})
        context = frames[-1, -_CONTEXT:].copy()
        rows.append(np.asarray(output, np.float32).reshape(-1))

    for block in blocks:
        rest = np.concatenate([rest, block.astype(np.float32, copy=False)])
        whole = len(rest) // FRAME * FRAME
        if whole:
            run(rest[:whole])
            rest = rest[whole:]
    if len(rest):
        run(np.pad(rest, (0, FRAME - len(rest))))
    return np.concatenate(rows) if rows else np.zeros(0, np.float32)


def speech_spans(
    probs: npt.NDArray[np.float32],
    *,
    threshold: float = 0.5,
    min_silence_s: float = 0.3,
    min_speech_s: float = 0.2,
    pad_s: float = 0.1,
) -> list[tuple[float, float]]:
    """Spans of speech in seconds, in order and disjoint.

    A span opens at `threshold` and closes once the probability stays 0.15 under it for `min_silence_s`; shorter ones
    than `min_speech_s` are dropped; each is padded by `pad_s`, at most to half the gap.
    """
    spans: list[tuple[float, float]] = []
    start: int | None = None
    quiet: int | None = None
    for index, prob in enumerate(probs):
        if prob >= threshold:
            start = index if start is None else start
            quiet = None
        elif start is not None and prob < threshold - 0.15:
            quiet = index if quiet is None else quiet
            if (index - quiet + 1) * FRAME_S >= min_silence_s:
                spans.append((start * FRAME_S, quiet * FRAME_S))
                start = quiet = None
    if start is not None:
        spans.append((start * FRAME_S, (quiet if quiet is not None else len(probs)) * FRAME_S))
    spans = [span for span in spans if span[1] - span[0] >= min_speech_s]
    end = len(probs) * FRAME_S
    padded = []
    for index, (t0, t1) in enumerate(spans):
        before = spans[index - 1][1] if index else -end
        after = spans[index + 1][0] if index + 1 < len(spans) else 2 * end
        padded.append((max(0.0, t0 - min(pad_s, (t0 - before) / 2)), min(end, t1 + min(pad_s, (after - t1) / 2))))
    return padded


@lru_cache(maxsize=1)
def _session() -> Any:
    import onnxruntime

    from models.catalogue import packaged_weights

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    path = packaged_weights("silero-vad")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"], sess_options=options)
