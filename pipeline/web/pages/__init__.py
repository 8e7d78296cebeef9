"""Every page of the app. A new one is a file here with its `ROUTES`, and one line in `PAGES`."""

from __future__ import annotations

from pipeline.access.people import ADMINS, EVERYONE, LEADERS, REPS
from pipeline.web import static
from pipeline.web.ask import Page, Route
from pipeline.web.pages import accounts, audit, calls, entrance, home, reps, team, today, users

PAGES: dict[str, Page] = {
    "team": Page("Coach", "Team", "/team", team.ROUTES, LEADERS),
    "today": Page("Coach", "Today", "/today", today.ROUTES, REPS),
    "calls": Page("Coach", "Calls", "/calls", calls.ROUTES, EVERYONE),
    "accounts": Page("Coach", "Accounts", "/accounts", accounts.ROUTES, EVERYONE),
    "users": Page("Settings", "Users", "/settings/users", users.ROUTES, ADMINS),
    "audit": Page("Settings", "Audit log", "/settings/audit", audit.ROUTES, ADMINS),
}
"""The navigation, in its order, by group."""

OTHER_ROUTES: tuple[Route, ...] = (*entrance.ROUTES, *home.ROUTES, *static.ROUTES, *reps.ROUTES)
"""Routes without an entry in the navigation."""
