"""Calls whose speakers a person just named, judged again beside the requests: in a worker process, one at a time.

The worker starts with the first call and ends when none came for a while: between corrections it costs nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import DebriefError, InputError
from pipeline.workers import WorkerFailed, WorkerPool, log_of

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

Record = dict[str, Any]

IDLE_S = 120.0
_KEPT = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call's judging again has come; `line` says why where it failed."""

    state: Literal["waiting", "running", "done", "failed"]
    line: str = ""

    @property
    def under_way(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in ("waiting", "running")

    def to_json(self) -> dict[str, Any]:
        """`{"state", "line"}`."""
        return {"state": self.state, "line": self.line}


def judge_again(order: tuple[Record, dict[str, str], Settings]) -> str:
    """What the worker does with a call: judge it with these roles and keep it; its status."""
    from pipeline.process import correct_roles

    record, roles, settings = order
    return str(correct_roles(record, roles, settings)["status"])


class Rejudging:
    """The calls being judged again, by SHA-256, each with the `settings` of then: a page may change them meanwhile.

    Its methods may be called from any thread.
    """

    def __init__(
        self, settings: Callable[[], Settings], store: Store, *, task: str = "pipeline.web.rejudging:judge_again"
    ) -> None:
        self._settings, self._store, self._task = settings, store, task
        self._waiting: queue.SimpleQueue[tuple[str, Record, dict[str, str]] | None] = queue.SimpleQueue()
        self._progress: dict[str, Progress] = {}
        self._roles: dict[str, dict[str, str]] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pool: WorkerPool | None = None
        self._closed = False

    def begin(self, record: Record, roles: Mapping[str, str]) -> Progress:
        """Judge a kept record again with these roles, soon; asked for twice it is done once.

        Raises `InputError` where the call is being judged by other roles: these are said of speakers who are about to
        be called otherwise.
        """
        sha256 = record["source"]["sha256"]
        with self._guard:
            now = self._progress.get(sha256)
            if now and now.under_way:
                if self._roles.get(sha256) != roles:
                    raise InputError("the call is being judged by what was said before; say it again in a minute")
                return now
            if len(self._progress) >= _KEPT:
                self._progress = {name: found for name, found in self._progress.items() if found.under_way}
                self._roles = {name: said for name, said in self._roles.items() if name in self._progress}
            self._progress[sha256], self._roles[sha256] = Progress("waiting"), dict(roles)
            self._waiting.put((sha256, record, dict(roles)))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="rejudging", daemon=True)
                self._thread.start()
        return Progress("waiting")

    def progress(self, sha256: str) -> Progress | None:
        """How far a call is; None for one that nobody asked for since the app started."""
        with self._guard:
            return self._progress.get(sha256)

    def close(self) -> None:
        """Stop what runs; it has changed nothing yet, or all of it."""
        with self._guard:
            self._closed = True
            thread, pool = self._thread, self._pool
        self._waiting.put(None)
        if pool:
            pool.stop()
        if thread:
            thread.join()

    def _run(self) -> None:
        settings = self._settings()
        log = log_of(settings.data)
        with WorkerPool(self._task, workers=1, timeout_s=settings.timeout_s, log_file=log) as pool:
            self._pool = pool
            while not self._closed:
                try:
                    item = self._waiting.get(timeout=IDLE_S)
                except queue.Empty:
                    with self._guard:
                        if self._waiting.empty():
                            self._thread = self._pool = None
                            return
                    continue
                if item:
                    self._judge(pool, *item)

    def _judge(self, pool: WorkerPool, sha256: str, record: Record, roles: dict[str, str]) -> None:
        self._put(sha256, Progress("running"))
        try:
            pool.submit((record, roles, self._settings())).result()
            self._store.ingest([sha256])
        except (WorkerFailed, DebriefError) as error:
            self._put(sha256, Progress("failed", str(error)))
        else:
            self._put(sha256, Progress("done"))

    def _put(self, sha256: str, progress: Progress) -> None:
        with self._guard:
            self._progress[sha256] = progress
