"""Mono diarizers: who speaks when in one channel. Adding one is one function and one line in `DIARIZERS`.

Every diarizer gets `read(t0, t1) -> samples` (16 kHz float32, speech at about -25 dBFS), the length in seconds, the
number of speakers (0: estimate, with a prior of two) and, where known, the `speech` probability per 32 ms; it returns
`Voice` spans in time order that may overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import pauses
from models.local_voices import Floats32, Read, local_voices
from pipeline.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaker number `speaker` talks from `t0` to `t1` seconds."""

    t0: float
    t1: float
    speaker: int


_STEP_S = 2.0
_EMBED_EVERY = 2
_SHORT_STEP_S = 1.25
_SHORT_S = 120.0
"""A shorter recording would have too few windows to cluster at the usual step, and each must speak for itself."""
_MIN_SPAN_S = 0.1


def embedded(
    read: Read, seconds: float, speakers: int, *, model: str = "", speech: Floats32 | None = None
) -> list[Voice]:
    """Segmentation model, d-vectors of its local speakers, average-linkage clustering, overlap kept.

    Windows of 5 s every two seconds, every other one with d-vectors (every 1.25 s and each one in a short recording);
    plain pauses are cut out. Raises `ModelUnavailable` when the packaged weights are missing.
    """
    from models.segmentation import FRAME_S
    from models.stitching import who_is_active, with_neighbours
    from models.voice_clusters import count_voices, similarities

    short = seconds < _SHORT_S
    step, every = (_SHORT_STEP_S, 1) if short else (_STEP_S, _EMBED_EVERY)
    found = local_voices(read, seconds, step=step, embed_every=every, speech=speech)
    if not len(found.vectors):
        return []
    weights = found.weights[found.embedded]
    likeness = similarities(found.vectors, weights, speakers or count_voices(found.vectors, weights, step * every))
    active = who_is_active(found, likeness if short else with_neighbours(found, likeness), speech)
    if speech is not None:
        active &= ~_pauses(read, seconds, speech, len(active))[:, None]
    voices = []
    for speaker in range(active.shape[1]):
        for first, last in pauses.runs(active[:, speaker]):
            t0, t1 = first * FRAME_S, min(seconds, last * FRAME_S)
            if t1 - t0 >= _MIN_SPAN_S:
                voices.append(Voice(float(t0), float(t1), speaker))
    return sorted(voices, key=lambda voice: (voice.t0, voice.t1))


def pyannote(
    read: Read, seconds: float, speakers: int, *, model: str = "", speech: Floats32 | None = None
) -> list[Voice]:
    """pyannote's own pipeline from the local folder `model`; exclusive turns, which fit words best.

    Raises `ModelUnavailable` when the folder or its parts are not there: nothing is ever downloaded here.
    """
    folder = Path(model).expanduser()
    if not model or not (folder / "config.yaml").is_file():
        raise ModelUnavailable(
            f"pyannote: no pipeline at '{model}'; put its folder there and set pyannote_model in debrief.toml"
        )
    from models.torchaudio_shim import import_torchaudio

    import_torchaudio()
    import torch
    from pyannote.audio import Pipeline

    try:
        pipeline = Pipeline.from_pretrained(folder)
    except (OSError, ValueError, RuntimeError, AttributeError, ImportError) as error:
        raise ModelUnavailable(f"pyannote: {folder} cannot be loaded ({str(error).splitlines()[0]})") from None
    if pipeline is None:
        raise ModelUnavailable(f"pyannote: {folder} cannot be loaded; copy the whole folder again")
    if torch.cuda.is_available():
        pipeline.to(torch.device("cuda"))
    waveform = torch.from_numpy(np.array(read(0.0, seconds)))[None]
    output = pipeline({"waveform": waveform, "sample_rate": 16_000}, num_speakers=speakers or None)
    turns = getattr(output, "exclusive_speaker_diarization", output)
    names: dict[str, int] = {}
    return [
        Voice(float(segment.start), float(segment.end), names.setdefault(label, len(names)))
        for segment, _, label in turns.itertracks(yield_label=True)
    ]


DIARIZERS: dict[str, Callable[..., list[Voice]]] = {"pyannote": pyannote, "embedded": embedded}


def _pauses(read: Read, seconds: float, speech: Floats32, frames: int) -> npt.NDArray[np.bool_]:
    """True where a 17 ms frame lies in a plain pause."""
    from models.segmentation import FRAME_S

    blocks = (read(t0, min(seconds, t0 + 60.0)) for t0 in np.arange(0.0, seconds, 60.0))
    found = pauses.pauses(pauses.levels(blocks), speech)
    at = ((np.arange(frames) + 0.5) * FRAME_S / pauses.HOP_S).astype(int)
    return found[np.minimum(at, len(found) - 1)] if len(found) else np.zeros(frames, bool)
