"""Erasing leaves no byte: every file of the data folder is searched for names and texts afterwards."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import fakes
import pytest
from waiting import HANGS_S

from pipeline import batch, claims, erase, erased, keep, plan, register
from pipeline.access.book import AccessBook
from pipeline.access.identities import Identities
from pipeline.backup import back_up
from pipeline.errors import AccessError, NotThere, StoreError
from pipeline.ingest import discover, hash_file
from pipeline.scrub import remains
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.tidy import tidy
from pipeline.webhooks.outbox import Outbox

PERSON = "Priya Nair"
ADDRESS, SUBJECT = "pn@example.com", "00u1a2b3c4d5"
FORMS = (b"priya nair", b"priya%20nair", b"priya_nair", b"priya-nair")
SAID = "We lose exactly nineteen pallets a week"
OTHER = "A harmless sentence of another call"


def call(folder: Path, name: str, *, rep: str, text: str, buyer: str = "Jo Lee") -> Path:
    row = fakes.transcript_row(f"vendor-{name}", rep=rep, account="Acme")
    row["turns"] = [
        {"t0": 0, "t1": 4, "speaker": "rep", "text": "Hello, what made you look at this now?"},
        {"t0": 4, "t1": 9, "speaker": f"buyer:{buyer}", "text": text,
         "words": [{"t0": 4 + i / 10, "t1": 4.1 + i / 10, "text": word} for i, word in enumerate(text.split())]},
    ]  # fmt: skip
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row))
    return path


def take_in(settings: Settings) -> None:
    made = plan.plan(discover([settings.inbox_folder]), settings)
    for job in made.jobs:
        fakes.work((job, settings))
    batch.update_store(settings)


@pytest.fixture
def world(stages: None, tmp_path: Path) -> Settings:
    """Two reps' calls in an inbox outside the data folder, and everything else that can hold a name or a word."""
    settings = Settings(data=tmp_path / "data", inbox=str(tmp_path / "inbox"), workers=1, timeout_s=HANGS_S)
    inbox = settings.inbox_folder
    mine = call(inbox / "North" / PERSON, "first", rep=PERSON, text=SAID)
    call(inbox / "North" / "Tom Becker", "second", rep="Tom Becker", text=f"{OTHER}, said priya nair to me")
    take_in(settings)
    data, call_id = settings.data, plan.identify(discover([mine])[0], pattern=settings.path_pattern).call_id
    with Store(data) as store:
        store.put_fact("reviews", {
            "review_id": f"{call_id}_1", "call_id": call_id, "criterion": "discovery", "kind": "blind", "who": "Mel",
            "why": SAID, "reviewed_at": "2026-10-06 10:00:00", "level": 3, "na": False,
        })  # fmt: skip
        for n, rep in enumerate((PERSON, "Tom Becker")):
            store.put_fact("assignments", {
                "assignment_id": f"{rep}-{n}", "rep": rep, "criterion": "discovery", "status": "open",
                "assigned_on": "2026-10-01", "reason": f"as {PERSON} does", "title": "Ask",
                "detail": {"moments": [{"call_id": call_id, "quote": SAID}, {"call_id": "f" * 16, "quote": OTHER}]},
            })  # fmt: skip
        store.put_derived("gaps", [{"rep": PERSON, "criterion": "discovery", "as_of": "2026-10-06", "detail": {}}])
    with AccessBook(data) as book:
        book.add_user("boss", "admin", password="a long enough secret 1")
        book.add_user(PERSON, "rep", password="a long enough secret 2")
        Identities(book).set_email(PERSON, ADDRESS)
        Identities(book).link(book.user(PERSON), "https://login.example.com", SUBJECT)
        book.note("", "", "failed sign-in", "/sign-in/back", f"{ADDRESS.upper()}: no user")
        book.note("boss", "admin", "changed", "user", f"linked to {SUBJECT} of https://login.example.com")
        book.note("boss", "admin", "saw", f"/calls/{call_id}")
        book.note("boss", "admin", "saw", "/reps/Priya%20Nair")
        book.note(PERSON, "rep", "saw", "/reps/Tom%20Becker")
    texts = {
        "logs/debrief.log": f"{mine}: odd\nfine line\n{call_id[:8]} odd\n",
        "logs/workers.log.1": f"first.json {PERSON}\nfine line\n",
        "status/watch-x-1.json": json.dumps({"last": ["scored: first.json", f"x {PERSON}"], "inbox": str(inbox)}),
        "digests/nightly-1.html": f"<p>{PERSON}</p><p>fine line</p>",
        "clips/" + call_id + "-4-9.m4a": "\xff\xfe sound",
        f"voices/{PERSON.lower().replace(' ', '_')}-ab.json": json.dumps({"rep": PERSON, "vector": [1]}),
        "targets.csv": f"rep,target\n{PERSON.upper()},3\nTom Becker,3\n",
        "judge/00ff/answer.json": json.dumps({"answer": f"{PERSON} asks"}),
    }
    for name, text in texts.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(text, encoding="utf-8")
    (data / "prefect").mkdir()
    with contextlib.closing(sqlite3.connect(data / "prefect" / "prefect.db")) as prefect:
        prefect.execute("CREATE TABLE run (name TEXT, parameters TEXT)")
        prefect.executemany("INSERT INTO run VALUES (?, ?)", [("first.json", str(mine)), ("second.json", "fine line")])
        prefect.commit()
    keep.write_failure(data, {"path": f"{inbox}/North/{PERSON}/bad.wav", "kind": "input", "reason": f"{PERSON}: bad",
                              "size": 1, "mtime_ns": 1, "sha256": None})  # fmt: skip
    export(data, tmp_path / "out")
    (tmp_path / "save.tar.gz").write_bytes(b"x")
    register.wrote(data, "backup", tmp_path / "save.tar.gz", [tmp_path / "save.tar.gz"])
    return settings


