"""What is to be told and what came of it: `webhooks.sqlite` in the data folder.

SQLite because the web app, the watcher and the nightly run write at the same time. Addresses may hold secrets: only
their host and a hash are kept. A delivered event keeps no body.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.errors import StoreError
from pipeline.sqlite_file import SqliteFile, connect
from pipeline.webhooks.send import Sent, host_of

FILE = "webhooks.sqlite"
WAITS_S = (30, 120, 600, 3600, 3 * 3600, 8 * 3600, 12 * 3600)
"""Seconds before the second and each further try: eight in about a day."""

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL UNIQUE,
    made_at  REAL NOT NULL,
    body     TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    event_id TEXT NOT NULL REFERENCES events ON DELETE CASCADE,
    address  TEXT NOT NULL,
    host     TEXT NOT NULL,
    status   TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at  REAL NOT NULL,
    last_at  REAL,
    outcome  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (event_id, address)
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (status, next_at);
CREATE TABLE IF NOT EXISTS known (key TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one address: `kind` (scorecard.created, gap.found, assignment.created), `status` (waiting,
    delivered, failed), tries, when the last and the next one are (seconds since 1970), and what came of the last."""

    event_id: str
    kind: str
    key: str
    made_at: float
    address: str
    host: str
    status: str
    attempts: int
    next_at: float
    last_at: float | None
    outcome: str

    def to_json(self) -> dict[str, Any]:
        """All but the address's hash."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "address"}


def address_id(url: str) -> str:
    """What is kept of an address."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


