"""A recording becomes a transcript: audio, who spoke when, the recogniser, turns. Speakers stay unresolved here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.silero import speech_spans
from pipeline.audio import Audio, Samples, load_audio, loudness_gain, require_speech
from pipeline.diarize import Diarization, diarize
from pipeline.errors import AudioError, EngineError
from pipeline.settings import Settings
from pipeline.turns import build_turns
from pipeline.types import CallMeta, Hearing, Transcript, Word

_MAX_UTTERANCE_S = 20.0
_JOIN_GAP_S = 0.3
_MARGIN_S = 0.12


def transcribe(path: Path | str, *, meta: CallMeta | None = None, settings: Settings) -> Transcript:
    """Hear one recording: words, turns with unresolved speakers, and how they came to be (`hearing`).

    The call's id is the first 12 digits of the file's SHA-256. Raises `AudioError` for a file that is no call,
    `ModelUnavailable` or `EngineError` when the chosen engine cannot run.
    """
    from models.recognisers import RECOGNISERS

    limit_threads()
    path = Path(path)
    meta = meta or CallMeta()
    engine, model, notes = choose_engine(settings)
    audio = load_audio(path, max_hours=settings.max_hours)
    settings = with_speaker_count(settings, meta)
    diarization = diarize(audio, require_speech(path, audio), settings=settings)
    meta, known = with_known_voices(meta, diarization, settings)
    recogniser = RECOGNISERS[engine]
    terms = glossary(meta, settings)
    heard = [
        (_reader(diarization.audio, channel), utterances(diarization, channel))
        for channel in range(diarization.audio.channels)
    ]
    language = settings.language
    if language == "auto" and recogniser.spoken_language:
        language = recogniser.spoken_language(heard, model=model)
    channels = [
        recogniser.transcribe(read, speech, language=language, terms=terms, model=model) for read, speech in heard
    ]
    words: list[Word] = [word for channel in channels for word in channel]
    names = (meta.rep or "", *terms)
    turns = build_turns(recogniser.calibrated(channels), diarization, punctuated=recogniser.punctuated, names=names)
    if not turns:
        raise AudioError(
            f"{path}: speech was found but no word was understood; check the recording's volume and language"
        )
    hearing = Hearing(
        engine=engine,
        revision=recogniser.revision(model),
        diarizer=diarization.method,
        language=language,
        expected_wer=recogniser.expected_wer(words),
        notes=notes + audio.notes + diarization.notes + known,
    )
    return Transcript(call_id=_content_id(path), meta=meta, turns=turns, hearing=hearing)


def with_speaker_count(settings: Settings, meta: CallMeta) -> Settings:
    """The settings with how many people speak, where the call's own metadata says so (`speakers: 3` in a sidecar)."""
    stated = str(meta.extra.get("speakers", ""))
    return replace(settings, speakers=int(stated)) if stated.isdigit() and 0 < int(stated) < 20 else settings


def with_known_voices(meta: CallMeta, diarization: Diarization, settings: Settings) -> tuple[CallMeta, tuple[str, ...]]:
    """The metadata with `voices` (label to rep) where an enrolled voice was recognised, and a note for each."""
    from pipeline.voices import known_voices, matches

    voices = known_voices(settings.data)
    found = matches(diarization, voices, rep=meta.rep) if voices else []
    if not found:
        return meta, ()
    notes = tuple(
        f"{match.label} sounds like {match.rep} (likeness {match.likeness:.2f}, {match.margin:.2f} over the next)"
        for match in found
    )
    return meta.merged(CallMeta(extra={"voices": {match.label: match.rep for match in found}})), notes


