"""The plan for the next call with an account: what is missing, three questions, the objection to expect, the ask.

Everything follows by rule from `account_view` and carries the call it rests on; the questions are this project's own
wording, chosen by the criterion that is missing and the level reached on it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.coach.accounts import SILENT_DAYS, AccountView, Progress, account_view, quoted, told
from pipeline.coach.clauses import states_something
from pipeline.coach.commitments import Commitment, commitments
from pipeline.coach.customers import customer_because, troubles
from pipeline.coach.ended import days_agreed, ended
from pipeline.coach.moves import moves_of, strength
from pipeline.coach.pushback import KINDS
from pipeline.coach.rows import Rows
from pipeline.coach.snippets import BEST_LEVEL, Snippet, find_snippets
from pipeline.coach.statements import Statement, cite
from pipeline.rubric import Rubric
from pipeline.types import ObjectionKind
from pipeline.wording import counted

QUESTION_COUNT = 3
THE_ORDER = "the order, with a start date"
ON_THE_TABLE = "need, decision and offer are on the table"

QUESTIONS: dict[str, tuple[tuple[int, str, str], ...]] = {
    "discovery": (
        (1, "How do you do this today, and where does it let you down? What happened the last time?", "impact"),
        (2, "When that happens, what does it cost or cause, and who feels it most?", "numbers"),
        (1, "What made you take this call now and not in half a year?", "order"),
        (2, "Of all you told me, what has to be better first, and by when?", "order"),
    ),
    "decision_makers": (
        (1, "When you last bought something like this, who had to be happy with it?", "decides"),
        (2, "Suppose we agree it is right: what has to happen between that and a signature, and by when?", "order"),
        (2, "What will the person who signs look at first, and what would make them wait?", "order"),
    ),
    "business_case": (
        (1, "What does this cost you today, in hours, orders or money a month?", "numbers"),
        (
            2,
            "Can we put your own numbers on it: how often, what does each one cost, and how much of that would change?",
            "order",
        ),
        (2, "What payback would your finance people call good?", "order"),
    ),
    "positioning": (
        (1, "What would you need to hear to be sure that we understand companies like yours?", "order"),
        (
            2,
            "What are you weighing this against, including leaving it as it is, and what decides between them?",
            "order",
        ),
    ),
    "recommendation": (
        (1, "Of everything you told me, which one thing has to be solved first?", "order"),
        (2, "Where does what I suggested not fit what you need?", "order"),
    ),
    "proposal": (
        (1, "What would have to be in an offer for you to decide on it: scope, price, terms, date?", "price"),
        (2, "How would you put the offer to the others in your own words, and what will they ask first?", "order"),
    ),
    "objection_handling": (
        (1, "What still holds you back, and what is behind it?", "order"),
        (2, "If that were solved, is there anything else, or would it be a yes?", "order"),
    ),
    "ask_for_sale": (
        (1, "What would be a sensible next step for you, and on which day?", "order"),
        (2, "Is there a reason not to decide this on a fixed date?", "order"),
    ),
}
"""Questions per criterion, each with the highest level reached so far for which it is the one to ask, and what answers
it: a fact of the account in the buyer's own words (of the price: the offer), or only the order."""
CLOSING = (
    "What has to happen between today and the signature, and on which day is each step?",
    "What will whoever puts their name to it ask that we have not answered yet?",
    "What could still move the date, and what do we do if it does?",
)
"""Questions where only the order is left."""

AFTERWARDS = (
    "What has it brought so far, in your numbers, against what you wanted from it?",
    "What went otherwise than you expected, and who noticed it?",
    "Who else in the company has the same trouble, and what would they have to see?",
)
"""Questions once an order is placed."""

REPAIR = (
    "Is it put right by now, and what would show you that it stays so?",
    "Who else on your side has noticed, and what have they heard from us?",
    "What do you want to have seen from us by the day you look at the contract again?",
)
"""Questions to a customer who complains."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to ask, the criterion it serves, why, and what that rests on (None where nothing was said yet)."""

    question: str
    criterion: str
    because: str
    statement: Statement | None


