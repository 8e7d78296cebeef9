"""Users, sessions, links, tokens and the log of who saw and changed what, in the data folder's `access.sqlite`.

SQLite because the web app and the commands write at the same time from different processes. Passwords are kept as
argon2id hashes, every other secret as a SHA-256 hash: reading the file lets nobody in. Times are seconds since 1970.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pipeline.access.passwords import hash_password, hash_secret, new_secret, password_fits
from pipeline.access.people import User, checked_name, checked_role
from pipeline.access.schema import FILE, connect
from pipeline.errors import AccessError, TooManyAttempts
from pipeline.sqlite_file import SqliteFile

HOUR, DAY = 3600.0, 86400.0
SESSION_IDLE_S = 12 * HOUR
SESSION_LONGEST_S = 7 * DAY
INVITATION_S = 3 * DAY
LOOK_S = 60
AHEAD_S = 60.0
"""Failures from further ahead are from before the clock was set back: nobody waits until it is there again."""
OPERATOR_LINK_S = HOUR
OPERATOR = "operator"
"""The admin whom the link on the terminal signs in: whoever started the web app on this machine."""

LIMITS: dict[str, tuple[int, float]] = {
    "name and address": (5, 300.0),
    "name": (50, 900.0),
    "address": (30, 900.0),
}
"""Failed sign-ins allowed per period (s). A name alone has a high limit: guessing must not lock its owner out."""

TOKEN_PREFIX = "dbf_"
MAX_LABEL = 80


@dataclass(frozen=True, slots=True)
class Token:
    """A kept API token: acts as its user, only for reading unless `writes`; the secret itself is not kept."""

    token_id: str
    user: str
    label: str
    writes: bool
    created_at: float
    expires_at: float | None
    used_at: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: who (`name`, and the `role` they had) `kind` (saw, changed, denied, ...) `what`."""

    n: int
    at: float
    name: str
    role: str
    kind: str
    what: str
    detail: str


