"""DuckDB as the process sees it that has it open: tables built from the files, queried and brought up to date.

One process has a database open at a time (`pipeline/store.py` sees to that); within it any number of threads may call.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import keep
from pipeline.copies import together, write_copy, write_tables
from pipeline.errors import StoreError, StoreLocked
from pipeline.intake import SMALL, Ingested, refused, state_of, take_in, take_small
from pipeline.migrations import MIGRATIONS
from pipeline.redact import ALL
from pipeline.rows import DERIVED, FACT_KEYS
from pipeline.tables import Params, Row, Tables, as_dict, first_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

FETCH = 5000
"""Rows fetched at a time."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_BATCH = 200
_NOTE_S = 24 * 3600.0


def _connect(file: Path) -> DuckDBPyConnection:
    import duckdb

    _without_pandas()
    return duckdb.connect(str(file), config=_CONFIG)


@cache
def _without_pandas() -> None:
    """Keep DuckDB from loading pandas, which takes half a second of every command.

    At the first parameter it loads it where it is installed, to see whether a value is one of pandas' own. None is
    here: it is shown an empty pandas once, and keeps to that.
    """
    import duckdb

    if "pandas" in sys.modules:
        return
    empty = ModuleType("pandas")
    vars(empty).update(NaT=object(), NA=object())
    sys.modules["pandas"] = empty
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT ?", [0])
    finally:
        del sys.modules["pandas"]


class Gate:
    """Any number of threads pass `shared`; `alone` waits until they are through and keeps others out meanwhile."""

    def __init__(self) -> None:
        self._inside = 0
        self._shut = False
        self._turn = threading.Condition()

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Pass together with others."""
        with self._turn:
            self._turn.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Pass when nobody else is inside."""
        with self._turn:
            self._turn.wait_for(lambda: not self._shut)
            self._shut = True
            self._turn.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._turn:
                self._shut = False
                self._turn.notify_all()


