from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import fakes
import pytest
from full_disk import FACTS, NEWS
from waiting import HANGS_S

from pipeline import keep, migrations, process, retention
from pipeline.errors import StoreError, StoreLocked
from pipeline.ingest import Found, identify
from pipeline.rows import FACT_KEYS
from pipeline.settings import Settings
from pipeline.store import Ingested, Store

TABLES = (
    "calls",
    "turns",
    "criterion_scores",
    "evidence",
    "missed",
    "objections",
    "metrics",
    "moves",
    "assignments",
    "failures",
)


@pytest.fixture
def kept(stages: None, tmp_path: Path, settings: Settings) -> Settings:
    """A data folder with two scored calls and one that abstained."""
    for n, (rep, word) in enumerate([("Ann", "ok"), ("Bea", "ok two"), ("Bea", "noisy")]):
        keep_call(tmp_path, settings, rep, f"2026-09-{14 + n}_acme", word)
    return settings


def keep_call(
    folder: Path, settings: Settings, rep: str, name: str, word: str, *, team: str = "North"
) -> dict[str, Any]:
    path = folder / "in" / team / rep / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(word)
    record = process.process_source(identify(Found(path, folder / "in"), pattern=settings.path_pattern), settings)
    keep.write_record(settings.data, record)
    return record


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {t: sorted(map(str, store.query(f"SELECT * FROM {t}"))) for t in (*TABLES, "records")}


def test_records_become_rows(kept: Settings) -> None:
    with Store(kept.data) as store:
        assert store.ingest().calls == 3
        (call,) = store.query("SELECT * FROM calls WHERE rep = 'Ann'")
        assert (call["team"], call["account"], call["call_date"]) == ("North", "Acme", dt.date(2026, 9, 14))
        assert (call["status"], call["overall"], call["n_turns"], call["duration_s"]) == ("scored", 50.0, 3, 12.0)
        assert (call["engine"], call["expected_wer"], call["rubric_version"]) == ("fake", 0.1, "aaaa")
        assert call["meta"]["rep"] == "Ann"
        key = {"id": call["call_id"]}
        assert store.query("SELECT turn, side, name FROM turns WHERE call_id = $id ORDER BY turn", key) == [
            {"turn": 0, "side": "rep", "name": "rep"},
            {"turn": 1, "side": "buyer", "name": "Ann"},
            {"turn": 2, "side": "rep", "name": "rep"},
        ]
        assert store.query("SELECT quote, turn FROM evidence WHERE call_id = $id", key) == [
            {"quote": "Hello, what ", "turn": 0}
        ]
        assert store.query(
            "SELECT criterion, level, status FROM criterion_scores WHERE call_id = $id ORDER BY 1", key
        ) == [
            {"criterion": "ask_for_sale", "level": 1, "status": "scored"},
            {"criterion": "discovery", "level": 3, "status": "scored"},
            {"criterion": "proposal", "level": None, "status": "na"},
        ]
        assert store.query("SELECT kind, handled, kind_p FROM objections WHERE call_id = $id", key) == [
            {"kind": "stall", "handled": "partly", "kind_p": 0.7}
        ]
        assert store.query("SELECT talk_share, patience_s FROM metrics WHERE call_id = $id", key) == [
            {"talk_share": 0.5, "patience_s": None}
        ]
        assert store.query("SELECT turn, why FROM missed WHERE call_id = $id", key) == [{"turn": 2, "why": "no ask"}]


