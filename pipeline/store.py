"""The query store: DuckDB, built from the record files and never the record itself.

DuckDB opens for one process at a time, so the file lock `store.lock` is held exactly as long as the connection. A
`Store` opens the database itself, or goes through the process that has it open and serves it (the web app); who uses
it need not know which. What is in the database can be built again from `results/`, `failures/` and `facts/`; a damaged
one is set aside and rebuilt.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from pipeline import keep
from pipeline.copies import together
from pipeline.database import Database
from pipeline.errors import StoreError, StoreLocked
from pipeline.intake import Ingested
from pipeline.redact import ALL
from pipeline.reviews import reviewed
from pipeline.served import Gone, Remote, Server
from pipeline.tables import Row

__all__ = ["Ingested", "Row", "Store"]

_STEP_S = 0.05


class Store:
    """The data folder's database; a context manager whose methods may be called from any thread.

    `data` is the data folder. Raises `StoreLocked` when another process has it open for longer than `wait_s` and does
    not serve it, and `StoreError` when it was written by a newer version or the folder cannot be used.

    When the process that served it ends in the midst of a call, the call is made again, by opening the database or
    through whoever serves it next: every write can be repeated.
    """

    def __init__(self, data: Path, *, wait_s: float = 10.0) -> None:
        self.data = data
        self.file = data / "store.duckdb"
        self._wait_s = wait_s
        self._lock = FileLock(data / "store.lock", thread_local=False, fallback_to_soft=False)
        self._guard = threading.RLock()
        self._serving = False
        self._closed = False
        self._server: Server | None = None
        self._at = self._reach()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def owner(self) -> bool:
        """True when this process has the database open itself."""
        return isinstance(self._at, Database)

    def serve(self) -> None:
        """From now on, let other processes use the store through this one, whenever it has the database open."""
        with self._guard:
            self._serving = True
            if isinstance(self._at, Database) and self._server is None:
                self._server = Server(self._at)

    def close(self) -> None:
        """Serve no longer, close the connection, then let the lock go."""
        with self._guard:
            self._closed = True
            try:
                if self._server:
                    self._server.close()
                self._at.close()
            finally:
                self._server = None
                self._lock.release()

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Rows of a SELECT as dicts, JSON columns as Python objects. Raises `StoreError` with DuckDB's first line.

        `params` fill `?` (a sequence) or `$name` (a mapping). What is no SELECT is refused.
        """
        given = dict(params) if isinstance(params, Mapping) else list(params)
        rows: list[Row] = self._do("query", sql=sql, params=given)
        return rows

    def reps(self) -> list[str]:
        """Names of the reps who have calls, in order."""
        return [row["rep"] for row in self.query("SELECT DISTINCT rep FROM calls WHERE rep IS NOT NULL ORDER BY rep")]

    def version(self, *tables: str) -> str:
        """A word that is another one whenever what one of these tables shows may have changed: what was worked out from
        them is kept by it. `calls` stands for all that comes from recordings, reviews in force included."""
        found: str = self._do("version", tables=list(tables))
        return found

    def ingest(self, sha256s: Iterable[str] | None = None) -> Ingested:
        """Bring the tables up to date with the files: of the calls named, else of all of them.

        Idempotent: any number of times, in any order, after any interruption, gives the same tables.
        """
        done: Ingested = self._do("ingest", sha256s=None if sha256s is None else sorted(set(sha256s)))
        return done

    def catch_up(self) -> Ingested:
        """Take in the records noted as new, which costs nothing where there are none; all, where it never had all."""
        done: Ingested = self._do("catch_up")
        return done

    def rebuild(self) -> Ingested:
        """Build the database again from the files; until it is whole, the old one answers."""
        done: Ingested = self._do("rebuild")
        return done

    def put_fact(self, kind: str, row: Mapping[str, Any]) -> None:
        """Keep a row of one of `FACT_KEYS`, its id set, in its table and as a file; what does not fit is refused."""
        self._do("put_fact", kind=kind, row=dict(row))

    def put_derived(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a table of what takes long to work out (`gaps`); a rebuild empties it until the next night."""
        self._do("put_derived", table=table, rows=[dict(row) for row in rows])

    def record(self, call_id: str) -> Row | None:
        """The latest record of the call with this id (or its beginning, or its vendor's id), its overrides in force.

        None when there is none.

        Raises `StoreError` when several calls begin like that.
        """
        # a whole id is found by the index; only what is none needs a look at every call
        rows = self.query("SELECT record_file FROM calls WHERE call_id = $id", {"id": call_id}) or self.query(
            "SELECT record_file FROM calls WHERE external_id = $id "
            "UNION SELECT record_file FROM calls WHERE length($id) >= 4 AND starts_with(call_id, lower($id))",
            {"id": call_id},
        )
        if len(rows) > 1:
            raise StoreError(f"{call_id}: {len(rows)} calls are called that; give more of the id")
        if not rows:
            return None
        record = keep.read_json(self.data / rows[0]["record_file"])
        return reviewed(record, keep.reviews_of(self.data, record["source"]["sha256"][:16]))

    def export(self, folder: Path, *, form: str, kinds: Collection[str] = ALL) -> dict[str, int]:
        """Write every table as `<table>.<form>` (`jsonl`, `csv`, `parquet`), or all and the views as `debrief.duckdb`.

        `kinds` of private details (`pipeline/redact.py`) are taken out. Returns the number of rows of each table.
        Raises `StoreError` when the folder cannot be written.
        """
        folder = folder.absolute()
        if self.owner:
            return self._exported(folder, form, kinds)
        # whoever has it open may have another user, another /tmp and other mounts (a service, a container): all that
        # both see is the data folder
        passed = Path(f".export-{secrets.token_hex(8)}.tmp")
        try:
            counts = self._exported(passed, form, kinds)
            with together(folder) as half:
                for file in (self.data / passed).iterdir():
                    shutil.copyfile(file, half / file.name)
            return counts
        except OSError as error:
            why = error.strerror or error
            raise StoreError(f"{folder}: cannot be written ({why}); check the folder and its space") from error
        finally:
            shutil.rmtree(self.data / passed, ignore_errors=True)

    def _exported(self, folder: Path, form: str, kinds: Collection[str]) -> dict[str, int]:
        counts: dict[str, int] = self._do("export", folder=folder, form=form, kinds=sorted(kinds))
        return counts

    def _do(self, operation: str, **arguments: Any) -> Any:
        while True:
            at = self._at
            if isinstance(at, Database):
                return getattr(at, operation)(**arguments)
            try:
                return at.call(operation, arguments)
            except Gone:
                self._reach_again(at)

    def _reach_again(self, lost: Database | Remote) -> None:
        with self._guard:
            if self._closed:
                raise StoreError(f"{self.file}: closed")
            if self._at is lost:
                lost.close()
                self._at = self._reach()
                if self._serving and isinstance(self._at, Database):
                    self._server = Server(self._at)

    def _reach(self) -> Database | Remote:
        """Open the database, or find who serves it; whichever is possible first."""
        until = time.monotonic() + self._wait_s
        while True:
            if self._take_lock():
                try:
                    return Database(self.data)
                except BaseException:
                    self._lock.release()
                    raise
            found = Remote.find(self.data)
            if found:
                return found
            if time.monotonic() >= until:
                raise StoreLocked(
                    f"{self.file}: another debrief has the database open; wait for it, or stop it and try again"
                )
            time.sleep(_STEP_S)

    def _take_lock(self) -> bool:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StoreError(f"{self.data}: data folder cannot be used ({reason}); check it") from error
        return True
