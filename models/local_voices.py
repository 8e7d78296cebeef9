"""Who is heard in each few seconds of a recording: the segmentation model window by window, and a d-vector of each
voice. A voice is local: who it is in the next window only its d-vector and the shared seconds say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.silero import FRAME_S as SPEECH_FRAME_S

Read = Callable[[float, float], npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

ACTIVE = 0.5
"""A local voice is active in a frame whose activity is above this."""
_NOBODY = 0.1
"""A window in which speech is nowhere likelier than this is not looked at: hold, pauses, the rest of a long file."""
_MIN_FRAMES = 12
"""A voice heard in fewer frames (a fifth of a second) is none."""
_ALONE_FRAMES = 25
_PIECE_FRAMES = 160
"""Of a local voice 1.6 s are embedded, as in the encoder's training: more costs more and tells voices no better."""
_WINDOWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class LocalVoices:
    """The voices heard in the windows of a recording, in order of windows.

    `starts` are the windows' seconds; `activity` (windows, frames, 3) is 0-1; `owners` holds (window, column) per
    voice; `weights` the frames that each rests on, alone where it is alone for long enough; `vectors` (m, 256) the
    d-vectors of the voices whose places are in `embedded` (m,).
    """

    starts: tuple[float, ...]
    activity: Floats32
    owners: tuple[tuple[int, int], ...]
    weights: Floats
    embedded: npt.NDArray[np.intp]
    vectors: Floats

    def __len__(self) -> int:
        return len(self.owners)

    def of_windows(self) -> list[slice]:
        """The places of each window's voices, one slice per window."""
        ends = np.searchsorted([window for window, _ in self.owners], np.arange(len(self.starts) + 1))
        return [slice(int(first), int(last)) for first, last in pairwise(ends)]


def local_voices(
    read: Read, seconds: float, *, step: float, embed_every: int = 1, speech: Floats32 | None = None
) -> LocalVoices:
    """Voices of windows of 5 s, `step` seconds apart, where anybody may speak by `speech` (probability per 32 ms).

    Of every `embed_every`-th window the voices get a d-vector, and of those without a neighbour on each side that
    shares their seconds. Raises `ModelUnavailable` when the packaged weights are missing or altered.
    """
    from models.dvector import SIZE, embed, mel_frames
    from models.segmentation import RATE, SPEAKERS, WINDOW_S, activities

    every = (float(start) for start in np.arange(0.0, max(step, seconds - WINDOW_S + step), step))
    starts = [start for start in every if speech is None or _may_speak(speech, start, start + WINDOW_S)]
    chosen = _to_embed(starts, step, embed_every)
    rows: list[Floats32] = [np.zeros((0, 0, SPEAKERS), np.float32)] if not starts else []
    vectors: list[Floats32] = [np.zeros((0, SIZE), np.float32)]
    owners: list[tuple[int, int]] = []
    weights: list[float] = []
    embedded: list[int] = []
    for first, group in _stretches(starts):
        sound = read(group[0], group[-1] + WINDOW_S)
        offsets = [round((start - group[0]) * RATE) for start in group]
        rows.append(activities(sound, offsets))
        pieces: list[Floats32] = []
        for place, (offset, activity) in enumerate(zip(offsets, rows[-1], strict=True), start=first):
            found = _voices(activity)
            mel = mel_frames(sound[offset : offset + round(WINDOW_S * RATE)]) if found and chosen[place] else None
            for column, frames in found:
                piece = None if mel is None else _piece(mel, frames)
                if piece is not None:
                    embedded.append(len(owners))
                    pieces.append(piece)
                owners.append((place, column))
                weights.append(float(frames.sum()))
        vectors.append(embed(pieces))
    return LocalVoices(
        starts=tuple(starts),
        activity=np.concatenate(rows),
        owners=tuple(owners),
        weights=np.array(weights),
        embedded=np.array(embedded, dtype=np.intp),
        vectors=np.concatenate(vectors).astype(np.float64),
    )


def _may_speak(speech: Floats32, t0: float, t1: float) -> bool:
    """True where somebody may speak between two times, by the speech probability of each 32 ms."""
    window = speech[int(t0 / SPEECH_FRAME_S) : int(np.ceil(t1 / SPEECH_FRAME_S))]
    return bool(len(window) and window.max() > _NOBODY)


def _to_embed(starts: list[float], step: float, every: int) -> list[bool]:
    """Which windows' voices get a d-vector: what lies between two such windows is known by the seconds they share."""
    places = {round(start / step) for start in starts}
    return [
        place % every == 0 or not {place - 1, place + 1} <= places
        for place in (round(start / step) for start in starts)
    ]


def _stretches(starts: list[float]) -> Iterator[tuple[int, list[float]]]:
    """Windows that overlap, at most 64 together, each with the place of the first."""
    from models.segmentation import WINDOW_S

    first = 0
    for place in range(1, len(starts) + 1):
        ended = place == len(starts) or starts[place] >= starts[place - 1] + WINDOW_S
        if ended or place - first == _WINDOWS_AT_ONCE:
            yield first, starts[first:place]
            first = place


def _voices(activity: Floats32) -> list[tuple[int, npt.NDArray[np.bool_]]]:
    """The columns of a window in which somebody is heard, and in which frames: alone, where that is long enough."""
    active = activity > ACTIVE
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    return [
        (column, alone[:, column] if alone[:, column].sum() >= _ALONE_FRAMES else active[:, column])
        for column in range(active.shape[1])
        if active[:, column].sum() >= _MIN_FRAMES
    ]


def _piece(mel: Floats32, frames: npt.NDArray[np.bool_]) -> Floats32 | None:
    """The middle of a voice's mel frames; None where they lie beyond the end of the recording."""
    from models.segmentation import frame_times

    where = np.unique((frame_times(len(frames))[frames][:, None] * 100 + np.arange(2)).astype(int))
    where = where[where < len(mel)]
    middle = max(0, (len(where) - _PIECE_FRAMES) // 2)
    return mel[where[middle : middle + _PIECE_FRAMES]] if len(where) >= _MIN_FRAMES else None
