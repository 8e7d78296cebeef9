"""The app and the provider of a company, and a person who signs in."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from oidc_provider import (
    Company,
)
from waiting import HANGS_S

from pipeline.oidc.plan import plan_of
from pipeline.oidc.provider import Provider
from pipeline.settings import Settings
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION

PASSWORD = "a long enough phrase"
USERS = {"admin": "Ada", "manager": "Mo", "trainer": "Tess", "rep": "Ann"}


@dataclass
class House:
    """The app at `url` over `desk`, and the provider of the company."""

    desk: Desk
    url: str
    company: Company
    monkeypatch: pytest.MonkeyPatch
    before: Settings

    def set(self, *, deadline_s: float = 20.0, **changes: Any) -> None:
        """Settings as if the app had been started with them."""
        self.desk.settings = dataclasses.replace(self.desk.settings, **changes)
        self.desk._provider = Provider(plan_of(self.desk.settings), deadline_s=deadline_s)

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=HANGS_S, verify=False)

    def reasons(self) -> list[str]:
        return [line.detail for line in self.desk.book.log(kind="failed sign-in", words="/sign-in/")]


def the_link(page: str) -> str:
    found = re.search(r'href="([^"]+)">Sign in with Calder account</a>', page)
    assert found, page
    return found.group(1).replace("&amp;", "&")


def there(browser: httpx.Client, path: str = "/") -> str:
    """From a page to the provider and signed in there: the address that the provider sends the browser back to."""
    page = browser.get(path, follow_redirects=True)
    gone = browser.get(the_link(page.text))
    assert gone.status_code == 303, gone.text
    back = httpx.get(gone.headers["location"], timeout=HANGS_S, verify=False)
    assert back.status_code == 302, back.text
    return back.headers["location"]


def sign_in(browser: httpx.Client, path: str = "/") -> httpx.Response:
    return browser.get(there(browser, path))


def name_of(browser: httpx.Client) -> str:
    page = browser.get("/", follow_redirects=True)
    found = re.search(r'<div class="me">\s*<div><strong>([^<]+)', page.text)
    return found.group(1) if found else ""


def stays_out(browser: httpx.Client, answer: httpx.Response, status: int) -> None:
    """Nobody is signed in after this answer."""
    assert answer.status_code == status
    assert SESSION not in browser.cookies
    assert name_of(browser) == ""
