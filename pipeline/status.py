"""What a running watcher is doing, as one small JSON file per process: for `debrief doctor` and the web app.

status/watch-<host>-<pid>.json    {"pid", "host", "started", "inbox", "since", "looked", "at", "state", "files",
                                   "waiting", "counts": {status: n}, "now": [file names], "last": [lines], "problem"}
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.claims import process_alive, process_start

STALE_S = 300.0
"""A watcher of another machine that has said nothing for so long is taken to be gone."""


def status_file(data: Path) -> Path:
    """Where this process says what it does."""
    return data / "status" / f"watch-{socket.gethostname()}-{os.getpid()}.json"


def write_status(data: Path, row: Mapping[str, Any]) -> None:
    """Replace what this process says. A folder that cannot be written costs the news only."""
    path = status_file(data)
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}
    full = {**owner, **row, "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    half = path.with_suffix(".tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # not synced: news that a power cut may cost
        half.write_text(json.dumps(full), encoding="utf-8")
        os.replace(half, path)


def clear_status(data: Path) -> None:
    """Say no more."""
    with contextlib.suppress(OSError):
        status_file(data).unlink(missing_ok=True)


def watchers(data: Path) -> list[dict[str, Any]]:
    """What every watcher of this data folder says, each with `alive`; files of dead ones here are removed."""
    found = []
    for file in sorted((data / "status").glob("watch-*.json")):
        try:
            row = json.loads(file.read_bytes())
            at = dt.datetime.fromisoformat(row["at"])
            here = row["host"] == socket.gethostname()
            alive = (
                process_alive(int(row["pid"]), row["started"])
                if here
                else abs((dt.datetime.now(dt.UTC) - at).total_seconds()) < STALE_S
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if here and not alive:
            with contextlib.suppress(OSError):
                file.unlink()
            continue
        found.append({**row, "alive": alive})
    return found
