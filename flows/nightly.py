"""The `nightly` flow: backlog, retries, scores by today's rubric and judge, standings, training, digest, housekeeping.

One failing part is a line in the report; the others are done all the same.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import httpx
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import PrefectException

from flows.local import forget_old_runs, owned_run, sweep_stale_runs
from flows.process import CALLER, RUNNER, Caller, perform_jobs, refresh_store, summary
from flows.watch import SETTLE_S
from pipeline.beside import Beside
from pipeline.claims import Claims, alone
from pipeline.deliver import deliver, unused_name
from pipeline.digest import Digest, as_markdown, nightly_digest, plain, section
from pipeline.erase import note
from pipeline.errors import DebriefError, StoreError
from pipeline.ingest import Found, beside_state, discover, state_of
from pipeline.plan import Outcome, plan_rescore
from pipeline.plan import plan as make_plan
from pipeline.retention import retain_all
from pipeline.settings import Settings, load_settings
from pipeline.store import Store
from pipeline.tidy import tidy
from pipeline.webhooks.courier import tell_all

T = TypeVar("T")


@flow(name="nightly", task_runner=RUNNER, persist_result=False)
def nightly_flow(data: str | None = None) -> dict[str, Any]:
    """What the schedule runs; a summary as JSON.

    `backlog`, `rescored` (counts and failures), `store` (what to tell about it), `assigned` (new training), `reminders`
    (training due), `retained` (what went by retention, by kind), `tidied` (files removed), `swept` (runs and claims
    left by dead processes), `digest` (file, where it was sent), `problems`.

    `data` is the data folder (else `DEBRIEF_DATA`, else `debrief-data`).
    """
    caller = CALLER.get() or Caller()
    settings = caller.settings or load_settings(data)
    # a backlog of days would have one more night each night, each with workers, training and a digest of its own
    with alone(settings.data / "claims" / "nightly.lock") as first:
        if not first:
            raise StoreError(f"{settings.data}: another nightly run is at work; it does what there is to do")
        return _night(settings, caller)


def _night(settings: Settings, caller: Caller) -> dict[str, Any]:
    problems: list[str] = []
    with Claims(settings.data / "claims") as claims:
        swept = {"runs": _with_prefect(sweep_stale_runs, problems), "claims": claims.sweep()}
    _with_prefect(lambda: forget_old_runs(settings.keep_logs_days), problems)
    done, again = _part("backlog", lambda: _backlog(settings, caller), problems) or ([], [])
    tried = {outcome.sha256 for outcome in again}
    again += _part("scoring again", lambda: _rescored(settings, caller, tried), problems) or []
    report: dict[str, Any] = {
        "backlog": summary(done),
        "rescored": summary(again),
        "store": refresh_store(settings, whole=True),
        "assigned": [],
        "reminders": [],
        "retained": {},
        "tidied": tidy(settings),
        "swept": swept,
        "problems": problems,
    }
    digest = _coach(report, settings)
    _with_prefect(lambda: _show(digest), problems)
    return report


def _show(digest: Digest) -> None:
    """The summary as an artifact on Prefect's pages."""
    create_markdown_artifact(as_markdown(digest), key="debrief-nightly", description="What the night's batch did")


def _with_prefect(work: Callable[[], T], problems: list[str]) -> T | None:
    """What `work` on Prefect's own records gives; where its server refuses, None and a line in `problems`: no call and
    no training waits for Prefect's tidiness."""
    try:
        return work()
    except (httpx.HTTPError, PrefectException) as error:
        problems.append(f"Prefect's records: {type(error).__name__}: {plain(error)[:200]}; the next night tries again")
        return None


def _part(what: str, work: Callable[[], T], problems: list[str]) -> T | None:
    """What a part of the night gives; where it fails as a whole (a rubric being edited, a drive that is away), None and
    a line in `problems`."""
    try:
        return work()
    except (DebriefError, OSError) as error:
        problems.append(f"{what}: {error}")
        return None


def _backlog(settings: Settings, caller: Caller) -> tuple[list[Outcome], list[Outcome]]:
    """What came of the inbox's files, and of those that are known calls and were only scored anew."""
    inbox = settings.inbox_folder
    # os.path: a drive whose server does not answer is no folder either, and no error
    there = os.path.isdir(inbox)
    if not there and settings.inbox:
        raise StoreError(f"{inbox}: no such inbox; make it, or set `inbox`")
    plan = make_plan(_standing(inbox) if there else [], settings, max_attempts=settings.max_attempts)
    caller.on_plan(plan)
    done = list(zip(plan.jobs, perform_jobs(plan.jobs, settings), strict=True))
    new = [outcome for job, outcome in done if job.kind != "score"]
    return [*plan.settled, *new], [outcome for job, outcome in done if job.kind == "score"]


