"""The flows, through a real Prefect: one temporary server for all of this file."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fakes
import pytest
from waiting import Clock

from pipeline import batch
from pipeline.claims import alone
from pipeline.plan import Job, Outcome, Plan
from pipeline.settings import Settings
from pipeline.store import Store

CONTACTED: list[Any] = []


def _listen(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        CONTACTED.append(args[1][0])


sys.addaudithook(_listen)


@pytest.fixture
def inbox(stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inbox of the data folder with three calls; workers that use the stand-ins."""
    folder = settings.inbox_folder / "North" / "Ann"
    folder.mkdir(parents=True)
    for name, word in {"2026-09-14_a": "ok", "2026-09-15_b": "silence", "2026-09-16_c": "noisy"}.items():
        (folder / f"{name}.wav").write_text(word)
    begin = batch.Batch.__init__

    def with_stand_ins(self: batch.Batch, *args: Any, **options: Any) -> None:
        begin(self, *args, **{**options, "task": "fakes:work"})

    monkeypatch.setattr(batch.Batch, "__init__", with_stand_ins)
    return settings.inbox_folder


def test_prefect_keeps_its_files_where_the_tests_keep_theirs(prefect_home: Path) -> None:
    from prefect.settings import get_current_settings

    assert get_current_settings().home == Path(os.environ["PREFECT_HOME"]) == prefect_home


def test_a_batch_is_one_run_with_one_task_per_call(prefect_home: Path, inbox: Path, settings: Settings) -> None:
    from prefect.client.orchestration import get_client

    from flows.process import Caller, run_process

    CONTACTED.clear()
    outcomes: list[Outcome] = []
    plans: list[Plan] = []
    started: list[Job] = []
    caller = Caller(settings=settings, on_plan=plans.append, on_start=started.append, on_outcome=outcomes.append)
    report = run_process([inbox], caller)
    assert report["counts"] == {"scored": 1, "failed": 1, "abstained": 1}
    assert "no speech" in report["failed"][0]["reason"]
    assert (len(plans), len(started), len(outcomes), report["store"]) == (1, 3, 3, "")
    with Store(settings.data) as store:
        assert store.query("SELECT team, rep FROM calls WHERE status = 'scored'") == [{"team": "North", "rep": "Ann"}]
    with get_client(sync_client=True) as client:
        (run,) = [run for run in client.read_flow_runs() if run.parameters.get("paths") == [str(inbox)]]
        tasks = [task for task in client.read_task_runs() if task.flow_run_id == run.id]
        states = sorted((task.name, task.state_name) for task in tasks)
    assert run.tags
    assert not any(task.tags for task in tasks)
    assert run.state_name == "Completed"
    assert [state for _, state in states] == ["Completed", "Failed", "Completed"]
    assert (prefect_home / "prefect.db").is_file()
    assert set(CONTACTED) <= {"127.0.0.1", "::1", "localhost"}

    again = run_process([inbox], Caller(settings=settings))
    assert again["counts"] == {"done": 2, "failed": 1}


