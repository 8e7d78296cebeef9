"""What files beside a recording state about it: a sidecar of its own, or a table for the whole folder.

    call.wav.yaml, call.yaml     `rep: Priya Nair` and so on; `.yml`, `.json`, `.csv` (a heading and one row) likewise
    calls.csv, metadata.csv      one row per file of the folder, its name in the column `file`
    call.json of a vendor        what Gong, Zoom and others export beside a recording (`VENDOR_KEYS`)

A sidecar of its own wins over the folder's table, and what somebody wrote by hand over what a tool exported as JSON;
what one leaves open the next one fills in, so that a refusal of consent counts wherever it stands. A date may be a time
(`2026-04-01T01:30:00Z`): the call is of the day that it was then in the `timezone` beside it (`America/Los_Angeles`),
else on this machine. What is written there and not understood (a day that may be two, a misspelt key) is said in one
line, and the call waits until it is corrected: passed over in silence it would be counted for somebody else, on another
day.
"""

from __future__ import annotations

import csv
import difflib
import functools
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.beside import Beside, compared
from pipeline.encodings import decode
from pipeline.errors import InputError
from pipeline.types import CallMeta
from pipeline.written_days import read_day
from pipeline.yaml_text import NO_VALUE

SIDECAR_SUFFIXES = (".json", ".yaml", ".yml", ".csv")
TABLES = ("calls.csv", "metadata.csv")
"""Names of a folder's table, in any case."""
MAX_BYTES = 1_000_000
"""A sidecar larger than this is refused unread."""
MAX_TABLE_BYTES = 50_000_000

TEXTS = ("rep", "team", "account", "call_type", "industry", "title")
"""What is a text whatever it looks like: a company may be called `No` or `1984`."""
KNOWN: tuple[str, ...] = ("rep", "team", "account", "date", "call_type", "title", "consent")
OWN_KEYS = (*KNOWN, "industry", "speakers", "channels", "rep_channel", "participants")
"""What debrief itself reads; a key that is nearly one of these is a slip."""
FILE_KEYS = ("file", "filename", "file_name", "file name")
"""The column of a folder's table that names the recording."""
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

TRANSCRIPT_KEYS = frozenset({"turns", "segments", "results", "monologues", "transcript"})

_NUMBERED = re.compile(r"(?:[ _-](?:id|no|number|code)|[a-z]id)$")
"""How keys end whose values number things instead of naming them."""

Row = dict[str, Any]


def read_sidecar(path: Path, *, root: Path | None = None, beside: Beside | None = None) -> CallMeta:
    """What is stated about the recording `path`; empty when nothing is.

    A link that leads out of `root` is not followed. Raises `InputError` naming the sidecar when it cannot be read or
    says what is not understood.
    """
    beside = beside or Beside()
    own = [file for file in beside.find(path, SIDECAR_SUFFIXES) if not is_table(file.name) and _ours(file, root)]
    rows = [_load(file) for file in sorted(own, key=lambda file: file.suffix.lower() == ".json")]
    meta = CallMeta()
    for row in rows:
        meta = meta.merged(_said(row or {}))
    return meta.merged(_in_tables(path, root, beside, needed=all(row is None for row in rows)))


def _in_tables(path: Path, root: Path | None, beside: Beside, *, needed: bool) -> CallMeta:
    """What the folder's tables say of a recording. Raises `InputError`; for a table that cannot be read only where it
    is `needed`, as nothing else says anything."""
    meta = CallMeta()
    for table in beside.find(path, (), TABLES):
        if not _ours(table, root):
            continue
        state = table.stat()
        try:
            found = _row_of(path, table, state.st_size, state.st_mtime_ns)
        except InputError:
            if needed:
                raise
            continue
        if found:
            needed = False
            meta = meta.merged(_said(_checked(_known(found), where=f"{table}: {path.name}", given=found)))
    return meta


def _said(row: Row) -> CallMeta:
    """What a file says, without what it leaves open: a key with nothing behind it, a consent that is unknown."""
    said = {key: value for key, value in row.items() if value not in (None, "")}
    if said.get("consent") == "unknown":
        del said["consent"]
    return CallMeta.from_json(said)


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
            return _only_row(path, text)
        # YAML as it will be kept, in JSON: keys are texts
        found = text if path.suffix.lower() == ".json" else json.dumps(_yaml(text), default=str)
        row = json.loads(found, parse_constant=str, parse_float=_float)
    except (TypeError, *NO_VALUE, yaml.YAMLError, csv.Error) as error:
        raise InputError(f"{path}: metadata cannot be read ({_line(error)}); correct or delete it") from error
    if isinstance(row, dict) and isinstance(row.get("meta"), dict) and "turns" not in row:
        row = row["meta"]
    if path.suffix.lower() == ".json":
        return _of_json(path, row)
    if row is None:
        return {}
    if not isinstance(row, dict):
        raise InputError(f"{path}: metadata must be lines such as `rep: Priya Nair`; correct or delete it")
    return _checked(_known(row), where=str(path), given=row)


