"""Who does a plan's jobs, and what came of them: the one sequence behind every way in.

`debrief process` runs a plan's jobs in threads, the Prefect flows run them as tasks; both call `Batch.perform`, which
claims the call, hands it to a worker process, keeps the outcome, and never raises for a single call.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

from pipeline import erased, keep, process, superseded, unjudged
from pipeline.claims import Claims
from pipeline.errors import DebriefError, StoreError
from pipeline.ingest import STILL_WRITTEN, state_of
from pipeline.plan import Job, Outcome, Status, keep_failure
from pipeline.settings import Settings
from pipeline.store import Ingested, Store
from pipeline.webhooks.courier import note_news
from pipeline.workers import WorkerFailed, WorkerPool, log_of

ERASED = "{path}: erased meanwhile, so nothing of it is kept"

log = logging.getLogger("debrief.batch")


def work(order: tuple[Job, Settings]) -> dict[str, Any]:
    """What a worker process does with a job: process or score again, and keep the record.

    Returns `{"status", "reason", "kind", "kept"}`: the record itself stays in its file. Of a file that changed
    meanwhile nothing is kept. A call that the judge left whole (a foreign language, no sales call, a chat model that
    does not answer) is told as not scored; in its record every criterion is abstained.
    """
    job, settings = order
    if job.kind == "score":
        record = keep.latest_record(settings.data, job.sha256)
        if record is None:
            raise StoreError(f"{job.path}: its record has gone; process the recording again")
        made = process.rescore(record, settings, source=job.source)
    elif job.source:
        made = process.process_source(job.source, settings)
    else:
        raise StoreError(f"{job.path}: no recording to hear")
    if job.source and job.source.changed():
        # what was read may be half of one content and half of another, or not what the hash stands for
        return {"status": "failed", "reason": STILL_WRITTEN.format(path=job.path), "kind": "input", "kept": False}
    if _erased(settings, job):
        return {"status": "withheld", "reason": ERASED.format(path=job.path), "kind": "", "kept": False}
    kept = bool(made["transcript"])
    if kept:
        keep.write_record(settings.data, made)
        if job.source and made["status"] != "failed":
            superseded.take_over(settings.data, job.source)
    if reason := unjudged.reason_for_all(made["scorecard"]):
        return {"status": "abstained", "reason": reason, "kind": "", "kept": kept}
    return {"status": made["status"], "reason": made["reason"], "kind": made.get("kind", ""), "kept": kept}


def _erased(settings: Settings, job: Job) -> bool:
    """Whether the call, or the transcript that its words are read from, was erased since it was planned."""
    contents = (job.sha256, job.source.companion_sha256 if job.source else "")
    return any(erased.is_marked(settings.data, sha256) for sha256 in contents)


class Batch:
    """Worker processes and claims for one run; a context manager.

    `task` is the worker's function (`work` unless a test says otherwise). `jobs` is how many there will be: no more
    workers than that are started. When `stop` is set, what runs is killed and what waits is dropped.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        jobs: int,
        stop: threading.Event | None = None,
        task: str = "pipeline.batch:work",
    ) -> None:
        self._settings = settings
        self._over = threading.Event()
        self._stop = stop
        log_folder = settings.data / "logs"
        try:
            log_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{log_folder}: cannot be made ({error.strerror or error}); check the data folder"
            ) from error
        self.workers = max(1, min(worker_count(settings), jobs))
        self._pool = WorkerPool(
            task, workers=self.workers, timeout_s=settings.timeout_s, log_file=log_of(settings.data)
        )
        self._claims = Claims(settings.data / "claims")
        self._scoring: dict[str, dict[str, str]] | None = None
        self._scoring_guard = threading.Lock()

    def __enter__(self) -> Batch:
        self._claims.__enter__()
        # what killed processes left of calls that were done all the same is never taken again, only swept
        self._claims.sweep()
        self._pool.__enter__()
        if self._stop:
            threading.Thread(target=self._heed, args=(self._stop,), name="stop", daemon=True).start()
        return self

    def _heed(self, stop: threading.Event) -> None:
        while not self._over.is_set():
            if stop.wait(0.25):
                self.stop()
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        try:
            self._pool.__exit__(kind, error, trace)
        finally:
            self._claims.__exit__(kind, error, trace)

    def stop(self) -> None:
        """Kill what runs; every job that is not finished becomes `stopped`."""
        self._pool.stop()

    def perform(self, job: Job, *, on_start: Callable[[Job], None] | None = None) -> Outcome:
        """Do one job to its end, in a worker, and keep what came of it. Blocks; called from several threads."""
        try:
            if not self._claims.take(job.sha256):
                return _outcome(job, "busy", f"{job.path}: another debrief is working on it")
        except StoreError as error:
            return self._fail(job, "store", str(error))
        try:
            if self._done_meanwhile(job):
                return _outcome(job, "done")
            started = (lambda: on_start(job)) if on_start else None
            done = self._pool.submit((job, self._settings), on_start=started).result()
            return self._settle(job, done)
        except WorkerFailed as failed:
            if failed.fault == "stopped":
                return _outcome(job, "stopped", f"{job.path}: {failed}; run it again")
            return self._fail(
                job, failed.fault, f"{job.path}: {failed}" if str(job.path) not in str(failed) else str(failed)
            )
        finally:
            self._claims.release(job.sha256)

    def _done_meanwhile(self, job: Job) -> bool:
        """True when another debrief did the job between the plan and the claim."""
        if job.kind != "hear" or job.source is None:
            return False
        record = keep.latest_record(self._settings.data, job.sha256)
        if record is None:
            return False
        with self._scoring_guard:
            self._scoring = self._scoring or process.scoring(self._settings)
        return process.stale(record, self._settings, now=self._scoring, source=job.source) == ""

    def _settle(self, job: Job, done: dict[str, Any]) -> Outcome:
        if done["status"] == "failed":
            return self._fail(job, done["kind"], done["reason"])
        # a call that may not be kept keeps no failure either
        with contextlib.suppress(OSError):
            keep.clear_failure(self._settings.data, str(job.path.absolute()))
        return _outcome(job, done["status"], done["reason"])

    def _fail(self, job: Job, kind: str, reason: str) -> Outcome:
        if _erased(self._settings, job):
            # a failure has the path and the hash of what was erased
            return _outcome(job, "withheld", ERASED.format(path=job.path))
        try:
            read = job.source.state if job.source else state_of(job.path)
            said = job.source.from_path if job.source else None
            kept = keep_failure(
                self._settings, job.path, kind=kind, reason=reason, read=read, sha256=job.sha256, said=said
            )
        except DebriefError as error:
            log.warning("failure not kept: %s", error)
            return replace(_outcome(job, "failed", reason), kind=kind)
        if kept["status"] == "quarantined":
            reason = f"{reason} (quarantined after {kept['attempts']} tries: `debrief process FILE` tries it again)"
        elif kept["next_at"]:
            when = kept["next_at"][:16].replace("T", " ")
            reason = f"{reason} (the watcher or the night tries it again after {when} UTC)"
        return replace(_outcome(job, "failed", reason), kind=kind)


