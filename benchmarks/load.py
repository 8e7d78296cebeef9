"""Transcripts through the real flow while people read the web app: is anything slow, lost, doubled or too large?

    python -m benchmarks.load [--calls 10000] [--whole 4] [--pace 2] [--folder FOLDER] [--report FILE]

The `process` flow (Prefect, two workers, the judge as it ships) works through the calls of `benchmarks/load_calls.py`;
`debrief serve` runs beside it on the same data folder, and a manager and an admin, signed in over HTTP, read `--pace`
pages a second between them. The report is written every minute from what is there, and with `--folder` all is kept
(calls, results, each page read as a line of `reads.jsonl`): the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load_calls import TEAMS, write_calls
from benchmarks.load_processes import Processes
from benchmarks.load_reader import Reader
from benchmarks.load_report import Run, all_reads, held_against, progress, report, write

ROOT = Path(__file__).parents[1]
PASSWORD = "a long enough phrase"
USERS = {"Ada": ("--role", "admin"), "Mo": ("--role", "manager", "--team", TEAMS[0], "--team", TEAMS[1])}
LOOK_S, REPORT_S = 2.0, 60.0
AFTER_S = 30.0
"""How long the pages are read on after the flow has ended: what came last is still being worked out."""
START_S = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--whole", type=int, default=4, choices=range(6), help="of each five calls, not cut off")
    parser.add_argument("--pace", type=float, default=2.0, help="pages a second")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--report", type=Path, default=ROOT / "benchmarks" / "load.md")
    args = parser.parse_args()
    # stopped from outside, it ends what it started and writes what it has
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("stopped"))
    run = Run(args.calls, args.pace, whole=args.whole)
    with kept_or_not(args.folder) as folder:
        try:
            measure(run, folder, args.report)
        finally:
            write(run, args.report, over=True)
    print("\n".join(report(run, over=True)))
    return 1 if run.problems or any(read.status != 200 for read in all_reads(run)) else 0


@contextmanager
def kept_or_not(kept: Path | None) -> Iterator[Path]:
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="debrief-load-") as made:
        yield Path(made)


def measure(run: Run, folder: Path, to: Path) -> None:
    """The whole run: files, web app, readers, flow, and the count at the end."""
    inbox, data = folder / "inbox", folder / "data"
    say(f"making {run.calls:,} transcripts")
    dropped = write_calls(inbox, run.calls, whole=run.whole)
    data.mkdir(exist_ok=True)
    stop = threading.Event()
    with serving(folder, data, inbox) as (web, address):
        run.readers = [
            Reader(
                address,
                name,
                PASSWORD,
                every_s=len(USERS) / run.pace,
                first_s=number / run.pace,
                stop=stop,
                log=folder / "reads.jsonl",
            )
            for number, name in enumerate(USERS)
        ]
        for reader in run.readers:
            reader.wait_until_ready()
        flow = started(["benchmarks.load_flow", str(data), str(inbox)], folder / "flow.log", stdout=subprocess.PIPE)
        begun = time.monotonic()
        listener = threading.Thread(target=listen, args=(run, flow, begun), daemon=True)
        try:
            run.processes = Processes({"flow": flow.pid, "web app": web.pid})
            for thread in (listener, *run.readers):
                thread.start()
            look_on(run, flow, begun, to)
            run.flow_s = time.monotonic() - begun
            listener.join(10)
            if flow.returncode or run.ended is None:
                run.problems.append(f"the flow ended with {flow.returncode}; {tail(folder / 'flow.log')}")
            count(run, data, dropped)
            write(run, to)
            time.sleep(AFTER_S)
            run.problems += [f"{reader.name} reads no more" for reader in run.readers if not reader.is_alive()]
        finally:
            stop.set()
            end(flow)
            for reader in run.readers:
                reader.join(90)
        if web.poll() is not None:
            run.problems.append(f"the web app ended with {web.returncode}; {tail(folder / 'serve.log')}")


def look_on(run: Run, flow: subprocess.Popen[Any], begun: float, to: Path) -> None:
    """Look at the processes until the flow has ended, and write the report now and then."""
    written = time.monotonic()
    while flow.poll() is None:
        assert run.processes is not None
        run.processes.look()
        run.load.append(os.getloadavg()[0])
        if time.monotonic() - written > REPORT_S:
            written = time.monotonic()
            write(run, to)
            say(progress(run, written - begun))
        time.sleep(LOOK_S)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def started(module: list[str], log: Path, **options: Any) -> subprocess.Popen[Any]:
    """A module of ours as a process of its own; what it says on stderr goes to `log`."""
    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", *module], stderr=errors, cwd=ROOT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}, **options,
        )  # fmt: skip


def listen(run: Run, flow: subprocess.Popen[Any], begun: float) -> None:
    for line in flow.stdout or ():
        run.hear(line, time.monotonic() - begun)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process of ours in order, and if it will not, at once."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(log: Path) -> str:
    return " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-500:]


@contextmanager
def serving(folder: Path, data: Path, inbox: Path) -> Iterator[tuple[subprocess.Popen[Any], str]]:
    """`debrief serve` with its users, as it answers; ended afterwards."""
    (data / "debrief.toml").write_text(f"inbox = {json.dumps(str(inbox))}\n", encoding="utf-8")
    for name, role in USERS.items():
        command = ["-m", "pipeline.cli", "users", "add", name, *role, "--password-stdin", "--data", str(data)]
        subprocess.run([sys.executable, *command], input=PASSWORD + "\n", text=True, cwd=ROOT, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (folder / "serve.log").open("ab") as out:
        command = ["pipeline.cli", "serve", "--data", str(data), "--port", str(port)]
        web = started(command, folder / "serve.log", stdout=out)
    try:
        until = time.monotonic() + START_S
        while not answers(address):
            if web.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the web app did not start; {tail(folder / 'serve.log')}")
            time.sleep(0.2)
        yield web, address
    finally:
        end(web)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def count(run: Run, data: Path, dropped: dict[str, str]) -> None:
    """Whether each call dropped is in the store exactly once, asked of the store itself."""
    from pipeline.store import Store

    with Store(data) as store:
        rows = store.query("SELECT sha256, status FROM calls")
        failed = store.query("SELECT path, reason FROM failures")
    line, problems = held_against(dropped, rows, failed)
    run.kept = [line]
    run.problems += problems


if __name__ == "__main__":
    sys.exit(main())
