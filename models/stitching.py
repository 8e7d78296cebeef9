"""From voices of overlapping windows to who is active when in a whole recording."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models import pauses
from models.local_voices import ACTIVE, Floats, Floats32, LocalVoices
from models.segmentation import FRAME_S, WINDOW_S, frame_times

_SPEECH = 0.4
_SPEECH_IN_NOISE = 0.45
"""Somebody speaks above this share of the way from what is likely in pauses to what is likely in speech."""
_APART = 0.15
"""Pauses are told from speech only where they are this far apart: in a recording without any nothing is."""
_SURELY = 0.97
"""Where the segmentation model is as sure as this somebody speaks, however unsure the voice activity detector is."""
_VOICE_ACTIVITY = 0.35
"""Share of the voice activity detector in whether anybody speaks; the rest is the segmentation model's."""
_NEIGHBOURS = 0.3
"""How much a voice of the next window that is active in the same frames counts against a voice's own d-vector."""
_ROUNDS = 2


def with_neighbours(voices: LocalVoices, similarity: Floats) -> Floats:
    """Likeness of every local voice to each person, from those of the embedded ones; (embedded, k) -> (voices, k).

    Two voices of overlapping windows that are active in the same frames are one: each tells the other who it is, so
    that a voice without a d-vector is known by its neighbours', and one slip between two that agree is outvoted.
    """
    own = np.zeros((len(voices), similarity.shape[1]))
    own[voices.embedded] = similarity - similarity.mean(axis=1, keepdims=True)
    links = _links(voices)
    spread = own
    for _ in range(_ROUNDS):
        heard = own.copy()
        for one, other, shared in links:
            heard[one] += _NEIGHBOURS * shared @ spread[other]
            heard[other] += _NEIGHBOURS * shared.T @ spread[one]
        spread = heard
    return spread


def _links(voices: LocalVoices) -> list[tuple[slice, slice, Floats]]:
    """The voices of each two windows that overlap, and the share of a window in which both of a pair are active."""
    length = voices.activity.shape[1]
    firsts = [_first_frame(start) for start in voices.starts]
    rows = voices.of_windows()
    columns = [[column for _, column in voices.owners[at]] for at in rows]
    links = []
    for window, first in enumerate(firsts):
        for other in range(window + 1, len(firsts)):
            late = firsts[other] - first
            if late >= length:
                break
            here = voices.activity[window, late:][:, columns[window]]
            there = voices.activity[other, : length - late][:, columns[other]]
            links.append((rows[window], rows[other], here.T.astype(np.float64) @ there / length))
    return links


def _first_frame(start: float) -> int:
    return round((start + float(frame_times(1)[0])) / FRAME_S)


def who_is_active(voices: LocalVoices, likeness: Floats, speech: Floats32 | None) -> npt.NDArray[np.bool_]:
    """Who is active in each 17 ms of the recording; (frames, people).

    `likeness` is each local voice's to each person; the voices of one window go to different people (Hungarian
    assignment). Activities are averaged over all windows (Bredin 2023, "pyannote.audio 2.1 speaker diarization
    pipeline") and, for whether anybody speaks at all, with `speech`, the probability per 32 ms.
    """
    length = voices.activity.shape[1]
    total = int(np.ceil((voices.starts[-1] + WINDOW_S) / FRAME_S)) + 2
    taper = np.hamming(length) + 0.05
    score = np.zeros((total, likeness.shape[1]))
    mass = np.zeros(total)
    one, two = np.zeros(total), np.zeros(total)
    for activity, start, rows in zip(voices.activity, voices.starts, voices.of_windows(), strict=True):
        first = _first_frame(start)
        at = slice(first, first + length)
        ordered = np.sort(activity, axis=1)
        mass[at] += taper
        one[at] += taper * ordered[:, -1]
        two[at] += taper * ordered[:, -2]
        for row, person in _assigned(likeness[rows]):
            score[at, person] += taper * activity[:, voices.owners[rows.start + row][1]]
    looked_at = mass > 0
    one[looked_at] /= mass[looked_at]
    two[looked_at] /= mass[looked_at]
    somebody = _somebody(one, looked_at, speech)
    ranked = np.argsort(-score, axis=1, kind="stable")
    active = np.zeros(score.shape, bool)
    for place, there in enumerate((somebody, somebody & (two > ACTIVE))):
        if place < score.shape[1]:
            frames = np.flatnonzero(there)
            active[frames, ranked[frames, place]] = True
    return active & (score > 0)


def _assigned(likeness: Floats) -> list[tuple[int, int]]:
    """(voice, person) of one window: different people, but where there is only one."""
    from scipy.optimize import linear_sum_assignment

    if likeness.shape[1] == 1:
        return [(row, 0) for row in range(len(likeness))]
    return list(zip(*linear_sum_assignment(-likeness), strict=True))


def _somebody(one: Floats, looked_at: npt.NDArray[np.bool_], speech: Floats32 | None) -> npt.NDArray[np.bool_]:
    """Whether anybody speaks in each frame, from how likely the segmentation model finds the likeliest voice.

    In noise both models find speech likelier in pauses and less likely where there is some, so the threshold lies
    between what is usual in this recording's pauses and in its speech.
    """
    likely = one
    if speech is not None:
        likely = (1 - _VOICE_ACTIVITY) * one + _VOICE_ACTIVITY * pauses.at_times(speech, len(one), FRAME_S)
    low, high = pauses.two_means(likely[looked_at])
    threshold = max(_SPEECH, low + _SPEECH_IN_NOISE * (high - low)) if high - low >= _APART else _SPEECH
    return np.asarray((likely > threshold) | ((one > _SURELY) & (likely > _SPEECH)))
