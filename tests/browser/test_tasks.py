"""Each role's main tasks, done in a browser as people do them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_for

from pipeline.web.rejudging import Progress

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
Open = Callable[..., Any]


def until(page: Any, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own waiting needs `eval`, which the app's pages forbid."""

    def holds() -> bool:
        page.wait_for_timeout(20)  # lets the browser go on, which sleeping alone would not
        return bool(page.evaluate(condition))

    wait_for(holds, condition)


def test_a_manager_goes_from_the_team_to_the_words_and_overrides_a_level(open_as: Open, site: Any) -> None:
    page = open_as("Mo", "/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
    page.locator("a.cell").first.click()
    expect(page).to_have_url(re.compile("/reps/.+/criteria/.+"))
    page.locator("main a[href^='/calls/']").first.click()
    expect(page).to_have_url(re.compile("/calls/[0-9a-f]+"))
    page.goto(f"{site.url}/calls/{site.call_id}")
    form = page.locator("form[action$='/review']").first
    form.locator("xpath=ancestor::details").first.locator("summary").click()
    form.locator("select[name=level], input[name=level][value='3']").first.wait_for()
    if form.locator("select[name=level]").count():
        form.locator("select[name=level]").select_option("3")
    else:
        form.locator("input[name=level][value='3']").check()
    form.locator("[name=why]").fill("The rep asked twice, see 0:20")
    form.get_by_role("button").first.click()
    expect(page.locator(".toast")).to_contain_text("The level is yours now")
    expect(page.locator("main")).to_contain_text("The rep asked twice")


def test_a_manager_comments_at_a_moment(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    box = page.locator("textarea[name=text]").first
    box.scroll_into_view_if_needed()
    box.fill("Good question here")
    box.locator("xpath=ancestor::form").get_by_role("button").first.click()
    expect(page.locator("main")).to_contain_text("Good question here")


def test_what_is_being_written_stays_when_a_call_was_judged_again(open_as: Open, site: Any) -> None:
    sha256 = site.desk.store.record(site.call_id)["source"]["sha256"]
    site.desk.rejudging._put(sha256, Progress("running"))
    page = open_as("Mo", f"/calls/{site.call_id}")
    box = page.locator("textarea[name=text]").first
    box.fill("A long thought")
    site.desk.rejudging._put(sha256, Progress("done"))
    expect(page.locator("#judging")).to_contain_text("Judging is over")
    assert box.input_value() == "A long thought"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)
    assert asked == []
    box.fill("")
    expect(page.locator("#judging")).to_have_count(0)


def test_a_second_click_sends_nothing(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator("textarea[name=text]").first.fill("Said once")
    page.locator("form.comment button").dblclick()
    expect(page.locator(".toast")).to_contain_text("Comment kept")
    assert len(sent) == 1
    expect(page.get_by_text("Said once")).to_have_count(1)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_types_on_sees_what_was_typed_last_whatever_answer_comes_first(
    open_as: Open, site: Any, order: tuple[int, int]
) -> None:
    page = open_as("Ada", "/settings/audit")
    held: list[Any] = []
    page.route("**/settings/audit?*", lambda route: held.append(route))
    box = page.locator("#q")
    for words in ("nothing says this", "/settings/audit"):
        sent = len(held)
        box.fill(words)
        wait_for(lambda sent=sent: page.wait_for_timeout(20) or len(held) > sent, "the filter sent")
    for number in order:
        with page.expect_response("**/settings/audit?*"):
            held[number].continue_()
        page.wait_for_timeout(100)
    expect(page.locator("#log tbody tr").first).to_be_visible()
    assert page.url.endswith("?q=%2Fsettings%2Faudit")


def test_evidence_is_heard_with_a_click_and_the_keyboard(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    audio = page.locator("audio").first
    audio.wait_for(state="attached")
    until(page, "document.querySelector('audio').readyState >= 1")
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('audio').currentTime > 0")
    before = page.evaluate("document.querySelector('audio').currentTime")
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('audio').currentTime > {before}")
    page.keyboard.press(" ")
    until(page, "!document.querySelector('audio').paused")
    page.keyboard.press(" ")
    until(page, "document.querySelector('audio').paused")
    page.keyboard.press("3")
    until(page, "document.activeElement.classList.contains('crit') || document.querySelector('.crit.on')")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_word_of_a_turn_without_word_times_is_heard_about_where_it_was_said(open_as: Open, site: Any) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    until(page, "document.querySelector('audio').readyState >= 1")
    page.locator("[data-follow]").uncheck()
    words = page.locator(".turn .words").nth(8)
    assert words.get_attribute("data-w") is None
    # the turn lasts from 80 to 88 s, and what is clicked stands in its second half
    heard_at = words.evaluate("""(line) => {
        const range = document.createRange(), text = line.querySelector("mark")?.firstChild || line.firstChild;
        range.setStart(text, Math.floor(text.length * 0.7)); range.setEnd(text, Math.floor(text.length * 0.7) + 1);
        line.scrollIntoView({ block: "center" });
        const box = range.getBoundingClientRect();
        const at = { bubbles: true, clientX: box.left + 1, clientY: box.top + box.height / 2 };
        text.parentElement.dispatchEvent(new MouseEvent("click", at));
        return document.querySelector("audio").currentTime;
    }""")
    assert 84 < heard_at < 88


def test_the_player_says_that_it_gave_up_and_does_not_say_that_it_waits_while_it_plays(
    open_as: Open, site: Any
) -> None:
    page = open_as("Mo", f"/calls/{site.call_id}")
    told = page.locator("[data-sound]")
    until(page, "document.querySelector('audio').readyState >= 1")
    page.keyboard.press(" ")
    until(page, "document.querySelector('audio').currentTime > 0")
    page.evaluate("document.querySelector('audio').dispatchEvent(new Event('waiting'))")
    expect(told).to_have_text("")
    page.evaluate("""
        for (const source of document.querySelectorAll('audio source')) source.src = '/nowhere';
        document.querySelector('audio').load();
    """)
    expect(told).to_contain_text("cannot play the sound")
    page.evaluate("document.querySelector('audio').dispatchEvent(new Event('waiting'))")
    expect(told).to_contain_text("cannot play the sound")


def test_a_trainer_finds_keeps_trims_hides_and_takes_away_a_snippet(open_as: Open, site: Any, tmp_path: Path) -> None:
    page = open_as("Tess", "/snippets")
    page.get_by_label("Words").fill("cost")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".found blockquote").first).to_contain_text("cost")
    page.get_by_role("button", name=re.compile("Keep as a good example")).first.click()
    expect(page.locator(".toast")).to_contain_text("Kept")
    page.get_by_label("Title").fill("Ask what it costs")
    page.get_by_label("Playlists").fill("First calls")
    page.get_by_text("Hide words").click()
    page.locator(".hide-words span", has_text=re.compile("^cost$")).first.click()
    page.get_by_role("button", name="Keep it so").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask what it costs")
    expect(page.locator(".clip-words")).to_contain_text("[redacted]")
    page.get_by_role("link", name="Kept snippets").click()
    page.get_by_role("link", name="First calls").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("zip")).click()
    target = tmp_path / "playlist.zip"
    download.value.save_as(target)
    with zipfile.ZipFile(target) as whole:
        assert any(name.endswith(".vtt") for name in whole.namelist())
        assert not any(b" cost" in whole.read(name) for name in whole.namelist() if name.endswith(".vtt"))


