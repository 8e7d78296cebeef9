"""One account from its own calls: who was met, who decides, numbers, prices, objections, next step, what is missing.

Rule-based over what the judge cited. A statement carries the call, the turn and the words it rests on; where nothing
was cited, nothing is stated.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.coach.facts import NOTHING_OF_IT, facts_of
from pipeline.coach.moves import Moves, moves_of, says_something, strength
from pipeline.coach.people import named_people
from pipeline.coach.pushback import HANDLED, named, shown_by
from pipeline.coach.rows import CallRow, Moment, ObjectionRow, Rows, ScoredCall, TurnRow
from pipeline.coach.signs import agreements, ordered, planned, subjects
from pipeline.coach.statements import QUOTE_CHARACTERS, Statement, cite, said_in
from pipeline.coach.subject import content
from pipeline.rubric import Rubric
from pipeline.types import ObjectionKind, kind_is_sure

DONE_LEVEL = 3
SILENT_DAYS = 21


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the account is on a criterion: the best level on any of its calls and what that level `means` in the
    rubric; None where none was scored."""

    criterion: str
    title: str
    stage: str
    best: int | None
    statement: Statement | None
    means: str = ""

    @property
    def done(self) -> bool:
        """Whether the level a manager wants to hear was reached on some call."""
        return self.best is not None and self.best >= DONE_LEVEL