class Database:
    """The database `file` of the data folder `data`, open until `close`; its methods may be called from any thread.

    Raises `StoreError` when it was written by a newer version or cannot be opened, `StoreLocked` when another program
    has it open. A damaged one is set aside and begun anew.
    """

    def __init__(self, data: Path, *, file: Path | None = None) -> None:
        self.data = data
        self.file = file or data / "store.duckdb"
        self._aside = file is not None
        self._reading = Gate()
        self._writing = threading.RLock()
        self._healing = False
        self._begun = f"{time.time_ns():x}"
        self._changes: Counter[str] = Counter()
        self._tables = self._open()

    def version(self, tables: Sequence[str]) -> str:
        """A word that is another one whenever what one of these tables shows may have changed; costs no query.

        `calls` stands for all that comes from recordings, `failures` and each table of facts for itself.
        """
        return "-".join([self._begun, *(str(self._changes[name]) for name in tables)])

    def _changed(self, *tables: str) -> None:
        self._changes.update(tables)

    def close(self) -> None:
        """Close it when the calls in progress are through."""
        import duckdb

        with self._writing, self._reading.alone(), contextlib.suppress(duckdb.Error):
            # a damaged one may not close in order; what it would have written comes again from the files
            self._tables.connection.close()

    def _open(self) -> Tables:
        import duckdb

        try:
            connection = _connect(self.file)
            try:
                migrate(connection, self.file)
            except BaseException:
                connection.close()
                raise
        except duckdb.Error as error:
            if "lock on file" in str(error):
                raise StoreLocked(f"{self.file}: another program has it open; close that and try again") from error
            if not os.access(self.file, os.R_OK | os.W_OK):
                raise StoreError(f"{self.file}: cannot be opened ({first_line(error)}); check the folder") from error
            if _full(str(error)):
                raise StoreError(f"{self.file}: cannot be written ({first_line(error)}); make room for it") from error
            return self._replace_damaged(error)
        return Tables(connection, self.file)

    def _replace_damaged(self, error: Exception) -> Tables:
        """Set a database that DuckDB cannot read aside; the next ingest builds it again from the records."""
        import duckdb

        aside = self.file.with_name(f"store.damaged-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}.duckdb")
        try:
            os.replace(self.file, aside)
            _wal(self.file).unlink(missing_ok=True)
            connection = _connect(self.file)
        except (OSError, duckdb.Error):
            raise StoreError(f"{self.file}: cannot be opened ({first_line(error)}); check the disk") from error
        migrate(connection, self.file)
        return Tables(connection, self.file)

    @contextlib.contextmanager
    def select(self, sql: str, params: Params = ()) -> Iterator[tuple[list[tuple[str, bool]], Iterator[list[Any]]]]:
        """A SELECT's columns `(name, is JSON)` and its rows in lists of `FETCH` tuples, JSON as text.

        Only one statement that reads is taken. Raises `StoreError` with DuckDB's first line.
        """
        import duckdb

        reads = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
        try:
            with self._reading.shared(), self._tables.connection.cursor() as cursor:
                statements = cursor.extract_statements(sql)
                if len(statements) != 1 or statements[0].type not in reads:
                    raise StoreError(f"{self.file}: only one SELECT is answered; what is kept changes by the commands")
                cursor.execute(statements[0], params if isinstance(params, Mapping) else list(params))
                names = [(item[0], str(item[1]) == "JSON") for item in cursor.description or ()]
                yield names, iter(lambda: cursor.fetchmany(FETCH), [])
        except duckdb.Error as error:
            raise StoreError(f"{self.file}: {first_line(error)}") from error

    def query(self, sql: str, params: Params = ()) -> list[Row]:
        """Rows of a SELECT as dicts, JSON columns as Python objects. Raises `StoreError` with DuckDB's first line."""
        return self.healing(lambda: self._all_rows(sql, params))

    def healing(self, call: Callable[[], T]) -> T:
        """What `call` gives; where the database proves damaged, it is opened again, or set aside and rebuilt, first."""
        for attempt in range(3):
            broken = self._tables
            try:
                return call()
            except StoreError as error:
                if attempt == 2 or not self._heal(error, broken, again=attempt > 0):
                    raise
        raise AssertionError

    def _heal(self, error: StoreError, broken: Tables, *, again: bool) -> bool:
        """Make the database usable after `error`; False where it is not damage that is at fault, or it cannot be."""
        import duckdb

        cause = error.__cause__
        corrupt = "Corrupt database" in str(cause) or isinstance(cause, duckdb.InternalException)
        fatal = isinstance(cause, duckdb.FatalException) or "has been invalidated" in str(cause)
        if not (corrupt or fatal) or _full(str(cause)):
            return False
        with self._writing:
            if self._healing:
                return False
            if self._tables is not broken:
                return True
            self._healing = True
            try:
                with self._reading.alone():
                    with contextlib.suppress(duckdb.Error):
                        self._tables.connection.close()
                    aside = corrupt or again
                    self._tables = self._replace_damaged(error) if aside else self._open()
                if aside:
                    self.ingest()
            finally:
                self._healing = False
        return True

    def _all_rows(self, sql: str, params: Params) -> list[Row]:
        with self.select(sql, params) as (columns, chunks):
            return [as_dict(columns, row) for chunk in chunks for row in chunk]

    def ingest(self, sha256s: Iterable[str] | None = None) -> Ingested:
        """Bring the tables up to date with the files: of the calls named, else of all of them.

        Idempotent: any number of times, in any order, after any interruption, gives the same tables.
        """
        shas = None if sha256s is None else sorted(set(sha256s))
        return self.healing(lambda: self._ingest(shas))

    def _ingest(self, shas: list[str] | None) -> Ingested:
        with self._writing:
            notes = keep.pending(self.data)
            known = {row["file"]: (row["size"], row["mtime_ns"]) for row in self._known(shas)}
            present: dict[str, tuple[int, int]] = {}
            for path in self._files(shas):
                state = state_of(path)
                if state is not None:
                    present[self._name(path)] = state
            changed = {name.split("/")[1] for name, state in present.items() if known.get(name) != state}
            changed |= {name.split("/")[1] for name in known.keys() - present.keys()}
            # facts first: a review that comes after the calls were read is seen by the next look
            small = self._changed_small()
            again, misfits = self._take_small(small)
            # their records are as they were, their reviews are not
            self._take(again - changed)
            done = self._take(changed)
            if changed:
                self._changed("calls")
            self._settle_small(small)
            if shas is None:
                self._put_state("complete", "yes")
            if not self._aside:
                # one that is made to take another's place may never come to it
                self._clear_notes({sha: found for sha, found in notes.items() if shas is None or sha in set(shas)})
        return Ingested(done.calls, done.removed, (*done.damaged, *misfits))

    def _changed_small(self) -> dict[str, str]:
        """The tables of `SMALL` whose files are others than when they were taken in, with what they are now."""
        known = self._small_listings()
        now = {name: keep.listing(self.data, (folder,)) for name, folder in SMALL.items()}
        return {name: listing for name, listing in now.items() if known.get(name) != listing}

    def _small_listings(self) -> dict[str, str]:
        try:
            row = json.loads(self._state("small") or "{}")
        except ValueError:  # one hash for all of them, by an earlier version
            row = {}
        return row if isinstance(row, dict) else {}

    def _take_small(self, names: Collection[str]) -> tuple[set[str], tuple[tuple[str, str], ...]]:
        """Take these tables in; the hashes of the calls whose reviews are others now, and the files that do not fit."""
        if "reviews" not in names:
            return set(), take_small(self._tables, self.data, names) if names else ()
        # a review that came as a file, or whose writer was killed, changes what counts of its call
        sure = self._state("reviewed") == "yes"
        before = self._reviews() if sure else {}
        self._put_state("reviewed", "no")
        misfits = take_small(self._tables, self.data, names)
        after = self._reviews()
        changed = {
            row["call_id"]
            for row in (*before.values(), *after.values())
            if before.get(row["review_id"]) != after.get(row["review_id"])
        }
        return set(self._shas(sorted(changed))), misfits

    def _reviews(self) -> dict[str, Row]:
        return {row["review_id"]: row for row in self._tables.fetch("SELECT * FROM reviews", [])}

    def _take(self, sha256s: Collection[str]) -> Ingested:
        """Take the records of these calls into the tables."""
        ordered = sorted(sha256s)
        starts = range(0, len(ordered), _BATCH)
        parts = [take_in(self._tables, self.data, ordered[start : start + _BATCH]) for start in starts]
        damaged = tuple(item for part in parts for item in part.damaged)
        return Ingested(sum(part.calls for part in parts), sum(part.removed for part in parts), damaged)

    def _settle_small(self, small: Mapping[str, str]) -> None:
        if not small:
            return
        self._changed(*small, *(("calls",) if "reviews" in small else ()))
        if "reviews" in small:
            self._put_state("reviewed", "yes")
        self._put_state("small", json.dumps({**self._small_listings(), **small}))

    def catch_up(self) -> Ingested:
        """`ingest` of the calls whose records were noted as new; of all, where this database never had all."""
        with self._writing:
            if self._state("complete") is None:
                return self.ingest()
            return self.ingest(keep.pending(self.data))

    def _clear_notes(self, notes: Mapping[str, list[tuple[Path, int]]]) -> None:
        """Remove the notes of records that have been taken in; one whose record never came goes after a day."""
        rows = self.query(
            "SELECT sha256, seq FROM calls WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))", [sorted(notes)]
        ) if notes else []  # fmt: skip
        seqs = {row["sha256"]: row["seq"] for row in rows}
        for sha256, found in notes.items():
            for note, seq in found:
                with contextlib.suppress(OSError):
                    if seq <= seqs.get(sha256, 0) or abs(time.time() - note.stat().st_mtime) > _NOTE_S:
                        note.unlink()

    def _state(self, name: str) -> str | None:
        rows = self.query("SELECT value FROM store_state WHERE name = ?", [name])
        return rows[0]["value"] if rows else None

    def _put_state(self, name: str, value: str) -> None:
        if self._state(name) != value:
            with self._tables.transaction():
                self._tables.run("INSERT OR REPLACE INTO store_state VALUES (?, ?)", [name, value])

    def rebuild(self) -> Ingested:
        """Build the database again from the files, beside the one in use, and put it in its place when it is whole."""
        fresh = self.file.with_name("store.rebuilding.duckdb")
        with self._writing:
            for left in (fresh, _wal(fresh)):
                left.unlink(missing_ok=True)
            made = Database(self.data, file=fresh)
            try:
                done = made.ingest()
            finally:
                made.close()
            with self._reading.alone():
                self._tables.connection.close()
                try:
                    _wal(self.file).unlink(missing_ok=True)
                    os.replace(fresh, self.file)
                finally:
                    self._tables = self._open()
                    self._changed("calls", "failures", *FACT_KEYS, *DERIVED)
        return done

    def put_fact(self, kind: str, row: Mapping[str, Any]) -> None:
        """Keep a row of a table of facts (its id column set; unknown keys are refused), in the table and as a file.

        Raises `StoreError`, with nothing kept, for a value that the table does not take.
        """
        with self._writing:
            columns = self._tables.columns(kind)
        unknown = set(row) - set(columns)
        if unknown or kind not in FACT_KEYS:
            raise StoreError(f"{kind}: no column {', '.join(sorted(unknown)) or kind}; see ARCHITECTURE.md")
        self.healing(lambda: self._put(kind, row))

    def _put(self, kind: str, row: Mapping[str, Any]) -> None:
        plain = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in row.items()}
        with self._writing:
            sure = kind == "reviews" and self._state("reviewed") == "yes"
            if sure:
                # until its call's scores follow, whoever comes after a kill looks at all reviewed calls
                self._put_state("reviewed", "no")
            try:
                with self._tables.transaction():
                    key = FACT_KEYS[kind]
                    self._tables.replace(kind, [plain], where=f"{key} = ?", params=[row[key]])
                    # the file before the commit: what the table refuses is never kept, what is committed always is
                    keep.write_fact(self.data, kind, str(row[FACT_KEYS[kind]]), plain)
            except StoreError as error:
                if not refused(error):
                    raise
                raise StoreError(f"{kind}: {first_line(error.__cause__ or error)}; nothing kept") from error.__cause__
            if kind == "reviews":
                take_in(self._tables, self.data, self._shas([row["call_id"]]))
                self._changed("calls")
            if sure:
                self._put_state("reviewed", "yes")
            self._changed(kind)

    def _shas(self, call_ids: Sequence[str]) -> list[str]:
        rows = self._tables.fetch(
            "SELECT sha256 FROM calls WHERE call_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY sha256", [list(call_ids)]
        )
        return [row["sha256"] for row in rows]

    def put_derived(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a table of `DERIVED` by these rows."""
        if table not in DERIVED:
            raise StoreError(f"{table}: not a table that is replaced whole")

        def replace() -> None:
            with self._writing, self._tables.transaction():
                self._tables.run(f"DELETE FROM {table}")
                self._tables.insert(table, rows)
            self._changed(table)

        self.healing(replace)

    def export(self, folder: Path, *, form: str, kinds: Collection[str] = ALL) -> dict[str, int]:
        """Write every table as `<table>.<form>` (`jsonl`, `csv`, `parquet`), or all and the views as `debrief.duckdb`,
        without the `kinds` of private details that `pipeline/redact.py` finds. A relative `folder` is one of the data
        folder.

        Returns the number of rows of each table. Raises `StoreError` when the folder cannot be written.
        """
        import duckdb

        folder = self.data / folder
        try:
            with together(folder) as half, self._reading.shared(), self._tables.connection.cursor() as cursor:
                if form == "duckdb":
                    return write_copy(cursor, half, kinds=kinds)
                return write_tables(cursor, half, form, kinds=kinds)
        except (OSError, duckdb.Error) as error:
            why = getattr(error, "strerror", None) or first_line(error)
            raise StoreError(f"{folder}: cannot be written ({why}); check the folder and its space") from error

    def _files(self, sha256s: list[str] | None) -> Iterable[Path]:
        if sha256s is None:
            return keep.all_record_files(self.data)
        return (path for sha256 in sha256s for path in keep.record_files(self.data, sha256))

    def _known(self, sha256s: list[str] | None) -> list[Row]:
        if sha256s is None:
            return self.query("SELECT file, size, mtime_ns FROM records")
        return self.query(
            "SELECT file, size, mtime_ns FROM records WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))", [sha256s]
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.data).as_posix()


def migrate(connection: DuckDBPyConnection, file: Path) -> None:
    """Run the scripts that this database has not run yet. Raises `StoreError` for one written by a newer version."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    version = row[0] if row and row[0] is not None else 0
    if version > len(MIGRATIONS):
        raise StoreError(f"{file}: written by a newer debrief (schema {version}); install that version, or delete it")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.begin()
        connection.execute(script)
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", [number])
        connection.commit()


def _wal(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _full(text: str) -> bool:
    """True where DuckDB could not write, which is no damage."""
    return any(part in text for part in ("No space left", "File too large", "Could not write", "Read-only"))
