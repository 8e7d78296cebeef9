"""What calls established about an account: who decides, the problem, numbers, prices, terms, what was recommended.

The judge cites three turns for a level, so much that was said is cited nowhere. Of three facts that are lost so, turns
count that nobody cited, where the moves heard in them and the words leave little doubt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from pipeline.coach.moves import Moves
from pipeline.coach.rows import Moment, MoveRow, TurnRow
from pipeline.coach.statements import Dates, Statement, cite, said_in

FACTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "decides": ("decision_makers", ("name_decider", "tell_process")),
    "impact": ("discovery", ("tell_problem", "tell_impact")),
    "numbers": ("business_case", ("give_number", "quantify", "payback")),
    "price": ("proposal", ("price",)),
    "terms": ("proposal", ("terms",)),
    "recommended": ("recommendation", ("recommend",)),
}
"""What is listed about an account: the criterion it is cited under and the moves that show it."""


_SAYS = {
    "decides": "on who decides and how",
    "impact": "on the problem and what it causes",
    "numbers": "on the numbers of the case",
    "price": "states a price",
    "terms": "states terms or timing",
    "recommended": "recommends",
}


_SURE = 0.9
_TERMS_SURE = 0.7
_WITH_WORDS = 0.4
"""A move that the words bear out may be heard less surely."""
_DECIDES = re.compile(
    r"\b(?:(?:has|have|had|needs?|will) to (?:sign|approve|agree|clear|see|okay)|signs?(?: off)?|signature|approv\w+|"
    r"decid\w+|board|says (?:no|yes)|has the last word|budget holder)\b",
    re.IGNORECASE,
)

Heard = Mapping[str, float]


def _tells_decision(turn: TurnRow, heard: Heard, priced: bool) -> bool:
    process = heard.get("tell_process", 0.0)
    either = max(process, heard.get("name_decider", 0.0))
    return turn.side == "buyer" and (process >= _SURE or (either >= _WITH_WORDS and bool(_DECIDES.search(turn.text))))


def _tells_problem(turn: TurnRow, heard: Heard, priced: bool) -> bool:
    # once a price is named, trouble that is told is mostly trouble with the deal
    told = max(heard.get("tell_problem", 0.0), heard.get("tell_impact", 0.0))
    return turn.side == "buyer" and not priced and told >= _SURE


def _states_terms(turn: TurnRow, heard: Heard, priced: bool) -> bool:
    return turn.side == "rep" and heard.get("terms", 0.0) >= _TERMS_SURE


UNCITED: Mapping[str, Callable[[TurnRow, Heard, bool], bool]] = {
    "decides": _tells_decision,
    "impact": _tells_problem,
    "terms": _states_terms,
}
"""Facts that a turn may establish though no level rests on it; `priced`: whether a price was named before."""


def facts_of(
    moments: Sequence[Moment], moves: Moves, listed: Sequence[MoveRow], turns: Sequence[TurnRow], dates: Dates
) -> dict[str, tuple[Statement, ...]]:
    """The statements per fact in the order in which they were made; `turns` in the order of the calls."""
    heard: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for row in listed:
        heard[row.call_id, row.turn][row.move] = row.p
    found: dict[str, dict[tuple[str, int], Statement]] = {fact: {} for fact in FACTS}
    for fact, (criterion, wanted) in FACTS.items():
        for moment in moments:
            at = (moment.call_id, moment.turn)
            if moment.criterion == criterion and moment.kind == "evidence" and moves.get(at, frozenset()) & set(wanted):
                found[fact][at] = cite(f"{moment.speaker.replace(':', ' ')} {_SAYS[fact]}", moment, dates)
    priced = False
    for turn in turns:
        at, known = (turn.call_id, turn.turn), heard.get((turn.call_id, turn.turn), {})
        priced = priced or (turn.side == "rep" and known.get("price", 0.0) >= _TERMS_SURE)
        for fact, tells in UNCITED.items():
            if at not in found[fact] and tells(turn, known, priced):
                who = turn.side if turn.name == turn.side else f"{turn.side} {turn.name}"
                found[fact][at] = said_in(turn, dates, f"{who} {_SAYS[fact]}")
    place = {call_id: number for number, call_id in enumerate(dates)}
    return {
        fact: tuple(made[at] for at in sorted(made, key=lambda at: (place[at[0]], at[1])))
        for fact, made in found.items()
    }
