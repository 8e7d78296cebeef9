from __future__ import annotations

import dataclasses
import datetime as dt
import os
import re
import sqlite3
import stat
import tarfile
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from test_served import ASSIGNMENT
from test_store import dump, keep_call

from pipeline import backup, keep, migrations, plan, register, status, tidy
from pipeline.access.book import AccessBook
from pipeline.database import migrate
from pipeline.errors import StoreError
from pipeline.ingest import NOWHERE
from pipeline.rollups import week_of
from pipeline.settings import Settings
from pipeline.store import Store

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def kept(tmp_path: Path, settings: Settings) -> Settings:
    for n, (rep, word) in enumerate([("Ann", "ok"), ("Bea", "ok two"), ("Bea", "noisy"), ("Ann", "ok three")]):
        keep_call(tmp_path, settings, rep, f"2026-09-{14 + 3 * n}_acme", word)
    plan.keep_failure(settings, tmp_path / "x.wav", kind="input", reason="no speech", read=NOWHERE)
    with Store(settings.data) as store:
        store.catch_up()
        store.put_fact("assignments", ASSIGNMENT)
    return settings


def test_a_backup_restores_everything_while_the_store_is_open(kept: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(kept.data / "users.db")) as users:
        users.execute("PRAGMA journal_mode=WAL")
        users.execute("CREATE TABLE t (x)")
        users.execute("INSERT INTO t VALUES (7)")
        users.commit()
        (kept.data / "debrief.toml").write_text("workers = 1\n")
        inbox = tmp_path / "in"
        with Store(kept.data) as store:
            store.serve()
            before = dump(store)
            count, size = backup.back_up(kept.data, tmp_path / "b.tar.gz", inbox=inbox)
    assert size == (tmp_path / "b.tar.gz").stat().st_size
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    fresh = tmp_path / "fresh"
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        names = archive.getnames()
        archive.extractall(fresh, filter="data")
    assert len(names) == count
    assert not [name for name in names if name.startswith(("store.", "claims", "logs", "pending"))]
    assert sum(name.startswith("inbox/") for name in names) == 4
    with closing(sqlite3.connect(fresh / "users.db")) as users:
        assert users.execute("SELECT x FROM t").fetchall() == [(7,)]
    with Store(fresh) as store:
        store.rebuild()
        after = dump(store)
    for table in before:
        assert [row for row in after[table] if table != "records"] == [r for r in before[table] if table != "records"]


