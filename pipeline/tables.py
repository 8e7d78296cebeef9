"""Reading and writing through one DuckDB connection: rows in, rows out, a transaction around."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import StoreError
from pipeline.rows import KEYS, cell

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any]


class Tables:
    """One connection's tables. `file` is the database's, for errors. Used by one thread at a time."""

    def __init__(self, connection: DuckDBPyConnection, file: Path) -> None:
        self.connection = connection
        self.file = file

    def fetch(self, sql: str, params: Params) -> list[Row]:
        """Rows as the transaction in progress sees them."""
        import duckdb

        try:
            cursor = self.connection.execute(sql, params)
            names = [(item[0], False) for item in cursor.description or ()]
            return [as_dict(names, row) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise StoreError(f"{self.file}: {first_line(error)}") from error

    def run(self, sql: str, params: Params = ()) -> None:
        """One statement of a transaction. DuckDB's errors pass through to it."""
        self.connection.execute(sql, params)

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns and their types."""
        rows = self.fetch("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table])
        return {row["column_name"]: row["data_type"] for row in rows}

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows as column lists (40,000 a second; one statement per row does 2,600). Extra keys are ignored."""
        if not rows:
            return
        columns = self.columns(table)
        values = [[cell(row.get(name), kind) for row in rows] for name, kind in columns.items()]
        picks = ", ".join(f"unnest(?::{'VARCHAR' if kind == 'JSON' else kind}[])" for kind in columns.values())
        self.run(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picks}", values)

    def replace(
        self, table: str, rows: Sequence[Mapping[str, Any]], *, where: str = "true", params: Params = ()
    ) -> None:
        """Make these rows of a table of `KEYS` all that it holds, or all that it holds `where` a condition is met.

        What goes is deleted, what is new inserted, and what stays updated: no transaction may delete a key and insert
        it again. Where the disk is full at its commit, DuckDB cannot take that back, and aborts the process.
        """
        if not self.fetch(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1", params):
            # most calls are new, and the steps below would only cost them time
            self.insert(table, rows)
            return
        key, delta = KEYS[table], f"delta_{table}"
        same = f"d.{key} = t.{key}"
        self.run(f"CREATE TEMP TABLE {delta} AS SELECT * FROM {table} LIMIT 0")
        self.insert(delta, rows)
        self.run(f"DELETE FROM {table} t WHERE {where} AND NOT EXISTS (SELECT 1 FROM {delta} d WHERE {same})", params)
        self._update(table, delta, same)
        self.run(f"INSERT INTO {table} SELECT * FROM {delta} d WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {same})")
        self.run(f"DROP TABLE {delta}")

    def _update(self, table: str, delta: str, same: str) -> None:
        """Update rows from those of `delta`, in the columns where any differs: each costs (0.2 ms for a row among a
        million), and an update of the key would again be a row deleted and inserted."""
        unlike = {name: f"t.{name} IS DISTINCT FROM d.{name}" for name in self.columns(table) if name != KEYS[table]}
        picks = ", ".join(f"bool_or({differs}) AS {name}" for name, differs in unlike.items())
        (found,) = self.fetch(f"SELECT {picks} FROM {table} t JOIN {delta} d ON {same}", [])
        changed = [name for name in unlike if found[name]]
        if changed:
            values = ", ".join(f"{name} = d.{name}" for name in changed)
            which = " OR ".join(unlike[name] for name in changed)
            self.run(f"UPDATE {table} t SET {values} FROM {delta} d WHERE {same} AND ({which})")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises `StoreError` with DuckDB's first line."""
        import duckdb

        try:
            self.connection.begin()
            yield
            self.connection.commit()
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):
                self.connection.rollback()
            if isinstance(error, duckdb.Error):
                raise StoreError(f"{self.file}: {first_line(error)}; `debrief rebuild` builds it again") from error
            raise


def as_dict(columns: Sequence[tuple[str, bool]], row: Sequence[Any]) -> Row:
    """One row of `Database.select` as a dict, its JSON read."""
    return {name: json.loads(v) if is_json and v else v for (name, is_json), v in zip(columns, row, strict=True)}


def first_line(error: BaseException) -> str:
    """What DuckDB says, without where in the statement."""
    return (str(error).splitlines() or [type(error).__name__])[0]
