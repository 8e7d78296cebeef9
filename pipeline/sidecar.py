"""What files beside a recording state about it: a sidecar of its own, or a table for the whole folder.

    call.wav.yaml, call.yaml     `rep: Priya Nair` and so on; `.yml`, `.json`, `.csv` (a heading and one row) likewise
    calls.csv, metadata.csv      one row per file of the folder, its name in the column `file`
    call.json of a vendor        what Gong, Zoom and others export beside a recording (`VENDOR_KEYS`)

A sidecar of its own wins over the folder's table. A date may be a time (`2026-04-01T01:30:00Z`): the call is of the day
that it was then in the `timezone` beside it (`America/Los_Angeles`), else on this machine.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.types import CallMeta

SIDECAR_SUFFIXES = (".json", ".yaml", ".yml", ".csv")
TABLES = ("calls.csv", "metadata.csv")
"""Names of a folder's table."""
MAX_BYTES = 1_000_000
"""A sidecar larger than this is refused unread."""
MAX_TABLE_BYTES = 50_000_000

KNOWN: tuple[str, ...] = ("rep", "team", "account", "date", "call_type", "title", "consent")
VENDOR_KEYS: dict[str, tuple[str, ...]] = {
    "date": ("started", "starttime", "start_time", "scheduled", "meeting_start_time", "call_date", "recorded_at"),
    "timezone": ("timezone", "time_zone", "tz"),
    "title": ("topic", "subject", "meeting_topic"),
    "rep": ("owner", "owner_name", "host", "host_name", "host_email", "agent", "agent_name", "user_name", "sales_rep"),
    "account": ("accountname", "account_name", "company", "company_name", "customer", "customer_name"),
    "consent": ("recording_consent", "consent_given", "has_consent", "consented", "recording_permission"),
    "external_id": ("id", "callid", "call_id", "uuid"),
}
"""What vendors call what debrief calls by the key; first match counts, in lower case."""

Row = dict[str, Any]


def read_sidecar(path: Path, *, root: Path | None = None) -> CallMeta:
    """What is stated about the recording `path`; empty when nothing is.

    A link that leads out of `root` is not followed. Raises `InputError` naming the sidecar when it cannot be read.
    """
    for suffix in SIDECAR_SUFFIXES:
        for candidate in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if candidate == path or candidate.name.lower() in TABLES or not _ours(candidate, root):
                continue
            row = _load(candidate)
            if row is not None:
                return CallMeta.from_json(row)
    for name in TABLES:
        table = path.with_name(name)
        if table != path and _ours(table, root):
            state = table.stat()
            found = _table(table, state.st_size, state.st_mtime_ns).get(path.name)
            if found:
                return CallMeta.from_json(found)
    return CallMeta()


def is_table(name: str) -> bool:
    """True for the name of a folder's table."""
    return name.lower() in TABLES


def _ours(path: Path, root: Path | None) -> bool:
    try:
        if not path.is_file():
            return False
        return not path.is_symlink() or root is None or root.resolve() in path.resolve().parents
    except (OSError, RuntimeError, ValueError):
        return False


def _load(path: Path) -> Row | None:
    """The sidecar's mapping; None when the file is a transcript of its own."""
    import yaml

    text = _text(path, MAX_BYTES)
    if text is None:
        if path.suffix.lower() in (".json", ".csv"):
            return None
        raise InputError(f"{path}: over {MAX_BYTES // 1_000_000} MB, too large for metadata; correct or delete it")
    try:
        if path.suffix.lower() == ".csv":
            rows = list(_rows(text))
            return rows[0] if len(rows) == 1 else None
        row = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError, csv.Error) as error:
        raise InputError(f"{path}: metadata cannot be read ({_line(error)}); correct or delete it") from error
    if isinstance(row, dict) and isinstance(row.get("meta"), dict) and "turns" not in row:
        row = row["meta"]
    if not isinstance(row, dict):
        return None if path.suffix.lower() == ".json" else {}
    if any(isinstance(value, list | dict) for value in row.values()):
        return _vendor(row)
    return _known({str(key): _plain(value) for key, value in row.items()})


def _vendor(row: Row) -> Row | None:
    """A vendor's metadata: flat under `metaData`, people under `parties`; None for anything else (a transcript)."""
    flat = next((row[key] for key in ("metaData", "metadata", "call") if isinstance(row.get(key), dict)), None)
    people = row.get("parties", row.get("participants"))
    if flat is None or {"turns", "segments", "results", "monologues", "transcript"} & row.keys():
        return None
    found = _known({str(key): _plain(value) for key, value in flat.items() if not isinstance(value, list | dict)})
    if isinstance(people, list) and not found.get("rep"):
        own = (
            item
            for item in people
            if isinstance(item, dict) and str(item.get("affiliation", "")).lower() in ("internal", "host")
        )
        name = next((str(item["name"]) for item in own if item.get("name")), None)
        return {**found, "rep": name} if name else found
    return found


def _known(row: Row) -> Row:
    """The same with vendors' keys under debrief's names, where debrief's own are not there."""
    lower = {key.lower().replace(" ", "_").replace("-", "_"): key for key in row}
    names: dict[str, str] = {key: lower[key] for key in KNOWN if key in lower}
    for ours, theirs in VENDOR_KEYS.items():
        match = next((lower[name] for name in theirs if name in lower), None)
        if ours not in names and match is not None:
            names[ours] = match
    taken = set(names.values())
    return {**{key: value for key, value in row.items() if key not in taken}, **{k: row[v] for k, v in names.items()}}


@functools.lru_cache(maxsize=64)
def _table(path: Path, size: int, mtime_ns: int) -> Mapping[str, Row]:
    """A folder's table by file name; read once as long as it stays the same."""
    text = _text(path, MAX_TABLE_BYTES)
    if text is None:
        raise InputError(f"{path}: too large for a table of calls; split the folder")
    try:
        rows = list(_rows(text))
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({_line(error)}); correct or delete it") from error
    found: dict[str, Row] = {}
    for row in rows:
        name = row.pop("file", None) or row.pop("filename", None)
        if name:
            found[Path(str(name).replace("\\", "/")).name] = _known(row)
    return found


def _rows(text: str) -> Iterable[Row]:
    """A CSV's rows by its heading, empty cells left out; comma, semicolon or tab."""
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    for row in csv.DictReader(io.StringIO(text), delimiter=delimiter):
        yield {
            key.strip().lower(): value.strip()
            for key, value in row.items()
            if key and isinstance(value, str) and value.strip()
        }


def _text(path: Path, limit: int) -> str | None:
    """The file's text; None where it is larger than `limit` bytes. Raises `InputError`."""
    try:
        if path.stat().st_size > limit:
            return None
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: metadata cannot be read ({_line(error)}); correct or delete it") from error


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else value


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
