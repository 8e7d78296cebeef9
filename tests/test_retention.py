"""Retention: each class of data goes when its setting says so, with what was made from it; nothing else goes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import fakes
import pytest
from typer.testing import CliRunner

from pipeline import batch, cli, keep, plan, register, retention, tidy
from pipeline.access.book import AccessBook
from pipeline.coach.playlists import UNTITLED, KeptSnippet
from pipeline.ingest import discover
from pipeline.listening import clip_files, kept_clip
from pipeline.settings import Settings
from pipeline.store import Store

TODAY = dt.date(2026, 10, 6)
QUOTE = "We lose two days a month"
SOUND = next((Path(__file__).parents[1] / "sample_calls" / "inbox").rglob("*_Baker Freight.wav"))


def two_calls(tmp_path: Path) -> Settings:
    """A recording of January and one of October, each with a sidecar, quoted in an assignment, with clips."""
    settings = Settings(data=tmp_path / "data", inbox=str(tmp_path / "inbox"))
    inbox = settings.inbox_folder / "North" / "Ann Lee"
    inbox.mkdir(parents=True)
    for name in ("2026-01-05_Old", "2026-10-05_New"):
        (inbox / f"{name}.wav").write_text(f"ok {name}")
        (inbox / f"{name}.yaml").write_text("call_type: discovery\n")
    look(settings)
    with Store(settings.data) as store:
        calls = store.query("SELECT account, call_id, sha256 FROM calls")
        ids = {row["account"]: row["call_id"] for row in calls}
        store.put_fact("assignments", {
            "assignment_id": "a1", "rep": "Ann Lee", "criterion": "discovery", "status": "open",
            "assigned_on": "2026-02-01",
            "detail": {"calls": list(ids.values()),
                       "moments": [{"call_id": call_id, "quote": QUOTE} for call_id in ids.values()]},
        })  # fmt: skip
    for call in calls:
        clip = settings.data / "cache" / "listen" / f"{call['sha256']}-00.m4a"
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.write_bytes(b"\xff")
    return settings


@pytest.fixture
def world(stages: None, tmp_path: Path) -> Settings:
    return two_calls(tmp_path)


def look(settings: Settings) -> list[str]:
    made = plan.plan(discover([settings.inbox_folder]), settings)
    for job in made.jobs:
        fakes.work((job, settings))
    batch.update_store(settings)
    return [job.path.name for job in made.jobs]


def retained(settings: Settings, **days: int) -> tuple[list[retention.Due], dict[str, int]]:
    changed = dataclasses.replace(settings, **days)
    with Store(settings.data) as store:
        rows, unseen = retention.due(changed, store, today=TODAY)
        done, stuck = retention.retain(changed, store, rows)
    assert (unseen, stuck) == ([], [])
    return rows, done


def names(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.inbox_folder.rglob("*") if path.is_file())


def test_nothing_goes_without_a_setting(world: Settings) -> None:
    with Store(world.data) as store:
        assert retention.due(dataclasses.replace(world, keep_cache_days=0), store, today=dt.date(2050, 1, 1)) == (
            [],
            [],
        )


def test_a_limit_below_zero_lets_nothing_go(world: Settings) -> None:
    never = {f.name: -1 for f in dataclasses.fields(world) if f.name.startswith("keep_")}
    with Store(world.data) as store:
        assert retention.due(dataclasses.replace(world, **never), store, today=dt.date(2050, 1, 1)) == ([], [])


def test_a_limit_longer_than_the_calendar_lets_nothing_go(world: Settings) -> None:
    always = {f.name: 10_000_000 for f in dataclasses.fields(world) if f.name.startswith("keep_")}
    lasting = dataclasses.replace(world, **always)
    (world.data / "logs").mkdir(exist_ok=True)
    (world.data / "logs" / "debrief.log").write_text("2020-01-01T09:00:00+00:00 debrief gaps\n")
    with AccessBook(world.data), Store(world.data) as store:
        assert retention.due(lasting, store) == ([], [])
    assert tidy.tidy(lasting)["logs"] == 0


def test_an_old_recording_goes_with_its_sidecar_and_its_scores_stay(world: Settings) -> None:
    rows, done = retained(world, keep_recordings_days=90)

    assert [(row.kind, Path(row.what).name, row.day) for row in rows] == [
        ("recording", "2026-01-05_Old.wav", "2026-01-05")
    ]
    assert done == {"recording": 1}
    assert names(world) == ["2026-10-05_New.wav", "2026-10-05_New.yaml"]
    assert look(world) == []
    with Store(world.data) as store:
        assert len(store.query("SELECT 1 FROM calls WHERE n_turns > 0")) == 2


def test_the_transcript_beside_an_old_recording_goes_with_it_and_becomes_no_second_call(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        fakes.MODULES["pipeline.formats"], "sniff", lambda path: "vtt" if path.suffix == ".vtt" else None
    )
    monkeypatch.setitem(sys.modules, "pipeline.formats", fakes.modules()["pipeline.formats"])
    old = next(world.inbox_folder.rglob("*_Old.wav"))
    old.with_suffix(".vtt").write_text(json.dumps(fakes.transcript_row(rep="Ann Lee")))
    look(world)

    retained(world, keep_recordings_days=90)

    assert names(world) == ["2026-10-05_New.wav", "2026-10-05_New.yaml"]
    assert look(world) == []
    with Store(world.data) as store:
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]


def test_what_lies_outside_the_inbox_or_was_not_dealt_with_is_never_deleted(world: Settings, tmp_path: Path) -> None:
    outside = tmp_path / "mine.wav"
    outside.write_text("ok")
    link = world.inbox_folder / "2020-01-01_Link.wav"
    link.symlink_to(outside)
    fresh = world.inbox_folder / "2020-01-01_Waiting.wav"
    fresh.write_text("ok waiting")
    os.utime(fresh, (0, 0))

    rows, _ = retained(world, keep_recordings_days=1)

    assert "2020-01-01_Waiting.wav" not in {Path(row.what).name for row in rows}
    assert outside.exists()
    assert link.is_symlink()
    assert fresh.exists()


def test_words_go_from_records_quotes_and_clips_and_scores_stay(world: Settings) -> None:
    rows, done = retained(world, keep_transcripts_days=90)

    assert done == {"words of a call": 1}
    old = rows[0].what
    with Store(world.data) as store:
        assert store.query("SELECT n_turns, duration_s, overall, status FROM calls WHERE call_id = ?", [old]) == [
            {"n_turns": 0, "duration_s": 12.0, "overall": 50.0, "status": "scored"}
        ]
        for table in ("turns", "evidence", "missed", "moves"):
            assert store.query(f"SELECT 1 FROM {table} WHERE call_id = ?", [old]) == []
        assert len(store.query("SELECT 1 FROM criterion_scores WHERE call_id = ?", [old])) == 3
        (row,) = store.query("SELECT detail FROM assignments")
    quotes = {item["call_id"]: item["quote"] for item in row["detail"]["moments"]}
    assert quotes.pop(old) == ""
    assert set(quotes.values()) == {QUOTE}
    assert len(row["detail"]["calls"]) == 2
    assert [clip.name[:16] for clip in clip_files(world.data)] == list(quotes)
    left = [p for p in keep.record_files(world.data, rows[0].sha256) if b"lose two days" in p.read_bytes()]
    assert left == []
    assert look(world) == []
    assert retained(world, keep_transcripts_days=90) == ([], {})


def test_the_scorecard_of_a_call_without_words_still_says_which_objections_came(world: Settings) -> None:
    rows, _ = retained(world, keep_transcripts_days=90)
    done = CliRunner().invoke(cli.app, ["scorecard", "--call", rows[0].what], env={"DEBRIEF_DATA": str(world.data)})
    assert (done.exit_code, done.exception) == (0, None)
    assert "objections: perhaps stall (handled: partly)" in done.output


def test_what_people_wrote_about_a_call_outlives_its_words(world: Settings) -> None:
    said = {"at_s": None, "who": "Mel", "written_at": "2026-10-01T10:00:00", "removed_at": None}
    with Store(world.data) as store:
        (call,) = store.query("SELECT call_id FROM calls ORDER BY call_date LIMIT 1")
        store.put_fact("comments", {"comment_id": f"{call['call_id']}-1", **call, "text": "Coach the close", **said})

    assert retained(world, keep_transcripts_days=90)[1] == {"words of a call": 1}
    with Store(world.data) as store:
        assert store.query("SELECT text FROM comments") == [{"text": "Coach the close"}]


def test_scores_go_with_all_that_is_kept_and_the_recording_does_not_bring_them_back(world: Settings) -> None:
    rows, done = retained(world, keep_scores_days=90, keep_transcripts_days=90)

    assert done == {"call": 1}
    assert keep.record_files(world.data, rows[0].sha256) == []
    assert look(world) == []
    assert "2026-01-05_Old.wav" in names(world)


def test_clips_caches_exports_and_audit_lines_go_by_their_own_age(world: Settings, tmp_path: Path) -> None:
    old = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    made = kept_clip(world.data, "0" * 64, SOUND, t0=0.0, t1=1.0, silences=(), container="m4a")
    copied = made.with_name(f"{'0' * 64}.ogg")
    for path in (clip_files(world.data), [copied, world.data / "judge" / "x" / "a.json"]):
        for file in path:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            os.utime(file, (old.timestamp(), old.timestamp()))
    out = tmp_path / "calls.csv"
    out.write_text("x")
    register.wrote(world.data, "export", tmp_path, [out], now=old)
    register.wrote(world.data, "backup", tmp_path / "b.tar.gz", [], now=old)
    with AccessBook(world.data, clock=old.timestamp) as book:
        book.note("ann", "admin", "saw", "/calls/1")

    _, done = retained(world, keep_clips_days=30, keep_cache_days=30, keep_exports_days=30, keep_audit_days=30)

    assert done == {"clip": 3, "export": 1, "cached file": 2, "audit lines": 1}
    assert not out.exists()
    assert [row["kind"] for row in register.written(world.data)] == []
    with AccessBook(world.data) as book:
        assert book.log() == []


def test_hashes_of_files_that_are_gone_leave_the_cache(world: Settings) -> None:
    next(world.inbox_folder.rglob("2026-01-05_Old.wav")).unlink()

    _, done = retained(world, keep_cache_days=30)

    assert done == {"cached hash": 1}
    lines = (world.data / "hashes.jsonl").read_text().splitlines()
    assert [Path(json.loads(line)[0]).name for line in lines] == ["2026-10-05_New.wav"]


def test_a_drive_that_is_away_for_a_night_costs_neither_hashes_nor_failures(world: Settings, tmp_path: Path) -> None:
    failed(world, world.inbox_folder / "odd.wav", kind="engine", first_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    hashes = (world.data / "hashes.jsonl").read_text()
    away = tmp_path / "away"
    world.inbox_folder.rename(away)
    for mount_point in (False, True):
        if mount_point:
            world.inbox_folder.mkdir()
        _, done = retained(world, keep_cache_days=30)
        assert (done, tidy.tidy(world)["failures of files that are gone"]) == ({}, 0)
        assert (world.data / "hashes.jsonl").read_text() == hashes
    world.inbox_folder.rmdir()
    away.rename(world.inbox_folder)
    (world.inbox_folder / "odd.wav").unlink()
    assert tidy.tidy(world)["failures of files that are gone"] == 1


def test_one_class_that_cannot_go_is_a_line_and_the_others_go(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched, Store(world.data) as store:
        patched.setattr(Path, "unlink", refuse)
        done, problems = retention.retain_all(
            dataclasses.replace(world, keep_recordings_days=1, keep_cache_days=0), store
        )
    assert done == {}
    assert len(problems) == 1
    assert "cannot be deleted" in problems[0]


def test_a_read_only_inbox_is_a_line_and_the_others_go(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for clip in clip_files(world.data):
        os.utime(clip, (1.6e9, 1.6e9))
    delete = Path.unlink

    def read_only(path: Path, missing_ok: bool = False) -> None:
        if world.inbox_folder in path.parents:
            raise OSError(errno.EROFS, "Read-only file system")
        delete(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched, Store(world.data) as store:
        patched.setattr(Path, "unlink", read_only)
        changed = dataclasses.replace(world, keep_recordings_days=1, keep_clips_days=30, keep_cache_days=0)
        done, problems = retention.retain_all(changed, store)

    assert done == {"clip": 2}
    (line,) = problems
    assert line.startswith(f"retention of recording: {world.inbox_folder}")
    # no permission would change it
    assert line.endswith("(Read-only file system); let debrief write there")


def test_a_kind_that_fails_in_an_unforeseen_way_is_a_line_too(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(retention._GO, "words of a call", full)
    with Store(world.data) as store:
        done, problems = retention.retain_all(dataclasses.replace(world, keep_transcripts_days=1), store)
    assert done == {}
    assert problems == ["retention of words of a call: [Errno 28] No space left on device"]


def failed(settings: Settings, path: Path, *, kind: str, first_at: dt.datetime) -> None:
    path.write_text("odd")
    os.utime(path, (0, 0))
    state = path.stat()
    row = {"path": str(path), "sha256": None, "size": state.st_size, "mtime_ns": state.st_mtime_ns}
    keep.write_failure(settings.data, {**row, "kind": kind, "reason": "odd"}, now=first_at)


@pytest.mark.parametrize(
    ("kind", "refused_on", "stays"),
    [("input", (2026, 8, 1), False), ("input", (2026, 10, 1), True), ("engine", (2026, 8, 1), True),
     ("store", (2026, 8, 1), True)],
)  # fmt: skip
def test_only_what_was_refused_for_itself_goes_and_counts_from_that_day(
    world: Settings, kind: str, refused_on: tuple[int, int, int], stays: bool
) -> None:
    path = world.inbox_folder / "Backlog.wav"
    failed(world, path, kind=kind, first_at=dt.datetime(*refused_on, tzinfo=dt.UTC))

    retained(world, keep_recordings_days=30)

    assert path.exists() == stays


def test_a_file_that_took_the_place_of_a_refused_one_stays(world: Settings) -> None:
    path = world.inbox_folder / "Backlog.wav"
    failed(world, path, kind="input", first_at=dt.datetime(2026, 8, 1, tzinfo=dt.UTC))
    path.write_text("ok, the right export")

    retained(world, keep_recordings_days=30)

    assert path.exists()


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_recording_under_an_old_calls_name_stays_until_it_was_heard(world: Settings, looked_at: bool) -> None:
    path = next(world.inbox_folder.rglob("2026-01-05_Old.wav"))
    path.write_text("ok, another call")
    if looked_at:
        plan.plan(discover([world.inbox_folder]), world)

    assert retained(world, keep_recordings_days=90) == ([], {})

    assert path.exists()


def test_a_recording_that_was_moved_goes_when_its_calls_time_is_over(world: Settings) -> None:
    (world.inbox_folder / "2026").mkdir()
    (world.inbox_folder / "North").rename(world.inbox_folder / "2026" / "North")
    assert look(world) == []

    retained(world, keep_recordings_days=90)

    assert names(world) == ["2026-10-05_New.wav", "2026-10-05_New.yaml"]


def test_the_recording_of_a_call_whose_scores_are_gone_goes_too(world: Settings) -> None:
    retained(world, keep_scores_days=90)
    recording = next(world.inbox_folder.rglob("2026-01-05_Old.wav"))
    look(world)
    os.utime(recording, (1.7e9, 1.7e9))
    look(world)

    _, done = retained(world, keep_recordings_days=90)

    assert done == {"recording": 1}
    assert not recording.exists()


def beside(settings: Settings) -> Path:
    """A transcript beside the old recording, read instead of hearing it."""
    row = fakes.transcript_row("v1", rep="Ann Lee", account="Acme")
    row["turns"] = [{"t0": 0, "t1": 4, "speaker": "rep", "text": "words beside"},
                    {"t0": 4, "t1": 9, "speaker": "buyer:Jo", "text": "two"}]  # fmt: skip
    path = next(settings.inbox_folder.rglob("2026-01-05_Old.wav")).with_suffix(".json")
    path.write_text(json.dumps(row))
    look(settings)
    return path


def test_a_transcript_beside_a_recording_goes_with_the_calls_words_which_do_not_come_back(world: Settings) -> None:
    companion = beside(world)

    retained(world, keep_transcripts_days=90)
    assert companion.exists()
    _, done = retained(world, keep_transcripts_days=90)

    assert done == {"transcript file": 1}
    assert not companion.exists()
    assert look(world) == []


def test_words_of_an_earlier_record_go_where_an_end_came_in_between(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.RUBRIC_VERSION[0] = "bbbb"
    look(world)
    (sha256,) = [row.sha256 for row in due_words(world)]

    def killed(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            retention.drop_words(world.data, sha256)
    with Store(world.data) as store:
        store.ingest()
    assert len(keep.record_files(world.data, sha256)) > 1

    assert retained(world, keep_transcripts_days=90)[1] == {"words of a call": 1}
    assert not [file for file in keep.record_files(world.data, sha256) if "lose two days" in file.read_text()]
    assert due_words(world) == []


def due_words(settings: Settings) -> list[retention.Due]:
    with Store(settings.data) as store:
        rows, problems = retention.due(dataclasses.replace(settings, keep_transcripts_days=90), store, today=TODAY)
    assert problems == []
    return rows


def test_titles_and_archives_of_snippets_go_with_the_words(world: Settings) -> None:
    (old,) = [row.what for row in due_words(world)]
    archive = world.data / "cache" / "listen" / "playlist-00ff.zip"
    archive.write_bytes(b"zip")
    made = KeptSnippet(f"{old}-1", old, 0.0, 4.0, QUOTE, "Tess", dt.datetime(2026, 2, 1))
    with Store(world.data) as store:
        store.put_fact("snippets", made.to_row())

    retained(world, keep_transcripts_days=90)

    assert not archive.exists()
    with Store(world.data) as store:
        assert store.query("SELECT title FROM snippets") == [{"title": UNTITLED}]


def test_the_command_does_what_the_night_does_and_says_all_of_it_before(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tidied(*args: str) -> Any:
        return CliRunner().invoke(cli.app, ["tidy", *args], env={"DEBRIEF_DATA": str(world.data)})

    (world.data / "debrief.toml").write_text(
        f'inbox = "{world.inbox}"\nkeep_recordings_days = 1\nkeep_clips_days = 30\nkeep_cache_days = 0\n'
    )
    digest = world.data / "digests" / "nightly-2020-01-01.html"
    digest.parent.mkdir(exist_ok=True)
    for path in (digest, *clip_files(world.data)):
        path.touch()
        os.utime(path, (1.6e9, 1.6e9))

    planned = tidied("--dry-run")
    assert "1 digests (housekeeping)" in planned.stdout
    assert digest.exists()
    delete = Path.unlink

    def read_only(path: Path, missing_ok: bool = False) -> None:
        if world.inbox_folder in path.parents:
            raise OSError(errno.EROFS, "Read-only file system")
        delete(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", read_only)
        done = tidied()
    assert done.exit_code == 1
    assert "2 clip, 1 digests (housekeeping)" in done.stdout
    assert "retention of recording" in done.stderr
    assert not digest.exists()
    assert tidied().exit_code == 0
    assert names(world) == []
