"""The record: one immutable file per call and scoring, under `results/<sha256>/`; failures and facts beside it.

Everything the database holds is built from these files. A file appears under its name only when it is complete on disk:
it is written under a temporary name, synced, renamed, and its folder synced.

    results/<sha256>/<recogniser>+<diarizer>+<judge>-<rubric>.json   calls
    failures/<hash of the path>.json                                 files that could not become a call
    facts/<kind>/<id>.json                                           what no recording tells (training assignments)
    pending/<sha256>.<seq>                                           records that the database has yet to take in
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline import retry
from pipeline.errors import StoreError

RECORD_FORMAT = 1


def close_to_others() -> None:
    """Files made from here on, by this process and those it starts, are not for every user of the machine: what people
    said on calls stands in them. Whoever shares a group may still share a folder."""
    os.umask(os.umask(0o077) | 0o007)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or nothing, durably. Raises `StoreError` when the disk is full or the folder read-only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StoreError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "free some space" if full else "check its permissions"
    return StoreError(f"{path}: cannot be written ({error.strerror or error}); {remedy}")


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return
    try:
        # some network file systems refuse to sync folders; the rename itself has been done
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def encode(row: Mapping[str, Any]) -> bytes:
    """JSON as it is kept: one line, keys in the order given, ASCII (so that any file name survives), no NaN."""
    return json.dumps(row, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def read_json(path: Path) -> dict[str, Any]:
    """A kept file's object. Raises `StoreError` naming the file when it is missing or damaged."""
    try:
        row = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: result file cannot be read ({error}); process the recording again") from error
    if not isinstance(row, dict):
        raise StoreError(f"{path}: not a result file; process the recording again")
    return row


def results_folder(data: Path) -> Path:
    """Where call records are kept, in the data folder `data`."""
    return data / "results"


def record_name(record: Mapping[str, Any]) -> str:
    """The file name that says who heard and judged: `<recogniser>+<diarizer>+<judge>-<rubric>.json`."""
    made = record["provenance"]
    judge, rubric = made["judge"], made["rubric"]
    heard = (made["engine"], made["engine_revision"], made["diarizer"], scoring_key(judge, rubric))
    return "+".join(part for part in map(_slug, heard[:3]) if part) + f"+{heard[3]}.json"


def scoring_key(judge: Mapping[str, Any], rubric: Mapping[str, Any]) -> str:
    """The part of a record's name that changes when judge or rubric do."""
    return f"{_slug(judge['engine'])}.{_slug(judge['revision'])}-{_slug(rubric['id'])}.{_slug(rubric['version'])}"


def _slug(text: str | None) -> str:
    return re.sub(r"[^a-z0-9._]+", "_", (text or "").lower()).strip("._")[:32]


def write_record(data: Path, record: Mapping[str, Any], *, now: dt.datetime | None = None) -> Path:
    """Keep a call's record; the same record again changes nothing, a different one of the same name supersedes it.

    Adds `kept`: `seq` (1 for the call's first record, then one more than the highest there is), `at` (UTC) and `since`,
    when the call's first was.
    """
    sha256 = str(record["source"]["sha256"])
    with _numbering(data, sha256):
        return _write_next(data, sha256, record, now or dt.datetime.now(dt.UTC))


def _write_next(data: Path, sha256: str, record: Mapping[str, Any], now: dt.datetime) -> Path:
    path = results_folder(data) / sha256 / record_name(record)
    bare = {key: value for key, value in record.items() if key != "kept"}
    kept = [(file, _readable(file)) for file in record_files(data, sha256)]
    latest = max((row["kept"]["seq"] for _, row in kept if row), default=0)
    for file, row in kept:
        if file == path and row and row["kept"]["seq"] == latest and {**row, "kept": None} == {**bare, "kept": None}:
            return path
    # noted before the record is there, so that no end in between leaves one that the database never looks for
    _note_pending(data, sha256, latest + 1)
    at = now.isoformat(timespec="seconds")
    since = min((row["kept"].get("since", row["kept"].get("at", at)) for _, row in kept if row), default=at)
    write_atomically(path, encode({**bare, "kept": {"seq": latest + 1, "at": at, "since": since}}))
    return path


