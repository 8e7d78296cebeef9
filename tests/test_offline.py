"""Nothing leaves the machine: commands run with the network blocked, and nothing tries to use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.skipif(not alone(), reason="no network namespace is allowed here")
def test_what_reaches_out_past_python_is_seen_too(tmp_path: Path) -> None:
    log = tmp_path / "attempts"
    # nothing refuses here, as nothing refuses a library written in C
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2)\nexcept OSError as e: print(e)"
    done = subprocess.run(
        [*alone(), sys.executable, "-I", "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "DEBRIEF_ATTEMPTS": str(log)},
    )  # fmt: skip
    assert "unreachable" in done.stdout
    assert "nowhere to go" in log.read_text()


def test_what_finds_speech_keeps_no_device_identifier_by_which_it_would_tell_of_us(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    subprocess.run(
        [sys.executable, "-c", "from models import silero; silero._session()"],
        check=True, cwd=Path(__file__).parents[1],
        env={**environment, "HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"},
    )  # fmt: skip
    assert list(tmp_path.rglob("*")) == []
