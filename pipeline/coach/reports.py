"""The reports of coaching as plain, JSON-ready values, for the command line, the pages and exports.

Every number comes with how many calls it rests on and, where one call is meant, that call's id.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipeline.coach.accounts import AccountView, account_view, by_account, view_json
from pipeline.coach.assign import reminders
from pipeline.coach.commitments import commitments
from pipeline.coach.deals import Deal, deal_of, next_step, risks, strategies
from pipeline.coach.effect import Effect, effects_of, module_effects
from pipeline.coach.ended import ended
from pipeline.coach.gaps import Gap, find_gaps, rubric_targets
from pipeline.coach.moves import moves_of
from pipeline.coach.plans import next_ask, plan_json, plan_of, pre_call_plan, trouble_of
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.snippets import find_snippets
from pipeline.coach.splits import stage_standings, stages_of, type_standings
from pipeline.coach.standings import Standing, standings
from pipeline.coach.training import Library
from pipeline.rubric import Rubric
from pipeline.wording import hundredths

Row = dict[str, Any]
PENDING = "being worked out"


def standing_json(standing: Standing, rubric: Rubric) -> Row:
    """One standing: estimate with its 90 % interval, calls, probability of being below target, trend."""
    trend = standing.trend
    return {
        "criterion": standing.criterion,
        "title": rubric.titles.get(standing.criterion, standing.criterion),
        "standing": hundredths(standing.estimate),
        "low": hundredths(standing.low),
        "high": hundredths(standing.high),
        "calls": standing.n,
        "recent_calls": standing.n_recent,
        "target": standing.target,
        "p_below_target": round(standing.p_below, 3),
        "plain_mean": round(standing.plain_mean, 2),
        "trend": None
        if trend is None
        else {
            "per_30_days": hundredths(trend.per_30_days),
            "low": hundredths(trend.low),
            "high": hundredths(trend.high),
            "word": trend.word,
        },
        "last_call": standing.last_call.isoformat() if standing.last_call else None,
        "call_ids": list(standing.call_ids),
    }


def standings_report(
    rows: Rows, rubric: Rubric, *, rep: str | None = None, by: str = "criterion", target: float | None = None
) -> list[Row]:
    """A line per rep and criterion, stage (`by` = `stage`), or type of call and criterion (`call_type`).

    Each with interval, calls and their ids. Raises `KeyError` for another `by`; `SPLITS` names them.
    """
    found = SPLITS[by](rows, rubric, target)
    return [{"rep": s.rep, "team": s.team, **row} for s, row in found if rep in (None, s.rep)]


def _by_criterion(rows: Rows, rubric: Rubric, target: float | None) -> list[tuple[Standing, Row]]:
    order = {item.id: place for place, item in enumerate(rubric.criteria)}
    found = standings(rows.scores, targets=rubric_targets(rubric, target=target))
    known = sorted((s for s in found if s.criterion in order), key=lambda s: (s.rep, order[s.criterion]))
    return [(s, standing_json(s, rubric)) for s in known]


def _by_stage(rows: Rows, rubric: Rubric, target: float | None) -> list[tuple[Standing, Row]]:
    order = {stage: place for place, stage in enumerate(stages_of(rubric))}
    found = sorted(stage_standings(rows.scores, rubric, target=target), key=lambda s: (s.rep, order[s.criterion]))
    return [(s, {**standing_json(s, rubric), "title": s.criterion.capitalize(), "stage": s.criterion}) for s in found]


def _by_call_type(rows: Rows, rubric: Rubric, target: float | None) -> list[tuple[Standing, Row]]:
    known = {item.id for item in rubric.criteria}
    parts = type_standings(rows.scores, targets=rubric_targets(rubric, target=target))
    return [
        (s, {**standing_json(s, rubric), "call_type": name})
        for name, part in parts.items()
        for s in part
        if s.criterion in known
    ]


SPLITS: dict[str, Callable[[Rows, Rubric, float | None], list[tuple[Standing, Row]]]] = {
    "criterion": _by_criterion,
    "stage": _by_stage,
    "call_type": _by_call_type,
}
"""What standings can be shown by."""


def scorecards_of(found: Iterable[Standing], heads: Iterable[Row], rubric: Rubric) -> list[Row]:
    """`heads` (`{"rep", "team", "calls": {status: n}, "overall"}`) with the standings of each rep as `criteria`."""
    order = {item.id: place for place, item in enumerate(rubric.criteria)}
    by_rep: dict[str, list[Standing]] = defaultdict(list)
    for standing in found:
        if standing.criterion in order:
            by_rep[standing.rep].append(standing)
    return [
        {
            **head,
            "criteria": [
                standing_json(s, rubric) for s in sorted(by_rep[head["rep"]], key=lambda s: order[s.criterion])
            ],
        }
        for head in heads
    ]


def gap_json(gap: Gap, rubric: Rubric) -> Row:
    """One gap with its standing, what closing it would bring, and the calls it rests on."""
    standing = gap.standing
    return {
        "rep": gap.rep,
        "team": standing.team,
        **standing_json(standing, rubric),
        "level": gap.level,
        "expected_lift": round(gap.expected_lift, 1),
        "reason": gap.reason,
    }


def gaps_report(
    rows: Rows,
    rubric: Rubric,
    *,
    rep: str | None = None,
    target: float | None = None,
) -> list[Row]:
    """Gaps of all reps or one, the largest expected lift first."""
    gaps = find_gaps(rows.scores, rubric, target=target)
    return [gap_json(gap, rubric) for gap in gaps if rep in (None, gap.rep)]


def training_report(
    rows: Rows, rubric: Rubric, library: Library, *, rep: str | None = None, as_of: dt.date | None = None
) -> list[Row]:
    """Assignments of all reps or one, open ones first, each with its module's text and what it did so far."""
    today = as_of or newest_date(rows) or dt.date.min
    wanted = [a for a in rows.assignments if rep in (None, a.rep)]
    effects = effects_of(wanted, rows.scores, rows.assignments, as_of=today)
    return training_of(wanted, effects, rubric, library, as_of=today)