@dataclass(frozen=True, slots=True)
class Expected:
    """The objection to expect: its kind, on what grounds, and an answer that worked on a call, if there is one.

    `came_up` is where it was raised on other accounts, `others` where only something else was: once a call each, the
    newest first. `sure`: whether it surely is of the kind.
    """

    kind: ObjectionKind
    because: str
    statement: Statement | None
    worked: Snippet | None
    came_up: tuple[Statement, ...] = ()
    others: tuple[Statement, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A pre-call plan; `ask` says what to ask for, with the reason and its ground.

    `promised` is what either side said that they would do and is still ahead, `ended` how the last call ended.
    """

    view: AccountView
    questions: tuple[Question, ...]
    expect: Expected | None
    ask: str
    ask_because: str
    ask_statement: Statement | None
    promised: tuple[Commitment, ...] = ()
    ended: Statement | None = None


def pre_call_plan(
    rows: Rows, name: str, rubric: Rubric, *, as_of: dt.date | None = None, customers: Sequence[str] = ()
) -> Plan | None:
    """The plan for the next call with an account; None when it has no calls. `customers` are accounts known to buy."""
    view = account_view(rows, name, rubric, as_of=as_of)
    if view is None:
        return None
    made = commitments(rows.of_turns(call.call_id for call in view.calls), as_of=as_of)
    return plan_of(view, made, rows, rubric, customers=customers)


def plan_of(
    view: AccountView, made: Sequence[Commitment], rows: Rows, rubric: Rubric, *, customers: Sequence[str] = ()
) -> Plan:
    """`pre_call_plan` of an account whose view and commitments are there; `rows` may hold other accounts' answers."""
    trouble = trouble_of(view, rows, customers)
    view = on_what_was_said(view, rows, rubric)
    ask, because, statement = next_ask(view, trouble)
    return Plan(
        view,
        _questions(view, trouble, ask),
        _expected(rows, view, rubric),
        ask,
        with_the_day(because, days_agreed(made, view.as_of)),
        statement,
        tuple(one for one in made if one.ahead and not (one.day and view.as_of and one.day < view.as_of)),
        ended(view, rows, made),
    )


def on_what_was_said(view: AccountView, rows: Rows, rubric: Rubric) -> AccountView:
    """The view with what is missing resting on words that say something of it, or on none: not on what only weighed for
    a level, nor on the moment at which it should have come up."""
    calls = {call.call_id for call in view.calls}
    said = [m for m in rows.moments if m.call_id in calls and m.kind == "evidence"]
    said = told(said, moves_of(rows, rubric), rows.scores, rubric)

    def rested(item: Progress) -> Progress:
        if item.done or item.statement is None:
            return item
        call = item.statement.call_id
        mine = [m for m in said if (m.call_id, m.criterion) == (call, item.criterion)]
        best = max(mine, key=lambda m: (strength(m, rows, rubric), -m.turn), default=None)
        rests_on = cite(item.statement.text, best, {call: item.statement.date}) if best else None
        return dataclasses.replace(item, statement=rests_on)

    return dataclasses.replace(view, progress=tuple(rested(item) for item in view.progress))


def with_the_day(because: str, agreed: Sequence[Commitment]) -> str:
    """Why to ask for something, with the day that is agreed already: it is the one to ask on."""
    return f"{because}; a day is agreed already: {agreed[0].day}" if agreed else because


def _questions(view: AccountView, trouble: Statement | None, ask: str) -> tuple[Question, ...]:
    """One question per missing criterion in the rubric's order, then per unscored one, then second ones, up to three.

    Objections are left out while none was raised: there is nothing to ask about. Where only the order is left, the
    way to it is what to ask about, and a customer who complains is asked about that. Who is asked for the order is not
    asked about the problem again.
    """
    if trouble:
        return _about(REPAIR, "a customer complains", trouble)
    if _closing(view):
        because = "they spoke of signing or ordering" if view.planned else "the order is what is left"
        return _about(CLOSING, because, view.planned)
    if view.ordered:
        return _about(AFTERWARDS, "the order is placed, as it seems", view.ordered)
    ordering = ask == THE_ORDER
    missing = [item for item in _lacking(view) if item.criterion in QUESTIONS]
    missing = [item for item in missing if not (ordering and item.criterion == "discovery")]
    chosen: list[Question] = []
    for turn in range(max(len(items) for items in QUESTIONS.values())):
        for item in missing:
            fitting = _fitting(view, item)
            if turn < len(fitting) and len(chosen) < QUESTION_COUNT:
                because, ground = _because(view, item), _rests_on(view, item)
                chosen.append(Question(fitting[turn], item.criterion, because, ground))
    rest = _about(CLOSING, ON_THE_TABLE, None) if ordering else ()
    return (*chosen, *rest[: QUESTION_COUNT - len(chosen)])


def _about(texts: Sequence[str], because: str, ground: Statement | None) -> tuple[Question, ...]:
    """Questions that all rest on one statement: it is shown once."""
    grounds = (ground, *(None for _ in texts[1:]))
    return tuple(Question(text, "ask_for_sale", because, shown) for text, shown in zip(texts, grounds, strict=True))


def _closing(view: AccountView) -> bool:
    """Whether the order is all that is left: a buyer plans it, or everything was done on some call."""
    return not view.ordered and bool(view.planned or not (view.missing or view.unscored))


def _lacking(view: AccountView) -> list[Progress]:
    """Criteria that are not done; no objections to handle where none is open."""
    known = (*view.missing, *view.unscored)
    return [item for item in known if item.criterion != "objection_handling" or view.open_objections]


def _missing(view: AccountView) -> list[str]:
    """What is not there yet, in words; after an order nothing is."""
    if view.ordered:
        return []
    order = ["the order: no call says that it is signed or placed"] if _closing(view) else []
    people = [f"{person.text.partition(',')[0]}, who has a say and was on no call" for person in view.named]
    return [*order, *people, *(_because(view, item) for item in _lacking(view))]


def knows(view: AccountView, fact: str) -> Statement | None:
    """The newest statement of a fact by those whose word it is: the buyer's, of price and terms the rep's."""
    side = "rep" if fact in ("price", "terms", "recommended") else "buyer"
    mine = [s for s in view.facts.get(fact, ()) if (s.speaker or "").partition(":")[0] == side]
    return mine[-1] if mine else None


def _fitting(view: AccountView, item: Progress) -> list[str]:
    """The questions for the level reached, those for it first and harder ones after; none whose answer is known.

    Above the first level of decision makers somebody who decides was named, whether or not the words are at hand.
    """
    reached = item.best or 0
    asked = [
        (level, text)
        for level, text, fact in QUESTIONS[item.criterion]
        if not (knows(view, fact) or (fact == "decides" and reached > level))
    ]
    ranked = sorted((level < reached, place, text) for place, (level, text) in enumerate(asked))
    return [text for _, _, text in ranked]


_TOLD = {
    "discovery": (
        "impact",
        "the problem was told; what it leads to, and by when it must be better, is to be agreed on",
    ),
    "decision_makers": ("decides", "who has a say was told; each step of the decision is to be agreed on"),
    "business_case": ("numbers", "a number of theirs is on the table; what acting is worth is to be agreed on"),
}
"""What comes next where a criterion is missing and the fact it is about is known all the same; not that nobody spoke
of it, which a level does not say."""


def _because(view: AccountView, item: Progress) -> str:
    """Why something is missing: what is known of it, else the best that calls did about it, in the rubric's words."""
    told = _TOLD.get(item.criterion)
    if told and knows(view, told[0]):
        return told[1]
    if item.best is None:
        return f"{item.title.lower()}: not scored on any call yet"
    return f"{item.title.lower()}, at best so far: {item.means}"


def _rests_on(view: AccountView, item: Progress) -> Statement | None:
    told = _TOLD.get(item.criterion)
    return (knows(view, told[0]) if told else None) or item.statement


def _expected(rows: Rows, view: AccountView, rubric: Rubric) -> Expected | None:
    """An open objection of the account first, else the commonest kind on other accounts; None where none was raised."""
    if view.open_objections:
        last = view.open_objections[-1]
        because = "raised on this account and still open"
        if view.planned:
            because = "raised on this account, and no call shows that it was settled before they spoke of signing"
        worked = answer_that_worked(rows, last.kind, rubric)
        return Expected(last.kind, because, last.statement, worked, sure=last.sure)
    mine = {call.call_id for call in view.calls}
    others = [row for row in rows.objections if row.call_id not in mine]
    if not others:
        return None
    raised: dict[ObjectionKind, dict[str, int]] = defaultdict(dict)
    for row in others:
        raised[row.kind].setdefault(row.call_id, row.turn)
    # `other` says nothing to prepare for: it is named only where nothing else came up
    kind, calls = max(raised.items(), key=lambda item: (item[0] != "other", len(item[1]), item[0]))
    rest = {row.call_id: row for row in reversed(others) if row.call_id not in calls}
    because = (
        f"none is open here; on other accounts it came up on {len(calls)} of the "
        f"{counted(len(calls) + len(rest), 'call')} with an objection"
    )
    dates = {call.call_id: call.date for call in rows.calls}
    came_up = [Statement(KINDS[kind], call_id, dates.get(call_id), turn) for call_id, turn in calls.items()]
    beside = [Statement(KINDS[row.kind], row.call_id, dates.get(row.call_id), row.turn) for row in rest.values()]
    for found in (came_up, beside):
        found.sort(key=lambda s: (s.date or dt.date.min, s.call_id), reverse=True)
    return Expected(kind, because, None, answer_that_worked(rows, kind, rubric), tuple(came_up), tuple(beside))


_ANSWERS = ("answer", "trade", "confirm_resolved", "acknowledge")
"""Moves of an answer, the most useful to read first."""


def answer_that_worked(rows: Rows, kind: str, rubric: Rubric) -> Snippet | None:
    """The rep's answer to such an objection on the best call that settled one; None where there is none."""

    known = moves_of(rows, rubric)

    def rank(snippet: Snippet) -> tuple[int, int]:
        moves = known.get((snippet.moment.call_id, snippet.moment.turn), ())
        return min((_ANSWERS.index(m) for m in moves if m in _ANSWERS), default=len(_ANSWERS)), -snippet.score.level

    found = [
        s
        for s in find_snippets(rows, criterion="objection_handling", kind=kind, limit=1000)
        if s.objection
        and s.objection.handled == "yes"
        and s.score.level >= BEST_LEVEL
        and s.moment.side == "rep"
        and s.moment.kind == "evidence"
        and s.moment.turn > s.objection.turn
        # a question into an objection comes before the answer to it
        and states_something(s.moment.quote)
    ]
    return min(found, key=rank, default=None)


def trouble_of(view: AccountView, rows: Rows, customers: Sequence[str] = ()) -> Statement | None:
    """The last complaint of a customer on the newest scored call; None where there is none."""
    last = next((call.call_id for call in reversed(view.calls) if call.status == "scored"), None)
    turns = sorted((t for t in rows.turns if t.call_id == last), key=lambda t: t.turn)
    found = troubles(turns)
    calls = {call.call_id for call in view.calls}
    said = [t for t in rows.turns if t.call_id in calls]
    if not found or not customer_because(view, said, customers=customers):
        return None
    return quoted(view, found[-1], "complains")


def next_ask(view: AccountView, trouble: Statement | None = None) -> tuple[str, str, Statement | None]:
    """The most that is fair to ask for now, why, and the ground for it: the first rule that holds.

    `trouble` is what a customer complains of: nothing is sold before it is put right.
    """
    by_id = {item.criterion: item for item in view.progress}
    need = {item.criterion: item for item in view.missing}
    if len(view.unscored) == len(view.progress):
        scored = any(call.status == "scored" for call in view.calls)
        because = "no criterion could be scored on any call yet" if scored else "no call was scored yet"
        return "a dated conversation about the problem and what it costs", because, None
    if trouble:
        return "the day by which it is put right, and who tells them", "a customer complains", trouble
    if view.ordered:
        return "a day to look together at what it brought", "the order is placed, as it seems", view.ordered
    if view.planned:
        return (
            "the signature or order that was spoken of, and the day of each step up to it",
            f"{view.planned.text}, and no call says that it is done",
            view.planned,
        )
    offered = bool(view.facts["price"]) or _reached(by_id, "proposal", 2)
    if "discovery" in need and not offered:
        if knows(view, "impact"):
            return "half an hour, on a fixed date, on what the problem costs", *_why(view, need["discovery"])
        return "a dated second conversation about the problem and what it costs", *_why(view, need["discovery"])
    if "decision_makers" in need:
        return _decider(view), *_why(view, need["decision_makers"])
    if "business_case" in need and not offered:
        return "half an hour, on a fixed date, to do the numbers together", *_why(view, need["business_case"])
    if "discovery" in need and "business_case" in need:
        return "half an hour, on a fixed date, on what the problem costs", *_why(view, need["discovery"])
    if view.open_objections:
        last = view.open_objections[-1]
        return (
            "what clears the open objection, by when, and the yes that follows",
            f"{last.what} is open" if last.sure else f"{last.what}, is open",
            last.statement,
        )
    if not offered:
        return "a date to go through the offer with everyone who decides", *_why(view, by_id.get("proposal"))
    absent = [person.text.partition(",")[0] for person in view.named]
    and_who = f"; on no call, though they have a say: {', '.join(absent)}" if absent else ""
    return THE_ORDER, ON_THE_TABLE + and_who, _ground(view.facts["price"])


def _reached(by_id: dict[str, Progress], criterion: str, level: int) -> bool:
    item = by_id.get(criterion)
    return item is not None and item.best is not None and item.best >= level


def _decider(view: AccountView) -> str:
    # who decides stands last among the named
    if not view.named and knows(view, "decides"):
        return "the steps and the day of the decision, with everyone who has a say"
    if not view.named:
        return "a dated meeting with whoever decides"
    return f"a dated meeting with {view.named[-1].text.partition(',')[0]}, who was named and is on no call"


def _why(view: AccountView, item: Progress | None) -> tuple[str, Statement | None]:
    return (_because(view, item), _rests_on(view, item)) if item else ("no offer has been made yet", None)


def _ground(statements: Sequence[Statement]) -> Statement | None:
    return statements[-1] if statements else None


def _json(statement: Statement | None) -> dict[str, Any] | None:
    return statement.to_json() if statement else None


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain values: every part with the call, turn and words it rests on."""
    view, expect = plan.view, plan.expect
    last = view.calls[-1]
    row: dict[str, Any] = {
        "account": view.account,
        "calls": len(view.calls),
        "last": last.date.isoformat() if last.date else None,
        "ask": {"for": plan.ask, "because": plan.ask_because, "rests_on": _json(plan.ask_statement)},
        "questions": [
            {"question": q.question, "criterion": q.criterion, "because": q.because, "rests_on": _json(q.statement)}
            for q in plan.questions
        ],
        "expect": None,
        "last_next_step": _json(plan.ended),
        "promised": [made.to_json() for made in plan.promised],
        "missing": _missing(view),
    }
    if expect:
        row["expect"] = {
            "objection": expect.kind,
            "sure": expect.sure,
            "because": expect.because,
            "rests_on": _json(expect.statement),
            "came_up": [statement.to_json() for statement in expect.came_up],
            "others": [statement.to_json() for statement in expect.others],
            "answer_that_worked": expect.worked.to_json() if expect.worked else None,
        }
    if view.silent_days is not None and view.silent_days >= SILENT_DAYS:
        row["silence"] = f"{view.silent_days} days since the last call"
    return row
