"""The store served: how other commands read and write through the process that has the database open.

That process listens on a socket in the data folder (`store.sock`), or on loopback where the file system knows none;
where, and with which secret, stands in `store.address`, readable by the data folder's user only. Both sides prove that
they know the secret before anything is said. Messages are JSON, never pickles; the operations are those of `OPERATIONS`
and `query`, which answers SELECT only. Nobody who cannot read the data folder gets in; whoever can needs no way in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import decimal
import itertools
import json
import logging
import os
import secrets
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from pipeline import errors, keep
from pipeline.database import Database
from pipeline.intake import Ingested
from pipeline.tables import Row, as_dict, first_line

OPERATIONS = ("ingest", "catch_up", "rebuild", "put_fact", "put_derived", "export", "version")
"""Methods of `Database` that are called for others by their name; `query` is answered in parts instead."""

ANSWER_S = 10.0
"""How long the other side has to prove that it knows the secret."""
MOST_AT_ONCE = 64
PAUSE_S = 0.2
"""How long the server waits where the system gives it no connection."""

_ADDRESS = "store.address"
_SOCKET = "store.sock"
_LONGEST_SOCKET_PATH = 100

Message = dict[str, Any]

log = logging.getLogger("debrief.served")


class Gone(Exception):
    """The process that had the database open has ended, or nobody has it open."""


class Server:
    """Answers other processes out of `database` until `close`, in threads of this process.

    Raises `StoreError` where the address cannot be written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._secret = secrets.token_bytes(32)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._closed = False
        self._socket = _listen(database.data)
        where = self._socket.getsockname()
        try:
            row = {
                "at": list(where) if isinstance(where, tuple) else _SOCKET,
                "secret": self._secret.hex(),
                "pid": os.getpid(),
                "host": socket.gethostname(),
            }
            keep.write_atomically(database.data / _ADDRESS, keep.encode(row))
        except BaseException:
            self._socket.close()
            raise
        threading.Thread(target=self._accept, name="store-served", daemon=True).start()

    def close(self) -> None:
        """Listen no longer and hang up; what was being done is done to its end."""
        self._closed = True
        for name in (_ADDRESS, _SOCKET):
            with contextlib.suppress(OSError):
                (self._database.data / name).unlink(missing_ok=True)
        with self._guard:
            for item in (self._socket, *self._open):
                with contextlib.suppress(OSError):
                    item.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                theirs, _ = self._socket.accept()
            except OSError as error:
                # a moment of too many open files must not lock all others out for as long as this process lives
                if not self._closed:
                    log.warning("a caller was not answered: %s", error)
                    time.sleep(PAUSE_S)
                continue
            with self._guard:
                if self._closed or len(self._open) >= MOST_AT_ONCE:
                    theirs.close()
                    continue
                self._open.add(theirs)
            threading.Thread(target=self._converse, args=(theirs,), name="store-caller", daemon=True).start()

    def _converse(self, theirs: socket.socket) -> None:
        line = None
        try:
            line = Connection(os.dup(theirs.fileno()))
            _prove(line, self._secret, first=True)
            while not self._closed:
                request = decode(line.recv_bytes())
                self._answer(line, request)
        except (OSError, EOFError, ValueError, AuthenticationError):
            return
        finally:
            if line:
                line.close()
            with self._guard:
                self._open.discard(theirs)
                theirs.close()

    def _answer(self, line: Connection, request: Message) -> None:
        try:
            operation, arguments = request["do"], request["with"]
            if operation == "query":
                self._query(line, arguments)
            elif operation in OPERATIONS:
                line.send_bytes(encode({"result": getattr(self._database, operation)(**arguments)}))
            else:
                raise errors.StoreError(f"{operation}: not done for other processes")
        except errors.DebriefError as error:
            line.send_bytes(encode({"error": [type(error).__name__, str(error)]}))
        except ConnectionError:
            # one of the two ends: nobody hears the answer, and whoever asked asks the next process that serves
            raise
        except Exception as error:
            # whoever is hung up on takes this process for gone, finds it again and asks the same for ever
            log.exception("a call that cannot be answered")
            reason = f"{type(error).__name__}: {first_line(error)}"
            line.send_bytes(encode({"error": ["StoreError", f"a call that cannot be answered: {reason}"]}))

    def _query(self, line: Connection, arguments: Message) -> None:
        begun = False

        def send() -> None:
            nonlocal begun
            if begun:
                # rows that have been said cannot be taken back
                raise errors.StoreError(f"{self._database.file}: was damaged and is whole again; ask again")
            with self._database.select(**arguments) as (columns, chunks):
                first = next(chunks, [])
                line.send_bytes(encode({"columns": columns}))
                begun = True
                for chunk in itertools.chain([first], chunks):
                    line.send_bytes(encode({"rows": chunk}))
            line.send_bytes(encode({"end": True}))

        self._database.healing(send)


