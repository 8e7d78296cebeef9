from __future__ import annotations

import datetime as dt
import json
import unicodedata
from pathlib import Path

import pytest
from fakes import sniff, transcript_row

from pipeline import batch, plan
from pipeline.consent import consent_of
from pipeline.errors import InputError
from pipeline.ingest import discover
from pipeline.keep import encode
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


@pytest.mark.parametrize("table", [False, True])
def test_a_word_by_hand_counts_beside_what_a_vendor_exported(call: Path, table: bool) -> None:
    row = {"metaData": {"id": "77", "title": "Calder intro"}, "parties": [{"name": "Zed", "affiliation": "Internal"}]}
    call.with_suffix(".json").write_text(json.dumps(row))
    if table:
        call.with_name("calls.csv").write_text(f"file,team,consent\n{call.name},North,no\n")
    else:
        call.with_suffix(".yaml").write_text("rep: Priya Nair\nteam: North\nconsent: no\n")
    meta = read_sidecar(call)
    assert (meta.rep, meta.team, meta.title) == ("Zed" if table else "Priya Nair", "North", "Calder intro")
    assert consent_of(meta) == "no"


def test_a_refusal_in_the_second_of_two_tables_is_read(call: Path) -> None:
    call.with_name("calls.csv").write_text(f"file,rep\n{call.name},Ann\n")
    other = call.with_name("metadata.csv")
    other.write_text(f"file,rep,consent\n{call.name},Zed,no\n")
    meta = read_sidecar(call)
    assert (meta.rep, consent_of(meta)) == ("Ann", "no")
    other.write_bytes(b"PK\x03\x04" + bytes(100))
    assert read_sidecar(call).rep == "Ann"


@pytest.mark.parametrize("unsaid", ["", "~", "unknown", "''"])
def test_a_consent_that_one_file_leaves_open_is_read_in_the_next(call: Path, unsaid: str) -> None:
    call.with_suffix(".yaml").write_text(f"rep: Ann\nconsent: {unsaid}\n")
    call.with_name("calls.csv").write_text(f"file,consent\n{call.name},no\n")
    assert consent_of(read_sidecar(call)) == "no"


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


@pytest.mark.parametrize("name", ["2026-10-06_Calder.yaml", "2026-10-06_Calder.json"])
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"date": "10/06/2026"}, "date '10/06/2026' may be 10/6 or 6/10; write dates as YYYY-MM-DD"),
        ({"date": "soon"}, "date 'soon' is no date"),
        ({"date": "2026-02-30"}, "date '2026-02-30' is no date"),
        ({"speakers": "banana"}, "'speakers' is how many people speak, a number from 1 to 19, found 'banana'"),
        ({"acount": "Acme"}, "nothing is called 'acount'; write 'account'"),
        ({"account": ["Acme", "Calder"]}, "'account' must be a text"),
    ],
)
def test_what_is_not_understood_is_said(call: Path, name: str, row: dict[str, object], says: str) -> None:
    call.with_name(name).write_text(json.dumps(row | {"rep": "Ann"}))
    with pytest.raises(InputError) as caught:
        read_sidecar(call)
    assert str(caught.value) == f"{call.with_name(name)}: {says}" or says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "day"),
    [("06.10.2026", (2026, 10, 6)), ("31.12.2026", (2026, 12, 31)), ("12/31/2026", (2026, 12, 31)),
     ("20261006", (2026, 10, 6)), ("2026-10-06 09:30", (2026, 10, 6)), ("1764936000", (2025, 12, 5)),
     ("1764936000000", (2025, 12, 5)), ("1712061551200", (2024, 4, 2))],
)  # fmt: skip
def test_days_are_read_as_people_write_them(call: Path, text: str, day: tuple[int, int, int]) -> None:
    call.with_suffix(".yaml").write_text(f"date: {text}\n")
    assert read_sidecar(call).date == dt.date(*day)


def test_a_word_stays_the_word_that_was_written(call: Path) -> None:
    call.with_suffix(".yaml").write_text("rep: No\naccount: yes\nteam: 007\ntitle: 2026-10-06\nstage: late\n")
    assert read_sidecar(call).to_json() == {
        "rep": "No", "account": "yes", "team": "007", "title": "2026-10-06", "stage": "late",
    }  # fmt: skip


