"""What runs and is set: the inbox, settings, users, the audit log and webhook deliveries."""

from __future__ import annotations

import dataclasses
from typing import Any

from typing_extensions import TypedDict

from pipeline.access.people import ADMINS, LEADERS
from pipeline.settings_file import described
from pipeline.web.ask import Ask, get
from pipeline.web.pages import inbox as inbox_page
from pipeline.web.pages import settings as settings_page

MOST = 500


class SettingJson(TypedDict):
    """A setting: `source` is `default`, `debrief.toml`, `environment` or `command`; a secret's value is `set` or ''."""

    name: str
    value: str | int | float | bool
    default: str | int | float | bool
    source: str
    about: str
    changeable: bool
    choices: list[str]


class EntryJson(TypedDict):
    """A line of the audit log; `at` in seconds since 1970."""

    n: int
    at: float
    name: str
    role: str
    kind: str
    what: str
    detail: str


class UserJson(TypedDict):
    """Who may sign in: a manager sees `teams`, a rep the calls of `rep`; `linked`: to somebody at the provider."""

    name: str
    role: str
    rep: str | None
    teams: list[str]
    disabled: bool
    has_password: bool
    email: str | None
    linked: bool


class DeliveryJson(TypedDict):
    """A webhook delivery; times in seconds since 1970."""

    event_id: str
    kind: str
    key: str
    made_at: float
    host: str
    status: str
    attempts: int
    next_at: float
    last_at: float | None
    outcome: str


def inbox(ask: Ask, *, status: str = "", page: int = 1) -> dict[str, Any]:
    """What waits (`waiting`), runs, failed (`failed`, 50 a page; `status`: quarantined, retry, refused) and needs a
    person's word (`people`, 50 at most of `people_open`)."""
    found = inbox_page.state_of(ask, status=status, page=page)
    waiting, errands = found["waiting"], found["errands"]
    names = ("people", "people_open", "roles_open", "reps_open", "failed", "failed_counts", "watchers")
    rest = {name: found[name] for name in names}
    return {
        **rest,
        "page": found["page"],
        "more": found["more"],
        "working": found["claims"],
        "waiting": {"count": waiting.count, "names": list(waiting.names)} if waiting else None,
        "errands": [
            {name: getattr(item, name) for name in ("title", "state", "done", "total", "line")} for item in errands
        ],
    }


def settings(ask: Ask) -> list[SettingJson]:
    """Every setting, where it is from and what it is for."""
    found: list[Any] = [row.to_json() for row in described(ask.settings)]
    return found


def users(ask: Ask) -> list[UserJson]:
    """Who may sign in, and whom they reach; no secrets."""
    found: list[Any] = [user.to_json() for user in ask.book.users()]
    return found


def audit(
    ask: Ask, *, name: str = "", kind: str = "", q: str = "", before: int | None = None, limit: int = 100
) -> list[EntryJson]:
    """Lines of the audit log, newest first; `before` is the `n` to go on from, at most 500 at a time."""
    lines = ask.book.log(name=name, kind=kind, words=q, before=before, limit=min(max(limit, 1), MOST))
    found: list[Any] = [dataclasses.asdict(line) for line in lines]
    return found


def deliveries(ask: Ask) -> list[DeliveryJson]:
    """The newest webhook deliveries, with what came of them."""
    found: list[Any] = [row.to_json() for row in settings_page.deliveries(ask)["deliveries"]]
    return found


ROUTES = (
    get("/api/v1/inbox", inbox, who=LEADERS, title="The inbox", logged=True),
    get("/api/v1/settings", settings, who=ADMINS, title="Settings"),
    get("/api/v1/users", users, who=ADMINS, title="Users"),
    get("/api/v1/audit", audit, who=ADMINS, title="The audit log", logged=True),
    get("/api/v1/webhooks/deliveries", deliveries, who=ADMINS, title="Webhook deliveries"),
)