def test_the_nightly_flow_takes_the_backlog_and_scores_stale_calls_again(
    prefect_home: Path, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    from flows import nightly
    from flows.process import Caller

    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    monkeypatch.setattr(nightly, "SETTLE_S", 0.0)
    with get_client(sync_client=True) as client:
        before = {found.id for found in client.read_artifacts()}
    report = nightly.run_nightly(Caller(settings=settings), settings)
    assert report["backlog"]["counts"] == {"scored": 1, "failed": 1, "abstained": 1}
    assert report["rescored"]["counts"] == {}
    assert report["problems"] == []
    assert report["digest"]["sent"] == []
    page = Path(report["digest"]["file"]).read_text()
    assert "new calls: 1 abstained, 1 failed, 1 scored" in page
    assert "2026-09-15_b.wav: " in page
    assert "scored again: nothing to do" in page
    with get_client(sync_client=True) as client:
        (artifact,) = [found for found in client.read_artifacts() if found.id not in before]
    assert "new calls: 1 abstained, 1 failed, 1 scored" in str(artifact.data)

    again = nightly.run_nightly(Caller(settings=settings), settings)
    assert again["backlog"] == {"counts": {"done": 2, "failed": 1}, "failed": []}
    assert Path(report["digest"]["file"]).read_text() == page
    assert Path(again["digest"]["file"]).name == f"{Path(report['digest']['file']).stem}-2.html"
    assert "new calls: nothing to do (2 done, 1 failed before)" in Path(again["digest"]["file"]).read_text()

    # an inbox that still holds the recordings makes no new calls of those that another judge scores again
    monkeypatch.setattr(fakes, "REVISION", ["2"])
    # the workers know the earlier judge only, so that the calls stay stale, and are not tried twice all the same
    third = nightly.run_nightly(Caller(settings=settings), settings)
    assert third["backlog"]["counts"] == {"failed": 1}
    assert third["rescored"]["counts"] == {"scored": 1, "abstained": 1}


def test_a_night_that_is_still_at_work_is_not_joined_by_the_next(prefect_home: Path, settings: Settings) -> None:
    from flows import nightly
    from flows.process import Caller
    from pipeline.errors import StoreError

    with (
        alone(settings.data / "claims" / "nightly.lock"),
        pytest.raises(StoreError, match="another nightly run is at work"),
    ):
        nightly.run_nightly(Caller(settings=settings), settings)
    assert not (settings.data / "digests").exists()
    with alone(settings.data / "claims" / "nightly.lock") as first:
        assert first
        assert list((settings.data / "claims").glob("*.claim")) == []


@pytest.mark.parametrize("broken", ["rubric", "drive"])
def test_a_part_of_the_night_that_fails_is_a_line_and_the_others_are_done(
    prefect_home: Path, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    from flows import nightly
    from flows.process import Caller
    from pipeline import process
    from pipeline.errors import RubricError

    def no_rubric(settings: Settings) -> None:
        raise RubricError("mine.yaml: no such rubric")

    stat = Path.stat

    def away(path: Path, **how: Any) -> os.stat_result:
        if path == Path("/mnt/share/inbox"):
            raise OSError(errno.EHOSTDOWN, "Host is down", str(path))
        return stat(path, **how)

    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    monkeypatch.setattr(nightly, "SETTLE_S", 0.0)
    old = settings.data / "cache" / "old.bin"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    if broken == "rubric":
        monkeypatch.setattr(process, "current_rubric", no_rubric)
        expected = ["backlog: mine.yaml: no such rubric", "scoring again: mine.yaml: no such rubric"]
    else:
        monkeypatch.setattr(Path, "stat", away)
        settings = replace(settings, inbox="/mnt/share/inbox", keep_recordings_days=30)
        expected = ["backlog: /mnt/share/inbox: no such inbox; make it, or set `inbox`"]
    report = nightly.run_nightly(Caller(settings=settings), settings)
    assert report["problems"] == expected
    assert not old.exists()
    assert expected[0] in Path(report["digest"]["file"]).read_text()


def test_a_prefect_that_refuses_to_tidy_stops_no_night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    from prefect.exceptions import ObjectNotFound

    from flows import nightly
    from flows.process import Caller

    def refuses(*args: object, **named: object) -> None:
        raise ObjectNotFound(httpx.HTTPError("404 Not Found"))

    for name in ("sweep_stale_runs", "forget_old_runs", "create_markdown_artifact"):
        monkeypatch.setattr(nightly, name, refuses)
    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    report = nightly._night(settings, Caller(settings=settings))
    assert [line.partition(":")[0] for line in report["problems"]] == ["Prefect's records"] * 3
    assert Path(report["digest"]["file"]).read_text().count("ObjectNotFound") == 2


def test_the_night_leaves_what_is_being_copied_to_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import nightly

    for name in ("a.txt", "b.wav", "c.wav"):
        (tmp_path / name).write_text("half")

    def copying_goes_on(seconds: float) -> None:
        assert seconds == nightly.SETTLE_S
        (tmp_path / "a.txt").write_text("half and more")
        (tmp_path / "b.yaml").write_text("rep: Ann\n")

    monkeypatch.setattr(nightly, "time", SimpleNamespace(sleep=copying_goes_on))
    assert [item.path.name for item in nightly._standing(tmp_path)] == ["c.wav"]


def test_runs_of_dead_processes_are_swept_and_live_ones_left(prefect_home: Path) -> None:
    from prefect import flow, tags
    from prefect.client.orchestration import get_client
    from prefect.states import Running

    from flows.local import OWNER_TAG, owner_tag, sweep_stale_runs

    @flow(name="left-behind", persist_result=False)
    def left_behind() -> None:
        return None

    dead = f"{OWNER_TAG}:{socket.gethostname()}:{2**22 + 1}:1"
    for tag in (dead, owner_tag()):
        with tags(tag):
            left_behind()
    with get_client(sync_client=True) as client:
        runs = {run.tags[0]: run.id for run in client.read_flow_runs() if run.name and OWNER_TAG in str(run.tags)}
        for run_id in runs.values():
            client.set_flow_run_state(run_id, Running(), force=True)
        assert sweep_stale_runs() == 1
        assert client.read_flow_run(runs[dead]).state_name == "Crashed"
        assert client.read_flow_run(runs[owner_tag()]).state_name == "Running"


class Runs:
    """Prefect's client as far as old runs are concerned: it tells of 200 at a time."""

    def __init__(self, tags: Iterable[str]) -> None:
        self.left = {number: SimpleNamespace(id=number, tags=[tag]) for number, tag in enumerate(tags)}

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def read_flow_runs(self, *, flow_run_filter: object, limit: int, offset: int) -> list[Any]:
        assert limit <= 200
        return list(self.left.values())[offset : offset + limit]

    def delete_flow_run(self, number: int) -> None:
        del self.left[number]


def test_all_old_runs_of_ours_are_forgotten_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import local

    runs = Runs(["somebody's"] * 230 + [f"{local.OWNER_TAG}:here:1:1", "somebody's"] * 450)
    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda *, sync_client: runs)
    assert local.forget_old_runs(0) == 0
    assert local.forget_old_runs(30) == 450
    assert {run.tags[0] for run in runs.left.values()} == {"somebody's"}
    assert len(runs.left) == 680

    many = Runs([f"{local.OWNER_TAG}:here:1:1"] * 900)
    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda *, sync_client: many)
    monkeypatch.setattr(local, "MOST_FORGOTTEN", 400)
    assert local.forget_old_runs(30) == 400


