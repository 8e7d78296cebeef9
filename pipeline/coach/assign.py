"""Which rep gets which training now: one module per gap, two open at most, with the evidence attached.

Running it twice assigns nothing new: a criterion with an open assignment is left alone, and after one is done the gap
must show again in calls made since before the next module follows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from pipeline.coach.gaps import MIN_CALLS, Gap, find_gaps
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.snippets import best_moments, low_moments, weakest_kind
from pipeline.coach.training import Library, Module
from pipeline.errors import SettingsError
from pipeline.rubric import Rubric
from pipeline.wording import counted, rounded

MAX_OPEN = 2
DUE_DAYS = 14
REMIND_DAYS = 3
OBJECTIONS = "objection_handling"


def new_assignments(
    rows: Rows,
    rubric: Rubric,
    library: Library,
    *,
    as_of: dt.date,
    target: float | None = None,
    calls_of: Callable[[str, str], Rows] | None = None,
) -> tuple[Assignment, ...]:
    """What to assign on `as_of`, due 14 days later: each rep's largest gaps, until two are open.

    `rows` need no more than scores and assignments where `calls_of(rep, criterion)` gives the calls, moments and
    objections to quote from; else they are taken from `rows`.

    A criterion that is scored as one of the trained ones under another name is taught by that one's modules.

    `rows.assignments` are those that exist already, whatever their status; nothing of them is changed. `target`
    is that of `find_gaps`.
    """
    gaps = find_gaps(rows.scores, rubric, as_of=as_of, target=target)
    open_now: dict[str, int] = defaultdict(int)
    for assignment in rows.assignments:
        open_now[assignment.rep] += assignment.status == "open"
    given = []
    for gap in gaps:
        if open_now[gap.rep] >= MAX_OPEN or not _is_due(gap, rows):
            continue
        taught_as = rubric.criterion(gap.criterion).same_as or gap.criterion
        quoted = calls_of(gap.rep, gap.criterion) if calls_of else rows
        kind = weakest_kind(quoted, gap.rep) if taught_as == OBJECTIONS else None
        module = library.pick(taught_as, gap.level, kind=kind, done=_taken(gap, rows.assignments))
        if module:
            given.append(_assignment(gap, module, quoted, as_of=as_of, kind=kind))
            open_now[gap.rep] += 1
    return tuple(given)


def completed(assignment: Assignment, *, on: dt.date) -> Assignment:
    """The assignment, done on that day."""
    return dataclasses.replace(assignment, status="done", completed_on=on)


def dropped(assignment: Assignment, *, on: dt.date, why: str = "") -> Assignment:
    """The assignment, taken back on that day; the criterion comes up again only after enough calls since."""
    return noted(dataclasses.replace(assignment, status="dropped", completed_on=on), why, on=on)


def reopened(assignment: Assignment, assignments: Sequence[Assignment]) -> Assignment:
    """The assignment, open again. Raises `SettingsError` where two of the rep's are open already, or the criterion has
    an open one."""
    require_room(assignment.rep, assignments, criterion=assignment.criterion)
    return dataclasses.replace(assignment, status="open", completed_on=None)


def as_they_were(assignments: Sequence[Assignment], *, on: dt.date) -> tuple[Assignment, ...]:
    """What was assigned by the end of a day, open where it was ended later."""
    return tuple(
        a
        if a.completed_on is None or a.completed_on <= on
        else dataclasses.replace(a, status="open", completed_on=None)
        for a in assignments
        if a.assigned_on <= on
    )


def noted(assignment: Assignment, note: str, *, on: dt.date) -> Assignment:
    """The assignment with a trainer's note added, where there is one; one sent twice is one."""
    made, notes = {"on": on.isoformat(), "text": note.strip()}, list(assignment.detail.get("notes", ()))
    if not made["text"] or notes[-1:] == [made]:
        return assignment
    return dataclasses.replace(assignment, detail={**assignment.detail, "notes": [*notes, made]})


def by_hand(
    rep: str,
    criterion: str,
    module: Module,
    rows: Rows,
    *,
    as_of: dt.date,
    team: str | None = None,
    due_on: dt.date | None = None,
    note: str = "",
) -> Assignment:
    """A trainer's own assignment of a module, gap or no gap, with the rep's and colleagues' moments attached.

    Raises `SettingsError` where two of the rep's are open already, or the criterion has an open one.
    """
    require_room(rep, rows.assignments, criterion=criterion)
    made = Assignment(
        assignment_id=_unused_id(rep, criterion, module.id, as_of, rows.assignments),
        rep=rep,
        team=team,
        criterion=criterion,
        level=module.low,
        module=module.id,
        title=module.title,
        reason="assigned by a trainer",
        assigned_on=as_of,
        due_on=due_on or as_of + dt.timedelta(days=DUE_DAYS),
        detail={"by": "trainer", **moments_for(rows, rep, criterion, module.objection, as_of=as_of)},
    )
    return noted(made, note, on=as_of)


