"""What became of what people said they would do: told by later calls with the same account, or by none of them.

Whether one call tells of it is the matter of `kept.py`; here is what all of them together come to.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pipeline.coach.kept import Told, told
from pipeline.coach.promises import hangs_on_something
from pipeline.coach.rows import CallRow, TurnRow
from pipeline.coach.subject import Subject, subject_of

if TYPE_CHECKING:
    from pipeline.coach.commitments import Commitment

QUOTE = 260
FOLLOWED_CALLS = 20
"""Later calls, from the day of a promise on, that are read for what became of it: all of them would take the square of
an account's calls."""
DONE = ("kept", "kept late")
STATUSES = (*DONE, "moved", "not kept", "not mentioned", "overdue", "open")
"""`kept late`: done after its day, or after a call on which it was not done. `moved`: its day was put off. `not
mentioned`: calls from the day on say nothing of it. `overdue`: the day is past and no call came since."""


def followed(
    made: Iterable[Commitment],
    call: CallRow,
    turns: Sequence[TurnRow],
    later: Sequence[tuple[CallRow, list[TurnRow]]],
    *,
    as_of: dt.date | None = None,
    again: bool = False,
) -> list[Commitment]:
    """What was made on a `call` of these `turns`, with what later calls of the account, oldest first, say about it.

    `again` says that the account had another call on the same day, which is not among the later ones.
    """
    known = (_followed(one, turns, call, later, as_of) for one in made)
    return [_with_calls_of_the_day(one, again=again) for one in known]


def _with_calls_of_the_day(made: Commitment, *, again: bool) -> Commitment:
    """What is due on the day of the call itself is not overdue where another call was held `again` on that day: which
    came first is not known."""
    same = again and made.status == "overdue" and made.due == made.made_on
    return dataclasses.replace(made, status="not mentioned") if same else made


def _followed(
    made: Commitment,
    turns: Sequence[TurnRow],
    call: CallRow,
    later: Sequence[tuple[CallRow, list[TurnRow]]],
    as_of: dt.date | None,
) -> Commitment:
    """The commitment with what later calls say about it.

    What was not done or moved may be done later: then it is kept late. What holds on a condition is never told as
    broken: the condition may not have come true.
    """
    subject = _subject(made, turns, call)
    open_to_blame = not hangs_on_something(made.quote)
    slipped: Commitment | None = None
    ahead = sum(1 for other, _ in later if made.due and other.date and other.date < made.due)
    for other, said in later[: ahead + FOLLOWED_CALLS]:
        found = told(subject, other, said)
        if not found:
            continue
        if found.status in DONE:
            return _seen(made, "kept late" if slipped else found.status, other, found)
        early = bool(made.due and other.date and other.date < made.due and found.status == "not kept")
        if open_to_blame and not early:
            slipped = _seen(made, found.status, other, found)
    return slipped or dataclasses.replace(made, status=_untold(made, later, as_of, open_to_blame))


def _untold(
    made: Commitment, later: Sequence[tuple[CallRow, list[TurnRow]]], as_of: dt.date | None, open_to_blame: bool
) -> str:
    """The status of what no later call speaks of."""
    today = as_of or max((other.date for other, _ in later if other.date), default=made.made_on)
    if made.due and today and made.due < today:
        after = any(other.date and other.date >= made.due for other, _ in later)
        return "not mentioned" if after or not open_to_blame else "overdue"
    return "not mentioned" if not made.due and later else "open"


def _subject(made: Commitment, turns: Sequence[TurnRow], call: CallRow) -> Subject:
    """What to listen for: what was promised, or what was asked where the promise is an answer."""
    quote, turn, answer = made.quote, made.turn, ""
    if made.asked:
        quote, answer = made.asked, made.quote
        turn = next((t.turn for t in reversed(turns) if t.turn < made.turn and quote in t.text), made.turn)
    meeting = made.kind == "meeting"
    return subject_of(quote, turn, turns, call, side=made.side, due=made.due, meeting=meeting, answer=answer)


def _seen(made: Commitment, status: str, call: CallRow, found: Told) -> Commitment:
    return dataclasses.replace(
        made,
        status=status,
        seen_call=call.call_id,
        seen_turn=found.turn.turn,
        seen_quote=found.words[:QUOTE],
        moved_to=found.moved_to if status not in DONE else None,
    )
