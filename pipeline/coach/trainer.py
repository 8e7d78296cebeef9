"""What a trainer does: mark training done, drop it, move its date, note on it, assign by hand, edit modules.

Each change is kept as a record of the store (`Store.put_fact`) or as a file in `training/` of the data folder, so that
neither the nightly run nor a rebuild undoes it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.coach.assign import by_hand, completed, dropped, noted, reminders, reopened
from pipeline.coach.commands import known_name, library_of, today_of, training_rows
from pipeline.coach.load import load_assignments, load_moments, load_scores
from pipeline.coach.reports import effects_report
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.training import module_source, save_module
from pipeline.days import latest
from pipeline.errors import StoreError
from pipeline.human_review import human_review
from pipeline.rubric import load_rubric

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

Row = dict[str, Any]

_TEAMS = """
SELECT rep, arg_max(team, CASE WHEN call_date <= $latest THEN call_date ELSE DATE '0001-01-01' END) AS team
FROM calls WHERE rep IS NOT NULL GROUP BY rep
"""


def mark_done(store: Store, *, name: str, on: dt.date | None = None, note: str = "") -> Row:
    """An assignment (by the start of its id) done `on` a day, today unless stated. Raises `StoreError`."""
    found = _open_one(store, name)
    day = on or dt.date.today()
    if day < found.assigned_on:
        raise StoreError(f"{day.isoformat()}: before it was assigned ({found.assigned_on.isoformat()})")
    if day > dt.date.today():
        # no call would come after it for as long as that, so it would never be measured
        raise StoreError(f"{day.isoformat()}: still to come; say the day on which it was done")
    return _kept(store, noted(completed(found, on=day), note, on=day))


def drop(store: Store, *, name: str, why: str = "") -> Row:
    """An assignment taken back. Raises `StoreError`."""
    found = _open_one(store, name)
    return _kept(store, dropped(found, on=dt.date.today(), why=why))


def reopen(store: Store, *, name: str) -> Row:
    """A done or dropped assignment open again. Raises `StoreError`, and `SettingsError` where two are open, or one for
    the same criterion."""
    assignments = load_assignments(store)
    found = find_assignment(assignments, name)
    if found.status == "open":
        raise StoreError(f"{found.title}: it is open")
    return _kept(store, reopened(found, assignments))


def move_due(store: Store, *, name: str, due_on: dt.date) -> Row:
    """An open assignment due on another day. Raises `StoreError`."""
    found = _open_one(store, name)
    if due_on < found.assigned_on:
        raise StoreError(f"{due_on.isoformat()}: before it was assigned ({found.assigned_on.isoformat()})")
    _require_to_come(due_on)
    return _kept(store, dataclasses.replace(found, due_on=due_on))


def note(store: Store, *, name: str, text: str) -> Row:
    """A note on an assignment. Raises `StoreError`."""
    found = find_assignment(load_assignments(store), name)
    if not text.strip():
        raise StoreError("a note without words; write what is to be remembered")
    return _kept(store, noted(found, text, on=dt.date.today()))


def assign(
    store: Store,
    *,
    settings: Settings,
    rep: str,
    module: str,
    criterion: str | None = None,
    due_on: dt.date | None = None,
    note: str = "",
) -> Row:
    """A module given to a rep by hand, for the criterion that it teaches (under whatever name the rubric has for it) or
    another one of the rubric.

    Raises `StoreError` for an unknown rep, module or criterion or a day that is over, `SettingsError` where two are
    open already.
    """
    _require_to_come(due_on)
    given = library_of(settings).modules.get(module)
    if given is None:
        raise StoreError(f"{module}: no such module; `debrief training modules` lists them")
    criteria = load_rubric(settings.rubric).criteria
    known = [item.id for item in criteria]
    taught = next((item.id for item in criteria if given.criterion in (item.id, item.same_as)), given.criterion)
    target = criterion or taught
    if target not in known:
        raise StoreError(f"{target}: no such criterion; known: {', '.join(known)}")
    teams = {row["rep"]: row["team"] for row in store.query(_TEAMS, {"latest": latest()})}
    today, name = dt.date.today(), known_name(rep, sorted(teams), "rep")
    rows = load_moments(store, rep=name, criterion=target, as_of=today)
    rows = dataclasses.replace(rows, assignments=load_assignments(store))
    made = by_hand(name, target, given, rows, as_of=today, team=teams[name], due_on=due_on, note=note)
    return _kept(store, made)


def one_row(store: Store, *, settings: Settings, name: str) -> Row:
    """One assignment (by the start of its id) as a row of `training_rows`. Raises `StoreError`."""
    found = find_assignment(load_assignments(store), name)
    rows = training_rows(store, settings=settings)
    return next(row for row in rows if row["assignment_id"] == found.assignment_id)


def reminder_rows(store: Store) -> list[Row]:
    """Open training that is due within three days or overdue, the most urgent first."""
    found = reminders(load_assignments(store), as_of=dt.date.today())
    return [{**r.assignment.to_json(), "days": r.days, "reminder": r.text} for r in found]


def effect_rows(store: Store, *, settings: Settings) -> list[Row]:
    """What each module did over all its finished assignments, or that it is too early to tell."""
    rows = Rows(scores=load_scores(store, without=human_review(settings)), assignments=load_assignments(store))
    return effects_report(rows, as_of=today_of(rows))


def module_rows(settings: Settings, *, name: str | None = None) -> list[Row]:
    """The library as it is taught here: all modules, or the one called `name`. Raises `StoreError`."""
    modules = library_of(settings).modules
    if name is not None and name not in modules:
        raise StoreError(f"{name}: no such module; `debrief training modules` lists them")
    return [m.to_json() for m in modules.values() if name in (None, m.id)]


def copy_module(settings: Settings, *, name: str) -> Path:
    """A module as a file in `training/` of the data folder, for the trainer to edit. Raises `RubricError`."""
    folder = settings.data / "training"
    criterion, row = module_source(name, *([folder] if folder.is_dir() else []))
    return save_module(folder, criterion, row)


def find_assignment(assignments: Sequence[Assignment], name: str) -> Assignment:
    """The assignment whose id starts like that. Raises `StoreError` where none or several do."""
    found = [a for a in assignments if len(name) >= 4 and a.assignment_id.startswith(name.lower())]
    if len(found) != 1:
        many = f"{len(found)} assignments are called that; give more of the id" if found else "no such assignment"
        raise StoreError(f"{name}: {many}; `debrief training` lists them")
    return found[0]


def _open_one(store: Store, name: str) -> Assignment:
    found = find_assignment(load_assignments(store), name)
    if found.status != "open":
        raise StoreError(f"{found.title}: it is {found.status} already")
    return found


def _require_to_come(due_on: dt.date | None) -> None:
    """Raises `StoreError` for a day that is over: what is due then would be overdue at once."""
    if due_on is not None and due_on < dt.date.today():
        raise StoreError(f"{due_on.isoformat()}: that day is over; choose today or a later one")


def _kept(store: Store, assignment: Assignment) -> Row:
    store.put_fact("assignments", assignment.to_row())
    return assignment.to_json()