def export(data: Path, folder: Path) -> None:
    with Store(data) as store:
        rows = store.export(folder, form="jsonl")
    register.wrote(data, "export", folder, [folder / f"{table}.jsonl" for table in rows])


def bytes_of(data: Path) -> dict[str, bytes]:
    return {str(p.relative_to(data)): p.read_bytes() for p in data.rglob("*") if p.is_file()}


def found_in(data: Path, *needles: bytes) -> list[tuple[str, bytes]]:
    return [
        (name, needle)
        for name, content in bytes_of(data).items()
        for needle in needles
        if needle in content.lower() or needle in name.lower().encode()
    ]


def test_the_world_holds_the_person_everywhere_before(world: Settings) -> None:
    assert len({name.split("/")[0] for name, _ in found_in(world.data, *FORMS)}) > 9
    assert found_in(world.data, SAID.lower().encode())
    assert found_in(world.data, ADDRESS.encode(), SUBJECT.encode())


def test_a_person_is_erased_to_the_last_byte_and_the_others_stay(world: Settings, tmp_path: Path) -> None:
    data = world.data
    with Store(data) as store:
        what = erase.of_person(world, store, "priya  NAIR")
        assert (len(what.calls), what.mentions) == (1, 1)
        report = erase.erase(world, store, what)
        assert store.query("SELECT rep FROM calls") == [{"rep": "Tom Becker"}]
        assert store.query("SELECT rep, reason FROM assignments") == [{"rep": "Tom Becker", "reason": "as erased does"}]
        (turn,) = store.query("SELECT text FROM turns WHERE side = 'buyer'")
        assert turn["text"] == f"{OTHER}, said erased to me"
        record = store.record(store.query("SELECT call_id FROM calls")[0]["call_id"])
    assert record is not None
    spoken = [word["text"] for word in record["transcript"]["turns"][1]["words"]]
    assert spoken[-4:] == ["erased", "erased", "to", "me"]

    call_id = what.calls[0].call_id
    assert found_in(data, *FORMS, SAID.lower().encode(), b"first.json") == []
    assert found_in(data, ADDRESS.encode(), SUBJECT.encode()) == []
    assert {name for name, _ in found_in(data, call_id.encode())} == {f"erased/{what.calls[0].sha256}"}
    assert report.left == ()
    assert (data / "logs/debrief.log").read_text() == "fine line\n"
    assert "fine line" in (data / "digests/nightly-1.html").read_text()
    assert not list((data / "clips").glob("*"))
    with AccessBook(data) as book:
        assert [user.name for user in book.users()] == ["boss"]
        assert len(book.log()) == 3
    assert not list((tmp_path / "out").glob("*.jsonl"))
    elsewhere = "\n".join(report.elsewhere)
    assert "save.tar.gz" in elsewhere
    assert "first.json: the recording itself" in elsewhere
    assert (world.inbox_folder / "North" / PERSON / "first.json").exists()


