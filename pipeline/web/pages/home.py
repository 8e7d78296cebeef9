"""Where a signed-in user starts, and the health check."""

from __future__ import annotations

from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.web.ask import ANYBODY, Ask, File, Go, get

HOME: dict[str, str] = {"admin": "/team", "manager": "/team", "trainer": "/team", "rep": "/today"}
"""The first page of each role."""


def home(ask: Ask) -> Go:
    """The first page of the user's role."""
    return Go(HOME[ask.user.role], ask.said)


def healthz(ask: Ask) -> Any:
    """200 while the app can read its database."""
    ask.store.query("SELECT 1")
    return File(b"ok\n", "text/plain")


ROUTES = (get("/", home, who=EVERYONE), get("/healthz", healthz, who=ANYBODY))
