"""What calls established about an account: who decides, the problem, numbers, prices, terms, what was recommended.

The judge cites three turns for a level, so much that was said is cited nowhere: turns count that nobody cited, where
the moves heard in them and the words leave little doubt. And it cites the likeliest turns even where none is likely: a
cited turn counts only where its words or moves bear it out.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.coach.amounts import (
    AMOUNT,
    SAID_SUM,
    TENS,
    any_number,
    asks_amount,
    is_rate,
    large_number,
    measures_only,
    names_sum,
    offers_sum,
    quantifies,
    stated,
)
from pipeline.coach.clauses import states_something
from pipeline.coach.moves import Moves
from pipeline.coach.rows import Moment, MoveRow, TurnRow
from pipeline.coach.statements import Dates, Statement, around, cite, said_in
from pipeline.wording import straight

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
_BUYER_SAYS = {"price": "repeats a price", "terms": "repeats the terms", "recommended": "says whether it fits"}
"""What is the seller's to state a buyer does not state."""


_SURE = 0.9
_TERMS_SURE = 0.7
_PRICE_SURE = 0.75
_PRICE_AMONG_MEASURES = 0.85
_PRICE_CERTAIN = 0.95
_OFFERED_SURE = 0.8
_ANOTHER_PRICE = ("concede", "trade", "offer_options")
_WORKED_OUT_SURE = 0.8
_RECOMMEND_SURE = 0.85
_PROBLEM_FOLLOWED = 0.8
_PROBLEM_ASKED = 0.7
_CITED_SURE = 0.7
_PROBLEM_CITED = 0.75
_OF_THE_SITUATION = 0.6
_WITH_WORDS = 0.4
_ANSWERS = 0.7
_ASKED = 0.5
_PERHAPS = 0.3
"""A move that the words bear out, or that answers a question for it, may be heard less surely."""
PRICE_WORDS = 8
"""Words at most of a turn that is a price and little else, where one was named before (`Forty-two. For you.`)."""
_DECIDES = re.compile(
    r"\b(?:(?:has|have|had|needs?|will) to (?:sign|approve|agree|clear|see|okay)|signs?(?: off)?|signature|approv\w+|"
    r"decid\w+|board|says (?:no|yes)|ha(?:s|ve) (?:the|a) (?:last word|say)|budget holder|committee|"
    r"owner|founder|boss|president|chairman|(?:the|our|my|a|\w+ing|finance) director|head office|"
    r"corporate|at group|C[EFIOT]O|MD|FD|controller)\b",
    re.IGNORECASE,
)
_DODGES = re.compile(
    r"\b(?:(?:don't|do not|dont)(?: you)?(?: have to)? worry|(?:someone|somebody) (?:who|that) (?:has a say|weighs)|"
    r"(?:discuss|sort|look at) it (?:internally|among|between)|it gets (?:signed|looked|sorted)|through the system)\b",
    re.IGNORECASE,
)
"""Words by which who decides is not told."""
_PLAINLY = re.compile(
    r"(?<!if )\b(?:(?:it's|it is|that's|comes) (?:in |from |out of |within |under )?my (?:own )?(?:budget|decision)\b|"
    r"I(?: can)? sign (?:(?:for )?(?:it|that|this) myself|up to|anything (?:up|under|below)|everything)\b|"
    r"I decide(?! (?:when|what|if|on)\b)\b|I'm the owner\b|"
    r"(?:has|have|needs?|goes) (?:to )?(?:go )?(?:up |over |back |on )?to [^.?!]{2,30} (?:for|to) "
    r"(?:(?:the|a|his|her|their) )?(?:signature|approval|sign-off|sign|approve)\b)",
    re.IGNORECASE,
)
"""Words that say who decides whatever moves are heard."""
_LIMIT = re.compile(
    r"\b(?:over|above|up to|past) (?:a |that |the )?(?:\d|\w+ty\b|\w+teen\b|ten\b|five\b|two\b|hundred)", re.IGNORECASE
)
_TENS = rf"(?:ten|{TENS})"
_OF_TERMS = (
    r"days?|weeks?|months?|years?|quarter\w*|per ?cent|percent|deposit|net|deliver\w*|lead time|warrant\w*|"
    r"terms?|notice|invoice\w*|paid|pay\w*|lease|up ?-?front|signature|freight|bill of lad\w+|ex[- ]works|penalt\w+|"
    r"clause|liab\w+|cancel\w*"
)
_TERMS = re.compile(rf"\b(?:{_OF_TERMS}|half|{_TENS})\b", re.IGNORECASE)
_TERMS_SHOWN = re.compile(
    rf"\b(?:{_OF_TERMS}|half (?:now|down|up|the|with|on|at|before|when|in)|"
    rf"{_TENS} (?:down|up|with|on|at|when|before|after|net|the day))\b",
    re.IGNORECASE,
)
"""Terms without what may be any number: the words that a long turn is cut around."""
_RECOMMENDS = re.compile(
    r"\b(?:if (?:it|this) (?:was|were) (?:me|mine|my \w+)|if I (?:was|were) you|what I'd (?:do|put|say|suggest)(?! is "
    r"(?:get|send|set|book|call|come|ring|bring)\b)|"
    r"I'd (?:go (?:with|for)|recommend|suggest you|steer you|leave out)|my advice|I (?:would )?recommend)\b",
    re.IGNORECASE,
)

