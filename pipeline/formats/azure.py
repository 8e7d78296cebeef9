"""Azure Speech: batch transcription (v3) and fast transcription results.

https://learn.microsoft.com/azure/ai-services/speech-service/batch-transcription-get and .../fast-transcription-create
"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, timed_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string

_TICKS = 10_000_000


def recognise(data: Any) -> bool:
    """`recognizedPhrases` (batch), or `phrases` beside `combinedPhrases` (fast)."""
    outer = mapping(data)
    fast = "combinedPhrases" in outer and any("offsetMilliseconds" in row for row in rows(outer.get("phrases"))[:3])
    return fast or any("nBest" in row for row in rows(outer.get("recognizedPhrases"))[:20])


def read(data: Any, where: str) -> Draft:
    """One piece per phrase, display form, with its words where they were asked for."""
    batch = rows(data.get("recognizedPhrases"))
    phrases = batch or rows(data.get("phrases"))
    several = len({string(row.get("channel")) for row in phrases}) > 1
    pieces = [_piece(row, several) for row in phrases if row.get("recognitionStatus", "Success") == "Success"]
    language = next((string(row.get("locale")) for row in phrases if row.get("locale")), "")
    return Draft(pieces, language=language)


def _piece(row: dict[str, Any], several: bool) -> Piece:
    best = first(row.get("nBest")) or row
    speaker = row.get("speaker", best.get("speaker"))
    label = speaker_label(speaker, row.get("channel") if several else None)
    text = string(best.get("display")) or string(best.get("lexical")) or string(best.get("text"))
    t0, t1 = _span(row)
    tokens = [_token(word) for word in rows(best.get("displayWords")) or rows(best.get("words"))]
    return Piece(label, text, t0, t1, timed_words(tokens, t0=t0, t1=t1))


def _token(word: dict[str, Any]) -> Token:
    text = string(word.get("displayText")) or string(word.get("word")) or string(word.get("text"))
    return Token(text, *_span(word), probability(word.get("confidence")))


def _span(row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Start and end out of ticks, milliseconds or ISO 8601 durations, whichever the version writes."""
    start = _time(row, "offset")
    length = _time(row, "duration")
    return start, None if start is None or length is None else start + length


def _time(row: dict[str, Any], name: str) -> float | None:
    if f"{name}InTicks" in row:
        return seconds(row[f"{name}InTicks"], per_second=_TICKS)
    if f"{name}Milliseconds" in row:
        return seconds(row[f"{name}Milliseconds"], per_second=1000)
    return seconds(row.get(name)) if isinstance(row.get(name), str) else None
