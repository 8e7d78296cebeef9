"""Training: what is assigned and what came of it, one assignment in full, and what is done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from pipeline.access.people import EVERYONE, LEADERS
from pipeline.access.scope import visible_reps
from pipeline.coach import trainer
from pipeline.coach.effect import module_effects
from pipeline.coach.rows import Assignment
from pipeline.days import iso_day
from pipeline.errors import DebriefError, NotAllowed, NotThere, StoreError
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.pages.reps import ended_on
from pipeline.web.render import path_part
from pipeline.web.training_view import training_as_seen

OPEN, ENDED = 50, 25
"""Open training on the page, the most urgent, and the latest that is done or taken back; of one rep all is shown."""

Row = dict[str, Any]

BEHIND = 12
"""Calls before and after a training that its page names, the newest; trainings that a module's effect names."""

_FINISHED = "SELECT assignment_id FROM assignments WHERE status = 'done'"
_LEVELS = """
SELECT c.call_id, c.call_date, c.account, s.level FROM calls c JOIN criterion_scores s USING (call_id)
WHERE c.call_id IN (SELECT unnest($ids::VARCHAR[])) AND c.rep = $rep AND s.criterion = $criterion
  AND s.status = 'scored' AND ({where})
ORDER BY c.call_date DESC NULLS LAST, c.call_id
"""


def listing(ask: Ask, *, rep: str = "") -> Html:
    """What is open, the most urgent first; what is done, and what it did; what each module did."""
    return _listing(ask, rep)


def give(ask: Ask) -> Html | Go:
    """A module given to a rep by hand."""
    rep, module = ask.form.get("rep", ""), ask.form.get("module", "")
    ask.scope.require_rep(rep)
    try:
        _require_chosen(ask, rep, module)
        due = _day(ask.form.get("due_on", ""))
        made = trainer.assign(ask.store, settings=ask.settings, rep=rep, module=module, due_on=due, note=_signed(ask))
    except DebriefError as error:
        return _listing(ask, "", status=400, problem=str(error))
    ask.detail = f"{rep}: {module}"
    return Go(f"/training/{made['assignment_id']}", f"{rep} has it now, due {made['due_on']}.")


def _require_chosen(ask: Ask, rep: str, module: str) -> None:
    """Raises `StoreError` for what was left open, in words for a page: the commands' name other commands."""
    if not rep or not module:
        raise StoreError(f"choose a {'module' if rep else 'rep'}")
    if module not in ask.desk.library().modules:
        raise StoreError(f"{module}: no such module")


def one(ask: Ask, *, assignment_id: str) -> Html:
    """One assignment: why, the rep's own moments, colleagues' best ones, what to do, and what it changed."""
    return _one(ask, assignment_id)


def act(ask: Ask, *, assignment_id: str, what: str) -> Html | Go:
    """Done, note, due, drop or reopen; a rep may mark their own done and write notes."""
    row = _row(ask, assignment_id)
    if what not in ACTS:
        raise NotThere(f"{what}: no such thing to do with training")
    who, do, said = ACTS[what]
    if not ask.is_a(who):
        raise NotAllowed("whoever leads the team decides that")
    try:
        do(ask, row["assignment_id"])
    except DebriefError as error:
        return _one(ask, assignment_id, status=400, problem=str(error), what=what)
    ask.detail = f"{row['rep']}: {row['title']}: {what}"
    return Go(f"/training/{path_part(row['assignment_id'])}", said)


def _done(ask: Ask, name: str) -> None:
    on = _day(ask.form.get("on", ""))
    trainer.mark_done(ask.store, name=name, on=on, note=_signed(ask))


def _drop(ask: Ask, name: str) -> None:
    trainer.drop(ask.store, name=name, why=_signed(ask))


def _note(ask: Ask, name: str) -> None:
    trainer.note(ask.store, name=name, text=_signed(ask))


def _due(ask: Ask, name: str) -> None:
    day = _day(ask.form.get("due_on", ""))
    if day is None:
        raise StoreError("no day; choose the one on which it is due")
    trainer.move_due(ask.store, name=name, due_on=day)


def _reopen(ask: Ask, name: str) -> None:
    trainer.reopen(ask.store, name=name)


ACTS: dict[str, tuple[frozenset[str], Callable[[Ask, str], None], str]] = {
    "done": (EVERYONE, _done, "Done. The calls after it will show what it changed."),
    "note": (EVERYONE, _note, "Noted."),
    "due": (LEADERS, _due, "It is due on that day now."),
    "drop": (LEADERS, _drop, "Taken back."),
    "reopen": (LEADERS, _reopen, "Open again."),
}
"""What can be done with an assignment: by whom, how, and what is said then."""