def test_what_lies_behind_a_link_of_the_data_folder_is_erased_too(world: Settings, tmp_path: Path) -> None:
    for name in ("results", "facts", "digests"):
        (world.data / name).rename(tmp_path / name)
        (world.data / name).symlink_to(tmp_path / name)
    with Store(world.data) as store:
        report = erase.erase(world, store, erase.of_person(world, store, PERSON))
    assert report.left == ()
    for name in ("results", "facts", "digests"):
        assert found_in(tmp_path / name, *FORMS, SAID.lower().encode()) == []


def test_a_new_look_at_the_inbox_does_not_bring_it_back(world: Settings) -> None:
    with Store(world.data) as store:
        erase.erase(world, store, erase.of_person(world, store, PERSON))
    made = plan.plan(discover([world.inbox_folder]), world)

    assert [job.path.name for job in made.jobs] == []
    withheld = [outcome for outcome in made.settled if outcome.status == "withheld"]
    assert [outcome.path.name for outcome in withheld] == ["first.json"]
    assert "erased on 20" in withheld[0].reason
    assert found_in(world.data, SAID.lower().encode()) == []


def test_an_old_backup_that_is_put_back_does_not_bring_it_back(world: Settings, tmp_path: Path) -> None:
    back_up(world.data, tmp_path / "old.tar.gz")
    with Store(world.data) as store:
        before = {row["call_id"] for row in store.query("SELECT call_id FROM calls")}
        found = erase.of_person(world, store, PERSON)
        erase.erase(world, store, found)
        shutil.unpack_archive(tmp_path / "old.tar.gz", world.data, filter="data")
        store.rebuild()
        after = {row["call_id"] for row in store.query("SELECT call_id FROM calls")}
    mine = [call.sha256 for call in found.calls]
    assert after == before - {sha256[:16] for sha256 in mine}
    assert mine
    assert any(keep.record_files(world.data, sha256) for sha256 in mine)
    assert tidy(world, dry_run=True)["records of erased calls"] == tidy(world)["records of erased calls"] > 0
    assert not any(keep.record_files(world.data, sha256) for sha256 in mine)
    # nor what came back of them elsewhere: comments, training that quotes them
    assert not remains(world.data, erase.Erasure(found.calls).traces, skip=(world.data / "erased",))


def test_one_call_goes_with_its_recording_and_its_copies_when_asked(world: Settings) -> None:
    inbox = world.inbox_folder
    original = inbox / "North" / PERSON / "first.json"
    copy = inbox / "copy.json"
    copy.write_bytes(original.read_bytes())
    (inbox / "North" / PERSON / "first.json.yaml").write_text("call_type: discovery\n")
    plan.plan(discover([inbox]), world)
    with Store(world.data) as store:
        what = erase.of_call(world, store, "vendor-first")
        report = erase.erase(world, store, what, recordings=True)
        assert [row["rep"] for row in store.query("SELECT rep FROM assignments ORDER BY rep")] == [PERSON, "Tom Becker"]
    assert not original.exists()
    assert not copy.exists()
    assert not original.with_name("first.json.yaml").exists()
    assert len(report.recordings) == 3
    assert found_in(world.data, SAID.lower().encode(), b"vendor-first", str(original).lower().encode()) == []
    assert (inbox / "North" / "Tom Becker" / "second.json").exists()


@pytest.mark.parametrize("recordings", [True, False])
def test_a_folder_by_the_persons_name_goes_with_the_recordings_or_is_named(world: Settings, recordings: bool) -> None:
    inbox, gone, kept = world.inbox_folder, world.data / "exports" / PERSON, world.inbox_folder / "North" / "Tom Becker"
    another = inbox / "North" / f"{PERSON} Lee"
    for folder in (gone, inbox / "priya_nair" / "2026", kept / "empty", another):
        folder.mkdir(parents=True)
    with Store(world.data) as store:
        report = erase.erase(world, store, erase.of_person(world, store, PERSON), recordings=recordings)
    assert not gone.exists()
    assert (kept / "empty").is_dir()
    assert another.is_dir()
    assert f"{another}: the name of this folder; rename or delete it" in report.elsewhere
    assert (inbox / "priya_nair").exists() is (inbox / "North" / PERSON).exists() is not recordings
    line = f"{inbox}/priya_nair/2026: the name of this folder; rename or delete it"
    assert (line in report.elsewhere) is not recordings


