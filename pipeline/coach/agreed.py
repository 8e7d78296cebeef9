"""Next steps with a day that the judge hears agreed on, in whatever words: the seller proposes one (`dated_step`), the
buyer says yes to it (`commit`). The rules of `commitments.py` know many words for it, people know more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence

from pipeline.coach.answers import waits
from pipeline.coach.clauses import clauses
from pipeline.coach.promised_day import is_ahead, told_of
from pipeline.coach.rows import MoveRow, TurnRow
from pipeline.coach.when import Named, named_days

OF_AGREEING = frozenset({"dated_step", "commit", "resist"})
"""The moves that are looked at."""
SURE = 0.5
"""How likely both moves must be."""
BACK_TURNS = 3
"""How many turns before the yes the step may have been proposed."""
NEAR_TURNS = 1


def agreed_steps(
    turns: Sequence[TurnRow], moves: Collection[MoveRow], known: Iterable[int], on: dt.date | None
) -> Iterator[tuple[TurnRow, str, Named]]:
    """(turn, sentence, day) of each step that a call held on day `on` agrees on and no promise tells of.

    `known` are the turns of the promises with a day that are known already. The day is the one that the yes names, else
    the one it was asked for; the sentence names it, the seller's where it does. Without any day a step is left out.
    """
    told = set(known)
    heard = {(move.turn, move.move) for move in moves if move.p >= SURE}
    for place, answer in enumerate(turns):
        if answer.side != "buyer" or (answer.turn, "commit") not in heard or (answer.turn, "resist") in heard:
            continue
        if waits(answer.text):
            continue  # whatever is heard, its own words leave it open
        before = turns[max(0, place - BACK_TURNS) : place]
        asked = [turn for turn in before if turn.side == "rep" and (turn.turn, "dated_step") in heard]
        if not asked or any(asked[-1].turn - NEAR_TURNS <= other <= answer.turn + NEAR_TURNS for other in told):
            continue
        proposed, named = list(_days_to_come(asked[-1], on)), list(_days_to_come(answer, on))
        meant = [one for _, _, day in named for one in proposed if _says_again(day, one[2])]
        step = next(iter([*meant, *named, *proposed]), None)
        if step:
            told.add(step[0].turn)
            yield step


def _days_to_come(turn: TurnRow, on: dt.date | None) -> Iterator[tuple[TurnRow, str, Named]]:
    """Each day to come that a turn names, with the sentence that does."""
    for sentence, _ in clauses(turn.text):
        for day in named_days(sentence, on):
            if is_ahead(day, on) and not told_of(sentence, day):
                yield turn, sentence, day


def _says_again(named: Named, day: Named) -> bool:
    """Whether one who is asked for a day names it, in full or in part: `Tuesday` for `Tuesday the 22nd`."""
    return named.date == day.date or named.words.lower() in day.words.lower()
