"""Calls that another process keeps while the web app runs."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from coach_story import call, record
from waiting import HANGS_S, wait_for

from pipeline import keep
from pipeline.errors import StoreError
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web import app
from pipeline.web.newcomers import newcomers


def keep_one(data: Path, name: str) -> str:
    rows = call(name, "Ann", 0, "Larch", {"discovery": 3})
    made = record(rows.calls[0], rows)
    keep.write_record(data, made)
    return str(made["call_id"])


def shown(store: Store, call_id: str) -> bool:
    return bool(store.query("SELECT 1 FROM calls WHERE call_id = ?", [call_id]))


def test_what_a_batch_has_done_is_shown_before_the_batch_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "newcomers", lambda store: newcomers(store, every_s=0.02))
    came: list[str] = []

    class Answering:
        """The web server, as long as it takes for a call to come."""

        def __init__(self, config: Any) -> None:
            pass

        def run(self, sockets: list[Any]) -> None:
            call_id = keep_one(tmp_path, "new")
            with Store(tmp_path) as other:
                wait_for(lambda: shown(other, call_id), "the call")
            came.append(call_id)

    monkeypatch.setattr("uvicorn.Server", Answering)
    app.serve(Settings(data=tmp_path, port=0), say=lambda line: None)
    assert came


def test_calls_are_taken_in_again_when_what_was_wrong_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: list[Exception] = [ValueError("nobody thought of this"), StoreError("full"), StoreError("full")]
    with Store(tmp_path) as store:
        store.ingest()
        take_in = store.catch_up

        def breaking() -> Any:
            if wrong:
                raise wrong.pop()
            return take_in()

        monkeypatch.setattr(store, "catch_up", breaking)
        call_id = keep_one(tmp_path, "new")
        with newcomers(store, every_s=0.02):
            wait_for(lambda: shown(store, call_id), "the call")
    assert [line.getMessage() for line in caplog.records] == [
        "new calls are not taken in: full",
        "new calls are not taken in: ValueError: nobody thought of this",
    ]


def test_closing_does_not_wait_for_a_database_that_another_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, over = threading.Event(), threading.Event()

    def waiting() -> Any:
        busy.set()
        over.wait(HANGS_S)

    monkeypatch.setattr("pipeline.rounds.CLOSE_S", 0.01)
    with Store(tmp_path) as store:
        monkeypatch.setattr(store, "catch_up", waiting)
        keep_one(tmp_path, "new")
        with newcomers(store, every_s=0.01):
            assert busy.wait(HANGS_S)
            begun = time.monotonic()
        assert time.monotonic() - begun < HANGS_S / 2
        over.set()
