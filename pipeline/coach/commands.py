"""What the command line, the flows and the pages call: `(store, *, settings, name=None) -> list[dict]`.

Each loads the rows, runs one report, and adds the few short texts that a table shows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pipeline.coach.accounts import by_account
from pipeline.coach.after import call_debrief
from pipeline.coach.assign import completed, new_assignments
from pipeline.coach.commitments import commitments
from pipeline.coach.crm import crm_rows, fields_for
from pipeline.coach.diary import diary, to_ics
from pipeline.coach.digest import WeeklyDigest, weekly_digest
from pipeline.coach.imports import Imported, read_csv
from pipeline.coach.load import load_assignments, load_moments, load_rows, load_scores
from pipeline.coach.plans import answer_that_worked
from pipeline.coach.profile import load_profile
from pipeline.coach.reports import (
    SPLITS,
    account_report,
    gaps_report,
    newest_date,
    plan_report,
    snippets_report,
    standings_report,
    training_report,
)
from pipeline.coach.rows import Rows
from pipeline.coach.snapshot import keep_gaps, kept_gaps, too_many
from pipeline.coach.snippets import BEST_LEVEL
from pipeline.coach.support import support_report
from pipeline.coach.training import Library, load_library
from pipeline.errors import RubricError, SettingsError, StoreError
from pipeline.human_review import human_review
from pipeline.redact import chosen_kinds, redact_text
from pipeline.rubric import load_rubric
from pipeline.types import REP, ObjectionKind
from pipeline.wording import change_text, clock

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

Row = dict[str, Any]
SNIPPETS = 20
TURNS_DAYS = 365
"""How far back the words of calls are read where all accounts are shown."""


def gap_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """Gaps of all reps or of the one called `name`.

    Raises `StoreError` for a rep without calls.
    """
    kept = kept_gaps(store)
    if kept is not None:
        rep = None if name is None else known_name(name, store.reps(), "rep")
        return [row for row in kept if rep in (None, row["rep"]) and row["criterion"] not in human_review(settings)]
    rows = load_rows(store, without=human_review(settings))
    rep = _rep(rows, name)
    return gaps_report(rows, load_rubric(settings.rubric), rep=rep, target=target_of(settings))


def standing_rows(store: Store, *, settings: Settings, name: str | None = None, by: str = "criterion") -> list[Row]:
    """Standings of all reps or of the one called `name`, by one of `SPLITS`. Raises `StoreError`."""
    rows = load_rows(store, without=human_review(settings))
    if by not in SPLITS:
        raise StoreError(f"{by}: standings are by {', '.join(SPLITS)}")
    return standings_report(rows, load_rubric(settings.rubric), rep=_rep(rows, name), by=by, target=target_of(settings))


def refresh_gaps(store: Store, *, settings: Settings) -> bool:
    """Work out the gaps and keep them, where there are too many calls to do so when asked. True when it was done."""
    if not too_many(store):
        return False
    rubric = load_rubric(settings.rubric)
    rows = Rows(scores=load_scores(store, without=human_review(settings)))
    found = gaps_report(rows, rubric, target=target_of(settings))
    keep_gaps(store, found, as_of=dt.date.today())
    return True


def training_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """Assignments of all reps or of the one called `name`, with `effect` as a short text and `measured` in full."""
    rows = load_rows(store, without=human_review(settings))
    rep = _rep(rows, name)
    found = training_report(rows, load_rubric(settings.rubric), library_of(settings), rep=rep, as_of=today_of(rows))
    return [
        {
            **row,
            "id": row["assignment_id"][:8],
            "state": row["reminder"] or (f"due {row['due_on']}" if row["status"] == "open" else row["status"]),
            "measured": row["effect"],
            "effect": _effect_text(row["effect"], why=row["status"] == "done"),
        }
        for row in found
    ]


def snippet_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """What reps said at their best: all, on the criterion (id or title) or objection kind called `name`, else with
    those words."""
    rows = load_rows(store, without=human_review(settings))
    known = {word.lower(): c.id for c in load_rubric(settings.rubric).criteria for word in (c.id, c.title)}
    kinds = get_args(ObjectionKind)
    asked: dict[str, Any] = {"limit": 10 * SNIPPETS}
    if name:
        criterion = known.get(name.lower())
        asked["criterion" if criterion else "kind" if name in kinds else "words"] = criterion or name
    found = [
        row
        for row in snippets_report(rows, **asked)
        if row["level"] >= BEST_LEVEL and row["kind"] == "evidence" and row["speaker"].startswith(REP)
    ]
    return [{**row, "call": row["call_id"][:8], "at": clock(row["t0"])} for row in found[:SNIPPETS]]


def account_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """A line per account, or one account in full. Raises `StoreError` for an unknown one."""
    rows, account = _of_account(store, settings, name)
    found = account_report(rows, load_rubric(settings.rubric), account, as_of=today_of(rows), **known_firms(settings))
    if account is not None:
        return found
    return [
        {**row, "play": ", ".join(row["strategy"]), "due": (row["next_step"] or {}).get("due") or ""} for row in found
    ]


def plan_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """What to ask each account for, or one account's pre-call plan. Raises `StoreError` for an unknown one."""
    rows, account = _of_account(store, settings, name)
    customers = known_firms(settings)["customers"]
    return plan_report(rows, load_rubric(settings.rubric), account, as_of=today_of(rows), customers=customers)


