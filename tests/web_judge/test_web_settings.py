"""The settings' page, and webhooks tried from it."""

from __future__ import annotations

import queue
import re
from concurrent.futures import Future
from typing import Any

import pytest
from hook_server import answers, hook_server
from judge_pages import Visitor, over
from waiting import HANGS_S

from pipeline.settings import load_settings
from pipeline.web.desk import Desk


def test_a_setting_is_checked_kept_in_place_and_counts_at_once(desk: Desk) -> None:
    file = desk.settings.data / "debrief.toml"
    file.write_text("# ours\ntarget_level = 3.0 # agreed in May\n\nport = 8321\n")
    admin = Visitor(desk, "admin")
    wrong = admin.post("/settings", target_level="7", glossary="Calder, Routewise")
    assert (wrong.status_code, "from 0 to 4" in wrong.text, 'value="7"' in wrong.text) == (400, True, True)
    assert "Calder" not in file.read_text()
    assert admin.post("/settings", target_level="2.5", glossary="Calder, Routewise").status_code == 303
    assert file.read_text().startswith("# ours\ntarget_level = 2.5 # agreed in May\n")
    assert (desk.settings.target_level, desk.settings.glossary) == (2.5, "Calder, Routewise")
    assert load_settings(desk.settings.data, environ={}).target_level == 2.5
    assert any("target_level '3' -> '2.5'" in line.detail for line in desk.book.log(kind="changed"))
    assert admin.post("/settings", target_level="").status_code == 303
    assert "target_level" not in file.read_text()


def test_every_group_of_settings_is_one_click_away(desk: Desk) -> None:
    page = Visitor(desk, "admin").text("/settings")
    listed = re.findall(r'<li><a href="#([\w-]+)">', page)
    assert len(listed) > 5
    assert listed == re.findall(r'<h2 id="([\w-]+)"', page)


def test_a_page_that_lay_open_takes_back_nothing_that_was_changed_since(desk: Desk) -> None:
    admin = Visitor(desk, "admin")
    form = admin.text("/settings").partition('id="settings"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'<input[^>]* name="((?!csrf)[\w-]+)" value="([^"]*)"', form))
    assert "target_level" in fields
    assert admin.post("/settings", target_level="2.5").status_code == 303
    assert admin.post("/settings", **{**fields, "glossary": "Calder"}).status_code == 303
    assert (desk.settings.target_level, desk.settings.glossary) == (2.5, "Calder")


def test_a_call_whose_speakers_are_named_is_judged_by_the_settings_of_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: queue.Queue[Any] = queue.Queue()

    class Pool:
        """Workers that do nothing but say what they were asked for."""

        def __init__(self, *given: Any, **more: Any) -> None:
            pass

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *raised: object) -> None:
            pass

        def submit(self, order: Any) -> Future[str]:
            orders.put(order)
            done: Future[str] = Future()
            done.set_result("scored")
            return done

        def stop(self) -> None:
            pass

    monkeypatch.setattr("pipeline.web.rejudging.WorkerPool", Pool)
    record = desk.store.record(desk.store.query("SELECT min(call_id) AS id FROM calls")[0]["id"])
    assert record
    assert Visitor(desk, "admin").post("/settings", min_confidence="0.9").status_code == 303
    desk.rejudging.begin(record, {})
    assert orders.get(timeout=HANGS_S)[2].min_confidence == 0.9


@pytest.mark.parametrize("name", ["judge_url", "webhook_urls", "port", "whisper_model", "data", "digest_to", "rubric"])
def test_what_sends_loads_or_opens_things_is_not_changed_from_the_page(desk: Desk, name: str) -> None:
    admin = Visitor(desk, "admin")
    assert admin.post("/settings", **{name: "http://evil.example"}).headers["location"] == "/settings"
    assert not (desk.settings.data / "debrief.toml").exists()
    assert f'name="{name}"' not in admin.text("/settings")


def test_the_environment_wins_and_is_not_offered_as_a_field(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBRIEF_TARGET_LEVEL", "3.0")
    monkeypatch.setenv("DEBRIEF_SMTP_PASSWORD", "hunter2 hunter2")
    admin = Visitor(desk, "admin")
    page = admin.text("/settings")
    assert 'name="target_level"' not in page
    assert "hunter2" not in page
    rows = {row["name"]: row for row in admin.get("/api/v1/settings").json()}
    assert (rows["target_level"]["source"], rows["target_level"]["changeable"]) == ("environment", False)
    assert rows["smtp_password"]["value"] == "set"


def test_webhooks_are_tried_from_the_page_and_failed_ones_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBRIEF_WEBHOOK_SECRET", "a secret of the right length")
    admin = Visitor(desk, "admin")
    assert admin.post("/settings/webhooks/test").status_code == 400
    with hook_server(answers(200), answers(500)) as hooks:
        import dataclasses

        desk.settings = dataclasses.replace(desk.settings, webhook_urls=hooks.url)
        assert admin.post("/settings/webhooks/test").status_code == 303
        assert over(desk.errands, "webhooks").line == "127.0.0.1 answered 200"
        admin.post("/settings/webhooks/test")
        assert over(desk.errands, "webhooks").state == "failed"
        page = admin.text("/settings")
        assert "answered 500" in page
        assert "/hook" not in page
    assert admin.post("/settings/webhooks/again", event="msg_none").status_code == 404


def test_what_could_be_better_is_not_called_well(desk: Desk) -> None:
    admin = Visitor(desk, "admin")
    desk.settings.data.chmod(0o755)
    page = admin.text("/settings/health")
    assert "Nothing needs mending" not in page
    assert "<strong>Writing</strong> works, but other users of this machine may look in; chmod o-rwx" in page
    assert "may be mended" in page
    desk.settings.data.chmod(0o700)
    assert "may be mended" not in admin.text("/settings/health")
