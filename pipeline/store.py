"""The query store: DuckDB, built from the record files and never the record itself.

DuckDB opens for one process at a time, so the file lock `store.lock` is held exactly as long as the connection. What
is in the database can be built again from `results/`, `failures/` and `facts/`; a damaged one is set aside and rebuilt.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pipeline import keep
from pipeline.errors import StoreError, StoreLocked
from pipeline.migrations import MIGRATIONS
from pipeline.types import CallMeta, Transcript

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]

CALL_TABLES = ("turns", "criterion_scores", "evidence", "missed", "objections", "metrics")
"""The tables whose rows belong to a call by `call_id`."""

FACT_KEYS: dict[str, str] = {"assignments": "assignment_id"}
"""Tables built from `facts/`, with the column that identifies a row."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest changed: calls written, calls removed, and damaged record files by name with the reason."""

    calls: int = 0
    removed: int = 0
    damaged: tuple[tuple[str, str], ...] = ()


class Store:
    """The data folder's database, opened under its lock; a context manager.

    `data` is the data folder. Raises `StoreLocked` when another process has it open for longer than `wait_s`, and
    `StoreError` when it was written by a newer version or the folder cannot be used.
    """

    def __init__(self, data: Path, *, wait_s: float = 10.0) -> None:
        self.data = data
        self.file = data / "store.duckdb"
        self._lock = FileLock(data / "store.lock")
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=wait_s)
        except Timeout:
            raise StoreLocked(
                f"{self.file}: another debrief has the database open; wait for it, or stop it and try again"
            ) from None
        except OSError as error:
            raise StoreError(f"{data}: data folder cannot be used ({error.strerror or error}); check it") from error
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, then let the lock go."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def _open(self) -> DuckDBPyConnection:
        import duckdb

        try:
            connection = duckdb.connect(str(self.file), config=_CONFIG)
            try:
                _migrate(connection, self.file)
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
            self.file.with_name(self.file.name + ".wal").unlink(missing_ok=True)
            connection = duckdb.connect(str(self.file), config=_CONFIG)
        except (OSError, duckdb.Error):
            raise StoreError(f"{self.file}: cannot be opened ({_line(error)}); check the disk") from error
        _migrate(connection, self.file)
        return connection

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Rows of a SELECT as dicts, JSON columns as Python objects. Raises `StoreError` with DuckDB's first line."""
        import duckdb

        try:
            cursor = self._connection.execute(sql, params if isinstance(params, Mapping) else list(params))
            names = [(item[0], str(item[1]) == "JSON") for item in cursor.description or ()]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise StoreError(f"{self.file}: {_line(error)}") from error
        return [
            {name: json.loads(v) if is_json and v else v for (name, is_json), v in zip(names, row, strict=True)}
            for row in rows
        ]

    def ingest(self, sha256s: Iterable[str] | None = None) -> Ingested:
        """Bring the tables up to date with the files: of the calls named, else of all of them.

        Idempotent: any number of times, in any order, after any interruption, gives the same tables.
        """
        known = {row["file"]: (row["size"], row["mtime_ns"]) for row in self._known(sha256s)}
        present: dict[str, tuple[Path, tuple[int, int]]] = {}
        for path in self._files(sha256s):
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                present[self._name(path)] = (path, (state.st_size, state.st_mtime_ns))
        changed = {name.split("/")[1] for name, (_, state) in present.items() if known.get(name) != state}
        changed |= {name.split("/")[1] for name in known.keys() - present.keys()}
        calls, removed = 0, 0
        damaged: list[tuple[str, str]] = []
        ordered = sorted(changed)
        for start in range(0, len(ordered), _BATCH):
            done = self._ingest_batch(ordered[start : start + _BATCH])
            calls, removed = calls + done.calls, removed + done.removed
            damaged.extend(done.damaged)
        self._ingest_small()
        return Ingested(calls, removed, tuple(damaged))

    def rebuild(self) -> Ingested:
        """Empty every table and build it again from the files."""
        with self._transaction():
            for table in ("records", "calls", *CALL_TABLES, *FACT_KEYS, "failures"):
                self._connection.execute(f"DELETE FROM {table}")
        return self.ingest()

    def put_fact(self, kind: str, row: Mapping[str, Any]) -> None:
        """Keep a row of `assignments` (its id column set; unknown keys are refused): file first, then table."""
        columns = self._columns(kind)
        unknown = set(row) - set(columns)
        if unknown or kind not in FACT_KEYS:
            raise StoreError(f"{kind}: no column {', '.join(sorted(unknown)) or kind}; see ARCHITECTURE.md")
        plain = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in row.items()}
        keep.write_fact(self.data, kind, str(row[FACT_KEYS[kind]]), plain)
        with self._transaction():
            self._connection.execute(f"DELETE FROM {kind} WHERE {FACT_KEYS[kind]} = ?", [row[FACT_KEYS[kind]]])
            self._insert(kind, [plain])

    def record(self, call_id: str) -> Row | None:
        """The latest record of the call with this id (or its beginning, or its vendor's id); None when there is none.

        Raises `StoreError` when several calls begin like that.
        """
        rows = self.query(
            "SELECT record_file FROM calls WHERE call_id = $id OR external_id = $id "
            "UNION SELECT record_file FROM calls WHERE length($id) >= 4 AND starts_with(call_id, lower($id))",
            {"id": call_id},
        )
        if len(rows) > 1:
            raise StoreError(f"{call_id}: {len(rows)} calls are called that; give more of the id")
        return keep.read_json(self.data / rows[0]["record_file"]) if rows else None

    def export(self, folder: Path, *, form: str) -> dict[str, int]:
        """Write every table as `<table>.<form>` (`jsonl`, `csv` or `parquet`); the number of rows of each.

        Raises `StoreError` when the folder cannot be written.
        """
        import duckdb

        options = {"jsonl": "FORMAT json", "csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet"}[form]
        counts: dict[str, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for table in ("calls", *CALL_TABLES, *FACT_KEYS, "failures"):
                target = str(folder / f"{table}.{form}").replace("'", "''")
                row = self._connection.execute(f"COPY {table} TO '{target}' ({options})").fetchone()
                counts[table] = int(row[0]) if row else 0
        except (OSError, duckdb.Error) as error:
            raise StoreError(f"{folder}: cannot be written ({_line(error)}); check the folder and its space") from error
        return counts

    def _files(self, sha256s: Iterable[str] | None) -> Iterable[Path]:
        if sha256s is None:
            return keep.all_record_files(self.data)
        return (path for sha256 in set(sha256s) for path in keep.record_files(self.data, sha256))

    def _known(self, sha256s: Iterable[str] | None) -> list[Row]:
        if sha256s is None:
            return self.query("SELECT file, size, mtime_ns FROM records")
        return self.query(
            "SELECT file, size, mtime_ns FROM records WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))",
            [list(set(sha256s))],
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.data).as_posix()

    def _ingest_batch(self, sha256s: list[str]) -> Ingested:
        """Replace everything known of these calls by what their files say, in one transaction."""
        tables: dict[str, list[Row]] = {name: [] for name in ("records", "calls", *CALL_TABLES)}
        damaged: list[tuple[str, str]] = []
        for sha256 in sha256s:
            latest: tuple[int, str, Row] | None = None
            for path in keep.record_files(self.data, sha256):
                name = self._name(path)
                record, problem, state = _load(path)
                if state is None:
                    continue
                tables["records"].append(
                    {
                        "file": name,
                        "sha256": sha256,
                        "size": state.st_size,
                        "mtime_ns": state.st_mtime_ns,
                        "problem": problem,
                    }
                )
                if record is None:
                    damaged.append((name, problem or ""))
                elif latest is None or record["kept"]["seq"] > latest[0]:
                    latest = (record["kept"]["seq"], name, record)
            if latest:
                _add_call(tables, sha256, latest[1], latest[2])
        with self._transaction():
            before = self._connection.execute(
                "SELECT count(*) FROM calls WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))", [sha256s]
            ).fetchone()
            ids = [sha256[:16] for sha256 in sha256s]
            for table in CALL_TABLES:
                self._connection.execute(f"DELETE FROM {table} WHERE call_id IN (SELECT unnest(?::VARCHAR[]))", [ids])
            for table in ("calls", "records"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))", [sha256s]
                )
            for table, rows in tables.items():
                self._insert(table, rows)
        written = len(tables["calls"])
        return Ingested(written, max(0, (before[0] if before else 0) - written), tuple(damaged))

    def _ingest_small(self) -> None:
        """Failures and facts: few rows, replaced whole."""
        failures = [{**row, "path": _text(row["path"])} for row in keep.read_failures(self.data)]
        facts = {kind: keep.read_facts(self.data, kind) for kind in FACT_KEYS}
        with self._transaction():
            for table, rows in {"failures": failures, **facts}.items():
                self._connection.execute(f"DELETE FROM {table}")
                self._insert(table, rows)

    def _columns(self, table: str) -> dict[str, str]:
        rows = self.query("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table])
        return {row["column_name"]: row["data_type"] for row in rows}

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows as column lists (40,000 a second; one statement per row does 2,600). Extra keys are ignored."""
        if not rows:
            return
        columns = self._columns(table)
        values = [[_cell(row.get(name), kind) for row in rows] for name, kind in columns.items()]
        picks = ", ".join(f"unnest(?::{'VARCHAR' if kind == 'JSON' else kind}[])" for kind in columns.values())
        self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picks}", values)

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        import duckdb

        self._connection.begin()
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):
                self._connection.rollback()
            if isinstance(error, duckdb.Error):
                raise StoreError(f"{self.file}: {_line(error)}; `debrief rebuild` builds it again") from error
            raise
        self._connection.commit()


def _migrate(connection: DuckDBPyConnection, file: Path) -> None:
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


def _load(path: Path) -> tuple[Row | None, str | None, os.stat_result | None]:
    """A record, or why it is none, with its stat; all None when it has gone."""
    try:
        state = path.stat()
        record = keep.read_json(path)
    except FileNotFoundError:
        return None, None, None
    except StoreError as error:
        return None, str(error), state
    if not keep.is_record(record):
        return None, f"{path}: not a call record; process the recording again", state
    return record, None, state


def _add_call(tables: dict[str, list[Row]], sha256: str, file: str, record: Row) -> None:
    """Spread one record over the tables' rows."""
    transcript = Transcript.from_json(record["transcript"], where=file)
    card = record.get("scorecard")
    call_id = sha256[:16]
    tables["calls"].append(_call_row(call_id, sha256, file, record, transcript))
    tables["turns"].extend(
        {"call_id": call_id, "turn": n, **turn.to_json(), "side": turn.side, "name": turn.name}
        for n, turn in enumerate(transcript.turns)
    )
    if not card:
        return
    tables["metrics"].append({"call_id": call_id, **card["metrics"]})
    tables["objections"].extend({"call_id": call_id, **row} for row in card["objections"])
    for criterion, score in card["criteria"].items():
        key = {"call_id": call_id, "criterion": criterion}
        tables["criterion_scores"].append({"reason": "", **score, **key})
        tables["evidence"].extend({**row, **key} for row in score["evidence"])
        tables["missed"].extend({**row, **key} for row in score["missed"])


def _call_row(call_id: str, sha256: str, file: str, record: Row, transcript: Transcript) -> Row:
    made, source, meta = record["provenance"], record["source"], transcript.meta
    return {
        **{name: getattr(meta, name) for name in ("rep", "team", "account", "call_type", "industry", "title")},
        **_heard(transcript),
        "call_id": call_id,
        "sha256": sha256,
        "record_file": file,
        "seq": record["kept"]["seq"],
        "kept_at": record["kept"]["at"],
        "external_id": _external_id(meta),
        "path": _text(source["path"]),
        "kind": source["kind"],
        "status": record["status"],
        "reason": record["reason"],
        "call_date": meta.date,
        "meta": meta.to_json(),
        "duration_s": transcript.duration_s,
        "n_turns": len(transcript.turns),
        "rubric_id": made["rubric"]["id"],
        "rubric_version": made["rubric"]["version"],
        "judge_engine": made["judge"]["engine"],
        "judge_revision": made["judge"]["revision"],
        "debrief_version": made["debrief"],
        "overall": (record.get("scorecard") or {}).get("overall"),
    }


def _heard(transcript: Transcript) -> Row:
    heard = transcript.hearing
    return {
        "engine": heard.engine,
        "engine_revision": heard.revision,
        "diarizer": heard.diarizer,
        "language": heard.language,
        "expected_wer": heard.expected_wer,
        "roles_method": heard.roles_method,
        "roles_confidence": heard.roles_confidence,
    }


def _external_id(meta: CallMeta) -> str | None:
    value = meta.extra.get("external_id")
    return None if value is None else str(value)


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "JSON":
        return _text(json.dumps(value, ensure_ascii=False))
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    """Text that can be stored: bytes of file names that are no UTF-8, and lone surrogates, are replaced."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