def debrief_rows(store: Store, *, settings: Settings, name: str) -> list[Row]:
    """The post-call debrief of the call whose id begins like that. Raises `StoreError`."""
    call_id = _call(store, name)
    (call,) = store.query("SELECT account FROM calls WHERE call_id = $id", {"id": call_id})
    without, max_wer = human_review(settings), settings.max_expected_wer
    rows = load_rows(store, without=without, call=call_id, account=call["account"], max_wer=max_wer)
    customers = known_firms(settings)["customers"]
    found = call_debrief(rows, call_id, load_rubric(settings.rubric), library_of(settings), customers=customers)
    return [found] if found else []


def commitment_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """What was promised on calls of the last year, newest first: all, or of the account or rep called `name`."""
    rows = _recent(store, settings)
    made = commitments(rows, as_of=today_of(rows))
    if name is not None:
        names = sorted({n for call in rows.calls for n in (call.account, call.rep) if n})
        known = known_name(name, names, "account or rep")
        made = tuple(c for c in made if known in (c.account, c.rep))
    return [c.to_json() for c in sorted(made, key=lambda c: c.made_on or dt.date.min, reverse=True)]


def support_rows(store: Store, *, settings: Settings, name: str | None = None) -> list[Row]:
    """Support beside results and warnings, for all reps or the one called `name`. Raises `StoreError`."""
    rows = _recent(store, settings)
    today = today_of(rows)
    return support_report(
        rows,
        load_rubric(settings.rubric),
        commitments(rows, as_of=today),
        as_of=today,
        rep=_person(rows, name),
        target=target_of(settings),
    )


def digest_of(
    store: Store,
    *,
    settings: Settings,
    rep: str | None = None,
    team: str | None = None,
    as_of: dt.date | None = None,
) -> WeeklyDigest:
    """The weekly digest of a rep, a team, or all teams, its lines without private details. Raises `StoreError` for an
    unknown one, `SettingsError`."""
    rows = _recent(store, settings)
    day = as_of or today_of(rows)
    known = None if team is None else known_name(team, sorted({c.team for c in rows.calls if c.team}), "team")
    made = commitments(rows, as_of=day)
    week = weekly_digest(
        rows,
        load_rubric(settings.rubric),
        made,
        as_of=day,
        rep=_rep(rows, rep),
        team=known,
        target=target_of(settings),
        **known_firms(settings),
    )
    return week.cleaned(_cleaner(settings))


