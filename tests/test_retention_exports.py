"""Retention of exports: by their own age, and with the words that they hold."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from test_retention import retained, two_calls

from pipeline import register, retention
from pipeline.settings import Settings
from pipeline.store import Store


@pytest.fixture
def world(stages: None, tmp_path: Path) -> Settings:
    return two_calls(tmp_path)


def test_exports_go_with_the_words_of_a_call_and_those_made_since_stay(world: Settings, tmp_path: Path) -> None:
    out = tmp_path / "turns.csv"
    backup = tmp_path / "b.tar.gz"
    for day, file, kind in ((3, out, "export"), (3, backup, "backup")):
        file.write_text("x")
        register.wrote(world.data, kind, file, [file], now=dt.datetime(2026, 10, day, tzinfo=dt.UTC))

    assert retained(world, keep_scores_days=0) == ([], {})
    assert out.exists()

    rows, done = retained(world, keep_transcripts_days=90)
    assert (done["words of a call"], done["export"]) == (1, 1)
    assert retention.Due("export", str(out), "2026-10-03") in rows
    assert (out.exists(), backup.exists()) == (False, True)

    out.write_text("x")
    register.wrote(world.data, "export", out, [out], now=dt.datetime(2026, 10, 6, tzinfo=dt.UTC))
    assert retained(world, keep_transcripts_days=90)[1] == {}
    assert out.exists()


def test_exports_that_go_with_a_whole_call_are_told_before(world: Settings, tmp_path: Path) -> None:
    out = tmp_path / "turns.csv"
    out.write_text("x")
    register.wrote(world.data, "export", out, [out], now=dt.datetime(2026, 10, 3, tzinfo=dt.UTC))

    rows, done = retained(world, keep_scores_days=90)

    assert retention.Due("export", str(out), "2026-10-03") in rows
    assert done == {"export": 1, "call": 1}
    assert not out.exists()


def test_an_export_that_cannot_be_deleted_is_a_line_and_is_come_back_to(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    files = [tmp_path / name for name in ("calls.csv", "turns.csv")]
    for file in files:
        file.write_text("x")
    register.wrote(world.data, "export", tmp_path, files, now=old)
    unlink = os.unlink

    def read_only(path: Any, **how: Any) -> None:
        if str(path) == str(files[0]):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        unlink(path, **how)

    settings = dataclasses.replace(world, keep_exports_days=30, keep_cache_days=0)
    with Store(world.data) as store:
        with monkeypatch.context() as patched:
            patched.setattr(os, "unlink", read_only)
            done, problems = retention.retain_all(settings, store)
        assert done == {}
        (line,) = problems
        assert f"{files[0]}: is an export and cannot be deleted (Read-only file system)" in line
        assert [file.exists() for file in files] == [True, False]
        assert retention.retain_all(settings, store) == ({"export": 1}, [])
    assert not files[0].exists()
