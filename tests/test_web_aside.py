"""Work aside in processes: the same as here, in its place once there are many scores, and never in the way."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from coach_story import keep_story
from waiting import HANGS_S

from pipeline.coach.rows import Rows
from pipeline.errors import EngineError
from pipeline.rubric import load_rubric
from pipeline.store import Store
from pipeline.web import jobs
from pipeline.web.aside import Aside, Lane
from pipeline.web.jobs import AccountJob, EffectsJob, PictureJob, PromisesJob, StepsJob, UnreadJob
from pipeline.workers import _Worker

WHOLE = PictureJob(load_rubric("sales_call"), None, None, None, True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    keep_story(tmp_path)
    with Store(tmp_path) as opened:
        opened.serve()
        opened.ingest()
        yield opened


@pytest.fixture
def apart(store: Store) -> Iterator[Aside]:
    made = Aside(store, many=1)
    yield made
    made.close()


def process_of(made: Aside, lane: Lane = "slow") -> int:
    (pid,) = made._pools[lane]._processes
    return pid


def test_the_process_finds_what_is_found_here(store: Store, apart: Aside) -> None:
    here = Aside(store)
    for job in (WHOLE, PictureJob(WHOLE.rubric, 2.0, 30, "discovery", False), EffectsJob(dt.date(2026, 9, 1))):
        assert apart.run(job) == here.run(job)
    assert apart.run(WHOLE).standings
    assert here._pools == {}
    assert process_of(apart) != os.getpid()
    left_out = apart.run(dataclasses.replace(WHOLE, without=frozenset({"discovery"})))
    assert "discovery" not in {standing.criterion for standing in left_out.standings}
    here.close()


def test_scores_are_read_again_when_the_store_has_moved_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    load = jobs.load_scores

    def counted(*args: object, **options: object) -> object:
        reads.append(1)
        return load(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "load_scores", counted)
    here = Aside(store)
    for _ in range(2):
        here.run(WHOLE)
    assert len(reads) == 1
    store.rebuild()
    here.run(WHOLE)
    assert len(reads) == 2
    here.close()


def test_a_process_that_dies_costs_one_fit(apart: Aside) -> None:
    apart.run(WHOLE)
    os.kill(process_of(apart), signal.SIGKILL)
    with pytest.raises(EngineError, match="this could not be worked out: its worker process") as told:
        apart.run(WHOLE)
    assert "\n" not in str(told.value)
    assert apart.run(WHOLE).standings


def test_what_words_of_calls_come_to_is_the_same_there_and_here(store: Store, apart: Aside) -> None:
    acme = store.query("SELECT call_id, record_file, seq FROM calls WHERE account = 'Acme' ORDER BY call_date")
    ids = tuple(row["call_id"] for row in acme)
    records = [(store.data / row["record_file"], row["seq"], 0) for row in acme]
    rubric, day, none = WHOLE.rubric, dt.date(2026, 11, 9), frozenset[str]()
    firms: dict[str, tuple[str, ...]] = {"competitors": (), "customers": ()}
    here = Aside(store)
    for job in (
        StepsJob(records[0], tuple(records[1:]), day, False),
        PromisesJob(ids[:2], ids[2:], day, 1.0),
        AccountJob("Acme", ids, rubric, firms, day, none, 1.0),
        AccountJob("Acme", ids, rubric, firms, day, none, 1.0, answers=Rows()),
        UnreadJob(),
    ):
        assert apart.run(job) == here.run(job)
    steps = apart.run(StepsJob(records[0], tuple(records[1:]), day, False))
    assert [(one.call_id, one.quote) for one in steps] == [(ids[0], "I will send you something and we speak soon.")]
    promised, read = apart.run(PromisesJob(ids[:2], (), day, 1.0))
    assert ({one.call_id for one in promised}, read) == (set(ids[:2]), 2)
    assert here._pools == {}
    assert set(apart._pools) == {"quick"}
    assert apart.run(WHOLE).standings
    assert process_of(apart, "quick") != process_of(apart)
    here.close()


def test_what_a_page_waits_for_is_done_here_where_its_process_dies(store: Store, apart: Aside) -> None:
    ids = tuple(row["call_id"] for row in store.query("SELECT call_id FROM calls WHERE account = 'Acme'"))
    job = PromisesJob(ids, (), dt.date(2026, 11, 9), 1.0)
    found = apart.run(job)
    os.kill(process_of(apart, "quick"), signal.SIGKILL)
    assert apart.run(job) == found
    apart.close()
    with pytest.raises(EngineError, match="being stopped"):
        apart.run(job)


def test_closing_ends_a_fit_that_runs_and_begins_none(apart: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    apart.run(WHOLE)
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
            apart.run(WHOLE)
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
        apart.run(WHOLE)