def test_only_what_was_scored_counts_in_the_views(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
        assert store.query("SELECT rep, criterion, n, mean_level FROM team_criteria ORDER BY rep, criterion") == [
            {"rep": rep, "criterion": criterion, "n": 1, "mean_level": level}
            for rep in ("Ann", "Bea")
            for criterion, level in (("ask_for_sale", 1.0), ("discovery", 3.0))
        ]
        weeks = store.query("SELECT DISTINCT week, low, high FROM rep_criterion_weeks WHERE criterion = 'discovery'")
        assert weeks == [{"week": dt.date(2026, 9, 14), "low": 3, "high": 3}]


def test_a_rebuild_that_does_not_come_to_its_end_forgets_no_call(
    kept: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*paths: Path) -> None:
        raise KeyboardInterrupt

    with Store(kept.data) as store:
        store.ingest()
        keep_call(tmp_path, kept, "Ann", "2026-09-20_acme", "ok late")
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                store.rebuild()
        assert store.catch_up().calls == 1


@pytest.mark.parametrize("name", ["undated", "2062-01-05_typed_wrong"])
def test_an_undated_call_that_is_scored_again_is_no_younger(kept: Settings, tmp_path: Path, name: str) -> None:
    record = keep_call(tmp_path, kept, "Ann", name, "ok undated")
    sha256 = record["source"]["sha256"]
    (first,) = keep.record_files(kept.data, sha256)
    first.unlink()
    for month in (1, 10):
        record["provenance"]["judge"]["revision"] = str(month)
        keep.write_record(kept.data, record, now=dt.datetime(2026, month, 5, tzinfo=dt.UTC))
    retention.drop_words(kept.data, sha256)
    with Store(kept.data) as store:
        store.catch_up()
        (call,) = store.query("SELECT seq, kept_since FROM calls WHERE sha256 = ?", [sha256])
        assert call == {"seq": 3, "kept_since": dt.datetime(2026, 1, 5)}
        quarter = dataclasses.replace(kept, keep_scores_days=90)
        due, _ = retention.due(quarter, store, today=dt.date(2026, 11, 28))
        assert [(row.sha256, row.day) for row in due] == [(sha256, "2026-01-05")]


def test_any_number_of_ingests_gives_the_same_tables(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
        once = dump(store)
        assert store.ingest().calls == 0
        assert store.rebuild().calls == 3
        assert dump(store) == once
    with Store(kept.data) as store:
        assert dump(store) == once


def test_a_later_record_replaces_and_a_removed_one_disappears(kept: Settings, tmp_path: Path) -> None:
    with Store(kept.data) as store:
        store.ingest()
        fakes.RUBRIC_VERSION[0] = "bbbb"
        record = keep_call(tmp_path, kept, "Ann", "2026-09-14_acme", "ok")
        sha256 = record["source"]["sha256"]
        assert store.ingest([sha256]).calls == 1
        assert store.query("SELECT rubric_version, seq FROM calls WHERE rep = 'Ann'") == [
            {"rubric_version": "bbbb", "seq": 2}
        ]
        assert store.query("SELECT count(*) AS n FROM turns") == [{"n": 9}]
        for file in keep.record_files(kept.data, sha256):
            file.unlink()
        assert store.ingest().removed == 1
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]


def test_damaged_records_are_reported_and_cost_only_themselves(kept: Settings) -> None:
    file = next(keep.all_record_files(kept.data))
    file.write_text('{"half":')
    with Store(kept.data) as store:
        done = store.ingest()
        assert done.calls == 2
        assert [name for name, _ in done.damaged] == [file.relative_to(kept.data).as_posix()]
        assert store.ingest().damaged == ()
        assert store.query("SELECT count(*) AS n FROM records WHERE problem IS NOT NULL") == [{"n": 1}]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_in_a_circle_is_reported_as_a_damaged_record_and_costs_only_itself(kept: Settings) -> None:
    folder = next(keep.all_record_files(kept.data)).parent
    (folder / "loop.json").symlink_to("loop.json")
    (folder.parent / "loop").symlink_to("loop")
    with Store(kept.data) as store:
        done = store.ingest()
        assert done.calls == 3
        ((name, reason),) = done.damaged
        assert name == f"results/{folder.name}/loop.json"
        assert "cannot be read" in reason
        assert store.ingest() == Ingested()
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 3}]


