"""Speechmatics json-v2 transcripts. https://docs.speechmatics.com/speech-to-text/batch/output"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string


def recognise(data: Any) -> bool:
    """`results` of words and punctuation whose alternatives have a `content`."""
    found = rows(mapping(data).get("results"))[:5]
    return any("content" in first(row.get("alternatives")) and "type" in row for row in found)


def read(data: Any, where: str) -> Draft:
    """Words by speaker within each channel; their `UU` is an unknown speaker."""
    channels: dict[str, list[Token]] = {}
    for row in rows(data.get("results")):
        best = first(row.get("alternatives"))
        channel = string(row.get("channel"))
        who = string(best.get("speaker"))
        label = speaker_label(who if who != "UU" else "") or channel
        mark = row.get("type") == "punctuation" and row.get("attaches_to", "previous") in ("previous", "both")
        times = (None, None) if mark else (seconds(row.get("start_time")), seconds(row.get("end_time")))
        token = Token(string(best.get("content")), *times, probability(best.get("confidence")), label, glued=mark)
        channels.setdefault(channel, []).append(token)
    pieces: list[Piece] = [piece for tokens in channels.values() for piece in from_words(tokens)]
    config = mapping(mapping(data.get("metadata")).get("transcription_config"))
    asked = string(config.get("language"))
    language = _spoken(data) if asked in ("", "auto") else asked
    return Draft(pieces, call_id=string(mapping(data.get("job")).get("id")), language=language)


def _spoken(data: Any) -> str:
    """The language that most words are in, where it was theirs to find out."""
    found = Counter(string(first(row.get("alternatives")).get("language")) for row in rows(data.get("results")))
    del found[""]
    return max(found, key=lambda name: found[name], default="")