@contextlib.contextmanager
def _numbering(data: Path, sha256: str) -> Iterator[None]:
    """While inside, nobody else numbers a record of this call.

    Two writers would give the same `seq`, and the file's name would decide whose counts. A call's claim does not keep
    them apart: a page scores a call again while a batch does, and who writes from a batch holds the claim already.
    """
    # a few files for all calls: none is left behind per call, and whoever is killed lets go
    path = data / "claims" / f"records-{sha256[:2]}.lock"
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unwritten(path, error) from error
    try:
        yield
    finally:
        lock.release()


def _note_pending(data: Path, sha256: str, seq: int) -> None:
    note = data / "pending" / f"{sha256}.{seq}"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError as error:
        raise _unwritten(note, error) from error


def pending(data: Path) -> dict[str, list[tuple[Path, int]]]:
    """Calls with records that the database may not have: by SHA-256, their notes and the `seq` each stands for."""
    found: dict[str, list[tuple[Path, int]]] = {}
    for note in (data / "pending").glob("*.*"):
        sha256, _, seq = note.name.partition(".")
        if seq.isdigit():
            found.setdefault(sha256, []).append((note, int(seq)))
    return found


def remove_records(data: Path, sha256: str) -> None:
    """Let a call be none any more; the database is told. Raises `StoreError`."""
    _note_pending(data, sha256, 0)
    for file in record_files(data, sha256):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{file}: cannot be deleted ({error.strerror or error}); check permissions") from error


def _readable(path: Path) -> dict[str, Any] | None:
    try:
        row = read_json(path)
    except StoreError:
        return None
    return row if is_record(row) else None


def is_record(row: Mapping[str, Any]) -> bool:
    """Whether an object has all of a call record's parts: on a failing disk one letter of a part's name may be
    another."""
    parts: list[Any] = [row.get(name) for name in ("kept", "source", "provenance", "transcript")]
    kept, source, made, words = parts
    card = row.get("scorecard")
    return (
        all(isinstance(part, dict) for part in parts)
        and isinstance(kept.get("seq"), int)
        and isinstance(row.get("status"), str)
        and isinstance(words.get("turns"), list)
        and isinstance(source.get("known"), dict)
        and {"path", "sha256", "kind", "size", "mtime_ns"} <= source.keys()
        and {"engine", "rubric", "judge"} <= made.keys()
        and (card is None or (isinstance(card, dict) and isinstance(card.get("criteria"), dict)))
    )


def record_files(data: Path, sha256: str) -> list[Path]:
    """The record files of one call, in name order."""
    return sorted((results_folder(data) / sha256).glob("[!.]*.json"))


def all_record_files(data: Path) -> Iterator[Path]:
    """Every call's record files."""
    folder = results_folder(data)
    if folder.is_dir():
        with os.scandir(folder) as entries:
            # a link in a circle is none; what is no link is not asked for twice
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) or os.path.isdir(e.path))
        for name in names:
            yield from record_files(data, name)


