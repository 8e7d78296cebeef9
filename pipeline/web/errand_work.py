"""The errands there are: files tried again, calls scored again, and what another rubric would move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import keep
from pipeline.errors import StoreError
from pipeline.plan import Job, Outcome, Plan
from pipeline.web.errands import Errand, Work
from pipeline.wording import counted, tallied

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

Row = dict[str, object]
PREVIEW_CALLS = 200
"""Newest calls that a preview compares; `debrief rubric diff` compares all."""
_CHUNK = 5
TASK = "pipeline.batch:work"
PREVIEW_TASK = "pipeline.rubric_moves:moves"


def retry_files(paths: Sequence[Path], settings: Settings, store: Store, *, task: str = TASK) -> Work:
    """Try files again now, whatever was said of them before."""

    def work(errand: Errand) -> str:
        from pipeline.ingest import discover
        from pipeline.plan import plan

        gone = [path for path in paths if not path.exists()]
        for path in gone:
            keep.clear_failure(settings.data, str(path))
        made = plan(discover([path for path in paths if path not in gone]), settings)
        outcomes = [*made.settled, *_perform(made, settings, errand, task)]
        # failures live in files that no record announces
        store.ingest(sorted({item.sha256 for item in outcomes if item.sha256}))
        left = f"; {len(gone)} no longer there" if gone else ""
        return _tally(outcomes) + left

    return work


def score_again(sha256s: Sequence[str], settings: Settings, store: Store, *, task: str = TASK) -> Work:
    """Score calls again from what is kept of them, by the rubric, judge, roles and reps of now."""

    def work(errand: Errand) -> str:
        jobs = []
        for sha256 in sha256s:
            record = keep.latest_record(settings.data, sha256)
            if record is None:
                raise StoreError(f"{sha256[:16]}: its record has gone; process the recording again")
            jobs.append(Job("score", sha256, Path(record["source"]["path"])))
        outcomes = _perform(Plan(tuple(jobs), ()), settings, errand, task)
        store.ingest([job.sha256 for job in jobs])
        return _tally(outcomes)

    return work


def rescore_all(settings: Settings, store: Store) -> Work:
    """Score every kept call again whose scores are not by the rubric and judge of now."""

    def work(errand: Errand) -> str:
        from pipeline.plan import plan_rescore

        outcomes = _perform(plan_rescore(settings), settings, errand, TASK)
        store.catch_up()
        return _tally(outcomes)

    return work


def preview(
    old_text: str, new_text: str, sha256s: Sequence[str], settings: Settings, *, task: str = PREVIEW_TASK
) -> Work:
    """Which scores of these calls another rubric would move: `result` is `{"changes", "moved", "calls", "failed"}`."""

    def work(errand: Errand) -> str:
        from pipeline.rubric import rubric_of_text
        from pipeline.rubric_diff import rubric_changes
        from pipeline.workers import WorkerFailed, WorkerPool, log_of

        pair = rubric_of_text(old_text), rubric_of_text(new_text)
        changes = [change.to_json() for change in rubric_changes(*pair, engine=settings.judge)]
        errand.step(0, len(sha256s))
        if all(change["moves"] == "nothing" for change in changes):
            errand.result = {"changes": changes, "moved": [], "calls": len(sha256s), "failed": []}
            return f"no score of {counted(len(sha256s), 'call')} would move"
        moved: list[Row] = []
        failed: list[str] = []
        calls = 0
        with WorkerPool(task, workers=1, timeout_s=settings.timeout_s, log_file=log_of(settings.data)) as pool:
            for at in range(0, len(sha256s), _CHUNK):
                if errand.stop.is_set():
                    return "stopped"
                try:
                    found = pool.submit((old_text, new_text, list(sha256s[at : at + _CHUNK]), settings)).result()
                except WorkerFailed as error:
                    failed.append(str(error))
                else:
                    moved += found["moved"]
                    failed += found["failed"]
                    calls += found["calls"]
                # a new object each time: a page may be reading the one before
                errand.result = {"changes": changes, "moved": [*moved], "calls": calls, "failed": [*failed]}
                errand.step(min(len(sha256s), at + _CHUNK), len(sha256s))
        return f"{counted(len(moved), 'score')} of {counted(calls, 'call')} would move"

    return work


def _perform(plan: Plan, settings: Settings, errand: Errand, task: str) -> list[Outcome]:
    from pipeline.batch import Batch

    jobs = plan.jobs
    errand.step(0, len(jobs))
    if not jobs:
        return []
    outcomes: list[Outcome] = []
    with (
        Batch(settings, jobs=len(jobs), stop=errand.stop, task=task) as batch,
        ThreadPoolExecutor(batch.workers, thread_name_prefix="errand") as threads,
    ):
        waiting = {threads.submit(batch.perform, job) for job in jobs}
        while waiting:
            over, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            outcomes += [future.result() for future in over]
            errand.step(len(outcomes), len(jobs))
    return outcomes


def _tally(outcomes: Sequence[Outcome]) -> str:
    said = tallied(Counter(item.status for item in outcomes))
    reasons = [item.reason for item in outcomes if item.status not in ("scored", "done") and item.reason]
    return f"{said}: {reasons[0]}" if reasons else said
