"""Transcripts from other tools in, transcripts for other tools out.

A format is one small file and one line in `READERS` or `WRITERS`. What a file is, is told by its content, never by
its name; a file that is no transcript is None to `sniff` and one line (`TranscriptError`) to `read_transcript`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import TranscriptError
from pipeline.formats import (
    assemblyai,
    aws,
    azure,
    deepgram,
    docx,
    fireflies,
    gong,
    google,
    ibm,
    native,
    rev,
    speechmatics,
    srt,
    text,
    webvtt,
    whisper,
    writers,
)
from pipeline.formats.assemble import Draft, assemble
from pipeline.formats.document import (
    HEAD_BYTES,
    HEAD_CHARS,
    MAX_BYTES,
    WIDE_BYTES,
    Kind,
    decode,
    head_of,
    kind_of,
    parse_json,
    read_bytes,
)
from pipeline.types import Transcript

__all__ = ["READERS", "WRITERS", "Reader", "Writer", "read_transcript", "sniff", "write_transcript"]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one format is recognised and read.

    `recognise` gets parsed JSON, the first `HEAD_CHARS` of a text, or a zip file's bytes, by `kind`; `read` gets the
    whole of it and the file's name for errors. `marks` are keys that a cut-off JSON file of this format still shows.
    """

    label: str
    kind: Kind
    recognise: Callable[[Any], bool]
    read: Callable[[Any, str], Draft | Transcript]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """How one format is written: `suffix` for file names, `write` gives the whole file's text."""

    label: str
    suffix: str
    write: Callable[[Transcript], str]


# The first that recognises a file reads it: narrow shapes stand before wide ones.
READERS: dict[str, Reader] = {
    "debrief": Reader("debrief's own JSON", "json", native.recognise, native.read, ("turns", "speaker", "text")),
    "gong": Reader("Gong", "json", gong.recognise, gong.read, ("speakerId", "sentences")),
    "fireflies": Reader("Fireflies", "json", fireflies.recognise, fireflies.read, ("speaker_name",)),
    "aws-call-analytics": Reader(
        "Amazon Transcribe Call Analytics",
        "json",
        aws.recognise_call_analytics,
        aws.read_call_analytics,
        ("ParticipantRole",),
    ),
    "aws-transcribe": Reader(
        "Amazon Transcribe", "json", aws.recognise_transcribe, aws.read_transcribe, ("results", "transcripts")
    ),
    "deepgram": Reader("Deepgram", "json", deepgram.recognise, deepgram.read, ("channels", "alternatives")),
    "rev": Reader("Rev and Rev AI", "json", rev.recognise, rev.read, ("monologues", "elements")),
    "azure": Reader("Azure Speech, batch and fast", "json", azure.recognise, azure.read, ("recognizedPhrases",)),
    "speechmatics": Reader(
        "Speechmatics", "json", speechmatics.recognise, speechmatics.read, ("start_time", "content")
    ),
    "ibm": Reader("IBM Watson Speech to Text", "json", ibm.recognise, ibm.read, ("results", "timestamps")),
    "google": Reader("Google Cloud Speech", "json", google.recognise, google.read, ("results", "alternatives")),
    "whisper.cpp": Reader("whisper.cpp", "json", whisper.recognise_cpp, whisper.read_cpp, ("transcription", "offsets")),
    "whisperx": Reader("WhisperX", "json", whisper.recognise_whisperx, whisper.read, ("segments", "score")),
    "faster-whisper": Reader(
        "faster-whisper", "json", whisper.recognise_faster_whisper, whisper.read, ("start", "probability")
    ),
    "openai": Reader(
        "OpenAI verbose and diarized JSON, whisper",
        "json",
        whisper.recognise_openai,
        whisper.read,
        ("segments", "start"),
    ),
    "assemblyai": Reader("AssemblyAI", "json", assemblyai.recognise, assemblyai.read, ("words", "start", "text")),
    "webvtt": Reader("WebVTT: Zoom, Teams, Meet", "text", webvtt.recognise, webvtt.read),
    "srt": Reader("SubRip", "text", srt.recognise, srt.read),
    "text": Reader("Text: 'Name: text', Otter", "text", text.recognise, text.read),
    "docx": Reader("Word: Teams", "zip", docx.recognise, docx.read),
}

