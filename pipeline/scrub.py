"""Take everything about some calls or one person out of the files of a data folder, whatever kind of file it is.

Files whose name says whom they are about are deleted; in JSON the parts that belong to them go, and names in other
text become `erased`; log lines go whole; SQLite files are rewritten so that no freed page keeps a byte. The database
is not touched here: it is built again from the files. `remains` then searches every byte.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import keep
from pipeline.errors import StoreError
from pipeline.own_files import walked
from pipeline.wording import straight

ERASED = "erased"
PASSING = ("logs", "status", "prefect")
"""Folders of passing news, in which bare file names go too."""
LINES = (".log", ".jsonl")
"""Files of which whole lines go."""
_SQLITE = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")
"""Ends of the names of files that belong to a SQLite file: whoever deletes one takes rows away, or damages it."""
_CHUNK = 1 << 22
_SHORTEST_ID = 8
_LETTER, _BYTE = r"[^\W_]", "[0-9A-Za-z]"
"""What makes a name part of a longer word: a letter or digit; in bytes one of ASCII's, since what stands first in UTF-8
for a quotation mark is a letter in Latin-1."""
_ESCAPE = r"(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
"""Behind one of JSON's escapes, a line's end or a quotation mark, a name begins all the same."""
_BETWEEN = (
    r"(?:[\s_.+\-]|%20|\\[nrt]|\\u(?:00a0|20(?:0[0-9a]|2[89f]|5f)|3000)"
    r"|\xc2\xa0|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)+"
)
"""What stands between a name's words: blanks of any width, as they are, escaped and in bytes, and what addresses and
file names have for them."""
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8,64}(?![0-9A-Za-z])")
_ITEM = re.compile(r"<li>.*?</li>", re.DOTALL)
_LOCKED_S = 15.0


class Finder:
    """Finds hex ids (also cut short, down to 8 digits) and what patterns tell, in any case.

    `patterns` names for each a text in small letters without which it cannot be there: to look for that first is fifty
    times as fast. Empty where there is none.
    """

    def __init__(self, ids: Iterable[str], patterns: Mapping[str, str]) -> None:
        self._ids = tuple(dict.fromkeys(text.lower() for text in ids))
        self._heads = {text[:_SHORTEST_ID] for text in self._ids}
        self._needed = set(patterns.values())
        longest = sorted(patterns, key=lambda pattern: (-len(pattern), pattern))
        self._texts = re.compile("|".join(longest) or r"(?!)", re.IGNORECASE)

    def search(self, text: str) -> bool:
        """Is anything in the text?"""
        small = text.lower()
        if any(needed in small for needed in self._needed) and self._texts.search(text):
            return True
        return any(head in small for head in self._heads) and any(self._mine(hit[0]) for hit in _HEX.finditer(text))

    def is_all(self, text: str) -> bool:
        """Is the text one of the texts and nothing else? Ids are not looked for."""
        return bool(self._texts.fullmatch(text))

    def sub(self, text: str) -> str:
        """The text with `erased` for everything found."""
        text = self._texts.sub(ERASED, text)
        if not self._heads:
            return text
        return _HEX.sub(lambda match: ERASED if self._mine(match[0]) else match[0], text)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the texts stand (start, end); ids are not looked for."""
        return [match.span() for match in self._texts.finditer(text)]

    def _mine(self, digits: str) -> bool:
        lower = digits.lower()
        if lower[:_SHORTEST_ID] not in self._heads:
            return False
        return any(known.startswith(lower) or lower.startswith(known) for known in self._ids)


