"""Visitors of the pages about judging and running, and calls that wait there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coach_story import call, record
from visitor import browser
from waiting import wait_for

from pipeline import keep
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.errands import Errand, Errands
from pipeline.web.gate import SESSION, csrf_token

USERS = {"admin": "Ada", "manager": "Mo", "trainer": "Tess", "rep": "Ann"}


def unsettled(data: Path) -> dict[str, str]:
    """Two more calls: one whose speakers nobody could tell apart, one whose rep nobody named. Their ids by name."""
    ids = {}
    for name, rep in (("strangers", "Ann"), ("nobody", None)):
        rows = call(name, "Ann", 1, "Elm", {"discovery": 3})
        made = record(rows.calls[0], rows)
        made["source"] |= {"path": str(data / "inbox" / f"{name}.json"), "known": {"sidecar": {}, "path": {}}}
        meta = made["transcript"]["meta"]
        if rep is None:
            made["transcript"]["meta"] = {key: value for key, value in meta.items() if key != "rep"}
        else:
            made |= {"status": "review", "reason": "both ask questions", "scorecard": None}
            for turn in made["transcript"]["turns"]:
                turn["speaker"] = "SPEAKER_00" if turn["speaker"] == "rep" else "SPEAKER_01"
        keep.write_record(data, made)
        ids[name] = made["source"]["sha256"][:16]
    return ids


class Visitor:
    """Somebody signed in, whose forms carry the token."""

    def __init__(self, desk: Desk, role: str) -> None:
        self.at = browser(build_app(desk), desk, USERS[role])

    def get(self, path: str, /) -> Any:
        return self.at.get(path)

    def text(self, path: str) -> str:
        answer = self.at.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return str(answer.text)

    def post(self, path: str, /, **form: Any) -> Any:
        return self.at.post(path, data={**form, "csrf": csrf_token(self.at.cookies[SESSION])})


def over(errands: Errands, key: str) -> Errand:
    """The errand of that key once it is over."""

    def found() -> Errand | None:
        errand = errands.get(key)
        return errand if errand and not errand.under_way else None

    return wait_for(found, f"the end of {key}")
