"""Values made in the background: once, stale while made anew, never lost to an error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from coach_story import call, keep_story, record
from visitor import Visitor
from waiting import HANGS_S, wait_for

from pipeline import keep
from pipeline.errors import NotYet, StoreError
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web import backroom
from pipeline.web.app import build_app
from pipeline.web.backroom import Backroom
from pipeline.web.desk import Desk


@pytest.fixture
def room() -> Iterator[Backroom]:
    made = Backroom()
    yield made
    made.close()


def test_a_value_is_made_once_for_a_version(room: Backroom) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert room.need("key", "1", make).value == 1
    assert room.need("key", "1", make).value == 1
    found = room.need("key", "2", make)
    assert (found.value, found.fresh) == (2, True)


def test_what_takes_long_is_shown_as_it_was_while_it_is_made_anew(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backroom, "QUICK_S", -1.0)
    monkeypatch.setattr(backroom, "REST", 0.0)
    go = threading.Event()
    assert room.need("key", "1", lambda: "old").value == "old"

    def make() -> str:
        go.wait(HANGS_S)
        return "new"

    stale = room.take("key", "2", make)
    assert stale
    assert (stale.value, stale.fresh) == ("old", False)
    go.set()
    monkeypatch.setattr(backroom, "QUICK_S", HANGS_S)
    fresh = room.take("key", "2", make, wait_s=HANGS_S)
    assert fresh
    assert (fresh.value, fresh.fresh) == ("new", True)


def test_a_first_value_that_is_not_there_yet_is_told_so(room: Backroom) -> None:
    go = threading.Event()
    assert room.take("key", "1", lambda: go.wait(HANGS_S), wait_s=0.0) is None
    room._entries["key"].born = -backroom.FIRST_S
    with pytest.raises(NotYet):
        room.need("key", "1", lambda: go.wait(HANGS_S))
    # another lane is not kept waiting
    assert room.need("other", "1", lambda: 7, lane="slow").value == 7
    go.set()


def test_an_error_is_raised_where_nothing_is_known_and_hidden_behind_what_is(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise StoreError("the disk is gone")

    with pytest.raises(StoreError, match="disk"):
        room.need("key", "1", fail)
    monkeypatch.setattr(backroom, "REST", 0.0)
    room._entries["key"].rest_until = 0.0
    assert room.need("key", "1", lambda: 3).value == 3
    found = room.need("key", "2", fail)
    assert (found.value, found.fresh) == (3, False)


def test_a_value_may_ask_for_another_of_its_lane(room: Backroom) -> None:
    assert room.need("outer", "1", lambda: room.need("inner", "1", lambda: 2).value + 1).value == 3


def test_the_store_says_what_changed(tmp_path: Path) -> None:
    keep_story(tmp_path)
    with Store(tmp_path) as store:
        empty = store.version("calls"), store.version("assignments")
        store.ingest()
        full = store.version("calls"), store.version("assignments")
        assert full[0] != empty[0]
        store.ingest()
        assert store.version("calls") == full[0]
        given = {
            "assignment_id": "x",
            "rep": "Ann",
            "criterion": "discovery",
            "status": "open",
            "assigned_on": "2026-10-01",
        }
        store.put_fact("assignments", given)
        assert store.version("assignments") != full[1]
        assert store.version("calls") == full[0]
        store.serve()
        with Store(tmp_path) as other:
            assert not other.owner
            assert other.version("calls", "assignments") == store.version("calls", "assignments")


def test_an_empty_version_is_one_too(room: Backroom) -> None:
    assert room.need("key", "", lambda: 5).value == 5


def test_what_a_page_waits_for_goes_before_the_parts_that_may_come_later(room: Backroom) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def take(key: str, wait_s: float | None) -> threading.Thread:
        made = threading.Thread(target=lambda: room.take(key, "1", lambda: done.append(key), wait_s=wait_s))
        made.start()
        return made

    room.take("busy", "1", lambda: begun.set() or go.wait(HANGS_S), wait_s=0.0)
    assert begun.wait(HANGS_S)
    later = [take(f"part {n}", 0.0) for n in range(3)]
    for thread in later:
        thread.join()
    page, known = take("page", None), take("part 2", None)

    def first_in_line() -> bool:
        queue = [entry for entry, _ in room._queues["quick"]]
        return {id(entry) for entry in queue[:2]} == {id(room._entries[key]) for key in ("page", "part 2")}

    wait_for(first_in_line, "the head of the queue")
    go.set()
    page.join()
    known.join()
    wait_for(lambda: len(done) >= 2, "the two values")
    assert set(done[:2]) == {"page", "part 2"}


def test_an_account_is_not_told_by_a_call_that_was_given_away_however_long_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(call_id: str, rep: str, day: int, money: str) -> None:
        rows = call(call_id, rep, day, "Acme", {"business_case": 3})
        text = json.dumps(record(rows.calls[0], rows)).replace("three thousand two hundred", money)
        keep.write_record(tmp_path, json.loads(text))

    kept("stays", "Ann", 1, "three thousand two hundred")
    kept("moves", "Ann", 3, "seven thousand one hundred")
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann")
        ann = Visitor(build_app(desk), desk, "Ann")
        assert "seven thousand" in ann.get("/api/v1/accounts/Acme")
        # what was read before took long: it is shown while it is read again
        monkeypatch.setattr(backroom, "QUICK_S", -1.0)
        kept("moves", "Bob", 3, "seven thousand one hundred")
        desk.store.ingest()
        for path in ("/api/v1/accounts/Acme", "/accounts/Acme"):
            assert "seven thousand" not in ann.at.get(path).text