def test_a_damaged_database_is_set_aside_and_built_again(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
        before = dump(store)
    store.file.write_bytes(b"garbage" * 1000)
    with Store(kept.data) as store:
        store.ingest()
        assert dump(store) == before
    assert len(list(kept.data.glob("store.damaged-*.duckdb"))) == 1


def test_a_database_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    with Store(settings.data) as store:
        pass
    with duckdb.connect(str(store.file)) as connection:
        connection.execute("UPDATE schema_version SET version = 999")
    with pytest.raises(StoreError, match="written by a newer debrief"):
        Store(settings.data)
    assert duckdb.connect(str(store.file)).execute("SELECT version FROM schema_version").fetchall() == [(999,)]


def test_one_process_has_it_open_at_a_time(settings: Settings) -> None:
    code = (
        f"from pathlib import Path; from pipeline.store import Store; Store(Path({str(settings.data)!r}), wait_s=0.1)"
    )
    with Store(settings.data):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "StoreLocked" in other.stderr
    assert "another debrief has the database open" in other.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_database_held_by_another_program_is_never_set_aside(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
    code = f"import duckdb; c = duckdb.connect({str(store.file)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match="another program has it open"):
            Store(kept.data)
        other.communicate("\n")
    assert list(kept.data.glob("store.damaged-*")) == []


def test_facts_survive_a_rebuild(settings: Settings) -> None:
    row = {
        "assignment_id": "a1",
        "rep": "Ann",
        "criterion": "discovery",
        "status": "open",
        "assigned_on": dt.date(2026, 9, 1),
        "detail": {"calls": ["x"]},
    }
    with Store(settings.data) as store:
        store.put_fact("assignments", row)
        store.put_fact("assignments", {**row, "status": "done"})
        store.rebuild()
        (back,) = store.query("SELECT * FROM assignments")
        assert {key: back[key] for key in row} == {**row, "status": "done"}
        with pytest.raises(StoreError, match="no column wrong"):
            store.put_fact("assignments", {**row, "wrong": 1})


SESSION = {"session_id": "s1", "rep": "Ann", "held_on": "2026-11-01", "minutes": 30, "status": "held"}


def test_a_fact_that_does_not_fit_its_table_is_refused_and_not_kept(settings: Settings) -> None:
    with Store(settings.data) as store:
        store.put_fact("sessions", SESSION)
        with pytest.raises(StoreError, match=r"sessions: .*2700000000.*; nothing kept"):
            store.put_fact("sessions", {**SESSION, "minutes": 2_700_000_000})
        assert store.query("SELECT minutes FROM sessions") == [{"minutes": 30}]
        store.rebuild()
        assert store.query("SELECT minutes FROM sessions") == [{"minutes": 30}]


@pytest.mark.parametrize("wrong", [{"minutes": 2_700_000_000}, {"minutes": 10**40}, {"held_on": [1]}])
def test_a_file_whose_fact_does_not_fit_costs_only_itself_and_is_named(
    settings: Settings, wrong: dict[str, Any]
) -> None:
    for n in range(5):
        keep.write_fact(
            settings.data, "sessions", f"s{n}", {**SESSION, "session_id": f"s{n}", **(wrong if n == 3 else {})}
        )
    keep.write_fact(
        settings.data,
        "comments",
        "c1",
        {"comment_id": "c1", "call_id": "x", "who": "Tess", "text": "yes", "written_at": "2026-11-01T10:00:00"},
    )
    name = keep.fact_file(settings.data, "sessions", "s3").name
    with Store(settings.data) as store:
        for done in (store.ingest(), store.rebuild()):
            ((file, reason),) = done.damaged
            assert file == f"facts/sessions/{name}"
            assert reason.startswith(f"{settings.data / file}: ")
            assert store.query("SELECT count(*) AS n FROM sessions") == [{"n": 4}]
            assert store.query("SELECT text FROM comments") == [{"text": "yes"}]
        assert store.ingest().damaged == ()


def test_a_disk_that_is_full_at_a_commit_is_an_error_and_no_abort(kept: Settings) -> None:
    child = Path(__file__).with_name("full_disk.py")
    env = {**os.environ, "PYTHONPATH": str(child.parents[1])}
    done = subprocess.run(
        [sys.executable, child, kept.data], capture_output=True, text=True, env=env, check=False, timeout=HANGS_S
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    tries = {line.split()[0]: int(line.split()[-1]) for line in done.stdout.splitlines()}
    assert set(tries) == {*FACTS, "failures", "calls"}
    assert all(tries.values())
    with Store(kept.data) as store:
        now = dump(store)
        assert {row["title"] for row in store.query("SELECT title FROM calls")} == {"another"}
        assert store.query("SELECT attempts FROM failures") == [{"attempts": 2}]
        for kind, key in FACT_KEYS.items():
            (row,) = store.query(f"SELECT * FROM {kind} WHERE {key} = ?", [FACTS[kind][key]])
            assert {name: row[name] for name in NEWS[kind]} == NEWS[kind]
        store.rebuild()
        assert dump(store) == now


def test_failures_of_names_that_read_the_same_are_one_row(settings: Settings) -> None:
    for name in ("/in/\udce4.wav", "/in/\udce5.wav"):
        keep.write_failure(settings.data, {"path": name, "kind": "input", "reason": "empty"})
    with Store(settings.data) as store:
        assert store.ingest().damaged == ()
        assert store.query("SELECT path FROM failures") == [{"path": "/in/?.wav"}]


def test_a_call_is_found_by_the_start_of_its_id_or_by_its_vendors(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(fakes.transcript_row("vendor-9")))
    record = process.process_source(identify(Found(path), pattern=settings.path_pattern), settings)
    keep.write_record(settings.data, record)
    with Store(settings.data) as store:
        store.ingest()
        for name in (record["call_id"], record["call_id"][:6].upper(), "vendor-9"):
            found = store.record(name)
            assert found is not None
            assert found["call_id"] == record["call_id"]
        assert store.record("zzzz") is None
        assert store.record(record["call_id"][:3]) is None


def test_names_that_are_no_text_are_kept(stages: None, tmp_path: Path, settings: Settings) -> None:
    keep_call(tmp_path, settings, "A\udce4'; DROP TABLE calls; --", "2026-09-14_\udcff", "ok")
    with Store(settings.data) as store:
        store.ingest()
        (row,) = store.query("SELECT rep, account FROM calls")
        assert row == {"rep": "A\u00e4'; DROP TABLE calls; --", "account": "\u0178"}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_tables_are_exported(kept: Settings, tmp_path: Path, form: str) -> None:
    with Store(kept.data) as store:
        store.ingest()
        counts = store.export(tmp_path / "it's out", form=form)
    assert (counts["calls"], counts["turns"]) == (3, 9)
    reader = {"jsonl": "read_json", "csv": "read_csv", "parquet": "read_parquet"}[form]
    file = str(tmp_path / "it's out" / f"turns.{form}").replace("'", "''")
    assert duckdb.sql(f"SELECT count(*) FROM {reader}('{file}')").fetchall() == [(9,)]


def test_every_schema_version_is_reached_from_every_earlier_one(settings: Settings) -> None:
    with Store(settings.data) as store:
        assert store.query("SELECT version FROM schema_version") == [{"version": len(migrations.MIGRATIONS)}]
        names = {row["table_name"] for row in store.query("SELECT table_name FROM duckdb_tables()")}
    assert set(TABLES) <= names


def test_wrong_sql_is_one_line(settings: Settings) -> None:
    with Store(settings.data) as store, pytest.raises(StoreError) as caught:
        store.query("SELECT nothing FROM nowhere")
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="data folder cannot be used"):
        Store(tmp_path / "data")
