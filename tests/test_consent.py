"""Calls without consent are neither heard nor kept; what a person says stands above files and paths."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import fakes
import pytest
from typer.testing import CliRunner

from pipeline import batch, consent, keep, plan
from pipeline.claims import Claims
from pipeline.cli import app
from pipeline.erase import Erasure, calls_to_erase, erase
from pipeline.ingest import discover, hash_file
from pipeline.plan import Outcome
from pipeline.settings import Settings
from pipeline.sidecar import read_sidecar
from pipeline.store import Store
from pipeline.types import CallMeta


def recording(settings: Settings, name: str, sidecar: str | None = None) -> Path:
    path = settings.inbox_folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"ok {name}")
    if sidecar is not None:
        path.with_name(path.name + ".yaml").write_text(sidecar)
    return path


def run(settings: Settings) -> list[Outcome]:
    made = plan.plan(discover([settings.inbox_folder]), settings)
    for job in made.jobs:
        fakes.work((job, settings))
    batch.update_store(settings)
    return list(made.settled)


def calls(settings: Settings) -> int:
    with Store(settings.data) as store:
        return len(store.query("SELECT call_id FROM calls"))


@pytest.mark.parametrize(
    ("said", "known"),
    [(True, "yes"), ("Given", "yes"), ("opted-in", "yes"), (False, "no"), ("WITHDRAWN", "no"), ("n", "no"),
     ("No consent", "no"), ("pending", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_consent_is_read_in_the_words_of_many_tools(said: object, known: str) -> None:
    assert consent.consent_of(CallMeta(extra={"consent": said})) == known


def test_a_refused_call_is_never_opened_and_said_in_one_line(stages: None, settings: Settings) -> None:
    recording(settings, "a.wav", "consent: no\n")
    recording(settings, "b.wav")

    (outcome,) = run(settings)

    assert outcome.status == "withheld"
    assert outcome.reason == f"{outcome.path}: consent was refused, so it is not heard or kept"
    assert calls(settings) == 1
    assert keep.read_failures(settings.data) == []


@pytest.mark.parametrize("word", ["nein", "pending", "perhaps", "[yes, no]", "yes and no"])
def test_a_word_that_is_not_understood_is_not_taken_for_silence(stages: None, settings: Settings, word: str) -> None:
    path = recording(settings, "a.wav", f"consent: {word}\n")

    (outcome,) = run(settings)

    assert outcome.status == "withheld"
    assert "is not understood, so it is not heard or kept; known are yes, y, true" in outcome.reason
    assert calls_in_files(settings) == []
    consent.state(settings.data, plan.identify(discover([path])[0], pattern="").sha256, "yes")
    assert [outcome.status for outcome in run(settings)] == []
    assert calls(settings) == 1


@pytest.mark.parametrize("word", ["", "unknown", "~"])
def test_nothing_said_stays_nothing_said(stages: None, settings: Settings, word: str) -> None:
    recording(settings, "a.wav", f"consent: {word}\n")
    assert run(settings) == []
    assert calls(settings) == 1


@pytest.mark.parametrize("refused", ["a", "b"])
def test_a_refusal_beside_one_copy_is_one_for_all_copies(stages: None, settings: Settings, refused: str) -> None:
    for folder in "ab":
        recording(settings, f"{folder}/x.wav").write_text("ok, the same call")
    run(settings)
    assert calls(settings) == 1
    (settings.inbox_folder / refused / "x.yaml").write_text("consent: no\n")
    for _ in range(3):
        assert [outcome.status for outcome in run(settings)] == ["withheld", "withheld"]
        assert calls(settings) == 0
    (settings.inbox_folder / refused / "x.yaml").unlink()
    run(settings)
    assert calls(settings) == 1


def test_with_require_consent_only_a_yes_is_heard(stages: None, settings: Settings) -> None:
    import dataclasses

    strict = dataclasses.replace(settings, require_consent=True)
    recording(settings, "a.wav", "consent: yes\n")
    unknown = recording(settings, "b.wav")

    (outcome,) = run(strict)
    assert "no consent is on record" in outcome.reason
    assert calls(settings) == 1

    consent.state(settings.data, plan.identify(discover([unknown])[0], pattern="").sha256, "yes")
    assert run(strict)[-1].status == "done"
    assert calls(settings) == 2


def test_a_transcript_that_says_no_itself_is_not_kept(stages: None, settings: Settings) -> None:
    path = recording(settings, "t.json")
    path.write_text(json.dumps(fakes.transcript_row("c", consent="no")))

    made = plan.plan(discover([path]), settings)
    done = fakes.work((made.jobs[0], settings))

    assert (done["status"], done["kept"]) == ("withheld", False)
    assert calls_in_files(settings) == []


def calls_in_files(settings: Settings) -> list[Path]:
    return list(keep.all_record_files(settings.data))


def test_a_yes_to_a_whole_folder_is_none_to_a_call_that_was_refused(stages: None, settings: Settings) -> None:
    recording(settings, "written.wav", "consent: no\n")
    recording(settings, "unclear.wav", "consent: ask Jo\n")
    told = recording(settings, "told.wav")
    recording(settings, "open.wav")
    spoken = recording(settings, "spoken.wav", "consent: no\n")
    consent.state(settings.data, hash_file(told), "no")
    consent.state(settings.data, hash_file(spoken), "yes")

    for found in discover([settings.inbox_folder]):
        consent.state_of_many(settings.data, hash_file(found.path), "yes")
    withheld = run(settings)

    assert sorted(outcome.path.name for outcome in withheld) == ["told.wav", "unclear.wav", "written.wav"]
    assert calls(settings) == 2
    consent.state_of_many(settings.data, hash_file(spoken), "no")
    assert "spoken.wav" in [outcome.path.name for outcome in run(settings)]
    assert calls(settings) == 1


def test_consent_taken_back_erases_what_was_kept_and_given_again_lets_it_in(stages: None, settings: Settings) -> None:
    path = recording(settings, "a.wav", "consent: yes\n")
    run(settings)
    assert calls(settings) == 1

    path.with_name("a.wav.yaml").write_text("consent: no\n")
    assert [outcome.status for outcome in run(settings)] == ["withheld"]
    assert calls_in_files(settings) == []
    assert calls(settings) == 0

    path.with_name("a.wav.yaml").write_text("consent: yes\n")
    run(settings)
    assert calls(settings) == 1


def test_a_refusal_that_erases_what_was_kept_is_remembered(stages: None, settings: Settings) -> None:
    path = recording(settings, "a.wav")
    run(settings)
    consent.state(settings.data, hash_file(path), "no")

    for _ in range(3):
        assert [outcome.status for outcome in run(settings)] == ["withheld"]
        assert calls_in_files(settings) == []
    assert consent.stated(settings.data, hash_file(path)) == "no"

    consent.state(settings.data, hash_file(path), "yes")
    run(settings)
    assert calls(settings) == 1


@pytest.mark.parametrize("kind", ["input", "engine"])
def test_a_call_that_failed_and_is_refused_keeps_no_failure(stages: None, settings: Settings, kind: str) -> None:
    path = recording(settings, "a.wav")
    (job,) = plan.plan(discover([settings.inbox_folder]), settings).jobs
    assert job.source is not None
    plan.keep_failure(settings, path, kind=kind, reason="no", read=job.source.state, sha256=job.sha256)
    consent.state(settings.data, job.sha256, "no")

    made = plan.plan(discover([settings.inbox_folder]), settings, max_attempts=1)

    assert [outcome.status for outcome in made.settled] == ["withheld"]
    assert keep.read_failures(settings.data) == []


def test_a_refused_call_leaves_nothing_but_the_refusal(stages: None, settings: Settings) -> None:
    sha256 = hash_file(recording(settings, "a.wav"))
    run(settings)
    consent.state(settings.data, sha256, "no")
    what = Erasure(tuple(calls_to_erase(settings.data, [sha256])))

    with Store(settings.data) as store:
        report = erase(settings, store, what, again=True)

    assert report.left == ()
    names = [file.name for file in settings.data.rglob("*") if sha256[:16] in file.name]
    assert names == [keep.fact_file(settings.data, consent.FACT, sha256).name]

    with Store(settings.data) as store:
        erase(settings, store, what)
    assert consent.stated(settings.data, sha256) is None


def test_a_refused_call_that_is_being_worked_on_is_reported_and_the_others_go_on(
    stages: None, settings: Settings
) -> None:
    path = recording(settings, "a.wav", "consent: yes\n")
    run(settings)
    path.with_name("a.wav.yaml").write_text("consent: no\n")
    recording(settings, "b.wav")
    with Claims(settings.data / "claims") as claims:
        assert claims.take(hash_file(path))
        made = plan.plan(discover([settings.inbox_folder]), settings)
    assert [job.path.name for job in made.jobs] == ["b.wav"]
    ((status, reason),) = [(outcome.status, outcome.reason) for outcome in made.settled]
    assert status == "stopped"
    assert reason.startswith(f"{path}: consent was refused, but what is kept could not be erased (")

    assert [outcome.status for outcome in run(settings)] == ["withheld"]
    assert calls(settings) == 1


def test_a_refused_recording_takes_the_call_of_its_transcript_with_it(stages: None, settings: Settings) -> None:
    settings.inbox_folder.mkdir(parents=True)
    (settings.inbox_folder / "a.json").write_text(json.dumps(fakes.transcript_row()))
    run(settings)
    assert calls(settings) == 1
    recording(settings, "a.wav", "consent: no\n")
    assert [outcome.status for outcome in run(settings)] == ["withheld"]
    assert calls(settings) == 0


@pytest.mark.parametrize("named", ["call", "file"])
def test_a_refusal_counts_for_the_transcript_beside_the_recording_too(
    stages: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    sniff = {"sniff": lambda path: "json" if path.suffix == ".json" else None}
    monkeypatch.setitem(fakes.MODULES, "pipeline.formats", fakes.MODULES["pipeline.formats"] | sniff)
    monkeypatch.setitem(sys.modules, "pipeline.formats", fakes.modules()["pipeline.formats"])
    path = recording(settings, "a.wav")
    path.with_suffix(".json").write_text(json.dumps(fakes.transcript_row()))
    run(settings)
    assert calls(settings) == 1
    call = str(path) if named == "file" else hash_file(path)[:16]

    assert CliRunner().invoke(app, ["consent", "no", call, "--data", str(settings.data)]).exit_code == 0
    path.rename(settings.data / "elsewhere.wav")
    assert [outcome.status for outcome in run(settings)] == ["withheld"]
    assert calls(settings) == 0

    (settings.data / "elsewhere.wav").rename(path)
    assert CliRunner().invoke(app, ["consent", "yes", str(path), "--data", str(settings.data)]).exit_code == 0
    path.unlink()
    assert run(settings) == []
    assert calls(settings) == 1


def test_a_refusal_says_what_went_and_names_the_backup_that_still_has_it(
    stages: None, settings: Settings, tmp_path: Path
) -> None:
    def say(*words: str) -> Any:
        return CliRunner().invoke(app, [*words, "--data", str(settings.data)], env={"COLUMNS": "80"})

    path = recording(settings, "a.wav")
    run(settings)
    backup = tmp_path / "backup.tar.gz"
    assert say("backup", str(backup)).exit_code == 0

    refused = say("consent", "no", hash_file(path)[:16])
    assert refused.exit_code == 0
    assert "erased: 1 call" in refused.output
    assert f"{backup}: a backup of" in refused.output
    assert f"{path}: the recording itself" in refused.output
    # nothing more is kept of it: nothing more is said
    assert "erased" not in say("consent", "no", str(path)).output


def test_vendors_and_paths_say_it_too(tmp_path: Path) -> None:
    audio = tmp_path / "a.wav"
    audio.write_text("x")
    audio.with_name("a.wav.json").write_text(json.dumps({"recording_consent": "denied", "host": "Ann"}))
    assert consent.consent_of(read_sidecar(audio)) == "no"

    found = discover([tmp_path / "a.wav"])[0]
    audio.with_name("a.wav.json").unlink()
    assert consent.consent_of(plan.identify(found, pattern="{consent}").meta()) == "unknown"
    named = tmp_path / "no_b.wav"
    named.write_text("y")
    assert consent.consent_of(plan.identify(discover([named])[0], pattern="{consent}_{account}").meta()) == "no"