@pytest.mark.parametrize("recordings", [True, False])
def test_a_recording_under_a_name_that_is_used_again_is_not_the_erased_calls(world: Settings, recordings: bool) -> None:
    place = world.inbox_folder / "North" / PERSON
    call(place, "first", rep=PERSON, text=OTHER)
    path = place / "first.json"
    path.write_text(path.read_text().replace("vendor-first", "vendor-third"))
    take_in(world)
    with Store(world.data) as store:
        report = erase.erase(world, store, erase.of_call(world, store, "vendor-first"), recordings=recordings)
        assert store.query("SELECT external_id FROM calls WHERE rep = $rep", {"rep": PERSON}) == [
            {"external_id": "vendor-third"}
        ]
    assert path.exists()
    assert report.recordings == ()
    assert "the recording itself" not in "\n".join(report.elsewhere)


def test_erasing_goes_through_the_app_that_has_the_store_open(world: Settings) -> None:
    pytest.importorskip("fastapi")
    with Store(world.data) as store, AccessBook(world.data) as book:
        store.serve()
        assert book.users()
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "erase", "--person", PERSON, "--yes", "--json",
             "--data", str(world.data)],
            capture_output=True, text=True, timeout=HANGS_S, env={**_environment(), "DEBRIEF_INBOX": world.inbox},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["calls"] == 1
        assert store.query("SELECT rep FROM calls") == [{"rep": "Tom Becker"}]
        (line,) = book.log(kind="erased")
        assert (line.what, line.detail) == ("a person", "1 calls, 0 recordings")
    assert found_in(world.data, *FORMS, SAID.lower().encode()) == []


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def test_a_call_that_is_being_worked_on_is_not_half_erased(world: Settings) -> None:
    with Store(world.data) as store, claims.Claims(world.data / "claims") as others:
        what = erase.of_person(world, store, PERSON)
        assert others.take(what.calls[0].sha256)
        with pytest.raises(StoreError, match="is being worked on"):
            erase.erase(world, store, what)
        assert len(store.query("SELECT call_id FROM calls")) == 2
        assert not (world.data / "erased").exists()


def test_the_last_admin_and_unknown_names_are_refused_before_anything_goes(world: Settings) -> None:
    with Store(world.data) as store:
        with pytest.raises(NotThere, match="Nobody Here: nothing is kept"):
            erase.of_person(world, store, "Nobody Here")
        with pytest.raises(NotThere, match="no such call"):
            erase.of_call(world, store, "0000")
        what = erase.of_person(world, store, "boss")
        with pytest.raises(AccessError, match="last admin"):
            erase.erase(world, store, what)


@pytest.mark.parametrize(
    ("erased", "other"),
    [("call-1", "call-12"), ("discovery", "call-2"), ("2026-10-06", "call-3"), ("100200", "call-100200-7")],
)
def test_erasing_a_call_leaves_other_calls_as_they_are(world: Settings, erased: str, other: str) -> None:
    for name, known in (("mine", erased), ("theirs", other)):
        path = call(world.inbox_folder, name, rep="Tom Becker", text=f"our discovery, as on 2026-10-06, {name}")
        row = json.loads(path.read_text())
        path.write_text(json.dumps(row | {"call_id": known}))
    take_in(world)

    def others(store: Store) -> list[dict[str, object]]:
        sql = (
            "SELECT c.*, s.* FROM calls c JOIN criterion_scores s USING (call_id) WHERE external_id <> $id ORDER BY ALL"
        )
        return store.query(sql, {"id": erased}) + store.query("SELECT text FROM turns ORDER BY text")[-1:]

    with Store(world.data) as store:
        before = others(store)
        assert erase.erase(world, store, erase.of_call(world, store, erased)).left == ()
        assert others(store) == before


