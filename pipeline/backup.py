"""One file that holds what cannot be made again: records, failures, facts, settings, a trainer's own modules.

What is built from these (the database), locks, caches, logs, Prefect's own files and earlier backups stay out;
recordings in the inbox come along when asked for. Record files are whole or not there, so a backup may be taken while
debrief works.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline import register
from pipeline.errors import StoreError
from pipeline.own_files import is_backup, is_data_folder, walked

LEFT_OUT_FOLDERS = frozenset({"claims", "prefect", "logs", "cache", "pending", "status"})
LEFT_OUT_FILES = ("store.", "hashes.jsonl")
_SQLITE = b"SQLite format 3\0"


def back_up(data: Path, target: Path, *, inbox: Path | None = None) -> tuple[int, int]:
    """Write the data folder's backup to `target` (`.tar.gz`); how many files it holds, and its size in bytes.

    `inbox` are the recordings to take along. Unpacked as a data folder, `debrief rebuild` makes it complete.
    Raises `StoreError` when there is nothing to back up, the file cannot be written, or something cannot be read: a
    backup without it would be found out when it is needed.
    """
    if not data.is_dir():
        raise StoreError(f"{data}: no such data folder; name one with --data")
    half = target.with_name(f".{target.name}.tmp")
    earlier = {Path(row["path"]).absolute() for row in register.written(data) if row["kind"] == "backup"}
    count = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            os.chmod(half, 0o600)
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
                for path, name in _files(data, inbox, skip=earlier | {half.absolute(), target.absolute()}):
                    count += _add(archive, path, name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, target)
        return count, target.stat().st_size
    except BaseException as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StoreError(f"{target}: cannot be written ({error.strerror or error}); check the disk") from error
        raise


def default_target(now: dt.datetime | None = None) -> Path:
    """`debrief-backup-<date>T<time>.tar.gz` in the current folder."""
    return Path(f"debrief-backup-{now or dt.datetime.now():%Y-%m-%dT%H%M%S}.tar.gz")


def _files(data: Path, inbox: Path | None, *, skip: set[Path]) -> Iterator[tuple[Path, str]]:
    """Files and their names in the archive; of links those at the top of the data folder only are followed."""
    own = (data / "inbox").absolute()
    for folder, names, files in walked(data, onerror=_unread):
        here = Path(folder)
        top = here == data
        names[:] = sorted(
            name for name in names if not (top and name in LEFT_OUT_FOLDERS) and (here / name).absolute() != own
        )
        for name in sorted(files):
            path = here / name
            ours = (top and name.startswith(LEFT_OUT_FILES)) or name.endswith(".tmp")
            if ours or _is_backup(path, skip):
                continue
            yield path, path.relative_to(data).as_posix()
    if inbox and inbox.is_dir():
        for folder, names, files in os.walk(inbox, onerror=_unread):
            names[:] = sorted(name for name in names if not is_data_folder(Path(folder, name)))
            for name in sorted(files):
                path = Path(folder, name)
                if not _is_backup(path, skip):
                    yield path, f"inbox/{path.relative_to(inbox).as_posix()}"


def _is_backup(path: Path, skip: Collection[Path]) -> bool:
    """Whether a file is a backup, or the one that is being written: one in another doubles it with each one."""
    return path.absolute() in skip or is_backup(path.name)


def _unread(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        where, why = error.filename, error.strerror or error
        raise StoreError(f"{where}: cannot be read ({why}), so no backup was written; check its permissions") from error


def _add(archive: tarfile.TarFile, path: Path, name: str) -> int:
    """Add one regular file; 1 when it was there, 0 when it has gone meanwhile or is a link or a socket.

    Settings that lie elsewhere (`debrief.toml` in a mounted folder) are the data folder's: a link at its top is read.
    """
    if (path.is_symlink() and "/" in name) or not path.is_file() or path.name.endswith(("-wal", "-shm", "-journal")):
        return 0
    try:
        with path.open("rb") as file:
            info = archive.gettarinfo(arcname=name, fileobj=file)
            is_sqlite = file.read(len(_SQLITE)) == _SQLITE
            file.seek(0)
            if is_sqlite:
                _add_sqlite(archive, path, info)
            else:
                archive.addfile(info, file)
        return 1
    except PermissionError as error:
        _unread(error)
    except FileNotFoundError:
        pass
    return 0


def _add_sqlite(archive: tarfile.TarFile, path: Path, info: tarfile.TarInfo) -> None:
    """A SQLite file as of one moment, also while others write to it; whose it is and who may read it stays."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        # a `#`, `?` or `%` of the path would be read as part of the address
        address = f"{path.absolute().as_uri()}?mode=ro"
        try:
            with (
                contextlib.closing(sqlite3.connect(address, uri=True)) as source,
                contextlib.closing(sqlite3.connect(copy)) as made,
            ):
                source.backup(made)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be copied ({error}); no backup was written") from error
        info.size = copy.stat().st_size
        with copy.open("rb") as file:
            archive.addfile(info, file)
