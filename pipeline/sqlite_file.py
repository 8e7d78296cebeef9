"""An SQLite file while it is open: queries and transactions from several threads, failures in one line."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import DebriefError

Values = Sequence[Any] | dict[str, Any]


def connect(path: Path) -> sqlite3.Connection:
    """A connection for `SqliteFile`; the file is made if it is not there, readable by its owner only. What is deleted
    is overwritten. Raises `OSError`, `sqlite3.Error`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # one connection for all threads of a process, under the guard below
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for name, value in (("foreign_keys", "ON"), ("secure_delete", "ON"), ("journal_mode", "WAL")):
            connection.execute(f"PRAGMA {name} = {value}")
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteFile:
    """An open connection that was made for any thread; `failed` turns SQLite's errors into what is raised instead."""

    def __init__(self, connection: sqlite3.Connection, *, failed: Callable[[sqlite3.Error], DebriefError]) -> None:
        self._guard = threading.RLock()
        self._connection = connection
        self._failed = failed

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._connection.close()

    def one(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first row of a query."""
        found = self.all(sql, values)
        return found[0] if found else None

    def all(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._guard:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def run(self, sql: str, values: Values = ()) -> int:
        """Change rows, inside `writing`; how many."""
        return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, values: Iterable[Values]) -> None:
        """The same change for each of the values, inside `writing`."""
        self._connection.executemany(sql, values)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, on disk when it is over; nested ones belong to the outer."""
        with self._guard:
            if self._connection.in_transaction:
                yield
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._failed(error) from error
                raise
