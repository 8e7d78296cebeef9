"""Several people on one channel of a two-channel call: a speakerphone, a meeting room.

Each stretch of a channel's speech is cut into pieces of 1.6 s, each piece becomes a d-vector, and Ward's clustering
says how unlike the voices are. Measured on the sample calls and a real telephone call, two clusters of one voice have
a cosine of 0.90 or more, of two voices 0.59-0.74 over wideband and 0.83-0.90 by telephone: so voices are told apart
unasked only where they are clearly two, and where somebody says how many people speak.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models import pauses
from pipeline.audio import Audio
from pipeline.diarize import Span

_PIECE_S = 1.6
_MIN_PIECE_S = 0.8
_LOOK = 24
"""Pieces looked at before anything is decided: a fraction of a second of computing."""
_CLEARLY_TWO = 0.80
_PERHAPS_TWO = 0.92
_MIN_SHARE = 0.12
_LEVEL = 10 ** (-25 / 20)
_LOUD_BACKGROUND_DB = -10.0
_OTHER_BACKGROUND_DB = 6.0

Piece = tuple[int, float, float]
"""Index of the span, start and end in seconds."""
Vectors = npt.NDArray[np.float64]


def split_voices(audio: Audio, spans: tuple[Span, ...], *, speakers: int = 0) -> tuple[Span, ...]:
    """Spans of a two-channel call, those of a channel with several voices relabelled `channel 1 voice 2`.

    `speakers` is how many people speak in all where it is known (0: not); the channel with the most unlike voices
    gets those beyond two. Within a channel the voice heard most keeps the channel's name.
    """
    if speakers in (1, 2):
        return spans
    alike = {channel: _alike(audio, spans, channel) for channel in (0, 1)}
    channel = min(alike, key=lambda number: alike[number])
    if alike[channel] >= (_PERHAPS_TWO if speakers else _CLEARLY_TWO):
        return spans
    return _relabelled(audio, spans, channel, voices=max(2, speakers - 1))


def _alike(audio: Audio, spans: tuple[Span, ...], channel: int) -> float:
    """Cosine between the means of two clusters of a channel's voice; 1.0 where one is too small or speech too short.

    1.0 too where only one cluster has something nearly as loud under the voice: one voice with and without hold
    music is one.
    """
    pieces = _pieces(spans, channel)
    if len(pieces) < _LOOK // 2:
        return 1.0
    chosen = np.unique(np.linspace(0, len(pieces) - 1, min(_LOOK, len(pieces))).astype(int))
    vectors = _vectors(audio, [pieces[index] for index in chosen], channel)
    labels = _clusters(vectors, 2)
    sizes = np.bincount(labels, minlength=3)[1:]
    if sizes.min() < _MIN_SHARE * len(labels):
        return 1.0
    under = [_background(audio, pieces[index], channel) for index in chosen]
    quiet, noisy = sorted(float(np.median([under[row] for row in np.flatnonzero(labels == k)])) for k in (1, 2))
    if noisy > _LOUD_BACKGROUND_DB and noisy - quiet > _OTHER_BACKGROUND_DB:
        return 1.0
    first, second = (vectors[labels == label].mean(axis=0) for label in (1, 2))
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _background(audio: Audio, piece: Piece, channel: int) -> float:
    """Level of a piece's quietest 10 ms (10th percentile) against its mean, in dB."""
    level = pauses.levels([audio.read(channel, piece[1], piece[2])])
    return float(np.percentile(level, 10) - 10 * np.log10(np.mean(10 ** (level / 10)) + 1e-10))


def _relabelled(audio: Audio, spans: tuple[Span, ...], channel: int, *, voices: int) -> tuple[Span, ...]:
    pieces = _pieces(spans, channel)
    labels = _clusters(_vectors(audio, pieces, channel), voices)
    rank = {label: place for place, (label, _) in enumerate(Counter(labels.tolist()).most_common())}
    votes: dict[int, Counter[int]] = {}
    for (index, _, _), label in zip(pieces, labels, strict=True):
        votes.setdefault(index, Counter())[rank[int(label)]] += 1
    made, last = [], 0
    for index, span in enumerate(spans):
        if span.channel == channel:
            # too short to tell: whoever of the channel spoke before
            last = votes[index].most_common(1)[0][0] if index in votes else last
            span = replace(span, speaker=span.speaker if last == 0 else f"{span.speaker} voice {last + 1}")
        made.append(span)
    return tuple(made)


def _pieces(spans: tuple[Span, ...], channel: int) -> list[Piece]:
    pieces = []
    for index, span in enumerate(spans):
        length = span.t1 - span.t0
        if span.channel == channel and length >= _MIN_PIECE_S:
            edges = np.linspace(span.t0, span.t1, max(1, int(length / _PIECE_S)) + 1)
            pieces += [
                (index, float(t0), min(float(t1), float(t0) + 2 * _PIECE_S)) for t0, t1 in itertools.pairwise(edges)
            ]
    return pieces


def _vectors(audio: Audio, pieces: list[Piece], channel: int) -> Vectors:
    from models.dvector import embed, mel_frames

    mels = []
    for _, t0, t1 in pieces:
        samples = audio.read(channel, t0, t1)
        level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
        mels.append(mel_frames(np.clip(samples * np.float32(_LEVEL / max(level, 1e-5)), -1, 1)))
    return embed(mels).astype(np.float64)


def _clusters(vectors: Vectors, count: int) -> npt.NDArray[np.int_]:
    from scipy.cluster.hierarchy import fcluster, linkage

    return np.asarray(fcluster(linkage(vectors, "ward"), count, "maxclust"), dtype=int)
