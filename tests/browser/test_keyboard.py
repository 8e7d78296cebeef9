"""Main tasks with the keyboard alone: nothing is clicked, everything is reached with Tab."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
Open = Callable[..., Any]
FARTHEST = 400


def tab_to(page: Any, wanted: Any) -> None:
    """Press Tab until `wanted` has the focus."""
    for _ in range(FARTHEST):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def write_into(page: Any, field: Any, text: str) -> None:
    """Go to a field and write `text` in place of what it holds."""
    tab_to(page, field)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_a_manager_changes_a_level(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    page.keyboard.press("1")
    criterion = page.locator(".crit[data-k='1']")
    tab_to(page, criterion.locator("summary"))
    page.keyboard.press("Enter")
    tab_to(page, criterion.get_by_label("Level"))
    page.keyboard.type("2")
    write_into(page, criterion.get_by_label("Why"), "One question, no follow-up")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The level is yours now")
    expect(criterion).to_contain_text("One question, no follow-up")


def test_a_manager_comments_at_a_moment(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    box = page.locator("textarea[name=text]").first
    write_into(page, box, "Wait here")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Wait here")


def test_a_trainer_keeps_and_trims_a_snippet(open_as: Open) -> None:
    page = open_as("Tess", "/snippets")
    write_into(page, page.get_by_label("Words"), "cost")
    page.keyboard.press("Enter")
    keep = page.get_by_role("button", name=re.compile("Keep as a good example")).first
    tab_to(page, keep)
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Kept")
    till = page.get_by_label("To", exact=True)
    shorter = float(till.input_value()) - 1
    write_into(page, till, f"{shorter:.2f}")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("Kept.")
    page.goto(page.url)
    expect(till).to_have_value(f"{shorter:.2f}")


def test_the_menu_of_a_phone(open_as: Open) -> None:
    page = open_as("Mo", "/team", phone=True)
    tab_to(page, page.locator("details.menu summary"))
    page.keyboard.press("Enter")
    there = page.get_by_role("navigation", name="Menu").get_by_role("link", name="Calls", exact=True)
    tab_to(page, there)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Calls")


def test_a_filter_of_the_calls(open_as: Open) -> None:
    page = open_as("Mo", "/calls")
    write_into(page, page.get_by_label("Rep, account or type"), "Elm")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Elm"))
    expect(page.locator("tbody tr").first).to_contain_text("Elm")


HIDDEN = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    if (one === document.body || !box.width || one.tagName === "AUDIO") return "";
    const there = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), box.top + box.height / 2);
    return there && (one.contains(there) || there.contains(one)) ? "" : one.outerHTML.slice(0, 120);
}"""
"""What has the focus where something lies over it or it is out of sight; else nothing."""


@pytest.mark.parametrize(
    ("path", "key"), [("/calls/{call_id}", "Shift+Tab"), ("/settings", "Tab"), ("/team", "Shift+Tab")]
)
def test_what_has_the_focus_is_in_sight(open_as: Open, site: Any, path: str, key: str) -> None:
    for phone in (False, True):
        page = open_as("Ada", path.format(call_id=site.call_id), phone=phone)
        page.set_viewport_size({"width": page.viewport_size["width"], "height": 600})
        page.wait_for_load_state("networkidle")
        page.locator("[data-again]").first.wait_for(state="detached")
        hidden = []
        for _ in range(60):
            page.keyboard.press(key)
            hidden.append(page.evaluate(HIDDEN))
        assert [one for one in hidden if one] == []
