"""The log of who saw and changed what. For admins."""

from __future__ import annotations

from pipeline.access.people import ADMINS
from pipeline.web.ask import Ask, Html, get

KINDS = ("saw", "changed", "denied", "signed in", "failed sign-in")
LINES = 100


def listing(ask: Ask, *, name: str = "", kind: str = "", q: str = "", before: int | None = None) -> Html:
    """Lines of the log, newest first, by user, kind and words."""
    lines = ask.book.log(name=name, kind=kind, words=q, before=before, limit=LINES + 1)
    return ask.show(
        "audit.html",
        lines=lines[:LINES],
        older=lines[LINES - 1].n if len(lines) > LINES else None,
        names=sorted({*ask.book.names_in_log(), *(user.name for user in ask.book.users())}, key=str.lower),
        kinds=KINDS,
        name=name,
        kind=kind,
        q=q,
    )


ROUTES = (get("/settings/audit", listing, who=ADMINS, logged=True),)
