"""The story's calls with four users, as new for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from coach_story import keep_story

from pipeline.access.book import AccessBook
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web.desk import Desk


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("story")
    keep_story(data)
    with Store(data) as store:
        store.ingest()
    with AccessBook(data) as book:
        book.add_user("Ada", "admin")
        book.add_user("Mo", "manager", teams=("North",))
        book.add_user("Tess", "trainer")
        book.add_user("Ann", "rep", rep="Ann")
    return data


@pytest.fixture
def desk(story: Path, tmp_path: Path) -> Iterator[Desk]:
    data = tmp_path / "data"
    shutil.copytree(story, data)
    desk = Desk(Settings(data=data))
    yield desk
    desk.close()