def test_a_proxy_is_not_asked_for_what_runs_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.request import getproxies_environment, proxy_bypass

    from flows.local import use_data_folder

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # what is set below is taken back after the test
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example.com")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("no_proxy")
    use_data_folder(tmp_path)
    assert getproxies_environment()["http"] == "http://proxy.example.com:3128"
    for host in ("127.0.0.1:4200", "localhost:4200", "intranet.example.com"):
        assert proxy_bypass(host)
    assert not proxy_bypass("hooks.example.com")


def test_a_server_that_does_not_start_is_one_line() -> None:
    from flows.local import owned_run
    from pipeline.errors import EngineError

    with pytest.raises(EngineError, match="`debrief process` does the same"), owned_run():
        raise RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server.")
    with pytest.raises(RuntimeError, match="other"), owned_run():
        raise RuntimeError("other")


def test_a_file_counts_once_it_has_stood_still(tmp_path: Path) -> None:
    from flows.watch import SETTLE_S, Looked
    from pipeline.ingest import Found

    clock = Clock()
    looked = Looked(clock)
    path = tmp_path / "a.wav"
    path.write_text("half")
    item = Found(path, tmp_path)
    assert looked.ready([item]) == ([], True)
    clock.now += SETTLE_S / 2
    path.write_text("half and more")
    assert looked.ready([item]) == ([], True)
    clock.now += SETTLE_S / 2
    assert looked.ready([item]) == ([], True)
    clock.now += SETTLE_S
    assert looked.ready([item]) == ([item], False)
    looked.settle([item])
    assert looked.ready([item]) == ([], False)
    path.write_text("changed altogether")
    assert looked.ready([item]) == ([], True)
    assert looked.ready([Found(tmp_path / "gone.wav", tmp_path)]) == ([], False)


