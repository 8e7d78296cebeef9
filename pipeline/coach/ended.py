"""How an account's last call ended and which day is agreed, as its own words show it.

The judge says how well the next step was asked for. What was answered is in the words: a day that was agreed is one
whatever the asking was like, and an answer that leaves it open is no commitment.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence

from pipeline.coach.accounts import AccountView
from pipeline.coach.answers import leaves_open
from pipeline.coach.commitments import Commitment
from pipeline.coach.meetings import to_meet
from pipeline.coach.promises import hangs_on_something
from pipeline.coach.rows import Rows
from pipeline.coach.statements import QUOTE_CHARACTERS, Statement

ASKED = 3
"""From this level of `ask_for_sale` on a commitment was asked for; the next one says that it was got."""


def days_agreed(made: Sequence[Commitment], today: dt.date | None) -> list[Commitment]:
    """Agreed days to meet that are still ahead, the earliest first."""
    ahead = [one for one in made if one.ahead and one.day and (today is None or one.day >= today)]
    return sorted((one for one in ahead if _meets(one)), key=lambda one: (one.day or dt.date.max, one.turn))


def _meets(made: Commitment) -> bool:
    """Whether a promise is to meet on its day; not on a condition (`if the form is late I'll call you on Tuesday`) nor
    until a day (`I'll pencil it in until Monday`)."""
    until = made.due_words and re.search(rf"\b(?:till|until)\s+{re.escape(made.due_words)}", made.quote, re.IGNORECASE)
    return made.kind == "meeting" or (to_meet(made.quote) and not (until or hangs_on_something(made.quote)))


def ended(view: AccountView, rows: Rows, made: Sequence[Commitment]) -> Statement | None:
    """How the newest call whose ask was scored ended, by what was agreed on it; None when no call's was scored."""
    said = view.next_step
    if said is None:
        return None
    scores = (s for s in rows.scores if s.call_id == said.call_id and s.criterion == "ask_for_sale")
    level = next((s.level for s in scores), 0)
    agreed = [one for one in made if one.call_id == said.call_id and one.due and one.kind == "meeting"]
    if agreed and level <= ASKED:
        asked = "asked for a commitment, and a day was agreed" if level == ASKED else "a day was agreed"
        return _on(agreed[-1], f"{asked}: {agreed[-1].due}", said)
    buyer = (said.speaker or "").startswith("buyer")
    answer = said.quote if buyer else _answer(said, rows)
    if level > ASKED and not agreed and leaves_open(answer or ""):
        return dataclasses.replace(said, text="asked for a commitment; the answer left it open")
    return said


def _answer(said: Statement, rows: Rows) -> str | None:
    """What a buyer answers to the rep's words that a statement quotes."""
    after = [t for t in rows.turns if t.call_id == said.call_id and said.turn is not None and t.turn > said.turn]
    first = min(after, key=lambda t: t.turn, default=None)
    return first.text if first and first.side == "buyer" else None


def _on(made: Commitment, text: str, said: Statement) -> Statement:
    speaker = "rep" if made.side == "rep" else f"{made.side}:{made.owner}"
    return Statement(text, made.call_id, said.date, made.turn, speaker, made.words[:QUOTE_CHARACTERS])
