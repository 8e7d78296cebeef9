from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import batch, erased, keep, plan
from pipeline.claims import Claims
from pipeline.ingest import Found, discover, state_of
from pipeline.plan import Job, Outcome
from pipeline.settings import Settings
from pipeline.store import Store

pytestmark = pytest.mark.usefixtures("stages")
TASK = "fakes:work"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, word in {
        "a": "ok", "b": "killed", "c": "noisy", "d": "silence", "e": "strangers", "f": "bug", "g": "ok too",
    }.items():  # fmt: skip
        (folder / f"{name}.wav").write_text(word)
    return folder


def test_one_bad_call_does_not_stop_the_batch(inbox: Path, settings: Settings) -> None:
    made = plan.plan(discover([inbox]), settings)
    told: list[Outcome] = []
    started: list[Job] = []
    outcomes = batch.run(made.jobs, settings, on_start=started.append, on_outcome=told.append, task=TASK)
    assert [o.path for o in outcomes] == [job.path for job in made.jobs]
    assert sorted((o.path.stem, o.status) for o in outcomes) == [
        ("a", "scored"),
        ("b", "failed"),
        ("c", "abstained"),
        ("d", "failed"),
        ("e", "review"),
        ("f", "failed"),
        ("g", "scored"),
    ]
    assert sorted(map(id, told)) == sorted(map(id, outcomes))
    assert len(started) == 7
    reasons = {o.path.stem: o.reason for o in outcomes}
    assert all(str(inbox) in reasons[name] and "\n" not in reasons[name] for name in "bdf")
    kinds = {Path(row["path"]).stem: row["kind"] for row in keep.read_failures(settings.data)}
    assert kinds == {"b": "crash", "d": "input", "f": "internal"}
    assert list((settings.data / "claims").glob("*.claim")) == []
    batch.update_store(settings)
    with Store(settings.data) as store:
        assert store.query("SELECT status, count(*) AS n FROM calls GROUP BY status ORDER BY status") == [
            {"status": "abstained", "n": 1},
            {"status": "review", "n": 1},
            {"status": "scored", "n": 2},
        ]
        assert store.query("SELECT count(*) AS n FROM failures") == [{"n": 3}]


def test_a_call_that_works_at_last_is_no_failure_any_more(inbox: Path, settings: Settings) -> None:
    path = inbox / "d.wav"
    plan.keep_failure(settings, path, kind="engine", reason="x", read=state_of(path))
    path.write_text("ok at last")
    made = plan.plan(discover([path]), settings)
    batch.run(made.jobs, settings, task=TASK)
    assert keep.read_failures(settings.data) == []


def test_a_call_that_hangs_fails_at_the_limit(inbox: Path, settings: Settings) -> None:
    (inbox / "a.wav").write_text("hangs")
    made = plan.plan(discover([inbox / "a.wav"]), settings)
    (outcome,) = batch.run(made.jobs, replace(settings, timeout_s=0.3), task=TASK)
    assert outcome.status == "failed"
    (kept,) = keep.read_failures(settings.data)
    assert kept["kind"] == "timeout"
    # what is kept is shown beside the time, and stays without it
    when = kept["next_at"][:16].replace("T", " ")
    assert outcome.reason == f"{kept['reason']} (the watcher or the night tries it again after {when} UTC)"


def test_a_call_that_another_debrief_works_on_is_left_to_it(inbox: Path, settings: Settings) -> None:
    made = plan.plan(discover([inbox / "a.wav"]), settings)
    with Claims(settings.data / "claims") as claims:
        claims.take(made.jobs[0].sha256)
        (outcome,) = batch.run(made.jobs, settings, task=TASK)
    assert outcome.status == "busy"


