"""Housekeeping: what crashes and long use leave behind in the data folder.

Nothing here touches a record, a fact or a user's file. Logs, digests and Prefect's runs go after `keep_logs_days`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from pipeline import keep
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


def tidy(settings: Settings) -> dict[str, int]:
    """Remove what is left over; how many files of each kind. Files that cannot be removed stay for the next time."""
    data = settings.data
    return {
        "temporary": _old(_half_made(data), seconds=HALF_MADE_S),
        "logs": _old((data / "logs").glob("*.log.*"), seconds=_days(settings)) + sum(map(_rotate, _logs(data))),
        "digests": _old((data / "digests").glob("*.html"), seconds=_days(settings)),
        "copies to listen to": _old((data / "cache" / "listen").glob("[!.]*"), seconds=COPIES_S),
        "watchers that are gone": _old((data / "status").glob("watch-*"), seconds=SILENT_S),
        "damaged databases": _but_newest(sorted(data.glob("store.damaged-*.duckdb"))),
        "failures of files that are gone": _gone(settings),
    }


def _days(settings: Settings) -> float:
    return settings.keep_logs_days * 86400.0 if settings.keep_logs_days > 0 else float("inf")


def _half_made(data: Path) -> list[Path]:
    found = [*data.glob(".*.tmp"), *data.glob("store.rebuilding.*")]
    for folder in ("failures", "facts", "results", "digests"):
        found.extend((data / folder).glob("**/.*.tmp"))
    return found


def _logs(data: Path) -> list[Path]:
    return sorted((data / "logs").glob("*.log"))


def _old(paths: object, *, seconds: float) -> int:
    count = 0
    for path in list(paths):  # type: ignore[call-overload]
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > seconds:
                # an export that was being made for another process is a folder
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                count += 1
    return count


def _rotate(log: Path) -> int:
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            os.replace(log, log.with_name(f"{log.name}.{int(time.time())}"))
            return 1
    return 0


def _but_newest(paths: list[Path]) -> int:
    count = 0
    for path in paths[:-DAMAGED_KEPT]:
        with contextlib.suppress(OSError):
            path.unlink()
            count += 1
    return count


def _gone(settings: Settings) -> int:
    count = 0
    for row in keep.read_failures(settings.data):
        with contextlib.suppress(OSError):
            if was_deleted(str(row["path"]), settings):
                keep.clear_failure(settings.data, str(row["path"]))
                count += 1
    return count


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
