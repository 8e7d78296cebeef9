"""A statement about an account and the words it rests on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.coach.rows import Moment, TurnRow
from pipeline.wording import straight

QUOTE_CHARACTERS = 260
_AFTER = 60
"""Characters that a quote goes on for behind the words that it is cut around."""

Dates = Mapping[str, dt.date | None]
"""The day of each call."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Something said about an account and the words it rests on: `turn` is 0-based; both None for a whole call."""

    text: str
    call_id: str
    date: dt.date | None = None
    turn: int | None = None
    speaker: str | None = None
    quote: str | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"text", "call", "date", "turn"?, "speaker"?, "quote"?}`."""
        row: dict[str, Any] = {"text": self.text, "call": self.call_id}
        row["date"] = self.date.isoformat() if self.date else None
        for key in ("turn", "speaker", "quote"):
            if getattr(self, key) is not None:
                row[key] = getattr(self, key)
        return row


def cite(text: str, moment: Moment, dates: Dates) -> Statement:
    """A statement that rests on a moment."""
    return Statement(text, moment.call_id, dates.get(moment.call_id), moment.turn, moment.speaker, moment.quote)


def said_in(turn: TurnRow, dates: Dates, text: str, *, show: re.Pattern[str] | None = None) -> Statement:
    """A statement that rests on a turn; of a long one the words around the first match of `show` are quoted."""
    who = turn.side if turn.name == turn.side else f"{turn.side}:{turn.name}"
    quote = around(turn.text, show) if show else turn.text[:QUOTE_CHARACTERS]
    return Statement(text, turn.call_id, dates.get(turn.call_id), turn.turn, who, quote)


def around(text: str, show: re.Pattern[str]) -> str:
    """At most `QUOTE_CHARACTERS` of a text with the first match of `show`, from the start of a sentence or word."""
    hit = show.search(straight(text))
    if len(text) <= QUOTE_CHARACTERS or hit is None or hit.end() <= QUOTE_CHARACTERS:
        return text[:QUOTE_CHARACTERS]
    end = min(hit.end() + _AFTER, len(text))
    first = max(end - QUOTE_CHARACTERS, 0)
    starts = [m.end() for m in re.finditer(r"[.?!]\s+", text[: hit.start()]) if m.end() >= first]
    words = [m.end() for m in re.finditer(r"\s+", text[: hit.start() + 1]) if m.end() >= first]
    start = (starts or words or [first])[0]
    return text[start : start + QUOTE_CHARACTERS].rstrip()
