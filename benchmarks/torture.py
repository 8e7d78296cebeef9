"""Faults, really injected: after each, every dropped call is once in the store or listed with its reason.

    python -m benchmarks.torture [--quick] [--kills N] [--seed N] [--report FILE]

Each scenario has a data folder of its own, drops calls into its inbox, hurts something, lets debrief go on, and counts.
Hearing and judging are the tests' stand-ins (`tests/fakes.py`): what is under test is what keeps the calls, and five
hundred kills should not take a night. Flow, worker processes, claims, record files, store and its server are real.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import torture_faults, torture_kills
from benchmarks.torture_world import Finding, World

ROOT = Path(__file__).parents[1]

SCENARIOS: dict[str, Callable[[World, int], Finding]] = {
    "kill the flow": torture_kills.flow,
    "kill a worker": torture_kills.worker,
    "kill the ingester": torture_kills.ingester,
    "kill the process that serves the store": torture_kills.server,
    "kill the Prefect flow": torture_kills.prefect,
    "two watchers, one told to stop, one killed": torture_kills.watchers,
    "disk full (small tmpfs)": torture_faults.small_disk,
    "disk full (file-size limit)": torture_faults.size_limit,
    "read-only data folder": torture_faults.read_only,
    "corrupt result file": torture_faults.corrupt_result,
    "corrupt database": torture_faults.corrupt_database,
    "lock and claims of dead processes": torture_faults.dead_holder,
    "clock set back a year": torture_faults.clock_back,
    "engine crashes, hangs, runs out of memory": torture_faults.bad_engine,
    "two debriefs on one folder": torture_faults.two_at_once,
}

SHARES = {
    "kill the flow": 0.32,
    "kill a worker": 0.28,
    "kill the ingester": 0.19,
    "kill the process that serves the store": 0.19,
    "kill the Prefect flow": 0.02,
}
"""How the kills are spread over the scenarios that kill."""
SLOW = ("kill the Prefect flow", "two watchers, one told to stop, one killed")
"""Scenarios that wait for Prefect's server, which takes a quarter of a minute each time."""
ROUNDS = 6
"""Rounds of every other scenario."""


def main() -> int:
    args = _arguments()
    kills, rounds = (12, 1) if args.quick else (args.kills, ROUNDS)
    wanted = [name for name in SCENARIOS if not args.only or args.only in name]
    if args.quick:
        wanted = [name for name in wanted if name not in SLOW]
    findings = {}
    for name in wanted:
        started = time.monotonic()
        times = max(1, round(kills * SHARES[name])) if name in SHARES else rounds
        with tempfile.TemporaryDirectory(prefix="debrief-torture-") as folder:
            found = SCENARIOS[name](World(Path(folder), random.Random(f"{args.seed} {name}")), times)
        found.seconds = time.monotonic() - started
        findings[name] = found
        print(f"{found.verdict:6} {name}: {found.line()}", flush=True)
    if args.report:
        args.report.write_text(report(findings, seed=args.seed), encoding="utf-8")
        args.report.with_suffix(".json").write_text(
            json.dumps({name: found.row() for name, found in findings.items()}, indent=1), encoding="utf-8"
        )
    return 0 if all(not found.problems for found in findings.values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short version, for the tests")
    parser.add_argument("--kills", type=int, default=520)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios with these words in their name")
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


def report(findings: dict[str, Finding], *, seed: int) -> str:
    """The findings as Markdown."""
    total = sum(found.faults for name, found in findings.items() if name in SHARES)
    lines = [
        "# Faults",
        "",
        f"`make torture`, seed {seed}: {total} kills -9 at random moments, and the faults below, "
        f"on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, commit {_commit()}.",
        "",
        "After every scenario each dropped file is looked for: once in the store, or listed with its reason; what was",
        "acknowledged (an outcome said, a fact written) before a kill must be there after it. A lost, doubled or",
        "silently missing call would be a problem.",
        "",
        "| fault | injected | files dropped | in the store | listed with a reason | acknowledged | problems | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {found.cells()} |" for name, found in findings.items()]
    for name, found in findings.items():
        lines += [f"- {name}: {text}" for text in (*found.notes, *found.problems)]
    return "\n".join(lines) + "\n"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
