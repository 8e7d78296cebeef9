"""Every page at desktop and phone width, light and dark: accessible, no sideways scrolling, light; and when empty."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

from pipeline.web.pages import PAGES  # noqa: E402

Open = Callable[..., Any]
MOST_BYTES = 300_000
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


def problems(page: Any) -> list[str]:
    """Serious and critical faults that axe-core finds, with the first place of each."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{item['id']} ({item['impact']}): {item['nodes'][0]['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


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
def test_a_page_is_accessible_and_fits_at_both_widths(open_as: Open, site: Any, address: str) -> None:
    for phone in (False, True):
        page = open_as("Ada", address.format(call_id=site.call_id), phone=phone)
        page.wait_for_load_state("networkidle")
        page.locator("[data-again]").first.wait_for(state="detached")
        assert page.locator("h1").count() == 1
        assert sideways(page) <= 0
        if phone:
            assert (astray(page), too_low(page)) == ([], [])
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours, reduced_motion="reduce")
            assert problems(page) == [], colours


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


@pytest.mark.parametrize(
    "address",
    ["/team", "/reps/Ann", "/training", "/calls", "/accounts", "/calibration", "/calls/{call_id}", "/snippets"],
)
def test_a_page_fits_a_sheet_of_paper_without_buttons(open_as: Open, site: Any, address: str) -> None:
    page = open_as("Ada", address.format(call_id=site.call_id))
    page.wait_for_load_state("networkidle")
    page.locator("[data-again]").first.wait_for(state="detached")
    page.set_viewport_size({"width": A4, "height": 1000})
    page.emulate_media(media="print")
    assert sideways(page) <= 0
    buttons = page.locator("main button, main .button").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.innerText)"
    )
    # the times of what was said are buttons
    assert [text for text in buttons if not re.fullmatch(r"[\d:]+", text)] == []


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


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_light(open_as: Open, site: Any, address: str) -> None:
    page = open_as("Ada", "/password")
    sizes: list[int] = []

    def add(response: Any) -> None:
        if response.request.resource_type != "media" and response.status == 200:
            # not the body: to ask for it takes its time, and it may be gone by then
            sizes.append(int(response.headers["content-length"]))

    page.on("response", add)
    page.goto(site.url + address.format(call_id=site.call_id))
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"users", "audit", "settings", "library", "rubric"}))
def test_a_page_without_data_says_what_comes_there(open_as: Open, empty_site: Any, name: str) -> None:
    page = open_as("Ada" if name != "today" else "Ann", PAGES[name].path, at=empty_site)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").count() == 1
    assert len(page.locator("main").inner_text()) > 60
    assert problems(page) == []
