"""Passwords by argon2id, and secrets that are kept only as hashes."""

from __future__ import annotations

import hashlib
import secrets
import threading
from functools import cache
from typing import TYPE_CHECKING

from pipeline.errors import AccessError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH = 10
MAX_LENGTH = 1000
_TURN = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB: a flood of sign-ins must not take the machine's memory."""


def hash_password(password: str, *, name: str = "") -> str:
    """An argon2id hash (RFC 9106, low-memory parameters). Raises `AccessError` for a password that is no good."""
    if len(password) < MIN_LENGTH:
        raise AccessError(f"a password has at least {MIN_LENGTH} characters; choose a longer one")
    if len(password) > MAX_LENGTH:
        raise AccessError(f"a password has at most {MAX_LENGTH} characters; choose a shorter one")
    if len(set(password)) < 4 or (name and password.lower() == name.lower()):
        raise AccessError("that password would be guessed at once; choose another")
    with _TURN:
        return _hasher().hash(password)


def password_fits(password: str, hashed: str | None) -> bool:
    """Whether a password is the one hashed; takes as long for an unknown user (None) as for a known one."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _TURN:
        try:
            _hasher().verify(hashed or _nobody(), password[: MAX_LENGTH + 1])
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


def new_secret() -> str:
    """256 random bits as text that can stand in a link."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is kept of a random secret; it has too many bits to be guessed from a fast hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(new_secret())
