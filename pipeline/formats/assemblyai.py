"""AssemblyAI transcripts: utterances, or words with speakers; times in milliseconds.

https://www.assemblyai.com/docs/api-reference/transcripts/get
"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words, timed_words
from pipeline.formats.values import probability, rows, seconds, speaker_label, string

_TELLING = {"audio_url", "audio_duration", "language_model", "acoustic_model", "speech_model", "webhook_status_code"}


def recognise(data: Any) -> bool:
    """A transcript object of theirs: an id, a status, a text, and a field that only they have."""
    if not isinstance(data, dict) or "segments" in data or "results" in data:
        return False
    spoken = rows(data.get("utterances"))[:3] or rows(data.get("words"))[:3]
    timed = any({"text", "start", "end"} <= set(row) for row in spoken)
    return timed and (bool(_TELLING & set(data)) or {"id", "status"} <= set(data) or "utterances" in data)


def read(data: Any, where: str) -> Draft:
    """Utterances where speaker labels were on, else words grouped by speaker, else the text as a whole."""
    pieces: list[Piece] = []
    for row in rows(data.get("utterances")):
        t0, t1 = (seconds(row.get(key), per_second=1000) for key in ("start", "end"))
        words = timed_words(_tokens(row.get("words")), t0=t0, t1=t1)
        pieces.append(Piece(_label(row), string(row.get("text")), t0, t1, words))
    pieces = pieces or from_words(_tokens(data.get("words"))) or [Piece("", string(data.get("text")))]
    return Draft(pieces, call_id=string(data.get("id")), language=string(data.get("language_code")))


def _label(row: dict[str, Any]) -> str:
    # With multichannel on, the speaker already names the channel ("1A"); the channel alone stands in for none.
    return speaker_label(row.get("speaker")) or speaker_label(None, row.get("channel"))


def _tokens(words: Any) -> list[Token]:
    return [
        Token(
            string(row.get("text")),
            seconds(row.get("start"), per_second=1000),
            seconds(row.get("end"), per_second=1000),
            probability(row.get("confidence")),
            _label(row),
        )
        for row in rows(words)
    ]