def calendar_of(store: Store, *, settings: Settings, rep: str | None = None) -> bytes:
    """Coaching sessions, training due and agreed days as an iCalendar file, from a week ago on, its words without
    private details. Raises `StoreError`, `SettingsError`."""
    rows = _recent(store, settings)
    today = today_of(rows)
    made, since = commitments(rows, as_of=today), today - dt.timedelta(7)
    return to_ics(diary(rows, made, rep=_person(rows, rep), since=since, clean=_cleaner(settings)))


def crm_records(store: Store, *, settings: Settings) -> tuple[list[Row], dict[str, str]]:
    """One record per account under the CRM's field names, and those names, over the calls that `account_rows` counts.

    Raises `StoreError`, `SettingsError`.
    """
    rows, _ = _of_account(store, settings, None)
    rubric, firms = load_rubric(settings.rubric), known_firms(settings)
    views = [
        account_report(part, rubric, name, as_of=today_of(rows), **firms)[0] for name, part in by_account(rows).items()
    ]
    fields = fields_for(settings.crm, settings.data)
    return crm_rows(views, fields, clean=_cleaner(settings)), fields


def _cleaner(settings: Settings) -> Callable[[str], str]:
    """What takes the kinds of private details that the settings name out of a text. Raises `SettingsError`."""
    kinds = chosen_kinds(settings.redact)
    return lambda text: redact_text(text, kinds=kinds).text


def answers_that_worked(store: Store, *, settings: Settings) -> dict[str, str]:
    """Per kind of objection, what a rep said on a call that settled one, newest best call first."""
    rows = load_rows(store, without=human_review(settings))
    rubric = load_rubric(settings.rubric)
    found = {kind: answer_that_worked(rows, kind, rubric) for kind in get_args(ObjectionKind)}
    return {kind: snippet.moment.quote for kind, snippet in found.items() if snippet}


def import_csv(store: Store, path: Path, kind: str) -> Imported:
    """Keep a CSV file's coaching sessions, quotas or activity. Raises `InputError`, `StoreError`."""
    known = store.reps()
    found = read_csv(path, kind, reps=known)
    for row in found.rows:
        store.put_fact(found.kind, row.to_row())
    return dataclasses.replace(found, unheard=tuple(sorted({row.rep for row in found.rows} - set(known))))


def known_firms(settings: Settings) -> dict[str, tuple[str, ...]]:
    """`competitors` and `customers` by name, as the company's profile has them."""
    profile = load_profile(settings.data)
    return {"competitors": profile.competitors, "customers": profile.customers}


def _recent(store: Store, settings: Settings) -> Rows:
    """Rows of the last two years, with the words of the last year's calls; scores of all years, so that a standing is
    the same wherever it is said."""
    today, without = dt.date.today(), human_review(settings)
    rows = load_rows(
        store,
        without=without,
        turns_since=today - dt.timedelta(TURNS_DAYS),
        since=today - dt.timedelta(2 * TURNS_DAYS),
        max_wer=settings.max_expected_wer,
    )
    return dataclasses.replace(rows, scores=load_scores(store, without=without))


def _call(store: Store, name: str) -> str:
    found = store.query("SELECT call_id FROM calls WHERE starts_with(call_id, lower($id))", {"id": name})
    if len(found) != 1 or len(name) < 4:
        many = f"{len(found)} calls are called that; give more of the id" if len(found) > 1 else "no such call"
        raise StoreError(f"{name}: {many}; `debrief scorecard` lists them")
    return str(found[0]["call_id"])


def assign_training(
    store: Store, *, settings: Settings, as_of: dt.date | None = None, done_on: dt.date | None = None
) -> list[Row]:
    """Assign training for today's gaps, or for those `as_of` a day, and keep it in the store; the new assignments.

    Running it again adds none. With `done_on` they are kept as done on that day.
    """
    rows = Rows(scores=load_scores(store, without=human_review(settings)), assignments=load_assignments(store))
    today = as_of or today_of(rows)

    def calls_of(rep: str, criterion: str) -> Rows:
        return load_moments(store, rep=rep, criterion=criterion, as_of=today)

    given = new_assignments(
        rows,
        load_rubric(settings.rubric),
        library_of(settings),
        as_of=today,
        target=target_of(settings),
        calls_of=calls_of,
    )
    if done_on:
        given = tuple(completed(assignment, on=done_on) for assignment in given)
    for assignment in given:
        store.put_fact("assignments", assignment.to_row())
    return [assignment.to_json() for assignment in given]