@dataclass(frozen=True, slots=True)
class Traces:
    """What must not be found any more: `ids` (call ids, hashes: hex digits), `words` (vendors' ids), `paths` (of input
    files), a `person`."""

    ids: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    person: str = ""

    def finder(self, *, file_names: bool = False, raw: bool = False) -> Finder:
        """Finds any of them, names with any of the separators that file names and addresses use.

        `file_names`: also the bare names of the input files, which other calls may share. `raw`: in bytes as Latin-1;
        what stands there may be part of a longer word still.
        """
        bare = {Path(path).name for path in self.paths} if file_names else set()
        texts = {text for text in (*self.words, *self.paths, *bare) if text}
        texts |= {json.dumps(text)[1:-1] for text in texts}
        edge = _BYTE if raw else _LETTER
        # `call-1` stands neither in `call-12` nor in `call-1-b`, and six figures of a vendor's in nobody else's hash
        longer = rf"(?:{edge}|[-_])"
        patterns = {rf"(?:(?<!{longer})|{_ESCAPE}){re.escape(text)}(?!{longer})": text for text in texts}
        if self.person:
            patterns[_name_pattern(self.person, edge=edge)] = _plain_word(self.person)
        if raw:
            return Finder(self.ids, {_in_bytes(pattern): _needed(text) for pattern, text in patterns.items()})
        return Finder(self.ids, dict.fromkeys(patterns, ""))

    def about(self, row: Any) -> bool:
        """Is this JSON object about one of the calls, or about the person?"""
        if not isinstance(row, dict):
            return False
        known = set(self.ids)
        if any(isinstance(row.get(key), str) and row[key] in known for key in ("call_id", "sha256", "call")):
            return True
        return bool(self.person) and same_person(row.get("rep"), self.person)


def same_person(name: object, person: str) -> bool:
    """The same name but for case, blanks and how accents are composed."""
    return isinstance(name, str) and _plain(name) == _plain(person)


def _plain(name: str) -> str:
    return " ".join(straight(unicodedata.normalize("NFC", name)).lower().split())


def _name_pattern(person: str, *, edge: str) -> str:
    """A name as files, addresses, JSON and HTML write it, composed or not, its apostrophes straight or not; no `edge`
    beside it but one that ends an escape."""
    spelled = {straight(person), straight(person).replace("'", "\u2019")}
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in spelled}
    escaped = {html.escape(name) for name in forms}
    # in these an upper-case letter is another number than a lower-case one
    coded = {json.dumps(name)[1:-1] for form in forms for name in (form, form.lower(), form.upper())}
    forms |= escaped | {name.replace("&#x27;", "&#39;") for name in escaped} | coded
    written = sorted({_BETWEEN.join(map(re.escape, name.split())) for name in forms})
    # one look at what stands before for all of them: it is what takes the time
    return rf"(?:(?<!{edge})|{_ESCAPE})(?:{'|'.join(written)})(?!{edge})"


def _plain_word(person: str) -> str:
    """The longest word of a name that is written in one way only but for case; empty where there is none."""
    return max((word for word in person.split() if word.isascii() and word.isalnum()), key=len, default="")


def _needed(text: str) -> str:
    """What to look for first in bytes: there, other than in text, ASCII's letters are no other letters in small."""
    return text.lower() if text.isascii() else ""


def _in_bytes(pattern: str) -> str:
    """The pattern for UTF-8 read as Latin-1, where only ASCII's letters are known to be the same in either case."""

    def either(match: re.Match[str]) -> str:
        forms = sorted({match[0], match[0].lower(), match[0].upper()})
        return f"(?:{'|'.join(re.escape(form.encode('utf-8', 'surrogateescape').decode('latin-1')) for form in forms)})"

    return re.sub(r"[^\x00-\x7f]", either, pattern)


def scrub(data: Path, traces: Traces, *, skip: Iterable[Path] = ()) -> dict[str, int]:
    """Take the traces out of every file of `data` but the database and what lies under `skip`.

    How many files were `deleted` and `changed`. Raises `StoreError` for a file that cannot be.
    """
    whole, loose = traces.finder(), traces.finder(file_names=True)
    raw, loose_raw = traces.finder(raw=True), traces.finder(file_names=True, raw=True)
    counts = {"deleted": 0, "changed": 0}
    for path in files(data, skip=skip):
        name = path.relative_to(data)
        passing = name.parts[0] in PASSING or path.suffix in LINES
        try:
            if _beside_sqlite(path):
                # emptied with the file that it belongs to, which comes before it
                continue
            if whole.search(name.as_posix()):
                path.unlink(missing_ok=True)
                counts["deleted"] += 1
            elif holds(path, *((loose_raw, loose) if passing else (raw, whole))):
                counts[_clean(path, traces, loose if passing else whole)] += 1
        except FileNotFoundError:
            continue
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: cannot be cleaned ({error}); close what uses it and erase again") from error
    drop_empty(data, whole, skip=skip)
    return counts


