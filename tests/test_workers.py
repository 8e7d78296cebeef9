from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from waiting import HANGS_S

from pipeline.errors import EngineError
from pipeline.workers import WorkerFailed, WorkerPool

CALLS: list[Any] = []


def task(job: Any) -> Any:
    """What a spawned worker does; runs in another process."""
    CALLS.append(job)
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "leave":
        os._exit(3)
    if job == "hang":
        time.sleep(3600)
    if job == "engine":
        raise EngineError("the recogniser failed")
    if job == "memory":
        raise MemoryError
    if job == "bug":
        raise KeyError("two\nlines")
    if job == "print":
        print("chatter")
    return {"job": job, "pid": os.getpid(), "served": len(CALLS), "threads": os.environ["OMP_NUM_THREADS"]}


TASK = f"{__name__}:task"


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Any:
    log = tmp_path_factory.mktemp("log") / "workers.log"
    with WorkerPool(TASK, workers=1, timeout_s=HANGS_S, log_file=log) as made:
        yield made, log


def test_a_worker_serves_many_jobs_and_loads_once(pool: Any) -> None:
    first, second = (pool[0].submit(n).result() for n in (1, 2))
    assert first["pid"] == second["pid"] != os.getpid()
    assert second["served"] == first["served"] + 1
    assert first["threads"] == "1"


def test_who_is_told_of_a_start_and_fails_costs_that_job_only(pool: Any) -> None:
    def closed() -> None:
        raise ValueError("the terminal is closed")

    told = pool[0].submit(1, on_start=closed)
    after = pool[0].submit(2)
    with pytest.raises(WorkerFailed, match="the terminal is closed"):
        told.result(HANGS_S)
    assert after.result(HANGS_S)["job"] == 2


def test_what_libraries_print_goes_to_the_log(pool: Any, capfd: pytest.CaptureFixture[str]) -> None:
    pool[0].submit("print").result()
    pool[0].submit("bug").exception()
    assert "KeyError" in pool[1].read_text()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("job", "fault", "reason"),
    [
        ("die", "crash", "SIGKILL: out of memory"),
        ("segfault", "crash", "SIGSEGV"),
        ("leave", "crash", "exit code 3"),
        ("engine", "engine", "the recogniser failed"),
        ("memory", "engine", "not enough memory"),
        ("bug", "internal", "unexpected KeyError"),
        (threading.Lock(), "internal", "could not take the job"),
    ],
)
def test_a_failing_job_fails_alone(pool: Any, job: Any, fault: str, reason: str) -> None:
    failed = pool[0].submit(job).exception()
    assert isinstance(failed, WorkerFailed)
    assert failed.fault == fault
    assert reason in str(failed)
    assert "\n" not in str(failed)
    assert pool[0].submit("next").result()["job"] == "next"


def test_a_job_that_hangs_is_killed_at_the_limit() -> None:
    with WorkerPool(TASK, workers=1, timeout_s=0.3) as pool:
        failed = pool.submit("hang").exception()
        assert isinstance(failed, WorkerFailed)
        assert failed.fault == "timeout"
        assert "`timeout_s`" in str(failed)


def test_stopping_kills_what_runs_and_drops_what_waits() -> None:
    running = threading.Event()
    with WorkerPool(TASK, workers=1, timeout_s=HANGS_S) as pool:
        first = pool.submit("hang", on_start=running.set)
        second = pool.submit("waits")
        assert running.wait(HANGS_S)
        pool.stop()
        faults = [item.exception() for item in (first, second)]
    assert [item.fault for item in faults if isinstance(item, WorkerFailed)] == ["stopped", "stopped"]
    late = pool.submit("late").exception()
    assert isinstance(late, WorkerFailed)


def test_an_exception_in_the_block_ends_the_workers() -> None:
    futures = []

    def interrupted() -> None:
        with WorkerPool(TASK, workers=1, timeout_s=HANGS_S) as pool:
            futures.append(pool.submit("hang"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert isinstance(futures[0].exception(), WorkerFailed)


def test_a_task_that_cannot_be_imported_is_a_crash_of_its_jobs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with WorkerPool("no.such.module:task", workers=1, timeout_s=HANGS_S, log_file=log) as pool:
        failed = pool.submit(1).exception()
    assert isinstance(failed, WorkerFailed)
    assert failed.fault == "crash"
    assert "No module named" in log.read_text()