WRITERS: dict[str, Writer] = {
    "json": Writer("debrief's own JSON", ".json", writers.to_json),
    "vtt": Writer("WebVTT with speakers", ".vtt", writers.to_vtt),
    "srt": Writer("SubRip", ".srt", writers.to_srt),
    "txt": Writer("Text", ".txt", writers.to_txt),
    "rttm": Writer("Who spoke when (RTTM)", ".rttm", writers.to_rttm),
    "ctm": Writer("Words with times (CTM)", ".ctm", writers.to_ctm),
    "audacity": Writer("Audacity labels", ".labels.txt", writers.to_audacity),
}


def sniff(path: Path) -> str | None:
    """The format's name in `READERS`, by content; None for what is no transcript. Never raises.

    A damaged file of a known format is that format, so that reading it can say what is wrong.
    """
    head = head_of(path)
    kind = kind_of(head)
    try:
        if kind == "text":
            return _of_text(decode(head)) or (
                _of_wide_text(head_of(path, WIDE_BYTES)) if len(head) == HEAD_BYTES else None
            )
        if kind is None:
            return None
        if path.stat().st_size > MAX_BYTES:
            return _by_marks(decode(head)) if kind == "json" else None
        return _recognise(read_bytes(path), kind, where=str(path))[0]
    except (TranscriptError, OSError):
        return _by_marks(decode(head)) if kind == "json" else None


def read_transcript(path: Path, *, merge: bool = True) -> Transcript:
    """The transcript in a file of any known format; without `merge`, each of its captions is a turn.

    Speakers keep the labels the file gives, so `rep` and `buyer:Name` are what a file states itself. Where a vendor
    knows the sides, `meta.extra["sides"]` maps labels to `rep` or `buyer`. Raises `TranscriptError`.
    """
    where = str(path)
    data = read_bytes(path)
    kind = kind_of(data[: 1 << 16])
    name, content = _recognise(data, kind, where=where) if kind else (None, None)
    if kind is None and not decode(data).strip():
        raise TranscriptError(f"{where}: empty file (blank lines only); export it again")
    if name is None:
        raise TranscriptError(
            f"{where}: not a transcript in a known format ({', '.join(READERS)}); export it as one of them"
        )
    found = READERS[name].read(content, where)
    return found if isinstance(found, Transcript) else assemble(found, form=name, where=where, merge=merge)


def write_transcript(transcript: Transcript, name: str) -> str:
    """A transcript as the text of one of `WRITERS`. Raises `TranscriptError` for an unknown name."""
    if name not in WRITERS:
        raise TranscriptError(f"{name}: not a transcript format that is written; known: {', '.join(WRITERS)}")
    return WRITERS[name].write(transcript)


def _recognise(data: bytes, kind: Kind, *, where: str) -> tuple[str | None, Any]:
    """The format of whole content and the content as its reader wants it."""
    if kind == "zip":
        return next((n for n, r in READERS.items() if r.kind == "zip" and r.recognise(data)), None), data
    content = decode(data)
    if kind == "text":
        return _of_text(content) or _of_wide_text(data[:WIDE_BYTES]), content
    parsed = parse_json(content, where=where)
    return next((n for n, r in READERS.items() if r.kind == "json" and r.recognise(parsed)), None), parsed


def _of_text(content: str) -> str | None:
    head = content[:HEAD_CHARS].lstrip("\ufeff \t\r\n")
    return next((name for name, r in READERS.items() if r.kind == "text" and r.recognise(head)), None)


def _of_wide_text(data: bytes) -> str | None:
    """The format by the first lines however long they are, the middle of long ones left out."""
    lines = decode(data).splitlines()[:400]
    return _of_text("\n".join(line if len(line) <= 80 else f"{line[:64]} {line[-12:]}" for line in lines))


def _by_marks(head: str) -> str | None:
    """The format whose keys a JSON text that cannot be parsed still shows."""
    return next((n for n, r in READERS.items() if r.marks and all(f'"{mark}"' in head for mark in r.marks)), None)
