from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import replace
from pathlib import Path

import fakes
import pytest

from pipeline import ingest, keep, plan, process
from pipeline.errors import ModelUnavailable
from pipeline.ingest import Found, discover, state_of
from pipeline.plan import Job, Plan
from pipeline.retention import drop_words
from pipeline.settings import Settings

pytestmark = pytest.mark.usefixtures("stages")


def drop(folder: Path, name: str, content: str = "ok") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def make(folder: Path, settings: Settings, max_attempts: int | None = None) -> Plan:
    return plan.plan(discover([folder]), settings, max_attempts=max_attempts)


def do(made: Plan, settings: Settings) -> None:
    """Perform a plan's jobs here, without workers."""
    for job in made.jobs:
        assert job.source is not None
        record = process.process_source(job.source, settings)
        if record["transcript"]:
            keep.write_record(settings.data, record)
        else:
            plan.keep_failure(
                settings,
                job.path,
                kind=record["kind"],
                reason=record["reason"],
                read=job.source.state,
                sha256=job.sha256,
                said=job.source.from_path,
            )


def kinds(made: Plan) -> list[tuple[str, str]]:
    return [(job.path.name, job.kind) for job in made.jobs] + [(o.path.name, o.status) for o in made.settled]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("part", "wrong"), [("transcript", "transcripu"), ("turns", "uurns"), ("known", "jnown"), ("criteria", "criteriq")]
)
def test_a_record_with_a_part_missing_is_heard_again_and_stops_no_other(
    inbox: Path, settings: Settings, part: str, wrong: str
) -> None:
    path = drop(inbox, "a.wav")
    drop(inbox, "b.wav", "ok b")
    do(make(inbox, settings), settings)
    (file,) = keep.record_files(settings.data, ingest.hash_file(path))
    file.write_bytes(file.read_bytes().replace(f'"{part}":'.encode(), f'"{wrong}":'.encode()))
    assert [job.path.name for job in plan.plan_rescore(settings, every=True).jobs] == ["b.wav"]
    again = make(inbox, settings)
    assert sorted(kinds(again)) == [("a.wav", "hear"), ("b.wav", "done")]
    do(again, settings)
    assert sorted(kinds(make(inbox, settings))) == [("a.wav", "done"), ("b.wav", "done")]


