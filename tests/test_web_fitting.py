"""Fits in a process of their own: the same as here, in its place once there are many scores, and never in the way."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from coach_story import keep_story
from waiting import HANGS_S

from pipeline.errors import EngineError
from pipeline.rubric import load_rubric
from pipeline.store import Store
from pipeline.web import fitting
from pipeline.web.fitting import EffectsJob, Fitting, PictureJob
from pipeline.workers import _Worker

NOBODY: frozenset[str] = frozenset()
WHOLE = PictureJob(load_rubric("sales_call"), None, None, None, True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    keep_story(tmp_path)
    with Store(tmp_path) as opened:
        opened.serve()
        opened.ingest()
        yield opened


@pytest.fixture
def apart(store: Store) -> Iterator[Fitting]:
    made = Fitting(store, many=1)
    yield made
    made.close()


def process_of(made: Fitting) -> int:
    pool = made._pool
    assert pool
    (pid,) = pool._processes
    return pid


def test_the_process_finds_what_is_found_here(store: Store, apart: Fitting) -> None:
    here = Fitting(store)
    for job in (WHOLE, PictureJob(WHOLE.rubric, 2.0, 30, "discovery", False), EffectsJob(dt.date(2026, 9, 1))):
        assert apart.run(job, without=NOBODY) == here.run(job, without=NOBODY)
    assert apart.run(WHOLE, without=NOBODY).standings
    assert here._pool is None
    assert process_of(apart) != os.getpid()
    left_out = apart.run(WHOLE, without=frozenset({"discovery"}))
    assert "discovery" not in {standing.criterion for standing in left_out.standings}
    here.close()


def test_scores_are_read_again_when_the_store_has_moved_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    load = fitting.load_scores

    def counted(*args: object, **options: object) -> object:
        reads.append(1)
        return load(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "load_scores", counted)
    here = Fitting(store)
    for _ in range(2):
        here.run(WHOLE, without=NOBODY)
    assert len(reads) == 1
    store.rebuild()
    here.run(WHOLE, without=NOBODY)
    assert len(reads) == 2
    here.close()


def test_a_process_that_dies_costs_one_fit(apart: Fitting) -> None:
    apart.run(WHOLE, without=NOBODY)
    os.kill(process_of(apart), signal.SIGKILL)
    with pytest.raises(EngineError, match="standings could not be worked out: its worker process") as told:
        apart.run(WHOLE, without=NOBODY)
    assert "\n" not in str(told.value)
    assert apart.run(WHOLE, without=NOBODY).standings


def test_closing_ends_a_fit_that_runs_and_begins_none(apart: Fitting, monkeypatch: pytest.MonkeyPatch) -> None:
    apart.run(WHOLE, without=NOBODY)
    pid = process_of(apart)
    os.kill(pid, signal.SIGSTOP)
    raised: list[str] = []
    taken = threading.Event()
    run = _Worker.run

    def told(worker: _Worker, job: object, timeout_s: float) -> object:
        taken.set()
        return run(worker, job, timeout_s)

    monkeypatch.setattr(_Worker, "run", told)

    def ask() -> None:
        try:
            apart.run(WHOLE, without=NOBODY)
        except EngineError as error:
            raised.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    assert taken.wait(HANGS_S)
    apart.close()
    asking.join(HANGS_S)
    assert len(raised) == 1
    assert "stopped while it was processed" in raised[0]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineError, match="being stopped"):
        apart.run(WHOLE, without=NOBODY)
