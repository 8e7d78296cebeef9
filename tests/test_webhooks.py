from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coach_story import call, keep_story, record
from hook_server import answers, hook_server, talks_nonsense
from local_server import breaks_off, drips, floods, hangs, no_thread_is_left
from typer.testing import CliRunner
from waiting import HANGS_S, Clock, wait_for

from pipeline import keep
from pipeline.cli import app
from pipeline.errors import SettingsError, StoreError
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.webhooks import outbox
from pipeline.webhooks.courier import courier, deliver, note_news, tell_all
from pipeline.webhooks.news import collect
from pipeline.webhooks.outbox import WAITS_S, Outbox
from pipeline.webhooks.send import Sent, addresses, secret, send, signature

SECRET = "a secret of the right length"
KEY = SECRET.encode()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBRIEF_WEBHOOK_SECRET", SECRET)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    keep_story(tmp_path)
    with Store(tmp_path) as store:
        store.ingest()
        yield store


def settings_for(data: Path, *urls: str) -> Settings:
    return Settings(data=data, webhook_urls=", ".join(urls))


def new_assignment(store: Store, name: str = "n1", *, status: str = "open") -> None:
    row = {"assignment_id": name, "rep": "Ann", "team": "North", "criterion": "ask_for_sale", "level": 1}
    store.put_fact(
        "assignments", row | {"status": status, "assigned_on": "2026-11-20", "title": "Ask", "reason": "low"}
    )


