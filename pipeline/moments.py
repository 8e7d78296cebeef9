"""What a turn shows, and where in a call the moment for a criterion was missed.

A moment is missed where its occasion is heard (the buyer names a number, asks for an offer, objects) and nothing of
what should follow is heard in the next turns. Where no turn bears that out, nothing is claimed beyond what the cited
turn shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.rubric import WEAK_MOVES, Criterion, Rubric
from pipeline.types import NEUTRAL, Missed, Turn
from pipeline.wording import straight

if TYPE_CHECKING:
    from models.judge_model import Verdict

SURE = 0.5
"""The chance (0-1) from which a move is said to be in a turn."""
AFTER_TURNS = 4
"""Within this many turns what an occasion calls for still counts as following it."""
HARM = re.compile(
    r"\b(?:cost\w*|los[et]\w*|losing|scrap\w*|wast\w*|broke\w*|break\w*|fail\w*|fault\w*|problem\w*|trouble\w*|"
    r"issue\w*|wrong|bad|worse|late|delay\w*|wait\w*|slow\w*|stop\w*|stuck|down|miss\w*|mistake\w*|complain\w*|"
    r"return\w*|reject\w*|penalt\w*|fine[ds]|risk\w*|overtime|extra|short|hours?|minutes?|days?|hurt\w*|scared|angry|"
    r"can't|cannot|couldn't|nobody|never|no system|by hand|manual\w*|paper|again|twice|leak\w*|crack\w*|chip\w*|"
    r"damage\w*|throw\w*|threw|(?:sent|send|ship\w*) back|pay\w*|paid|spend\w*|spent|thousand|hundred|pounds?|"
    r"dollars?|euros?|grand|\d+)\b",
    re.IGNORECASE,
)
"""Words in which a problem or its cost is told; without any of them the network hears it where it is not."""
TELLS_HARM = frozenset(("tell_problem", "tell_impact"))


@dataclass(frozen=True, slots=True)
class Occasion:
    """Moves that open a moment (`opens`) and those that would have used it (`uses`); with `at_end`, the call's last
    turns are one too."""

    opens: frozenset[str]
    uses: frozenset[str] = frozenset()
    at_end: bool = False


def _occasion(opens: str, uses: str = "", *, at_end: bool = False) -> Occasion:
    return Occasion(frozenset(opens.split()), frozenset(uses.split()), at_end)


OCCASIONS: Mapping[str, Occasion] = {
    "discovery": _occasion("boilerplate menu claim_value state_value recommend price stock_answer"),
    "decision_makers": _occasion("name_decider tell_process", "ask_decider ask_process ask_right_person involve"),
    "business_case": _occasion("give_number tell_impact", "ask_impact state_impact quantify link_value payback"),
    "positioning": _occasion(
        "tell_problem tell_impact tell_outcome", "state_value tie_need differentiate contrast proof"
    ),
    "recommendation": _occasion(
        "tell_problem tell_impact tell_outcome", "recommend recommend_reason recommend_against"
    ),
    "proposal": _occasion("ask_offer dodge", "price scope terms offer_options"),
    "objection_handling": _occasion("object", "explore answer confirm_resolved trade"),
    "ask_for_sale": _occasion("vague_next", "ask_step ask_commitment dated_step isolate", at_end=True),
}
"""Per criterion the occasions whose going by unused is a missed moment."""
END = 0.8
"""The share of the turns after which a call winds down."""


def missed_moment(
    criterion: Criterion, rubric: Rubric, verdict: Verdict, turns: Sequence[Turn], cited: Sequence[int]
) -> Missed | None:
    """Where the moment for a criterion of a low level was: the first cited turn that bears it out, else the likeliest
    turn of the call that does, else the first cited turn and what was weak in it; None where nothing is cited."""
    chance = [_unused(criterion, verdict, turns, turn) for turn in range(len(turns))]
    likeliest = sorted(range(len(turns)), key=lambda turn: (-chance[turn], turn))
    moment = next((turn for turn in (*cited, *likeliest) if chance[turn] > 0.0), None)
    if moment is not None:
        return Missed(moment, criterion.missed)
    if not cited:
        return None
    weak = {name: p for name, p in verdict.moves[cited[0]].items() if name in WEAK_MOVES}
    return Missed(cited[0], reason(criterion, rubric, weak, turns[cited[0]]))


def _unused(criterion: Criterion, verdict: Verdict, turns: Sequence[Turn], turn: int) -> float:
    """The chance (0-1) of the likeliest occasion in a turn; 0 where there is none, or where it is used soon after."""
    occasion = OCCASIONS.get(criterion.same_as)
    following = verdict.moves[turn : turn + AFTER_TURNS + 1]
    if occasion is None or any(occasion.uses & set(moves) for moves in following):
        return 0.0
    heard = verdict.moves[turn]
    winds_down = SURE if occasion.at_end and turn >= END * len(turns) else 0.0
    opened = (heard[name] for name in shown(heard, turns[turn].text) if name in occasion.opens)
    return max(opened, default=winds_down)


def shown(moves: Mapping[str, float], text: str) -> list[str]:
    """The moves that a turn more likely makes than not, the surest first; no trouble is told without a word of it."""
    sure = sorted((name for name, p in moves.items() if p >= SURE), key=lambda name: (-moves[name], name))
    return [name for name in sure if name not in TELLS_HARM or HARM.search(straight(text))]


def reason(criterion: Criterion, rubric: Rubric, moves: Mapping[str, float], turn: Turn) -> str:
    """What a turn shows: moves of the criterion first, else others; never more than was heard in it."""
    side = "rep" if turn.side == "rep" else "buyer"
    heard = [rubric.moves[name] for name in shown(moves, turn.text) if name in rubric.moves]
    heard = [move for move in heard if move.side == side]
    seen = [move for move in heard if move.id in criterion.moves] or heard
    if not seen:
        return NEUTRAL
    told = " and ".join(move.means for move in seen[:2])
    return told if told.startswith("the ") else f"the {side} {told}"