def test_the_watcher_takes_what_lands_and_stops_when_told(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import watch
    from flows.process import Caller

    monkeypatch.setattr(watch, "SETTLE_S", 0.01)
    stop = threading.Event()
    outcomes: list[Outcome] = []
    problems: list[str] = []

    def process(folder: Path, caller: Caller) -> None:
        assert caller.plan is not None
        batch.run(caller.plan.jobs, settings, on_outcome=caller.on_outcome, task="fakes:work")
        stop.set()

    watch.watch(
        settings,
        stop=stop,
        caller=Caller(settings=settings, on_outcome=outcomes.append),
        on_problem=problems.append,
        process=process,
    )
    assert sorted(outcome.status for outcome in outcomes) == ["abstained", "failed", "scored"]
    assert problems == []
    assert list((settings.data / "claims").glob("*.claim")) == []


def test_a_watcher_says_once_what_keeps_it_from_looking_and_goes_on(
    stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import watch
    from flows.process import Caller
    from pipeline.errors import RubricError

    stop = threading.Event()
    looks: list[int] = []

    def broken(*args: Any) -> bool:
        looks.append(1)
        if len(looks) == 3:
            stop.set()
        raise RubricError("rubric.yaml: line 3 is wrong")

    monkeypatch.setattr(watch, "_look", broken)
    monkeypatch.setattr(watch, "_wait", lambda seconds, hint, stop: None)
    problems: list[str] = []
    watch.watch(settings, stop=stop, caller=Caller(), on_problem=problems.append)
    assert (len(looks), problems) == (3, ["rubric.yaml: line 3 is wrong"])


def test_a_watcher_goes_by_the_settings_as_they_are_now(
    stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import watch
    from flows.process import Caller
    from pipeline.settings import load_settings

    file = settings.data / "debrief.toml"
    stop = threading.Event()
    seen: list[tuple[str, Path]] = []
    problems: list[str] = []
    then = iter(['rubric = "meddicc"\ninbox = "elsewhere"\n', "rubric = [", 'rubric = "bant"\n'])

    def look(inbox: Path, now: Settings, *rest: Any) -> bool:
        seen.append((now.rubric, now.inbox_folder))
        return False

    def change(*args: Any) -> None:
        text = next(then, None)
        file.write_text(text) if text else stop.set()

    monkeypatch.setattr(watch, "_look", look)
    monkeypatch.setattr(watch, "_wait", change)
    watch.watch(
        settings,
        stop=stop,
        caller=Caller(),
        on_problem=problems.append,
        read_settings=lambda: load_settings(settings.data),
    )
    assert seen == [(name, settings.inbox_folder) for name in ("sales_call", "meddicc", "bant")]
    assert ["debrief.toml: not readable" in line for line in problems] == [True]


def test_what_another_debrief_works_on_is_looked_at_again(inbox: Path, settings: Settings) -> None:
    from flows import watch
    from flows.process import Caller

    clock = Clock()
    looked = watch.Looked(clock)
    seen: list[int] = []

    def busy(folder: Path, caller: Caller) -> None:
        assert caller.plan is not None
        seen.append(len(caller.plan.jobs))
        for job in caller.plan.jobs:
            caller.on_outcome(Outcome(job.path, "busy"))

    def nothing(files: int, ready: int) -> None:
        return None

    for _ in range(3):
        watch._look(inbox, settings, looked, Caller(), nothing, busy)
        clock.now += 10
    assert seen == [3, 3]


def test_what_could_not_be_erased_is_looked_at_again(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import watch
    from flows.process import Caller

    clock = Clock()
    looked = watch.Looked(clock)
    seen: list[int] = []

    def nothing_erased(found: list[Any], *args: Any, **named: Any) -> Plan:
        seen.append(len(found))
        return Plan((), tuple(Outcome(item.path, "stopped") for item in found))

    monkeypatch.setattr(watch, "make_plan", nothing_erased)
    for _ in range(3):
        watch._look(inbox, settings, looked, Caller(), lambda files, ready: None, lambda folder, caller: None)
        clock.now += 10
    assert seen == [3, 3]


def test_records_are_kept_while_another_debrief_has_the_database(
    stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import process
    from pipeline.errors import StoreLocked

    def locked(settings: Settings, *, whole: bool) -> None:
        raise StoreLocked("store.duckdb: another debrief has the database open")

    monkeypatch.setattr(process, "update_store", locked)
    assert "another debrief" in process.refresh_store(replace(settings))


def test_deployments_name_flows_that_exist() -> None:
    import importlib

    import yaml

    root = Path(__file__).parents[1]
    rows = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    for row in rows:
        file, _, name = row["entrypoint"].partition(":")
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        assert set(row["parameters"]) <= set(getattr(module, name).fn.__annotations__)
    assert {row["name"] for row in rows} == {"nightly", "process"}


def test_a_call_whose_task_prefect_refused_is_done_all_the_same(
    prefect_home: Path, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import process

    monkeypatch.setattr(process, "wait", lambda futures: None)
    monkeypatch.setattr(process.process_call, "submit", lambda name, perform: None)
    assert process.run_process([inbox], process.Caller(settings=settings))["counts"] == {
        "scored": 1,
        "failed": 1,
        "abstained": 1,
    }


def test_a_server_that_fails_is_one_line_and_stops_no_watcher() -> None:
    import httpx

    from flows.local import owned_run
    from pipeline.errors import EngineError

    with pytest.raises(EngineError, match="what was done is kept"), owned_run():
        raise httpx.ConnectError("gone")


def test_a_file_that_failed_is_looked_at_again_when_its_time_comes(tmp_path: Path) -> None:
    from flows.watch import Looked
    from pipeline.ingest import Found

    clock = Clock()
    looked = Looked(clock)
    path = tmp_path / "a.wav"
    path.write_text("x")
    item = Found(path, tmp_path)
    looked.ready([item])
    clock.now += 10
    assert looked.ready([item])[0] == [item]
    looked.settle([item], again_in={path: 900.0})
    clock.now += 899
    assert looked.ready([item])[0] == []
    clock.now += 2
    assert looked.ready([item])[0] == [item]