def _float(text: str) -> float | str:
    """A number that can be kept; one too large for that stays the text that it is."""
    number = float(text)
    return number if math.isfinite(number) else text


def _of_json(path: Path, row: Any) -> Row | None:
    """A JSON object as its own or a vendor's metadata; None for what is a transcript or something else altogether."""
    if not isinstance(row, dict):
        return None
    calls = row.get("calls")
    if isinstance(calls, list) and len(calls) == 1 and isinstance(calls[0], dict) and "callTranscripts" not in row:
        row = calls[0]  # what Gong answers, as it came
    if isinstance(payload := row.get("payload"), dict) and isinstance(payload.get("object"), dict):
        row = payload["object"]  # what Zoom's webhooks post
    nested = [value for value in row.values() if isinstance(value, list | dict)]
    if nested and (found := _vendor(row)) is not None:
        return found
    deep = any(isinstance(item, list | dict) for value in nested for item in _items(value))
    if nested and (deep or TRANSCRIPT_KEYS & row.keys() or not _says_ours(row)):
        return None
    return _checked(_known(row), where=str(path), given=row)


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _says_ours(row: Iterable[str]) -> bool:
    return bool({str(key).strip().lower() for key in row} & set(KNOWN))


def _only_row(path: Path, text: str) -> Row | None:
    """The one row of a CSV beside a recording; None for a table about something else."""
    rows = list(_rows(text))
    if len(rows) == 1:
        return _checked(_known(rows[0]), where=str(path), given=rows[0])
    if not _says_ours(_heading(text)):
        return None
    found = f"{len(rows)} rows" if rows else "a heading and no row"
    raise InputError(f"{path}: {found}, where one row is expected; for several files name the table {TABLES[0]}")


def _vendor(row: Row) -> Row | None:
    """A vendor's metadata: flat under `metaData`, people under `parties`, or beside Zoom's list of files; None for
    anything else (a transcript)."""
    flat = next((row[key] for key in ("metaData", "metadata", "call") if isinstance(row.get(key), dict)), None)
    if flat is None and isinstance(row.get("recording_files"), list):
        flat = row
    people = row.get("parties", row.get("participants"))
    if flat is None or TRANSCRIPT_KEYS & row.keys():
        return None
    found = _known({str(key): value for key, value in flat.items() if not isinstance(value, list | dict)})
    if isinstance(people, list) and not found.get("rep"):
        name = _owner([item for item in people if isinstance(item, dict)], found.get("primaryUserId"))
        return {**found, "rep": name} if name else found
    return found


def _owner(people: list[Row], user: Any) -> str | None:
    """Whose call it is: the vendor's owner of it, else the only one of the own side; of several none is guessed."""
    owner = [item["name"] for item in people if user and item.get("userId") == user and item.get("name")]
    sides = ("internal", "host")
    own = [item["name"] for item in people if str(item.get("affiliation", "")).lower() in sides and item.get("name")]
    found = owner or own
    return str(found[0]) if len(found) == 1 else None


