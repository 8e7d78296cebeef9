"""The night: what it does, and what it goes on without. It follows `test_flows.py`, so that one Prefect serves both."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fakes
import pytest

from pipeline.claims import alone
from pipeline.settings import Settings


def test_the_nightly_flow_takes_the_backlog_and_scores_stale_calls_again(
    prefect_home: Path, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    from flows import nightly
    from flows.process import Caller

    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    monkeypatch.setattr(nightly, "SETTLE_S", 0.0)
    with get_client(sync_client=True) as client:
        before = {found.id for found in client.read_artifacts()}
    report = nightly.run_nightly(Caller(settings=settings), settings)
    assert report["backlog"]["counts"] == {"scored": 1, "failed": 1, "abstained": 1}
    assert report["rescored"]["counts"] == {}
    assert report["problems"] == []
    assert report["digest"]["sent"] == []
    page = Path(report["digest"]["file"]).read_text()
    assert "new calls: 1 abstained, 1 failed, 1 scored" in page
    assert "2026-09-15_b.wav: " in page
    assert "scored again: nothing to do" in page
    with get_client(sync_client=True) as client:
        (artifact,) = [found for found in client.read_artifacts() if found.id not in before]
    assert "new calls: 1 abstained, 1 failed, 1 scored" in str(artifact.data)

    again = nightly.run_nightly(Caller(settings=settings), settings)
    assert again["backlog"] == {"counts": {"done": 2, "failed": 1}, "failed": []}
    assert Path(report["digest"]["file"]).read_text() == page
    assert Path(again["digest"]["file"]).name == f"{Path(report['digest']['file']).stem}-2.html"
    assert "new calls: nothing to do (2 done, 1 failed before)" in Path(again["digest"]["file"]).read_text()

    # an inbox that still holds the recordings makes no new calls of those that another judge scores again
    monkeypatch.setattr(fakes, "REVISION", ["2"])
    # the workers know the earlier judge only, so that the calls stay stale, and are not tried twice all the same
    third = nightly.run_nightly(Caller(settings=settings), settings)
    assert third["backlog"]["counts"] == {"failed": 1}
    assert third["rescored"]["counts"] == {"scored": 1, "abstained": 1}


def test_a_night_that_is_still_at_work_is_not_joined_by_the_next(prefect_home: Path, settings: Settings) -> None:
    from flows import nightly
    from flows.process import Caller
    from pipeline.errors import StoreError

    with (
        alone(settings.data / "claims" / "nightly.lock"),
        pytest.raises(StoreError, match="another nightly run is at work"),
    ):
        nightly.run_nightly(Caller(settings=settings), settings)
    assert not (settings.data / "digests").exists()
    with alone(settings.data / "claims" / "nightly.lock") as first:
        assert first
        assert list((settings.data / "claims").glob("*.claim")) == []


@pytest.mark.parametrize("broken", ["rubric", "drive"])
def test_a_part_of_the_night_that_fails_is_a_line_and_the_others_are_done(
    prefect_home: Path, inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    from flows import nightly
    from flows.process import Caller
    from pipeline import process
    from pipeline.errors import RubricError

    def no_rubric(settings: Settings) -> None:
        raise RubricError("mine.yaml: no such rubric")

    stat = Path.stat

    def away(path: Path, **how: Any) -> os.stat_result:
        if path == Path("/mnt/share/inbox"):
            raise OSError(errno.EHOSTDOWN, "Host is down", str(path))
        return stat(path, **how)

    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    monkeypatch.setattr(nightly, "SETTLE_S", 0.0)
    old = settings.data / "cache" / "old.bin"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    if broken == "rubric":
        monkeypatch.setattr(process, "current_rubric", no_rubric)
        expected = ["backlog: mine.yaml: no such rubric", "scoring again: mine.yaml: no such rubric"]
    else:
        monkeypatch.setattr(Path, "stat", away)
        settings = replace(settings, inbox="/mnt/share/inbox", keep_recordings_days=30)
        expected = ["backlog: /mnt/share/inbox: no such inbox; make it, or set `inbox`"]
    report = nightly.run_nightly(Caller(settings=settings), settings)
    assert report["problems"] == expected
    assert not old.exists()
    assert expected[0] in Path(report["digest"]["file"]).read_text()


def test_a_prefect_that_refuses_to_tidy_stops_no_night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    from prefect.exceptions import ObjectNotFound

    from flows import nightly
    from flows.process import Caller

    def refuses(*args: object, **named: object) -> None:
        raise ObjectNotFound(httpx.HTTPError("404 Not Found"))

    for name in ("sweep_stale_runs", "forget_old_runs", "create_markdown_artifact"):
        monkeypatch.setattr(nightly, name, refuses)
    monkeypatch.setattr(nightly, "assign", lambda store, settings: [])
    monkeypatch.setattr(nightly, "refresh", lambda store, settings: None)
    report = nightly._night(settings, Caller(settings=settings))
    assert [line.partition(":")[0] for line in report["problems"]] == ["Prefect's records"] * 3
    assert Path(report["digest"]["file"]).read_text().count("ObjectNotFound") == 2


def test_the_night_leaves_what_is_being_copied_to_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import nightly

    for name in ("a.txt", "b.wav", "c.wav"):
        (tmp_path / name).write_text("half")

    def copying_goes_on(seconds: float) -> None:
        assert seconds == nightly.SETTLE_S
        (tmp_path / "a.txt").write_text("half and more")
        (tmp_path / "b.yaml").write_text("rep: Ann\n")

    monkeypatch.setattr(nightly, "time", SimpleNamespace(sleep=copying_goes_on))
    assert [item.path.name for item in nightly._standing(tmp_path)] == ["c.wav"]
