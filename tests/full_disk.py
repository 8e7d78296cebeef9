"""Every write of the store, again and again on a disk that has a little more room each time, until it is kept.

    python full_disk.py DATA

Run by `test_store.py` in a process of its own, because it may abort. The limit on the size of a file is the disk: the
largest file is the database's log, so that only a commit meets it.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import keep
from pipeline.database import Database
from pipeline.errors import StoreError

STEP = 400
"""Bytes of room from one try to the next: less than DuckDB gathers before it writes, so that some end in its last
write, which is the one that it has to take back."""

FACTS: dict[str, dict[str, Any]] = {
    "assignments": {"assignment_id": "a", "rep": "Ann", "criterion": "c", "status": "open", "assigned_on": "2026-09-01",
                    "detail": {"calls": ["x"]}},
    "sessions": {"session_id": "s", "rep": "Ann", "held_on": "2026-09-01", "status": "held"},
    "quotas": {"quota_id": "q", "rep": "Ann", "measure": "m", "starts_on": "2026-09-01", "ends_on": "2026-09-30",
               "target": 1.0},
    "activities": {"activity_id": "a", "rep": "Ann", "measure": "m", "starts_on": "2026-09-01", "count": 1.0},
    "comments": {"comment_id": "c", "call_id": "x", "who": "Tess", "text": "yes", "written_at": "2026-09-01T10:00:00"},
    "reviews": {"review_id": "r", "call_id": "x", "criterion": "c", "kind": "blind", "who": "Tess", "why": "so",
                "reviewed_at": "2026-09-01T10:00:00", "na": False, "evidence": [1]},
    "snippets": {"snippet_id": "s", "call_id": "x", "t0": 1.0, "t1": 2.0, "title": "t", "who": "Tess", "note": "",
                 "kept_at": "2026-09-01T10:00:00", "verdict": "good", "tags": ["t"], "shared": True},
}  # fmt: skip
NEWS: dict[str, dict[str, Any]] = {
    "assignments": {"status": "done", "detail": None},
    "sessions": {"minutes": 30},
    "quotas": {"result": 2.0},
    "activities": {"count": 2.0},
    "comments": {"text": "no"},
    "reviews": {"why": "not so", "evidence": [2]},
    "snippets": {"playlists": ["p"]},
}


def main(data: Path) -> None:
    keep.write_failure(data, {"path": "/in/a.wav", "kind": "input", "reason": "empty"})
    database = Database(data)
    database.ingest()
    for kind, row in FACTS.items():
        database.put_fact(kind, row)
    for n in range(20):
        # a log that is larger than what is kept as a file
        database.put_fact("sessions", {**FACTS["sessions"], "session_id": f"s{n}", "topic": "x" * 500})
    for kind, row in FACTS.items():
        until_kept(kind, data, lambda kind=kind, row=row: database.put_fact(kind, {**row, **NEWS[kind]}))  # type: ignore[misc]
    keep.write_failure(data, {"path": "/in/a.wav", "kind": "input", "reason": "empty"})
    until_kept("failures", data, database.ingest)
    for file in (data / "results").rglob("*.json"):
        record = json.loads(file.read_text())
        record["transcript"]["meta"]["title"] = "another"
        file.write_text(json.dumps(record))
    until_kept("calls", data, database.ingest)
    database.close()


def until_kept(what: str, data: Path, write: Callable[[], object]) -> None:
    log, hard = data / "store.duckdb.wal", resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for tries in range(200):
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + tries * STEP, hard))
        try:
            write()
            print(what, "kept after", tries)
            return
        except StoreError as error:
            if "File too large" not in str(error):
                raise
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    raise AssertionError(what)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
