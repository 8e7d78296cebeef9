"""Every page of the app. A new one is a file here with its `ROUTES`, and one line in `PAGES`."""

from __future__ import annotations

from pipeline.access.people import ADMINS, EVERYONE, LEADERS, REPS
from pipeline.web import static
from pipeline.web.ask import Page, Route
from pipeline.web.pages import (
    accounts,
    audit,
    calibration,
    calls,
    entrance,
    home,
    inbox,
    library,
    provider,
    reps,
    rubric,
    settings,
    snippets,
    team,
    today,
    training,
    users,
)

PAGES: dict[str, Page] = {
    "team": Page("Coach", "Team", "/team", team.ROUTES, LEADERS),
    "today": Page("Coach", "Today", "/today", today.ROUTES, REPS),
    "calls": Page("Coach", "Calls", "/calls", calls.ROUTES, EVERYONE),
    "accounts": Page("Coach", "Accounts", "/accounts", accounts.ROUTES, EVERYONE),
    "training": Page("Train", "Training", "/training", training.ROUTES, EVERYONE),
    "snippets": Page("Train", "Snippets", "/snippets", snippets.ROUTES, EVERYONE),
    "library": Page("Train", "Library", "/library", library.ROUTES, EVERYONE),
    "rubric": Page("Judge", "Rubric", "/rubric", rubric.ROUTES, EVERYONE),
    "calibration": Page("Judge", "Calibration", "/calibration", calibration.ROUTES, LEADERS),
    "inbox": Page("Run", "Inbox", "/inbox", inbox.ROUTES, LEADERS),
    "settings": Page("Run", "Settings", "/settings", settings.ROUTES, ADMINS),
    "users": Page("Run", "Users", "/settings/users", users.ROUTES, ADMINS),
    "audit": Page("Run", "Audit log", "/settings/audit", audit.ROUTES, ADMINS),
}
"""The navigation, in its order, by group."""

OTHER_ROUTES: tuple[Route, ...] = (*entrance.ROUTES, *provider.ROUTES, *home.ROUTES, *static.ROUTES, *reps.ROUTES)
"""Routes without an entry in the navigation."""
