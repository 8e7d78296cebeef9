"""Prefect on this machine, without a server of its own: where it keeps its files, and runs that a crash left behind."""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.claims import process_alive, process_start
from pipeline.errors import EngineError, StoreError

OWNER_TAG = "debrief-owner"
MOST_FORGOTTEN = 20_000
"""Old runs that are deleted in one night."""
_PAGE = 200
"""Runs that Prefect's server tells of at a time."""
_GUARD = "import os, sys; sys.stdin.read(); os.kill(int(sys.argv[1]), 15)"
"""What ends a process once whoever holds the other end of its input is gone."""


def use_data_folder(data: Path) -> None:
    """Let Prefect keep its files in the data folder, unless the user runs a Prefect of their own.

    Must be called before Prefect is imported. Raises `StoreError` when the folder cannot be made or written: Prefect's
    server would try for minutes, without a word.
    """
    _ask_loopback_directly()
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:
        home = (data / "prefect").absolute()
        try:
            home.mkdir(parents=True, exist_ok=True)
            # tried rather than asked: network drives and root answer wrongly
            tempfile.TemporaryFile(dir=home).close()
        except OSError as error:
            raise StoreError(f"{home}: cannot be written ({error.strerror or error}); check its permissions") from error
        os.environ["PREFECT_HOME"] = str(home)


def _ask_loopback_directly() -> None:
    """A company's proxy is for what is outside: asked through it, Prefect's server on this machine never answers."""
    proxies = urllib.request.getproxies_environment()
    past = proxies.get("no", "")
    if proxies.keys() - {"no"} and past != "*":
        # the name in small letters is the one that counts where both are there
        os.environ["no_proxy"] = ",".join([*filter(None, [past]), "localhost", "127.0.0.1", "::1"])


@contextlib.contextmanager
def owned_run() -> Iterator[None]:
    """Flow runs inside belong to this process.

    Raises `EngineError` where Prefect's local server does not start, and `KeyboardInterrupt` for a SIGTERM, which
    Prefect catches while a flow runs and turns into an exception of its own.
    """
    import httpx
    from prefect import tags
    from prefect.exceptions import PrefectException, TerminationSignal

    try:
        _start_server()
        with tags(owner_tag()):
            yield
    except TerminationSignal:
        raise KeyboardInterrupt from None
    except (httpx.HTTPError, PrefectException) as error:
        _drop_events()
        raise EngineError(
            f"Prefect's server failed ({type(error).__name__}); what was done is kept, run it again, "
            "or `debrief process` does the same without Prefect"
        ) from error
    except RuntimeError as error:
        if "ephemeral" not in str(error):
            raise
        raise EngineError(
            "Prefect's server on this machine did not start; `debrief process` does the same without Prefect"
        ) from error


def _drop_events() -> None:
    """Forget the events that wait for a server that is gone: Prefect would try each again for seconds, a hundred of
    them one after the other, before the process may end."""
    from prefect.events.worker import EventsWorker

    for worker in tuple(getattr(EventsWorker, "_instances", {}).values()):
        with contextlib.suppress(queue.Empty):
            while True:
                worker._queue.get_nowait()


def _start_server() -> None:
    """Start Prefect's temporary server, if one is needed, so that Ctrl-C on the terminal does not reach it.

    It must outlive the flow by the moment in which the flow reports its end; without it that takes two minutes of
    retries. A blocked signal stays blocked in a child process.
    """
    from prefect.client.orchestration import get_client
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    start = server._run_uvicorn_command

    def start_guarded() -> subprocess.Popen[Any]:
        # at once, since Prefect waits for a first start half a minute
        process = start()
        end_with_us(process.pid)
        return process

    deaf = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if deaf else set()
    try:
        server._run_uvicorn_command = start_guarded  # type: ignore[method-assign]
        get_client(sync_client=True)
    finally:
        server._run_uvicorn_command = start  # type: ignore[method-assign]
        if deaf:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_us(pid: int) -> None:
    """Have a process of ours ended when this one is gone, however it goes: what is killed does nothing at its exit."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _GUARD, str(pid)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def dismiss() -> None:
        guard.kill()
        guard.communicate()

    atexit.register(dismiss)


def owner_tag() -> str:
    """The tag that says which process a flow run belongs to: `debrief-owner:<host>:<pid>:<start>`."""
    return f"{OWNER_TAG}:{socket.gethostname()}:{os.getpid()}:{process_start(os.getpid())}"


def sweep_stale_runs() -> int:
    """Mark flow runs as crashed whose process on this machine is gone: killed with -9 they stay `Running`. How many."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    running = FlowRunFilter.model_validate({"state": {"type": {"any_": [StateType.RUNNING, StateType.PENDING]}}})
    swept = 0
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=running):
            tag = next((tag for tag in run.tags if tag.startswith(f"{OWNER_TAG}:{socket.gethostname()}:")), None)
            if tag is None:
                continue
            pid, start = tag.split(":")[-2:]
            if not process_alive(int(pid), start):
                client.set_flow_run_state(run.id, Crashed(message="its process is gone"), force=True)
                swept += 1
    return swept


def forget_old_runs(days: int) -> int:
    """Delete finished runs of ours from Prefect's database that are older than `days` (0: none); how many.

    The records are debrief's own; a run's history is only of use while somebody may want to know what happened. A
    watcher makes a run per look, thousands a day; after `MOST_FORGOTTEN` the rest waits for the next night.
    """
    if days <= 0:
        return 0
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    before = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
    old = FlowRunFilter.model_validate({"end_time": {"before_": before}})
    forgotten = others = 0
    with get_client(sync_client=True) as client:
        while forgotten < MOST_FORGOTTEN:
            # what is not ours stays, and is passed over
            runs = client.read_flow_runs(flow_run_filter=old, limit=_PAGE, offset=others)
            if not runs:
                break
            ours = [run for run in runs if any(tag.startswith(f"{OWNER_TAG}:") for tag in run.tags)]
            for run in ours:
                client.delete_flow_run(run.id)
            forgotten += len(ours)
            others += len(runs) - len(ours)
    return forgotten
