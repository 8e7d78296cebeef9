"""Short pieces of the sample calls, and how to write a recording of any kind for a test."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.audio import RATE, Audio, load_audio

SAMPLES = Path(__file__).resolve().parents[1] / "sample_calls"
SHARED = Path(__file__).resolve().parents[2] / "shared"


@cache
def reference(call: str) -> dict[str, Any]:
    """Reference transcript of a recorded sample call."""
    row: dict[str, Any] = json.loads((SAMPLES / "reference" / f"{call}.json").read_text(encoding="utf-8"))
    return row


@cache
def recording(call: str) -> Audio:
    """Decoded sample call."""
    return load_audio(SAMPLES / "inbox" / reference(call)["meta"]["file"])


def piece(call: str, t0: float, t1: float) -> npt.NDArray[np.float32]:
    """Samples of a call between two times; (channels, n)."""
    audio = recording(call)
    return np.stack([audio.read(channel, t0, t1) for channel in range(audio.channels)])


def write(path: Path, samples: npt.NDArray[np.float32], *, codec: str, rate: int = RATE, layout: str = "") -> Path:
    """Encode samples (channels, n) at 16 kHz into `path` with a PyAV codec, resampled to `rate`."""
    import av

    layout = layout or ("mono" if len(samples) == 1 else "stereo")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            part.pts = None
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path
