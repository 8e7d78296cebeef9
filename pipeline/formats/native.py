"""debrief's own transcript JSON: turns, speakers and their indices stay exactly as they are."""

from __future__ import annotations

import dataclasses
from typing import Any

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import NO_TIMES, UNKNOWN, WORDS_PER_SECOND, clean_meta, language_code
from pipeline.formats.clean import clean_label, clean_text, without_controls
from pipeline.formats.values import MAX_SECONDS, mapping, probability, rows, seconds, string
from pipeline.types import Hearing, Transcript, Turn, Word


def recognise(data: Any) -> bool:
    """An object with a list of turns that have texts."""
    if not isinstance(data, dict) or not isinstance(data.get("turns"), list):
        return False
    head = data["turns"][:3]
    return not head or any(isinstance(turn, dict) and {"text", "speaker"} & set(turn) for turn in head)


def read(data: Any, where: str) -> Transcript:
    """The transcript as stored; nothing is merged or dropped, because scorecards refer to turns by index.

    Raises `TranscriptError` with the turn that is wrong.
    """
    _check_times(data, where)
    try:
        plain = Transcript.from_json({**data, "turns": [_without_words(turn) for turn in data["turns"]]}, where=where)
    except (TypeError, ValueError, OverflowError) as error:
        raise TranscriptError(
            f"{where}: a value of the wrong kind ({clean_text(str(error))}); export it again"
        ) from error
    turns = tuple(_turn(turn, row) for turn, row in zip(plain.turns, data["turns"], strict=True))
    if not any(turn.text.strip() for turn in turns):
        raise TranscriptError(f"{where}: no words in it; check that the right file was exported")
    hearing = _hearing(mapping(data.get("hearing")))
    if all(turn.get("t0") is None and turn.get("t1") is None for turn in data["turns"]):
        turns, hearing = _laid_out(turns), dataclasses.replace(hearing, notes=(*hearing.notes, NO_TIMES))
    return Transcript(clean_label(plain.call_id), clean_meta(plain.meta), turns, hearing)


def _check_times(data: Any, where: str) -> None:
    for index, turn in enumerate(data["turns"]):
        for key in ("t0", "t1"):
            value = mapping(turn).get(key)
            if isinstance(value, int | float) and not -MAX_SECONDS <= value <= MAX_SECONDS:
                raise TranscriptError(f"{where}: turn {index}: '{key}' is beyond {MAX_SECONDS / 3600:.0f} hours")


def _without_words(turn: Any) -> Any:
    return {key: value for key, value in turn.items() if key != "words"} if isinstance(turn, dict) else turn


def _turn(turn: Turn, row: dict[str, Any]) -> Turn:
    words = []
    for item in rows(row.get("words")):
        t0, t1, text = seconds(item.get("t0")), seconds(item.get("t1")), clean_text(string(item.get("text")))
        if t0 is not None and t1 is not None and text:
            words.append(Word(t0, max(t0, t1), text, probability(item.get("prob"))))
    return dataclasses.replace(
        turn, speaker=clean_label(turn.speaker) or UNKNOWN, text=without_controls(turn.text), words=tuple(words)
    )


def _laid_out(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    out: list[Turn] = []
    clock = 0.0
    for turn in turns:
        end = clock + len(turn.text.split()) / WORDS_PER_SECOND
        out.append(dataclasses.replace(turn, t0=clock, t1=end))
        clock = end
    return tuple(out)


def _hearing(row: dict[str, Any]) -> Hearing:
    """How the words were heard, field by field; a field of the wrong kind keeps its default."""
    if not row:
        return Hearing(revision="debrief")
    texts = {name: clean_label(string(row.get(name))) for name in ("engine", "revision", "diarizer", "roles_method")}
    notes = row.get("notes")
    return Hearing(
        engine=texts["engine"] or "import",
        revision=texts["revision"],
        diarizer=texts["diarizer"],
        language=language_code(string(row.get("language"))),
        expected_wer=probability(row.get("expected_wer")),
        roles_method=texts["roles_method"],
        roles_confidence=probability(row.get("roles_confidence")),
        notes=tuple(clean_text(note) for note in notes if isinstance(note, str)) if isinstance(notes, list) else (),
    )