def test_a_trainer_gives_training_and_the_rep_does_it(open_as: Open) -> None:
    trainer = open_as("Tess", "/training")
    trainer.locator("#give-rep").select_option("Ann")
    trainer.locator("#give-module").select_option("proposal-one-offer")
    trainer.get_by_role("button", name="Give it").click()
    expect(trainer.locator(".toast")).to_contain_text("has it now")
    rep = open_as("Ann", "/training")
    rep.get_by_role("link", name="Ask before you tell").first.click()
    rep.get_by_label("How did it go?").fill("tried it on two calls")
    rep.get_by_role("button", name="Mark it done").click()
    expect(rep.locator("main")).to_contain_text("tried it on two calls (Ann)")
    expect(rep.get_by_role("button", name="Mark it done")).to_have_count(0)


def test_a_trainer_edits_a_module_and_is_told_what_is_wrong(open_as: Open) -> None:
    page = open_as("Tess", "/library/discovery-one-question-deeper/edit")
    text = page.get_by_label("The module").input_value()
    page.get_by_label("The module").fill(text.replace("levels:", "level:"))
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("alert")).to_contain_text("level")
    page.get_by_label("The module").fill(re.sub("title: .*", "title: One question deeper, ours", text))
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One question deeper, ours")


def test_a_rep_opens_on_the_day_disputes_and_sees_nobody_else(open_as: Open, site: Any) -> None:
    page = open_as("Ann", "/")
    expect(page).to_have_url(re.compile("/today"))
    page.goto(f"{site.url}/calls/{site.call_id}")
    form = page.locator("form[action$='/review']").last
    form.locator("xpath=ancestor::details").first.locator("summary").click()
    form.locator("[name=why]").fill("I asked at 0:40")
    form.get_by_role("button").first.click()
    expect(page.locator(".toast")).to_contain_text("Disputed")
    other = site.desk.store.query("SELECT min(rep) AS rep FROM calls WHERE rep <> 'Ann'")[0]["rep"]
    page.goto(f"{site.url}/reps/{other}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not open to you")
    page.goto(f"{site.url}/settings/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not open to you")


def test_an_admin_adds_a_user_and_reads_the_log(open_as: Open, site: Any) -> None:
    page = open_as("Ada", "/settings/users")
    page.locator("form[action='/settings/users'] [name=name]").fill("New Person")
    page.locator("form[action='/settings/users'] [name=role]").select_option("trainer")
    page.locator("form[action='/settings/users']").get_by_role("button").first.click()
    expect(page.locator("main")).to_contain_text("New Person")
    page.goto(f"{site.url}/settings/audit")
    expect(page.locator("main")).to_contain_text("New Person")


def test_signing_in_and_walking_the_pages_with_the_keyboard_alone(browser: Any, site: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{site.url}/team")
    page.get_by_label("Name").focus()
    page.keyboard.type("Mo")
    page.keyboard.press("Tab")
    page.keyboard.type("a long enough phrase")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    assert {"Team", "Calls", "Accounts", "Training"} <= set(seen)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Calls").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
    context.close()