def choose_engine(settings: Settings) -> tuple[str, str, tuple[str, ...]]:
    """(engine, its model, notes): faster-whisper where a verified model is on this machine, else pocketsphinx, said
    aloud.

    Raises `ModelUnavailable` when faster-whisper is asked for by name and no model is here, or the one asked for does
    not know the language, as pocketsphinx knows none but English; `EngineError` for an unknown engine.
    """
    from models.catalogue import find_model, knows, local_model, recommended
    from models.recognisers import RECOGNISERS

    if settings.engine == "auto":
        english = knows("small.en", settings.language)
        if settings.whisper_model != "auto" or not english or find_model(settings.language) is not None:
            return "faster-whisper", str(local_model(settings.whisper_model, settings.language)), ()
        note = (
            "heard with the small built-in recogniser (pocketsphinx), which needs clear speech; "
            f"for real calls use faster-whisper: debrief models pull {recommended()}"
        )
        return "pocketsphinx", "", (note,)
    if settings.engine not in RECOGNISERS:
        raise EngineError(f"unknown engine '{settings.engine}'; known: auto, {', '.join(sorted(RECOGNISERS))}")
    if settings.engine == "faster-whisper":
        return "faster-whisper", str(local_model(settings.whisper_model, settings.language)), ()
    return settings.engine, "", ()


def glossary(meta: CallMeta, settings: Settings) -> tuple[str, ...]:
    """Names and products likely in this call: who is on it first, then the account, then the user's glossary."""
    rep = (meta.rep or "").split()
    people = meta.extra.get("participants") or ()
    if isinstance(people, str):
        people = re.split(r"[,;\n]", people)
    if not isinstance(people, list | tuple | dict):
        people = ()  # how many they are, perhaps: no names
    names = [str((item.get("name") or "") if isinstance(item, dict) else item or "") for item in people]
    terms = [*rep, *names, meta.account or "", *settings.glossary.split(",")]
    return tuple(dict.fromkeys(term.strip() for term in terms if term and term.strip()))


def utterances(diarization: Diarization, channel: int) -> list[tuple[float, float]]:
    """Spans to recognise in one channel: its own speaker's speech (two channels) or all speech (mono), near ones
    joined.
    """
    if diarization.method == "channels":
        mine = [span for span in diarization.spans if span.channel == channel]
        spans = [(max(0.0, span.t0 - _MARGIN_S), span.t1 + _MARGIN_S) for span in mine]
    else:
        spans = speech_spans(diarization.speech[channel])
    joined: list[tuple[float, float]] = []
    for t0, t1 in spans:
        if joined and t0 - joined[-1][1] < _JOIN_GAP_S and t1 - joined[-1][0] <= _MAX_UTTERANCE_S:
            joined[-1] = (joined[-1][0], max(t1, joined[-1][1]))
        else:
            joined.append((max(t0, joined[-1][1]) if joined else t0, t1))
    return [piece for span in joined for piece in _cut(span, diarization.speech[channel])]


def _cut(
    span: tuple[float, float], speech: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> list[tuple[float, float]]:
    """A span over 20 s in pieces, each ending where speech is least likely in its second half."""
    from models.silero import FRAME_S

    t0, t1 = span
    pieces = []
    while t1 - t0 > _MAX_UTTERANCE_S:
        first = round((t0 + _MAX_UTTERANCE_S / 2) / FRAME_S)
        window = speech[first : round((t0 + _MAX_UTTERANCE_S) / FRAME_S)]
        cut = (first + int(np.argmin(window))) * FRAME_S if len(window) else t0 + _MAX_UTTERANCE_S
        pieces.append((t0, cut))
        t0 = cut
    return [*pieces, (t0, t1)]


def limit_threads() -> None:
    """One torch thread: workers fill the cores, and more threads only slow each other down."""
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def _reader(audio: Audio, channel: int) -> Callable[[float, float], Samples]:
    gain = np.float32(loudness_gain(audio, channel))

    def read(t0: float, t1: float) -> Samples:
        return np.asarray(np.clip(audio.read(channel, t0, t1) * gain, -1.0, 1.0))

    return read


def _content_id(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
