"""Nothing leaves the machine: commands run with the network blocked, and nothing tries to use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.offline import GUARD, alone, run


def test_calls_are_processed_exported_and_erased_without_a_network(tmp_path: Path) -> None:
    results, attempts = run(tmp_path, isolated=bool(alone()), only=("process", "gaps", "export", "erase"))

    assert [(command, code) for command, code, _ in results] == [
        ("process", 0), ("gaps", 0), ("export", 0), ("erase", 0)
    ]  # fmt: skip
    assert attempts == []
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"Nair" in path.read_bytes()]
    assert left == []


def test_the_guard_would_have_seen_an_attempt(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(GUARD)
    log = tmp_path / "attempts"
    log.touch()
    code = "import urllib.request as u\ntry: u.urlopen('http://192.0.2.1/', timeout=2)\nexcept OSError as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**{k: v for k, v in os.environ.items() if "proxy" not in k.lower()},
             "PYTHONPATH": str(tmp_path), "DEBRIEF_ATTEMPTS": str(log)},
    )  # fmt: skip

    assert "the network is blocked" in done.stdout, done.stderr
    assert "192.0.2.1" in log.read_text()
