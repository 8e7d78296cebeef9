"""The `nightly` flow: backlog, retries, scores by today's rubric and judge, standings, training, and one summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.local import owned_run, sweep_stale_runs
from flows.process import CALLER, RUNNER, Caller, perform_jobs, refresh_store, summary
from pipeline.claims import Claims
from pipeline.ingest import discover
from pipeline.plan import plan as make_plan
from pipeline.plan import plan_rescore
from pipeline.settings import Settings, load_settings
from pipeline.store import Store

MAX_ATTEMPTS = 3
"""A call whose engine fails is tried on so many nights while its file stays the same."""


@flow(name="nightly", task_runner=RUNNER, persist_result=False)
def nightly_flow(data: str | None = None) -> dict[str, Any]:
    """What the schedule runs; a summary as JSON: `backlog`, `rescored` (counts and failures), `store`, `assigned`.

    `data` is the data folder (else `DEBRIEF_DATA`, else `debrief-data`).
    """
    caller = CALLER.get() or Caller()
    settings = caller.settings or load_settings(data)
    sweep_stale_runs()
    with Claims(settings.data / "claims") as claims:
        claims.sweep()
    inbox = settings.inbox_folder
    backlog = make_plan(discover([inbox]) if inbox.is_dir() else [], settings, max_attempts=MAX_ATTEMPTS)
    caller.on_plan(backlog)
    done = [*backlog.settled, *perform_jobs(backlog.jobs, settings)]
    stale = plan_rescore(settings)
    caller.on_plan(stale)
    rescored = perform_jobs(stale.jobs, settings)
    report = {
        "backlog": summary(done),
        "rescored": summary(rescored),
        "store": refresh_store(settings),
        "assigned": assign(settings),
    }
    create_markdown_artifact(markdown(report), key="debrief-nightly", description="What the night's batch did")
    return report


def assign(settings: Settings) -> list[dict[str, Any]]:
    """New training for the gaps of today, as rows. Raises `StoreError`s."""
    from pipeline.coach.commands import assign_training

    with Store(settings.data) as store:
        store.serve()
        return assign_training(store, settings=settings)


def markdown(report: dict[str, Any]) -> str:
    """The summary as Markdown, for Prefect's page and the digest."""
    lines = ["# debrief: last night", ""]
    for part in ("backlog", "rescored"):
        counts = ", ".join(f"{n} {status}" for status, n in sorted(report[part]["counts"].items())) or "nothing to do"
        lines.append(f"- {part}: {counts}")
        lines += [f"    - {Path(row['path']).name}: {row['reason']}" for row in report[part]["failed"]]
    lines.append(f"- training assigned: {len(report['assigned'])}")
    if report["store"]:
        lines.append(f"- {report['store']}")
    return "\n".join(lines) + "\n"


def run_nightly(caller: Caller, settings: Settings) -> dict[str, Any]:
    """The `nightly` flow from a command of this process."""
    token = CALLER.set(caller)
    try:
        with owned_run():
            return nightly_flow(str(settings.data))
    finally:
        CALLER.reset(token)
