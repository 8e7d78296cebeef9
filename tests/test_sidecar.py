from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from fakes import sniff, transcript_row

from pipeline import plan
from pipeline.errors import InputError
from pipeline.ingest import discover
from pipeline.settings import Settings
from pipeline.sidecar import MAX_BYTES, read_sidecar


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "2026-10-06_Calder.wav"
    path.write_text("ok")
    return path


@pytest.mark.parametrize(
    "text", ["Rep,Account,Date\nPriya Nair,Calder,2026-10-06\n", "rep;account;date\nPriya Nair;Calder;2026-10-06"]
)
@pytest.mark.parametrize("name", ["2026-10-06_Calder.csv", "2026-10-06_Calder.wav.csv"])
def test_a_csv_of_one_row_is_a_sidecar(call: Path, name: str, text: str) -> None:
    call.with_name(name).write_text(text)
    meta = read_sidecar(call)
    assert (meta.rep, meta.account, meta.date) == ("Priya Nair", "Calder", dt.date(2026, 10, 6))
    assert [found.path for found in discover([call.parent], sniff=sniff)] == [call]


def test_a_table_speaks_for_the_files_of_its_folder(call: Path) -> None:
    table = call.with_name("calls.csv")
    table.write_text(f"file,rep,account\n{call.name},Ann,\nrecordings/other.wav,Bea,Acme\n")
    assert read_sidecar(call).to_json() == {"rep": "Ann"}
    other = call.with_name("other.wav")
    assert read_sidecar(other).account == "Acme"
    other.with_suffix(".yaml").write_text("rep: Cem")
    assert read_sidecar(other).rep == "Cem"
    assert [found.path for found in discover([call.parent], sniff=sniff)] == [call]
    table.write_text("file,rep\n" + f"{call.name},Dov Later\n")
    assert read_sidecar(call).rep == "Dov Later"


def test_a_vendors_metadata_is_read(call: Path) -> None:
    row = {
        "metaData": {"id": "77", "title": "Calder intro", "started": "2026-10-06T09:00:00Z"},
        "parties": [{"name": "Ann Buyer", "affiliation": "External"}, {"name": "Priya", "affiliation": "Internal"}],
    }
    call.with_suffix(".json").write_text(json.dumps(row))
    meta = read_sidecar(call)
    assert (meta.rep, meta.title, meta.date) == ("Priya", "Calder intro", dt.date(2026, 10, 6))
    assert meta.extra["external_id"] == "77"


def test_flat_vendor_keys_are_known_and_ours_win(call: Path) -> None:
    call.with_suffix(".json").write_text(json.dumps({"Host": "Zed", "rep": "Ann", "Topic": "Intro", "company": "Acme"}))
    meta = read_sidecar(call)
    assert (meta.rep, meta.title, meta.account) == ("Ann", "Intro", "Acme")


def test_a_transcript_beside_it_is_no_sidecar(call: Path) -> None:
    call.with_suffix(".json").write_text(json.dumps({"turns": [], "metadata": {"rep": "x"}}))
    assert read_sidecar(call).to_json() == {}


def test_a_link_out_of_the_inbox_is_not_followed(call: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text("rep: secret")
    call.with_suffix(".yaml").symlink_to(secret)
    assert read_sidecar(call, root=call.parent).to_json() == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", "rep: [" * 50),
        ("c.yaml", "x" * (MAX_BYTES + 1)),
        ("c.json", "{"),
        ("c.json", "[" * 100_000),
        ("c.yaml", "\x00"),
        ("c.csv", "rep\n" + "x" * 200_000),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_it(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / "c.wav"
    path.write_text("ok")
    path.with_name(name).write_text(content)
    with pytest.raises(InputError, match=name) as caught:
        read_sidecar(path)
    assert "\n" not in str(caught.value)


def test_a_file_refused_for_its_metadata_is_tried_again_when_that_is_corrected(
    stages: None, settings: Settings
) -> None:
    folder = settings.inbox_folder
    folder.mkdir(parents=True)
    (folder / "a.wav").write_text("ok")
    (folder / "a.yaml").write_text("rep: [")
    assert [o.status for o in plan.plan(discover([folder]), settings).settled] == ["failed"]
    assert [o.known for o in plan.plan(discover([folder]), settings).settled] == [True]

    (folder / "a.yaml").write_text("rep: Ann\n")

    assert [job.path.name for job in plan.plan(discover([folder]), settings).jobs] == ["a.wav"]


@pytest.mark.parametrize("said", ["silence", "engine"])
def test_a_failed_recording_is_tried_again_when_its_transcript_comes(
    stages: None, settings: Settings, said: str
) -> None:
    folder = settings.inbox_folder
    folder.mkdir(parents=True)
    (folder / "a.wav").write_text(said)
    (job,) = plan.plan(discover([folder]), settings).jobs
    assert job.source is not None
    kind = "input" if said == "silence" else "engine"
    plan.keep_failure(settings, job.path, kind=kind, reason="no", read=job.source.state, sha256=job.sha256)
    assert [o.known for o in plan.plan(discover([folder]), settings, max_attempts=1).settled] == [True]

    (folder / "a.json").write_text(json.dumps(transcript_row()))

    assert [job.path.name for job in plan.plan(discover([folder]), settings, max_attempts=1).jobs] == ["a.wav"]


@pytest.mark.parametrize("name", ["a.yaml", "a.vtt", "a.wav.txt"])
def test_a_watcher_looks_again_when_only_what_lies_beside_changed(tmp_path: Path, name: str) -> None:
    from flows.watch import SETTLE_S, Looked

    now = [0.0]
    looked = Looked(clock=lambda: now[0])
    (tmp_path / "a.wav").write_text("ok")
    found = discover([tmp_path])

    def ready() -> int:
        looked.ready(found)
        now[0] += SETTLE_S + 1
        still, _ = looked.ready(found)
        looked.settle(still)
        return len(still)

    assert [ready(), ready()] == [1, 0]
    (tmp_path / name).write_text("consent: yes\n")
    assert [ready(), ready()] == [1, 0]


def test_an_evening_call_is_of_the_day_that_it_was_where_it_was_made(call: Path) -> None:
    stated = {"topic": "Demo", "start_time": "2026-04-01T01:30:00Z", "timezone": "America/Los_Angeles"}
    call.with_suffix(".json").write_text(json.dumps(stated))
    assert read_sidecar(call).date == dt.date(2026, 3, 31)
    call.with_suffix(".json").write_text(json.dumps({"metaData": stated, "parties": []}))
    assert read_sidecar(call).date == dt.date(2026, 3, 31)
    call.with_suffix(".json").unlink()
    call.with_suffix(".yaml").write_text("date: 2026-04-01T01:30:00Z\nTime Zone: America/Los_Angeles\n")
    assert read_sidecar(call).date == dt.date(2026, 3, 31)
