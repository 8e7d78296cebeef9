"""Housekeeping: what crashes and long use leave behind in the data folder.

Nothing here touches a fact, a user's file, or a record, but for those of erased calls that an old backup brought back.
Logs, digests and Prefect's runs go after `keep_logs_days`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from pipeline import erased, keep
from pipeline.days import days_before
from pipeline.errors import DebriefError
from pipeline.settings import Settings

HALF_MADE_S = 3600.0
"""A temporary file older than this belongs to a process that was killed."""
COPIES_S = 30 * 86400.0
"""A copy of a recording, or a clip, that nobody listened to for that long is made again when somebody does."""
LOG_BYTES = 10_000_000
SILENT_S = 86400.0
"""A watcher says every half minute that it lives; one elsewhere that has not for a day is gone."""
DAMAGED_KEPT = 2
"""Damaged databases that were set aside: the newest so many stay for whoever wants to look."""
_DAY_BEFORE = re.compile(rb"^(\d{4}-\d\d-\d\d)[T ]", re.MULTILINE)
"""What an entry of a log begins with."""


def tidy(settings: Settings, *, dry_run: bool = False) -> dict[str, int]:
    """Remove what is left over; how many files of each kind. Files that cannot be removed stay for the next time. With
    `dry_run` they are counted only."""
    data, go = settings.data, not dry_run
    return {
        "temporary": _old(_half_made(data), seconds=HALF_MADE_S, go=go),
        "logs": _logs(settings, go=go),
        "digests": _old((data / "digests").glob("*.html"), seconds=_days(settings), go=go),
        "copies to listen to": _old((data / "cache" / "listen").glob("[!.]*"), seconds=COPIES_S, go=go),
        "watchers that are gone": _old((data / "status").glob("watch-*"), seconds=SILENT_S, go=go),
        "damaged databases": _but_newest(sorted(data.glob("store.damaged-*.duckdb")), go=go),
        "failures of files that are gone": _gone(settings, go=go),
        "records of erased calls": _erased(settings, go=go),
    }


def _days(settings: Settings) -> float:
    return settings.keep_logs_days * 86400.0 if settings.keep_logs_days > 0 else float("inf")


def _half_made(data: Path) -> list[Path]:
    found = [*data.glob(".*.tmp"), *data.glob("store.rebuilding.*")]
    for folder in ("failures", "facts", "results", "digests", "logs"):
        found.extend((data / folder).glob("**/.*.tmp"))
    return found


def _logs(settings: Settings, *, go: bool) -> int:
    """How many logs were deleted, lost entries that were too old, or were set aside because they are long."""
    folder, seconds = settings.data / "logs", _days(settings)
    deleted = _old(folder.glob("*.log*"), seconds=seconds, go=go)
    changed = 0
    for log in sorted(folder.glob("*.log")):
        with contextlib.suppress(OSError):
            if time.time() - log.stat().st_mtime > seconds:
                continue
            changed += _trim(log, settings.keep_logs_days, go=go) or _rotate(log, go=go)
    return deleted + changed


def _old(paths: Iterable[Path], *, seconds: float, go: bool) -> int:
    count = 0
    for path in list(paths):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > seconds:
                if go:
                    # an export that was being made for another process is a folder
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                count += 1
    return count


def _trim(log: Path, days: int, *, go: bool) -> int:
    """Take a log's entries out that are older than so many days (0: none); 1 where there were some. A short log is
    written to for years, and what a command was asked stands in it. Lines without a time go with the entry before
    them. Raises `OSError`."""
    if days <= 0:
        return 0
    limit = days_before(dt.date.today(), days).isoformat().encode()
    text = log.read_bytes()
    entries = list(_DAY_BEFORE.finditer(text))
    start = next((entry.start() for entry in entries if entry[1] >= limit), len(text))
    if not start or all(entry[1] >= limit for entry in entries):
        return 0
    if go:
        # the same file: a worker that runs for weeks has it open, and would write on to one that is gone
        with log.open("r+b") as file:
            file.write(text[start:])
            file.truncate()
    return 1


def _rotate(log: Path, *, go: bool) -> int:
    """Set a log aside that has grown long; 1 where it has. Raises `OSError`."""
    if log.stat().st_size <= LOG_BYTES:
        return 0
    if go:
        os.replace(log, log.with_name(f"{log.name}.{int(time.time())}"))
    return 1


def _but_newest(paths: list[Path], *, go: bool) -> int:
    count = 0
    for path in paths[:-DAMAGED_KEPT]:
        with contextlib.suppress(OSError):
            if go:
                path.unlink()
            count += 1
    return count


def _gone(settings: Settings, *, go: bool) -> int:
    count = 0
    for row in keep.read_failures(settings.data):
        with contextlib.suppress(OSError):
            if was_deleted(str(row["path"]), settings):
                if go:
                    keep.clear_failure(settings.data, str(row["path"]))
                count += 1
    return count


def _erased(settings: Settings, *, go: bool) -> int:
    """How many records there were of calls that are marked as erased: an earlier state of the folder was put back."""
    names = [marker.name for marker in erased.folder(settings.data).glob("[!.]*")]
    back = {name: len(files) for name in names if (files := keep.record_files(settings.data, name))}
    return 0 if back and go and not _erase_again(settings, back) else sum(back.values())


def _erase_again(settings: Settings, shas: Iterable[str]) -> bool:
    """Erase calls with what quotes them, which came back as well; False where that has to wait for the next time."""
    from pipeline.erase import Erasure, calls_to_erase, erase
    from pipeline.store import Store

    try:
        with Store(settings.data) as store:
            # `again`: their marks stay as they are, with the day on them
            erase(settings, store, Erasure(tuple(calls_to_erase(settings.data, shas))), again=True)
    except DebriefError:
        return False
    return True


def was_deleted(path: str, settings: Settings) -> bool:
    """Whether a file was deleted, and is not merely out of reach with the whole inbox or another drive: where the next
    folder above it that is there holds nothing at all, that is the mount point of one that is away."""
    # os.path: a server that does not answer is no error here
    if os.path.lexists(path):
        return False
    inbox = settings.inbox_folder.absolute()
    for folder in Path(path).parents:
        if folder == inbox and not os.path.isdir(inbox):
            return False
        if os.path.isdir(folder):
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                return next(entries, None) is not None
            return False
    return False
