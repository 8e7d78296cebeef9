"""Exports that were written for others are found again when they have to go, wherever and however often they were."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest

from pipeline import batch, erase, plan, register
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


def export(settings: Settings, folder: Path) -> None:
    with Store(settings.data) as store:
        rows = store.export(folder, form="jsonl")
    register.wrote(settings.data, "export", folder, [folder / f"{table}.jsonl" for table in rows])


def erased(settings: Settings) -> erase.Report:
    with Store(settings.data) as store:
        return erase.erase(settings, store, erase.of_person(settings, store, PERSON))


def test_an_export_in_a_folder_by_the_persons_name_is_deleted_too(kept: Settings, tmp_path: Path) -> None:
    answered = tmp_path / f"what {PERSON} asked for"
    export(kept, answered)

    assert erased(kept).left == ()

    assert list(answered.glob("*")) == []
    assert PERSON not in (kept.data / register.FILE).read_text()