def drop_empty(root: Path, finder: Finder, *, skip: Iterable[Path] = (), called: bool = False) -> None:
    """Delete the folders with a trace in their name that hold nothing by now, but for those under `skip`.

    `called`: only where the whole name of the folder, or of one around it, is the trace.
    """
    for folder in reversed(list(named_folders(root, finder, skip=skip))):
        if called and not any(map(finder.is_all, folder.relative_to(root).parts)):
            continue
        # not one that still holds something: that raises
        with contextlib.suppress(OSError):
            folder.rmdir()


def named_folders(root: Path, finder: Finder, *, skip: Iterable[Path] = ()) -> Iterator[Path]:
    """Folders under `root` with a trace in their name or in that of one around them, the outer ones first."""
    passed = {path.absolute() for path in skip}
    for folder, names, _ in walked(root):
        names[:] = sorted(name for name in names if Path(folder, name).absolute() not in passed)
        if finder.search(Path(folder).relative_to(root).as_posix()):
            yield Path(folder)


def remains(data: Path, traces: Traces, *, skip: Iterable[Path] = ()) -> list[Path]:
    """Files of `data` in which a byte of the traces is still found, the database included. Raises `StoreError` for a
    file that cannot be searched."""
    raw, whole = traces.finder(raw=True), traces.finder()
    found = []
    for path in files(data, skip=skip, database=True):
        try:
            if whole.search(path.relative_to(data).as_posix()) or holds(path, raw, whole):
                found.append(path)
        except FileNotFoundError:
            continue
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be searched ({error}); close what uses it and erase again") from error
    return found


def files(data: Path, *, skip: Iterable[Path] = (), database: bool = False) -> Iterator[Path]:
    """Regular files that `walked` finds under `data`, none of them a link; the database, its lock and its socket only
    when asked for."""
    passed = {path.absolute() for path in skip}
    for folder, names, here in walked(data):
        names[:] = sorted(name for name in names if Path(folder, name).absolute() not in passed)
        for name in sorted(here):
            path = Path(folder, name)
            own = Path(folder) == data and name.startswith("store.")
            wanted = database and not name.endswith((".lock", ".sock", ".address")) if own else True
            if wanted and path.absolute() not in passed and path.is_file() and not path.is_symlink():
                yield path


def holds(path: Path, raw: Finder, exact: Finder) -> bool:
    """Is anything in the file that `raw` finds in its bytes and, where these are text or rows, `exact` finds in them?

    Raises `sqlite3.OperationalError` where others do not let rows be read.
    """
    found = _in_bytes_of(path, raw)
    if _is_sqlite(path):
        return found or in_rows(path, exact)
    if found:
        with contextlib.suppress(UnicodeDecodeError):
            return exact.search(path.read_text(encoding="utf-8"))
    return found


def _in_bytes_of(path: Path, raw: Finder) -> bool:
    """Is anything that `raw` finds in the file's bytes? Read in pieces that overlap."""
    before = ""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = before + chunk.decode("latin-1")
            if raw.search(text):
                return True
            before = text[-4096:]
    return False


def in_rows(path: Path, finder: Finder) -> bool:
    """Is anything that `finder` finds in a row of this SQLite file? Its bytes do not tell: two values
    stand there side by side as one word, and what was written last stands in another file.

    Raises `sqlite3.OperationalError` where others do not let it be read.
    """
    where = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(where, uri=True, timeout=_LOCKED_S)) as connection:
            connection.create_function("found", 1, lambda text: bool(finder.search(_text(text))), deterministic=True)
            return any(
                connection.execute(f"SELECT 1 FROM {table} WHERE {_typed(column)} LIMIT 1").fetchone()
                for table, columns in _columns(connection)
                for column in columns
            )
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        # damaged: there are no rows, only bytes, and those were searched
        return False


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _beside_sqlite(path: Path) -> bool:
    """Does a file belong to the SQLite file beside it?"""
    owners = [path.with_name(path.name.removesuffix(end)) for end in _SIDE_FILES if path.name.endswith(end)]
    return any(owner.is_file() and _is_sqlite(owner) for owner in owners)


