"""A transcript that came before its recording, and was a call of its own until then."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import pytest
from typer.testing import CliRunner

from pipeline import batch, consent, keep, plan, retention, superseded
from pipeline.assigned_reps import assign_rep
from pipeline.assigned_roles import assign_roles
from pipeline.cli import app
from pipeline.comments import comment_of
from pipeline.erase import erase, of_call
from pipeline.errors import EngineError
from pipeline.ingest import discover, hash_file
from pipeline.reviews import review_of
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.types import Transcript

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "2026-10-06_Calder.json").write_text(json.dumps(fakes.transcript_row()))
    return folder


def look(inbox: Path, settings: Settings) -> list[str]:
    """What a look at the folder does, worker and database included; the names of what was worked on."""
    made = plan.plan(discover([inbox]), settings)
    for job in made.jobs:
        assert batch.work((job, settings))["kept"]
    batch.update_store(settings)
    return [job.path.name for job in made.jobs]


def calls(settings: Settings) -> list[dict[str, Any]]:
    with Store(settings.data) as store:
        return store.query("SELECT call_id, sha256, kind, rep FROM calls")


def test_the_recording_takes_the_place_of_its_transcripts_own_call(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    assert before["kind"] == "transcript"
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    assert look(inbox, settings) == ["2026-10-06_Calder.wav"]
    (now,) = calls(settings)
    assert now["kind"] == "audio"
    assert keep.record_files(settings.data, before["sha256"]) == []
    assert keep.pending(settings.data) == {}
    assert look(inbox, settings) == []


def test_a_transcript_stays_its_recordings_call_when_the_recording_is_deleted(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    look(inbox, settings)
    (call,) = calls(settings)
    (inbox / "2026-10-06_Calder.wav").unlink()
    words = inbox / "2026-10-06_Calder.json"
    for name in ("2026-10-06_Calder.json", "2026-10-07_renamed.json"):
        words = words.rename(inbox / name)
        made = plan.plan(discover([inbox]), settings)
        assert [(done.status, done.sha256) for done in made.settled] == [("done", call["sha256"])]
        assert made.jobs == ()
    strict = replace(settings, inbox=str(inbox), keep_transcripts_days=1)
    with Store(settings.data) as store:
        gone = retention.due(strict, store, today=dt.date(2027, 10, 6))[0]
        assert [(row.kind, Path(row.what).name) for row in gone][:1] == [("transcript file", "2026-10-07_renamed.json")]
        erase(settings, store, of_call(settings, store, call["call_id"]))
    assert not list((settings.data / "facts").glob("words/*"))


@pytest.mark.parametrize("said", ["beside", "consent"])
def test_a_refusal_of_the_transcript_that_is_left_takes_the_recordings_call_away(
    inbox: Path, settings: Settings, said: str
) -> None:
    recording, words = inbox / "2026-10-06_Calder.wav", inbox / "2026-10-06_Calder.json"
    recording.write_text("ok")
    look(inbox, settings)
    assert len(calls(settings)) == 1
    recording.unlink()
    if said == "beside":
        words.with_suffix(".yaml").write_text("consent: no\n")
    else:
        asked = CliRunner().invoke(app, ["consent", "no", str(words), "--data", str(settings.data)])
        assert (asked.exit_code, "erased: 1 call" in asked.output) == (0, True)
    for _ in range(2):
        assert look(inbox, settings) == []
        assert calls(settings) == []


def test_a_transcript_that_was_another_calls_is_its_own_once_it_lies_elsewhere(inbox: Path, settings: Settings) -> None:
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    assert look(inbox, settings) == ["2026-10-06_Calder.wav"]
    (inbox / "2026-10-06_Calder.json").rename(inbox / "2026-10-07_Dunmore.json")
    look(inbox, settings)
    look(inbox, settings)
    assert {row["kind"] for row in calls(settings)} == {"audio", "transcript"}


def test_what_people_said_of_the_call_goes_along(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    sha256 = before["sha256"]
    record = keep.latest_record(settings.data, sha256)
    assert record is not None
    transcript = Transcript.from_json(record["transcript"], where="here")
    consent.state(settings.data, sha256, "yes")
    assign_rep(settings.data, sha256, "Priya Nair", who="Maria")
    assign_roles(settings.data, sha256, transcript, {"rep": "buyer:Owen", "buyer:Ann": "rep"})
    review = review_of(record, "discovery", "override", who="Maria", why="seen", level=1)
    comment = comment_of(record, who="Tess", text="well asked", at_s=2.0)
    training = {"assignment_id": "a1", "rep": "Ann", "criterion": "discovery", "status": "open",
        "assigned_on": "2026-10-07", "detail": {"low_moments": [{"call_id": before["call_id"]}]}}  # fmt: skip
    with Store(settings.data) as store:
        store.put_fact("reviews", review.to_row())
        store.put_fact("comments", comment.to_row())
        store.put_fact("assignments", training)
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    look(inbox, settings)
    (now,) = calls(settings)
    assert now["rep"] == "Priya Nair"
    made = keep.latest_record(settings.data, now["sha256"])
    assert made is not None
    assert [turn["speaker"] for turn in made["transcript"]["turns"]] == ["buyer:Owen", "rep", "buyer:Owen"]
    assert consent.stated(settings.data, now["sha256"]) == "yes"
    mine = {"id": now["call_id"]}
    with Store(settings.data) as store:
        assert store.query(
            "SELECT level, overridden_by FROM criterion_scores WHERE call_id = $id AND criterion = 'discovery'", mine
        ) == [{"level": 1, "overridden_by": "Maria"}]
        assert store.query("SELECT who, text FROM comments WHERE call_id = $id", mine) == [
            {"who": "Tess", "text": "well asked"}
        ]
        (row,) = store.query("SELECT detail FROM assignments")
        assert row["detail"] == {"low_moments": [{"call_id": now["call_id"]}]}
    traces = [file for file in (settings.data / "facts").rglob("*.json") if before["call_id"] in file.read_text()]
    assert [file.parent.name for file in traces] == [superseded.WORDS]


def test_a_consent_given_for_the_transcript_lets_the_recording_in(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    consent.state(settings.data, before["sha256"], "yes")
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    look(inbox, replace(settings, require_consent=True))
    assert [call["kind"] for call in calls(settings)] == ["audio"]


def test_a_refusal_of_the_transcript_stands_for_the_recording_that_comes_later(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    consent.state(settings.data, before["sha256"], "no")
    look(inbox, settings)
    assert calls(settings) == []
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    for _ in range(2):
        assert [outcome.status for outcome in plan.plan(discover([inbox]), settings).settled] == ["withheld"]


def test_words_that_were_erased_while_their_recording_waited_are_not_kept(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    (job,) = plan.plan(discover([inbox]), settings).jobs
    with Store(settings.data) as store:
        erase(settings, store, of_call(settings, store, before["call_id"]))
    assert not batch.work((job, settings))["kept"]
    assert list(keep.all_record_files(settings.data)) == []


def test_what_was_said_of_the_recording_itself_stands(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    assign_rep(settings.data, before["sha256"], "Priya Nair", who="Maria")
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    (job,) = plan.plan(discover([inbox]), settings).jobs
    assign_rep(settings.data, job.sha256, "Bea", who="Maria")
    look(inbox, settings)
    assert [call["rep"] for call in calls(settings)] == ["Bea"]


@pytest.mark.parametrize(("copied_from", "to"), [("exports", ""), ("", "meetings")])
def test_a_copy_of_the_words_beside_a_recording_is_no_call_of_its_own(
    inbox: Path, settings: Settings, copied_from: str, to: str
) -> None:
    for folder in (copied_from, to):
        (inbox / folder).mkdir(exist_ok=True)
    original = (inbox / "2026-10-06_Calder.json").rename(inbox / copied_from / "export.json")
    assert look(inbox, settings) == ["export.json"]
    (inbox / to / "Calder.json").write_text(original.read_text())
    (inbox / to / "Calder.wav").write_text("ok")
    look(inbox, settings)
    for _ in range(3):
        assert look(inbox, settings) == []
        assert [call["kind"] for call in calls(settings)] == ["audio"]
    (copy,) = [item for item in plan.plan(discover([inbox]), settings).settled if item.status == "duplicate"]
    assert copy.path == original
    assert f"the words of {inbox / to / 'Calder.wav'}" in copy.reason


def test_a_damaged_fact_keeps_no_call_waiting(inbox: Path, settings: Settings) -> None:
    look(inbox, settings)
    (before,) = calls(settings)
    torn = settings.data / "facts" / "assignments" / "a1.json"
    for file in (torn, keep.fact_file(settings.data, "reps", before["sha256"])):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"assignment_id": "a')
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    (inbox / "b.wav").write_text("ok too")
    assert sorted(look(inbox, settings)) == ["2026-10-06_Calder.wav", "b.wav"]
    assert [call["kind"] for call in calls(settings)] == ["audio", "audio"]
    assert torn.exists()
    assert look(inbox, settings) == []


def test_a_kill_before_the_earlier_call_went_is_made_good_by_the_next_look(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(inbox, settings)
    (inbox / "2026-10-06_Calder.wav").write_text("ok")
    with monkeypatch.context() as killed:
        killed.setattr(superseded, "take_over", lambda data, source: None)
        look(inbox, settings)
        assert len(calls(settings)) == 2
    assert look(inbox, settings) == []
    assert [call["kind"] for call in calls(settings)] == ["audio"]


def test_a_recording_that_cannot_be_judged_replaces_nothing(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(inbox, settings)
    (inbox / "2026-10-06_Calder.wav").write_text("ok")

    def fails(*args: object, **named: object) -> None:
        raise EngineError("the judge failed; try again")

    monkeypatch.setattr(sys.modules["pipeline.judge"], "score_call", fails)
    look(inbox, settings)
    assert sorted(call["kind"] for call in calls(settings)) == ["audio", "transcript"]


def test_a_file_whose_copying_stood_still_is_one_call_when_the_rest_has_come(
    tmp_path: Path, settings: Settings
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    call = folder / "2026-10-06_Calder.wav"
    shas = []
    for content in ("ok, one", "ok, one, two", "ok, one, two, three"):
        call.write_text(content)
        look(folder, settings)
        (row,) = calls(settings)
        shas.append(row["sha256"])
        assign_rep(settings.data, row["sha256"], "Tom Becker", who="Ada")
    assert len(set(shas)) == 3
    assert row["rep"] == "Tom Becker"
    # other words under the same name are another call: some recorders call every one of them alike
    call.write_text("ok, quite another call that is longer")
    look(folder, settings)
    assert {row["sha256"] for row in calls(settings)} > {shas[-1]}


def test_a_name_that_a_recorder_uses_again_is_read_once_however_often(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = inbox / "REC001.wav"
    for number in range(5):
        call.write_text(f"ok {number}" + "." * number)
        look(inbox, settings)
    opened = []
    really = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args, **kw: (opened.append(self), really(self, *args, **kw))[1])
    look(inbox, settings)
    assert opened.count(call) <= 2
    assert len([row for row in calls(settings) if row["kind"] == "audio"]) == 5


def test_a_half_beside_its_transcript_is_no_copy_of_the_whole(inbox: Path, settings: Settings) -> None:
    call = inbox / "2026-10-06_Calder.wav"
    for content in ("ok, one", "ok, one, two"):
        call.write_text(content)
        assert look(inbox, settings) == [call.name]
        assert [row["sha256"] for row in calls(settings)] == [hash_file(call)]


@pytest.mark.parametrize("first", ["", "_1920x1080"], ids=["sound first", "picture first"])
@pytest.mark.parametrize("late", [False, True], ids=["words first", "words last"])
def test_sound_and_picture_with_one_transcript_are_one_call(
    inbox: Path, settings: Settings, first: str, late: bool
) -> None:
    words = (inbox / "2026-10-06_Calder.json").rename(inbox / "GMT20261006-140000_Recording.json")
    text = words.read_text()
    if late:
        words.unlink()
    for end in sorted(["", "_1920x1080"], key=lambda end: end != first):
        (inbox / f"GMT20261006-140000_Recording{end}.wav").write_text(f"ok {end}")
        look(inbox, settings)
    words.write_text(text)
    for _ in range(2):
        look(inbox, settings)
    assert len(calls(settings)) == 1
    made = plan.plan(discover([inbox]), settings)
    assert made.jobs == ()
    assert sorted(done.status for done in made.settled) == ["done", "duplicate"]
    # where one of them goes, the call stays and is none twice
    for done in sorted(made.settled, key=lambda done: done.status):
        done.path.unlink()
        look(inbox, settings)
        assert len(calls(settings)) == 1


def test_a_picture_that_was_a_call_hands_its_rep_on_to_the_sound(inbox: Path, settings: Settings) -> None:
    words = (inbox / "2026-10-06_Calder.json").rename(inbox / "GMT20261006-140000_Recording.json")
    text = words.read_text()
    words.unlink()
    sound, picture = (inbox / f"GMT20261006-140000_Recording{end}.wav" for end in ("", "_1920x1080"))
    for file in (sound, picture):
        file.write_text(f"ok {file.name}")
    look(inbox, settings)
    assign_rep(settings.data, hash_file(picture), "Tom Becker", who="Ada")
    words.write_text(text)
    assert [look(inbox, settings) for _ in range(3)] == [[sound.name], [sound.name], []]
    assert [(row["sha256"], row["rep"]) for row in calls(settings)] == [(hash_file(sound), "Tom Becker")]


@pytest.mark.parametrize("how", ["retained", "erased", "erased with recordings", "moved", "refused"])
def test_picture_and_sound_go_together(inbox: Path, settings: Settings, how: str) -> None:
    settings = replace(settings, inbox=str(inbox), keep_recordings_days=1)
    words = (inbox / "2026-10-06_Calder.json").rename(inbox / "2026-10-06_Calder_Recording.json")
    sound, picture = (inbox / f"2026-10-06_Calder_Recording{end}.wav" for end in ("", "_1920x1080"))
    for file in (sound, picture):
        file.write_text(f"ok {file.name}")
    look(inbox, settings)
    before = calls(settings)
    assert len(before) == 1
    if how == "moved":
        words.unlink()
        sound.unlink()
    elif how == "refused":
        assert CliRunner().invoke(app, ["consent", "no", str(picture), "--data", str(settings.data)]).exit_code == 0
    else:
        with Store(settings.data) as store:
            if how == "retained":
                retention.retain(settings, store, retention.due(settings, store, today=dt.date(2027, 10, 6))[0])
            else:
                recordings = how == "erased with recordings"
                erase(settings, store, of_call(settings, store, before[0]["call_id"]), recordings=recordings)
    assert picture.exists() == (how in ("erased", "moved", "refused"))
    for _ in range(2):
        assert look(inbox, settings) == []
        assert calls(settings) == ([] if how.startswith(("erased", "refused")) else before)
    if how in ("erased", "refused"):
        words.unlink()
        assert look(inbox, settings) == []
    assert bool(list((settings.data / "facts").glob("words/*"))) == (how in ("retained", "moved"))


def test_calls_with_the_same_words_and_names_of_their_own_are_two(inbox: Path, settings: Settings) -> None:
    words = inbox / "2026-10-06_Calder.json"
    words.with_name("2026-10-07_Calder.json").write_text(words.read_text())
    for day in ("06", "07"):
        (inbox / f"2026-10-{day}_Calder.wav").write_text(f"ok {day}")
    for _ in range(2):
        look(inbox, settings)
        assert len(calls(settings)) == 2
