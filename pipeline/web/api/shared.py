"""Who one is, and the description of the API."""

from __future__ import annotations

from typing import Any

# pydantic reads these types at run time, and asks for this one below Python 3.12
from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE
from pipeline.web.ask import Ask, get


class Me(TypedDict):
    """The user that the session or token belongs to."""

    name: str
    role: str
    rep: str | None
    teams: list[str]


def me(ask: Ask) -> Me:
    """The user that the session or token belongs to, and whom they reach."""
    user = ask.user
    return {"name": user.name, "role": user.role, "rep": user.rep, "teams": list(user.teams)}


def openapi(ask: Ask) -> dict[str, Any]:
    """This API as OpenAPI 3.1."""
    found: dict[str, Any] = ask.desk.openapi()
    return found


ROUTES = (get("/api/v1/me", me, who=EVERYONE, title="Who am I"),)