def _columns(connection: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    """Each table with its columns, quoted."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")
    return [
        (
            _quoted(name),
            [_quoted(row[1]) for row in connection.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()],
        )
        for (name,) in tables.fetchall()
    ]


def _typed(column: str) -> str:
    """The condition that a value is one to search in, and that something is found there."""
    return f"typeof({column}) IN ('text', 'blob') AND found({column})"


def _clean(path: Path, traces: Traces, finder: Finder) -> str:
    """Clean one file that holds traces; `deleted` or `changed`."""
    if _is_sqlite(path):
        scrub_sqlite(path, finder)
        return "changed"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        # audio, archives: nothing can be taken out of these, and all can be made again or is a copy
        path.unlink()
        return "deleted"
    if path.suffix == ".json":
        return _clean_json(path, text, traces, finder)
    if path.suffix in LINES or ".log." in path.name:
        lines = text.splitlines(keepends=True)
        _rewrite(path, "".join(line for line in lines if not finder.search(line)))
    else:
        # a digest's line about them may quote what they said
        _rewrite(path, finder.sub(without_items(text, finder)))
    return "changed"


def without_items(text: str, finder: Finder, *, holding: str = "") -> str:
    """HTML without the items of lists in which something is found; of these, only the ones `holding` a text."""
    return _ITEM.sub(lambda item: "" if holding in item[0] and finder.search(item[0]) else item[0], text)


def _clean_json(path: Path, text: str, traces: Traces, finder: Finder) -> str:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        path.unlink()
        return "deleted"
    if traces.about(row):
        path.unlink()
        return "deleted"
    keep.write_atomically(path, keep.encode(without(row, traces, finder)))
    return "changed"


def without(value: Any, traces: Traces, finder: Finder) -> Any:
    """A JSON value without the objects that are about the traces, and with `erased` for names in its texts."""
    if isinstance(value, str):
        return finder.sub(value)
    if isinstance(value, list):
        return [without(item, traces, finder) for item in value if not traces.about(item)]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("words"), list) and isinstance(value.get("text"), str):
        value = {**value, "words": _spoken(value["words"], finder)}
    return {
        finder.sub(key): None if traces.about(item) else without(item, traces, finder) for key, item in value.items()
    }


def _spoken(words: Sequence[Any], finder: Finder) -> list[Any]:
    """Timed words without a name that several of them make."""
    if not finder.search(" ".join(str(word.get("text", "")) for word in words if isinstance(word, dict))):
        return list(words)
    texts = [str(word.get("text", "")) if isinstance(word, dict) else "" for word in words]
    starts = [sum(len(text) + 1 for text in texts[:index]) for index in range(len(texts))]
    gone = {
        index
        for first, last in finder.spans(" ".join(texts))
        for index, start in enumerate(starts)
        if start < last and start + len(texts[index]) > first
    }
    return [{**word, "text": ERASED} if index in gone else word for index, word in enumerate(words)]


def _rewrite(path: Path, text: str) -> None:
    """In place: a process that appends to the file goes on appending to it."""
    with path.open("r+", encoding="utf-8", newline="") as file:
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def scrub_sqlite(path: Path, finder: Finder) -> None:
    """Replace what is found in every text of a SQLite file by `erased`, and rewrite the file.

    Waits a while for others who use it. Raises `sqlite3.Error`.
    """
    with contextlib.closing(sqlite3.connect(path, timeout=_LOCKED_S, isolation_level=None)) as connection:
        connection.create_function("found", 1, lambda text: bool(finder.search(_text(text))), deterministic=True)
        connection.create_function("without", 1, lambda text: finder.sub(_text(text)), deterministic=True)
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        for table, columns in _columns(connection):
            for column in columns:
                typed = _typed(column)
                # a row whose name has to stay unique cannot be called the same as another
                try:
                    connection.execute(
                        f"UPDATE {table} SET {column} = without({column}) WHERE {typed} AND typeof({column}) = 'text'"
                    )
                except sqlite3.IntegrityError:
                    connection.execute(f"DELETE FROM {table} WHERE {typed}")
                connection.execute(f"DELETE FROM {table} WHERE {typed}")
        _compact(connection)


def _compact(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + _LOCKED_S
    while True:
        try:
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or not busy[0]:
                return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise sqlite3.OperationalError("others are reading it")
        time.sleep(0.2)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
