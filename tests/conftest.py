"""Shared fixtures."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fakes
import pytest
from waiting import HANGS_S

# loaded before any stand-in: what is loaded beside one keeps its names for all later tests
import pipeline.chat
import pipeline.coach.trainer
import pipeline.moments
import pipeline.web.app  # noqa: F401
from pipeline import batch
from pipeline.settings import Settings
from pipeline.web import backroom
from pipeline.web.desk import Desk

# on a machine that is slow today, pages are waited for instead of shown as they were a moment ago
backroom.QUICK_S = backroom.FIRST_S = HANGS_S


@pytest.fixture(scope="session", autouse=True)
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Prefect's files in a folder of this run, as the commands put them into the data folder: whichever test loads it
    first decides for all, and by itself it would take the home folder of whoever runs the tests."""
    from flows.local import use_data_folder

    data = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PREFECT_HOME", "PREFECT_API_URL"):
            # set first, so that it is taken back though it was not there
            patch.setenv(name, "")
            os.environ.pop(name)
        use_data_folder(data)
        yield data / "prefect"


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hearing, formats, roles, rubric and judge replaced by the stand-ins of `fakes`."""
    for name, module in fakes.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(fakes, "REVISION", ["1"])
    monkeypatch.setattr(fakes, "RUBRIC_VERSION", ["aaaa"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder of its own, two workers, short limits."""
    return Settings(data=tmp_path / "data", workers=2, timeout_s=HANGS_S)


@pytest.fixture
def inbox(stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inbox of the data folder with three calls; workers that use the stand-ins."""
    folder = settings.inbox_folder / "North" / "Ann"
    folder.mkdir(parents=True)
    for name, word in {"2026-09-14_a": "ok", "2026-09-15_b": "silence", "2026-09-16_c": "noisy"}.items():
        (folder / f"{name}.wav").write_text(word)
    begin = batch.Batch.__init__

    def with_stand_ins(self: batch.Batch, *args: Any, **options: Any) -> None:
        begin(self, *args, **{**options, "task": "fakes:work"})

    monkeypatch.setattr(batch.Batch, "__init__", with_stand_ins)
    return settings.inbox_folder


@pytest.fixture
def zone() -> Iterator[Callable[[str], None]]:
    """Puts this machine into a time zone, and back when the test is over."""

    def put(name: str) -> None:
        patch.setenv("TZ", name)
        time.tzset()

    with pytest.MonkeyPatch.context() as patch:
        yield put
    time.tzset()


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk that a test file's `opened(folder)` makes, for all tests of the file that only read."""
    with request.module.opened(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk like it for a test that changes what others count on."""
    with request.module.opened(tmp_path / "own") as made:
        yield made
