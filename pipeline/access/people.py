"""Users and their roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.errors import AccessError

ROLES: dict[str, str] = {
    "admin": "sees and changes everything, and looks after the users",
    "manager": "sees the reps and calls of their own teams",
    "trainer": "sees all reps and calls, and looks after training",
    "rep": "sees their own calls, scorecard and training",
}
"""The roles, with what each may do in a few words."""

EVERYONE = frozenset(ROLES)
LEADERS = frozenset({"admin", "manager", "trainer"})
TRAINERS = frozenset({"admin", "trainer"})
ADMINS = frozenset({"admin"})
REPS = frozenset({"rep"})

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may sign in.

    `rep` is the name that a rep's calls carry; `teams` are the teams that a manager sees. `has_password` is false for
    someone who was invited and has not chosen one yet, and for the operator who came by the link on the terminal. By
    `email` the company's sign-in provider finds them the first time; `linked` says that it did.
    """

    user_id: str
    name: str
    role: str
    rep: str | None = None
    teams: tuple[str, ...] = ()
    disabled: bool = False
    has_password: bool = False
    created_at: float = 0.0
    seen_at: float | None = None
    email: str | None = None
    linked: bool = False

    @property
    def stays(self) -> bool:
        """Whether this user can sign in again and again, not by a link only."""
        return self.has_password or self.linked

    @property
    def role_and_reach(self) -> str:
        """The role and whom it reaches, as the log has it: `manager North, South`, `rep Priya Nair`, `trainer`."""
        return f"{self.role} {', '.join(self.teams) or self.rep or ''}".strip()

    def to_json(self) -> dict[str, Any]:
        """`{"name", "role", "rep", "teams", "disabled", "has_password", "email", "linked"}`."""
        return {
            "name": self.name,
            "role": self.role,
            "rep": self.rep,
            "teams": list(self.teams),
            "disabled": self.disabled,
            "has_password": self.has_password,
            "email": self.email,
            "linked": self.linked,
        }


def checked_name(name: str) -> str:
    """A user's name without surrounding blanks. Raises `AccessError` for an empty, long or unprintable one."""
    found = " ".join(name.split())
    if not found or len(found) > MAX_NAME or not found.isprintable():
        raise AccessError(f"a user's name has 1 to {MAX_NAME} printable characters; choose another")
    return found


def checked_role(role: str) -> str:
    """A known role. Raises `AccessError` listing them."""
    if role not in ROLES:
        raise AccessError(f"{role}: no such role; one of {', '.join(ROLES)}")
    return role