def test_what_has_parts_is_kept_beside_what_has_none(call: Path) -> None:
    call.with_suffix(".yaml").write_text("rep: Ann\nchannels: {0: rep, 1: buyer}\ntags: [a, b]\n")
    assert read_sidecar(call).to_json() == {"rep": "Ann", "channels": {"0": "rep", "1": "buyer"}, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("c.yaml", "rep: Ann\n1: note\n", {"rep": "Ann", "1": "note"}),
        ("c.yaml", "rep: Ann\n~: note\n", {"rep": "Ann", "null": "note"}),
        ("c.yaml", "rep: Ann\nlate: !!float .inf\n", {"rep": "Ann", "late": "Infinity"}),
        (
            "c.json",
            '{"rep": "Ann", "x": NaN, "y": 1e999, "z": 1.5}',
            {"rep": "Ann", "x": "NaN", "y": "1e999", "z": 1.5},
        ),
    ],
)
def test_what_is_no_text_is_metadata_that_can_be_kept(
    tmp_path: Path, name: str, text: str, kept: dict[str, object]
) -> None:
    (tmp_path / "c.wav").write_text("ok")
    (tmp_path / name).write_text(text)
    row = read_sidecar(tmp_path / "c.wav").to_json()
    assert row == kept
    assert json.loads(encode(row)) == kept


