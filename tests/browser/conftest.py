"""A running app over the story's calls, and a real browser that is signed in as somebody.

Debian's Chromium is used (package `chromium`); where there is none, these tests are skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coach_story import DAY, RUBRIC, call, keep_story, record
from hearing_samples import write
from waiting import HANGS_S

from pipeline import keep
from pipeline.audio import RATE
from pipeline.coach.rows import Assignment
from pipeline.settings import Settings
from pipeline.web.app import running
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), "")
PASSWORD = "a long enough phrase"
USERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Ada": ("admin", {}),
    "Mo": ("manager", {"teams": ("North",)}),
    "Tess": ("trainer", {}),
    "Ann": ("rep", {"rep": "Ann"}),
}
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class Site:
    """The app at `url` over `desk`; `call_id` is a call that came as a recording."""

    url: str
    desk: Desk
    call_id: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not CHROMIUM:
        for item in items:
            if "browser" in Path(item.path).parts:
                item.add_marker(pytest.mark.skip(reason="no Chromium: Debian's package is called chromium"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    keep_story(data)
    call_id = recorded(data, tmp_path_factory.mktemp("inbox"))
    with running(Settings(data=data)) as (desk, url):
        for name, (role, more) in USERS.items():
            desk.book.add_user(name, role, password=PASSWORD, **more)
        given = Assignment(
            "0123456789abcdef", "Ann", "discovery", 1, "discovery-ask-before-you-tell", "Ask before you tell",
            "a gap", DAY, DAY, "North",
        )  # fmt: skip
        desk.store.put_fact("assignments", given.to_row())
        yield Site(url, desk, call_id)


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app over a data folder without a call."""
    with running(Settings(data=tmp_path_factory.mktemp("empty"))) as (desk, url):
        for name, (role, more) in USERS.items():
            desk.book.add_user(name, role, password=PASSWORD, **more)
        yield Site(url, desk, "")


@pytest.fixture(scope="session")
def long_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app over a team whose names are longer than the places that are kept for them."""
    data = tmp_path_factory.mktemp("long")
    team = "Enterprise Accounts, the Nordic Countries and Overseas Territories"
    for number, name in enumerate(("Maximiliana Featherstonehaugh-Wolfeschlegelsteinhausen", "Bo")):
        levels = dict.fromkeys((item.id for item in RUBRIC.criteria), 2)
        rows = call(f"long{number}", name, number, "Acme", levels, team if number else "North")
        keep.write_record(data, record(rows.calls[0], rows))
    with running(Settings(data=data)) as (desk, url):
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        yield Site(url, desk, "")


def recorded(data: Path, inbox: Path) -> str:
    """One more call of Ann's, that came as two minutes of sound; its id."""
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(120 * RATE) / RATE)
    sound = write(inbox / "call.wav", np.float32(tone)[None], codec="pcm_s16le", rate=8000)
    rows = call("heard", "Ann", 9, "Elm", {"discovery": 3, "objection_handling": 1, "ask_for_sale": 1})
    made = record(rows.calls[0], rows)
    state = sound.stat()
    made["source"] |= {"path": str(sound), "kind": "audio", "size": state.st_size, "mtime_ns": state.st_mtime_ns}
    keep.write_record(data, made)
    return str(made["source"]["sha256"][:16])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=HANGS_S * 1000)
    with sync_playwright() as play:
        made = play.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield made
        made.close()


@pytest.fixture
def open_as(site: Site, browser: Any) -> Iterator[Callable[..., Any]]:
    """A page signed in as somebody: `open_as("Mo", "/team", phone=True)`; scripts that fail make the test fail."""
    contexts: list[Any] = []
    failed: list[str] = []

    def open_(name: str, path: str, *, at: Site = site, phone: bool = False, dark: bool = False) -> Any:
        context = browser.new_context(
            viewport=PHONE if phone else WIDE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": SESSION, "value": at.desk.book.start_session(at.desk.book.user(name)), "url": at.url}]
        )
        page = context.new_page()
        page.set_default_timeout(HANGS_S * 1000)
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(at.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not failed
