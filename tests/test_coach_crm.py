"""What a CRM is told of accounts: its fields, and what is sent."""

from __future__ import annotations

import csv
import datetime as dt
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coach_story import DAY, RUBRIC, story
from test_store import keep_call

from pipeline.coach.commands import account_rows, crm_records
from pipeline.coach.crm import FIELDS, checked_url, crm_rows, field_rows, fields_for, push, stage_of, to_csv
from pipeline.coach.reports import account_report
from pipeline.errors import EngineError, SettingsError
from pipeline.settings import Settings
from pipeline.store import Store


def test_a_crm_is_told_of_as_many_calls_and_accounts_as_the_list_of_accounts(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    for days, account in ((900, "Acme"), (30, "Acme"), (900, "Dale")):
        day = dt.date.today() - dt.timedelta(days)
        keep_call(tmp_path, settings, "Ann", f"{day.isoformat()}_{account}", f"hello {days} {account}")
    with Store(settings.data) as store:
        store.ingest()
        records, fields = crm_records(store, settings=settings)
        listed = account_rows(store, settings=settings)
    told = {row[fields["account"]]: row[fields["calls"]] for row in records}
    assert told == {row["account"]: row["calls"] for row in listed} == {"Acme": 2, "Dale": 1}


@pytest.mark.parametrize("key", ["abc\u2013def", "abc\ndef"])
def test_a_key_that_cannot_be_sent_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("DEBRIEF_CRM_KEY", key)
    with pytest.raises(SettingsError, match="DEBRIEF_CRM_KEY: holds a character") as caught:
        push("http://127.0.0.1:9/x", "hubspot", [{}])
    assert "abc" not in str(caught.value)


def test_an_address_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(SettingsError, match="crm_url: not an address"):
        push("https://\u00fc..example/x", "hubspot", [{}])


def views() -> list[dict[str, Any]]:
    names = sorted({c.account for c in story().calls if c.account})
    return [account_report(story(), RUBRIC, name, as_of=DAY)[0] for name in names]


@pytest.mark.parametrize("system", sorted(FIELDS))
def test_every_account_becomes_a_record_under_the_crms_fields(system: str, tmp_path: Path) -> None:
    fields = fields_for(system, tmp_path)
    rows = crm_rows(views(), fields)
    assert [row[fields["account"]] for row in rows] == ["Acme", "Birch", "Cedar", "Dale"]
    assert all(set(row) == set(fields.values()) for row in rows)
    assert rows[0][fields["calls"]] == 3
    assert rows[0][fields["call_ids"]].split() == ["a1", "a3", "a5"]
    assert rows[0][fields["next_step"]] == "I will send you something and we speak soon."
    read = list(csv.DictReader(io.StringIO(to_csv(rows, fields))))
    assert [row[fields["account"]] for row in read] == ["Acme", "Birch", "Cedar", "Dale"]


def test_names_of_fields_can_be_changed_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "crm.yaml").write_text("account: Deal\nrisks: null\n", encoding="utf-8")
    fields = fields_for("hubspot", tmp_path)
    assert fields["account"] == "Deal"
    assert "risks" not in fields
    for text, says in (
        ("colour: x", "unknown fact 'colour'"),
        ("account: 7", "expected a field name"),
        ("- a", "lines"),
        ("account: 2026-02-30", "quotes"),
    ):
        (tmp_path / "crm.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=says):
            fields_for("hubspot", tmp_path)
    with pytest.raises(SettingsError, match="unknown system 'sap'"):
        fields_for("sap", tmp_path)


@pytest.mark.parametrize("system", sorted(FIELDS))
def test_each_field_that_is_written_is_named_with_its_type(system: str, tmp_path: Path) -> None:
    fields = fields_for(system, tmp_path)
    types = {row["field"]: row["type"] for row in field_rows(fields)}
    assert list(types) == list(fields.values())
    for row in crm_rows(views(), fields):
        for field, value in row.items():
            assert value is None or isinstance(value, int) == (types[field] == "number")
    assert (types[fields["last_call"]], types[fields["call_ids"]]) == ("date", "long text")


def test_a_cell_that_a_spreadsheet_would_run_is_text() -> None:
    assert to_csv([{"a": "=1+1"}], {"x": "a"}).splitlines()[1] == "'=1+1"


def test_a_sentence_that_salesforce_would_refuse_is_cut() -> None:
    (view, *_) = views()
    long = {**view, "next_step_agreed": {"what": "x" * 400, "due": None, "owner": "Ann"}}
    (row,) = crm_rows([long], FIELDS["salesforce"])
    assert len(row["NextStep"]) == 255
    (row,) = crm_rows([long], FIELDS["hubspot"])
    assert len(row["hs_next_step"]) == 400


def test_private_details_leave_texts_and_nothing_else() -> None:
    from pipeline.redact import ALL, redact_text

    (view, *_) = views()
    call_id = "0336627145905508"
    step = {"what": "Ring me on 0161 496 0123 then.", "due": "2026-11-09", "owner": "Mia"}
    told = {**view, "next_step_agreed": step, "calls": [{"call": call_id, "date": "2026-11-02", "rep": "Ann"}]}
    (row,) = crm_rows([told], FIELDS["hubspot"], clean=lambda text: redact_text(text, kinds=ALL).text)
    assert row["debrief_call_ids"] == call_id
    assert (row["debrief_next_step_due"], row["debrief_last_call"]) == ("2026-11-09", "2026-11-02")
    assert "0161" not in row["hs_next_step"]
    assert row["debrief_stage"] == stage_of(view)


def test_the_stage_is_the_last_that_is_done() -> None:
    stages = ("survey", "assess", "align", "close")

    def view(*done: str) -> dict[str, Any]:
        return {"how_far": [{"stage": s, "state": "done" if s in done else "to come"} for s in stages]}

    assert stage_of(view("survey", "assess", "close")) == "assess"
    assert stage_of(view("assess")) is None
    assert stage_of({"how_far": [{"stage": "survey", "state": "done"}, {"stage": "assess", "state": "in hand"}]}) == (
        "survey"
    )


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted and answers with `status`."""

    got: list[tuple[dict[str, str], dict[str, Any]]]
    status: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((dict(self.headers), json.loads(body)))
        self.send_response(self.status)
        self.send_header("Location", "http://elsewhere.invalid/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, type[Hook]]]:
    kind = type("OneHook", (Hook,), {"got": [], "status": 200})
    server = http.server.HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_records_are_posted_with_the_key_and_the_same_id_again(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, kind = hook
    monkeypatch.setenv("DEBRIEF_CRM_KEY", "secret-key")
    rows = [{"dealname": "Acmé"}]
    assert push(url, "hubspot", rows) == 1
    push(url, "hubspot", rows)
    (headers, body), (again, _) = kind.got
    assert body == {"system": "hubspot", "records": rows}
    assert headers["Authorization"] == "Bearer secret-key"
    assert headers["Idempotency-Key"] == again["Idempotency-Key"]


@pytest.mark.parametrize("status", [302, 401, 500])
def test_a_refusal_is_one_line_without_the_key_and_is_not_followed(
    hook: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, kind = hook
    kind.status = status
    monkeypatch.setenv("DEBRIEF_CRM_KEY", "secret-key")
    with pytest.raises(EngineError) as caught:
        push(url, "hubspot", [{}])
    assert str(caught.value).startswith(f"127.0.0.1: refused with {status}")
    assert "secret" not in str(caught.value)
    assert len(kind.got) == 1


def test_nothing_is_sent_without_a_sound_address() -> None:
    for url in ("", "http://crm.example.com/x", "ftp://a/b", "nonsense", "https://user:pw@a.example/x", "http://[::1"):
        with pytest.raises(SettingsError, match="crm_url"):
            push(url, "hubspot", [{}])
    assert checked_url("https://crm.example.com/x") == "https://crm.example.com/x"
    with pytest.raises(EngineError, match="not reached"):
        push("http://127.0.0.1:9/x", "hubspot", [{}])