def training_of(
    assignments: Iterable[Assignment], effects: Iterable[Effect], rubric: Rubric, library: Library, *, as_of: dt.date
) -> list[Row]:
    """`training_report` of these assignments with the `effects` that are known; another's verdict is `PENDING`."""
    known = {effect.assignment_id: effect for effect in effects}
    found = [_assignment_row(a, known.get(a.assignment_id), rubric, library, as_of) for a in assignments]
    return sorted(found, key=lambda row: (row["status"] != "open", row["due_on"], row["rep"], row["criterion"]))


def _assignment_row(
    assignment: Assignment, effect: Effect | None, rubric: Rubric, library: Library, today: dt.date
) -> Row:
    module = library.modules.get(assignment.module)
    row = assignment.to_json()
    return {
        **row,
        "criterion_title": rubric.titles.get(assignment.criterion, assignment.criterion),
        "overdue": assignment.status == "open" and assignment.due_on < today,
        "reminder": next((r.text for r in reminders([assignment], as_of=today)), None),
        "notes": assignment.detail.get("notes", []),
        "effect": (effect or _pending(assignment)).to_json(),
        "content": module.to_json() if module else None,
    }


def _pending(a: Assignment) -> Effect:
    return Effect(a.assignment_id, a.rep, a.criterion, a.module, PENDING, "the calls are being compared", 0, 0, 0)


def effects_report(rows: Rows, *, as_of: dt.date | None = None) -> list[Row]:
    """What each module did over all its finished assignments, so that a bad one is seen."""
    today = as_of or newest_date(rows) or dt.date.min
    done = [a for a in rows.assignments if a.status == "done"]
    effects = effects_of(done, rows.scores, rows.assignments, as_of=today)
    return [
        {
            "module": item.module,
            "criterion": item.criterion,
            "measured": item.n,
            "verdict": item.verdict,
            "reason": item.reason,
            "effect": _round(item.effect),
            "low": _round(item.low),
            "high": _round(item.high),
            "assignments": list(item.assignments),
        }
        for item in module_effects(effects)
    ]


def snippets_report(
    rows: Rows,
    *,
    criterion: str | None = None,
    level: int | None = None,
    kind: str | None = None,
    rep: str | None = None,
    words: str = "",
    limit: int = 20,
) -> list[Row]:
    """Quoted moments that fit everything asked for; see `find_snippets`."""
    found = find_snippets(rows, criterion=criterion, level=level, kind=kind, rep=rep, words=words, limit=limit)
    return [snippet.to_json() for snippet in found]


