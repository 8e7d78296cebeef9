"""What a running watcher looks at again, though nothing about the file itself changed."""

from __future__ import annotations

import math
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waiting import HANGS_S, Clock

from pipeline import batch, consent, erased
from pipeline.errors import StoreError
from pipeline.ingest import Found, discover, hash_file, state_of
from pipeline.plan import Outcome, keep_failure
from pipeline.settings import Settings

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def inbox(settings: Settings) -> Path:
    settings.inbox_folder.mkdir(parents=True)
    return settings.inbox_folder


def new_looked(clock: Clock) -> Any:
    # at the top, it would load Prefect before it has a folder for these tests
    from flows.watch import Looked

    return Looked(clock)


def look_and_work(inbox: Path, settings: Settings, looked: Any) -> list[str]:
    """One look with its batch; the names of what was worked on."""
    from flows import watch
    from flows.process import Caller

    seen: list[str] = []

    def process(folder: Path, caller: Any) -> None:
        assert caller.plan is not None
        seen.extend(job.path.name for job in caller.plan.jobs)
        batch.run(caller.plan.jobs, settings, on_outcome=caller.on_outcome, task="fakes:work")

    watch._look(inbox, settings, looked, Caller(), lambda files, ready: None, process)
    return seen


@pytest.mark.parametrize(("word", "heard"), [("engine", ["b.wav"]), ("ok", [])])
def test_a_second_copy_is_heard_where_the_first_comes_to_nothing(
    inbox: Path, settings: Settings, word: str, heard: list[str]
) -> None:
    for name in ("a.wav", "b.wav"):
        (inbox / name).write_text(f"{word} twice")
    clock = Clock()
    looked = new_looked(clock)
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == ["a.wav"]
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == heard
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == []
    assert looked.ready(discover([inbox])) == ([], False)


def test_a_watched_folder_that_is_away_is_said_and_its_files_stay_dealt_with(inbox: Path, settings: Settings) -> None:
    (inbox / "a.wav").write_text("ok, before")
    clock = Clock()
    looked = new_looked(clock)
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == ["a.wav"]
    inbox.rename(away := inbox.with_name("away"))
    with pytest.raises(StoreError, match="the watched folder is not there"):
        look_and_work(inbox, settings, looked)
    away.rename(inbox)
    (inbox / "b.wav").write_text("ok, after")
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == ["b.wav"]


def test_a_word_on_consent_brings_back_what_was_withheld(inbox: Path, settings: Settings) -> None:
    strict = replace(settings, require_consent=True)
    (inbox / "a.wav").write_text("ok, asked")
    clock = Clock()
    looked = new_looked(clock)
    for _ in range(3):
        assert look_and_work(inbox, strict, looked) == []
        clock.now += 10
    assert looked.ready(discover([inbox])) == ([], False)
    consent.state(settings.data, hash_file(inbox / "a.wav"), "yes")
    assert look_and_work(inbox, strict, looked) == ["a.wav"]
    assert looked.ready(discover([inbox])) == ([], False)


def test_an_erased_call_that_is_let_in_again_is_taken(inbox: Path, settings: Settings) -> None:
    (inbox / "a.wav").write_text("ok, erased")
    erased.mark(settings.data, hash_file(inbox / "a.wav"))
    clock = Clock()
    looked = new_looked(clock)
    for _ in range(2):
        assert look_and_work(inbox, settings, looked) == []
        clock.now += 10
    erased.marker(settings.data, hash_file(inbox / "a.wav")).unlink()
    os.utime(erased.folder(settings.data), (0, 0))  # a clock may be too coarse to tell the two apart
    assert look_and_work(inbox, settings, looked) == ["a.wav"]