def test_a_backup_that_cannot_be_written_is_one_line(kept: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        backup.back_up(kept.data, tmp_path / "file" / "b.tar.gz")
    with pytest.raises(StoreError, match="no such data folder"):
        backup.back_up(tmp_path / "none", tmp_path / "b.tar.gz")


@pytest.mark.parametrize("name", ["Sales #1", "a?b", "50%25", "it's"])
def test_a_backup_holds_the_users_whatever_the_folder_is_called(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    data.mkdir()
    with AccessBook(data) as book:
        book.add_user("Ada", "admin")
        backup.back_up(data, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        archive.extractall(tmp_path / "fresh", filter="data")
    with AccessBook(tmp_path / "fresh") as book:
        assert [user.name for user in book.users()] == ["Ada"]


def test_a_damaged_file_of_users_is_one_line_and_leaves_no_half_backup(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "access.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StoreError, match=r"access\.sqlite: cannot be copied \(.*\); no backup was written"):
        backup.back_up(data, tmp_path / "out" / "b.tar.gz")
    assert os.listdir(tmp_path / "out") == []


def test_a_backup_holds_no_earlier_one_and_each_file_as_its_owner_has_it(kept: Settings, tmp_path: Path) -> None:
    with AccessBook(kept.data) as book:
        book.add_user("Ada", "admin")
    mine = kept.data / "backups" / "night.tar.gz"
    for target in (kept.data / "debrief-backup-2026-11-01T020000.tar.gz", mine, tmp_path / "b.tar.gz"):
        backup.back_up(kept.data, target)
        register.wrote(kept.data, "backup", target, [target])
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        held = {member.name: member for member in archive.getmembers()}
    assert [name for name in held if "backup" in name] == []
    users = (kept.data / "access.sqlite").stat()
    member = held["access.sqlite"]
    assert (member.mode, member.uid, member.gid) == (0o600, users.st_uid, users.st_gid)


def test_what_lies_behind_a_link_of_the_data_folder_is_in_the_backup(kept: Settings, tmp_path: Path) -> None:
    backup.back_up(kept.data, tmp_path / "plain.tar.gz")
    (kept.data / "debrief.toml").write_text("workers = 1\n")
    (tmp_path / "disk").mkdir()
    for name in ("results", "debrief.toml"):
        (kept.data / name).rename(tmp_path / "disk" / name)
        (kept.data / name).symlink_to(tmp_path / "disk" / name)
    (kept.data / "inbox").symlink_to(tmp_path / "in")
    (kept.data / "facts" / "away").symlink_to(tmp_path / "disk")
    backup.back_up(kept.data, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "plain.tar.gz") as plain, tarfile.open(tmp_path / "b.tar.gz") as linked:
        assert sorted(linked.getnames()) == sorted([*plain.getnames(), "debrief.toml"])
        assert all(member.isfile() for member in linked.getmembers())


def test_a_backup_that_is_written_into_the_inbox_holds_neither_itself_nor_an_earlier_one(tmp_path: Path) -> None:
    data, inbox = tmp_path / "in" / "debrief-data", tmp_path / "in"
    data.mkdir(parents=True)
    (data / "store.lock").touch()
    (data / "debrief.toml").write_text("workers = 1\n")
    (inbox / "a.wav").write_text("ok")
    for name in ("debrief-backup-1.tar.gz", "debrief-backup-2.tar.gz"):
        backup.back_up(data, inbox / name, inbox=inbox)
        with tarfile.open(inbox / name) as archive:
            assert archive.getnames() == ["debrief.toml", "inbox/a.wav"]


def test_what_cannot_be_read_is_named_and_leaves_no_half_backup(
    kept: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = kept.data / "facts"

    def scandir(path: object) -> object:
        if str(path) == str(shut):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    scan = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(StoreError, match=r"data/facts: cannot be read \(Permission denied\), so no backup was written"):
        backup.back_up(kept.data, tmp_path / "out" / "b.tar.gz")
    assert os.listdir(tmp_path / "out") == []


def test_the_analysts_copy_has_tables_and_views(kept: Settings, tmp_path: Path) -> None:
    with Store(kept.data) as store:
        store.serve()
        with Store(kept.data) as other:
            counts = other.export(tmp_path / "out", form="duckdb")
            again = other.export(tmp_path / "out", form="duckdb")
        assert counts == again
    assert (counts["calls"], counts["turns"], counts["assignments"]) == (4, 12, 1)
    with duckdb.connect(str(tmp_path / "out" / "debrief.duckdb"), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM scores").fetchall() == [(6,)]
        names = {name for (name,) in copy.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
        assert copy.execute("SELECT detail->>'$.calls[0]' FROM assignments").fetchall() == [("x",)]
    assert {"scores", "rep_criterion_weeks", "team_criteria", "rep_totals", "unknown_reps"} <= names
    assert os.listdir(tmp_path / "out") == ["debrief.duckdb"]


def test_every_column_of_the_analysts_copy_is_described(kept: Settings, tmp_path: Path) -> None:
    with Store(kept.data) as store:
        store.export(tmp_path / "out", form="duckdb")
    schema = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Store schema")[1]
    with duckdb.connect(str(tmp_path / "out" / "debrief.duckdb"), read_only=True) as analyst:
        columns = analyst.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
    rows = {line.split("`")[1]: line for line in schema.splitlines() if line.startswith("| `")}
    assert [(table, name) for table, name in columns if f"`{name}`" not in rows[table]] == []


def test_every_query_for_analysts_runs(kept: Settings, tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "queries.md").read_text(encoding="utf-8")
    queries = [block.split("```")[0] for block in page.split("```sql\n")[1:]]
    with Store(kept.data) as store:
        store.export(tmp_path / "out", form="duckdb")
    with duckdb.connect(str(tmp_path / "out" / "debrief.duckdb"), read_only=True) as analyst:
        found = [len(analyst.execute(query).fetchall()) for query in queries]
    # two reps in one month
    assert found[0] == 2
    assert len(found) == page.count("```") // 2


@pytest.mark.parametrize("version", range(1, len(migrations.MIGRATIONS)))
def test_a_database_of_every_earlier_version_is_brought_up_to_date(
    kept: Settings, tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = keep_call(tmp_path, kept, "Ann", "2026-09-30_acme", "ok four")
    record["scorecard"]["moves"] = [{"turn": 0, "move": "asks_situation", "p": 0.9}]
    for path in keep.record_files(kept.data, record["source"]["sha256"]):
        path.unlink()
    keep.write_record(kept.data, record)
    with Store(kept.data) as store:
        store.catch_up()
        now = dump(store)
        rollups = {t: sorted(map(str, store.query(f"SELECT * FROM {t}"))) for t in ("criterion_weeks", "call_weeks")}
        rows = {table: store.query(f"SELECT * FROM {table}") for table in (*now, *rollups)}
    old = tmp_path / "old.duckdb"
    with duckdb.connect(str(old)) as connection:
        with monkeypatch.context() as patch:
            patch.setattr("pipeline.database.MIGRATIONS", migrations.MIGRATIONS[:version])
            migrate(connection, old)
        for table, content in rows.items():
            columns = [c for (c,) in connection.execute(
                "SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [table]).fetchall()]  # fmt: skip
            for row in content if columns else ():  # rollups came with the second version
                values = [keep.encode(row[c]).decode() if isinstance(row[c], dict) else row[c] for c in columns]
                marks = ", ".join("?" for _ in columns)
                connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)
        migrate(connection, old)
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(len(migrations.MIGRATIONS),)]
        for table, expected in rollups.items():
            found = connection.execute(f"SELECT * FROM {table}")
            names = [item[0] for item in found.description]
            assert sorted(str(dict(zip(names, row, strict=True))) for row in found.fetchall()) == expected
    os.replace(old, kept.data / "store.duckdb")
    with Store(kept.data) as store:
        store.catch_up()
        assert without_sureness(dump(store)) == without_sureness(now)


def without_sureness(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """The tables without what earlier versions did not keep of objections, and only a record read anew tells."""
    return tables | {"objections": [re.sub(r", 'kind_p': [\w.]+", "", row) for row in tables["objections"]]}


def test_rollups_follow_every_change(kept: Settings, tmp_path: Path) -> None:
    import fakes

    def check(store: Store) -> None:
        for table, sql in {
            "criterion_weeks": "SELECT rep, team, criterion, date_trunc('week', call_date)::DATE AS week, level, "
            "count(*)::INTEGER AS n FROM scores GROUP BY ALL",
            "call_weeks": "SELECT rep, team, date_trunc('week', call_date)::DATE AS week, status, "
            "count(*)::INTEGER AS n, count(overall)::INTEGER AS n_overall, coalesce(sum(overall), 0) AS sum_overall "
            "FROM calls GROUP BY ALL",
        }.items():
            kept_rows = store.query(f"SELECT * FROM {table}")
            assert sorted(map(str, kept_rows)) == sorted(map(str, store.query(sql)))
            assert kept_rows

    with Store(kept.data) as store:
        check(store)
        fakes.RUBRIC_VERSION[0] = "bbbb"
        keep_call(tmp_path, kept, "Ann", "2026-09-14_acme", "ok")
        keep_call(tmp_path, kept, "Cem", "undated", "ok four")
        assert store.catch_up().calls == 2
        check(store)
        for file in keep.record_files(
            kept.data, store.query("SELECT sha256 FROM calls WHERE rep = 'Bea'")[0]["sha256"]
        ):
            file.unlink()
        assert store.ingest().removed == 1
        check(store)
    assert week_of(dt.date(2026, 9, 20)) == dt.date(2026, 9, 14)


def test_only_noted_records_are_taken_in_and_a_lost_note_is_made_up_for(kept: Settings, tmp_path: Path) -> None:
    keep_call(tmp_path, kept, "Dov", "2026-09-21_acme", "ok five")
    with Store(kept.data) as store:
        assert keep.pending(kept.data)
        assert store.catch_up().calls == 1
        assert keep.pending(kept.data) == {}
        record = keep_call(tmp_path, kept, "Dov", "2026-09-22_acme", "ok six")
        for notes in keep.pending(kept.data).values():
            for note, _ in notes:
                note.unlink()
        assert store.catch_up().calls == 0
        assert store.ingest().calls == 1
        # a note whose record is still to come stays
        (kept.data / "pending" / f"{record['source']['sha256']}.9").touch()
        store.catch_up()
        assert len(keep.pending(kept.data)) == 1
    (kept.data / "store.duckdb").unlink()
    with Store(kept.data) as store:
        assert store.catch_up().calls == 6


def test_housekeeping_removes_what_is_left_over_and_nothing_else(kept: Settings, tmp_path: Path) -> None:
    old = time.time() - 40 * 86400
    left = [
        kept.data / "results" / ("ab" * 32) / ".x.tmp",
        kept.data / "logs" / "workers.log.1",
        kept.data / "digests" / "nightly-2020-01-01.html",
        kept.data / "cache" / "listen" / f"{'ab' * 32}.m4a",
        *(kept.data / f"store.damaged-{n}.duckdb" for n in range(3)),
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        os.utime(path, (old, old))
    (kept.data / "results" / ("ab" * 32) / ".new.tmp").write_text("being written")
    before = sorted(keep.all_record_files(kept.data))
    assert tidy.tidy(kept) == {
        "temporary": 1,
        "watchers that are gone": 0,
        "logs": 1,
        "digests": 1,
        "copies to listen to": 1,
        "damaged databases": 1,
        "failures of files that are gone": 1,
        "records of erased calls": 0,
    }
    assert sorted(keep.all_record_files(kept.data)) == before
    assert sorted(path.name for path in left if path.exists()) == ["store.damaged-1.duckdb", "store.damaged-2.duckdb"]
    assert tidy.tidy(kept)["temporary"] == 0


def test_what_a_log_says_goes_by_its_age_however_short_the_log(settings: Settings) -> None:
    logs = settings.data / "logs"
    logs.mkdir(parents=True)
    past = (dt.date.today() - dt.timedelta(days=settings.keep_logs_days + 1)).isoformat()
    today = dt.date.today().isoformat()
    old, new = f"{past}T09:00:00+00:00 debrief gaps --rep Ann\nTraceback\n  x\n", f"{today}T09:00:00+00:00 debrief\n"
    (logs / "debrief.log").write_text(old + new)
    (logs / "web.log").write_text(new)
    (logs / "workers.log").write_text("a library's warning, without a time\n")
    (logs / "other.log").write_text("the same, long ago\n")
    os.utime(logs / "other.log", (1.6e9, 1.6e9))
    assert tidy.tidy(dataclasses.replace(settings, keep_logs_days=0))["logs"] == 0
    assert tidy.tidy(settings)["logs"] == 2
    assert {path.name: path.read_text() for path in logs.iterdir()} == {
        "debrief.log": new, "web.log": new, "workers.log": "a library's warning, without a time\n",
    }  # fmt: skip
    assert tidy.tidy(settings)["logs"] == 0


def test_a_log_that_loses_old_entries_stays_the_file_that_a_worker_has_open(settings: Settings) -> None:
    log = settings.data / "logs" / "workers.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"2020-01-01 09:00:00,000 long ago\n{dt.date.today()} 09:00:00,000 now\n")
    log.chmod(0o640)
    with log.open("a") as worker:
        assert tidy.tidy(settings)["logs"] == 1
        worker.write("after\n")
    assert log.read_text() == f"{dt.date.today()} 09:00:00,000 now\nafter\n"
    # who may write to it may still
    assert log.stat().st_mode & 0o777 == 0o640


def test_a_watchers_status_is_read_and_a_dead_ones_removed(settings: Settings) -> None:
    status.write_status(settings.data, {"inbox": "/in", "counts": {}, "problem": ""})
    dead = status.status_file(settings.data).with_name("watch-x-1.json")
    row = status.watchers(settings.data)[0]
    dead.write_bytes(keep.encode({**row, "pid": 2**22 + 1}))
    (dead.with_name("watch-y-1.json")).write_text("{")
    away = dead.with_name("watch-z-1.json")
    away.write_bytes(keep.encode({**row, "host": "elsewhere", "at": "2020-01-01T00:00:00+00:00"}))
    assert [(item["host"] == row["host"], item["alive"]) for item in status.watchers(settings.data)] == [
        (True, True),
        (False, False),
    ]
    assert not dead.exists()
    status.clear_status(settings.data)
    assert len(status.watchers(settings.data)) == 1
    assert tidy.tidy(settings)["watchers that are gone"] == 0
    # a container that was replaced, a machine that is no more: nobody else would ever clear it away
    os.utime(away, (time.time() - 2 * 86400, time.time() - 2 * 86400))
    assert tidy.tidy(settings)["watchers that are gone"] == 1
    assert status.watchers(settings.data) == []