def test_a_file_that_changes_while_it_is_read_is_kept_as_what_it_became(inbox: Path, settings: Settings) -> None:
    path = inbox / "a.wav"
    made = plan.plan(discover([path]), settings)
    path.write_text("ok, all of it")
    (outcome,) = batch.run(made.jobs, settings, task=TASK)
    assert (outcome.status, "still being written" in outcome.reason) == ("failed", True)
    assert keep.latest_record(settings.data, made.jobs[0].sha256) is None
    # found in its folder, not named itself, which would give it another try in any case
    (outcome,) = batch.run(plan.plan([Found(path, inbox)], settings).jobs, settings, task=TASK)
    assert outcome.status == "scored"
    assert keep.read_failures(settings.data) == []
    assert [file.parent.name for file in keep.all_record_files(settings.data)] == [outcome.sha256]


def test_a_failed_file_that_is_tried_again_by_name_keeps_the_rep_of_its_folder(inbox: Path, settings: Settings) -> None:
    path = inbox / "Priya Nair" / "c.wav"
    path.parent.mkdir()
    path.write_text("engine")
    (outcome,) = batch.run(plan.plan([Found(path, inbox)], settings).jobs, settings, task=TASK)
    assert outcome.status == "failed"
    (job,) = plan.plan(discover([path]), settings).jobs
    assert job.source
    assert job.source.meta().rep == "Priya Nair"


def test_a_stop_kills_what_runs_and_releases_every_claim(inbox: Path, settings: Settings) -> None:
    (inbox / "a.wav").write_text("hangs")
    made = plan.plan(discover([inbox / "a.wav"]), settings)
    stop = threading.Event()
    with batch.Batch(settings, jobs=1, stop=stop, task=TASK) as work:
        outcome = work.perform(made.jobs[0], on_start=lambda job: stop.set())
    assert outcome.status == "stopped"
    assert list((settings.data / "claims").glob("*.claim")) == []
    assert keep.read_failures(settings.data) == []


def test_nothing_to_do_starts_no_worker(settings: Settings) -> None:
    assert batch.run([], settings, task="no.such:task") == []


def test_a_record_that_has_gone_is_said(settings: Settings, tmp_path: Path) -> None:
    (outcome,) = batch.run([Job("score", "ab" * 32, tmp_path / "a.wav")], settings, task=TASK)
    assert (outcome.status, "its record has gone" in outcome.reason) == ("failed", True)


def test_a_call_that_was_erased_before_its_turn_leaves_no_failure(settings: Settings, tmp_path: Path) -> None:
    erased.mark(settings.data, "ab" * 32)
    (outcome,) = batch.run([Job("score", "ab" * 32, tmp_path / "a.wav")], settings, task=TASK)
    assert (outcome.status, "erased meanwhile" in outcome.reason) == ("withheld", True)
    assert keep.read_failures(settings.data) == []


@pytest.mark.parametrize("name", ["a.wav", "d.wav"])
def test_a_call_that_was_erased_while_it_was_heard_is_not_kept(inbox: Path, settings: Settings, name: str) -> None:
    made = plan.plan(discover([inbox / name]), settings)
    erased.mark(settings.data, made.jobs[0].sha256)
    (outcome,) = batch.run(made.jobs, settings, task=TASK)
    assert outcome.status == "withheld"
    assert list(keep.all_record_files(settings.data)) == []
    assert keep.read_failures(settings.data) == []


def test_workers_are_one_per_core_unless_said(settings: Settings) -> None:
    assert batch.worker_count(settings) == 2
    assert batch.worker_count(replace(settings, workers=0)) >= 1


def test_a_file_that_may_be_read_now_is_tried_again(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions change neither size nor time: the remedy that the line names must work all the same."""
    with monkeypatch.context() as locked:
        locked.setattr("pipeline.ingest.hash_file", lambda path: Path("/nowhere/at/all").read_text())
        locked.setattr("os.access", lambda path, mode: False)
        assert {o.status for o in plan.plan(discover([inbox]), settings).settled} == {"failed"}
    assert len(plan.plan(discover([inbox]), settings).jobs) == 7