def _rescored(settings: Settings, caller: Caller, tried: Collection[str]) -> list[Outcome]:
    """What came of all other calls with scores of before; those of the inbox were `tried` a moment ago."""
    plan = plan_rescore(settings)
    plan = dataclasses.replace(plan, jobs=tuple(job for job in plan.jobs if job.sha256 not in tried))
    caller.on_plan(plan)
    return perform_jobs(plan.jobs, settings)


def _standing(inbox: Path) -> list[Found]:
    """The inbox's files but those that are being copied at this moment, they or what lies beside them: half of a
    transcript would be a call of its own. The next look takes them."""
    found = discover([inbox])
    before = _states(found)
    if found:
        time.sleep(SETTLE_S)
    return [item for item, state, now in zip(found, before, _states(found), strict=True) if state == now]


def _states(found: list[Found]) -> list[object]:
    beside = Beside()
    return [(state_of(item.path), beside_state(item.path, beside)) for item in found]


def _coach(report: dict[str, Any], settings: Settings) -> Digest:
    """Standings, training and the digest, their outcome noted in `report`."""
    today = dt.date.today()
    try:
        with Store(settings.data) as store:
            store.serve()
            # what goes first: the database is built anew then, and would lose what is worked out from it
            _retain(report, store, settings)
            try:
                report["assigned"] = assign(store, settings)
                report["reminders"] = remind(store)
                refresh(store, settings)
            except (DebriefError, OSError) as error:
                report["problems"].append(f"training not assigned: {error}")
            report["problems"] += tell_all(store, settings, lambda: open_gaps(store, settings))
            digest = nightly_digest(store, report, day=today)
        digest = dataclasses.replace(digest, name=unused_name(settings.data, digest.name))
        # whoever gets it by mail sees nothing else of the night
        report["digest"] = deliver(with_problems(digest, report["problems"]), settings)
        report["problems"] += report["digest"]["problems"]
    except (DebriefError, OSError) as error:
        report["problems"].append(str(error))
        digest = Digest(f"nightly-{today.isoformat()}", f"debrief: last night, {today.isoformat()}", ())
    return with_problems(digest, report["problems"])


def _retain(report: dict[str, Any], store: Store, settings: Settings) -> None:
    """What is kept longer than the settings allow goes, with a line in the audit log."""
    done, problems = retain_all(settings, store)
    report["retained"] = done
    report["problems"] += problems
    if done:
        counts = ", ".join(f"{count} {kind}" for kind, count in done.items())
        note(settings.data, "nightly", "admin", "erased", "retention", counts)


def with_problems(digest: Digest, problems: list[str]) -> Digest:
    """The digest with a last section of what went wrong around it."""
    added = (section("Problems", problems),) if problems else ()
    return dataclasses.replace(digest, sections=(*digest.sections, *added))


def open_gaps(store: Store, settings: Settings) -> list[dict[str, Any]]:
    """The gaps of today, as rows. Raises `DebriefError`s."""
    from pipeline.coach.commands import gap_rows

    return gap_rows(store, settings=settings)


def assign(store: Store, settings: Settings) -> list[dict[str, Any]]:
    """New training for the gaps of today, as rows. Raises `DebriefError`s."""
    from pipeline.coach.commands import assign_training

    return assign_training(store, settings=settings)


def remind(store: Store) -> list[dict[str, Any]]:
    """Open training that is due within three days or overdue, as rows. Raises `StoreError`s."""
    from pipeline.coach.trainer import reminder_rows

    return reminder_rows(store)


def refresh(store: Store, settings: Settings) -> None:
    """Standings and gaps worked out anew, where pages read kept ones. Raises `DebriefError`s."""
    from pipeline.coach.commands import refresh_gaps

    refresh_gaps(store, settings=settings)


def run_nightly(caller: Caller, settings: Settings) -> dict[str, Any]:
    """The `nightly` flow from a command of this process."""
    token = CALLER.set(caller)
    try:
        with owned_run():
            return nightly_flow(str(settings.data))
    finally:
        CALLER.reset(token)
