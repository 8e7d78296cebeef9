"""An SQLite file while it is open: queries and transactions from several threads, failures in one line."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pipeline.errors import DebriefError

Values = Sequence[Any] | dict[str, Any]


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
