"""Exports that were written for others are found again when they have to go, wherever and however often they were."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import fakes
import pytest
from typer.testing import CliRunner

from pipeline import batch, cli, erase, plan, register, retention
from pipeline.ingest import discover
from pipeline.settings import Settings
from pipeline.store import Store

PERSON = "Priya Nair"


@pytest.fixture
def kept(stages: None, settings: Settings) -> Settings:
    """One call of `PERSON`."""
    path = settings.inbox_folder / "North" / PERSON / "2026-10-06_Acme.wav"
    path.parent.mkdir(parents=True)
    path.write_text("ok")
    for job in plan.plan(discover([settings.inbox_folder]), settings).jobs:
        fakes.work((job, settings))
    batch.update_store(settings)
    return settings


def export(settings: Settings, folder: Path, *, now: dt.datetime | None = None) -> None:
    with Store(settings.data) as store:
        rows = store.export(folder, form="jsonl")
    register.wrote(settings.data, "export", folder, [folder / f"{table}.jsonl" for table in rows], now=now)


def erased(settings: Settings) -> erase.Report:
    with Store(settings.data) as store:
        return erase.erase(settings, store, erase.of_person(settings, store, PERSON))


def test_an_export_in_a_folder_by_the_persons_name_is_deleted_too(kept: Settings, tmp_path: Path) -> None:
    answered = tmp_path / f"what {PERSON} asked for"
    export(kept, answered)

    assert erased(kept).left == ()

    assert list(answered.glob("*")) == []
    assert PERSON not in (kept.data / register.FILE).read_text()


def test_an_export_over_an_earlier_one_is_deleted_and_nothing_is_said_of_it(kept: Settings, tmp_path: Path) -> None:
    for _ in range(2):
        export(kept, tmp_path / "weekly")

    report = erased(kept)

    assert list((tmp_path / "weekly").glob("*")) == []
    assert [line for line in report.elsewhere if "weekly" in line] == []


def test_an_export_that_was_changed_is_told_until_it_is_gone(kept: Settings, tmp_path: Path) -> None:
    export(kept, tmp_path / "out", now=dt.datetime.now(dt.UTC) - dt.timedelta(90))
    changed = tmp_path / "out" / "turns.jsonl"
    changed.write_text(changed.read_text() + "\n")
    said = f"{changed}: was an export and was changed since; delete it if it may not stay"
    month = dataclasses.replace(kept, keep_exports_days=30)

    with Store(kept.data) as store:
        for _ in range(2):
            assert retention.retain_all(month, store)[1] == [f"retention of export: {said}"]
    assert said in erased(kept).elsewhere

    changed.unlink()
    with Store(kept.data) as store:
        retention.retain_all(month, store)
        assert retention.retain_all(month, store) == ({}, [])


def test_a_backup_in_the_data_folder_does_not_go_with_old_exports(kept: Settings, tmp_path: Path) -> None:
    old = dt.datetime.now(dt.UTC) - dt.timedelta(90)
    export(kept, tmp_path / "out", now=old)
    backup = kept.data / "backups" / "debrief-backup-1.tar.gz"
    backup.parent.mkdir()
    backup.write_bytes(b"all that cannot be made again")
    register.wrote(kept.data, "backup", backup, [backup], now=old)

    with Store(kept.data) as store:
        retention.retain_all(dataclasses.replace(kept, keep_exports_days=30), store)

    assert list((tmp_path / "out").iterdir()) == []
    assert backup.exists()
    # it holds what is erased, and is within reach
    assert erased(kept).left == ()
    assert not backup.exists()


def test_an_export_that_fails_leaves_nothing(kept: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "moves.jsonl").mkdir(parents=True)  # as good as a disk that is full by then
    (out / "sessions.jsonl").write_text("somebody's own")

    done = CliRunner().invoke(cli.app, ["--data", str(kept.data), "export", str(out)])

    assert "moves.jsonl is a folder there" in str(done.exception)
    assert sorted(file.name for file in out.iterdir()) == ["moves.jsonl", "sessions.jsonl"]
    assert (out / "sessions.jsonl").read_text() == "somebody's own"
