"""Where a deal stands to be lost or won: named competitors, risks, and the play for it, each with what it rests on.

Rules over an account's view, its turns and moves. A rule that finds nothing says nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.coach.accounts import SILENT_DAYS, AccountView, quoted
from pipeline.coach.clauses import PO
from pipeline.coach.commitments import Commitment
from pipeline.coach.competitors import Rival, competitors
from pipeline.coach.customers import GROWTH, OTHER_NEED, customer_because, reviews, troubles
from pipeline.coach.moves import Moves
from pipeline.coach.promised_day import hangs
from pipeline.coach.rows import CallRow, Rows, TurnRow
from pipeline.coach.statements import Statement
from pipeline.coach.when import named_days
from pipeline.wording import counted, straight

LOST_DAYS = 45
TAKEN_WITHIN = 2
"""Turns after a step with a day within which a buyer's yes belongs to it."""
UPSELL_TYPES = re.compile(r"\b(?:up-?sell\w*|expansion)\b", re.IGNORECASE)
CROSS_TYPES = re.compile(r"\bcross[- ]?sell\w*\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Risk:
    """What can lose the deal: `kind` from `RISKS`, in a sentence, with what it rests on."""

    kind: str
    text: str
    rests_on: tuple[Statement, ...]

    def to_json(self) -> dict[str, Any]:
        """`{"kind", "text", "rests_on"}`."""
        return {"kind": self.kind, "text": self.text, "rests_on": [s.to_json() for s in self.rests_on]}


@dataclass(frozen=True, slots=True)
class Strategy:
    """What to do with an account: `kind` is one of `STRATEGIES`, `play` what that means on the next calls."""

    kind: str
    because: str
    play: tuple[str, ...]
    rests_on: tuple[Statement, ...]

    def to_json(self) -> dict[str, Any]:
        """`{"kind", "because", "play", "rests_on"}`."""
        row = {"kind": self.kind, "because": self.because, "play": list(self.play)}
        return {**row, "rests_on": [s.to_json() for s in self.rests_on]}


@dataclass(frozen=True, slots=True)
class Deal:
    """What the rules read: an account's view, its turns with their moves, commitments and named rivals.

    `customer` says why the account is taken to buy already, None where it is not.
    """

    view: AccountView
    turns: tuple[TurnRow, ...]
    moves: Moves
    commitments: tuple[Commitment, ...]
    rivals: tuple[Rival, ...]
    customer: Statement | None = None

    def cite(self, turn: TurnRow, text: str) -> Statement:
        """A statement that rests on a turn."""
        return quoted(self.view, turn, text)

    def said(self, pattern: re.Pattern[str], text: str) -> list[Statement]:
        """Buyers' turns that fit a pattern."""
        return [self.cite(t, text) for t in self.turns if t.side == "buyer" and pattern.search(straight(t.text))]

    @property
    def trouble(self) -> list[Statement]:
        """What a customer has to complain of and whether the contract is in question: it goes before every chance."""
        return [*_troubled(self), *_reviewed(self)]

    def heard(self, turn: TurnRow) -> frozenset[str]:
        """The moves of a turn."""
        return self.moves.get((turn.call_id, turn.turn), frozenset())

    def made(self, move: str) -> list[TurnRow]:
        """Turns that make a move."""
        return [t for t in self.turns if move in self.heard(t)]


def deal_of(
    rows: Rows,
    view: AccountView,
    moves: Moves,
    made: Sequence[Commitment],
    *,
    known: Sequence[str] = (),
    customers: Sequence[str] = (),
) -> Deal:
    """An account's deal; `rows.turns` are those of the account, `known` competitors' names to listen for, `customers`
    accounts that are known to buy."""
    order = {call.call_id: place for place, call in enumerate(view.calls)}
    mine = sorted((t for t in rows.turns if t.call_id in order), key=lambda t: (order[t.call_id], t.turn))
    deal = Deal(view, tuple(mine), moves, tuple(made), ())
    return dataclasses.replace(
        deal,
        rivals=tuple(competitors(view, mine, moves, rows, known)),
        customer=customer_because(deal.view, deal.turns, customers=customers),
    )


def risks(deal: Deal) -> list[Risk]:
    """Every risk of `RISKS` that the calls show."""
    found = []
    for kind, rule in RISKS.items():
        hit = rule(deal)
        if hit:
            found.append(Risk(kind, hit[0], tuple(hit[1])))
    return found


Found = tuple[str, Sequence[Statement]] | None


def _reached(deal: Deal, criterion: str) -> tuple[int | None, Statement | None]:
    item = next((p for p in deal.view.progress if p.criterion == criterion), None)
    return (item.best, item.statement) if item else (None, None)


def _silence(deal: Deal) -> Found:
    days = deal.view.silent_days
    if days is None or days < SILENT_DAYS:
        return None
    last = deal.view.calls[-1]
    return f"{days} days since the last call", [Statement("the last call", last.call_id, last.date)]


def _one_voice(deal: Deal) -> Found:
    met = deal.view.met
    heard = [t for t in deal.turns if t.side == "buyer"]
    calls = len({t.call_id for t in heard})
    # whoever is not named may be somebody else
    if calls < 2 or len(met) != 1 or any(met[0].speaker != f"buyer:{t.name}" for t in heard):
        return None
    return f"one person met on {calls} calls: {(met[0].speaker or '').partition(':')[2]}", met


def _no_decider(deal: Deal) -> Found:
    best, statement = _reached(deal, "decision_makers")
    if best is None or best >= 3:
        return None
    if any((s.speaker or "").startswith("buyer") for s in deal.view.facts["decides"]):
        return None
    known = "a decision maker was named, but not how it is decided" if best == 2 else None
    return known or "who decides and how is not known from the calls", _one(statement)


def _not_met(deal: Deal) -> Found:
    people = deal.view.named
    if not people or deal.view.ordered:
        return None
    names = ", ".join(person.text.partition(",")[0] for person in people)
    return f"has a say and was on no call: {names}", people


def _price_first(deal: Deal) -> Found:
    best, statement = _reached(deal, "business_case")
    prices = deal.view.facts["price"]
    if not prices or best is None or best >= 2:
        return None
    return f"a price is on the table without a case for it (best level {best})", [*prices[-1:], *_one(statement)]


def _no_date(deal: Deal) -> Found:
    last = deal.view.calls[-1]
    if not any(turn.call_id == last.call_id for turn in deal.turns):
        return None  # its words are not kept, or were not read: nothing is known of what was agreed
    dated = [c for c in deal.commitments if c.call_id == last.call_id and c.due]
    if dated or last.status != "scored" or _took_a_day(deal, last):
        return None
    return "no day for a next step was agreed on the last call", [Statement("the last call", last.call_id, last.date)]


def _took_a_day(deal: Deal, call: CallRow) -> bool:
    """Whether a buyer agreed to a step with a day soon after the rep named it, though no promise was read from it."""
    turns = [t for t in deal.turns if t.call_id == call.call_id]
    for place, step in enumerate(turns):
        if step.side != "rep" or "dated_step" not in deal.heard(step):
            continue
        for turn in turns[place + 1 : place + 1 + TAKEN_WITHIN]:
            agreed = "commit" in deal.heard(turn) and "resist" not in deal.heard(turn)
            if (
                turn.side == "buyer"
                and agreed
                and (named_days(step.text, call.date) or named_days(turn.text, call.date))
            ):
                return True
    return False


def _objections(deal: Deal) -> Found:
    raised = deal.view.open_objections
    if not raised:
        return None
    sure = {o.kind for o in raised if o.sure}
    kinds = sorted({("" if o.kind in sure else "perhaps ") + o.kind.replace("_", " or ") for o in raised})
    return f"{counted(len(raised), 'objection')} open: {', '.join(kinds)}", [o.statement for o in raised]


def _rival(deal: Deal) -> Found:
    if not deal.rivals:
        return None
    return "named: " + ", ".join(r.name for r in deal.rivals), [r.statement for r in deal.rivals]


def _ours_late(deal: Deal) -> Found:
    return _late(deal, "rep", "no call shows that we did what we said")


def _theirs_late(deal: Deal) -> Found:
    return _late(deal, "buyer", "no call shows that the buyer did what they said")


def _late(deal: Deal, side: str, text: str) -> Found:
    # a day to meet that no recorded call falls on may have been kept in person
    late = [
        c
        for c in deal.commitments
        if c.side == side and (c.status == "not kept" or (c.status == "overdue" and c.kind != "meeting"))
    ]
    return (f"{text} ({len(late)})", [said(c) for c in late]) if late else None


def said(made: Commitment) -> Statement:
    """A commitment as a statement."""
    text = f"{made.owner}, {made.status}" + (f", for {made.due.isoformat()}" if made.due else "")
    text += f", now for {made.moved_to.isoformat()}" if made.moved_to else ""
    text += f' (asked: "{made.asked}")' if made.asked else ""
    return Statement(text, made.call_id, made.made_on, made.turn, f"{made.side}:{made.owner}", made.quote)


def _one(statement: Statement | None) -> list[Statement]:
    return [statement] if statement else []


def _troubled(deal: Deal) -> list[Statement]:
    return [deal.cite(t, "complains") for t in troubles(deal.turns)] if deal.customer else []


def _reviewed(deal: Deal) -> list[Statement]:
    return [deal.cite(t, "speaks of the contract's end") for t in reviews(deal.turns)] if deal.customer else []


def _trouble(deal: Deal) -> Found:
    found = _troubled(deal)
    return (f"a customer complains ({_times(found)})", found) if found else None


def _review(deal: Deal) -> Found:
    found = _reviewed(deal)
    return ("the contract is up for review or in question", found) if found else None


RISKS: Mapping[str, Callable[[Deal], Found]] = {
    "trouble": _trouble,
    "contract in question": _review,
    "silence": _silence,
    "single contact": _one_voice,
    "decision unknown": _no_decider,
    "decider not met": _not_met,
    "price before value": _price_first,
    "no dated step": _no_date,
    "open objections": _objections,
    "competitor": _rival,
    "we are late": _ours_late,
    "they are late": _theirs_late,
}
"""Risks in the order shown: each rule gives its sentence and what it rests on, or None."""


def strategies(deal: Deal) -> list[Strategy]:
    """The plays that the calls give ground for, the most urgent first; `advance` where there is no other."""
    found = [made for rule in STRATEGIES.values() if (made := rule(deal))]
    return found or [_advance(deal)]


def _protect(deal: Deal) -> Strategy | None:
    """Against whoever is in the way still: an answer that the buyer took settles a rival who is not named again."""
    if deal.trouble:
        return _keep(deal)
    opposing = [o.statement for o in deal.view.open_objections if o.kind == "competition"]
    answered = [o.statement for o in deal.view.answered_objections if o.kind == "competition"]
    settled = {(s.call_id, s.turn) for s in answered}
    rivals = [r for r in deal.rivals if (r.statement.call_id, r.statement.turn) not in settled]
    if not rivals and not opposing:
        return _keep(deal)
    what = "Protect the account" if deal.customer else "Win it"
    if rivals:
        name = rivals[0].name
        because = f"{what} from {name}"
        first = f"Ask what {name} would change for them, and what it would cost to switch or to start there"
    else:
        # the judge alone hears another option in an objection, and may have misheard one on price or another concern
        because = f"{what} against another option, as it seems: the calls name no other vendor"
        first = "Ask whether they weigh another way at all, doing it themselves or leaving it as it is included"
    return Strategy(
        "protect",
        because,
        (
            first,
            "Put your difference on the point they care about most, with one customer who weighed the same choice",
            "Agree the criteria of the decision in writing before the next comparison",
        ),
        _once([*(r.statement for r in rivals), *opposing])[:4],
    )


def _keep(deal: Deal) -> Strategy | None:
    """A customer with trouble or open objections, whoever else is named: what is wrong is put right first.

    What is objected to on a call that was held to sell something more is that, not what they have.
    """
    more = {
        c.call_id
        for c in deal.view.calls
        if UPSELL_TYPES.search(c.call_type or "") or CROSS_TYPES.search(c.call_type or "")
    }
    held = [o.statement for o in deal.view.open_objections if o.statement.call_id not in more]
    trouble = deal.trouble
    if not deal.customer or not (trouble or held):
        return None
    what = f"{counted(len(held), 'objection')} open" if held else ""
    wrong = "something to put right" if _troubled(deal) else "a contract in question" if trouble else ""
    rivals = ", while " + " and ".join(r.name for r in deal.rivals[:2]) + " is named" if trouble and deal.rivals else ""
    return Strategy(
        "protect",
        f"Protect the account: a customer with {' and '.join(part for part in (wrong, what) if part)}{rivals}",
        (
            "Put right the one thing that costs them most, with a day, before any talk of terms",
            "Ask what they would miss if it were gone tomorrow, and what they would not: both in their words",
            "Ask who else has a say in keeping it, and meet them before the date of the renewal",
        ),
        (*_once([*trouble, *held, *(r.statement for r in deal.rivals if trouble)])[:4], deal.customer),
    )


def _divest(deal: Deal) -> Strategy | None:
    """Much time, no decision, no case: give it back to accounts that move."""
    view = deal.view
    scored = [call for call in view.calls if call.status == "scored"]
    case, ground = _reached(deal, "business_case")
    decided, _ = _reached(deal, "decision_makers")
    stalls = [o.statement for o in view.open_objections if o.kind == "stall"]
    quiet = (view.silent_days or 0) >= LOST_DAYS
    weak = case is not None and decided is not None and case < 2 and decided < 3
    if len(scored) < 2 or view.ordered or not weak or not (quiet or len(stalls) >= 2):
        return None
    last = scored[-1]
    rests = [*_one(ground), *stalls, Statement("the last call", last.call_id, last.date)]
    return Strategy(
        "divest",
        f"{len(scored)} calls without a case or a known decision"
        + (f", and {view.silent_days} days of silence" if quiet else f", and {len(stalls)} stalls open"),
        (
            "Send one honest message: what you understood, what is missing, and that you will stop unless a date "
            "is set",
            "Without an answer in two weeks, move it to a quarterly note and give the time to an account that moves",
        ),
        tuple(rests),
    )


def _upsell(deal: Deal) -> Strategy | None:
    """A customer who grows, or whom a call was held with to sell more and who has a need for it."""
    grown = deal.said(GROWTH, "speaks of growth")
    need = grown or _needs(deal, UPSELL_TYPES)
    if not deal.customer or not need or deal.trouble:
        return None
    what = "who speaks of growing" if grown else "with a need"
    return Strategy(
        "upsell",
        f"a customer {what} ({_times(need)})",
        (
            "Ask what the growth changes for them, in their numbers, before naming anything",
            "Work out with them what the same gain is worth on the larger volume",
            "Offer the next size with a date tied to theirs",
        ),
        (*need[:4], deal.customer),
    )


def _cross_sell(deal: Deal) -> Strategy | None:
    """A customer who asks about another need, or whom a call was held with about one."""
    asked = deal.said(OTHER_NEED, "asks about something else")
    need = asked or _needs(deal, CROSS_TYPES)
    if not deal.customer or not need or deal.trouble:
        return None
    asks, tells = "a customer who asks about another need", "a customer who tells of another need"
    return Strategy(
        "cross-sell",
        f"{asks if asked else tells} ({_times(need)})",
        (
            "Treat it as a first call: situation, problem, what it costs, before any product",
            "Find out whose need it is; it is often another department with another budget",
            "Ask to be introduced by the person who is happy now",
        ),
        (*need[:4], deal.customer),
    )


def _needs(deal: Deal, types: re.Pattern[str]) -> list[Statement]:
    """The problems that buyers told of on calls of these types."""
    calls = {call.call_id for call in deal.view.calls if types.search(call.call_type or "")}
    told = [s for s in deal.view.facts["impact"] if s.call_id in calls and (s.speaker or "").startswith("buyer")]
    return [dataclasses.replace(s, text="tells of a need") for s in told]


def _once(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The first statement of each turn."""
    return tuple({(s.call_id, s.turn): s for s in reversed(statements)}.values())[::-1]


def _times(statements: Sequence[Statement]) -> str:
    return counted(len(statements), "time")


def _advance(deal: Deal) -> Strategy:
    last = deal.view.calls[-1]
    return Strategy(
        "advance",
        "nothing speaks for another play",
        ("Follow the pre-call plan: what is missing first, then the ask",),
        (Statement("the last call", last.call_id, last.date),),
    )


STRATEGIES: Mapping[str, Callable[[Deal], Strategy | None]] = {
    "divest": _divest,
    "protect": _protect,
    "upsell": _upsell,
    "cross-sell": _cross_sell,
}
"""Plays in the order shown; `advance` is what is left."""


_GOODBYE = re.compile(
    r"^(?:(?:sounds good|thanks|thank you|great|okay|alright|good|bye|yeah)[,. ]+)*(?:talk|speak|see|catch|chat) "
    r"(?:to |with )?(?:you|ya|soon|then|on|\w+day)\b[^.?!,]{0,30}[.?!]*$",
    re.IGNORECASE,
)
_ORDERS = re.compile(rf"\b(?:sign(?:s|ed)?|{PO}|the order)\b", re.IGNORECASE)
_MOVES_IT = re.compile(
    rf"\b(?:sign\w*|{PO}|order|contract|agreement|quote|proposal|pilot|trial|meet\w*|demo|o'clock|visit|"
    r"introduce|diary|invite)\b",
    re.IGNORECASE,
)
"""What moves a deal: paper, an order, a trial, people who meet."""


def _weight(made: Commitment) -> tuple[int, bool, int]:
    moves = 2 if _ORDERS.search(made.quote) else 1 if _MOVES_IT.search(made.quote) else 0
    return moves if made.due else 0, bool(made.due), made.turn


def next_step(deal: Deal) -> dict[str, Any] | None:
    """The next thing agreed, with its day and owner: the earliest that is still ahead, else what was agreed last.

    What is done only in some case (`if the form is late I'll call on Tuesday`) comes after what is done in any.
    Of several that of the last call which moves the deal and has a day; a goodbye only where there is nothing else.
    """
    today = deal.view.as_of or dt.date.max
    open_ = [c for c in deal.commitments if c.ahead or c.status == "overdue"]
    open_ = [c for c in open_ if not _GOODBYE.search(c.quote.strip())] or open_
    ahead = sorted(
        (c for c in open_ if c.day and c.day >= today),
        key=lambda c: (hangs(c.quote, c.due_words), c.day or today, c.turn),
    )
    chosen = ahead[0] if ahead else None
    if open_ and not ahead:
        last = [c for c in open_ if c.call_id == open_[-1].call_id]
        chosen = max(last, key=_weight)
    if chosen is None:
        return None
    return {
        "what": chosen.words,
        "owner": chosen.owner,
        "side": chosen.side,
        "due": chosen.day.isoformat() if chosen.day else None,
        "due_words": chosen.due_words,
        "overdue": chosen.status == "overdue" or bool(chosen.day and deal.view.as_of and chosen.day < today),
        "call": chosen.call_id,
        "turn": chosen.turn,
    }
