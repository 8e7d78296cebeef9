"""`access.sqlite`: its tables, and how it is opened. Scripts are append-only; `PRAGMA user_version` counts them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pipeline import sqlite_file
from pipeline.errors import AccessError

FILE = "access.sqlite"

_FIRST = """
CREATE TABLE users (
    user_id    TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL,
    rep        TEXT,
    teams      TEXT NOT NULL DEFAULT '[]',
    password   TEXT,
    disabled   INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at REAL NOT NULL,
    seen_at    REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT;

CREATE TABLE links (
    hash       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    expires_at REAL NOT NULL
) STRICT;

CREATE TABLE tokens (
    token_id   TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    label      TEXT NOT NULL,
    writes     INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL,
    used_at    REAL
) STRICT;

CREATE TABLE attempts (
    key TEXT NOT NULL,
    at  REAL NOT NULL
) STRICT;
CREATE INDEX attempts_key ON attempts (key, at);

CREATE TABLE audit (
    n      INTEGER PRIMARY KEY AUTOINCREMENT,
    at     REAL NOT NULL,
    name   TEXT NOT NULL,
    role   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    what   TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_name ON audit (name, n);
"""

_IDENTITIES = """
ALTER TABLE users ADD COLUMN email TEXT;
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE identities (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    user_id   TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    linked_at REAL NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE UNIQUE INDEX identities_user ON identities (user_id, issuer);

CREATE TABLE spent (
    hash       TEXT PRIMARY KEY,
    expires_at REAL NOT NULL
) STRICT;
"""

SCRIPTS: tuple[str, ...] = (_FIRST, _IDENTITIES)


def connect(data: Path) -> sqlite3.Connection:
    """The data folder's access file, made if it is not there, readable by its owner only. Raises `AccessError`."""
    path = data / FILE
    try:
        connection = sqlite_file.connect(path)
    except (OSError, sqlite3.OperationalError) as error:
        raise AccessError(f"{path}: cannot be opened ({error}); check the folder and its permissions") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error
    try:
        _migrate(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _damaged(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _damaged(path: Path, error: sqlite3.DatabaseError) -> AccessError:
    return AccessError(
        f"{path}: cannot be read ({error}); put a backup of it back, or move it away and add the users again"
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(SCRIPTS):
        raise AccessError(f"{path}: written by a newer debrief (version {version}); install that version")
    if version == len(SCRIPTS):
        return
    # the version is read again under the lock: another process may have come first
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(SCRIPTS[version:], start=version + 1):
            for statement in script.split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
