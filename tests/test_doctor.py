from __future__ import annotations

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pytest
from coach_story import call, record

from pipeline import doctor, erased, keep, plan, status
from pipeline.errors import SettingsError
from pipeline.ingest import NOWHERE
from pipeline.settings import Settings
from pipeline.store import Store


@pytest.fixture
def found(stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(doctor, "_models", lambda settings: [])
    return settings


def row(rows: list[doctor.Row], what: str) -> doctor.Row:
    return next(item for item in rows if item["what"] == what)


def test_a_fresh_folder_is_fine(found: Settings) -> None:
    rows = doctor.checkup(found)
    assert [item["what"] for item in rows if not item["ok"]] == []
    assert row(rows, "database")["found"] == "none yet"
    assert row(rows, "setting workers")["found"] == "2"


def test_a_folder_open_to_others_is_fine_with_advice(found: Settings) -> None:
    found.data.mkdir(parents=True)
    for mode, advice in ((0o755, f"chmod o-rwx {found.data.absolute()}"), (0o700, "")):
        found.data.chmod(mode)
        writing = row(doctor.checkup(found), "writing")
        assert writing["ok"]
        assert advice in writing["remedy"]
        assert bool(writing["remedy"]) == bool(advice)


def test_each_problem_comes_with_its_remedy(found: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    plan.keep_failure(
        found, Path("/in/a.wav"), kind="input", reason="/in/a.wav: no such file; check the path", read=NOWHERE
    )
    (found.data / "results" / ("ab" * 32)).mkdir(parents=True)
    (found.data / "results" / ("ab" * 32) / "x.json").write_text("{")
    with Store(found.data) as store:
        store.ingest()
    monkeypatch.setattr(doctor, "LOW_DISK_GB", 1e9)
    monkeypatch.setattr(doctor, "LIBRARIES", ("no-such-library",))
    rows = doctor.checkup(found)
    bad = {item["what"]: item["remedy"] for item in rows if not item["ok"]}
    assert bad == {
        "no-such-library": "install debrief again",
        "free disk": "free some space",
        "database": f"`debrief process` your folder of calls again, which makes these anew: results/{'ab' * 32}/x.json",
    }
    assert "no such file" in row(rows, "refused files")["found"]


def test_results_that_no_table_holds_are_found_and_the_remedy_mends_them(found: Settings) -> None:
    for text in ("one", "two"):
        rows = call(text, "Ann", 0, "Acme", {"discovery": 3})
        keep.write_record(found.data, record(rows.calls[0], rows))
    # as a backup, that has no notes of what is new
    for note in (found.data / "pending").iterdir():
        note.unlink()
    (found.data / "results" / ("cd" * 32)).mkdir()
    (found.data / "results" / ("ef" * 32)).mkdir()
    (found.data / "results" / ("ef" * 32) / "x.json").touch()
    erased.mark(found.data, "ef" * 32)
    database = row(doctor.checkup(found), "database")
    assert database["remedy"] == "`debrief rebuild` takes all results in"
    assert ", 2 never read" in database["found"]
    with Store(found.data) as store:
        store.rebuild()
    assert row(doctor.checkup(found), "database")["ok"]


def test_what_a_watcher_keeps_while_the_doctor_looks_is_not_called_unread(
    found: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = call("one", "Ann", 0, "Acme", {"discovery": 3})
    list_folder, results = os.listdir, found.data / "results"

    def listdir(folder: Path) -> list[str]:
        if folder == results:
            keep.write_record(found.data, record(rows.calls[0], rows))
        return list_folder(folder)

    results.mkdir(parents=True)
    monkeypatch.setattr(os, "listdir", listdir)
    assert row(doctor.checkup(found), "database")["ok"]
    assert list(results.glob("*/*.json"))


def test_results_that_this_user_may_not_read_are_a_finding_and_no_crash(
    found: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_folder, results = os.listdir, found.data / "results"

    def listdir(folder: Path) -> list[str]:
        if folder == results:
            raise PermissionError(13, "Permission denied", str(folder))
        return list_folder(folder)

    results.mkdir(parents=True)
    monkeypatch.setattr(os, "listdir", listdir)
    database = row(doctor.checkup(found), "database")
    assert (database["found"], database["remedy"]) == (f"{results}: Permission denied", "let this user read it")


def test_an_inbox_that_is_set_and_not_there_is_a_problem(found: Settings, tmp_path: Path) -> None:
    there = dataclasses.replace(found, inbox=str(tmp_path / "calls"))
    inbox = row(doctor.checkup(there), "inbox")
    assert (inbox["ok"], inbox["remedy"].startswith("make it, or correct the setting `inbox`")) == (False, True)
    (tmp_path / "calls").touch()
    assert row(doctor.checkup(there), "inbox")["remedy"].startswith("make it, or correct")
    (tmp_path / "calls").unlink()
    (tmp_path / "calls").mkdir()
    assert row(doctor.checkup(there), "inbox")["ok"]
    assert row(doctor.checkup(dataclasses.replace(found, inbox="")), "inbox")["ok"]


def test_a_damaged_result_of_a_call_that_has_another_is_to_be_deleted(found: Settings) -> None:
    rows = call("one", "Ann", 0, "Acme", {"discovery": 3})
    made = record(rows.calls[0], rows)
    old = keep.write_record(found.data, made)
    made["provenance"]["judge"]["revision"] = "newer"
    keep.write_record(found.data, made)
    old.write_text("{")
    with Store(found.data) as store:
        store.ingest()
    remedy = row(doctor.checkup(found), "database")["remedy"]
    assert remedy.startswith(f"their calls have other results: delete {old.relative_to(found.data).as_posix()}, then")
    old.unlink()
    with Store(found.data) as store:
        store.rebuild()
    assert row(doctor.checkup(found), "database")["ok"]


def test_words_of_the_company_that_cannot_be_read_are_a_problem(found: Settings) -> None:
    assert row(doctor.checkup(found), "training library")["found"] == "27 modules"
    found.data.mkdir(parents=True)
    (found.data / "company.yaml").write_text("produkt: the planner\n")
    said = row(doctor.checkup(found), "training library")
    assert "unknown key 'produkt'" in said["found"]
    assert "assigns no training" in said["remedy"]


def test_calls_dated_in_the_future_are_a_problem_with_its_remedy(found: Settings) -> None:
    for name, date in (("late", "2999-01-05"), ("fine", "2026-10-05")):
        rows = call(name, "Ann", 0, "Acme", {"discovery": 3})
        made = record(rows.calls[0], rows)
        made["transcript"]["meta"]["date"] = date
        keep.write_record(found.data, made)
    with Store(found.data) as store:
        store.ingest()
    late = row(doctor.checkup(found), "dated in the future")
    assert (late["ok"], "correct it" in late["remedy"]) == (False, True)
    assert late["found"].startswith("1: late.json")
    assert late["found"].endswith("2999-01-05")


def test_a_watcher_whose_look_never_came_back_is_told_by_its_last_look(found: Settings) -> None:
    at = {"since": "2026-10-01T00:00:00+00:00", "looked": "2026-10-01T01:02:03+00:00"}
    status.write_status(found.data, {"inbox": "/calls", **at, "counts": {}, "problem": ""})
    assert row(doctor.checkup(found), "watcher")["found"].endswith("last look at 2026-10-01T01:02:03+00:00")


def test_a_locked_database_is_a_finding_and_no_crash(found: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.errors import StoreLocked

    def locked(*args: object, **options: object) -> None:
        raise StoreLocked("store.duckdb: another debrief has the database open")

    found.data.mkdir(parents=True)
    monkeypatch.setattr(doctor, "Store", locked)
    assert "another debrief" in row(doctor.checkup(found), "database")["found"]


def test_settings_that_do_not_work_are_problems(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_models", lambda settings: [])
    asks = dataclasses.replace(settings, judge="endpoint", digest_to="ann@example.com")
    bad = {item["what"]: item for item in doctor.checkup(asks, problems=[SettingsError("x.toml: workers: no")])}
    assert "needs 'judge_url'" in bad["judge"]["found"]
    assert bad["mail of the digest"]["remedy"] == "set `smtp_host`, or leave `digest_to` out"
    assert (bad["setting"]["found"], bad["setting"]["ok"]) == ("x.toml: workers: no", False)


def test_a_claim_that_is_released_meanwhile_is_no_crash(found: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = found.data / "claims"
    folder.mkdir(parents=True)
    listed = [folder / "gone.claim", folder / "stuck.claim"]
    listed[1].write_text("{}")
    os.utime(listed[1], (0, 0))
    glob = Path.glob
    monkeypatch.setattr(doctor.Claims, "sweep", lambda claims: 0)
    monkeypatch.setattr(Path, "glob", lambda path, pattern: listed if path == folder else glob(path, pattern))
    assert "stuck.claim" in row(doctor.checkup(found), "claims")["remedy"]


def test_files_that_are_quarantined_are_named_with_what_to_do(found: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NAMED", 2)
    for number in range(3):
        failure = {"path": f"/in/{number}.wav", "kind": "engine", "reason": f"no {number}", "sha256": None}
        at = dt.datetime(2026, 10, 1, 12, 0, 10 - number, tzinfo=dt.UTC)
        keep.write_failure(found.data, failure, max_attempts=1, now=at)
    said = row(doctor.checkup(found), "quarantined files")
    assert (said["ok"], said["remedy"]) == (True, "`debrief process FILE` tries one again")
    assert said["found"] == "3: /in/0.wav, /in/1.wav and 1 more; the latest: no 0"
    assert row(doctor.checkup(found), "refused files") == {
        "what": "refused files", "found": "0", "ok": True, "remedy": "",
    }  # fmt: skip


def test_names_written_in_two_ways_are_told(found: Settings) -> None:
    for number, (rep, account) in enumerate((("Priya Nair", "Acme"), ("PRIYA  NAIR", "Acme"), ("Tom Becker", "acme"))):
        rows = call(f"c{number}", rep, number, account, {"discovery": 3})
        keep.write_record(found.data, record(rows.calls[0], rows))
    with Store(found.data) as store:
        store.ingest()
    told = doctor.checkup(found)
    assert row(told, "reps written in two ways")["found"] == "PRIYA  NAIR and Priya Nair"
    assert row(told, "accounts written in two ways")["found"] == "Acme and acme"
    assert "write the name alike" in row(told, "reps written in two ways")["remedy"]