def _listing(ask: Ask, rep: str, *, status: int = 200, problem: str = "") -> Html:
    if rep:
        ask.scope.require_rep(rep)
    given = [one for one in ask.desk.assignments(rep or None) if ask.scope.sees_rep(one.rep)]
    due = sorted((one for one in given if one.status == "open"), key=lambda one: (one.due_on, one.rep))
    ended = sorted((one for one in given if one.status != "open"), key=_ended_on, reverse=True)
    alone = bool(rep) or ask.user.role == "rep"
    most_open, most_ended = (len(due), len(ended)) if alone else (OPEN, ENDED)
    rows = ask.desk.training_rows([*due[:most_open], *ended[:most_ended]])
    modules = ask.desk.library().modules
    finished = {row["assignment_id"] for row in ask.desk.rows(_FINISHED, of=("assignments",))}
    seen = [effect for effect in ask.desk.effects() if ask.scope.sees_rep(effect.rep)]
    effects = [effect for effect in seen if effect.assignment_id in finished]
    whose = {effect.assignment_id: effect.rep for effect in effects}
    return ask.show(
        "training.html",
        status=status,
        problem=problem,
        given=ask.form,
        rep=rep,
        open=[row for row in rows if row["status"] == "open"],
        more_open=max(0, len(due) - most_open),
        ended=sorted((row for row in rows if row["status"] != "open"), key=ended_on, reverse=True),
        more=max(0, len(ended) - most_ended),
        by_module=[{"title": _title(modules, e.module), "effect": e} for e in module_effects(effects)],
        whose=whose,
        most=BEHIND,
        reps=visible_reps(ask.user, ask.store) if ask.is_a(LEADERS) else [],
        modules=modules.values(),
        titles=ask.desk.rubric.titles,
        mine=ask.user.role == "rep",
        today=dt.date.today().isoformat(),
    )


def _one(ask: Ask, assignment_id: str, *, status: int = 200, problem: str = "", what: str = "") -> Html:
    """One assignment's page; `what` names the form that was refused, which shows what was typed."""
    # a colleague's best words are shown to all who are trained by them, the call behind them is not
    (row,), reached = training_as_seen(ask, [_row(ask, assignment_id)])
    return ask.show(
        "assignment.html",
        status=status,
        problem=problem,
        row=row,
        behind=_behind(ask, row),
        module=row["content"],
        reached=reached,
        leads=ask.is_a(LEADERS),
        today=dt.date.today().isoformat(),
        given={name: ask.form if name == what else {} for name in ACTS},
    )


def _behind(ask: Ask, row: Row) -> Row:
    """What a training's numbers rest on, as far as the user may see it: the rep's calls `before` and `after` with their
    levels, and the untrained `peers` by name, once the effect is known."""
    effect = row["effect"]
    before = effect["calls_before"] or row["detail"].get("calls", [])
    asked = {"ids": [*before, *effect["calls_after"]], "rep": row["rep"], "criterion": row["criterion"]}
    calls = ask.store.query(_LEVELS.format(where=ask.scope.where("c")), {**asked, **ask.scope.params})
    known = next((e.against for e in ask.desk.effects() if e.assignment_id == row["assignment_id"]), None)
    return {
        "before": [call for call in calls if call["call_id"] in set(before)],
        "after": [call for call in calls if call["call_id"] in set(effect["calls_after"])],
        "peers": [rep for rep in sorted(known.peers) if ask.scope.sees_rep(rep)] if known else [],
        "most": BEHIND,
    }


def _row(ask: Ask, assignment_id: str) -> Row:
    """The assignment's row where the user may see its rep; in the same words whether it is there or not."""
    found = ask.store.query("SELECT rep FROM assignments WHERE assignment_id = $id", {"id": assignment_id})
    if not found or not ask.scope.sees_rep(found[0]["rep"]):
        if ask.scope.everything:
            raise NotThere(f"{assignment_id}: no such training")
        raise NotAllowed("this training is not one that you may see")
    rows = ask.desk.training(found[0]["rep"])
    return next(row for row in rows if row["assignment_id"] == assignment_id)


def _ended_on(given: Assignment) -> dt.date:
    return given.completed_on or given.due_on


def _title(modules: Any, name: str) -> str:
    return modules[name].title if name in modules else name


def _signed(ask: Ask) -> str:
    """The form's note with the name of whoever wrote it."""
    text = ask.form.get("note", "").strip()
    return f"{text} ({ask.user.name})" if text else ""


def _day(text: str) -> dt.date | None:
    return iso_day(text) if text else None


ROUTES: tuple[Any, ...] = (
    get("/training", listing, who=EVERYONE, logged=True),
    post("/training", give, who=LEADERS),
    get("/training/{assignment_id}", one, who=EVERYONE, logged=True),
    post("/training/{assignment_id}/{what}", act, who=EVERYONE),
)