def require_room(rep: str, assignments: Sequence[Assignment], *, criterion: str) -> None:
    """Raise `SettingsError` where a rep has `MAX_OPEN` assignments open (more is piled on, not learned) or one for the
    criterion: nobody could tell what each of the two changed."""
    open_now = [a for a in assignments if a.rep == rep and a.status == "open"]
    if len(open_now) >= MAX_OPEN:
        raise SettingsError(
            f"{rep}: {MAX_OPEN} trainings are open already ({', '.join(a.title for a in open_now)}); "
            "finish or drop one first"
        )
    if any(a.criterion == criterion for a in open_now):
        raise SettingsError(
            f"{rep}: training for {criterion} is open already; `debrief training done` or `drop` it first"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Reminder:
    """An open assignment that is due soon or overdue; `days` are those left, below 0 when it is overdue."""

    assignment: Assignment
    days: int

    @property
    def text(self) -> str:
        """`due in 2 days`, `due today`, `3 days overdue`."""
        if self.days == 0:
            return "due today"
        count = counted(abs(self.days), "day")
        return f"due in {count}" if self.days > 0 else f"{count} overdue"


def reminders(assignments: Sequence[Assignment], *, as_of: dt.date, within: int = REMIND_DAYS) -> tuple[Reminder, ...]:
    """Open assignments due in `within` days or overdue, the most urgent first."""
    found = [Reminder(a, (a.due_on - as_of).days) for a in assignments if a.status == "open"]
    return tuple(sorted((r for r in found if r.days <= within), key=lambda r: (r.days, r.assignment.rep)))


def _earlier(gap: Gap, assignments: Sequence[Assignment]) -> list[Assignment]:
    return [a for a in assignments if a.rep == gap.rep and a.criterion == gap.criterion]


def _taken(gap: Gap, assignments: Sequence[Assignment]) -> set[str]:
    return {assignment.module for assignment in _earlier(gap, assignments) if assignment.status == "done"}


def _is_due(gap: Gap, rows: Rows) -> bool:
    """True without an earlier assignment, or once enough calls since the last one ended are below the target, too: a
    standing looks back further, and stays low for a while after training that works."""
    earlier = _earlier(gap, rows.assignments)
    if any(assignment.status == "open" for assignment in earlier):
        return False
    if not earlier:
        return True
    ended = max(a.completed_on or a.due_on for a in earlier)
    mine = set(gap.standing.call_ids)
    since = [
        score.level
        for score in rows.scores
        if score.call_id in mine and score.criterion == gap.criterion and score.date and score.date > ended
    ]
    return len(since) >= MIN_CALLS and sum(since) / len(since) < gap.standing.target


def assignment_id(rep: str, criterion: str, module: str, assigned_on: dt.date) -> str:
    """The same facts give the same id, so that two processes assigning at once keep one record."""
    key = "\x1f".join((rep, criterion, module, assigned_on.isoformat()))
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _unused_id(rep: str, criterion: str, module: str, on: dt.date, assignments: Sequence[Assignment]) -> str:
    """`assignment_id`; another one where the module was given that day already and done or taken back: what was said
    of it then stays."""
    taken, again = {a.assignment_id for a in assignments}, 1
    found = assignment_id(rep, criterion, module, on)
    while found in taken:
        again += 1
        found = assignment_id(rep, criterion, f"{module} {again}", on)
    return found


def _assignment(gap: Gap, module: Module, rows: Rows, *, as_of: dt.date, kind: str | None) -> Assignment:
    standing = gap.standing
    detail = {
        "estimate": rounded(standing.estimate, 3),
        "low": rounded(standing.low, 3),
        "high": rounded(standing.high, 3),
        "n": standing.n,
        "p_below": round(standing.p_below, 4),
        "target": standing.target,
        "expected_lift": round(gap.expected_lift, 2),
        "objection_kind": module.objection,
        "calls": list(standing.call_ids),
        **moments_for(rows, gap.rep, gap.criterion, kind, as_of=as_of),
    }
    return Assignment(
        assignment_id=assignment_id(gap.rep, gap.criterion, module.id, as_of),
        rep=gap.rep,
        team=standing.team,
        criterion=gap.criterion,
        level=gap.level,
        module=module.id,
        title=module.title,
        reason=gap.reason,
        assigned_on=as_of,
        due_on=as_of + dt.timedelta(days=DUE_DAYS),
        detail=detail,
    )


def moments_for(rows: Rows, rep: str, criterion: str, kind: str | None, *, as_of: dt.date) -> dict[str, Any]:
    """What is attached to an assignment: the rep's own `low_moments` and colleagues' `best_moments`, JSON-ready."""
    known = Rows(
        calls=rows.calls,
        scores=tuple(score for score in rows.scores if score.date is None or score.date <= as_of),
        moments=tuple(moment for moment in rows.moments if moment.criterion == criterion),
        objections=rows.objections,
    )
    return {
        "low_moments": [s.to_json() for s in low_moments(known, rep, criterion, kind=kind)],
        "best_moments": [s.to_json() for s in best_moments(known, rep, criterion, kind=kind)],
    }
