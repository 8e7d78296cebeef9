"""Deepgram's pre-recorded results, with utterances, or words by speaker and channel.

https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words, timed_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string


def recognise(data: Any) -> bool:
    """`results.channels[].alternatives`."""
    channels = rows(mapping(mapping(data).get("results")).get("channels"))
    return any("alternatives" in channel for channel in channels[:2])


def read(data: Any, where: str) -> Draft:
    """Utterances where the request asked for them, else words grouped by speaker within each channel.

    An utterance ends at a pause, not where somebody else speaks: one whose words have several speakers is split.
    """
    results, facts = mapping(data.get("results")), mapping(data.get("metadata"))
    channels = rows(results.get("channels"))
    several = len(channels) > 1
    pieces: list[Piece] = []
    for row in rows(results.get("utterances")):
        channel = row.get("channel") if several else None
        t0, t1 = seconds(row.get("start")), seconds(row.get("end"))
        tokens = _tokens(row.get("words"), channel)
        if len({token.speaker for token in tokens}) > 1:
            pieces += from_words(tokens)
            continue
        label = speaker_label(row.get("speaker"), channel)
        pieces.append(Piece(label, string(row.get("transcript")), t0, t1, timed_words(tokens, t0=t0, t1=t1)))
    for index, channel in enumerate(channels if not pieces else ()):
        best = first(channel.get("alternatives"))
        tokens = _tokens(best.get("words"), index if several else None)
        label = speaker_label(None, index if several else None)
        pieces += from_words(tokens) or [Piece(label, string(best.get("transcript")))]
    language = next((string(channel.get("detected_language")) for channel in channels), "")
    return Draft(pieces, call_id=string(facts.get("request_id")), language=language)


def _tokens(words: Any, channel: int | str | None) -> list[Token]:
    return [
        Token(
            string(row.get("punctuated_word")) or string(row.get("word")),
            seconds(row.get("start")),
            seconds(row.get("end")),
            probability(row.get("confidence")),
            speaker_label(row.get("speaker"), channel),
        )
        for row in rows(words)
    ]
