"""Every page at desktop and phone width, light and dark: accessible, no sideways scrolling, light; and when empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.base")

from pipeline.web.pages import PAGES  # noqa: E402

Open = Callable[..., Any]
MOST_BYTES = 300_000
WIDE, PHONE = 1280, 390
A4 = 718
"""A sheet between the margins that Chromium leaves, in pixels."""

DEEPER = (
    "/reps/Ann",
    "/reps/Ann/criteria/discovery",
    "/calls/{call_id}",
    "/calls/{call_id}/clips/0-20",
    "/accounts/Acme",
    "/training/0123456789abcdef",
    "/library/objections-stall",
    "/library/objections-stall/edit",
    "/snippets/queue",
    "/snippets/kept",
    "/rubric/edit",
    "/calibration/blind",
    "/settings/health",
    "/password",
)
ADDRESSES = [page.path for name, page in PAGES.items() if name != "today"] + list(DEEPER)
PRINTED = {"/team", "/reps/Ann", "/training", "/calls", "/accounts", "/calibration", "/calls/{call_id}", "/snippets"}
"""Addresses of `ADDRESSES` that people print."""
COLOURS = ["color-contrast", "link-in-text-block"]
"""What axe-core asks of colours; nothing else differs between light and dark (`light-dark()` in app.css)."""


def problems(page: Any, rules: Sequence[str] = ()) -> list[str]:
    """Serious and critical faults that axe-core finds (by all of its rules), with the first place of each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("options => axe.run(options).then(({violations}) => violations)", options)
    return [
        f"{item['id']} ({item['impact']}): {item['nodes'][0]['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


def weight(page: Any) -> int:
    """Bytes of the page and of all that it loaded, as they were sent, without sound."""
    return int(
        page.evaluate("""() => performance.getEntries().filter((one) => !["audio", "video"].includes(one.initiatorType))
        .reduce((sum, one) => sum + (one.encodedBodySize || 0), 0)""")
    )


def sideways(page: Any) -> int:
    """How many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def astray(page: Any) -> list[str]:
    """Cells of a table shown as cards whose words stand in more than one place: the second is under the heading."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll(".stacks:not(.calls) td[data-head]")]
        .filter((cell) => [...cell.childNodes].filter((part) => part.nodeType === 1
            ? getComputedStyle(part).position !== "absolute" : part.textContent.trim()).length > 1)
        .map((cell) => cell.outerHTML.slice(0, 160))""")
    return found


def too_low(page: Any) -> list[str]:
    """Controls that a finger misses: lower than 24 pixels, and not words of a sentence."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll("main :is(a, button, summary, select)")]
        .filter((one) => getComputedStyle(one).display !== "inline")
        .filter((one) => !one.closest("details:not([open]) > :not(summary)"))
        .filter((one) => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().height < 24)
        .map((one) => one.outerHTML.slice(0, 160))""")
    return found


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_light_accessible_and_fits_at_both_widths_and_on_paper(
    open_as: Open, site: Any, address: str
) -> None:
    """One test, and the page opened once: to open it is half of what it costs."""
    page = open_as("Ada", address.format(call_id=site.call_id))
    page.wait_for_load_state("networkidle")
    page.locator("[data-again]").first.wait_for(state="detached")
    assert page.locator("h1").count() == 1
    assert 0 < weight(page) < MOST_BYTES
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) <= 0
        if width == PHONE:
            assert (astray(page), too_low(page)) == ([], [])
        assert problems(page) == []
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert problems(page, COLOURS) == [], "dark"
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
    if address in PRINTED:
        page.set_viewport_size({"width": A4, "height": 1000})
        page.emulate_media(media="print")
        assert sideways(page) <= 0
        assert buttons(page) == []


def buttons(page: Any) -> list[str]:
    """Words on the buttons that are seen; the times of what was said are buttons, too, and left out."""
    shown = page.locator("main button, main .button").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.innerText)"
    )
    return [text for text in shown if not re.fullmatch(r"[\d:]+", text)]


def test_long_names_lie_over_no_standing_and_push_none_out_of_sight(open_as: Open, long_site: Any) -> None:
    for phone in (False, True):
        page = open_as("Ada", "/team", at=long_site, phone=phone)
        page.locator(".heat tbody th").first.wait_for()
        over = "all => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
        assert page.locator(".heat tbody th").evaluate_all(over) == []
        # wide enough for the words of a usual name
        assert page.locator(".heat tbody th").first.bounding_box()["width"] >= 110
        assert phone or page.locator(".table-wrap:has(.heat)").evaluate_all(over) == []
        assert phone or page.locator("form.filters").bounding_box()["height"] < 100


def test_a_reps_day_is_accessible_and_fits(open_as: Open) -> None:
    for phone in (False, True):
        page = open_as("Ann", "/today", phone=phone, dark=not phone)
        page.wait_for_load_state("networkidle")
        assert sideways(page) <= 0
        assert problems(page) == []


def test_the_sign_in_page_is_accessible(browser: Any, site: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site.url}/sign-in")
    assert problems(page) == []
    context.close()


def test_the_menu_opens_on_a_phone(open_as: Open) -> None:
    page = open_as("Mo", "/team", phone=True)
    page.locator("details.menu > summary").click()
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Snippets").click()
    assert page.locator("h1").inner_text() == "Snippets"


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"users", "audit", "settings", "library", "rubric"}))
def test_a_page_without_data_says_what_comes_there(open_as: Open, empty_site: Any, name: str) -> None:
    page = open_as("Ada" if name != "today" else "Ann", PAGES[name].path, at=empty_site)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").count() == 1
    assert len(page.locator("main").inner_text()) > 60
    assert problems(page) == []
