"""IBM Watson Speech to Text results. https://cloud.ibm.com/docs/speech-to-text?topic=speech-to-text-speaker-labels"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, speaker_label, string


def _answers(data: Any) -> list[dict[str, Any]]:
    """The objects that hold `results`: the answer itself, or those that an asynchronous job lists in its own."""
    outer = mapping(data)
    return [row for row in rows(outer.get("results")) if rows(row.get("results"))] or [outer]


def recognise(data: Any) -> bool:
    """`results` with their `result_index`, `speaker_labels`, or `[word, from, to]` timestamps."""
    return any(map(_is_answer, _answers(data)[:3]))


def _is_answer(outer: dict[str, Any]) -> bool:
    found = [row for row in rows(outer.get("results"))[:3] if "transcript" in first(row.get("alternatives"))]
    marked = "result_index" in outer or any("from" in row for row in rows(outer.get("speaker_labels"))[:3])
    timed = any(isinstance(first(row.get("alternatives")).get("timestamps"), list) for row in found)
    return bool(found) and (marked or timed or any("final" in row for row in found))


def read(data: Any, where: str) -> Draft:
    """Words by the speaker label that starts when they do; without timestamps, one piece per result."""
    answers = _answers(data)
    labels = [row for answer in answers for row in rows(answer.get("speaker_labels"))]
    speakers = {_key(row.get("from")): speaker_label(row.get("speaker")) for row in labels}
    tokens: list[Token] = []
    pieces: list[Piece] = []
    for row in (row for answer in answers for row in rows(answer.get("results"))):
        if row.get("final") is False:
            continue
        best = first(row.get("alternatives"))
        stamped = _tokens(best, speakers)
        tokens += stamped
        if not stamped:
            pieces.append(Piece("", string(best.get("transcript")).replace("%HESITATION", "")))
    return Draft([*from_words(tokens), *pieces])


def _tokens(best: dict[str, Any], speakers: dict[float | None, str]) -> list[Token]:
    stamps = best.get("timestamps")
    sure = best.get("word_confidence")
    probs = (
        [item[1] if isinstance(item, list) and len(item) > 1 else None for item in sure]
        if isinstance(sure, list)
        else []
    )
    found = []
    for index, stamp in enumerate(stamps if isinstance(stamps, list) else ()):
        if not isinstance(stamp, list) or len(stamp) < 3:
            continue
        word = string(stamp[0])
        if word != "%HESITATION":
            prob = probability(probs[index]) if index < len(probs) else None
            found.append(Token(word, seconds(stamp[1]), seconds(stamp[2]), prob, speakers.get(_key(stamp[1]), "")))
    return found


def _key(value: Any) -> float | None:
    time = seconds(value)
    return None if time is None else round(time, 2)
