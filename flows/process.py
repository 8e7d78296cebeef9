"""The `process` flow: one flow per batch, one task per call; each task hands its call to our own worker processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.context import TagsContext
from prefect.futures import wait
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.local import owned_run
from pipeline.batch import Batch, update_store
from pipeline.errors import DebriefError, StoreError, StoreLocked
from pipeline.ingest import discover
from pipeline.plan import Job, Outcome, Plan
from pipeline.plan import plan as make_plan
from pipeline.settings import Settings, load_settings

RUNNER: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=2 * (os.cpu_count() or 1))
"""Threads that wait for workers; the work itself is done by as many processes as the settings say."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a caller in the same process already has, and wants to be told.

    Prefect's parameters are JSON and carry no functions, so these reach the flow beside them.
    """

    settings: Settings | None = None
    plan: Plan | None = None
    stop: threading.Event | None = None
    on_plan: Callable[[Plan], None] = lambda plan: None
    on_start: Callable[[Job], None] = lambda job: None
    on_outcome: Callable[[Outcome], None] = lambda outcome: None


CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


class CallFailed(DebriefError):
    """A call's task in Prefect ends as failed; its reason is kept by debrief."""


@task(name="call", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def process_call(name: str, perform: Callable[[], Outcome]) -> str:
    """One call, shown under its file's `name`; its status. The record is debrief's own file, never Prefect's result."""
    outcome = perform()
    if outcome.status == "failed":
        raise CallFailed(outcome.reason)
    return outcome.status


def perform_jobs(jobs: Sequence[Job], settings: Settings) -> list[Outcome]:
    """Perform jobs as tasks of the flow that runs; outcomes in the order of `jobs`."""
    if not jobs:
        return []
    caller = CALLER.get() or Caller()
    outcomes: dict[int, Outcome] = {}
    with Batch(settings, jobs=len(jobs), stop=caller.stop) as batch:

        def performer(position: int, job: Job) -> Callable[[], Outcome]:
            def perform() -> Outcome:
                outcomes[position] = outcome = batch.perform(job, on_start=caller.on_start)
                caller.on_outcome(outcome)
                return outcome

            return perform

        try:
            # the run's owner tag is not the tasks': Prefect asks its server for a slot of each tag, twice per task, and
            # under thousands of tasks the server refuses some
            with TagsContext(current_tags=set()):
                wait([process_call.submit(job.path.name, performer(n, job)) for n, job in enumerate(jobs)])
            for position, job in enumerate(jobs):
                # a busy Prefect server now and then refuses a task before it has begun: the call is done all the same
                if position not in outcomes:
                    performer(position, job)()
        except BaseException:
            batch.stop()
            raise
    return [outcomes[position] for position in range(len(jobs))]


@flow(name="process", task_runner=RUNNER, persist_result=False)
def process_flow(paths: list[str], data: str | None = None) -> dict[str, Any]:
    """Process files and folders once and bring the database up to date; counts by status and what failed, as JSON.

    `data` is the data folder (else `DEBRIEF_DATA`, else `debrief-data`).
    """
    caller = CALLER.get() or Caller()
    settings = caller.settings or load_settings(data)
    plan = caller.plan or make_plan(discover([Path(path) for path in paths]), settings)
    caller.on_plan(plan)
    outcomes = [*plan.settled, *perform_jobs(plan.jobs, settings)]
    return {**summary(outcomes), "store": refresh_store(settings)}


def run_process(paths: Sequence[Path], caller: Caller) -> dict[str, Any]:
    """The `process` flow from a command of this process, which owns the run for as long as it lives."""
    settings = caller.settings or load_settings()
    token = CALLER.set(caller)
    try:
        with owned_run():
            return process_flow([str(path) for path in paths], str(settings.data))
    finally:
        CALLER.reset(token)


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts by status, and `failed` with path, reason and kind of what failed now and not before, as JSON."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    failed = [outcome for outcome in outcomes if outcome.status == "failed" and not outcome.known]
    return {"counts": counts, "failed": [{"path": str(o.path), "reason": o.reason, "kind": o.kind} for o in failed]}


def refresh_store(settings: Settings, *, whole: bool = False) -> str:
    """Bring the database up to date (`whole`: look at every record); what to tell, empty when all went well.

    While the web app or another command has it open, the records are kept all the same and that one takes them in.
    """
    try:
        damaged = update_store(settings, whole=whole).damaged
    except StoreLocked as locked:
        return f"{locked} (the results are kept, and are taken in then)"
    except StoreError as error:
        return f"{error} (the results are kept; the next run takes them in)"
    return "; ".join(reason for _, reason in damaged)
