"""What runs the rest, done in a browser: the rubric, the inbox, the settings; evidence by click; what is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")

from test_every_page import problems, sideways  # noqa: E402
from test_tasks import until  # noqa: E402

from pipeline import keep  # noqa: E402

expect = playwright.expect
Open = Callable[..., Any]


def test_evidence_is_heard_where_it_was_said(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    until(page, "document.querySelector('audio').readyState >= 1")
    links = page.locator("a[data-quote]")
    times = [float(links.nth(n).get_attribute("data-t") or 0) for n in range(links.count())]
    latest = times.index(max(times))
    assert times[latest] > 0
    links.nth(latest).click()
    until(page, f"Math.abs(document.querySelector('audio').currentTime - {times[latest]}) < 2")
    until(page, "!document.querySelector('audio').paused")


def test_a_key_for_each_criterion_goes_to_it(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    numbers = page.locator(".crit[data-k]").evaluate_all("all => all.map(each => each.dataset.k)")
    assert numbers
    for number in numbers:
        page.keyboard.press(number)
        until(page, f"document.activeElement.closest('.crit')?.dataset.k === '{number}'")


def test_an_admin_checks_a_rubric_and_may_try_it_out(open_as: Open) -> None:
    page = open_as("Ada", "/rubric/edit")
    text = page.get_by_label("Rubric, in YAML")
    whole = text.input_value()
    text.fill(whole.replace("criteria:", "criterias:"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("line")
    page.get_by_label("Rubric, in YAML").fill(whole)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status").first).to_contain_text("It holds together")
    page.get_by_role("button", name="Try it out").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Edit the rubric")
    assert problems(page) == []


def test_an_admin_tries_a_failed_file_again(open_as: Open, site: Any) -> None:
    keep.write_failure(
        site.desk.settings.data, {"path": "/x/lost.wav", "kind": "engine", "reason": "the engine failed"}
    )
    site.desk.store.ingest()
    page = open_as("Ada", "/inbox")
    row = page.locator("#failed tr", has_text="lost.wav")
    expect(row).to_contain_text("the engine failed")
    row.get_by_role("button", name="Try again with lost.wav").click()
    expect(page.locator("#now")).to_contain_text("lost.wav")


def test_what_fails_while_the_inbox_lies_open_is_shown_without_loading_it_again(open_as: Open, site: Any) -> None:
    page = open_as("Ada", "/inbox")
    # the page asks every quarter of a minute: time goes by at once here
    page.clock.install()
    page.goto(page.url)
    expect(page.locator("#failed")).not_to_contain_text("late.wav")
    keep.write_failure(site.desk.settings.data, {"path": "/x/far/late.wav", "kind": "input", "reason": "empty file"})
    site.desk.store.ingest()
    page.clock.run_for(16_000)
    expect(page.locator("#failed tr", has_text="late.wav")).to_contain_text("/x/far")


def test_an_admin_changes_a_setting_and_is_told_what_is_wrong(open_as: Open) -> None:
    page = open_as("Ada", "/settings")
    before = page.get_by_label("max_attempts").input_value()
    page.get_by_label("max_attempts").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("max_attempts")
    assert problems(page) == []
    page.get_by_label("max_attempts").fill(str(int(before) + 1))
    page.get_by_role("button", name="Save").click()
    page.goto(page.url)
    expect(page.get_by_label("max_attempts")).to_have_value(str(int(before) + 1))


def test_the_words_stay_beside_the_last_criterion_that_is_scored_blind(open_as: Open) -> None:
    page = open_as("Tess", "/calibration/blind")
    page.get_by_role("button", name="Keep mine").scroll_into_view_if_needed()
    assert page.evaluate("scrollY > innerHeight")
    expect(page.locator(".blind .scroller")).to_be_in_viewport(ratio=0.9)


def test_what_is_not_there_and_not_open_says_so_accessibly(open_as: Open, site: Any) -> None:
    for name, path in (("Ada", "/calls/ffffffffffffffff"), ("Ann", "/settings"), ("Mo", "/settings/audit")):
        for phone in (False, True):
            page = open_as(name, path, phone=phone)
            assert page.locator("h1").count() == 1
            assert page.locator("main a").count() > 0
            assert sideways(page) <= 0
            assert problems(page) == []
