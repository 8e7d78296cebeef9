"""The short version of `make torture`: faults really injected, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from waiting import HANGS_S

ROOT = Path(__file__).parents[1]


def test_after_every_fault_each_call_is_once_in_the_store_or_listed(tmp_path: Path) -> None:
    report = tmp_path / "faults.md"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.torture", "--quick", "--report", str(report)],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=4 * HANGS_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(report.with_suffix(".json").read_text())
    assert all(row["problems"] == [] for row in rows.values())
    kills = sum(row["faults"] for name, row in rows.items() if name.startswith("kill"))
    assert kills >= 10
    assert all(row["stored"] + row["listed"] == row["dropped"] for row in rows.values())
    assert sum(row["acknowledged"] for row in rows.values()) > 100
    # small disk and clock need rights or a compiler that a machine may lack; it says so where they are missing
    assert all(row["faults"] > 0 or row["notes"] for row in rows.values())


def test_the_count_can_fail(tmp_path: Path) -> None:
    """The measure itself: a call that is nowhere, and one that is only claimed to be done, are found missing."""
    code = (
        "import random, sys, pathlib; sys.path.insert(0, 'tests')\n"
        "from benchmarks.torture_world import World\n"
        f"world = World(pathlib.Path({str(tmp_path)!r}), random.Random(1))\n"
        "world.drop(2); world.shas.add('ab' * 32); world.facts.add('x'); world.count()\n"
        "print(len(world.found.problems), world.found.verdict)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "4 FAILED\n"
