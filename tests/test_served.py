"""The store as other processes use it while one has the database open."""

from __future__ import annotations

import datetime as dt
import decimal
import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_store import keep_call
from waiting import HANGS_S

from pipeline import keep, served
from pipeline.database import Database, Gate
from pipeline.errors import StoreError, StoreLocked
from pipeline.intake import Ingested
from pipeline.settings import Settings
from pipeline.store import Store

pytestmark = pytest.mark.usefixtures("stages")

HOLDER = """
import sys
from pathlib import Path
from pipeline.store import Store
with Store(Path(sys.argv[1])) as store:
    store.ingest()
    store.serve()
    print("serving", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open and serves it until its stdin closes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def kept(tmp_path: Path, settings: Settings) -> Settings:
    for n, rep in enumerate(["Ann", "Bea"]):
        keep_call(tmp_path, settings, rep, f"2026-09-{14 + n}_acme", f"ok {n}")
    return settings


ASSIGNMENT = {
    "assignment_id": "a1",
    "rep": "Ann",
    "criterion": "discovery",
    "status": "open",
    "assigned_on": dt.date(2026, 9, 1),
    "detail": {"calls": ["x"], "$": "no tag"},
}


def test_everything_goes_through_the_process_that_has_it_open(kept: Settings, tmp_path: Path) -> None:
    with holder(kept.data) as other, Store(kept.data) as store:
        assert not store.owner
        calls = store.query("SELECT rep, call_date, meta, kept_at FROM calls ORDER BY rep")
        assert [(row["rep"], row["call_date"], row["meta"]["team"]) for row in calls] == [
            ("Ann", dt.date(2026, 9, 14), "North"),
            ("Bea", dt.date(2026, 9, 15), "North"),
        ]
        assert isinstance(calls[0]["kept_at"], dt.datetime)
        assert store.query("SELECT rep FROM calls WHERE call_date > $day", {"day": dt.date(2026, 9, 14)}) == [
            {"rep": "Bea"}
        ]
        record = keep_call(tmp_path, kept, "Cem", "2026-09-20_acme", "ok new")
        assert store.ingest([record["source"]["sha256"]]) == Ingested(calls=1)
        assert store.record(record["call_id"]) == keep.latest_record(kept.data, record["source"]["sha256"])
        store.put_fact("assignments", ASSIGNMENT)
        assert store.query("SELECT detail FROM assignments") == [{"detail": ASSIGNMENT["detail"]}]
        assert store.export(tmp_path / "out", form="csv")["calls"] == 3
        assert store.rebuild() == Ingested(calls=3)
        with pytest.raises(StoreError, match="no column wrong"):
            store.put_fact("assignments", {**ASSIGNMENT, "wrong": 1})
        other.communicate()
    with Store(kept.data) as store:
        assert store.owner
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 3}]
    assert sorted(path.name for path in kept.data.glob("store.*")) == ["store.duckdb", "store.lock"]


def test_what_goes_wrong_there_is_told_in_one_line_and_the_line_stays_open(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(database: Database, sha256s: object) -> None:
        raise OSError("the disk\nhas gone")

    with Store(kept.data) as store:
        store.serve()
        monkeypatch.setattr(Database, "ingest", lost)
        other = served.Remote.find(kept.data)
        assert other is not None
        for _ in range(2):
            with pytest.raises(StoreError, match=r"^a call that cannot be answered: OSError: the disk$"):
                other.call("ingest", {"sha256s": None})
        other.close()


def test_an_answer_that_nobody_hears_any_more_is_no_error(
    kept: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hung_up = threading.Event()

    def closing(database: Database, sha256s: object) -> Ingested:
        assert server is not None
        server.close()
        return Ingested()

    monkeypatch.setattr(Database, "ingest", closing)
    with Store(kept.data) as store:
        store.serve()
        server = store._server
        assert server is not None
        converse = server._converse

        def to_the_end(theirs: socket.socket) -> None:
            converse(theirs)
            hung_up.set()

        monkeypatch.setattr(server, "_converse", to_the_end)
        other = served.Remote.find(kept.data)
        assert other is not None
        with pytest.raises(served.Gone):
            other.call("ingest", {"sha256s": None})
        assert hung_up.wait(HANGS_S)
        other.close()
    assert caplog.records == []


@pytest.mark.parametrize("form", ["csv", "duckdb"])
def test_an_export_is_written_by_whoever_asks_for_it(
    kept: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    export = Database.export

    def inside_only(database: Database, folder: Path, **how: Any) -> dict[str, int]:
        # as a service that may write to the data folder only, or has a /tmp of its own
        assert not folder.is_absolute()
        return export(database, folder, **how)

    with Store(kept.data) as store:
        store.ingest()
        store.serve()
        monkeypatch.setattr(Database, "export", inside_only)
        with Store(kept.data) as other:
            assert not other.owner
            counts = other.export(tmp_path / "out", form=form)
            (tmp_path / "file").write_text("")
            with pytest.raises(StoreError, match=r"file.out: cannot be written \(Not a directory\)"):
                other.export(tmp_path / "file" / "out", form=form)
    assert counts["calls"] == 2
    assert (tmp_path / "out" / ("debrief.duckdb" if form == "duckdb" else "calls.csv")).stat().st_size > 0
    assert list(kept.data.glob(".export-*")) == []


def test_a_large_answer_is_the_same_as_without_another_process(settings: Settings) -> None:
    sql = (
        "SELECT i, i / 7 AS x, 'a\u2028' || i AS t, DATE '2026-01-01' + i::INTEGER AS d, INTERVAL 1 HOUR AS h, "
        "1.25::DECIMAL(9, 2) AS m, [1, NULL] AS l, NULL AS n, 'nan'::DOUBLE AS nan, '\\x01'::BLOB AS b, "
        "uuid() IS NOT NULL AS u, TIME '01:02:03' AS c, {'a': 1} AS s FROM range(12000) r(i) ORDER BY i"
    )
    with Store(settings.data) as store:
        alone = store.query(sql)
    with holder(settings.data), Store(settings.data) as store:
        through = store.query(sql)
    assert len(through) == 12000
    assert repr(through) == repr(alone)
    assert through[0]["m"] == decimal.Decimal("1.25")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM calls",
        "SELECT 1; DROP TABLE calls",
        "COPY calls TO 'x.csv'",
        "ATTACH 'x.db'",
        "SET threads = 1",
        "",
    ],
)
def test_only_a_select_is_answered(settings: Settings, sql: str) -> None:
    with Store(settings.data) as store:
        with pytest.raises(StoreError, match="only one SELECT"):
            store.query(sql)
        store.serve()
        with Store(settings.data) as other, pytest.raises(StoreError, match="only one SELECT"):
            other.query(sql)


def test_when_the_server_is_killed_the_call_is_made_again(kept: Settings) -> None:
    with holder(kept.data) as other, Store(kept.data) as store:
        assert not store.owner
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert (kept.data / "store.address").exists()
        store.put_fact("assignments", ASSIGNMENT)
        assert store.owner
        assert store.query("SELECT rep FROM assignments") == [{"rep": "Ann"}]
        store.serve()
        with Store(kept.data) as third:
            assert not third.owner
            assert third.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]


def test_the_next_one_to_serve_takes_over(kept: Settings) -> None:
    with holder(kept.data) as other, Store(kept.data) as store:
        store.serve()
        assert not store.owner
        other.kill()
        other.wait()
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]
        with Store(kept.data) as third:
            assert (store.owner, third.owner) == (True, False)


def test_nobody_gets_in_without_the_secret(settings: Settings) -> None:
    with Store(settings.data) as store:
        store.serve()
        address = settings.data / "store.address"
        assert stat.S_IMODE(address.stat().st_mode) == 0o600
        assert stat.S_IMODE((settings.data / "store.sock").stat().st_mode) == 0o600
        row = json.loads(address.read_text())
        with pytest.raises(served.Gone):
            served.Remote(settings.data, row["at"], b"\0" * 32)
        address.write_text(json.dumps({**row, "secret": "00" * 32}))
        with pytest.raises(StoreLocked):
            Store(settings.data, wait_s=0.1)


def test_a_caller_that_says_nothing_keeps_nobody_waiting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "ANSWER_S", 1)
    with Store(settings.data) as store:
        store.serve()
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(settings.data / "store.sock"))
            with Store(settings.data) as other:
                assert other.query("SELECT 1 AS one") == [{"one": 1}]
            silent.settimeout(HANGS_S)
            while silent.recv(1024):
                pass


def test_a_moment_of_too_many_open_files_locks_nobody_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "PAUSE_S", 0.01)
    full = OSError(errno.EMFILE, "Too many open files")
    with Store(settings.data) as store:
        store.serve()
        server = store._server
        assert server is not None
        listening, refusals = server._socket, [full, full]

        class Short:
            def accept(self) -> Any:
                if refusals:
                    raise refusals.pop()
                return listening.accept()

            def __getattr__(self, name: str) -> Any:
                return getattr(listening, name)

        server._socket = Short()  # type: ignore[assignment]
        dup, tries = os.dup, [full]
        # the call that is waited for already ends before the short one counts
        for _ in range(3):
            found = served.Remote.find(settings.data)
            if found:
                found.close()
            monkeypatch.setattr(os, "dup", lambda handle: raised(tries.pop()) if tries else dup(handle))
        found = served.Remote.find(settings.data)
        assert found is not None
        assert found.call("query", {"sql": "SELECT 1 AS x", "params": []}) == [{"x": 1}]
        found.close()
        assert (refusals, tries) == ([], [])


def raised(error: OSError) -> int:
    raise error


def test_a_folder_with_a_long_name_is_served_on_loopback(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 30)
    with Store(data) as store:
        store.serve()
        assert json.loads((data / "store.address").read_text())["at"][0] == "127.0.0.1"
        with Store(data) as other:
            assert not other.owner
            assert other.query("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"do": 1}', b'{"do": "close", "with": {}}', b'{"do": "ingest", "with": {"x": 1}}']
)
def test_nonsense_from_a_caller_harms_nobody_else(settings: Settings, content: bytes) -> None:
    with Store(settings.data) as store:
        store.serve()
        remote = served.Remote.find(settings.data)
        assert remote is not None
        line = remote._connect()
        line.send_bytes(content)
        if b"with" in content:
            assert "error" in json.loads(line.recv_bytes())
        line.close()
        assert remote.call("query", {"sql": "SELECT 1 AS one"}) == [{"one": 1}]
        remote.close()


def test_many_threads_read_and_write_at_once(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
        store.serve()
        with Store(kept.data) as other:
            problems: list[BaseException] = []

            def work(number: int) -> None:
                try:
                    for turn in range(5):
                        used = (store, other)[number % 2]
                        used.put_fact("assignments", {**ASSIGNMENT, "assignment_id": f"{number}-{turn}"})
                        assert used.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]
                        if number == 3:
                            used.rebuild()
                except BaseException as error:
                    problems.append(error)

            threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert problems == []
            assert other.query("SELECT count(*) AS n FROM assignments") == [{"n": 30}]


def test_a_rebuild_puts_a_whole_database_in_place(kept: Settings) -> None:
    with Store(kept.data) as store:
        store.ingest()
        before = store.file.stat().st_ino
        store.rebuild()
        assert store.file.stat().st_ino != before
        assert store.query("SELECT count(*) AS n FROM calls") == [{"n": 2}]
    assert list(kept.data.glob("store.rebuilding*")) == []


def test_the_gate_lets_one_alone_and_many_together() -> None:
    gate = Gate()
    inside: list[str] = []
    with gate.shared():
        with gate.shared():
            pass

        def alone() -> None:
            with gate.alone():
                inside.append("alone")

        waiting = threading.Thread(target=alone)
        waiting.start()
        time.sleep(0.05)
        assert inside == []
    waiting.join(HANGS_S)
    assert inside == ["alone"]


@pytest.mark.parametrize("damage", [{"transcript": {"turns": "none"}}, {"transcript": None}, {"scorecard": {"x": 1}}])
def test_a_record_that_does_not_hold_together_costs_only_itself(kept: Settings, damage: dict[str, Any]) -> None:
    file = next(keep.all_record_files(kept.data))
    file.write_text(json.dumps({**json.loads(file.read_text()), **damage}))
    with Store(kept.data) as store:
        done = store.ingest()
        assert (done.calls, len(done.damaged)) == (1, 1)
        assert "process the recording again" in done.damaged[0][1]


def test_a_value_that_a_table_refuses_costs_only_its_call(kept: Settings) -> None:
    file = next(keep.all_record_files(kept.data))
    row = json.loads(file.read_text())
    row["scorecard"]["criteria"]["discovery"]["level"] = "three"
    file.write_text(json.dumps(row))
    with Store(kept.data) as store:
        done = store.ingest()
        assert (done.calls, len(done.damaged)) == (1, 1)
        assert "process the recording again" in done.damaged[0][1]
        assert store.ingest().damaged == ()


def test_a_lock_left_by_a_killed_process_stops_nobody(kept: Settings) -> None:
    with holder(kept.data) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with Store(kept.data) as store:
        assert store.owner


def test_a_database_reads_while_it_is_being_written(kept: Settings) -> None:
    database = Database(kept.data)
    with database._tables.transaction():
        database._tables.run("DELETE FROM calls")
        assert database.query("SELECT 1 AS one") == [{"one": 1}]
    database.close()
    assert duckdb.connect(str(database.file)).execute("SELECT count(*) FROM calls").fetchall() == [(0,)]


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.8])
def test_a_database_damaged_anywhere_is_built_again_while_it_is_used(kept: Settings, place: float) -> None:
    with Store(kept.data) as store:
        store.ingest()
        store.put_fact("assignments", ASSIGNMENT)
    size = store.file.stat().st_size
    with store.file.open("r+b") as file:
        file.seek(int(size * place) + 100)
        file.write(b"\xff" * min(65536, size // 5))
    with Store(kept.data) as store:
        store.catch_up()
        assert [row["rep"] for row in store.query("SELECT rep FROM calls ORDER BY rep")] == ["Ann", "Bea"]
        assert store.query("SELECT count(*) AS n FROM turns") == [{"n": 6}]
        assert store.query("SELECT rep FROM assignments") == [{"rep": "Ann"}]
        store.put_fact("assignments", {**ASSIGNMENT, "assignment_id": "a2"})
        assert store.query("SELECT count(*) AS n FROM criterion_weeks") == [{"n": 4}]
