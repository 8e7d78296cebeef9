"""Google Cloud Speech-to-Text v1 and v2 responses, REST or protobuf field names.

https://cloud.google.com/speech-to-text/docs/reference/rest/v1/speech/recognize (and v2 `BatchRecognizeResults`)
"""

from __future__ import annotations

from typing import Any

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft, Piece, Token, from_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string


def _files(data: Any) -> list[list[dict[str, Any]]]:
    """The results of each recording: a response's own, or what v2's batches answer inline, by the recording's name."""
    outer = mapping(data)
    found = [outer.get("results"), mapping(outer.get("response")).get("results")]
    if listed := next(filter(None, map(rows, found)), None):
        return [listed]
    answers = [item for results in found for item in mapping(results).values()]
    return [listed for answer in answers if (listed := _inline(mapping(answer)))]


def _inline(answer: dict[str, Any]) -> list[dict[str, Any]]:
    inline = mapping(_either(answer, "inlineResult", "inline_result"))
    told = mapping(inline.get("transcript")) or mapping(answer.get("transcript"))
    return rows(told.get("results"))


def recognise(data: Any) -> bool:
    """`results[].alternatives[].transcript`, alone or in a finished operation's `response`."""
    return any("transcript" in first(row.get("alternatives")) for results in _files(data)[:5] for row in results)


def read(data: Any, where: str) -> Draft:
    """Words by speaker; with v1 diarization the last result repeats all words with their speakers and alone counts.

    Raises `TranscriptError` for several recordings in one file.
    """
    files = _files(data)
    if len(files) > 1:
        raise TranscriptError(f"{where}: holds {len(files)} calls; keep one call per file")
    results = files[0]
    whole = len(results) > 1 and _tagged(results[-1]) and not any(map(_tagged, results[:-1]))
    pieces: list[Piece] = []
    channels: dict[str, list[Token]] = {}
    clocks: dict[str, float | None] = {}
    for row in results[-1:] if whole else results:
        best = first(row.get("alternatives"))
        channel = string(_either(row, "channelTag", "channel_tag"))
        tokens = _tokens(best.get("words"), channel if channel not in ("", "0") else "")
        end = seconds(_either(row, "resultEndTime", "result_end_time", "resultEndOffset", "result_end_offset"))
        # channels are heard side by side, each from where it was last
        start = clocks.get(channel, 0.0) if end else None
        text = string(best.get("transcript"))
        if tokens and (any(token.t0 is not None for token in tokens) or _tagged(row) or not text):
            channels.setdefault(channel, []).extend(tokens)
        else:
            pieces.append(Piece(speaker_label(None, channel), text, start, end))
        clocks[channel] = end
    for tokens in channels.values():
        pieces += from_words(tokens)
    language = next((string(_either(row, "languageCode", "language_code")) for row in results), "")
    return Draft(pieces, call_id=string(mapping(data).get("name")), language=language)


def _either(row: dict[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if name in row), None)


def _tagged(row: dict[str, Any]) -> bool:
    words = rows(first(row.get("alternatives")).get("words"))
    return any(_speaker(word) for word in words[:20])


def _speaker(word: dict[str, Any]) -> str:
    label = string(_either(word, "speakerLabel", "speaker_label"))
    tag = string(_either(word, "speakerTag", "speaker_tag"))
    return speaker_label(label or (tag if tag != "0" else ""))


def _tokens(words: Any, channel: str) -> list[Token]:
    found: list[Token] = []
    for row in rows(words):
        t0 = seconds(_either(row, "startTime", "start_time", "startOffset", "start_offset"))
        t1 = seconds(_either(row, "endTime", "end_time", "endOffset", "end_offset"))
        # Protobuf's JSON leaves out a zero offset.
        start = 0.0 if t0 is None and t1 is not None and not found else t0
        # A confidence of exactly 0 is their mark for "not set".
        prob = probability(row.get("confidence")) or None
        speaker = _speaker(row)
        label = " ".join(part for part in (speaker_label(None, channel), speaker) if part)
        found.append(Token(string(row.get("word")), start, t1, prob, label))
    return found