def account_report(
    rows: Rows,
    rubric: Rubric,
    name: str | None = None,
    *,
    as_of: dt.date | None = None,
    competitors: Sequence[str] = (),
    customers: Sequence[str] = (),
) -> list[Row]:
    """One account's view with its deal, or without a name a line per account; empty for a name that has no calls.

    `competitors` are names to listen for, `customers` accounts that are known to buy. A line has risks and commitments
    only where `rows` has turns.
    """
    if name is not None:
        view = account_view(rows, name, rubric, as_of=as_of)
        if view is None:
            return []
        return [_account_json(view, _deal(rows, view, rubric, competitors, customers), rows)]
    found = []
    for account, part in by_account(rows).items():
        view = account_view(part, account, rubric, as_of=as_of or newest_date(rows))
        if view:
            last = view.calls[-1]
            deal = _deal(part, view, rubric, competitors, customers)
            found.append(
                {
                    "account": account,
                    "calls": len(view.calls),
                    "call_ids": [call.call_id for call in view.calls],
                    "last": last.date.isoformat() if last.date else None,
                    "rep": last.rep,
                    "silent_days": view.silent_days,
                    "open": len(view.open_objections),
                    "missing": len(view.missing),
                    "risks": [risk.kind for risk in risks(deal)],
                    "strategy": [item.kind for item in strategies(deal)],
                    "next_step": next_step(deal),
                }
            )
    return found


def account_with_plan(
    rows: Rows,
    rubric: Rubric,
    name: str,
    *,
    answers: Rows | None = None,
    as_of: dt.date | None = None,
    competitors: Sequence[str] = (),
    customers: Sequence[str] = (),
) -> tuple[Row, Row] | None:
    """What `account_report` and `plan_report` say of one account, its calls read once; None where it has no calls.

    `answers` are other accounts' answers to objections, which the plan may name.
    """
    view = account_view(rows, name, rubric, as_of=as_of)
    if view is None:
        return None
    deal = _deal(rows, view, rubric, competitors, customers)
    both = rows if answers is None else _with_answers(rows, answers)
    plan = plan_of(view, deal.commitments, both, rubric, customers=customers)
    return _account_json(view, deal, rows), plan_json(plan)


def _account_json(view: AccountView, deal: Deal, rows: Rows) -> Row:
    how = ended(view, rows, deal.commitments)
    return {**view_json(view), **deal_json(deal), "next_step": how.to_json() if how else None}


def _with_answers(rows: Rows, answers: Rows) -> Rows:
    mine = {call.call_id for call in rows.calls}
    parts = {
        name: (*getattr(rows, name), *(row for row in getattr(answers, name) if row.call_id not in mine))
        for name in ("calls", "turns", "scores", "moments", "objections", "moves")
    }
    return dataclasses.replace(rows, **parts)


def _deal(rows: Rows, view: AccountView, rubric: Rubric, competitors: Sequence[str], customers: Sequence[str]) -> Deal:
    part = rows.of_turns(call.call_id for call in view.calls)
    made = commitments(part, as_of=view.as_of)
    return deal_of(part, view, moves_of(part, rubric), made, known=competitors, customers=customers)


def deal_json(deal: Deal) -> Row:
    """Competitors by name, commitments, next step with day and owner, risks and plays, each with its calls."""
    return {
        "competitors": [
            {"name": r.name, "calls": len(r.calls), "call_ids": list(r.calls), "rests_on": r.statement.to_json()}
            for r in deal.rivals
        ],
        "commitments": [made.to_json() for made in deal.commitments],
        "next_step_agreed": next_step(deal),
        "risks": [risk.to_json() for risk in risks(deal)],
        "strategy": [item.to_json() for item in strategies(deal)],
    }


def plan_report(
    rows: Rows,
    rubric: Rubric,
    account: str | None = None,
    *,
    as_of: dt.date | None = None,
    customers: Sequence[str] = (),
) -> list[Row]:
    """One account's pre-call plan, or without a name what to ask each account for; empty for an unknown one.

    `customers` are accounts that are known to buy.
    """
    if account is not None:
        plan = pre_call_plan(rows, account, rubric, as_of=as_of, customers=customers)
        return [plan_json(plan)] if plan else []
    found = []
    for name, part in by_account(rows).items():
        view = account_view(part, name, rubric, as_of=as_of or newest_date(rows))
        if view:
            ask, because, _ = next_ask(view, trouble_of(view, part, customers))
            last = view.calls[-1].date
            found.append(
                {
                    "account": name,
                    "rep": view.calls[-1].rep,
                    "last": last.isoformat() if last else None,
                    "next": ask,
                    "because": because,
                }
            )
    return found


def newest_date(rows: Rows) -> dt.date | None:
    """The date of the newest call."""
    dates = [*(call.date for call in rows.calls), *(score.date for score in rows.scores)]
    return max((date for date in dates if date), default=None)


def _round(value: float | None) -> float | None:
    return None if value is None else hundredths(value)