def listing(data: Path, folders: Iterable[str]) -> str:
    """A hash of the names, sizes and times of the JSON files in folders of `data`: another one when a file changed."""
    digest = hashlib.sha256()
    for folder in folders:
        digest.update(f"{folder}\0".encode())
        for file in sorted((data / folder).glob("[!.]*.json")):
            with contextlib.suppress(OSError):
                state = file.stat()
                digest.update(f"{file.name}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def latest_record(data: Path, sha256: str) -> dict[str, Any] | None:
    """The call's record with the highest `seq`; None when it has none that can be read and is whole."""
    rows = [row for file in record_files(data, sha256) if (row := _readable(file))]
    return max(rows, key=lambda row: row["kept"]["seq"], default=None)


def write_failure(
    data: Path, failure: Mapping[str, Any], *, max_attempts: int = 3, now: dt.datetime | None = None
) -> dict[str, Any]:
    """Keep why a file could not become a call: `path`, `kind`, `reason`, and `size`, `mtime_ns`, `sha256` where known.

    Counts `attempts` while the file stays the same, and says what follows (`retry.verdict`): `status`, and `next_at`
    where it is tried again by itself. Returns what was kept.
    """
    path = failure_file(data, failure["path"])
    moment = now or dt.datetime.now(dt.UTC)
    before = _failure(path)
    same = before is not None and all(before.get(key) == failure.get(key) for key in ("size", "mtime_ns"))
    # what a full or read-only data folder made fail says nothing of the file
    blameless = before is not None and before["kind"] == "store" and failure["kind"] != "store"
    attempts = before["attempts"] + 1 if before and same and not blameless else 1
    status = retry.verdict(str(failure["kind"]), attempts, max_attempts=max_attempts)
    at = moment.isoformat(timespec="seconds")
    row = {
        **failure,
        "attempts": attempts,
        "status": status,
        "next_at": retry.next_try(attempts, moment).isoformat(timespec="seconds") if status == "retry" else None,
        "first_at": before["first_at"] if before and same else at,
        "last_at": at,
    }
    write_atomically(path, encode(row))
    return row


def failure_file(data: Path, path: str) -> Path:
    """Where the failure of the input `path` is kept."""
    return data / "failures" / f"{hashlib.sha256(path.encode(errors='surrogateescape')).hexdigest()[:32]}.json"


def read_failure(data: Path, path: str) -> dict[str, Any] | None:
    """What was kept about an input's failure, None when it did not fail."""
    return _failure(failure_file(data, path))


def read_failures(data: Path) -> list[dict[str, Any]]:
    """All kept failures, in path order."""
    rows = (_failure(file) for file in (data / "failures").glob("[!.]*.json"))
    return sorted((row for row in rows if row), key=lambda row: str(row["path"]))


def clear_failure(data: Path, path: str) -> None:
    """Forget an input's failure, because it is a call now or gone."""
    failure_file(data, path).unlink(missing_ok=True)


def _failure(path: Path) -> dict[str, Any] | None:
    try:
        row = read_json(path)
    except StoreError:
        return None
    if not {"path", "kind", "reason", "attempts", "first_at", "last_at"} <= set(row):
        return None
    # earlier versions kept no verdict
    return {"status": "refused" if row["kind"] == "input" else "retry", "next_at": None, **row}


def write_fact(data: Path, kind: str, name: str, row: Mapping[str, Any]) -> Path:
    """Keep what no recording tells (`kind` is the table, `name` the row's id); the newest content wins."""
    path = fact_file(data, kind, name)
    write_atomically(path, encode(row))
    return path


def reviews_of(data: Path, call_id: str) -> list[dict[str, Any]]:
    """The reviews of one call; damaged files are passed over."""
    return reviews_by_call(data, (call_id,)).get(call_id, [])


def reviews_by_call(data: Path, call_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The reviews of these calls, whose files' names begin with the call's id: by one look at the folder, whatever the
    number of calls. Damaged files are passed over."""
    folder, wanted = data / "facts" / "reviews", set(call_ids)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        call_id, _, rest = name.partition("_")
        if call_id in wanted and rest.endswith(".json"):
            with contextlib.suppress(StoreError):
                found.setdefault(call_id, []).append(read_json(folder / name))
    return found


def fact_file(data: Path, kind: str, name: str) -> Path:
    """Where the fact of that name is kept."""
    return data / "facts" / kind / f"{_slug(name) or 'fact'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.json"


def read_facts(data: Path, kind: str) -> list[dict[str, Any]]:
    """All facts of a kind, in file order; damaged files are passed over."""
    rows: list[dict[str, Any]] = []
    for file in sorted((data / "facts" / kind).glob("[!.]*.json")):
        with contextlib.suppress(StoreError):
            rows.append(read_json(file))
    return rows