def test_an_export_that_cannot_be_deleted_is_named_and_all_else_goes(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "calls.csv"
    out.write_text("x")
    register.wrote(world.data, "export", tmp_path, [out])
    unlink = os.unlink

    def read_only(path: Any, **how: Any) -> None:
        if str(path) == str(out):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        unlink(path, **how)

    monkeypatch.setattr(os, "unlink", read_only)
    with Store(world.data) as store:
        store.catch_up()
        (call,) = store.query("SELECT sha256 FROM calls ORDER BY call_id LIMIT 1")
        report = erase.erase(world, store, erase.Erasure(tuple(erase.calls_to_erase(world.data, [call["sha256"]]))))
        assert store.query("SELECT 1 FROM calls WHERE sha256 = ?", [call["sha256"]]) == []
    assert [line for line in report.elsewhere if "Read-only file system" in line] == [
        f"{out}: is an export and cannot be deleted (Read-only file system); delete it"
    ]


def test_a_call_is_not_told_to_webhooks_any_more_and_leaves_no_archive_and_no_quote(world: Settings) -> None:
    data = world.data
    with Store(data) as store:
        what = erase.of_call(world, store, "vendor-first")
        call_id = what.calls[0].call_id
        with Outbox(data) as outbox:
            for key in (call_id, "0" * 16):
                outbox.add(
                    "scorecard.created", f"scorecard/{key}", {"call_id": key, "account": "Zenith"}, ["https://x"]
                )
        archive = data / "cache" / "listen" / "playlist-00ff.zip"
        archive.parent.mkdir(parents=True)
        archive.write_bytes(b"zip")
        digest = data / "digests" / "week-2026-10-05-everybody.html"
        digest.write_text(f"<ul><li>Acme: {SAID} [calls/{call_id}]</li><li>fine line</li></ul>")
        report = erase.erase(world, store, what)

    with Outbox(data) as outbox:
        assert [json.loads(body)["data"]["call_id"] for _, body in outbox.due()] == ["0" * 16]
    assert not archive.exists()
    assert digest.read_text() == "<ul><li>fine line</li></ul>"
    assert report.left == ()


def test_a_person_is_found_with_the_other_apostrophe(world: Settings) -> None:
    call(world.inbox_folder / "South" / "x", "third", rep="Siobh\u00e1n O\u2019Neill", text=OTHER)
    take_in(world)
    with Store(world.data) as store:
        assert len(erase.of_person(world, store, "siobh\u00e1n o'neill").calls) == 1


def test_a_login_that_is_not_the_persons_name_goes_where_it_says_who_did_something(world: Settings) -> None:
    with AccessBook(world.data) as book:
        book.add_user("pnair", "rep", rep=PERSON)
        book.note("pnair", "rep", "saw", "/today")
        book.note("boss", "admin", "changed", "user", "added pnair as rep")
        book.note("boss", "admin", "changed", "user", "added pnairson as rep")
    with Store(world.data) as store:
        (other,) = store.query("SELECT call_id FROM calls WHERE rep = 'Tom Becker'")
        said = {
            "comment_id": "c1",
            "call_id": other["call_id"],
            "who": "pnair",
            "text": "good",
            "written_at": "2026-10-06 10:00:00",
        }
        store.put_fact("comments", said)
        erase.erase(world, store, erase.of_person(world, store, PERSON))
        assert [row["who"] for row in store.query("SELECT who FROM comments")] == ["erased"]
    with AccessBook(world.data) as book:
        assert [(entry.name, entry.what, entry.detail) for entry in book.log(limit=2)] == [
            ("boss", "user", "added pnairson as rep"),
            ("erased", "/today", ""),
        ]


def test_every_format_of_a_transcript_goes_with_its_recording(world: Settings) -> None:
    recording = world.inbox_folder / "North" / "call.wav"
    recording.write_text("ok")
    for name in ("call.json", "call.wav.json", "b.json"):
        recording.with_name(name).write_text(json.dumps(fakes.transcript_row("words", rep="Ann", account="Acme")))
    assert sorted(path.name for path in erase.beside(recording, set())) == ["call.json", "call.wav.json"]
    with Store(world.data) as store:
        erase.erase(world, store, erase.Erasure((erase.CallToErase("0" * 16, "0" * 64, str(recording)),)))
    for name in ("call.wav.json", "call.json"):
        assert erased.is_marked(world.data, hash_file(recording.with_name(name)))