def _yaml(text: str) -> Any:
    """YAML in which a word is that word: `account: No`, `date: 2026-10-06` and `rep: 007` stay as they are written."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            # a few lines of these unfold to more than fits into memory, or hold themselves
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.composer.ComposerError(None, None, "write it out instead of an alias (`*`)", mark)
            return super().compose_node(parent, index)

    plain = {"tag:yaml.org,2002:null"}
    Loader.yaml_implicit_resolvers = {
        first: kept
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        if (kept := [(tag, pattern) for tag, pattern in known if tag in plain])
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|[1-9][0-9]{0,8})$"), list("0123456789"))
    return yaml.load(text, Loader)


def _checked(row: Row, *, where: str, given: Row) -> Row:
    """The metadata with its day read. Raises `InputError` for what is not understood.

    `given` has the keys as they were written: what vendors write under keys of theirs is not held to debrief's forms.
    """
    written = {str(key).strip().lower() for key in given}
    slip = next(((key, near) for key in written if (near := _slip(key))), None)
    if slip and slip[1] not in row:
        raise InputError(f"{where}: nothing is called '{slip[0]}'; write '{slip[1]}'")
    for key in TEXTS:
        value = row.get(key)
        if isinstance(value, bool | list | dict) and key in written:
            raise InputError(f"{where}: '{key}' must be a text, found {json.dumps(value, default=str)[:60]}")
    count = row.get("speakers")
    if isinstance(count, str | int | float) and not re.fullmatch(r"0*(?:[1-9]|1[0-9])", str(count)):
        raise InputError(f"{where}: 'speakers' is how many people speak, a number from 1 to 19, found '{count}'")
    if row.get("date") in (None, "") or not isinstance(row["date"], str | int):
        return row
    try:
        return {**row, "date": read_day(str(row["date"]), row.get("timezone")).isoformat()}
    except ValueError as error:
        if "date" in written:
            raise InputError(f"{where}: date {error}") from None
        return row


def _slip(key: str) -> str:
    """The key that was meant by one that is nearly it; empty for a key that is right, or of somebody else's: an
    `account_id` is none of ours and no slip."""
    known = {*OWN_KEYS, *(name for names in VENDOR_KEYS.values() for name in names)}
    if key.replace(" ", "_").replace("-", "_") in known or len(key) < 3 or _NUMBERED.search(key):
        return ""
    # one letter too many, too few or swapped; `dates` and `accounts` are likely to be meant
    return next(iter(difflib.get_close_matches(key, OWN_KEYS, n=1, cutoff=0.8)), "")


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


def _row_of(path: Path, table: Path, size: int, mtime_ns: int) -> Row | None:
    """The table's row of a recording, also where it is written in other capitals, with accents put together or without
    the suffix, which Windows does not show, unless that is another file."""
    found = _table(table, size, mtime_ns)
    if path.name in found:
        return found[path.name]
    spellings = _spellings(table, size, mtime_ns)
    name = spellings.get(compared(path.name)) or spellings.get(compared(path.stem))
    if name is None:
        return None
    other = path.with_name(name)
    return None if other.is_file() and not other.samefile(path) else found[name]


@functools.lru_cache(maxsize=64)
def _spellings(path: Path, size: int, mtime_ns: int) -> Mapping[str, str]:
    return {compared(name): name for name in _table(path, size, mtime_ns)}


@functools.lru_cache(maxsize=64)
def _table(path: Path, size: int, mtime_ns: int) -> Mapping[str, Row]:
    """A folder's table by file name; read once as long as it stays the same."""
    text = _text(path, MAX_TABLE_BYTES)
    if text is None:
        raise InputError(f"{path}: too large for a table of calls; split the folder")
    try:
        rows = list(_rows(text))
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({_line(error)}); save it as CSV (UTF-8)") from error
    if {"call_id", "sha256"} <= set(_heading(text)):
        return {}  # debrief's own export
    if not set(FILE_KEYS) & set(_heading(text)) and _says_ours(_heading(text)):
        heading = ", ".join(_heading(text)) or "no heading"
        raise InputError(f"{path}: no column 'file' that names the recordings; it has {heading[:200]}")
    found: dict[str, Row] = {}
    for row in rows:
        named = [row.pop(key) for key in FILE_KEYS if key in row]
        if named:
            found[Path(str(named[0]).replace("\\", "/")).name] = row
    return found


def _heading(text: str) -> list[str]:
    return [title.strip().lower() for title in next(_cells(text), []) if title.strip()]


def _rows(text: str) -> Iterable[Row]:
    """A CSV's rows by its heading, empty cells and empty rows left out."""
    cells = _cells(text)
    heading = [title.strip().lower() for title in next(cells, [])]
    for line in cells:
        row = {key: value.strip() for key, value in zip(heading, line, strict=False) if key and value.strip()}
        if row:
            yield row


def _cells(text: str) -> Iterator[list[str]]:
    """A CSV's lines; separated by comma, semicolon or tab, which Excel may say in a first line `sep=;`."""
    text = re.sub(r"\r\n?", "\n", text)  # Excel's CSV (Macintosh) has carriage returns alone
    text = re.sub(r"\Asep=.\n", "", text, flags=re.IGNORECASE)
    head = text.split("\n", 1)[0]
    yield from csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count))


def _text(path: Path, limit: int) -> str | None:
    """The file's text; None where it is larger than `limit` bytes. Raises `InputError`."""
    try:
        if path.stat().st_size > limit:
            return None
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: metadata cannot be read ({_line(error)}); correct or delete it") from error
    text = decode(data)
    if "\0" in text or data.startswith(b"PK"):
        remedy = "save it as CSV (UTF-8)" if path.suffix.lower() == ".csv" else "correct or delete it"
        raise InputError(f"{path}: metadata cannot be read (it is no text); {remedy}")
    return text


def _line(error: Exception) -> str:
    """What is wrong, with the line where the parser knows it."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is not None and problem:
        return f"line {mark.line + 1}: {problem}"
    return (str(error).splitlines() or [type(error).__name__])[0]
