"""What was written for others: exports and backups, with their files, so that they can be named or deleted later.

written.jsonl   one line each: {"at", "kind", "path", "files": [[path, size, mtime_ns], ...]}
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.keep import write_atomically

FILE = "written.jsonl"


def wrote(data: Path, kind: str, path: Path, files: Iterable[Path], *, now: dt.datetime | None = None) -> None:
    """Remember an export or a backup. A folder that cannot be written costs the memory only."""
    found = []
    for item in files:
        with contextlib.suppress(OSError):
            state = item.stat()
            found.append([str(item.absolute()), state.st_size, state.st_mtime_ns])
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    row = {"at": at, "kind": kind, "path": str(path.absolute()), "files": found}
    with contextlib.suppress(OSError), (data / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def written(data: Path) -> list[dict[str, Any]]:
    """What was remembered, oldest first; unreadable lines are passed over."""
    rows = []
    with contextlib.suppress(OSError):
        for line in (data / FILE).read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and {"at", "kind", "path", "files"} <= row.keys():
                    rows.append(row)
    return rows


def drop_exports(data: Path, *, before: dt.datetime | None = None) -> tuple[int, list[str], list[str]]:
    """Delete the files of exports written before a time (all), unless somebody changed them since.

    How many were deleted; lines about backups, which may hold copies; and lines about what cannot be deleted now or was
    changed, which stays remembered.
    """
    deleted, lines, stuck, stay = 0, [], [], []
    rows = written(data)
    # an export into the same folder again writes over the earlier one's files: that is no change of theirs
    latest = {file[0]: file for row in rows for file in row["files"]}
    for row in rows:
        if before and dt.datetime.fromisoformat(str(row["at"])) >= before:
            stay.append(row)
            continue
        if row["kind"] != "export" and (before or not _within(Path(row["path"]), data)):
            if Path(row["path"]).exists():
                stay.append(row)
                lines.append(f"{row['path']}: a {row['kind']} of {str(row['at'])[:10]}; make a new one and delete it")
            continue
        for path, size, mtime_ns in row["files"]:
            if latest[path] != [path, size, mtime_ns]:
                continue
            try:
                state = os.stat(path)
                if (state.st_size, state.st_mtime_ns) == (size, mtime_ns):
                    os.unlink(path)
                    deleted += 1
                else:
                    stuck.append(f"{path}: was an {row['kind']} and was changed since; delete it if it may not stay")
                    stay.append({**row, "files": [[path, size, mtime_ns]]})
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                # a drive that may not be written to keeps nothing else from going
                stuck.append(
                    f"{path}: is an {row['kind']} and cannot be deleted ({error.strerror or error}); delete it"
                )
                stay.append({**row, "files": [[path, size, mtime_ns]]})
    text = "".join(json.dumps(row) + "\n" for row in stay)
    if text or (data / FILE).exists():
        # whole or not at all: what a full disk made it forget would never be deleted; told again it does no harm
        with contextlib.suppress(StoreError):
            write_atomically(data / FILE, text.encode("ascii"))
    return deleted, lines, stuck


def _within(path: Path, folder: Path) -> bool:
    return folder.absolute() in path.absolute().parents