def test_new_files_are_heard_and_done_ones_skipped(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav")
    first = make(inbox, settings)
    assert kinds(first) == [("a.wav", "hear")]
    do(first, settings)
    drop(inbox, "b.wav", "ok too")
    assert kinds(make(inbox, settings)) == [("b.wav", "hear"), ("a.wav", "done")]


def test_long_recordings_come_first_and_transcripts_last(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.json", json.dumps(fakes.transcript_row()))
    drop(inbox, "b.wav")
    drop(inbox, "c.wav", "ok " + "long " * 100)
    assert [job.path.name for job in make(inbox, settings).jobs] == ["c.wav", "b.wav", "a.json"]


def test_a_bad_file_is_reported_and_not_tried_again_before_it_changes(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav", "silence")
    do(make(inbox, settings), settings)
    again = make(inbox, settings)
    assert [(o.status, o.known) for o in again.settled] == [("failed", True)]
    assert "no speech" in again.settled[0].reason
    path.write_text("silence longer")
    assert kinds(make(inbox, settings)) == [("a.wav", "hear")]


def test_a_file_that_was_named_itself_always_gets_another_try(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav", "silence")
    do(make(inbox, settings), settings)
    assert [job.kind for job in plan.plan([Found(path)], settings).jobs] == ["hear"]


def test_empty_files_are_each_reported_with_their_own_name(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav", "")
    drop(inbox, "b.wav", "")
    made = make(inbox, settings)
    assert [(o.path.name, o.status, o.path.name in o.reason) for o in made.settled] == [
        ("a.wav", "failed", True),
        ("b.wav", "failed", True),
    ]
    assert len(keep.read_failures(settings.data)) == 2


def later(settings: Settings, *, hours: float) -> None:
    """Let the kept failures have happened `hours` ago."""
    for row in keep.read_failures(settings.data):
        moved = dt.datetime.fromisoformat(row["next_at"]) - dt.timedelta(hours=hours)
        path = keep.failure_file(settings.data, row["path"])
        path.write_bytes(keep.encode({**row, "next_at": moved.isoformat()}))


def test_a_failed_engine_is_tried_again_later_and_quarantined_at_the_limit(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav", "engine")
    waits = []
    for attempt in (1, 2, 3):
        made = make(inbox, settings, max_attempts=3)
        assert kinds(made) == [("a.wav", "hear")]
        do(made, settings)
        (row,) = keep.read_failures(settings.data)
        assert row["attempts"] == attempt
        if attempt < 3:
            waits.append(dt.datetime.fromisoformat(row["next_at"]) - dt.datetime.fromisoformat(row["last_at"]))
            assert kinds(make(inbox, settings, max_attempts=3)) == [("a.wav", "failed")]
            later(settings, hours=2)
    assert waits == [dt.timedelta(minutes=15), dt.timedelta(hours=1)]
    assert (row["status"], row["next_at"]) == ("quarantined", None)
    assert kinds(make(inbox, settings, max_attempts=3)) == [("a.wav", "failed")]
    assert kinds(make(inbox, settings)) == [("a.wav", "hear")]
    path.write_text("engine again")
    assert kinds(make(inbox, settings, max_attempts=3)) == [("a.wav", "hear")]


def fail_for_good(path: Path, settings: Settings, sha256: str) -> None:
    for _ in range(3):
        plan.keep_failure(settings, path, kind="crash", reason="its worker died", read=state_of(path), sha256=sha256)


@pytest.mark.parametrize("named", [True, False])
def test_a_failure_before_a_call_was_kept_is_forgotten(inbox: Path, settings: Settings, named: bool) -> None:
    path = drop(inbox, "a.wav")
    first = make(inbox, settings, max_attempts=3)
    fail_for_good(path, settings, first.jobs[0].sha256)
    do(first, settings)
    found = [Found(path)] if named else discover([inbox])
    assert kinds(plan.plan(found, settings, max_attempts=3)) == [("a.wav", "done")]
    assert keep.read_failures(settings.data) == []


def test_a_call_that_was_kept_and_kills_its_worker_since_stays_quarantined(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav")
    first = make(inbox, settings, max_attempts=3)
    do(first, settings)
    fakes.RUBRIC_VERSION[0] = "bbbb"
    fail_for_good(path, settings, first.jobs[0].sha256)
    assert kinds(make(inbox, settings, max_attempts=3)) == [("a.wav", "failed")]
    assert kinds(make(inbox, settings)) == [("a.wav", "score")]


def test_a_clock_set_back_keeps_nothing_waiting(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav", "engine")
    do(make(inbox, settings), settings)
    assert make(inbox, settings, max_attempts=3).jobs == ()
    later(settings, hours=-24 * 365)
    assert kinds(make(inbox, settings, max_attempts=3)) == [("a.wav", "hear")]


def test_a_data_folder_that_cannot_be_written_quarantines_nothing(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav")
    for _ in range(9):
        row = plan.keep_failure(settings, path, kind="store", reason="disk full", read=state_of(path))
    assert (row["status"], row["attempts"]) == ("retry", 9)


def test_a_file_that_was_complete_when_its_failure_was_kept_is_looked_at_again(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(inbox, "a.wav")

    def half(found: Path) -> str:
        path.write_text("the last piece came while it was hashed")
        return "0" * 64

    with monkeypatch.context() as during:
        during.setattr(ingest, "hash_file", half)
        (outcome,) = make(inbox, settings).settled
    assert (outcome.status, "still being written" in outcome.reason) == ("failed", True)
    assert kinds(make(inbox, settings)) == [("a.wav", "hear")]


def test_the_same_recording_twice_counts_once(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav")
    drop(inbox, "b.wav")
    made = make(inbox, settings)
    assert kinds(made) == [("a.wav", "hear"), ("b.wav", "duplicate")]
    assert "the same recording as" in made.settled[0].reason
    do(made, settings)
    assert kinds(make(inbox, settings)) == [("a.wav", "done"), ("b.wav", "duplicate")]


def test_a_renamed_recording_is_the_same_call(inbox: Path, settings: Settings) -> None:
    path = drop(inbox, "a.wav")
    do(make(inbox, settings), settings)
    path.rename(inbox / "b.wav")
    assert kinds(make(inbox, settings)) == [("b.wav", "done")]


def test_a_copy_of_a_call_that_is_done_is_a_double_also_when_its_name_comes_first(
    inbox: Path, settings: Settings
) -> None:
    drop(inbox, "b.wav")
    do(make(inbox, settings), settings)
    drop(inbox, "a.wav")
    assert kinds(make(inbox, settings)) == [("a.wav", "duplicate"), ("b.wav", "done")]


def test_a_changed_rubric_scores_again_and_a_better_engine_hears_again(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav")
    drop(inbox, "b.wav", "noisy")
    do(make(inbox, settings), settings)
    assert kinds(make(inbox, replace(settings, engine="better"))) == [("b.wav", "hear"), ("a.wav", "done")]
    fakes.RUBRIC_VERSION[0] = "bbbb"
    assert kinds(make(inbox, settings)) == [("a.wav", "score"), ("b.wav", "score")]
    stale = plan.plan_rescore(settings)
    assert sorted((job.path.name, job.kind) for job in stale.jobs) == [("a.wav", "score"), ("b.wav", "score")]


def test_an_engine_that_is_not_there_keeps_no_other_file_from_its_turn(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, "noisy.wav", "noisy")
    do(make(inbox, settings), settings)
    drop(inbox, "new.wav")

    def missing(settings: Settings) -> None:
        raise ModelUnavailable("small.en knows English only, not 'de'")

    monkeypatch.setattr(sys.modules["pipeline.hear"], "choose_engine", missing)
    assert kinds(make(inbox, settings)) == [("new.wav", "hear"), ("noisy.wav", "done")]


def test_how_many_people_speak_is_heeded_when_somebody_says_it_later(inbox: Path, settings: Settings) -> None:
    beside = drop(inbox, "a.wav").with_suffix(".yaml")
    do(make(inbox, settings), settings)
    for stated, needs in (("account: Calder\n", "score"), ("account: Calder\nspeakers: 3\n", "hear")):
        beside.write_text(stated)
        assert kinds(make(inbox, settings)) == [("a.wav", needs)]
        do(make(inbox, settings), settings)
        assert kinds(make(inbox, settings)) == [("a.wav", "done")]


def test_calls_that_are_up_to_date_are_scored_again_only_when_asked(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav")
    do(make(inbox, settings), settings)
    assert plan.plan_rescore(settings) == Plan((), ())
    (job,) = plan.plan_rescore(settings, every=True).jobs
    assert job == Job("score", job.sha256, (inbox / "a.wav").absolute())


def test_a_call_whose_words_have_gone_is_never_scored_again(inbox: Path, settings: Settings) -> None:
    drop(inbox, "a.wav")
    do(make(inbox, settings), settings)
    (sha256,) = [file.parent.name for file in keep.all_record_files(settings.data)]
    drop_words(settings.data, sha256)
    assert plan.plan_rescore(settings, every=True) == Plan((), ())


def test_a_file_that_is_named_itself_stays_in_the_folders_that_it_was_found_in(inbox: Path, settings: Settings) -> None:
    kept, failed = (drop(inbox / "North" / "Priya Nair", name) for name in ("a.wav", "b.wav"))
    failed.write_text("engine")
    do(make(inbox, settings), settings)
    named = plan.plan(discover([kept, failed]), settings)
    assert kinds(named) == [("b.wav", "hear"), ("a.wav", "done")]
    source = named.jobs[0].source
    assert source is not None
    assert (source.meta().team, source.meta().rep) == ("North", "Priya Nair")
    # elsewhere it is what its name says, whatever folder it lies in
    moved = kept.rename(inbox / "c.wav")
    (job,) = plan.plan(discover([moved]), settings).jobs
    assert job.source is not None
    assert job.source.meta().rep is None


def test_a_folder_that_cannot_be_read_is_no_file_that_is_wrong(inbox: Path, settings: Settings) -> None:
    empty = drop(inbox, "a.wav", "")
    made = plan.plan([Found(empty, inbox), Found(inbox, inbox)], settings)
    assert [(item.status, item.kind) for item in made.settled] == [("failed", "input"), ("failed", "")]
    assert [row["path"] for row in keep.read_failures(settings.data)] == [str(empty)]