def test_a_receiver_can_check_the_signature_by_the_standards_rule(tmp_path: Path) -> None:
    with hook_server(answers(204)) as hooks:
        assert send(hooks.url, "msg_1", b'{"a":1}', key=KEY, clock=lambda: 1_700_000_000.4).ok
    head = hooks.headers[0]
    signed = b"msg_1.1700000000." + hooks.bodies[0]
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert head["webhook-signature"] == f"v1,{expected}"
    assert (head["webhook-id"], head["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert signature(b"another key, of its own", "msg_1", 1700000000, hooks.bodies[0]) != f"v1,{expected}"


def test_the_standards_own_example_signs_alike() -> None:
    key = secret({"DEBRIEF_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["", "short", "whsec_!!!"])
def test_nothing_is_sent_without_a_sound_secret(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBRIEF_WEBHOOK_SECRET", text)
    with hook_server(answers(200)) as hooks, Outbox(tmp_path) as box:
        box.add("test", "k", {}, [hooks.url])
        with pytest.raises(SettingsError, match="DEBRIEF_WEBHOOK_SECRET"):
            deliver(settings_for(tmp_path, hooks.url), box)
        assert not hooks.bodies


@pytest.mark.parametrize("text", ["ftp://a.example/", "https://", "https://me:you@a.example/", "a.example/hook"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="webhook_urls"):
        addresses(Settings(webhook_urls=text))


@pytest.mark.parametrize(
    ("behaviour", "said", "deadline_s"),
    [
        (answers(500), "answered 500", 30.0),
        (answers(404), "answered 404", 30.0),
        (answers(302, Location="http://127.0.0.1:1/elsewhere"), "redirects are not followed", 30.0),
        (breaks_off, "not reached, or broken off", 30.0),
        (talks_nonsense, "not reached, or broken off", 30.0),
        (hangs, "no answer within", 2.0),
        (drips, "no answer within", 2.0),
    ],
)
def test_whatever_the_receiver_does_is_one_line_and_another_try(behaviour: Any, said: str, deadline_s: float) -> None:
    with hook_server(behaviour) as hooks:
        sent = send(hooks.url, "msg_1", b"{}", key=KEY, deadline_s=deadline_s)
        assert (sent.ok, sent.again) == (False, True)
        assert said in sent.line
        assert "/hook" not in sent.line
        # sent once; where two seconds were not enough for that, not at all
        assert len(hooks.bodies) == 1 or (deadline_s < 30 and not hooks.bodies)


@pytest.mark.parametrize("behaviour", [hangs, drips])
def test_a_connection_without_an_end_is_cut(behaviour: Any) -> None:
    with hook_server(behaviour) as hooks:
        send(hooks.url, "msg_1", b"{}", key=KEY, deadline_s=0.2)
        no_thread_is_left("webhook")


def test_an_answer_without_an_end_counts_by_its_status() -> None:
    with hook_server(floods) as hooks:
        assert send(hooks.url, "msg_1", b"{}", key=KEY, deadline_s=HANGS_S).ok


def test_nobody_there_is_another_try() -> None:
    assert "not reached" in send("http://127.0.0.1:9/hook", "msg_1", b"{}", key=KEY).line


def test_tries_wait_longer_and_longer_and_end(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    with hook_server(answers(503)) as hooks, Outbox(tmp_path, clock=clock) as box:
        settings = settings_for(tmp_path, hooks.url)
        box.add("test", "k", {}, [hooks.url])
        waited = []
        for _ in WAITS_S:
            assert deliver(settings, box) == {"waiting": 1}
            assert deliver(settings, box) == {}
            waited.append(box.newest()[0].next_at - clock.now)
            clock.now = box.newest()[0].next_at
        assert waited == list(WAITS_S)
        assert deliver(settings, box) == {"failed": 1}
        assert len(hooks.bodies) == len(WAITS_S) + 1
        assert len({head["webhook-id"] for head in hooks.headers}) == 1
        event = box.newest()[0]
        assert box.again(event.event_id) == 1
        hooks.behaviours[:] = [answers(200)]
        assert deliver(settings, box) == {"delivered": 1}
        assert box.again(event.event_id) == 0


def test_the_receiver_may_ask_to_wait_and_may_want_no_more(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    with hook_server(answers(429, Retry_After="900"), answers(410)) as hooks, Outbox(tmp_path, clock=clock) as box:
        settings = settings_for(tmp_path, hooks.url)
        box.add("test", "k", {}, [hooks.url])
        deliver(settings, box)
        assert box.newest()[0].next_at == clock.now + 900
        clock.now += 901
        assert deliver(settings, box) == {"failed": 1}
        assert "wants no more" in box.newest()[0].outcome


def test_an_address_that_fails_does_not_hold_up_another(tmp_path: Path) -> None:
    with hook_server(answers(500)) as bad, hook_server(answers(200)) as good, Outbox(tmp_path) as box:
        settings = settings_for(tmp_path, bad.url, good.url)
        for n in range(5):
            box.add("test", f"k{n}", {"n": n}, addresses(settings))
        assert deliver(settings, box) == {"waiting": 1, "delivered": 5}
        assert len(bad.bodies) == 1


def test_what_piles_up_for_a_dead_address_does_not_hide_what_is_due_for_another(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    urls = ("https://dead.example/h", "https://alive.example/h")
    with Outbox(tmp_path, clock=clock) as box:
        for number in range(30):
            box.add("scorecard.created", f"scorecard/{number}", {}, urls)
        told = 0
        for _ in range(3):
            found = [delivery for delivery, _ in box.due(limit=10)]
            box.settle(next(one for one in found if one.host == "dead.example"), Sent(False, True, "not reached"))
            for delivery in found:
                if delivery.host == "alive.example":
                    told += box.settle(delivery, Sent(True, False, "answered 200")) == "delivered"
        assert told == 30


def test_what_was_delivered_leaves_no_body_and_no_address_in_the_file(tmp_path: Path) -> None:
    with hook_server(answers(200)) as hooks:
        with Outbox(tmp_path) as box:
            url = f"{hooks.url}/token-in-the-path"
            box.add("test", "k", {"rep": "Somebody Special"}, [url])
            assert deliver(settings_for(tmp_path, url), box) == {"delivered": 1}
        kept = b"".join(path.read_bytes() for path in tmp_path.glob("webhooks.sqlite*"))
    assert b"Somebody Special" in hooks.bodies[0]
    assert b"Somebody Special" not in kept
    assert b"token-in-the-path" not in kept


def test_an_address_that_was_taken_out_gets_nothing_more(tmp_path: Path) -> None:
    with hook_server(answers(200)) as old, hook_server(answers(200)) as new, Outbox(tmp_path) as box:
        box.add("test", "k", {}, [old.url])
        assert deliver(settings_for(tmp_path, new.url), box) == {}
        assert not old.bodies
        assert box.newest()[0].status == "failed"


def test_what_is_there_when_webhooks_are_turned_on_is_old_and_what_comes_is_told_once(
    store: Store, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:9/hook")
    new_assignment(store, "old")
    with Outbox(tmp_path) as box:
        assert collect(store, settings, outbox=box) == 0
        fresh = call("fresh", "Ann", 1, "Acme", {"discovery": 4})
        keep.write_record(store.data, record(fresh.calls[0], fresh))
        new_assignment(store)
        store.ingest()
        assert collect(store, settings, outbox=box) == 2
        assert collect(store, settings, outbox=box) == 0
        bodies = {json.loads(body)["type"]: json.loads(body)["data"] for _, body in box.due()}
    assert bodies["assignment.created"]["assignment_id"] == "n1"
    made = bodies["scorecard.created"]
    assert made["rep"] == "Ann"
    assert made["url"].endswith(f"/calls/{made['call_id']}")
    assert set(made["criteria"])
    assert "quote" not in json.dumps(bodies)


def test_training_that_was_done_before_is_no_news_when_it_is_opened_again(store: Store, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:9/hook")
    new_assignment(store, "old", status="done")
    with Outbox(tmp_path) as box:
        assert collect(store, settings, outbox=box) == 0
        new_assignment(store, "old")
        assert collect(store, settings, outbox=box) == 0


def test_a_gap_is_told_when_it_opens_and_again_when_it_comes_back(store: Store, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:9/hook")
    known = {"rep": "Ann", "criterion": "ask_for_sale", "standing": 1.0, "call_ids": ["a"]}
    fresh = known | {"criterion": "proposal"}
    with Outbox(tmp_path) as box:
        told = [
            collect(store, settings, outbox=box, gaps=gaps)
            for gaps in ([known], [known, fresh], [known, fresh], [known], [known, fresh])
        ]
        assert told == [0, 1, 0, 0, 1]
        _, body = box.due()[0]
        assert json.loads(body)["data"] == {"rep": "Ann", "criterion": "proposal", "standing": 1.0}


def test_off_means_no_file_and_no_thread(store: Store, tmp_path: Path) -> None:
    note_news(store, Settings(data=tmp_path))
    assert tell_all(store, Settings(data=tmp_path), lambda: pytest.fail("gaps were worked out for nobody")) == []
    with courier(Settings(data=tmp_path)):
        assert "courier" not in {thread.name for thread in threading.enumerate()}
    assert not (tmp_path / outbox.FILE).exists()


def test_a_batch_does_not_fail_by_its_news(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    note_news(store, settings_for(tmp_path, "not an address"))
    assert "webhook_urls" in caplog.text
    for left in tmp_path.glob(f"{outbox.FILE}*"):
        left.unlink()
    (tmp_path / outbox.FILE).mkdir()
    note_news(store, settings_for(tmp_path, "http://127.0.0.1:9/hook"))
    assert "webhooks.sqlite" in caplog.text


def test_the_courier_tells_what_the_store_takes_in(store: Store, tmp_path: Path) -> None:
    with hook_server(answers(200)) as hooks:
        settings = settings_for(tmp_path, hooks.url)
        note_news(store, settings)
        new_assignment(store)
        with courier(settings, store=store, every_s=0.02):
            wait_for(lambda: hooks.bodies, "a hook")
    assert json.loads(hooks.bodies[0])["type"] == "assignment.created"


def test_an_event_that_cannot_be_written_is_set_aside_and_the_rest_is_told(store: Store, tmp_path: Path) -> None:
    with hook_server(answers(200)) as hooks, Outbox(tmp_path) as box:
        settings = settings_for(tmp_path, hooks.url)
        collect(store, settings, outbox=box, gaps=[])
        gaps = [{"rep": "Ann", "criterion": name, "standing": level} for name, level in (("a", math.nan), ("b", 1.0))]
        assert collect(store, settings, outbox=box, gaps=gaps) == 2
        assert deliver(settings, box) == {"delivered": 1}
        assert json.loads(hooks.bodies[0])["data"]["criterion"] == "b"
        aside = next(row for row in box.newest() if row.key == "gap/Ann/a")
        assert (aside.status, "cannot be written as JSON" in aside.outcome) == ("failed", True)
        # told once, like any other
        assert collect(store, settings, outbox=box, gaps=gaps) == 0


def test_the_courier_goes_on_after_whatever_went_wrong(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: list[Exception] = [ValueError("nobody thought of this"), ValueError("nobody thought of this")]

    def breaking(*given: Any, **more: Any) -> int:
        if wrong:
            raise wrong.pop()
        return collect(*given, **more)

    monkeypatch.setattr("pipeline.webhooks.courier.collect", breaking)
    with hook_server(answers(200)) as hooks:
        settings = settings_for(tmp_path, hooks.url)
        with Outbox(tmp_path) as box:
            collect(store, settings, outbox=box)
        new_assignment(store)
        with courier(settings, store=store, every_s=0.02):
            wait_for(lambda: hooks.bodies, "a hook")
    assert [line.getMessage() for line in caplog.records] == ["webhooks: ValueError: nobody thought of this"]


def test_two_couriers_do_not_send_the_same(tmp_path: Path) -> None:
    from filelock import FileLock

    with hook_server(answers(200)) as hooks, Outbox(tmp_path) as box, FileLock(tmp_path / "webhooks.lock"):
        box.add("test", "k", {}, [hooks.url])
        assert deliver(settings_for(tmp_path, hooks.url), box) == {}


def test_the_nightly_run_says_what_was_not_delivered(store: Store, tmp_path: Path) -> None:
    with hook_server(answers(500)) as hooks:
        settings = settings_for(tmp_path, hooks.url)
        assert tell_all(store, settings, list) == []
        new_assignment(store)
        assert "1 not delivered" in tell_all(store, settings, list)[0]


def test_the_commands(store: Store, tmp_path: Path) -> None:
    store.close()

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["webhooks", *words, "--data", str(tmp_path)])

    assert "off" in run("list").output
    assert isinstance(run("test").exception, SettingsError)
    with hook_server(answers(200), answers(500)) as hooks:
        (tmp_path / "debrief.toml").write_text(f'webhook_urls = "{hooks.url}"\n')
        assert "ok 127.0.0.1: answered 200" in run("test").output
        assert json.loads(hooks.bodies[0])["type"] == "test"
        assert (failed := run("test")).exit_code == 1
        assert "FAIL 127.0.0.1: answered 500" in failed.output
        assert "0 new" in run("send").output
        with Store(tmp_path) as again:
            new_assignment(again)
        hooks.behaviours[:] = [answers(410)]
        assert run("send").exit_code == 1
        row = json.loads(run("list", "--json").output)
        assert (row["status"], row["kind"], row["host"]) == ("failed", "assignment.created", "127.0.0.1")
        shown = row["event_id"][:12]
        assert f"\n{shown} " in run("list").output
        assert isinstance(run("retry", "msg_").exception, StoreError)
        assert run("retry", shown).exit_code == 0
        hooks.behaviours[:] = [answers(200)]
        assert json.loads(run("send", "--json").output) == {"new": 0, "delivered": 1}


def test_old_events_are_cleared_away_and_stay_told(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    with hook_server(answers(200)) as hooks, Outbox(tmp_path, clock=clock) as box:
        box.add("test", "k", {}, [hooks.url])
        deliver(settings_for(tmp_path, hooks.url), box)
        clock.now += 31 * 86400
        assert box.tidy(30) == 1
        assert box.newest() == []
        assert not box.add("test", "k", {}, [hooks.url])
