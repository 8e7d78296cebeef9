"""A recording with a transcript beside it: the words are read, not recognised; who spoke is heard where they don't say.

Meeting tools leave `call.vtt` beside `call.mp4`. That is better than hearing again, and free.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.audio import load_audio, require_speech
from pipeline.diarize import diarize, loudest_speaker_at
from pipeline.errors import AudioError, TranscriptError
from pipeline.ingest import Source
from pipeline.settings import Settings
from pipeline.timing import Said, said_words
from pipeline.types import Transcript, Turn, Word

Hear = Callable[..., Transcript]


def hear_or_read(source: Source, settings: Settings, *, hear: Hear | None = None) -> Transcript:
    """The words of a recording: from the transcript beside it where there is one that can be read, else heard.

    `hear` is `pipeline.hear.transcribe` unless a test says otherwise. `hearing.notes` says which, and why a transcript
    that lies there was not used. Raises what `hear` raises.
    """
    problem = ""
    if source.companion:
        from pipeline.formats import read_transcript

        try:
            found = read_transcript(source.companion)
            if len({turn.speaker for turn in found.turns}) == 1:
                found = read_transcript(source.companion, merge=False)
            return _read(found, source, settings)
        except TranscriptError as error:
            problem = f"{source.companion.name} beside the recording was not used: {error}"
    if hear is None:
        from pipeline.hear import transcribe

        hear = transcribe
    heard = hear(source.path, meta=source.meta(), settings=settings)
    return _noted(heard, problem) if problem else heard


def _read(found: Transcript, source: Source, settings: Settings) -> Transcript:
    assert source.companion is not None
    transcript = _noted(found, f"the words are those of {source.companion.name}, which lies beside the recording")
    transcript = replace(transcript, meta=source.meta(transcript.meta))
    if len({turn.speaker for turn in transcript.turns}) > 1 or transcript.duration_s == 0:
        return transcript
    return _with_voices(transcript, source.path, settings)


def _with_voices(transcript: Transcript, path: Path, settings: Settings) -> Transcript:
    """A transcript that names nobody gets its speakers from the recording; an undecodable one leaves it as it is."""
    from pipeline.hear import with_speaker_count

    try:
        audio = load_audio(path, max_hours=settings.max_hours)
        found = diarize(audio, require_speech(path, audio), settings=with_speaker_count(settings, transcript.meta))
    except AudioError as error:
        return _noted(transcript, f"the speakers were not told apart: {error}")
    turns = [
        replace(part, speaker=loudest_speaker_at(found.spans, part.t0, part.t1) or part.speaker)
        for turn in transcript.turns
        for part in _sentences(turn)
    ]
    hearing = replace(transcript.hearing, diarizer=found.method)
    return replace(transcript, turns=tuple(_joined(turns)), hearing=hearing)


def _sentences(turn: Turn) -> list[Turn]:
    """A turn whose words have times, cut behind each sentence of its text; any other as it is.

    The text is what counts: OpenAI's and Azure's timed words are without capitals and stops.
    """
    parts: list[list[Said]] = [[]]
    for said in said_words(turn):
        parts[-1].append(said)
        if turn.text[said.start : said.end].rstrip("\"'”’").endswith((".", "?", "!")):
            parts.append([])
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return [turn]
    starts = [part[0].t0 for part in parts[1:]]
    words: list[list[Word]] = [[] for _ in parts]
    for word in turn.words:
        words[bisect_right(starts, word.t0)].append(word)
    return [
        replace(turn, t0=part[0].t0, t1=part[-1].t1, text=turn.text[part[0].start : part[-1].end], words=tuple(own))
        for part, own in zip(parts, words, strict=True)
    ]


def _joined(turns: list[Turn]) -> list[Turn]:
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].speaker == turn.speaker:
            last = joined[-1]
            joined[-1] = replace(
                last, t1=max(last.t1, turn.t1), text=f"{last.text} {turn.text}", words=last.words + turn.words
            )
        else:
            joined.append(turn)
    return joined


def _noted(transcript: Transcript, note: str) -> Transcript:
    return replace(transcript, hearing=replace(transcript.hearing, notes=(*transcript.hearing.notes, note)))
