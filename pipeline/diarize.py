"""Who spoke when: by channel where the recording has one side on each, by voice where it has not.

Two channels (measured recipe): identical channels are one; else speech probability and level per channel, two-means
on the level difference over active frames, and what lies between the two means is both talking. Channels less
than 6 dB apart are treated as one recording.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import pauses
from models.silero import FRAME_S, speech_spans
from pipeline.audio import Audio, Samples, loudness_gain, speech_probabilities
from pipeline.errors import ModelUnavailable
from pipeline.settings import Settings

Floats = npt.NDArray[np.float32]

_IDENTICAL_DB = -25.0
_MIN_SEPARATION_DB = 6.0
_SILENT_DBFS = -70.0
_AROUND = 64
_EDGE_S = 0.15
_MIN_SPAN_S = 0.1


@dataclass(frozen=True, slots=True)
class Span:
    """`speaker` (`channel 0`, `SPEAKER_01`) talks from `t0` to `t1` seconds, audible on `channel`."""

    t0: float
    t1: float
    speaker: str
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Diarization:
    """Spans in time order, possibly overlapping; `audio` is what they index (mono where channels were merged)."""

    spans: tuple[Span, ...]
    method: str
    audio: Audio
    speech: tuple[Floats, ...]
    notes: tuple[str, ...] = ()


def diarize(audio: Audio, speech: tuple[Floats, ...], *, settings: Settings) -> Diarization:
    """Spans per speaker from decoded audio and its speech probabilities per channel (`audio.require_speech`)."""
    notes: tuple[str, ...] = ()
    if audio.channels == 2:
        reason = _one_recording(audio)
        if not reason:
            spans = channel_spans(audio, speech)
            if spans:
                from pipeline.channel_voices import split_voices

                spans = split_voices(audio, spans, speakers=settings.speakers)
                return Diarization(spans=spans, method="channels", audio=audio, speech=speech)
            reason = "the two channels hold the same voices (less than 6 dB apart)"
        notes = (f"stereo treated as mono: {reason}",)
        audio = audio.mono()
        speech = (speech_probabilities(audio, 0),)
    spans, method, more = voice_spans(audio, speech[0], settings=settings)
    return Diarization(spans=spans, method=method, audio=audio, speech=speech, notes=notes + more)


def _one_recording(audio: Audio) -> str:
    """Why a stereo file is really one channel: the best-scaled copy of one explains the other, or one is silent."""
    energy = np.zeros(2)
    cross = 0.0
    for left, right in zip(audio.blocks(0), audio.blocks(1), strict=True):
        left64, right64 = left.astype(np.float64), right.astype(np.float64)
        energy += [left64 @ left64, right64 @ right64]
        cross += float(left64 @ right64)
    level = 10 * np.log10(energy / max(1, audio.frames) + 1e-12)
    if level.min() < _SILENT_DBFS and level.max() - level.min() > 30:
        return "one channel is silent"
    residual = 1 - cross**2 / max(1e-12, float(energy[0] * energy[1]))
    return "both channels are the same" if 10 * np.log10(max(residual, 1e-12)) < _IDENTICAL_DB else ""


def channel_spans(audio: Audio, speech: tuple[Floats, ...]) -> tuple[Span, ...]:
    """Speech of each side from a recording with one side per channel; empty where the sides cannot be told apart."""
    frames = min(len(row) for row in speech)
    rows = np.stack([row[:frames] for row in speech])
    active = rows.max(axis=0) > 0.5
    if not active.any():
        return ()
    fine = [pauses.levels(audio.blocks(channel)) for channel in (0, 1)]
    difference = _per_frame(fine[0], frames) - _per_frame(fine[1], frames)
    low, high = pauses.two_means(difference[active])
    if high - low < _MIN_SEPARATION_DB:
        return ()
    middle, half_band = (high + low) / 2, (high - low) / 4
    mine = np.stack([difference > middle - half_band, difference < middle + half_band])
    spans = []
    for channel in (0, 1):
        mine_only = np.where(mine[channel], rows[channel], 0.0)
        rough = speech_spans(mine_only, min_silence_s=pauses.MIN_PAUSE_S, min_speech_s=_MIN_SPAN_S, pad_s=0.0)
        above = fine[channel] - fine[1 - channel]
        own = above > middle - half_band if channel == 0 else -above < middle + half_band
        for t0, t1 in _trimmed(rough, fine[channel], own, rows[channel]):
            spans.append(Span(t0, t1, f"channel {channel}", channel))
    if len({span.channel for span in spans}) < 2:
        return ()
    return tuple(sorted(spans, key=lambda span: (span.t0, span.t1)))


def _per_frame(level: Floats, frames: int) -> npt.NDArray[np.float64]:
    """Level in dB of each 32 ms frame, from those of 10 ms; shape (frames,)."""
    middles = ((np.arange(frames) + 0.5) * FRAME_S / pauses.HOP_S).astype(int)
    power = np.convolve(10 ** (level.astype(np.float64) / 10), np.ones(7) / 7, mode="same")
    return np.asarray(10 * np.log10(power[np.minimum(middles, len(power) - 1)] + 1e-9))


def _trimmed(
    spans: list[tuple[float, float]], level: Floats, own: npt.NDArray[np.bool_], speech: Floats
) -> list[tuple[float, float]]:
    """Spans of one channel with edges to 10 ms and plain pauses cut out; as they are where silence is not plain.

    An edge moves outwards by up to 0.15 s while the channel sounds and the sound is its own; what is then left between
    two spans is a gap only if it lasts as long as a pause.
    """
    silent = pauses.pauses(level, speech)
    if not silent.any():
        return spans
    voiced = own & ~silent
    kept = np.zeros(len(level), bool)
    for t0, t1 in spans:
        first, last = round(t0 / pauses.HOP_S), round(t1 / pauses.HOP_S)
        kept[first - _reach(voiced[:first][::-1]) : last + _reach(voiced[last:])] = True
    gaps = pauses.longer_than(~kept, round(pauses.MIN_PAUSE_S / pauses.HOP_S))
    return [
        (first * pauses.HOP_S, last * pauses.HOP_S)
        for first, last in pauses.runs(~gaps & ~silent)
        if last - first >= round(_MIN_SPAN_S / pauses.HOP_S) and kept[first:last].any()
    ]


def _reach(voiced: npt.NDArray[np.bool_]) -> int:
    """How many frames an edge moves into `voiced`: up to the first that is not, at most 0.15 s."""
    ahead = voiced[: round(_EDGE_S / pauses.HOP_S)]
    return len(ahead) if ahead.all() else int(np.argmin(ahead))


def voice_spans(audio: Audio, speech: Floats, *, settings: Settings) -> tuple[tuple[Span, ...], str, tuple[str, ...]]:
    """Spans by voice of a one-channel recording, the diarizer that made them, and what to note."""
    from models.diarizers import DIARIZERS

    gain = np.float32(loudness_gain(audio, 0))

    def read(t0: float, t1: float) -> Samples:
        return np.asarray(np.clip(audio.read(0, t0, t1) * gain, -1.0, 1.0))

    wanted = settings.diarizer
    notes: tuple[str, ...] = ()
    if wanted == "auto":
        wanted = "pyannote" if settings.pyannote_model else "embedded"
    if wanted not in DIARIZERS:
        raise ModelUnavailable(f"unknown diarizer '{wanted}'; known: auto, {', '.join(sorted(DIARIZERS))}")
    try:
        voices = DIARIZERS[wanted](
            read, audio.duration_s, settings.speakers, model=settings.pyannote_model, speech=speech
        )
    except ModelUnavailable as error:
        if wanted == "embedded" or settings.diarizer != "auto":
            raise
        notes = (f"diarized by the embedded diarizer: {error}",)
        wanted = "embedded"
        voices = DIARIZERS[wanted](read, audio.duration_s, settings.speakers, speech=speech)
    spans = tuple(Span(voice.t0, voice.t1, f"SPEAKER_{voice.speaker:02d}") for voice in voices)
    return spans, wanted, notes


def loudest_speaker_at(spans: tuple[Span, ...], t0: float, t1: float) -> str | None:
    """The speaker who covers most of `t0`-`t1`, else the nearest within a second, else None. `spans` in time order.

    Only the spans around the place are looked at, so that a long call costs no more per word than a short one.
    """
    place = bisect_left(spans, t1, key=lambda span: span.t0)
    near = spans[max(0, place - _AROUND) : place + 2]
    cover: dict[str, float] = {}
    for span in near:
        shared = min(t1, span.t1) - max(t0, span.t0)
        if shared > 0:
            cover[span.speaker] = cover.get(span.speaker, 0.0) + shared
    if cover:
        return max(cover, key=lambda speaker: cover[speaker])
    centre = (t0 + t1) / 2
    nearest = min(near, key=lambda span: max(span.t0 - centre, centre - span.t1), default=None)
    if nearest is None or max(nearest.t0 - centre, centre - nearest.t1) > 1.0:
        return None
    return nearest.speaker
