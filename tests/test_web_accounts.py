"""An account's page: the deal, the plan for the next call, whose calls they are."""

from __future__ import annotations

import re
import threading
from itertools import pairwise
from typing import Any

import pytest
from coach_story import call, record
from test_web_team import client, opened  # noqa: F401 (`desk` and `own` are made by `opened`)
from waiting import HANGS_S
from whole_page import whole

from pipeline import keep
from pipeline.web import jobs
from pipeline.web.app import build_app
from pipeline.web.desk import Desk


def test_an_account_shows_its_deal_and_the_plan_for_the_next_call(desk: Desk) -> None:
    app = build_app(desk)
    page = whole(client(app, desk, "admin"), "/accounts/Acme")
    asked = page[page.index("Questions to put") : page.index("</ol>", page.index("Questions to put"))]
    because = re.search(r"Because ([^<(]*)", page)
    assert because
    reasons = [because[1].lower(), *re.findall(r'<span class="small faint sub">([^<(]*)', asked.lower())]
    assert len(reasons) > 1
    assert all(one != other for one, other in pairwise(reasons))  # a reason is given once
    for part in ("Before the next call", "Agreed next", "Risks", "The play", "Who decides, and how", "Calls in order"):
        assert part in page
    assert "I sign it, after Raj in finance has seen the payback." in page
    assert "Eighty pounds, so three thousand two hundred a month." in page
    assert "Objections still open" in page
    # under a heading that says what it is about, the words and who said them are enough
    assert "on who decides and how" not in page
    assert re.search(r"“I sign it, after Raj in finance has seen the payback\.”</span>\s*<span[^>]*>[A-Z]\w+, <a", page)
    assert page.count('<a href="/calls/') > 10
    # the answer that worked is Cid's, whose calls an admin may open; the rep's own page has none to show
    assert "What worked: Cid" in page
    assert "Cid" not in whole(client(app, desk, "rep"), "/accounts/Acme")


def test_an_account_shows_its_calls_until_their_words_are_read(own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, at, go = (
        call("larch", "Ann", 0, "Larch", {"discovery": 3}),
        client(build_app(own), own, "admin"),
        threading.Event(),
    )
    keep.write_record(own.settings.data, record(rows.calls[0], rows))
    own.store.catch_up()
    real = jobs.account_with_plan

    def held_up(*given: Any, **more: Any) -> Any:
        go.wait(HANGS_S)
        return real(*given, **more)

    monkeypatch.setattr(jobs, "account_with_plan", held_up)
    page = at.get("/accounts/Larch").text
    assert 'id="deal" data-again' in page
    assert f'href="/calls/{record(rows.calls[0], rows)["call_id"]}"' in page
    assert "Before the next call" not in page
    go.set()
    assert "Before the next call" in whole(at, "/accounts/Larch")


def test_an_account_says_whose_call_it_is_as_soon_as_that_is_corrected(own: Desk) -> None:
    rows, at = call("quince", "Ann", 0, "Quince", {"discovery": 3}), client(build_app(own), own, "admin")
    made = record(rows.calls[0], rows)
    for rep in ("Ann", "Bob"):
        made["transcript"]["meta"]["rep"] = rep
        keep.write_record(own.settings.data, made)
        own.store.catch_up()
        page = whole(at, "/accounts/Quince")
        assert f'href="/reps/{rep}"' in page
        # numbers that were not found may have been said
        assert "No numbers of the case were found on the calls." in page
        found = at.get("/api/v1/accounts/Quince").json()["deal"]
        assert [item["rep"] for item in found["calls"]] == [rep]


def test_what_an_accounts_page_counts_stands_on_it(own: Desk) -> None:
    rows = call("maple", "Ann", 0, "Maple", {"discovery": 3})
    made = record(rows.calls[0], rows)
    promised = {
        "Ada": "contract", "Bea": "brochure", "Cal": "drawing", "Dot": "invoice", "Eve": "manual", "Fay": "sample",
        "Gus": "warranty", "Hal": "timetable",
    }  # fmt: skip
    first = made["transcript"]["turns"][0]
    made["transcript"]["turns"] = [
        {**first, "speaker": who, "text": text}
        for name, thing in promised.items()
        for who, text in (("rep", f"I'll email you the {thing} on Friday."), (f"buyer:{name}", "Thanks."))
    ]
    keep.write_record(own.settings.data, made)
    own.store.catch_up()
    page = whole(client(build_app(own), own, "admin"), "/accounts/Maple")
    for name, thing in promised.items():
        assert f"email you the {thing} on Friday" in page
        assert f"{name}, on 1 of 1 calls" in page
    assert "2 earlier on the calls</summary>" in page
    assert "2 earlier</summary>" in page