def test_channels_by_number_are_the_same_at_every_look(stages: None, settings: Settings) -> None:
    folder = settings.inbox_folder
    folder.mkdir(parents=True)
    (folder / "a.wav").write_text("ok")
    (folder / "a.yaml").write_text("channels: {1: rep, 2: buyer}\n")
    (job,) = plan.plan(discover([folder]), settings).jobs
    assert batch.work((job, settings))["kept"]
    assert [outcome.status for outcome in plan.plan(discover([folder]), settings).settled] == ["done"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("c.yaml", "speakers: \u00b2\n", "'speakers' is how many people speak"),
        ("c.json", json.dumps({"rep": "Ann", "speakers": "9" * 5000}), "'speakers' is how many people speak"),
        ("c.json", '{"rep": "Ann", "x": ' + "9" * 5000 + "}", "metadata cannot be read"),
        ("c.yaml", "rep: &a [*a]\n", "line 1: write it out instead of an alias"),
        ("c.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "line 2: write it out instead of an alias"),
        ("c.yaml", "rep: Ann\nteam: [North\n", "line 3: expected ',' or ']'"),
        ("c.yaml", "date: !!timestamp tomorrow\n", "metadata cannot be read"),
        ("c.yaml", "rep: Ann\nconsent: !!bool maybe\n", "metadata cannot be read"),
        ("c.yaml", "rep: !!int ''\n", "metadata cannot be read"),
        ("c.yaml", "- rep: Ann\n", "metadata must be lines such as `rep: Priya Nair`"),
        ("c.yaml", "just words", "metadata must be lines such as"),
        ("c.json", '{\n"rep": Ann}', "line 2 "),
        ("c.json", '{"rep": false}', "'rep' must be a text, found false"),
        ("c.csv", "rep,account\n", "a heading and no row, where one row is expected"),
        ("c.csv", "rep,account\nAnn,A\nBea,B\n", "2 rows, where one row is expected"),
        ("calls.csv", "name,rep\nc.wav,Ann\n", "no column 'file' that names the recordings; it has name, rep"),
        ("calls.csv", "file,rep,date\nc.wav,Ann,10/06/2026\n", "calls.csv: c.wav: date '10/06/2026' may be"),
        ("calls.csv", "PK\x03\x04", "save it as CSV (UTF-8)"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / "c.wav").write_text("ok")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_sidecar(tmp_path / "c.wav")
    assert says in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("start", ["", "sep=;\r\n"])
def test_tables_are_read_as_excel_saves_them(call: Path, encoding: str, start: str) -> None:
    text = f"{start}File;Rep;Account\r\n{call.name};Jos\u00e9;Caf\u00e9 M\u00fcller\r\n"
    call.with_name("calls.csv").write_bytes(text.encode(encoding))
    assert read_sidecar(call).to_json() == {"rep": "Jos\u00e9", "account": "Caf\u00e9 M\u00fcller"}


def test_a_broken_table_is_nothing_to_a_file_with_a_word_of_its_own(call: Path) -> None:
    call.with_name("calls.csv").write_bytes(b"PK\x03\x04" + bytes(100))
    call.with_suffix(".yaml").write_text("rep: Ann\n")
    assert read_sidecar(call).rep == "Ann"


def test_a_table_of_something_else_is_passed_over(call: Path) -> None:
    call.with_suffix(".csv").write_text("word,t0\nhi,1\nyou,2\n")
    call.with_name("metadata.csv").write_text("word,t0\nhi,1\n")
    assert read_sidecar(call).to_json() == {}


def test_whose_call_it_is_says_gongs_owner_and_of_several_nobody(tmp_path: Path) -> None:
    call = tmp_path / "a.wav"
    people = [{"name": name, "userId": name[0], "affiliation": "Internal"} for name in ("Sam", "Priya")]
    row = {"metaData": {"id": "7", "primaryUserId": "P"}, "parties": people}
    call.with_suffix(".json").write_text(json.dumps(row))
    assert read_sidecar(call).rep == "Priya"
    row["metaData"] = {"id": "7"}
    call.with_suffix(".json").write_text(json.dumps(row))
    assert read_sidecar(call).rep is None


@pytest.mark.parametrize("name", ["JOSÉ.WAV", unicodedata.normalize("NFD", "José.wav")])
@pytest.mark.parametrize("written", ["José.wav", "José"])
def test_a_table_names_files_as_excel_windows_or_a_mac_does(tmp_path: Path, name: str, written: str) -> None:
    (tmp_path / "calls.csv").write_text(f"file,rep,consent\n{written},Ann,no\n")
    call = tmp_path / name
    call.write_text("ok")
    assert read_sidecar(call).extra["consent"] == "no"
    folder = tmp_path / written
    folder.mkdir()
    assert read_sidecar(call).extra["consent"] == "no"
    folder.rmdir()
    (tmp_path / written).write_text("another")
    assert read_sidecar(call).rep is None


def test_what_zoom_and_gong_answer_is_read_as_it_came(tmp_path: Path) -> None:
    call = tmp_path / "a.mp4"
    zoom = {"topic": "Intro", "start_time": "2026-10-07T01:30:00Z", "timezone": "America/Los_Angeles"}
    call.with_suffix(".json").write_text(json.dumps({**zoom, "recording_files": [{"id": "1", "file_type": "MP4"}]}))
    meta = read_sidecar(call)
    assert (meta.title, str(meta.date)) == ("Intro", "2026-10-06")
    gong = {"metaData": {"id": "7", "title": "Demo"}, "parties": [{"name": "Ann", "affiliation": "Internal"}]}
    call.with_suffix(".json").write_text(json.dumps({"requestId": "r", "records": {}, "calls": [gong]}))
    assert (read_sidecar(call).title, read_sidecar(call).rep) == ("Demo", "Ann")


@pytest.mark.parametrize("name", ["call.csv", "calls.csv"])
@pytest.mark.parametrize("encoding", ["mac_roman", "utf-8", "utf-16"])
@pytest.mark.parametrize("start", ["", "sep=;\r"])
def test_tables_are_read_as_excel_saves_them_on_a_mac(tmp_path: Path, name: str, encoding: str, start: str) -> None:
    (tmp_path / name).write_bytes((start + "file;rep;account\rcall.wav;Zoë Núñez;Café A\r").encode(encoding))
    meta = read_sidecar(tmp_path / "call.wav")
    assert (meta.rep, meta.account) == ("Zoë Núñez", "Café A")


@pytest.mark.parametrize("key", ["account_id", "accountId", "account id", "account_no", "consent_id", "call_type_id"])
def test_a_number_that_others_keep_of_a_thing_is_no_slip(call: Path, key: str) -> None:
    call.with_suffix(".json").write_text(json.dumps({"agent": "Priya Nair", key: "0017A"}))
    meta = read_sidecar(call)
    assert (meta.rep, meta.account, meta.extra[key]) == ("Priya Nair", None, "0017A")


@pytest.mark.parametrize("files", [{}, {"recording_files": [{"file_type": "MP4", "file_size": 1}]}])
def test_what_zooms_webhook_posts_is_read_as_it_came(call: Path, files: dict[str, object]) -> None:
    told = {"id": 5, "uuid": "u==", "topic": "Calder intro", "host_name": "Priya Nair", "account_id": "a", **files}
    times = {"start_time": "2026-10-07T01:30:00Z", "timezone": "America/Los_Angeles"}
    post = {"event": "recording.completed", "payload": {"account_id": "a", "object": {**told, **times}}, "event_ts": 1}
    call.with_suffix(".json").write_text(json.dumps(post))
    meta = read_sidecar(call)
    assert (meta.title, meta.rep, meta.date) == ("Calder intro", "Priya Nair", dt.date(2026, 10, 6))