@dataclass(frozen=True, slots=True)
class Raised:
    """An objection of an account: its kind, whether it surely is of that (`other` claims nothing), and the words."""

    kind: ObjectionKind
    sure: bool
    statement: Statement

    @property
    def what(self) -> str:
        """What people call it."""
        return named(self.kind, self.sure)


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account's calls in order and what they established; `silent_days` counts from the last call to `as_of`.

    `ordered` is where an order is said to be placed, `planned` where a buyer said on the last scored call that they
    would; None where nobody did. `named` are people with a say who are on no call, who decides last.
    """

    account: str
    as_of: dt.date | None
    calls: tuple[CallRow, ...]
    silent_days: int | None
    progress: tuple[Progress, ...]
    met: tuple[Statement, ...]
    facts: dict[str, tuple[Statement, ...]]
    open_objections: tuple[Raised, ...]
    answered_objections: tuple[Raised, ...]
    next_step: Statement | None
    ordered: Statement | None = None
    planned: Statement | None = None
    named: tuple[Statement, ...] = ()

    @property
    def stages(self) -> tuple[tuple[str, str], ...]:
        """Each stage of the rubric with `done`, `in hand` or `to come`: done once what it is about has happened.

        What is asked on calls is done when it was done well on one. The stage that asks for the sale is not done by
        asking well, only by an order, and not in hand while there is no price that could be agreed to.
        """
        return tuple((stage, self._state(stage)) for stage in dict.fromkeys(item.stage for item in self.progress))

    def _state(self, stage: str) -> str:
        mine = [item for item in self.progress if item.stage == stage]
        scored = [item for item in mine if item.best is not None]
        if any(item.criterion == "ask_for_sale" for item in mine):
            if self.ordered:
                return "done"
            asked = bool(scored) and all(item.done for item in scored) and bool(self.facts["price"])
            return "in hand" if self.planned or asked else "to come"
        return "done" if scored and all(item.done for item in scored) else "to come"

    @property
    def missing(self) -> tuple[Progress, ...]:
        """Criteria that were scored and not done on any call, in the order of the rubric."""
        return tuple(item for item in self.progress if item.best is not None and not item.done)

    @property
    def unscored(self) -> tuple[Progress, ...]:
        """Criteria that no call was scored on: nothing is known about them, good or bad."""
        return tuple(item for item in self.progress if item.best is None)


def account_names(rows: Rows) -> list[str]:
    """Accounts that have calls, by name."""
    return sorted({call.account for call in rows.calls if call.account})


def by_account(rows: Rows) -> dict[str, Rows]:
    """The rows of each account apart, by name: what a list of all accounts is made from in one pass."""
    of_call = {call.call_id: call.account for call in rows.calls if call.account}
    parts: dict[str, dict[str, list[Any]]] = {name: defaultdict(list) for name in account_names(rows)}
    for table in ("calls", "scores", "moments", "objections", "turns", "moves"):
        for row in getattr(rows, table):
            if row.call_id in of_call:
                parts[of_call[row.call_id]][table].append(row)
    return {name: Rows(**{table: tuple(found) for table, found in part.items()}) for name, part in parts.items()}


def account_view(rows: Rows, name: str, rubric: Rubric, *, as_of: dt.date | None = None) -> AccountView | None:
    """What the store knows about an account; None when it has no calls. `as_of` is today, else the newest call's date.

    `rows.turns` may hold turns of other accounts or none: without them nobody met and no objection can be quoted.
    """
    calls = sorted(
        (
            call
            for call in rows.calls
            if call.account == name and (as_of is None or not call.date or call.date <= as_of)
        ),
        key=lambda call: (call.date or dt.date.min, call.call_id),
    )
    if not calls:
        return None
    order = {call.call_id: place for place, call in enumerate(calls)}
    scores = [row for row in rows.scores if row.call_id in order]
    moments = sorted((m for m in rows.moments if m.call_id in order), key=lambda m: (order[m.call_id], m.turn))
    objections = sorted((o for o in rows.objections if o.call_id in order), key=lambda o: (order[o.call_id], o.turn))
    dates = {call.call_id: call.date for call in calls}
    today = as_of or max((call.date for call in rows.calls if call.date), default=None)
    last = max((call.date for call in calls if call.date), default=None)
    moves = moves_of(rows, rubric)
    turns = tuple(sorted((t for t in rows.turns if t.call_id in order), key=lambda t: (order[t.call_id], t.turn)))
    opened, answered = _objections(objections, turns, moves, calls)
    return AccountView(
        account=name,
        as_of=today,
        calls=tuple(calls),
        silent_days=(today - last).days if today and last else None,
        progress=tuple(_progress(rows, scores, told(moments, moves, scores, rubric), rubric, dates, order)),
        met=_met(rows, dates),
        facts=facts_of(
            moments,
            moves,
            [m for m in rows.moves if m.call_id in order],
            turns,
            dates,
            {(row.call_id, row.criterion): row.level for row in scores},
        ),
        open_objections=opened,
        answered_objections=answered,
        next_step=_next_step(calls, scores, moments, moves, dates),
        ordered=_ordered(turns, dates),
        planned=_planned(calls, turns, moves, dates),
        named=_named(calls, turns, dates),
    )


def _many(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    return [statement.to_json() for statement in statements]


def view_json(view: AccountView) -> dict[str, Any]:
    """The view as plain values: every statement with its call, turn and words."""
    return {
        "account": view.account,
        "calls": [
            {
                "call": call.call_id,
                "date": call.date.isoformat() if call.date else None,
                "rep": call.rep,
                "type": call.call_type,
                "status": call.status,
                "overall": call.overall,
                "reason": call.reason or None,
            }
            for call in view.calls
        ],
        "silent_days": view.silent_days,
        "next_step": view.next_step.to_json() if view.next_step else None,
        "met": _many(view.met),
        "named": _many(view.named),
        **{fact: _many(statements) for fact, statements in view.facts.items()},
        "open_objections": _many(o.statement for o in view.open_objections),
        "answered_objections": _many(o.statement for o in view.answered_objections),
        "competition": _many(
            o.statement for o in (*view.open_objections, *view.answered_objections) if o.kind == "competition"
        ),
        "stages": [
            {
                "stage": item.stage,
                "criterion": item.title,
                "best_level": item.best,
                "rests_on": item.statement.to_json() if item.statement else None,
            }
            for item in view.progress
        ],
        "how_far": [{"stage": stage, "state": state} for stage, state in view.stages],
        "ordered": view.ordered.to_json() if view.ordered else None,
        "missing": [item.title for item in view.missing],
        "not_scored": [item.title for item in view.unscored],
    }


def quoted(view: AccountView, turn: TurnRow, text: str, *, show: re.Pattern[str] | None = None) -> Statement:
    """A statement that rests on a turn; of a long one the words around the first match of `show` are quoted."""
    return said_in(turn, {call.call_id: call.date for call in view.calls}, text, show=show)


def _ordered(turns: Sequence[TurnRow], dates: dict[str, dt.date | None]) -> Statement | None:
    turn = ordered(turns)
    return said_in(turn, dates, "says that the order is placed") if turn else None


def _planned(
    calls: Sequence[CallRow], turns: Sequence[TurnRow], moves: Moves, dates: dict[str, dt.date | None]
) -> Statement | None:
    """Who said on the last scored call that they would sign or order: what was said before it may be off again."""
    last = next((call.call_id for call in reversed(calls) if call.status == "scored"), None)
    turn = planned([t for t in turns if t.call_id == last], moves)
    return said_in(turn, dates, f"{turn.name} spoke of signing or ordering") if turn else None


def _progress(
    rows: Rows,
    scores: Sequence[ScoredCall],
    moments: Sequence[Moment],
    rubric: Rubric,
    dates: dict[str, dt.date | None],
    order: dict[str, int],
) -> Iterable[Progress]:
    for criterion in rubric.criteria:
        mine = [row for row in scores if row.criterion == criterion.id]
        if not mine:
            yield Progress(criterion.id, criterion.title, criterion.stage, None, None)
            continue
        best = max(mine, key=lambda row: (row.level, order[row.call_id]))
        shown = [m for m in moments if (m.call_id, m.criterion, m.kind) == (best.call_id, criterion.id, "evidence")]
        means = criterion.levels[best.level]
        text = f"level {best.level}: {means}"
        if best.level >= DONE_LEVEL:
            shown.sort(key=lambda m: (-strength(m, rows, rubric), m.turn))
        statement = cite(text, shown[0], dates) if shown else Statement(text, best.call_id, dates[best.call_id])
        yield Progress(criterion.id, criterion.title, criterion.stage, best.level, statement, means)


def told(moments: Iterable[Moment], moves: Moves, scores: Iterable[ScoredCall], rubric: Rubric) -> list[Moment]:
    """The moments whose words say something of their criterion, or that were missed: `level 0: never raised` rests on
    no words, and what only weighed for a level may be about anything."""
    nothing = {(row.call_id, row.criterion) for row in scores if row.level == 0 and row.criterion in NOTHING_OF_IT}
    return [
        m
        for m in moments
        if m.kind != "evidence" or ((m.call_id, m.criterion) not in nothing and says_something(m, moves, rubric))
    ]


_NOBODY = re.compile(
    r"(?:buyer|customer|client|prospect|guest|caller|unknown|speaker|channel|voice)?[ _]?\d*", re.IGNORECASE
)
"""Labels of somebody whose name is not known: they may be one person or several."""


def _met(rows: Rows, dates: dict[str, dt.date | None]) -> tuple[Statement, ...]:
    """Buyers by name, with the first thing each said."""
    calls: dict[str, set[str]] = defaultdict(set)
    first: dict[str, TurnRow] = {}
    mine = (t for t in rows.turns if t.call_id in dates and t.side == "buyer" and not _NOBODY.fullmatch(t.name))
    for turn in sorted(mine, key=lambda turn: (dates[turn.call_id] or dt.date.min, turn.call_id, turn.turn)):
        calls[turn.name].add(turn.call_id)
        first.setdefault(turn.name, turn)
    return tuple(
        said_in(turn, dates, f"{name}, on {len(calls[name])} of {len(dates)} calls") for name, turn in first.items()
    )


def _named(
    calls: Sequence[CallRow], turns: Sequence[TurnRow], dates: dict[str, dt.date | None]
) -> tuple[Statement, ...]:
    known = [t.name for t in turns] + [call.rep or "" for call in calls]
    firm = " ".join({call.account or "" for call in calls})
    return tuple(
        said_in(turn, dates, f"{name}, on no call", show=re.compile(rf"\b{re.escape(name.split()[-1])}\b", re.I))
        for name, turn in named_people(turns, known, firm=firm)
    )


def _objections(
    objections: Sequence[ObjectionRow], turns: Sequence[TurnRow], moves: Moves, calls: Sequence[CallRow]
) -> tuple[tuple[Raised, ...], tuple[Raised, ...]]:
    """Open and answered objections.

    One is answered where it was handled, where a later one of its kind was (on the same call, or of the kind `other`,
    only one on the same thing), or where a later call agrees on the same thing.
    """
    said = {(turn.call_id, turn.turn): turn for turn in turns}
    order = {call.call_id: place for place, call in enumerate(calls)}
    dates = {call.call_id: call.date for call in calls}
    names = {name for call in calls for name in (call.rep or "", call.account or "")} | {t.name for t in turns}
    whose = content(" ".join(names))
    agreed = agreements(turns, moves)
    opened: list[Raised] = []
    answered: list[Raised] = []
    for place, objection in enumerate(objections):
        kind, settled = objection.kind, objection.handled == "yes"
        turn = said.get((objection.call_id, objection.turn))
        sure = kind_is_sure(objection.kind_p) or kind == "other"
        what = named(kind, sure)
        text = f"{what}, {HANDLED[objection.handled]}"
        if not settled and any(
            row.kind == kind and row.handled == "yes" and _same_matter(objection, row, said, whose)
            for row in objections[place + 1 :]
        ):
            settled = True
            text += ", answered when it came up again"
        if turn and not settled:
            about = subjects(turn.text, whose)
            yes = next((t for on, t in agreed if order[t.call_id] > order[turn.call_id] and about & on), None)
            if yes:
                settled = True
                text = f"{what}, agreed on later it seems: “{yes.text[:QUOTE_CHARACTERS]}”"
        statement = (
            said_in(turn, dates, text, show=shown_by(kind, turn.text))
            if turn
            else Statement(text, objection.call_id, dates[objection.call_id], objection.turn)
        )
        (answered if settled else opened).append(Raised(kind, sure, statement))
    return tuple(opened), tuple(answered)


def _same_matter(
    one: ObjectionRow, later: ObjectionRow, said: Mapping[tuple[str, int], TurnRow], whose: frozenset[str]
) -> bool:
    """Whether a later objection of the same kind is likely the same one: those of one call mostly are not."""
    if one.call_id != later.call_id and one.kind != "other":
        return True
    turns = [said[at] for row in (one, later) if (at := (row.call_id, row.turn)) in said]
    return len(turns) > 1 and bool(subjects(turns[0].text, whose) & subjects(turns[1].text, whose))


def _next_step(
    calls: Sequence[CallRow],
    scores: Sequence[ScoredCall],
    moments: Sequence[Moment],
    moves: Moves,
    dates: dict[str, dt.date | None],
) -> Statement | None:
    """How the newest call whose ask was scored ended; None when no call's was."""
    levels = {row.call_id: row.level for row in scores if row.criterion == "ask_for_sale"}
    call = next((call for call in reversed(calls) if call.call_id in levels), None)
    if call is None:
        return None
    level = levels[call.call_id]
    text = {0: "no next step was asked for", 1: "the next step was left vague", 2: "a next step without a date"}.get(
        level, "asked for a commitment" + (", and got it" if level > DONE_LEVEL else "")
    )
    mine = [m for m in moments if m.call_id == call.call_id and m.criterion == "ask_for_sale"]
    strong = ("commit", "dated_step", "ask_commitment", "isolate", "ask_step")
    ranked = sorted(
        mine,
        key=lambda m: (
            min((strong.index(x) for x in moves.get((m.call_id, m.turn), ()) if x in strong), default=len(strong)),
            -m.turn,
        ),
    )
    return cite(text, ranked[0], dates) if ranked else Statement(text, call.call_id, dates[call.call_id])