@pytest.mark.parametrize("failed_before", [False, True])
def test_a_call_that_a_full_disk_kept_out_without_a_failure_comes_back(
    inbox: Path, settings: Settings, failed_before: bool
) -> None:
    from flows import watch
    from flows.process import Caller

    tried: list[str] = []

    def on_a_full_disk(folder: Path, caller: Any) -> None:
        for job in caller.plan.jobs:
            tried.append(job.path.name)
            caller.on_outcome(Outcome(job.path, "failed", f"{job.path}: No space left on device", sha256=job.sha256))

    clock = Clock()
    looked = new_looked(clock)
    path = inbox / "a.wav"
    if failed_before:
        path.write_text("silence")
        keep_failure(settings, path, kind="input", reason="no speech found", read=state_of(path))
    path.write_text("ok, as it was exported again")
    for passed, times in ((0, 0), (10, 1), (10, 1), (1200, 2)):
        clock.now += passed
        watch._look(inbox, settings, looked, Caller(), lambda files, ready: None, on_a_full_disk)
        assert tried == ["a.wav"] * times


@pytest.mark.parametrize(("fresh_s", "looks"), [(1000.0, 1), (-1.0, 3)])
def test_one_look_serves_many_runs_for_as_long_as_it_is_fresh(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, fresh_s: float, looks: int
) -> None:
    from flows import watch

    for n in range(5):
        (inbox / f"{n}.wav").write_text(f"ok {n}")
    clock = Clock()
    looked = new_looked(clock)
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    monkeypatch.setattr(watch, "CHUNK", 2)
    monkeypatch.setattr(watch, "LOOK_SHARE", math.inf)
    monkeypatch.setattr(watch, "RESCAN_S", fresh_s)
    seen = [look_and_work(inbox, settings, looked) for _ in range(looks)]
    assert [name for names in seen for name in names] == [f"{n}.wav" for n in range(5)]
    assert all(seen)
    assert looked.ready(discover([inbox])) == ([], False)


def test_a_file_that_is_written_to_while_others_are_worked_on_waits(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import watch

    for name in ("a.wav", "b.wav"):
        (inbox / name).write_text(f"ok {name}")
    clock = Clock()
    looked = new_looked(clock)
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    monkeypatch.setattr(watch, "CHUNK", 1)
    take = watch._take

    def take_and_write(*given: Any) -> None:
        take(*given)
        if (inbox / "b.wav").stat().st_size < 20:
            (inbox / "b.wav").write_text("ok b.wav, and more that came later")

    monkeypatch.setattr(watch, "_take", take_and_write)
    assert look_and_work(inbox, settings, looked) == ["a.wav"]
    assert look_and_work(inbox, settings, looked) == []
    clock.now += 10
    assert look_and_work(inbox, settings, looked) == ["b.wav"]


def test_what_has_gone_is_not_remembered_as_withheld(tmp_path: Path) -> None:
    looked = new_looked(Clock())
    path = tmp_path / "a.wav"
    path.write_text("x")
    looked.ready([Found(path, tmp_path)])
    looked.settle([Found(path, tmp_path)], withheld={path})
    assert looked._withheld == {path}
    looked.ready([])
    looked.settle([])
    assert looked._withheld == set()


def test_what_debrief_writes_into_a_data_folder_inside_the_watched_one_calls_for_no_look(tmp_path: Path) -> None:
    from flows.watch import _listen

    data = tmp_path / "debrief-data"
    data.mkdir()
    hint, stop = threading.Event(), threading.Event()
    listener = threading.Thread(target=_listen, args=(tmp_path, data, hint, stop))
    listener.start()
    try:
        for tries in range(100):
            (tmp_path / "a.txt").write_text(f"{tries}")
            if hint.wait(0.2):
                break
        assert hint.is_set()
        # what was written while it began may still be told
        while hint.wait(2.0):
            hint.clear()
        (data / "status.json").write_text("looked")
        (tmp_path / ".DS_Store").write_text("where a window stood")
        assert not hint.wait(2.0)
        (tmp_path / "b.txt").write_text("new")
        assert hint.wait(HANGS_S)
    finally:
        stop.set()
        listener.join()
