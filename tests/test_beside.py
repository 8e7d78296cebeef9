"""What lies beside a file, in capitals or not, on disks that tell the two apart and on disks that do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import batch, consent, keep, plan
from pipeline.beside import FRESH_S, Beside
from pipeline.erase import beside as own_files
from pipeline.ingest import beside_state, discover
from pipeline.settings import Settings
from pipeline.sidecar import read_sidecar

SUFFIXES = (".json", ".yaml")


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("rep: Ann\n")
    return folder / names[0]


def found(path: Path) -> list[str]:
    return [item.name for item in Beside().find(path, SUFFIXES, ("calls.csv",))]


def test_names_are_found_in_any_case_suffix_by_suffix(tmp_path: Path) -> None:
    call = put(tmp_path, "call.wav", "call.YAML", "call.wav.yaml", "call.Json", "Calls.CSV", "other.yaml", "call.mp3")
    assert found(call) == ["call.Json", "call.wav.yaml", "call.YAML", "Calls.CSV"]


def test_of_two_spellings_the_lower_comes_first(tmp_path: Path) -> None:
    assert found(put(tmp_path, "call.wav", "call.YAML", "call.yaml")) == ["call.yaml", "call.YAML"]


def test_a_file_is_never_beside_itself(tmp_path: Path) -> None:
    assert found(put(tmp_path, "call.yaml", "call.yaml.yaml")) == ["call.yaml.yaml"]


def test_what_belongs_to_another_spelling_of_the_name_is_left_to_that(tmp_path: Path) -> None:
    call = put(tmp_path, "call.wav", "Call.wav", "Call.yaml")
    assert found(call) == []
    assert found(tmp_path / "Call.wav") == ["Call.yaml"]


def test_a_disk_that_knows_no_capitals_gives_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = put(tmp_path, "call.wav", "CALL.YAML")
    exists = os.path.exists

    def without_case(path: str) -> bool:
        return exists(path) or Path(path).name.lower() in {name.lower() for name in os.listdir(tmp_path)}

    monkeypatch.setattr(os.path, "exists", without_case)
    assert found(call) == ["call.YAML"]


def test_accents_that_the_disk_takes_apart_are_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = put(tmp_path, "caf\u00e9.wav")
    monkeypatch.setattr(os, "listdir", lambda folder: ["cafe\u0301.wav", "cafe\u0301.yaml"])
    monkeypatch.setattr(os.path, "exists", lambda path: path.endswith("caf\u00e9.yaml"))
    assert found(call) == ["caf\u00e9.yaml"]


def test_a_folder_that_may_not_be_listed_is_asked_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = put(tmp_path, "call.wav", "call.yaml")

    def shut(folder: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", shut)
    assert found(call) == ["call.yaml"]


def test_a_folder_is_listed_once_for_all_its_files_and_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    beside = Beside(clock=lambda: now[0])
    listed: list[str] = []
    listdir = os.listdir

    def counted(folder: str) -> list[str]:
        listed.append(folder)
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", counted)
    calls = [put(tmp_path, f"{n}.wav") for n in range(20)]
    assert [beside.find(call, SUFFIXES) for call in calls] == [[]] * 20
    assert len(listed) == 1
    put(tmp_path, "7.yaml")
    now[0] += FRESH_S
    assert beside.find(calls[7], SUFFIXES) == [tmp_path / "7.yaml"]


@pytest.mark.parametrize("name", ["a.YAML", "a.wav.Yml", "a.JSON", "Calls.csv", "METADATA.CSV"])
def test_a_refusal_in_a_file_named_in_capitals_is_heeded(stages: None, settings: Settings, name: str) -> None:
    inbox = settings.inbox_folder
    inbox.mkdir(parents=True)
    call = put(inbox, "a.wav")
    call.write_text("ok")
    texts = {".csv": "file,consent\na.wav,no\n", ".json": '{"consent": "no"}'}
    before = beside_state(call)
    (inbox / name).write_text(texts.get(Path(name).suffix.lower(), "consent: no\n"))
    assert beside_state(call) != before
    assert consent.consent_of(read_sidecar(call)) == "no"
    made = plan.plan(discover([inbox]), settings)
    assert [(item.path.name, item.status) for item in made.settled] == [("a.wav", "withheld")]
    assert made.jobs == ()


def test_a_sidecar_named_in_capitals_goes_with_its_recording(tmp_path: Path) -> None:
    call = put(tmp_path, "call.wav", "call.wav.YAML", "call.Json")
    assert own_files(call, set()) == [tmp_path / "call.Json", tmp_path / "call.wav.YAML"]
    put(tmp_path, "call.mp3")
    assert own_files(call, set()) == [tmp_path / "call.wav.YAML"]


def test_two_looks_see_the_same_where_nothing_changed(stages: None, settings: Settings) -> None:
    inbox = settings.inbox_folder
    inbox.mkdir(parents=True)
    put(inbox, "a.wav", "a.YAML")
    (inbox / "a.wav").write_text("ok")
    (job,) = plan.plan(discover([inbox]), settings).jobs
    assert batch.work((job, settings))["kept"]
    record = keep.latest_record(settings.data, job.sha256)
    assert record is not None
    assert record["transcript"]["meta"]["rep"] == "Ann"
    assert [item.status for item in plan.plan(discover([inbox]), settings).settled] == ["done"]
