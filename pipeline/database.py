"""DuckDB as the process sees it that has it open: tables built from the files, queried and brought up to date.

One process has a database open at a time (`pipeline/store.py` sees to that); within it any number of threads may call.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import keep
from pipeline.errors import DebriefError, StoreError, StoreLocked
from pipeline.migrations import MIGRATIONS
from pipeline.rollups import deltas, merge_sql, summed
from pipeline.rows import CALL_TABLES, add_call, cell, text_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]
T = TypeVar("T")
Params = Sequence[Any] | Mapping[str, Any]

FACT_KEYS: dict[str, str] = {"assignments": "assignment_id"}
"""Tables built from `facts/`, with the column that identifies a row."""

DERIVED = ("gaps",)
"""Tables of what takes long to work out, replaced whole each night."""

EXPORTED = ("calls", *CALL_TABLES, *FACT_KEYS, "failures", "criterion_weeks", "call_weeks", *DERIVED)
"""The tables that exports and copies for analysts hold."""

FETCH = 5000
"""Rows fetched at a time."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_BATCH = 200
_NOTE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest changed: calls written, calls removed, and damaged record files by name with the reason."""

    calls: int = 0
    removed: int = 0
    damaged: tuple[tuple[str, str], ...] = ()


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
        self._reading = Gate()
        self._writing = threading.RLock()
        self._healing = False
        self._connection = self._open()

    def close(self) -> None:
        """Close it when the calls in progress are through."""
        import duckdb

        with self._writing, self._reading.alone(), contextlib.suppress(duckdb.Error):
            # a damaged one may not close in order; what it would have written comes again from the files
            self._connection.close()

    def _open(self) -> DuckDBPyConnection:
        import duckdb

        try:
            connection = duckdb.connect(str(self.file), config=_CONFIG)
            try:
                migrate(connection, self.file)
            except BaseException:
                connection.close()
                raise
        except duckdb.Error as error:
            if "lock on file" in str(error):
                raise StoreLocked(f"{self.file}: another program has it open; close that and try again") from error
            if not os.access(self.file, os.R_OK | os.W_OK):
                raise StoreError(f"{self.file}: cannot be opened ({_line(error)}); check the folder") from error
            return self._replace_damaged(error)
        return connection

    def _replace_damaged(self, error: Exception) -> DuckDBPyConnection:
        """Set a database that DuckDB cannot read aside; the next ingest builds it again from the records."""
        import duckdb

        aside = self.file.with_name(f"store.damaged-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}.duckdb")
        try:
            os.replace(self.file, aside)
            _wal(self.file).unlink(missing_ok=True)
            connection = duckdb.connect(str(self.file), config=_CONFIG)
        except (OSError, duckdb.Error):
            raise StoreError(f"{self.file}: cannot be opened ({_line(error)}); check the disk") from error
        migrate(connection, self.file)
        return connection

    @contextlib.contextmanager
    def select(self, sql: str, params: Params = ()) -> Iterator[tuple[list[tuple[str, bool]], Iterator[list[Any]]]]:
        """A SELECT's columns `(name, is JSON)` and its rows in lists of `FETCH` tuples, JSON as text.

        Only one statement that reads is taken. Raises `StoreError` with DuckDB's first line.
        """
        import duckdb

        reads = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
        try:
            with self._reading.shared(), self._connection.cursor() as cursor:
                statements = cursor.extract_statements(sql)
                if len(statements) != 1 or statements[0].type not in reads:
                    raise StoreError(f"{self.file}: only one SELECT is answered; what is kept changes by the commands")
                cursor.execute(statements[0], params if isinstance(params, Mapping) else list(params))
                names = [(item[0], str(item[1]) == "JSON") for item in cursor.description or ()]
                yield names, iter(lambda: cursor.fetchmany(FETCH), [])
        except duckdb.Error as error:
            raise StoreError(f"{self.file}: {_line(error)}") from error

    def query(self, sql: str, params: Params = ()) -> list[Row]:
        """Rows of a SELECT as dicts, JSON columns as Python objects. Raises `StoreError` with DuckDB's first line."""
        return self.healing(lambda: self._all_rows(sql, params))

    def healing(self, call: Callable[[], T]) -> T:
        """What `call` gives; where the database proves damaged, it is opened again, or set aside and rebuilt, first."""
        for attempt in range(3):
            broken = self._connection
            try:
                return call()
            except StoreError as error:
                if attempt == 2 or not self._heal(error, broken, again=attempt > 0):
                    raise
        raise AssertionError

    def _heal(self, error: StoreError, broken: DuckDBPyConnection, *, again: bool) -> bool:
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
            if self._connection is not broken:
                return True
            self._healing = True
            try:
                with self._reading.alone():
                    with contextlib.suppress(duckdb.Error):
                        self._connection.close()
                    aside = corrupt or again
                    self._connection = self._replace_damaged(error) if aside else self._open()
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
                with contextlib.suppress(FileNotFoundError):
                    state = path.stat()
                    present[self._name(path)] = (state.st_size, state.st_mtime_ns)
            changed = {name.split("/")[1] for name, state in present.items() if known.get(name) != state}
            changed |= {name.split("/")[1] for name in known.keys() - present.keys()}
            calls, removed = 0, 0
            damaged: list[tuple[str, str]] = []
            ordered = sorted(changed)
            for start in range(0, len(ordered), _BATCH):
                done = self._ingest_batch(ordered[start : start + _BATCH])
                calls, removed = calls + done.calls, removed + done.removed
                damaged.extend(done.damaged)
            self._ingest_small()
            if shas is None:
                self._put_state("complete", "yes")
            self._clear_notes({sha: found for sha, found in notes.items() if shas is None or sha in set(shas)})
        return Ingested(calls, removed, tuple(damaged))

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
            with self._transaction():
                self._connection.execute("INSERT OR REPLACE INTO store_state VALUES (?, ?)", [name, value])

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
                self._connection.close()
                try:
                    _wal(self.file).unlink(missing_ok=True)
                    os.replace(fresh, self.file)
                finally:
                    self._connection = self._open()
        return done

    def put_fact(self, kind: str, row: Mapping[str, Any]) -> None:
        """Keep a row of `assignments` (its id column set; unknown keys are refused): file first, then table."""
        with self._writing:
            columns = self._columns(kind)
        unknown = set(row) - set(columns)
        if unknown or kind not in FACT_KEYS:
            raise StoreError(f"{kind}: no column {', '.join(sorted(unknown)) or kind}; see ARCHITECTURE.md")
        self.healing(lambda: self._put(kind, row))

    def _put(self, kind: str, row: Mapping[str, Any]) -> None:
        plain = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in row.items()}
        with self._writing:
            keep.write_fact(self.data, kind, str(row[FACT_KEYS[kind]]), plain)
            with self._transaction():
                self._connection.execute(f"DELETE FROM {kind} WHERE {FACT_KEYS[kind]} = ?", [row[FACT_KEYS[kind]]])
                self._insert(kind, [plain])

    def put_derived(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a table of `DERIVED` by these rows."""
        if table not in DERIVED:
            raise StoreError(f"{table}: not a table that is replaced whole")

        def replace() -> None:
            with self._writing, self._transaction():
                self._connection.execute(f"DELETE FROM {table}")
                self._insert(table, rows)

        self.healing(replace)

    def export(self, folder: Path, *, form: str) -> dict[str, int]:
        """Write every table as `<table>.<form>` (`jsonl`, `csv`, `parquet`), or all and the views as `debrief.duckdb`.

        Returns the number of rows of each table. Raises `StoreError` when the folder cannot be written.
        """
        import duckdb

        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._reading.shared(), self._connection.cursor() as cursor:
                return _copy(cursor, folder) if form == "duckdb" else _write(cursor, folder, form)
        except (OSError, duckdb.Error) as error:
            raise StoreError(f"{folder}: cannot be written ({_line(error)}); check the folder and its space") from error

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

    def _ingest_batch(self, sha256s: list[str]) -> Ingested:
        """Replace everything known of these calls by what their files say, in one transaction.

        A call whose values a table refuses is found by halving, and costs only itself.
        """
        spread = [_spread(self.data, sha256) for sha256 in sha256s]
        try:
            return self._replace(sha256s, spread)
        except StoreError as error:
            if not _refused(error):
                raise
            if len(sha256s) > 1:
                half = len(sha256s) // 2
                parts = [self._ingest_batch(sha256s[:half]), self._ingest_batch(sha256s[half:])]
                return Ingested(
                    sum(part.calls for part in parts),
                    sum(part.removed for part in parts),
                    tuple(item for part in parts for item in part.damaged),
                )
            records = [
                {**row, "problem": row["problem"] or f"{row['file']}: {error}; process the recording again"}
                for row in spread[0]["records"]
            ]
            return self._replace(sha256s, [{"records": records}])

    def _replace(self, sha256s: list[str], spread: Sequence[Mapping[str, list[Row]]]) -> Ingested:
        tables = {
            name: [row for one in spread for row in one.get(name, ())] for name in ("records", "calls", *CALL_TABLES)
        }
        with self._transaction():
            before = self._remove(sha256s)
            for table, rows in tables.items():
                self._insert(table, rows)
            added = deltas(tables["calls"], tables["criterion_scores"], sign=1)
            for table, rows in added.items():
                self._merge(table, summed(table, [*rows, *before[table]]))
        written = len(tables["calls"])
        damaged = tuple((row["file"], row["problem"]) for row in tables["records"] if row["problem"])
        return Ingested(written, max(0, len(before["ids"]) - written), damaged)

    def _remove(self, sha256s: list[str]) -> dict[str, list[Any]]:
        """Delete these calls' rows; their ids, and what goes from each rollup."""
        these = [sha256[:16] for sha256 in sha256s]
        self._connection.execute("DELETE FROM records WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))", [sha256s])
        calls = self._fetch(
            "SELECT call_id, rep, team, call_date, status, overall FROM calls "
            "WHERE call_id IN (SELECT unnest(?::VARCHAR[]))",
            [these],
        )
        ids = [call["call_id"] for call in calls]
        if not ids:
            # most calls are new, and looking for their rows in a hundred million turns is what would take long
            return {"ids": [], "criterion_weeks": [], "call_weeks": []}
        scores = self._fetch(
            "SELECT call_id, criterion, level, status FROM criterion_scores "
            "WHERE call_id IN (SELECT unnest(?::VARCHAR[]))",
            [ids],
        )
        for table in (*CALL_TABLES, "calls"):
            self._connection.execute(f"DELETE FROM {table} WHERE call_id IN (SELECT unnest(?::VARCHAR[]))", [ids])
        return {"ids": ids, **deltas(calls, scores, sign=-1)}

    def _fetch(self, sql: str, params: Params) -> list[Row]:
        """Rows as the transaction in progress sees them."""
        import duckdb

        try:
            cursor = self._connection.execute(sql, params)
            names = [(item[0], False) for item in cursor.description or ()]
            return [as_dict(names, row) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise StoreError(f"{self.file}: {_line(error)}") from error

    def _merge(self, table: str, rows: list[Row]) -> None:
        if not rows:
            return
        self._connection.execute(f"CREATE TEMP TABLE delta_{table} AS SELECT * FROM {table} LIMIT 0")
        self._insert(f"delta_{table}", rows)
        for statement in merge_sql(table):
            self._connection.execute(statement)
        self._connection.execute(f"DROP TABLE delta_{table}")

    def _ingest_small(self) -> None:
        """Failures and facts: few rows, replaced whole where a file of theirs has changed."""
        listing = keep.listing(self.data, ("failures", *(f"facts/{kind}" for kind in FACT_KEYS)))
        if self._state("small") == listing:
            return
        failures = [{**row, "path": text_of(row["path"])} for row in keep.read_failures(self.data)]
        facts = {kind: keep.read_facts(self.data, kind) for kind in FACT_KEYS}
        with self._transaction():
            for table, rows in {"failures": failures, **facts}.items():
                self._connection.execute(f"DELETE FROM {table}")
                self._insert(table, rows)
        self._put_state("small", listing)

    def _columns(self, table: str) -> dict[str, str]:
        rows = self._fetch("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table])
        return {row["column_name"]: row["data_type"] for row in rows}

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows as column lists (40,000 a second; one statement per row does 2,600). Extra keys are ignored."""
        if not rows:
            return
        columns = self._columns(table)
        values = [[cell(row.get(name), kind) for row in rows] for name, kind in columns.items()]
        picks = ", ".join(f"unnest(?::{'VARCHAR' if kind == 'JSON' else kind}[])" for kind in columns.values())
        self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picks}", values)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        import duckdb

        try:
            self._connection.begin()
            yield
            self._connection.commit()
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):
                self._connection.rollback()
            if isinstance(error, duckdb.Error):
                raise StoreError(f"{self.file}: {_line(error)}; `debrief rebuild` builds it again") from error
            raise


def as_dict(columns: Sequence[tuple[str, bool]], row: Sequence[Any]) -> Row:
    """One row of `Database.select` as a dict, its JSON read."""
    return {name: json.loads(v) if is_json and v else v for (name, is_json), v in zip(columns, row, strict=True)}


def _write(cursor: DuckDBPyConnection, folder: Path, form: str) -> dict[str, int]:
    options = {"jsonl": "FORMAT json", "csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet"}[form]
    counts: dict[str, int] = {}
    for table in EXPORTED:
        row = cursor.execute(f"COPY {table} TO {_quoted(folder / f'{table}.{form}')} ({options})").fetchone()
        counts[table] = int(row[0]) if row else 0
    return counts


def _copy(cursor: DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """A database of its own with the documented tables and views, which any number of people may open and query."""
    half, whole = folder / ".debrief.duckdb.tmp", folder / "debrief.duckdb"
    half.unlink(missing_ok=True)
    _wal(half).unlink(missing_ok=True)
    counts: dict[str, int] = {}
    (mine,) = cursor.execute("SELECT current_database()").fetchone() or ("store",)
    cursor.execute(f"ATTACH {_quoted(half)} AS copy")
    try:
        for table in EXPORTED:
            cursor.execute(f"CREATE TABLE copy.{table} AS FROM {table}")
            row = cursor.execute(f"SELECT count(*) FROM copy.{table}").fetchone()
            counts[table] = int(row[0]) if row else 0
        views = cursor.execute(
            "SELECT sql FROM duckdb_views() WHERE NOT internal AND database_name = current_database() ORDER BY view_oid"
        ).fetchall()
        cursor.execute("USE copy")
        for (sql,) in views:
            cursor.execute(sql)
    finally:
        cursor.execute(f'USE "{mine}"')
        cursor.execute("DETACH copy")
    os.replace(half, whole)
    return counts


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


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


def _spread(data: Path, sha256: str) -> dict[str, list[Row]]:
    """One call's rows per table: of its latest record that holds together; `records` lists all with their problems."""
    records: list[Row] = []
    kept: list[tuple[int, Row, Row]] = []
    for path in keep.record_files(data, sha256):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        row: Row = {
            "file": path.relative_to(data).as_posix(),
            "sha256": sha256,
            "size": state.st_size,
            "mtime_ns": state.st_mtime_ns,
            "problem": None,
        }
        records.append(row)
        try:
            record = keep.read_json(path)
        except StoreError as error:
            row["problem"] = str(error)
            continue
        if keep.is_record(record):
            kept.append((record["kept"]["seq"], row, record))
        else:
            row["problem"] = f"{path}: not a call record; process the recording again"
    for _, row, record in sorted(kept, key=lambda item: -item[0]):
        tables: dict[str, list[Row]] = {name: [] for name in ("calls", *CALL_TABLES)}
        try:
            add_call(tables, sha256, row["file"], record)
        except (DebriefError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            row["problem"] = f"{data / row['file']}: damaged ({error}); process the recording again"
            continue
        return {**tables, "records": records}
    return {"records": records}


def _refused(error: StoreError) -> bool:
    """True where a value did not fit its column, and not the disk or the database is at fault."""
    import duckdb

    return isinstance(error.__cause__, duckdb.DataError | duckdb.IntegrityError | duckdb.ProgrammingError)


def _wal(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _full(text: str) -> bool:
    """True where DuckDB could not write, which is no damage."""
    return any(part in text for part in ("No space left", "File too large", "Could not write", "Read-only"))


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