class Outbox:
    """The file, open; a context manager whose methods may be called from any thread. Raises `StoreError`."""

    def __init__(self, data: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

        def failed(error: OSError | sqlite3.Error) -> StoreError:
            line = f"{data / FILE}: {error}; check the disk, or move the file away: what waits in it is lost"
            return StoreError(line)

        try:
            connection = connect(data / FILE)
            connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise failed(error) from error
        self._rows = SqliteFile(connection, failed=failed)

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def mark(self, name: str) -> str | None:
        """What was put down under a name."""
        rows = self._rows.all("SELECT value FROM marks WHERE name = ?", (name,))
        return str(rows[0]["value"]) if rows else None

    def put_mark(self, name: str, value: str) -> None:
        """Put something down under a name."""
        with self._rows.writing():
            self._rows.run("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))

    def unknown(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that were never announced or passed over, in their order."""
        wanted = list(keys)
        sql = "SELECT key FROM known WHERE key IN (SELECT value FROM json_each(?))"
        met = {row["key"] for row in self._rows.all(sql, (json.dumps(wanted),))}
        return [key for key in wanted if key not in met]

    def pass_over(self, keys: Iterable[str]) -> None:
        """Remember keys that are to be told to nobody."""
        with self._rows.writing():
            self._rows.run_many("INSERT OR IGNORE INTO known VALUES (?)", ((key,) for key in keys))

    def forget(self, keys: Iterable[str]) -> None:
        """Let keys be news again."""
        with self._rows.writing():
            self._rows.run_many("DELETE FROM known WHERE key = ?", ((key,) for key in keys))

    def known(self, prefix: str) -> list[str]:
        """The keys that begin like this."""
        rows = self._rows.all("SELECT key FROM known WHERE key >= ? AND key < ?", (prefix, prefix + "\U0010ffff"))
        return [row["key"] for row in rows]

    def add(self, kind: str, key: str, data: Mapping[str, Any], urls: Sequence[str]) -> bool:
        """Note an event for these addresses; False where its key was known before.

        One that no JSON can say (a number that is none) is set aside as failed, with why: it must not hold up the rest.
        """
        now = self._clock()
        body: str | None = None
        status, why = "waiting", ""
        try:
            row = {"type": kind, "timestamp": _iso(now), "data": data}
            body = json.dumps(row, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            status, why = "failed", f"cannot be written as JSON: {error}"
        with self._rows.writing():
            if self._rows.run("INSERT OR IGNORE INTO known VALUES (?)", (key,)) == 0:
                return False
            event_id = f"msg_{uuid.uuid4().hex}"
            # a gap that was closed and opened again comes under its old key
            self._rows.run("DELETE FROM events WHERE key = ?", (key,))
            self._rows.run("INSERT INTO events VALUES (?, ?, ?, ?, ?)", (event_id, kind, key, now, body))
            self._rows.run_many(
                "INSERT INTO deliveries (event_id, address, host, status, next_at, outcome) VALUES (?, ?, ?, ?, ?, ?)",
                [(event_id, address_id(url), host_of(url), status, now, why) for url in urls],
            )
        return True

    def due(self, *, limit: int = 200) -> list[tuple[Delivery, bytes]]:
        """Deliveries whose time has come, the oldest first, each with its body.

        `limit` of each address at most: what has piled up for one that is down does not hide what is due for others.
        """
        rows = self._rows.all(
            "WITH due AS (SELECT event_id, address, row_number() OVER (PARTITION BY address ORDER BY next_at, rowid) "
            "AS place FROM deliveries WHERE status = 'waiting' AND next_at <= ?) "
            f"{_DELIVERIES} JOIN due ON due.event_id = d.event_id AND due.address = d.address "
            "WHERE due.place <= ? AND e.body IS NOT NULL ORDER BY d.next_at, e.made_at",
            (self._clock(), limit),
        )
        return [(_delivery(row), str(row["body"]).encode()) for row in rows]

    def settle(self, delivery: Delivery, sent: Sent) -> str:
        """Note what came of a try; the status that follows."""
        now, attempts = self._clock(), delivery.attempts + 1
        over = not sent.again or attempts > len(WAITS_S)
        status = "delivered" if sent.ok else "failed" if over else "waiting"
        wait = 0.0 if status != "waiting" else max(float(WAITS_S[attempts - 1]), sent.after_s)
        with self._rows.writing():
            self._rows.run(
                "UPDATE deliveries SET status = ?, attempts = ?, next_at = ?, last_at = ?, outcome = ? "
                "WHERE event_id = ? AND address = ?",
                (status, attempts, now + wait, now, sent.line, delivery.event_id, delivery.address),
            )
            # what every address has is kept as a line only
            self._rows.run(
                "UPDATE events SET body = NULL WHERE event_id = ? AND NOT EXISTS (SELECT 1 FROM deliveries d "
                "WHERE d.event_id = events.event_id AND d.status <> 'delivered')",
                (delivery.event_id,),
            )
        return status

    def give_up(self, addresses: Iterable[str]) -> None:
        """Fail what waits for addresses other than these: the settings no longer name them."""
        with self._rows.writing():
            self._rows.run(
                "UPDATE deliveries SET status = 'failed', outcome = 'the settings no longer name this address' "
                "WHERE status = 'waiting' AND address NOT IN (SELECT value FROM json_each(?))",
                (json.dumps(list(addresses)),),
            )

    def again(self, event_id: str) -> int:
        """Let the failed deliveries of an event be due now; how many."""
        with self._rows.writing():
            gone = self._rows.run(
                "UPDATE deliveries SET status = 'waiting', attempts = 0, next_at = ? WHERE event_id = ? "
                "AND status <> 'delivered' AND EXISTS (SELECT 1 FROM events e WHERE e.event_id = ? "
                "AND e.body IS NOT NULL)",
                (self._clock(), event_id, event_id),
            )
        return gone

    def called(self, start: str) -> str:
        """The id of the event whose id begins with these eight characters or more; else what was given."""
        if len(start) < 8:
            return start
        rows = self._rows.all("SELECT event_id FROM events WHERE substr(event_id, 1, ?) = ?", (len(start), start))
        return str(rows[0]["event_id"]) if len(rows) == 1 else start

    def newest(self, *, limit: int = 50) -> list[Delivery]:
        """The newest deliveries."""
        rows = self._rows.all(f"{_DELIVERIES} ORDER BY e.made_at DESC, e.rowid DESC, d.host LIMIT ?", (limit,))
        return [_delivery(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many deliveries there are by status."""
        return {
            row["status"]: row["n"] for row in self._rows.all("SELECT status, count(*) AS n FROM deliveries GROUP BY 1")
        }

    def drop(self, found: Callable[[str], bool]) -> int:
        """Drop the events of whose key or body `found` says so, whether told or not; how many."""
        rows = self._rows.all("SELECT event_id, key, coalesce(body, '') AS body FROM events")
        gone = [(row["event_id"],) for row in rows if found(row["key"]) or found(row["body"])]
        with self._rows.writing():
            self._rows.run_many("DELETE FROM events WHERE event_id = ?", gone)
        return len(gone)

    def tidy(self, days: int) -> int:
        """Drop settled events older than `days` (0: none); how many. Their keys stay known."""
        if days <= 0:
            return 0
        with self._rows.writing():
            gone = self._rows.run(
                "DELETE FROM events WHERE made_at < ? AND NOT EXISTS (SELECT 1 FROM deliveries d "
                "WHERE d.event_id = events.event_id AND d.status = 'waiting')",
                (self._clock() - days * 86_400.0,),
            )
        return gone


_DELIVERIES = """
SELECT e.event_id, e.kind, e.key, e.made_at, e.body, d.address, d.host, d.status, d.attempts, d.next_at, d.last_at,
       d.outcome FROM deliveries d JOIN events e USING (event_id)
"""


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__slots__})


def _iso(seconds: float) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