def library_of(settings: Settings) -> Library:
    """The shipped training library with the modules in `training/` of the data folder, for the company of its profile.

    Raises `RubricError` and `SettingsError`.
    """
    return load_library(*_own_folders(settings), profile=load_profile(settings.data))


def readable_library(settings: Settings) -> tuple[Library, str]:
    """`library_of`, or as much of it as can be read (the shipped modules at least) and what is wrong with the rest."""
    try:
        return library_of(settings), ""
    except (RubricError, SettingsError) as error:
        problem = str(error)
    with contextlib.suppress(RubricError):
        return load_library(*_own_folders(settings)), problem
    with contextlib.suppress(SettingsError):
        return load_library(profile=load_profile(settings.data)), problem
    return load_library(), problem


def _own_folders(settings: Settings) -> list[Path]:
    own = settings.data / "training"
    return [own] if own.is_dir() else []


def target_of(settings: Settings) -> float | None:
    """The target of all criteria where the settings name one, else None: the rubric's own."""
    default = type(settings)().target_level
    return None if settings.target_level == default else settings.target_level


def today_of(rows: Rows) -> dt.date:
    """Today, or the newest call's date where the clock is behind the calls."""
    return max(dt.date.today(), newest_date(rows) or dt.date.min)


def _rep(rows: Rows, name: str | None) -> str | None:
    """The stored spelling of a rep's name. Raises `StoreError` for one without calls."""
    return None if name is None else known_name(name, sorted({call.rep for call in rows.calls if call.rep}), "rep")


def _person(rows: Rows, name: str | None) -> str | None:
    """The same of whoever has calls, coaching sessions, training or a quota: all whom reports without a name list."""
    named = (rows.calls, rows.sessions, rows.quotas, rows.assignments)
    reps = {row.rep for part in named for row in part if row.rep}
    return None if name is None else known_name(name, sorted(reps), "rep")


def _of_account(store: Store, settings: Settings, name: str | None) -> tuple[Rows, str | None]:
    """The rows of the account called `name`, and its stored spelling; without a name those of all accounts, with the
    words of the last year's calls. Raises `StoreError` for an unknown one."""
    account = None
    if name is not None:
        found = store.query("SELECT DISTINCT account FROM calls WHERE account IS NOT NULL ORDER BY account")
        account = known_name(name, [row["account"] for row in found], "account")
    since = None if account else dt.date.today() - dt.timedelta(TURNS_DAYS)
    without, max_wer = human_review(settings), settings.max_expected_wer
    return load_rows(store, without=without, account=account, turns_since=since, max_wer=max_wer), account


def known_name(name: str, names: list[str], what: str) -> str:
    """The stored spelling of a name in any case. Raises `StoreError` listing what there is, the nearest first."""
    for known in names:
        if known.lower() == name.lower():
            return known
    near = difflib.get_close_matches(name, names, n=3)
    names = [*near, *(known for known in names if known not in near)]
    some = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    raise StoreError(f"{name}: no such {what}; known: {some or 'none yet'}")


def _effect_text(effect: Row, *, why: bool = False) -> str:
    """The verdict with the change and over how many calls before and after; `why` adds what is missing where there is
    none."""
    if effect["effect"] is None:
        return f"{effect['verdict']}; {effect['reason']}" if why else str(effect["verdict"])
    change = change_text(effect["effect"], effect["low"], effect["high"])
    return f"{effect['verdict']}{change}, n {effect['n_before']}+{effect['n_after']}"
