"""What takes computing, in processes of its own: in this one, pages would wait for their turn to compute meanwhile.

Each lane has a process, started when it is first needed: a fit takes a minute, what became of a call's promises a tenth
of a second. Over a small store all of it is done in a moment, here: a process would take longer to start.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.errors import EngineError
from pipeline.store import Store
from pipeline.workers import WorkerFailed, WorkerPool, log_of

Lane = Literal["quick", "slow"]

MANY = 20_000
"""Scores from which on a process is worth its start: a fit of as many takes a second here."""
LIMIT_S = 900.0
NICE = 5
"""How far a fit stands back behind the process that answers pages."""


class Job(Protocol):
    """Something to work out, with all that it takes beside the store; pickled, it goes to the process of its lane."""

    @property
    def lane(self) -> Lane:
        """Which process does it."""

    def work(self, store: Store) -> Any:
        """What comes of it. Raises `StoreError`."""


class Aside:
    """Jobs over an open store, until `close`; `many` as `MANY`."""

    def __init__(self, store: Store, *, many: int = MANY) -> None:
        self._store, self._many = store, many
        self._counted = ("", False)
        self._guard = threading.Lock()
        self._pools: dict[Lane, WorkerPool] = {}
        self._closed = False

    def close(self) -> None:
        """End the processes, whatever they are at."""
        with self._guard:
            self._closed = True
            for pool in self._pools.values():
                pool.stop()
                pool.__exit__(None, None, None)

    def run(self, job: Job) -> Any:
        """What comes of a job. Raises `StoreError`, or `EngineError` where a fit's process died or took too long; what
        a page waits for is done here then."""
        if not self._is_large():
            return job.work(self._store)
        try:
            return self._process(job.lane).submit((self._store.data, job)).result()
        except WorkerFailed as failed:
            if job.lane == "quick" and not self._closed:
                return job.work(self._store)
            raise EngineError(f"this could not be worked out: {failed}") from None

    def _is_large(self) -> bool:
        version = self._store.version("calls")
        if self._counted[0] != version:
            self._counted = (version, self._store.query("SELECT count(*) AS n FROM scores")[0]["n"] >= self._many)
        return self._counted[1]

    def _process(self, lane: Lane) -> WorkerPool:
        with self._guard:
            if self._closed:
                raise EngineError("this could not be worked out: debrief is being stopped")
            if lane not in self._pools:
                log = log_of(self._store.data)
                pool = WorkerPool(f"pipeline.web.aside:{lane}", workers=1, timeout_s=LIMIT_S, log_file=log)
                self._pools[lane] = pool.__enter__()
            return self._pools[lane]


def quick(asked: tuple[Path, Job]) -> Any:
    """What a process does with (data folder, job); the store is asked of who has it open."""
    data, job = asked
    with Store(data) as store:
        return job.work(store)


def slow(asked: tuple[Path, Job]) -> Any:
    """The same, standing back."""
    if hasattr(os, "nice") and os.nice(0) < NICE:
        os.nice(NICE)
    return quick(asked)