def _outcome(job: Job, status: Status, reason: str = "") -> Outcome:
    return Outcome(job.path, status, reason, job.sha256[:16], job.sha256)


def run(
    jobs: Sequence[Job],
    settings: Settings,
    *,
    on_start: Callable[[Job], None] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    task: str = "pipeline.batch:work",
) -> list[Outcome]:
    """Perform jobs in worker processes, without Prefect; outcomes in the order of `jobs`.

    An interruption stops the workers, and is raised again when they have gone.
    """
    if not jobs:
        return []
    guard = threading.Lock()

    with Batch(settings, jobs=len(jobs), task=task) as batch, ThreadPoolExecutor(batch.workers) as threads:

        def one(job: Job) -> Outcome:
            outcome = batch.perform(job, on_start=on_start)
            if on_outcome:
                with guard:
                    on_outcome(outcome)
            return outcome

        try:
            return list(threads.map(one, jobs))
        except BaseException:
            batch.stop()
            threads.shutdown(cancel_futures=True)
            raise


def update_store(settings: Settings, *, whole: bool = False, wait_s: float = 10.0) -> Ingested:
    """Bring the database up to date after a batch, through the process that serves it where one does.

    `whole` looks at every record file rather than at those noted as new.
    Raises `StoreLocked` when another debrief has it open and does not serve it.
    """
    with Store(settings.data, wait_s=wait_s) as store:
        # a large batch takes a while: whoever wants to read meanwhile need not wait for its end
        store.serve()
        done = store.ingest() if whole else store.catch_up()
        note_news(store, settings)
        return done


def worker_count(settings: Settings) -> int:
    """Worker processes: the setting, else one per core that this process may use."""
    if settings.workers > 0:
        return settings.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1
