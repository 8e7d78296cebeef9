"""The API beside the pages: described, and as narrow as they are."""

from __future__ import annotations

import json

from judge_pages import Visitor

from pipeline.web.desk import Desk


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
        assert {"200", "401", "403", "404"} <= set(described["responses"])


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
