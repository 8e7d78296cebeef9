"""The flows, through a real Prefect: one temporary server for all of this file."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waiting import Clock

from pipeline import batch
from pipeline.plan import Job, Outcome, Plan
from pipeline.settings import Settings
from pipeline.store import Store

CONTACTED: list[Any] = []


def _listen(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        CONTACTED.append(args[1][0])


sys.addaudithook(_listen)


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
