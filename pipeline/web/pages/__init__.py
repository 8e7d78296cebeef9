"""Every page of the app. A new one is a file here with its `ROUTES`, and one line in `PAGES`."""

from __future__ import annotations

from pipeline.access.people import ADMINS, EVERYONE, LEADERS
from pipeline.web import static
from pipeline.web.ask import Page, Route
from pipeline.web.pages import audit, calibration, calls, entrance, home, inbox, reps, rubric, settings, users

PAGES: dict[str, Page] = {
    "reps": Page("Coach", "Reps", "/reps", reps.ROUTES, EVERYONE),
    "calls": Page("Coach", "Calls", "/calls", calls.ROUTES, EVERYONE),
    "inbox": Page("Coach", "Inbox", "/inbox", inbox.ROUTES, LEADERS),
    "rubric": Page("Judge", "Rubric", "/rubric", rubric.ROUTES, EVERYONE),
    "calibration": Page("Judge", "Calibration", "/calibration", calibration.ROUTES, LEADERS),
    "settings": Page("Settings", "Settings", "/settings", settings.ROUTES, ADMINS),
    "users": Page("Settings", "Users", "/settings/users", users.ROUTES, ADMINS),
    "audit": Page("Settings", "Audit log", "/settings/audit", audit.ROUTES, ADMINS),
}
"""The navigation, in its order, by group."""

OTHER_ROUTES: tuple[Route, ...] = (*entrance.ROUTES, *home.ROUTES, *static.ROUTES)
"""Routes without an entry in the navigation."""
