"""What the command line, the flows and the pages call: `(store, *, settings, name=None) -> list[dict]`.

Each loads the rows, runs one report, and adds the few short texts that a table shows.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, get_args

from pipeline.coach.assign import new_assignments
from pipeline.coach.load import load_rows, load_scores
from pipeline.coach.reports import (
    account_report,
    gaps_report,
    newest_date,
    plan_report,
    snippets_report,
    training_report,
)
from pipeline.coach.rows import Rows
from pipeline.coach.snapshot import keep_gaps, kept_gaps
from pipeline.coach.snippets import BEST_LEVEL
from pipeline.coach.training import Library, load_library
from pipeline.errors import StoreError
from pipeline.rubric import load_rubric
from pipeline.types import REP, ObjectionKind

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

Row = dict[str, Any]
SNIPPETS = 20


def gap_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """Gaps of all reps or of the one called `name`. Raises `StoreError` for a rep without calls."""
    kept = kept_gaps(store)
    if kept is not None:
        reps = [
            row["rep"] for row in store.query("SELECT DISTINCT rep FROM rep_totals WHERE rep IS NOT NULL ORDER BY 1")
        ]
        rep = None if name is None else _known(name, reps, "rep")
        return [row for row in kept if rep in (None, row["rep"])]
    rows = load_rows(store)
    rep = _rep(rows, name)
    return gaps_report(rows, load_rubric(settings.rubric), rep=rep, target=_target(settings))


def refresh_gaps(store: Store, *, settings: Settings) -> bool:
    """Work out the gaps and keep them, where there are too many calls to do so when asked. True when it was done."""
    if kept_gaps(store) is None:
        return False
    rubric = load_rubric(settings.rubric)
    rows = Rows(scores=load_scores(store))
    keep_gaps(store, gaps_report(rows, rubric, target=_target(settings)), as_of=dt.date.today())
    return True


def training_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """Assignments of all reps or of the one called `name`, with `effect` as a short text and `measured` in full."""
    rows = load_rows(store)
    rep = _rep(rows, name)
    found = training_report(rows, load_rubric(settings.rubric), library_of(settings), rep=rep, as_of=_today(rows))
    return [{**row, "measured": row["effect"], "effect": _effect_text(row["effect"])} for row in found]


def snippet_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """What reps said at their best: all, on the criterion or objection kind called `name`, else with those words."""
    rows = load_rows(store)
    known = {item.id for item in load_rubric(settings.rubric).criteria}
    kinds = get_args(ObjectionKind)
    asked: dict[str, Any] = {"limit": 10 * SNIPPETS}
    if name:
        asked["criterion" if name in known else "kind" if name in kinds else "words"] = name
    found = [
        row
        for row in snippets_report(rows, **asked)
        if row["level"] >= BEST_LEVEL and row["kind"] == "evidence" and row["speaker"].startswith(REP)
    ]
    return [{**row, "call": row["call_id"][:8], "at": _clock(row["t0"])} for row in found[:SNIPPETS]]


def account_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """A line per account, or one account in full. Raises `StoreError` for an unknown one."""
    account = _account(store, name)
    rows = load_rows(store, account=account)
    return account_report(rows, load_rubric(settings.rubric), account, as_of=_today(rows))


def plan_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """What to ask each account for, or one account's pre-call plan. Raises `StoreError` for an unknown one."""
    account = _account(store, name)
    rows = load_rows(store, account=account)
    return plan_report(rows, load_rubric(settings.rubric), account, as_of=_today(rows))


def assign_training(store: Store, *, settings: Settings) -> list[Row]:
    """Assign training for today's gaps and keep it in the store; the new assignments. Running it again adds none."""
    rows = load_rows(store)
    given = new_assignments(
        rows, load_rubric(settings.rubric), library_of(settings), as_of=_today(rows), target=_target(settings)
    )
    for assignment in given:
        store.put_fact("assignments", assignment.to_row())
    return [assignment.to_json() for assignment in given]


def library_of(settings: Settings) -> Library:
    """The shipped training library with the modules in `training/` of the data folder. Raises `RubricError`."""
    own = settings.data / "training"
    return load_library(*([own] if own.is_dir() else []))


def _target(settings: Settings) -> float | None:
    """The target of all criteria where the settings name one, else None: the rubric's own."""
    default = type(settings)().target_level
    return None if settings.target_level == default else settings.target_level


def _today(rows: Rows) -> dt.date:
    """Today, or the newest call's date where the clock is behind the calls."""
    return max(dt.date.today(), newest_date(rows) or dt.date.min)


def _rep(rows: Rows, name: str | None) -> str | None:
    if name is None:
        return None
    names = sorted({call.rep for call in rows.calls if call.rep})
    return _known(name, names, "rep")


def _account(store: Store, name: str | None) -> str | None:
    if name is None:
        return None
    found = store.query("SELECT DISTINCT account FROM calls WHERE account IS NOT NULL ORDER BY account")
    return _known(name, [row["account"] for row in found], "account")


def _known(name: str, names: list[str], what: str) -> str:
    """The stored spelling of a name in any case. Raises `StoreError` listing what there is."""
    for known in names:
        if known.lower() == name.lower():
            return known
    some = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    raise StoreError(f"{name}: no such {what}; known: {some or 'none yet'}")


def _effect_text(effect: Row) -> str:
    if effect["effect"] is None:
        return str(effect["verdict"])
    return f"{effect['verdict']} {effect['effect']:+.1f} ({effect['low']:+.1f} to {effect['high']:+.1f})"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
