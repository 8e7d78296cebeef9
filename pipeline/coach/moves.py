"""Which moves a turn makes, wherever the record keeps them: the one place that knows.

A record that lists moves per turn says so itself. An older one names them only in the text that the judge writes under
its evidence, from what the rubric says each move means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pipeline.coach.rows import Moment, Rows
from pipeline.rubric import WEAK_MOVES, Rubric
from pipeline.types import NEUTRAL

Moves = Mapping[tuple[str, int], frozenset[str]]
"""Moves by (call id, turn); a turn without any has no entry."""


_ANSWERING = frozenset(("commit", "confirm", "check"))
"""Moves that say yes to something or ask for it: to what, the words before them tell."""
SURE = 0.5
"""A listed move counts when it was heard more likely than not."""


def moves_of(rows: Rows, rubric: Rubric) -> Moves:
    """The moves of every turn that is known to make one."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows.moves:
        if row.p >= SURE:
            found[row.call_id, row.turn].add(row.move)
    listed = {row.call_id for row in rows.moves}
    for moment in rows.moments:
        if moment.call_id not in listed and moment.kind == "evidence":
            found[moment.call_id, moment.turn] |= moves_in(moment, rubric)
    return {key: frozenset(moves) for key, moves in found.items() if moves}


def moves_in(moment: Moment, rubric: Rubric) -> set[str]:
    """The moves that a moment's `why` names, of the side that speaks there."""
    side = "rep" if moment.side == "rep" else "buyer"
    return {move.id for move in rubric.moves.values() if move.side == side and move.means in moment.why}


def says_something(moment: Moment, moves: Moves, rubric: Rubric) -> bool:
    """Whether a moment makes a move of its criterion, strong or weak, and no mere yes.

    What only weighed for a level may be small talk.
    """
    if moment.criterion not in {criterion.id for criterion in rubric.criteria}:
        return moment.why != NEUTRAL
    wanted = set(rubric.criterion(moment.criterion).moves) - _ANSWERING
    if not wanted:
        return moment.why != NEUTRAL
    return bool((moves.get((moment.call_id, moment.turn), frozenset()) | moves_in(moment, rubric)) & wanted)


def strength(moment: Moment, rows: Rows, rubric: Rubric) -> float:
    """How much a moment shows of its criterion: its moves that count for the speaker, each as sure as it was heard.

    Where the record lists no moves of the call, those that the judge named count in full.
    """
    if moment.criterion not in {criterion.id for criterion in rubric.criteria}:
        return 0.0
    wanted = set(rubric.criterion(moment.criterion).moves) - WEAK_MOVES
    heard = {row.move: row.p for row in rows.moves if (row.call_id, row.turn) == (moment.call_id, moment.turn)}
    heard = heard or dict.fromkeys(moves_in(moment, rubric), 1.0)
    return sum(p for name, p in heard.items() if name in wanted and p >= SURE)