_ADVISES = re.compile(
    r"\b(?:what (?:I'd|I would|id|I) (?:do|put|say|suggest|propose|recommend)|(?:I'd|I would|id) (?:take|go|put|start|"
    r"do|leave|use|have you|recommend|suggest)|I (?:propose|suggest|recommend)|you (?:should )?take|my advice|"
    r"if it (?:was|were) me)\b",
    re.IGNORECASE,
)
"""Words that a recommendation is quoted from, so that what is recommended is in the quote, not only why."""

Heard = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a turn stands: whether a price was named before, and how surely what is told was just `asked` for: who
    decides, the `problem` and what it causes, or more of what was said (`onward`); whether an `amount` was."""

    priced: bool = False
    asked: bool = False
    problem: float = 0.0
    onward: float = 0.0
    amount: bool = False


def _tells_decision(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    process = heard.get("tell_process", 0.0)
    either = max(process, heard.get("name_decider", 0.0))
    text = straight(turn.text)
    if turn.side != "buyer" or _DODGES.search(text):
        return False
    words = bool(_DECIDES.search(text))
    return (
        process >= _SURE
        or bool(_PLAINLY.search(text))
        or (either >= _WITH_WORDS and words)
        or (place.asked and (words or either >= _ANSWERS or bool(_LIMIT.search(text))))
    )


def _told(heard: Heard) -> float:
    return max(heard.get("tell_problem", 0.0), heard.get("tell_impact", 0.0))


def _only_objects(heard: Heard) -> bool:
    """Whether what is told objects to the offer, and is not heard both as a problem and as what it causes."""
    both = min(heard.get("tell_problem", 0.0), heard.get("tell_impact", 0.0))
    return heard.get("object", 0.0) >= _ASKED and both < _PROBLEM_FOLLOWED


def _tells_problem(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    # once a price is named, trouble that is told is mostly trouble with the deal, and so is what objects to it
    if turn.side != "buyer" or place.priced or _only_objects(heard):
        return False
    told = _told(heard)
    plain = heard.get("tell_situation", 0.0) < min(told, _OF_THE_SITUATION)
    needed = _PROBLEM_ASKED if place.problem >= _ANSWERS else _PROBLEM_FOLLOWED
    asked = max(place.problem, place.onward) >= _ASKED
    return told >= _SURE or (plain and asked and told >= needed)


def _gives_number(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    if turn.side == "rep":
        worked_out = max(heard.get("quantify", 0.0), heard.get("payback", 0.0))
        return worked_out >= _WORKED_OUT_SURE and any_number(turn.text)
    if turn.side != "buyer":
        return False
    given = heard.get("give_number", 0.0)
    answers = max(place.onward, place.problem) >= _ANSWERS and given >= _ANSWERS and large_number(turn.text)
    return answers or (given >= _SURE and any_number(turn.text)) or _tells_amount(turn, heard, place)


def _tells_amount(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    """Whether an amount goes with the trouble that is told, or answers a question for one: the words bear it out, so
    that it need not be heard as a number for the case. One that objects, or comes after the price, is of the deal."""
    if _surest(heard, "object", "ask_offer") >= _ASKED:
        return False
    if heard.get("give_number", 0.0) >= _PERHAPS:
        said = quantifies(turn.text) or bool(SAID_SUM.search(turn.text))
        return said or (place.amount and any_number(turn.text))
    if place.priced or heard.get("tell_process", 0.0) >= _ASKED:
        return False
    volume = heard.get("tell_situation", 0.0) >= _PROBLEM_FOLLOWED and is_rate(turn.text)
    of_trouble = _told(heard) >= _PROBLEM_FOLLOWED and quantifies(turn.text)
    return volume or of_trouble or (place.amount and any_number(turn.text))


def _names_price(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    worked_out = max(heard.get("quantify", 0.0), heard.get("payback", 0.0)) >= _ASKED
    price = heard.get("price", 0.0)
    needed = _PRICE_AMONG_MEASURES if measures_only(turn.text) else _PRICE_SURE
    again = place.priced and price >= _WITH_WORDS and len(turn.text.split()) <= PRICE_WORDS
    if turn.side != "rep" or worked_out:
        return False
    # what is offered instead, or for something in return, has its price too, and is mostly heard as that alone
    instead = place.priced and _surest(heard, *_ANOTHER_PRICE) >= _OFFERED_SURE and offers_sum(turn.text)
    return instead or ((price >= needed or again) and names_sum(turn.text, small=price >= _PRICE_CERTAIN))


def _states_terms(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    return turn.side == "rep" and heard.get("terms", 0.0) >= _TERMS_SURE and bool(_TERMS.search(stated(turn.text)))


def _recommends(turn: TurnRow, heard: Heard, place: _Place) -> bool:
    said = straight(turn.text)
    sure = heard.get("recommend", 0.0) >= _RECOMMEND_SURE or (bool(heard) and bool(_RECOMMENDS.search(stated(said))))
    return turn.side == "rep" and sure and states_something(said)


UNCITED: Mapping[str, Callable[[TurnRow, Heard, _Place], bool]] = {
    "decides": _tells_decision,
    "impact": _tells_problem,
    "numbers": _gives_number,
    "price": _names_price,
    "terms": _states_terms,
    "recommended": _recommends,
}
"""Facts that a turn may establish though no level rests on it."""


_OF_A_CASE = ("quantify", "payback", "give_number", "link_value")
"""Moves that make more of an amount than a price."""


def _bears_out(fact: str, moment: Moment, text: str, heard: Heard) -> bool:
    """Whether the words of a cited turn bear out what it is cited for; without listed moves the judge is believed."""
    if fact == "decides" and moment.side == "buyer" and _DODGES.search(straight(text)):
        return False
    if fact == "decides" and heard:
        either = max(heard.get("tell_process", 0.0), heard.get("name_decider", 0.0))
        return either >= _CITED_SURE or bool(_DECIDES.search(straight(text)))
    if fact == "impact" and heard:
        return _told(heard) >= _PROBLEM_CITED and not _only_objects(heard)
    if fact == "numbers" and heard.get("price", 0.0) >= _TERMS_SURE:
        return max(heard.get(move, 0.0) for move in _OF_A_CASE) >= _CITED_SURE
    if fact == "price" and moment.side == "rep":
        return names_sum(text, small=not heard or heard.get("price", 0.0) >= _PRICE_CERTAIN)
    if fact in ("price", "numbers"):
        return any_number(text)
    if fact == "recommended" and moment.side == "rep":
        return states_something(text)
    return fact != "terms" or bool(_TERMS.search(stated(text)))


_NOTHING = {"decides": "decision_makers", "numbers": "business_case", "recommended": "recommendation"}
"""Facts whose criterion at level 0 says that there was nothing of the kind on the call."""
NOTHING_OF_IT = frozenset(_NOTHING.values())
"""Their criteria: no words bear out that something was never said."""
_SHOWN_BY = {"numbers": AMOUNT, "price": SAID_SUM, "terms": _TERMS_SHOWN, "recommended": _ADVISES}


def _quoted(fact: str, moment: Moment, text: str, heard: Heard) -> Moment:
    """The moment with the words that show the fact, where the judge's quote of a long turn left them out.

    Of several prices the first is in the quote: what follows are mostly extras. Not where the turn works out the case
    too, whose numbers come before the price.
    """
    shown = _SHOWN_BY.get(fact)
    first = shown.search(text) if shown else None
    if not shown or not first:
        return moment
    first_counts = fact == "price" and _surest(heard, *_OF_A_CASE) < _ASKED
    has_it = first.group(0) in moment.quote if first_counts else bool(shown.search(moment.quote))
    return moment if has_it else dataclasses.replace(moment, quote=around(text, shown))


def facts_of(
    moments: Sequence[Moment],
    moves: Moves,
    listed: Sequence[MoveRow],
    turns: Sequence[TurnRow],
    dates: Dates,
    levels: Mapping[tuple[str, str], int] = MappingProxyType({}),
) -> dict[str, tuple[Statement, ...]]:
    """The statements per fact in the order in which they were made; `turns` in the order of the calls, `levels` by
    call and criterion."""
    heard: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for row in listed:
        heard[row.call_id, row.turn][row.move] = row.p
    said = {(turn.call_id, turn.turn): turn.text for turn in turns}
    found: dict[str, dict[tuple[str, int], Statement]] = {fact: {} for fact in FACTS}
    for fact, (criterion, wanted) in FACTS.items():
        for moment in moments:
            at = (moment.call_id, moment.turn)
            if (
                moment.criterion != criterion
                or moment.kind != "evidence"
                or not moves.get(at, frozenset()) & set(wanted)
            ):
                continue
            text = said.get(at, moment.quote)
            nothing = levels.get((moment.call_id, _NOTHING.get(fact, ""))) == 0
            if not nothing and _bears_out(fact, moment, text, heard.get(at, {})):
                says = _SAYS[fact] if moment.side == "rep" else _BUYER_SAYS.get(fact, _SAYS[fact])
                words = f"{moment.speaker.replace(':', ' ')} {says}"
                found[fact][at] = cite(words, _quoted(fact, moment, text, heard.get(at, {})), dates)
    for turn, place in _placed(turns, heard):
        at = (turn.call_id, turn.turn)
        for fact, tells in UNCITED.items():
            nothing = fact == "recommended" and levels.get((turn.call_id, _NOTHING[fact])) == 0
            if not nothing and at not in found[fact] and tells(turn, heard.get(at, {}), place):
                who = turn.side if turn.name == turn.side else f"{turn.side} {turn.name}"
                found[fact][at] = said_in(turn, dates, f"{who} {_SAYS[fact]}", show=_SHOWN_BY.get(fact))
    place_of = {call_id: number for number, call_id in enumerate(dates)}
    return {
        fact: tuple(made[at] for at in sorted(made, key=lambda at: (place_of[at[0]], at[1])))
        for fact, made in found.items()
    }


def _placed(turns: Sequence[TurnRow], heard: Mapping[tuple[str, int], Heard]) -> Iterator[tuple[TurnRow, _Place]]:
    priced = False
    asking: Heard = {}
    asked = ""
    of_call = None
    for turn in turns:
        if turn.call_id != of_call:
            # what was asked last on one call is not what the next one answers; a price stays named
            of_call, asking, asked = turn.call_id, {}, ""
        known = heard.get((turn.call_id, turn.turn), {})
        priced = priced or (turn.side == "rep" and known.get("price", 0.0) >= _TERMS_SURE)
        yield (
            turn,
            _Place(
                priced,
                _surest(asking, "ask_decider", "ask_process", "ask_right_person") >= _ASKED,
                _surest(asking, "ask_problem", "ask_impact"),
                _surest(asking, "follow_up", "quantify"),
                _asks_amount(asked, asking),
            ),
        )
        # an amount is given at once; what is told goes on over several turns
        asked = straight(turn.text) if turn.side == "rep" else ""
        if turn.side == "rep":
            asking = known


def _asks_amount(text: str, heard: Heard) -> bool:
    """Whether a rep asks how much of the trouble there is, or of anything in a day, a week and so on."""
    of_trouble = _surest(heard, "ask_problem", "ask_impact", "follow_up", "quantify") >= _ASKED
    return asks_amount(text, of_a_period=not of_trouble)


def _surest(heard: Heard, *moves: str) -> float:
    return max(heard.get(move, 0.0) for move in moves)