class AccessBook:
    """The access file, open; safe to use from several threads; a context manager.

    `clock` gives the time in seconds since 1970. Raises `AccessError` when the file cannot be used.
    """

    def __init__(self, data: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.rows = SqliteFile(
            connect(data),
            failed=lambda error: AccessError(f"{data / FILE}: {error}; check the disk and the file's permissions"),
        )

    def __enter__(self) -> AccessBook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.rows.close()

    def users(self) -> list[User]:
        """All users by name, with when each was last seen."""
        return [user_of(row) for row in self.rows.all(f"{USERS} ORDER BY name COLLATE NOCASE")]

    def user(self, name: str) -> User:
        """The user of a name in any case. Raises `AccessError` for an unknown one."""
        row = self.rows.one(f"{USERS} WHERE name = ?", (" ".join(name.split()),))
        if row is None:
            raise AccessError(f"{name}: no such user; `debrief users list` shows them")
        return user_of(row)

    def anyone_can_sign_in(self, *, passwords: bool = True, provider: bool = False) -> bool:
        """Whether any user that is not disabled has a password (where `passwords` count), or is known to the sign-in
        provider, by then or by an e-mail (where there is a `provider`)."""
        return any(
            not user.disabled and ((passwords and user.has_password) or (provider and (user.linked or user.email)))
            for user in self.users()
        )

    def add_user(
        self, name: str, role: str, *, rep: str | None = None, teams: Sequence[str] = (), password: str | None = None
    ) -> User:
        """A new user; without a password they sign in by an `invite` first. A rep's calls carry `rep`, else the name.

        Raises `AccessError` for a name that is taken, an unknown role, or a password that is no good.
        """
        name, role = checked_name(name), checked_role(role)
        hashed = None if password is None else hash_password(password, name=name)
        with self.rows.writing():
            if self.rows.one("SELECT 1 FROM users WHERE name = ?", (name,)):
                raise AccessError(f"{name}: there is a user of that name; choose another")
            self.rows.run(
                "INSERT INTO users (user_id, name, role, rep, teams, password, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (uuid.uuid4().hex[:12], name, role, *_reach(name, role, rep, teams), hashed, self.clock()),
            )
        return self.user(name)

    def remove_user(self, name: str) -> None:
        """Remove a user with all sessions, links and tokens. Raises `AccessError` for the last admin."""
        user = self.user(name)
        self._keep_an_admin(user)
        with self.rows.writing():
            self.rows.run("DELETE FROM users WHERE user_id = ?", (user.user_id,))

    def set_role(self, name: str, role: str, *, rep: str | None = None, teams: Sequence[str] = ()) -> User:
        """Another role, and whom it reaches; counts from the user's next request on. Raises `AccessError`."""
        user = self.user(name)
        reach = _reach(user.name, checked_role(role), rep, teams)
        with self.rows.writing():
            if role != "admin":
                self._keep_an_admin(user)
            self.rows.run(
                "UPDATE users SET role = ?, rep = ?, teams = ? WHERE user_id = ?", (role, *reach, user.user_id)
            )
        return self.user(name)

    def set_password(self, name: str, password: str) -> None:
        """A new password; ends the user's sessions and links. Raises `AccessError`."""
        user = self.user(name)
        hashed = hash_password(password, name=user.name)
        with self.rows.writing():
            self.rows.run("UPDATE users SET password = ? WHERE user_id = ?", (hashed, user.user_id))
            self._end(user)

    def set_disabled(self, name: str, disabled: bool) -> User:
        """Close or open a user's way in; closing ends sessions and links at once. Raises `AccessError`."""
        user = self.user(name)
        with self.rows.writing():
            if disabled:
                self._keep_an_admin(user)
                self._end(user)
            self.rows.run("UPDATE users SET disabled = ? WHERE user_id = ?", (disabled, user.user_id))
        return self.user(name)

    def sign_in(self, name: str, password: str, *, address: str = "") -> tuple[User, str]:
        """The user and the secret of a new session.

        Raises `AccessError`: in the same words for a wrong name, a wrong password and a disabled user; and after too
        many failures (`LIMITS`), before the password is looked at.
        """
        name = " ".join(name.split())[:200]
        keys = {"name and address": f"{name.lower()}@{address}", "name": name.lower(), "address": address}
        # counted before the password is looked at, which takes a while: of guesses made side by side none is free
        with self.rows.writing():
            self.refuse_when_tried_too_often(keys)
            counted_at = self.count_failure(keys)
        row = self.rows.one("SELECT password, disabled FROM users WHERE name = ?", (name,))
        if not password_fits(password, row["password"] if row else None) or row is None or row["disabled"]:
            raise AccessError("that name and password do not belong together")
        with self.rows.writing():
            self._take_back(keys, counted_at)
            self.rows.run("DELETE FROM attempts WHERE key = ?", (f"name and address: {keys['name and address']}",))
        user = self.user(name)
        return user, self.start_session(user)

    def count_failure(self, keys: Mapping[str, str]) -> float:
        """Keep that a sign-in failed, under some of the kinds of `LIMITS`; when."""
        now = self.clock()
        with self.rows.writing():
            self.rows.run_many(
                "INSERT INTO attempts (key, at) VALUES (?, ?)", [(f"{kind}: {key}", now) for kind, key in keys.items()]
            )
        return now

    def _take_back(self, keys: Mapping[str, str], at: float) -> None:
        """Uncount one failure of that moment: it was none. Others may have failed at the same one."""
        self.rows.run_many(
            "DELETE FROM attempts WHERE rowid = (SELECT min(rowid) FROM attempts WHERE key = ? AND at = ?)",
            [(f"{kind}: {key}", at) for kind, key in keys.items()],
        )

    def start_session(self, user: User) -> str:
        """A session's secret; it ends after 12 hours without a request and after 7 days in any case."""
        secret, now = new_secret(), self.clock()
        with self.rows.writing():
            self.rows.run("DELETE FROM sessions WHERE expires_at < ? OR seen_at < ?", (now, now - SESSION_IDLE_S))
            self.rows.run(
                "INSERT INTO sessions (hash, user_id, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                (hash_secret(secret), user.user_id, now, now, now + SESSION_LONGEST_S),
            )
        return secret

    def session_user(self, secret: str) -> User | None:
        """Whose session this is; None where it is over, unknown, or its user disabled."""
        now, hashed = self.clock(), hash_secret(secret)
        row = self.rows.one(
            "SELECT user_id, seen_at FROM sessions WHERE hash = ? AND expires_at > ? AND seen_at > ?",
            (hashed, now, now - SESSION_IDLE_S),
        )
        if row is None:
            return None
        if now - row["seen_at"] > 60:
            with self.rows.writing():
                self.rows.run("UPDATE sessions SET seen_at = ? WHERE hash = ?", (now, hashed))
        return self._enabled(row["user_id"])

    def end_session(self, secret: str) -> None:
        """Sign out."""
        with self.rows.writing():
            self.rows.run("DELETE FROM sessions WHERE hash = ?", (hash_secret(secret),))

    def invite(self, name: str) -> str:
        """The secret of a link by which a user chooses a (new) password once, within 3 days. Raises `AccessError`."""
        return self._link(self.user(name), "invitation", INVITATION_S)

    def invited(self, secret: str) -> User | None:
        """Who an invitation is for; None when it is used, over or unknown."""
        row = self._valid_link(secret, "invitation")
        return self._enabled(row["user_id"]) if row else None

    def accept_invitation(self, secret: str, password: str) -> tuple[User, str]:
        """Set the invited user's password, use the link up, and start a session. Raises `AccessError`."""
        user = self.invited(secret)
        if user is None:
            raise AccessError("this link is used up or over; ask for a new one")
        self.set_password(user.name, password)
        return self.user(user.name), self.start_session(user)

    def operator_link(self) -> str:
        """The secret of a link that signs in whoever started the web app, as an admin, once, within the hour."""
        row = self.rows.one("SELECT 1 FROM users WHERE name = ?", (OPERATOR,))
        user = self.user(OPERATOR) if row else self.add_user(OPERATOR, "admin")
        return self._link(user, "operator", OPERATOR_LINK_S)

    def enter(self, secret: str) -> tuple[User, str] | None:
        """Use an operator's link: the user and a session's secret; None when it is used, over or unknown."""
        with self.rows.writing():
            row = self._valid_link(secret, "operator")
            user = self._enabled(row["user_id"]) if row else None
            if user is None:
                return None
            self.rows.run("DELETE FROM links WHERE hash = ?", (hash_secret(secret),))
        return user, self.start_session(user)

    def add_token(
        self, name: str, *, label: str = "", writes: bool = False, days: float | None = 365
    ) -> tuple[Token, str]:
        """A new API token and its secret, shown once. Raises `AccessError` for an unknown user."""
        user, secret, now = self.user(name), TOKEN_PREFIX + new_secret(), self.clock()
        token_id = uuid.uuid4().hex[:8]
        with self.rows.writing():
            self.rows.run(
                "INSERT INTO tokens (token_id, hash, user_id, label, writes, created_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    token_id,
                    hash_secret(secret),
                    user.user_id,
                    label[:MAX_LABEL],
                    writes,
                    now,
                    now + days * DAY if days else None,
                ),
            )
        return next(token for token in self.tokens() if token.token_id == token_id), secret

    def tokens(self) -> list[Token]:
        """All tokens, newest first."""
        rows = self.rows.all(
            "SELECT token_id, name AS user, label, writes, t.created_at, expires_at, used_at "
            "FROM tokens t JOIN users USING (user_id) ORDER BY t.created_at DESC"
        )
        return [Token(**{**dict(row), "writes": bool(row["writes"])}) for row in rows]

    def drop_token(self, token_id: str) -> None:
        """Revoke a token. Raises `AccessError` for an unknown one."""
        with self.rows.writing():
            if self.rows.run("DELETE FROM tokens WHERE token_id = ?", (token_id,)) == 0:
                raise AccessError(f"{token_id}: no such token; `debrief users list` shows them")

    def token_user(self, secret: str) -> tuple[User, bool] | None:
        """Whose token this is and whether it may write; None when it is over, unknown, or its user disabled."""
        now = self.clock()
        row = self.rows.one(
            "SELECT token_id, user_id, writes, used_at FROM tokens "
            "WHERE hash = ? AND (expires_at IS NULL OR expires_at > ?)",
            (hash_secret(secret), now),
        )
        user = self._enabled(row["user_id"]) if row else None
        if row is None or user is None:
            return None
        if now - (row["used_at"] or 0) > 60:
            with self.rows.writing():
                self.rows.run("UPDATE tokens SET used_at = ? WHERE token_id = ?", (now, row["token_id"]))
        return user, bool(row["writes"])

    def note(self, name: str, role: str, kind: str, what: str, detail: str = "") -> None:
        """Add a line to the log of who saw and changed what.

        A page that asks for itself again until all of it is there is one look: the same one again within a minute, with
        nothing else of the user's between, adds no line.
        """
        line = (self.clock(), name, role, kind, what[:500], detail[:2000])
        with self.rows.writing():
            last = self.rows.one(
                "SELECT at, role, kind, what, detail FROM audit WHERE name = ? ORDER BY n DESC LIMIT 1", (name,)
            )
            if last and kind == "saw" and 0 <= line[0] - last["at"] < LOOK_S and tuple(last)[1:] == line[2:]:
                return
            self.rows.run(
                "INSERT INTO audit (at, name, role, kind, what, detail) VALUES (?, ?, ?, ?, ?, ?)",
                line,
            )

    def log(
        self, *, name: str = "", kind: str = "", words: str = "", before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Lines of the log, newest first: of one user, one kind, with these words, older than line `before`."""
        rows = self.rows.all(
            "SELECT n, at, name, role, kind, what, detail FROM audit WHERE (:name = '' OR name = :name COLLATE NOCASE) "
            "AND (:kind = '' OR kind = :kind) AND (:words = '' OR instr(lower(what || ' ' || detail), lower(:words))) "
            "AND (:before IS NULL OR n < :before) ORDER BY n DESC LIMIT :limit",
            {"name": name, "kind": kind, "words": words, "before": before, "limit": limit},
        )
        return [Entry(**dict(row)) for row in rows]

    def names_in_log(self) -> list[str]:
        """Whose lines the log holds: users of now and before, `command line`, but not those of nobody."""
        # from name to name by the index, since there are few names and many lines
        rows = self.rows.all(
            "WITH RECURSIVE found (name) AS (SELECT min(name) FROM audit UNION ALL SELECT (SELECT min(name) FROM audit "
            "WHERE name > found.name) FROM found WHERE found.name IS NOT NULL) SELECT name FROM found WHERE name <> ''"
        )
        return [str(row["name"]) for row in rows]

    def lines_before(self, at: float) -> int:
        """How many lines of the log are older."""
        row = self.rows.one("SELECT count(*) AS n FROM audit WHERE at < ?", (at,))
        return int(row["n"]) if row else 0

    def forget_lines(self, at: float) -> int:
        """Delete the lines of the log that are older; how many."""
        with self.rows.writing():
            return self.rows.run("DELETE FROM audit WHERE at < ?", (at,))

    def forget_lines_with(self, text: str) -> int:
        """Delete the lines of the log in which a text stands, in any case; how many."""
        with self.rows.writing():
            return self.rows.run(
                "DELETE FROM audit WHERE instr(lower(name || ' ' || what || ' ' || detail), lower(?))", (text,)
            )

    def forget_name(self, name: str) -> None:
        """In the log: what a user did is done by `erased`, and lines about that user go.

        A login may be a word (`sales`): lines of calls, reps and the rubric that have it are about something else.
        """
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        with self.rows.writing():
            self.rows.run("UPDATE audit SET name = 'erased' WHERE lower(name) = lower(?)", (name,))
            self.rows.run("DELETE FROM audit WHERE lower(what) = lower(?)", (f"user {name}",))
            about = "what = 'user' OR what LIKE '/settings/users%'"
            sql = f"SELECT n, detail FROM audit WHERE ({about}) AND instr(lower(detail), lower(?))"
            for row in self.rows.all(sql, (name,)):
                if word.search(row["detail"]):
                    self.rows.run("DELETE FROM audit WHERE n = ?", (row["n"],))

    def saw(self, name: str, prefix: str) -> set[str]:
        """What a user looked at, as the log's lines tell, of the addresses that begin with `prefix`."""
        rows = self.rows.all(
            "SELECT DISTINCT what FROM audit WHERE name = ? AND kind = 'saw' AND what >= ? AND what < ?",
            (name, prefix, prefix + "\U0010ffff"),
        )
        return {row["what"] for row in rows}

    def _link(self, user: User, kind: str, seconds: float) -> str:
        if user.disabled:
            raise AccessError(f"{user.name}: disabled; `debrief users enable` lets them in again")
        secret, now = new_secret(), self.clock()
        with self.rows.writing():
            self.rows.run("DELETE FROM links WHERE expires_at < ?", (now,))
            self.rows.run("DELETE FROM links WHERE user_id = ? AND kind = ?", (user.user_id, kind))
            self.rows.run(
                "INSERT INTO links (hash, user_id, kind, expires_at) VALUES (?, ?, ?, ?)",
                (hash_secret(secret), user.user_id, kind, now + seconds),
            )
        return secret

    def _valid_link(self, secret: str, kind: str) -> sqlite3.Row | None:
        return self.rows.one(
            "SELECT user_id FROM links WHERE hash = ? AND kind = ? AND expires_at > ?",
            (hash_secret(secret), kind, self.clock()),
        )

    def refuse_when_tried_too_often(self, keys: Mapping[str, str]) -> None:
        """Raises `TooManyAttempts` where so many failures were counted under one of the keys."""
        now = self.clock()
        for kind, key in keys.items():
            allowed, period = LIMITS[kind]
            row = self.rows.one(
                "SELECT count(*) AS n, min(at) AS first FROM attempts WHERE key = ? AND at > ? AND at <= ?",
                (f"{kind}: {key}", now - period, now + AHEAD_S),
            )
            if row is not None and row["n"] >= allowed:
                wait = max(1, round((row["first"] + period - now) / 60))
                raise TooManyAttempts(f"too many failed sign-ins; wait {wait} min and try again")
        with self.rows.writing():
            self.rows.run("DELETE FROM attempts WHERE at < ?", (now - DAY,))

    def _keep_an_admin(self, user: User) -> None:
        """Raises `AccessError` where `user` is the only admin who can sign in for good."""
        admins = {each.user_id for each in self.users() if each.role == "admin" and each.stays and not each.disabled}
        if admins == {user.user_id}:
            raise AccessError(f"{user.name}: the last admin; add another one first")

    def _end(self, user: User) -> None:
        for table in ("sessions", "links"):
            self.rows.run(f"DELETE FROM {table} WHERE user_id = ?", (user.user_id,))

    def _enabled(self, user_id: str) -> User | None:
        row = self.rows.one(f"{USERS} WHERE user_id = ? AND NOT disabled", (user_id,))
        return user_of(row) if row else None


USERS = """
SELECT user_id, name, role, rep, teams, disabled, password IS NOT NULL AS has_password, created_at, email,
       EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.user_id) AS linked,
       (SELECT max(seen_at) FROM sessions s WHERE s.user_id = users.user_id) AS seen_at
FROM users
"""


def user_of(row: sqlite3.Row) -> User:
    """A row of `USERS` as a user."""
    values = dict(row)
    return User(
        **{
            **values,
            "teams": tuple(json.loads(values["teams"])),
            "disabled": bool(values["disabled"]),
            "has_password": bool(values["has_password"]),
            "linked": bool(values["linked"]),
        }
    )


def _reach(name: str, role: str, rep: str | None, teams: Sequence[str]) -> tuple[str | None, str]:
    """What is kept of whom a role reaches: a rep's name, a manager's teams, nothing for the others."""
    wanted = sorted({team.strip() for team in teams if team.strip()})
    return (
        ((rep or "").strip() or name) if role == "rep" else None,
        json.dumps(wanted if role == "manager" else [], ensure_ascii=False),
    )
