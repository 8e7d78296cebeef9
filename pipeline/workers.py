"""Our own worker processes: one job at a time each, a hard time limit, and a death that costs one job only.

Prefect's task timeout waits for a thread's work to end; `concurrent.futures` gives up all jobs when one worker dies;
recognisers hang, run out of memory and crash. So each slot here is a thread that owns one spawned process, feeds it
jobs over a pipe, kills it at the limit and starts another.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pipeline.errors import DebriefError, StoreError

Job = Any
WorkerFault = Literal["crash", "timeout", "internal", "engine", "store", "stopped"]

_START_LIMIT_S = 120.0
"""A worker that has not answered by then will not: the interpreter itself cannot start."""

log = logging.getLogger("debrief.workers")


def log_of(data: Path) -> Path:
    """Where workers of a data folder write what their libraries print."""
    return data / "logs" / "workers.log"


class WorkerFailed(Exception):
    """A job's worker died, hung or raised; `fault` says which, the message is one line."""

    def __init__(self, fault: WorkerFault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


class WorkerPool:
    """Runs `task` (named `module:function`, so that a spawned process can import it) on jobs that can be pickled.

    A context manager. `submit` gives a future whose result is the task's, or which raises `WorkerFailed`.
    `log_file` receives what the workers' libraries print; its folder is made. Leaving the block with an exception kills
    what runs.
    """

    def __init__(self, task: str, *, workers: int, timeout_s: float, log_file: Path | None = None) -> None:
        self._task = task
        self._timeout_s = timeout_s
        self._log_file = log_file
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any], Callable[[], None] | None] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._guard = threading.Lock()
        self._closed = False
        self._slots = [threading.Thread(target=self._serve, name=f"worker-{n}", daemon=True) for n in range(workers)]
        self._processes: dict[int, BaseProcess] = {}

    def __enter__(self) -> WorkerPool:
        if self._log_file:
            with contextlib.suppress(OSError):  # without a log, what they print is dropped
                self._log_file.parent.mkdir(parents=True, exist_ok=True)
        for slot in self._slots:
            slot.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.stop()
        with self._guard:
            self._closed = True
            for _ in self._slots:
                self._jobs.put(None)
        for slot in self._slots:
            slot.join()

    def submit(self, job: Job, *, on_start: Callable[[], None] | None = None) -> Future[Any]:
        """Queue a job; `on_start` is called from the pool's thread when a worker takes it."""
        future: Future[Any] = Future()
        with self._guard:
            if self._closed:
                future.set_exception(WorkerFailed("stopped", "stopped before it was processed"))
            else:
                self._jobs.put((job, future, on_start))
        return future

    def stop(self) -> None:
        """Kill what runs and drop what waits; the futures of both raise `WorkerFailed` with fault `stopped`."""
        self._stopped.set()
        for process in list(self._processes.values()):
            process.kill()

    def _serve(self) -> None:
        worker: _Worker | None = None
        try:
            while (item := self._jobs.get()) is not None:
                job, future, on_start = item
                if self._stopped.is_set() or not future.set_running_or_notify_cancel():
                    if not future.cancelled():
                        future.set_exception(WorkerFailed("stopped", "stopped before it was processed"))
                    continue
                try:
                    if on_start:
                        on_start()
                    worker = worker or self._start()
                    result = worker.run(job, self._timeout_s)
                except WorkerFailed as failed:
                    if failed.fault in ("crash", "timeout"):
                        self._discard(worker)
                        worker = None
                    stopped = WorkerFailed("stopped", "stopped while it was processed")
                    future.set_exception(stopped if self._stopped.is_set() else failed)
                except Exception as error:  # unpicklable job, process that cannot start, failing `on_start`
                    self._discard(worker)
                    worker = None
                    future.set_exception(WorkerFailed("internal", f"worker could not take the job: {error}"))
                else:
                    future.set_result(result)
        finally:
            if worker:
                self._processes.pop(worker.pid, None)
                worker.close()

    def _start(self) -> _Worker:
        worker = _Worker(self._task, self._log_file)
        self._processes[worker.pid] = worker.process
        if self._stopped.is_set():
            worker.process.kill()
        return worker

    def _discard(self, worker: _Worker | None) -> None:
        if worker:
            self._processes.pop(worker.pid, None)
            worker.kill()


class _Worker:
    """One spawned process and the pipe to it."""

    def __init__(self, task: str, log_file: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(task, theirs, log_file), name="debrief-worker", daemon=True)
        self.process.start()
        theirs.close()
        self.pid = self.process.pid or 0
        self._ready = False

    def run(self, job: Job, timeout_s: float) -> Any:
        """The task's result for `job`; raises `WorkerFailed`. After a crash or a timeout the worker is of no use."""
        if not self._ready:
            self._receive(_START_LIMIT_S, "did not start")
            self._ready = True
        try:
            self._pipe.send(job)
        except OSError:
            raise WorkerFailed("crash", f"its worker process had died ({self._ending()}); try again") from None
        kind, value = self._receive(timeout_s, f"took longer than {timeout_s:.0f} s and was stopped; raise `timeout_s`")
        if kind == "result":
            return value
        raise WorkerFailed(kind, value)

    def _receive(self, timeout_s: float, late: str) -> tuple[Any, Any]:
        ready = wait([self._pipe, self.process.sentinel], timeout_s)
        if not ready:
            raise WorkerFailed("timeout", late)
        try:
            if self._pipe.poll():
                message: tuple[Any, Any] = self._pipe.recv()
                return message
        except (EOFError, OSError):
            pass
        self.process.join(5)
        raise WorkerFailed("crash", f"its worker process died ({self._ending()}); the rest went on, try it alone")

    def _ending(self) -> str:
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return "SIGKILL: out of memory, or killed by hand" if name == "SIGKILL" else name

    def kill(self) -> None:
        """End the process now."""
        self.process.kill()
        self.process.join()
        self._pipe.close()

    def close(self) -> None:
        """Let the process end by itself, and see that it does."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self.process.join(5)
        self.kill()


def _work(task: str, pipe: Connection, log_file: Path | None) -> None:
    """A worker's main: jobs from the pipe until None, the end of the pipe or the parent's death."""
    # one thread per worker is fastest when workers fill the cores; read by libraries when they are first imported
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _quiet(log_file)
    _die_first()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    module, _, function = task.partition(":")
    call = getattr(importlib.import_module(module), function)
    pipe.send(("ready", None))
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        if job is None:
            return
        pipe.send(_outcome(call, job))


def _outcome(call: Callable[[Job], Any], job: Job) -> tuple[str, Any]:
    try:
        return ("result", call(job))
    except StoreError as error:
        return ("store", str(error))
    except DebriefError as error:
        return ("engine", str(error))
    except MemoryError:
        return ("engine", "not enough memory for this call; use fewer workers or a smaller model")
    except Exception as error:
        log.exception("unexpected error in a worker")
        first = (str(error).splitlines() or [""])[0][:200]
        return ("internal", f"unexpected {type(error).__name__}: {first}")


def _quiet(log_file: Path | None) -> None:
    """Send what libraries print to the log, so that the terminal shows only what debrief says."""
    try:
        target = os.open(log_file or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    faulthandler.enable(file=sys.stderr)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )


def _die_first() -> None:
    """Ask Linux, when memory runs out, to end this worker rather than the process that holds the batch together."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
