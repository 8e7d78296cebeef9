"""Who users are at the company's sign-in provider, kept in the access file beside them."""

from __future__ import annotations

from typing import Any

from pipeline.access.book import USERS, AccessBook, user_of
from pipeline.access.passwords import hash_secret
from pipeline.access.people import User
from pipeline.errors import AccessError

LONGEST_EMAIL = 254


class Identities:
    """The e-mails and subjects of a book's users."""

    def __init__(self, book: AccessBook) -> None:
        self._book = book
        self._rows = book.rows

    def user_of(self, issuer: str, subject: str) -> User | None:
        """The user, disabled or not, that this subject of this issuer is linked to."""
        row = self._rows.one(
            f"{USERS} WHERE user_id = (SELECT user_id FROM identities WHERE issuer = ? AND subject = ?)",
            (issuer, subject),
        )
        return user_of(row) if row else None

    def subject_of(self, user: User, issuer: str) -> str | None:
        """The subject that a user is linked to at this issuer."""
        row = self._rows.one("SELECT subject FROM identities WHERE user_id = ? AND issuer = ?", (user.user_id, issuer))
        return str(row["subject"]) if row else None

    def traces_of(self, user: User) -> tuple[str, ...]:
        """What else than the name a user is known by: e-mail and subjects."""
        rows = self._rows.all("SELECT subject FROM identities WHERE user_id = ?", (user.user_id,))
        return tuple(text for text in (user.email, *(row["subject"] for row in rows)) if text)

    def user_by_email(self, email: str) -> User | None:
        """The user with this e-mail; nobody's has other letters than ASCII's, so that none looks like another."""
        row = self._rows.one(f"{USERS} WHERE email = ?", (email.lower(),)) if email.isascii() else None
        return user_of(row) if row else None

    def link(self, user: User, issuer: str, subject: str) -> None:
        """Keep that this user is that subject. Raises `AccessError` where either belongs to somebody else."""
        with self._rows.writing():
            theirs, other = self.user_of(issuer, subject), self.subject_of(user, issuer)
            if (theirs is not None and theirs.user_id != user.user_id) or other not in (None, subject):
                raise AccessError(f"{user.name}: linked to somebody else at the sign-in provider; unlink them first")
            self._rows.run(
                "INSERT OR IGNORE INTO identities (issuer, subject, user_id, linked_at) VALUES (?, ?, ?, ?)",
                (issuer, subject, user.user_id, self._book.clock()),
            )

    def unlink(self, name: str) -> None:
        """Forget who a user is at the provider, and end their sessions: whoever comes with their e-mail next is linked.

        Raises `AccessError` for an unknown user.
        """
        user = self._book.user(name)
        with self._rows.writing():
            self._rows.run("DELETE FROM identities WHERE user_id = ?", (user.user_id,))
            self._rows.run("DELETE FROM sessions WHERE user_id = ?", (user.user_id,))

    def set_email(self, name: str, email: str) -> User:
        """The e-mail by which the provider finds a user the first time; empty takes it away. Raises `AccessError`."""
        user = self._book.user(name)
        found = checked_email(email) if email.strip() else None
        with self._rows.writing():
            other = self.user_by_email(found) if found else None
            if other is not None and other.user_id != user.user_id:
                raise AccessError(f"{found}: is {other.name}'s e-mail already")
            self._rows.run("UPDATE users SET email = ? WHERE user_id = ?", (found, user.user_id))
        return self._book.user(name)

    def add_user(self, name: str, role: str, *, email: str = "", **more: Any) -> User:
        """A new user, `more` as `AccessBook.add_user` takes it, with an e-mail where one is given: both or neither.

        Raises `AccessError`, also for an e-mail that is somebody else's.
        """
        with self._rows.writing():
            user = self._book.add_user(name, role, **more)
            return self.set_email(user.name, email) if email else user

    def spend(self, secret: str, *, seconds: float) -> bool:
        """Use up a secret that counts once and for so many seconds; false where it was used before."""
        now = self._book.clock()
        with self._rows.writing():
            self._rows.run("DELETE FROM spent WHERE expires_at < ?", (now,))
            values = (hash_secret(secret), now + seconds)
            return self._rows.run("INSERT OR IGNORE INTO spent (hash, expires_at) VALUES (?, ?)", values) == 1


def checked_email(email: str) -> str:
    """An e-mail as it is kept: lower case. Raises `AccessError` for what is none."""
    found = email.strip().lower()
    name, _, host = found.partition("@")
    sound = name and host and "@" not in host and len(found.split()) == 1
    if not sound or len(found) > LONGEST_EMAIL or not found.isascii() or not found.isprintable():
        raise AccessError(f"{email.strip()[:60]!r}: expected an e-mail such as priya@example.com, in ASCII letters")
    return found
