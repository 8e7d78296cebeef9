"""The API beside the pages: described, and as narrow as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from coach_story import DAY, call, record
from judge_pages import Visitor, unsettled

from pipeline import keep
from pipeline.coach.rows import Assignment
from pipeline.reviews import review_of
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION, csrf_token

# comes with Prefect, and without types
jsonschema: Any = pytest.importorskip("jsonschema")


def test_the_api_is_described_with_its_ways_in_and_refusals(desk: Desk) -> None:
    found = Visitor(desk, "rep").get("/api/v1/openapi.json").json()
    paths = {
        "reps", "reps/{rep}", "calls", "calls/{call_id}", "calls/{call_id}/transcript", "gaps", "training", "accounts",
        "accounts/{account}", "moments", "rubric", "rubric/versions", "calibration", "inbox", "settings", "users",
        "audit", "webhooks/deliveries", "me",
    }  # fmt: skip
    assert {f"/api/v1/{path}" for path in paths} <= set(found["paths"])
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for described in [one for path in found["paths"].values() for one in path.values()]:
        assert described["summary"]
        assert described["description"]
        # what is wrong with a value is a 400 with one line, which FastAPI does not know
        assert set(described["responses"]) == {"200", "400", "401", "403", "404", "503"}
    assert "HTTPValidationError" not in found["components"]["schemas"]
    sent = {path: one["post"].get("requestBody") for path, one in found["paths"].items() if "post" in one}
    comment = sent["/api/v1/calls/{call_id}/comments"]["content"]["application/json"]["schema"]
    assert comment["required"] == ["text"]
    assert [path for path, body in sent.items() if body is None] == [
        "/api/v1/calls/{call_id}/comments/{comment_id}/take-back"
    ]


def test_the_api_shows_a_rep_their_own_and_a_manager_their_teams(desk: Desk) -> None:
    rep, manager, admin = (Visitor(desk, role) for role in ("rep", "manager", "admin"))
    for path in ("gaps", "moments?limit=500"):
        assert {row["rep"] for row in admin.get(f"/api/v1/{path}").json()} > {"Bob"}
        assert {row["rep"] for row in rep.get(f"/api/v1/{path}").json()} == {"Ann"}
        assert "Cid" not in {row["rep"] for row in manager.get(f"/api/v1/{path}").json()}
    assert {row["account"] for row in rep.get("/api/v1/accounts").json()} == {"Acme", "Birch"}
    assert rep.get("/api/v1/accounts/Cedar").status_code == 403
    assert rep.get("/api/v1/accounts/nowhere").status_code == 403
    assert admin.get("/api/v1/accounts/nowhere").status_code == 404
    assert "Bob" not in json.dumps(rep.get("/api/v1/accounts/Acme").json())
    theirs = desk.store.query("SELECT min(call_id) AS id FROM calls WHERE rep = 'Bob'")[0]["id"]
    assert rep.get(f"/api/v1/calls/{theirs}/transcript").status_code == 403
    assert len(manager.get(f"/api/v1/calls/{theirs}/transcript").json()["turns"]) == 11
    assert manager.get("/api/v1/users").status_code == 403


def test_an_account_is_listed_whose_calls_name_no_rep(desk: Desk) -> None:
    rows = call("strangers", "", 3, "Elm", {"discovery": 2})
    made = record(rows.calls[0], rows)
    made["transcript"]["meta"]["rep"] = None
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    answer = Visitor(desk, "admin").get("/api/v1/accounts")
    assert answer.status_code == 200
    assert {row["account"]: row["reps"] for row in answer.json()}["Elm"] == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (r'{"text": "\ud800 x"}', "cannot be shown"),
        (r'{"text": "a\u0000b"}', "cannot be shown"),
        (r'{"text": "a", "\udfff": 1}', "cannot be shown"),
        ('{"text": "a", "at_s": 1' + "0" * 400 + "}", "numbers go to"),
        ('{"text": "a", "at_s": 1' + "0" * 5000 + "}", "numbers go to"),
        ('{"text": "a", "at_s": 1e400}', "numbers go to"),
        ('{"text": "a", "at_s": NaN}', "numbers go to"),
        ('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}", "could not be read"),
    ],
)
def test_a_body_that_no_page_could_show_is_one_line_and_nothing_is_kept(desk: Desk, body: str, says: str) -> None:
    rep, call_id = Visitor(desk, "rep"), unsettled(desk.settings.data)["strangers"]
    desk.store.ingest()
    head = {"x-csrf-token": csrf_token(rep.at.cookies[SESSION]), "content-type": "application/json"}
    for where in ("comments", "roles"):
        answer = rep.at.post(f"/api/v1/calls/{call_id}/{where}", content=body, headers=head)
        assert (answer.status_code, says in answer.json()["error"]) == (400, True)
    assert rep.get(f"/api/v1/calls/{call_id}/comments").json() == []


def test_a_form_with_characters_that_cannot_be_shown_is_refused_and_any_script_is_taken(desk: Desk) -> None:
    rep = Visitor(desk, "rep")
    mine = desk.store.query("SELECT min(call_id) AS id FROM calls WHERE rep = 'Ann'")[0]["id"]
    where = f"/calls/{mine}"
    refused = rep.post(f"{where}/comments", text="a\x00b")
    assert (refused.status_code, "cannot be shown" in refused.text) == (400, True)
    for text in ("Two lines\r\n\tand a tab", "שלום 👩‍🚀 Größe"):
        assert rep.post(f"{where}/comments", text=text).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/settings/audit?before=", "/calls?page=", "/accounts?page=", "/inbox?page=", "/team?page=",
        "/api/v1/audit?before=", "/api/v1/calls?offset=", "/api/v1/moments?level=", "/api/v1/training?limit=",
    ],
)  # fmt: skip
def test_a_number_beyond_what_databases_reckon_with_is_one_line(desk: Desk, path: str) -> None:
    admin = Visitor(desk, "admin")
    for number in (10**20, -(10**20)):
        answer = admin.get(f"{path}{number}")
        assert (answer.status_code, "number belongs there" in answer.text) == (400, True), path
    assert admin.get(f"{path}{2**53}").status_code == 200


def test_calls_are_narrowed_by_day_team_type_and_status(desk: Desk) -> None:
    rows = call("undated", "Ann", 1, "Elm", {"discovery": 3})
    made = record(rows.calls[0], rows)
    del made["transcript"]["meta"]["date"]
    keep.write_record(desk.settings.data, made | {"status": "abstained", "reason": "heard badly"})
    desk.store.ingest()
    admin = Visitor(desk, "admin")

    def found(asked: str) -> list[dict[str, str]]:
        answer = admin.get(f"/api/v1/calls?{asked}")
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, str]] = answer.json()
        return rows

    whole = found("")
    days = sorted({row["call_date"] for row in whole if row["call_date"]})
    first, last = days[1], days[-2]
    assert {row["call_date"] for row in found(f"since={first}&until={last}")} == set(days[1:-1])
    assert len(found(f"since={days[0]}")) == len(whole) - 1
    assert {row["team"] for row in found("team=South")} == {"South"}
    assert [row["account"] for row in found("status=abstained")] == ["Elm"]
    assert found("call_type=none+such") == []
    assert len(found("call_type=first+call")) == len(whole)
    # none of it widens what somebody sees
    assert Visitor(desk, "rep").get("/api/v1/calls?team=South").json() == []
    for asked, says in (("since=soon", "a day such as"), ("status=lost", "'scored'")):
        answer = admin.get(f"/api/v1/calls?{asked}")
        assert (answer.status_code, says in answer.json()["error"]) == (400, True), answer.text


def test_scorecards_gaps_and_training_are_described_as_they_are_answered(desk: Desk) -> None:
    admin = Visitor(desk, "admin")
    scored = admin.get("/api/v1/calls?rep=Ann").json()[0]["call_id"]
    given = Assignment(
        "0123456789abcdef", "Ann", "discovery", 1, "discovery-ask-before-you-tell", "Ask", "a gap", DAY, DAY
    )
    desk.store.put_fact("assignments", given.to_row())
    made = desk.store.record(scored)
    assert made
    word = review_of(made, "discovery", "override", who="Mo", why="heard otherwise", level="1")
    desk.store.put_fact("reviews", word.to_row())
    unheard = unsettled(desk.settings.data)["strangers"]
    desk.store.ingest()
    described = admin.get("/api/v1/openapi.json").json()
    for path, address in (
        ("calls/{call_id}", f"calls/{scored}"),
        ("calls/{call_id}", f"calls/{unheard}"),
        ("gaps", "gaps"),
        ("training", "training"),
        ("users", "users"),
    ):
        answers = described["paths"][f"/api/v1/{path}"]["get"]["responses"]
        schema = answers["200"]["content"]["application/json"]["schema"]
        parts = {"components": {"schemas": _closed(described["components"]["schemas"])}}
        answer = admin.get(f"/api/v1/{address}").json()
        assert answer
        assert [one.message for one in jsonschema.Draft202012Validator({**schema, **parts}).iter_errors(answer)] == []


def _closed(schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas, each refusing what it does not name."""
    return {name: {**schema, "additionalProperties": False} for name, schema in schemas.items()}
