"""What a page is made of: routes, each with who may take it, and the request as a page sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.access.people import EVERYONE, User
from pipeline.access.scope import Scope
from pipeline.oidc.plan import passwords_count
from pipeline.redact import chosen_kinds

if TYPE_CHECKING:
    from pipeline.access.book import AccessBook
    from pipeline.settings import Settings
    from pipeline.store import Store
    from pipeline.web.desk import Desk

SAFE = frozenset({"GET", "HEAD"})
MOST_PAGES = 100_000
ANYBODY: frozenset[str] = frozenset()
"""For the few routes that need no signed-in user: the sign-in page itself, its stylesheet, the health check."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, who may take it, and what answers.

    `who` is a set of roles (`EVERYONE`, `LEADERS`, `TRAINERS`, `ADMINS`) or `ANYBODY`. `answer(ask, **values)` gets the
    path's `{names}` and the query's values as its keyword parameters, by their annotations. `title` describes a route
    of the API in its OpenAPI document, `takes` (a JSON schema) what it is sent, `gives` (a type) what it answers where
    that is not made to fit the return type but passed on as it is. `logged` routes leave a line in the log when looked
    at; changes always do.
    """

    method: str
    path: str
    answer: Callable[..., Any]
    who: frozenset[str]
    title: str = ""
    logged: bool = False
    takes: Mapping[str, Any] | None = None
    gives: Any = None

    @property
    def is_api(self) -> bool:
        """Whether errors are told in JSON and API tokens count."""
        return self.path.startswith("/api/")


def get(
    path: str,
    answer: Callable[..., Any],
    *,
    who: frozenset[str],
    title: str = "",
    logged: bool = False,
    gives: Any = None,
) -> Route:
    """A route that shows something; `logged` for one that shows what somebody said or how they do."""
    return Route("GET", path, answer, who, title, logged, gives=gives)


def post(
    path: str,
    answer: Callable[..., Any],
    *,
    who: frozenset[str],
    title: str = "",
    takes: Mapping[str, Any] | None = None,
) -> Route:
    """A route that changes something: always logged, always with the CSRF token."""
    return Route("POST", path, answer, who, title, True, takes)


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation: a heading's `group`, name, path, who sees it, and all routes of the page's file."""

    group: str
    name: str
    path: str
    routes: Iterable[Route]
    who: frozenset[str] = EVERYONE


def page_at(number: int, *, most: int = MOST_PAGES) -> int:
    """The page of a list that an address asks for, from 1 up to `most`: no address asks for a row beyond what
    the database can count to."""
    return min(max(1, number), most)


@dataclass(frozen=True, slots=True)
class Html:
    """A page to show: a template and its values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Go:
    """See another page next; `said` is shown there once."""

    path: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """See an address of another site next: one that the settings, or the provider they name, gave; never a visitor."""

    url: str


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to send: a download where `name` is given."""

    content: bytes
    media_type: str
    name: str = ""
    cache_s: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A file on disk to send, in the parts that a player asks for (HTTP ranges): a download where `name` is given."""

    path: Path
    media_type: str
    name: str = ""


@dataclass(slots=True)
class Ask:
    """One request as a page sees it.

    `user` and `scope` say who asks and what they reach; on an `ANYBODY` route `user` may be None in truth: only those
    pages look at `signed_in`, and `visit`, the secret of a browser that nobody is signed in with. `form` holds a POST's
    fields (the last of equal names), `forms` all values of each.
    """

    desk: Desk
    method: str
    path: str
    user: User
    scope: Scope
    signed_in: bool
    secret: str = ""
    visit: str = ""
    csrf: str = ""
    address: str = ""
    theme: str = ""
    said: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, list[str]] = field(default_factory=dict)
    json: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    cookies: dict[str, str | None] = field(default_factory=dict)
    """Cookies to set (None: to drop) with the answer."""
    detail: str = ""
    """What the log's line says beside the path; a page that changes something sets it once it has: without it, what a
    form asked for counts as not done."""

    @property
    def store(self) -> Store:
        """The call store; threads may share it."""
        return self.desk.store

    @property
    def book(self) -> AccessBook:
        """Users, sessions and the log."""
        return self.desk.book

    @property
    def settings(self) -> Settings:
        """The data folder's settings."""
        return self.desk.settings

    @property
    def passwords(self) -> bool:
        """Whether passwords count here, or only the company's provider."""
        return passwords_count(self.settings)

    @property
    def redacts(self) -> frozenset[str]:
        """The kinds of private details that no clip leaves with, by the setting `redact`. Raises `SettingsError`."""
        return chosen_kinds(self.settings.redact)

    def show(self, template: str, *, status: int = 200, **values: Any) -> Html:
        """Show a template of `templates/`."""
        return Html(template, values, status)

    def is_a(self, who: frozenset[str]) -> bool:
        """Whether the user's role is one of these."""
        return self.user.role in who
