"""A rep's own first page: which calls it is of, and what it holds them against."""

from __future__ import annotations

import datetime as dt
import json
import re
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from coach_story import TURNS, call, keep_story, record
from test_web_team import PASSWORD, client
from whole_page import whole

from pipeline import keep
from pipeline.settings import Settings
from pipeline.web import backroom
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.pages.reps import support_of


def test_a_day_of_many_calls_says_how_many_and_is_told_by_those_that_were_scored(tmp_path: Path) -> None:
    for number in range(9):
        rows = call(f"day{number}", "Ann", 1, f"Firm {number}", {"discovery": 4})
        made = record(rows.calls[0], rows)
        if number < 7:
            made |= {"status": "abstained", "reason": "too short", "scorecard": None}
        keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
        page = whole(client(build_app(desk), desk, "rep"), "/today")
    assert "6 of 9 calls on 3 Nov 2026" in page
    assert "None of these calls could be scored" not in page
    assert ">Firm 7</a>" in page


def test_what_is_usual_leaves_out_the_call_that_is_held_against_it(tmp_path: Path) -> None:
    for rep, days in {"Ann": (-10, -60), "Bob": (0, -20)}.items():
        for number, ago in enumerate(days):
            rows = call(f"{rep}{number}", rep, ago, "Acme", {"discovery": 4 if number == 0 else 1})
            keep.write_record(tmp_path, record(rows.calls[0], rows))
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        at = client(build_app(desk), desk, "admin")
        ann, bob = (whole(at, f"/today?rep={rep}") for rep in ("Ann", "Bob"))
    assert re.search(r"level 4 of 4; usually \d\.\d \(\d\.\d–\d\.\d\) over 1 call<", bob)
    # a week before the newest call of all, hers of that day was there already
    assert "level 4 of 4<" in ann


def test_a_rep_whose_calls_have_no_date_reads_the_last_ones_all_the_same(tmp_path: Path) -> None:
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        for number in range(7):
            fresh = call(f"undated {number}", "Una", 0, f"Quill {number}", {"discovery": 4, "ask_for_sale": 1})
            made = record(fresh.calls[0], fresh)
            del made["transcript"]["meta"]["date"]
            keep.write_record(tmp_path, made)
            desk.store.ingest()
        at = client(build_app(desk), desk, "admin")
        page, empty = whole(at, "/today?rep=Una"), at.get("/today?rep=Nobody").text
    assert "6 of 7 calls without a date" in page
    assert "Quill 6" in page
    assert "Quill 0" not in page
    assert "Done well" in page
    assert "Work on" in page
    assert "–</a>" not in page
    assert "No calls" in empty


def test_a_promise_that_a_colleagues_call_shows_as_kept_is_not_held_against_the_rep(tmp_path: Path) -> None:
    said = {
        ("Ann", 0): [("rep", "I'll email you the price list on Wednesday."), ("buyer:Owen", "Thanks.")],
        ("Bob", 8): [
            ("rep", "Did you get the price list that Ann emailed?"),
            ("buyer:Owen", "Yes, I got the price list on Wednesday, thanks."),
        ],
    }
    for (rep, day), words in said.items():
        rows = call(f"{rep}{day}", rep, day, "Acme", {"discovery": 3})
        made = record(rows.calls[0], rows)
        made["transcript"]["turns"] = [
            {**made["transcript"]["turns"][n], "speaker": who, "text": text} for n, (who, text) in enumerate(words)
        ]
        keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.today = lambda: dt.date(2026, 11, 12)  # type: ignore[method-assign]
        found = support_of(SimpleNamespace(desk=desk), "Ann", wait_s=30.0)  # type: ignore[arg-type]
    assert found is not None
    (promise,) = [made for made in found["made"] if made["side"] == "rep"]
    assert (promise["status"], promise["seen_call"]) == ("kept", None)
    assert found["heard"] == 1


def test_a_call_that_is_somebody_elses_now_is_shown_no_longer_however_slow_the_pages_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = {"discovery": 4, "decision_makers": 3, "business_case": 1, "ask_for_sale": 0, "objection_handling": 0}
    words = {text: f"Hush, {text}" for _, text in TURNS}

    def kept(rep: str) -> None:
        rows = call("moved", rep, 3, "Acme", levels)
        text = json.dumps(record(rows.calls[0], rows))
        for said, told in words.items():
            text = text.replace(json.dumps(said)[1:-1], json.dumps(told)[1:-1])
        keep.write_record(tmp_path, json.loads(text))

    keep_story(tmp_path)
    kept("Ann")
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
        ann = client(build_app(desk), desk, "rep")
        for path in ("/today", "/reps/Ann"):
            assert "Hush, " in whole(ann, path)
        # from here on pages are shown as they were, as where there are many calls
        monkeypatch.setattr(backroom, "QUICK_S", -1.0)
        kept("Bob")
        desk.store.ingest()
        for path in ("/today", "/reps/Ann"):
            page = ann.get(path)
            assert (page.status_code, "Hush, " in page.text) == (200, False), path


def test_the_next_ask_knows_a_customer_who_complains_and_leads_to_the_words(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text("customers: [Acme]\n", encoding="utf-8")
    rows = call("x", "Ann", 0, "Acme", {"discovery": 1})
    made = record(rows.calls[0], rows)
    made["transcript"]["turns"][1]["text"] = "The scanner keeps failing."
    keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
        page = whole(client(build_app(desk), desk, "rep"), "/today")
    assert "a customer complains" in page.lower()
    assert f'<a href="/calls/{made["call_id"]}#t-1">Where it was said</a>' in page


def test_earlier_calls_are_debriefed_too(tmp_path: Path) -> None:
    days = {}
    for name, ago, criterion in (("old", -9, "discovery"), ("mid", -5, "proposal"), ("new", -1, "business_case")):
        rows = call(name, "Ann", ago, f"Firm {name}", {criterion: 4})
        keep.write_record(tmp_path, made := record(rows.calls[0], rows))
        days[name] = made["transcript"]["meta"]["date"]
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
        ann = client(build_app(desk), desk, "rep")
        newest, mid = whole(ann, "/today"), whole(ann, f"/today?day={days['mid']}")
        none = ann.get("/today?day=2019-01-01")
    assert [f">Firm {name}</a> (overall" in newest for name in days] == [False, False, True]
    assert f'day={days["mid"]}">Before:' in newest
    assert ">Firm mid</a> (overall" in mid
    assert "Proposal" in mid[mid.index("Done well") : mid.index("Work on")]
    assert [f'day={days[name]}">{word}:' in mid for name, word in (("old", "Before"), ("new", "After"))] == [True, True]
    assert (none.status_code, "Ann has no calls of 2019-01-01" in none.text) == (404, True)


def test_every_promise_that_is_counted_stands_on_the_reps_page(tmp_path: Path) -> None:
    rows = call("x", "Ann", 0, "Acme", {"discovery": 3})
    made = record(rows.calls[0], rows)
    things = ("contract", "brochure", "drawing", "invoice", "manual", "sample", "warranty", "timetable")
    turns = made["transcript"]["turns"]
    made["transcript"]["turns"] = [
        {**turns[0], "speaker": who, "text": text}
        for thing in things
        for who, text in (("rep", f"I'll email you the {thing} on Friday."), ("buyer:Owen", "Thanks."))
    ]
    keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
        page = whole(client(build_app(desk), desk, "rep"), "/reps/Ann")
    assert f"Promises: {len(things)} " in page
    assert [thing for thing in things if f"email you the {thing}" in page] == list(things)