class Remote:
    """The database as another process serves it; its methods may be called from any thread.

    `Remote.find` gives one, or None where nobody serves this data folder. Raises `Gone` when that process has ended.
    """

    def __init__(self, data: Path, at: Any, secret: bytes) -> None:
        self._data = data
        self._at = at
        self._secret = secret
        self._idle: list[Connection] = []
        self._guard = threading.Lock()
        self._put_back(self._connect())

    @classmethod
    def find(cls, data: Path) -> Remote | None:
        """Whoever serves `data` now."""
        try:
            row = json.loads((data / _ADDRESS).read_bytes())
            return cls(data, row["at"], bytes.fromhex(row["secret"]))
        except (OSError, ValueError, KeyError, TypeError, Gone):
            return None

    def close(self) -> None:
        """Hang up."""
        with self._guard:
            for line in self._idle:
                line.close()
            self._idle.clear()

    def call(self, operation: str, arguments: Message) -> Any:
        """What `operation` gives there: one of `OPERATIONS`, or `query`. Raises the `StoreError`s that it raised."""
        with self._guard:
            line = self._idle.pop() if self._idle else None
        try:
            line = line or self._connect()
            line.send_bytes(encode({"do": operation, "with": arguments}))
            result = _rows(line) if operation == "query" else _received(line)["result"]
        except errors.DebriefError:
            self._put_back(line)
            raise
        except (OSError, EOFError, ValueError) as error:
            if line:
                line.close()
            raise Gone(str(error)) from error
        except BaseException:
            if line:
                line.close()
            raise
        self._put_back(line)
        return result

    def _put_back(self, line: Connection | None) -> None:
        if line:
            with self._guard:
                self._idle.append(line)

    def _connect(self) -> Connection:
        try:
            if isinstance(self._at, str):
                mine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                mine.connect(str(self._data / self._at))
            else:
                mine = socket.create_connection((str(self._at[0]), int(self._at[1])), timeout=ANSWER_S)
        except OSError as error:
            raise Gone(str(error)) from error
        mine.settimeout(None)
        line = Connection(mine.detach())
        try:
            _prove(line, self._secret, first=False)
        except (OSError, EOFError, AuthenticationError) as error:
            line.close()
            raise Gone(str(error) or "no answer") from error
        return line


def _listen(data: Path) -> socket.socket:
    """A socket in the data folder, which other containers that share the folder reach too, else one on loopback."""
    path = data / _SOCKET
    if hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) < _LONGEST_SOCKET_PATH:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            made.bind(str(path))
            path.chmod(0o600)
            made.listen()
            return made
        except OSError:
            made.close()
    return socket.create_server(("127.0.0.1", 0))


def _prove(line: Connection, secret: bytes, *, first: bool) -> None:
    """Both sides show that they know the secret without saying it (HMAC of a random challenge).

    Whoever connects and then says nothing is hung up on.
    """
    _patience(line, ANSWER_S)
    for asks in (first, not first):
        (deliver_challenge if asks else answer_challenge)(line, secret)
    _patience(line, 0.0)


def _patience(line: Connection, seconds: float) -> None:
    """How long a read may take; 0 is for ever."""
    if os.name == "posix":
        with socket.socket(fileno=os.dup(line.fileno())) as item:
            item.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(seconds), 0))


def _received(line: Connection) -> Message:
    message = decode(line.recv_bytes())
    if "error" in message:
        name, text = message["error"]
        kind = getattr(errors, name, errors.StoreError)
        raise kind(text)
    return message


def _rows(line: Connection) -> list[Row]:
    columns = [(str(name), bool(is_json)) for name, is_json in _received(line)["columns"]]
    found: list[Row] = []
    while "rows" in (message := _received(line)):
        found.extend(as_dict(columns, row) for row in message["rows"])
    return found


_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "datetime": (dt.datetime, dt.datetime.isoformat, dt.datetime.fromisoformat),
    "date": (dt.date, dt.date.isoformat, dt.date.fromisoformat),
    "time": (dt.time, dt.time.isoformat, dt.time.fromisoformat),
    "seconds": (dt.timedelta, dt.timedelta.total_seconds, lambda value: dt.timedelta(seconds=value)),
    "decimal": (decimal.Decimal, str, decimal.Decimal),
    "uuid": (uuid.UUID, str, uuid.UUID),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "path": (Path, str, Path),
    "ingested": (
        Ingested,
        dataclasses.asdict,
        lambda row: Ingested(row["calls"], row["removed"], tuple(tuple(item) for item in row["damaged"])),
    ),
}
"""What travels besides JSON's own types, first match counting: its type, to JSON, and back."""


def encode(message: Message) -> bytes:
    """A message as bytes. Raises `TypeError` for a value that does not travel."""
    return json.dumps(message, default=_wrap, separators=(",", ":")).encode("ascii")


def decode(content: bytes) -> Message:
    """The message again. Raises `ValueError`."""
    message = json.loads(content, object_hook=_unwrap)
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message


def _wrap(value: Any) -> Message:
    for name, (kind, write, _) in _KINDS.items():
        if isinstance(value, kind):
            return {"$": [name, write(value)]}
    raise TypeError(f"{type(value).__name__} does not travel")


def _unwrap(row: Message) -> Any:
    if row.keys() == {"$"} and isinstance(row["$"], list) and len(row["$"]) == 2 and row["$"][0] in _KINDS:
        return _KINDS[row["$"][0]][2](row["$"][1])
    return row
