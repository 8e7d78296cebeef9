from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline import keep
from pipeline.claims import Claims
from pipeline.errors import StoreError

SHA = "ab" * 32


def record(**changes: Any) -> dict[str, Any]:
    made = {
        "debrief": "1",
        "engine": "fake",
        "engine_revision": "r1",
        "diarizer": "channels",
        "rubric": {"id": "sales call", "version": "v1"},
        "judge": {"engine": "embedded", "revision": "j1"},
    }
    return {
        "call_id": SHA[:16],
        "status": "scored",
        "source": {"sha256": SHA, "path": "/a\udce4.wav", "kind": "audio", "size": 1, "mtime_ns": 1, "known": {}},
        "provenance": made,
        "transcript": {"turns": []},
        **changes,
    }


def test_a_record_is_kept_under_its_content_engines_and_rubric(tmp_path: Path) -> None:
    path = keep.write_record(tmp_path, record())
    assert path == tmp_path / "results" / SHA / "fake+r1+channels+embedded.j1-sales_call.v1.json"
    assert keep.latest_record(tmp_path, SHA) == {**record(), "kept": keep.read_json(path)["kept"]}
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_the_same_record_again_changes_nothing(tmp_path: Path) -> None:
    path = keep.write_record(tmp_path, record())
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert keep.write_record(tmp_path, record()) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_the_latest_record_is_known_without_a_clock(tmp_path: Path) -> None:
    late, early = dt.datetime(2030, 1, 1, tzinfo=dt.UTC), dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    keep.write_record(tmp_path, record(), now=late)
    other = record()
    other["provenance"] = {**other["provenance"], "rubric": {"id": "sales call", "version": "v2"}}
    keep.write_record(tmp_path, other, now=early)
    latest = keep.latest_record(tmp_path, SHA)
    assert latest is not None
    assert (latest["provenance"]["rubric"]["version"], latest["kept"]["seq"]) == ("v2", 2)
    keep.write_record(tmp_path, record(), now=early)
    latest = keep.latest_record(tmp_path, SHA)
    assert latest is not None
    assert (latest["provenance"]["rubric"]["version"], latest["kept"]["seq"]) == ("v1", 3)


def test_two_writers_of_one_call_number_their_records_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = [record(provenance={**record()["provenance"], "rubric": {"id": "r", "version": v}}) for v in ("a", "b")]
    both_read = threading.Barrier(2)
    note = keep._note_pending

    def after_both_read(*args: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_read.wait(0.5)
        note(*args)

    monkeypatch.setattr(keep, "_note_pending", after_both_read)
    with ThreadPoolExecutor(2) as writers, Claims(tmp_path / "claims") as claims:
        assert claims.take(SHA)
        files = list(writers.map(lambda row: keep.write_record(tmp_path, row), judged))
    assert sorted(keep.read_json(file)["kept"]["seq"] for file in files) == [1, 2]


def test_damaged_records_are_passed_over(tmp_path: Path) -> None:
    path = keep.write_record(tmp_path, record())
    (path.parent / "zz.json").write_text("{half")
    (path.parent / "zy.json").write_text("{}")
    misspelt = keep.encode({**record(), "kept": {"seq": 9}}).replace(b'"turns"', b'"turms"')
    (path.parent / "zx.json").write_bytes(misspelt)
    assert keep.latest_record(tmp_path, SHA) == keep.read_json(path)
    with pytest.raises(StoreError, match=r"zz\.json: result file cannot be read"):
        keep.read_json(path.parent / "zz.json")


@pytest.mark.parametrize(
    ("code", "remedy"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "check its permissions")]
)
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, remedy: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text("before")

    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=remedy):
        keep.write_atomically(path, b"after")
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("x.json", "before")]


def test_nan_is_refused_rather_than_kept() -> None:
    with pytest.raises(ValueError, match="JSON"):
        keep.encode({"x": float("nan")})


def test_attempts_are_counted_while_the_file_stays_the_same(tmp_path: Path) -> None:
    failure = {"path": "/in/a.wav", "kind": "input", "reason": "/in/a.wav: empty", "size": 1, "mtime_ns": 2}
    first = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    keep.write_failure(tmp_path, failure, now=first)
    row = keep.write_failure(tmp_path, failure, now=first + dt.timedelta(days=1))
    assert (row["attempts"], row["first_at"][:10], row["last_at"][:10]) == (2, "2026-01-01", "2026-01-02")
    assert keep.write_failure(tmp_path, {**failure, "size": 3})["attempts"] == 1
    assert [row["path"] for row in keep.read_failures(tmp_path)] == ["/in/a.wav"]
    keep.clear_failure(tmp_path, "/in/a.wav")
    assert keep.read_failure(tmp_path, "/in/a.wav") is None


def test_nights_with_a_full_disk_bring_no_file_nearer_to_quarantine(tmp_path: Path) -> None:
    failure = {"path": "/in/a.wav", "size": 1, "mtime_ns": 2, "reason": "no"}
    for night in (1, 2, 3):
        assert keep.write_failure(tmp_path, {**failure, "kind": "store"})["attempts"] == night
    tries = [keep.write_failure(tmp_path, {**failure, "kind": "engine"}) for _ in range(3)]
    assert [(row["attempts"], row["status"]) for row in tries] == [(1, "retry"), (2, "retry"), (3, "quarantined")]


def test_facts_keep_their_newest_content(tmp_path: Path) -> None:
    keep.write_fact(tmp_path, "assignments", "../up/1", {"n": 1})
    keep.write_fact(tmp_path, "assignments", "../up/1", {"n": 2})
    keep.write_fact(tmp_path, "assignments", "up_1", {"n": 3})
    assert sorted(row["n"] for row in keep.read_facts(tmp_path, "assignments")) == [2, 3]
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "facts" / "assignments"}
