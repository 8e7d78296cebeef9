"""Calls that were erased, so that a look at the inbox does not bring them back: hashes and a date, nothing else.

erased/<sha256>   empty; its time is when the call was erased
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path

from pipeline import keep
from pipeline.errors import Withheld
from pipeline.ingest import Source


def mark(data: Path, sha256: str) -> None:
    """Remember that the content with this hash was erased. Raises `StoreError`."""
    if sha256:
        keep.write_atomically(marker(data, sha256), b"")


def folder(data: Path) -> Path:
    """Where the markers are."""
    return data / "erased"


def touch(data: Path) -> None:
    """Tell who shows what it did lately (a watcher) that something was erased."""
    with contextlib.suppress(OSError):
        folder(data).mkdir(parents=True, exist_ok=True)
        os.utime(folder(data))


def touched(data: Path) -> int:
    """When something was erased last (ns since 1970); 0 for never."""
    try:
        return folder(data).stat().st_mtime_ns
    except OSError:
        return 0


def marker(data: Path, sha256: str) -> Path:
    """The file that says so; whoever deletes it lets the call in again."""
    return folder(data) / sha256


def is_marked(data: Path, sha256: str) -> bool:
    """Was the content with this hash erased?"""
    return bool(sha256) and marker(data, sha256).is_file()


def require(data: Path, source: Source) -> None:
    """Raise `Withheld`, one line, for a call that was erased (itself, or the transcript beside it)."""
    for sha256 in (source.sha256, source.companion_sha256):
        if is_marked(data, sha256):
            file = marker(data, sha256)
            day = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC).date()
            raise Withheld(
                f"{source.path}: erased on {day}, so it is not taken in; delete it, or {file} to take it in again"
            )
