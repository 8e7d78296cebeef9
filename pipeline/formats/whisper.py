"""Whisper and its relatives: WhisperX, faster-whisper, whisper.cpp, OpenAI's verbose_json and diarized_json."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words, timed_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string


def _segments(data: Any) -> list[dict[str, Any]]:
    found = rows(data.get("segments")) if isinstance(data, dict) else rows(data)
    return [row for row in found if "text" in row and ("start" in row or "end" in row)]


def recognise_whisperx(data: Any) -> bool:
    """Segments with aligned words that carry a `score`, or the list of all aligned words beside them."""
    if not isinstance(data, dict) or not _segments(data):
        return False
    words = [first(row.get("words")) for row in _segments(data)[:20]]
    return "word_segments" in data or any("score" in word and "word" in word for word in words)


def recognise_faster_whisper(data: Any) -> bool:
    """Segments, in an object or a bare list, whose words carry a `probability`, or a list with Whisper's fields."""
    segments = _segments(data)[:20]
    words = [first(row.get("words")) for row in segments]
    timed = any("probability" in word and "word" in word for word in words)
    return timed or (isinstance(data, list) and any({"avg_logprob", "no_speech_prob"} & set(row) for row in segments))


def recognise_openai(data: Any) -> bool:
    """Segments in an object: verbose_json, diarized_json, the whisper command's JSON, whisper-timestamped; or only
    words, as verbose_json has them where just their times were asked for."""
    words = rows(mapping(data).get("words"))[:3]
    return isinstance(data, dict) and (bool(_segments(data)) or any({"word", "start"} <= set(row) for row in words))


def recognise_cpp(data: Any) -> bool:
    """A `transcription` list whose rows have `offsets` in milliseconds."""
    return isinstance(data, dict) and any("offsets" in row for row in rows(data.get("transcription"))[:3])


def read(data: Any, where: str) -> Draft:
    """Segments as pieces; where the words of one segment have several speakers it is split among them."""
    facts = mapping(data)
    segments = _segments(data)
    loose = _tokens(facts.get("words"), "") if not any(row.get("words") for row in segments) else []
    pieces: list[Piece] = []
    at = 0
    for row in segments:
        speaker = speaker_label(row.get("speaker"))
        t0, t1 = seconds(row.get("start")), seconds(row.get("end"))
        tokens = _tokens(row.get("words"), speaker)
        while at < len(loose) and t1 is not None and _middle(loose[at]) <= t1:
            tokens.append(loose[at])
            at += 1
        if len({token.speaker for token in tokens}) > 1:
            pieces += from_words(tokens)
        else:
            who = tokens[0].speaker if tokens and tokens[0].speaker else speaker
            pieces.append(Piece(who, string(row.get("text")), t0, t1, timed_words(tokens, t0=t0, t1=t1)))
    pieces = pieces or from_words(_punctuated(loose, string(facts.get("text")).split()))
    return Draft(pieces, language=string(facts.get("language")))


def _punctuated(tokens: list[Token], written: list[str]) -> list[Token]:
    """The words as the whole text writes them, where the two are as many: OpenAI's timed words have no full stops."""
    if len(tokens) != len(written):
        return tokens
    return [dataclasses.replace(token, text=text) for token, text in zip(tokens, written, strict=True)]


def _tokens(words: Any, speaker: str) -> list[Token]:
    found = []
    said_by = [speaker_label(row.get("speaker")) for row in rows(words)]
    # WhisperX gives `$45,000` neither time nor speaker: who says the words before it (else behind it) says it too
    who = next(filter(None, said_by), speaker)
    for row, own in zip(rows(words), said_by, strict=True):
        prob = next((row[key] for key in ("score", "probability", "confidence") if key in row), None)
        text = string(row.get("word")) or string(row.get("text"))
        who = own or who
        found.append(Token(text, seconds(row.get("start")), seconds(row.get("end")), probability(prob), who))
    return [token for token in found if token.text.strip()]


def _middle(token: Token) -> float:
    start = token.t0 or 0.0
    return (start + (token.t1 if token.t1 is not None else start)) / 2


def read_cpp(data: Any, where: str) -> Draft:
    """whisper.cpp's `-oj` and `-ojf`: times in milliseconds, word pieces joined to words, `speaker` from stereo."""
    pieces = []
    for row in rows(data.get("transcription")):
        times = mapping(row.get("offsets"))
        t0, t1 = (seconds(times.get(key), per_second=1000) for key in ("from", "to"))
        speaker = string(row.get("speaker"))
        label = speaker_label(speaker) if speaker.isdigit() else ""
        text = string(row.get("text")).replace("[SPEAKER_TURN]", " ")
        pieces.append(Piece(label, text, t0, t1, timed_words(_subwords(rows(row.get("tokens"))), t0=t0, t1=t1)))
    language = string(mapping(data.get("result")).get("language")) or string(
        mapping(data.get("params")).get("language")
    )
    return Draft(pieces, language=language)


def _subwords(tokens: Sequence[dict[str, Any]]) -> list[Token]:
    """Whisper's tokens: one that begins with a blank begins a word, `[_BEG_]` and its kind are marks."""
    found: list[Token] = []
    for row in tokens:
        text = string(row.get("text"))
        if not text or (text.startswith("[_") and text.endswith("]")):
            continue
        times = mapping(row.get("offsets"))
        t0, t1 = (seconds(times.get(key), per_second=1000) for key in ("from", "to"))
        prob = probability(row.get("p"))
        if found and not text.startswith(" "):
            last = found[-1]
            both = [p for p in (last.prob, prob) if p is not None]
            end = t1 if t1 is not None else last.t1
            found[-1] = Token(last.text + text, last.t0, end, min(both, default=None), glued=False)
        else:
            found.append(Token(text, t0, t1, prob))
    return found
