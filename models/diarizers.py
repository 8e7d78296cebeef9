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
from models.silero import FRAME_S as SPEECH_FRAME_S
from pipeline.errors import ModelUnavailable

Read = Callable[[float, float], npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaker number `speaker` talks from `t0` to `t1` seconds."""

    t0: float
    t1: float
    speaker: int


_STEP_S = 2.0
_SHORT_STEP_S = 1.25
_SHORT_S = 120.0
"""A shorter recording would have too few windows to cluster at the usual step."""
_ACTIVE = 0.5
_SPEECH = 0.4
_VOICE_ACTIVITY = 0.35
"""Share of the voice activity detector in whether anybody speaks; the rest is the segmentation model's."""
_NOBODY = 0.1
"""A window in which speech is nowhere likelier than this is not looked at: hold, pauses, the rest of a long file."""
_MIN_SPAN_S = 0.1
_CLEAN_FRAMES = 60
"""A local speaker heard alone this long (about a second) takes part in clustering; shorter ones are assigned."""
_PIECE_FRAMES = 160
"""Of a local speaker 1.6 s are embedded, as in the encoder's training: more costs more and tells voices no better."""
_MAX_CLUSTERED = 3000
_MIN_MASS = 0.04
_MAX_SPEAKERS = 6
_SAME_VOICE = 0.82
_MIN_SECONDS_TO_COUNT = 60.0


def embedded(
    read: Read, seconds: float, speakers: int, *, model: str = "", speech: Floats32 | None = None
) -> list[Voice]:
    """Segmentation model, one d-vector per window and local speaker, average-linkage clustering, overlap kept.

    Windows of 5 s every two seconds (1.25 s in a short recording); the local speakers of one window go to
    different people (Hungarian assignment); activities are then averaged over all windows (Bredin 2023, "pyannote.audio
    2.1 speaker diarization pipeline") and, for whether anybody speaks at all, with `speech`; plain pauses are cut out.
    Raises `ModelUnavailable` when the packaged weights are missing.
    """
    from models.segmentation import FRAME_S

    step = _SHORT_STEP_S if seconds < _SHORT_S else _STEP_S
    starts, activity, owners, vectors, weights = _local_speakers(read, seconds, step, speech)
    if not len(vectors):
        return []
    similarity = _cluster(vectors, weights, speakers or _count(vectors, weights, step))
    active = _stitch(starts, activity, owners, similarity, speech)
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


def _local_speakers(
    read: Read, seconds: float, step: float, speech: Floats32 | None
) -> tuple[list[float], npt.NDArray[np.float32], list[tuple[int, int]], Floats, Floats]:
    """Windows, their activities, and per local speaker heard: (window, column), d-vector, frames it rests on."""
    from models.dvector import embed, mel_frames
    from models.segmentation import RATE, WINDOW_S, activities, frame_times

    every = (float(start) for start in np.arange(0.0, max(step, seconds - WINDOW_S + step), step))
    starts = [start for start in every if speech is None or _somebody(speech, start, start + WINDOW_S)]
    size = round(WINDOW_S * RATE)
    all_activity: list[Floats32] = []
    owners: list[tuple[int, int]] = []
    vectors: list[Floats32] = []
    weights: list[float] = []
    if not starts:
        return [], np.zeros((0, 0, 0), np.float32), [], np.zeros((0, 0)), np.zeros(0)
    for first in range(0, len(starts), 64):
        batch = starts[first : first + 64]
        windows = [read(start, start + WINDOW_S) for start in batch]
        rows = activities(np.stack([np.pad(row, (0, size - len(row))) for row in windows]))
        all_activity.append(rows)
        mel_rows = (frame_times(rows.shape[1])[:, None] * 100 + np.arange(2)).astype(int)
        pieces = []
        for offset, (window, activity) in enumerate(zip(windows, rows, strict=True)):
            mel = mel_frames(window)
            active = activity > _ACTIVE
            alone = active & (active.sum(axis=1, keepdims=True) == 1)
            for column in range(rows.shape[2]):
                if active[:, column].sum() < 10:
                    continue
                frames = alone[:, column] if alone[:, column].sum() >= 25 else active[:, column]
                where = np.unique(mel_rows[frames])
                where = where[where < len(mel)]
                if len(where) >= 20:
                    owners.append((first + offset, column))
                    middle = max(0, (len(where) - _PIECE_FRAMES) // 2)
                    pieces.append(mel[where[middle : middle + _PIECE_FRAMES]])
                    weights.append(float(frames.sum()))
        vectors.append(embed(pieces))
    return (
        starts,
        np.concatenate(all_activity),
        owners,
        np.concatenate(vectors).astype(np.float64),
        np.array(weights),
    )


def _somebody(speech: Floats32, t0: float, t1: float) -> bool:
    """True where somebody may speak between two times, by the speech probability of each 32 ms."""
    window = speech[int(t0 / SPEECH_FRAME_S) : int(np.ceil(t1 / SPEECH_FRAME_S))]
    return bool(len(window) and window.max() > _NOBODY)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _cluster(vectors: Floats, weights: Floats, count: int) -> Floats:
    """Similarity of every d-vector to each of `count` voices; (n, 256) -> (n, at most count).

    The common part of all voices (the line, the room) is taken away first: the mean of eight fine clusters, so that
    whoever talks most does not become the origin. Clusters under 4 % of the speech are taken for noise.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    clean = np.flatnonzero(weights >= min(_CLEAN_FRAMES, float(np.median(weights))))
    clean = clean[:: max(1, -(-len(clean) // _MAX_CLUSTERED))]
    if len(clean) < 2 or count < 2:
        return np.ones((len(vectors), 1))
    fine = fcluster(linkage(vectors[clean], "ward"), 8, "maxclust")
    origin = np.mean([vectors[clean][fine == label].mean(axis=0) for label in np.unique(fine)], axis=0)
    rows = _unit(vectors - origin)
    tree = linkage(rows[clean], "average", metric="cosine")
    mass = weights[clean]
    for cut in range(count, count + 30):
        labels = fcluster(tree, cut, "maxclust")
        share = np.bincount(labels, mass) / mass.sum()
        large = np.flatnonzero(share >= _MIN_MASS)
        if len(large) >= count:
            large = large[np.argsort(-share[large], kind="stable")][:count]
            break
    else:
        labels = fcluster(tree, count, "maxclust")
        large = np.unique(labels)
    centres = _unit(np.stack([np.average(rows[clean][labels == k], 0, mass[labels == k]) for k in large]))
    for _ in range(6):
        nearest = (rows @ centres.T).argmax(axis=1)
        moved = [
            np.average(rows[nearest == k], 0, weights[nearest == k]) if (nearest == k).any() else centres[k]
            for k in range(len(centres))
        ]
        centres = _unit(np.stack(moved))
    return np.asarray(rows @ centres.T)


def _count(vectors: Floats, weights: Floats, step: float) -> int:
    """Number of voices: two, unless more stay clearly apart over at least a minute of speech.

    Counts estimated on real calls are mostly wrong, hence the prior: another voice is believed only when the raw
    centroids of all voices are less alike than 0.82 (cosine) and each has 5 % of the speech.
    """
    if float(weights.sum()) * 270 / 16_000 * step / 5.0 < _MIN_SECONDS_TO_COUNT:
        return 2
    best = 2
    for count in range(3, _MAX_SPEAKERS + 1):
        similarity = _cluster(vectors, weights, count)
        nearest = similarity.argmax(axis=1)
        if len(np.unique(nearest)) < count:
            break
        share = np.bincount(nearest, weights) / weights.sum()
        centres = _unit(np.stack([np.average(vectors[nearest == k], 0, weights[nearest == k]) for k in range(count)]))
        alike = (centres @ centres.T)[np.triu_indices(count, 1)].max()
        if alike >= _SAME_VOICE or share.min() < 0.05:
            break
        best = count
    return best


def _stitch(
    starts: list[float],
    activity: npt.NDArray[np.float32],
    owners: list[tuple[int, int]],
    similarity: Floats,
    speech: Floats32 | None,
) -> npt.NDArray[np.bool_]:
    """Who is active in each 17 ms of the recording, from overlapping windows; (frames, speakers)."""
    from scipy.optimize import linear_sum_assignment

    from models.segmentation import FRAME_S, WINDOW_S, frame_times

    length = activity.shape[1]
    total = int(np.ceil((starts[-1] + WINDOW_S) / FRAME_S)) + 2
    taper = np.hamming(length) + 0.05
    score = np.zeros((total, similarity.shape[1]))
    mass = np.full(total, 1e-9)
    one, two = np.zeros(total), np.zeros(total)
    by_window: dict[int, list[int]] = {}
    for row, (window, _) in enumerate(owners):
        by_window.setdefault(window, []).append(row)
    for window, start in enumerate(starts):
        first = round((start + float(frame_times(1)[0])) / FRAME_S)
        at = slice(first, first + length)
        ordered = np.sort(activity[window], axis=1)
        mass[at] += taper
        one[at] += taper * ordered[:, -1]
        two[at] += taper * ordered[:, -2]
        rows = by_window.get(window, [])
        if rows:
            for row, speaker in zip(*linear_sum_assignment(-similarity[rows]), strict=True):
                score[at, speaker] += taper * activity[window][:, owners[rows[row]][1]]
    likely = one / mass
    if speech is not None:
        likely = (1 - _VOICE_ACTIVITY) * likely + _VOICE_ACTIVITY * pauses.at_times(speech, total, FRAME_S)
    ranked = np.argsort(-score, axis=1, kind="stable")
    active = np.zeros(score.shape, bool)
    for place, there in enumerate((likely > _SPEECH, (likely > _SPEECH) & (two / mass > _ACTIVE))):
        if place < score.shape[1]:
            frames = np.flatnonzero(there)
            active[frames, ranked[frames, place]] = True
    return active & (score > 0)


def _pauses(read: Read, seconds: float, speech: Floats32, frames: int) -> npt.NDArray[np.bool_]:
    """True where a 17 ms frame lies in a plain pause."""
    from models.segmentation import FRAME_S

    blocks = (read(t0, min(seconds, t0 + 60.0)) for t0 in np.arange(0.0, seconds, 60.0))
    found = pauses.pauses(pauses.levels(blocks), speech)
    at = ((np.arange(frames) + 0.5) * FRAME_S / pauses.HOP_S).astype(int)
    return found[np.minimum(at, len(found) - 1)] if len(found) else np.zeros(frames, bool)
