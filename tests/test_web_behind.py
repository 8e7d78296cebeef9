"""The page behind one standing: how sure it is, and why it is a gap or none; health, behind what it counts."""

from __future__ import annotations

import math
import threading
from contextlib import closing
from pathlib import Path

import pytest
from coach_story import call, record
from test_coach_standings import calls
from visitor import browser
from waiting import HANGS_S, wait_for
from whole_page import whole

from pipeline import keep
from pipeline.coach.standings import standings
from pipeline.reviews import review_of
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.pages.reps import strengths

WEAK = {"Bob": [1, 2, 1, 2, 1, 2], "Cid": [2, 1, 2, 1, 2, 2]}


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (
            {"Ann": [2, 3, 3, 2], "Dee": [1, 1, 2, 2, 1, 1]},
            "likely to be below the target: but these calls alone do not",
        ),
        (
            {"Ann": [0, 3, 3, 3], "Dee": [1, 1], "Eve": [4] * 9, "Fay": [3, 2, 3, 3]},
            "Over 99 % likely to be below the target: but not without the lowest call",
        ),
        ({"Ann": [1, 1]}, "Over 99 % likely to be below the target: with fewer than three calls that is no gap yet"),
        ({"Ann": [4] * 9}, "Under 1 % likely to be below the target: no gap."),
    ],
)
def test_a_standing_that_is_no_gap_says_what_keeps_it_from_being_one(
    tmp_path: Path, levels: dict[str, list[int]], said: str
) -> None:
    for rep, given in {**WEAK, **levels}.items():
        for number, level in enumerate(given):
            rows = call(f"{rep}{number}", rep, -3 * number, "Acme", {"discovery": level})
            keep.write_record(tmp_path, record(rows.calls[0], rows))
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password="a long enough phrase")
        at = browser(build_app(desk), desk, "Ada")
        assert said in whole(at, "/reps/Ann/criteria/discovery")
        assert "A gap: over 99 % sure" in whole(at, "/reps/Bob/criteria/discovery")


def test_who_is_heard_on_calls_of_another_type_is_not_said_to_be_silent(tmp_path: Path) -> None:
    made = [call(f"Ann{number}", "Ann", -200 - 3 * number, "Acme", {"discovery": 1}) for number in range(6)]
    made += [call(f"Bob{number}", "Bob", -3 * number, "Acme", {"discovery": 3}) for number in range(6)]
    for rows in (*made, call("renewed", "Ann", 0, "Acme", {"discovery": 1})):
        kept = record(rows.calls[0], rows)
        if rows.calls[0].call_id == "renewed":
            kept["transcript"]["meta"]["call_type"] = "renewal"
        keep.write_record(tmp_path, kept)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password="a long enough phrase")
        at = browser(build_app(desk), desk, "Ada")
        page = whole(at, "/reps/Ann/criteria/discovery?call_type=first+call")
        assert "but without a scored call of this type for half a year" in page
        assert "for half a year" not in whole(at, "/reps/Ann/criteria/discovery")


def test_one_call_among_strong_colleagues_is_no_strength() -> None:
    strong = [
        row for rep in ("Bob", "Cid", "Dee", "Eve") for row in calls(rep, [4, 3, 4, 2, 4, 3, 4, 4, 3, 3, 4, 2] * 2)
    ]

    def found(levels: list[int]) -> list[str]:
        mine = [s for s in standings(strong + calls("New", levels)) if s.rep == "New"]
        assert mine[0].estimate >= 3.0  # drawn to where the others stand
        assert mine[0].low >= 2.5
        return [s.criterion for s in strengths(mine)]

    assert found([2]) == []
    assert found([4]) == []
    assert found([4, 3, 4, 4]) == ["discovery"]


def test_what_the_machine_cited_did_not_earn_the_level_that_a_person_gave(tmp_path: Path) -> None:
    rows = call("lowered", "Ann", 0, "Acme", {"discovery": 4})
    made = record(rows.calls[0], rows)
    quote = made["scorecard"]["criteria"]["discovery"]["evidence"][0]["quote"] = "What would a stop cost you by noon?"
    keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password="a long enough phrase")
        at = browser(build_app(desk), desk, "Ada")
        assert quote in whole(at, "/reps/Ann/criteria/discovery")
        word = review_of(made, "discovery", "override", who="Sam", why="it was read out", level=1)
        desk.store.put_fact("reviews", word.to_row())
        page = whole(at, "/reps/Ann/criteria/discovery")
    assert "by Sam" in page
    assert quote not in page


def test_a_rep_whose_first_call_is_newer_than_the_standings_has_a_page(tmp_path: Path) -> None:
    first, new = call("first", "Ann", -3, "Acme", {"discovery": 3}), call("new", "Eve", 0, "Larch", {"discovery": 2})
    keep.write_record(tmp_path, record(first.calls[0], first))
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password="a long enough phrase")
        at = browser(build_app(desk), desk, "Ada")
        whole(at, "/team")
        # as over many calls: what was worked out is shown, and not worked out again for a while
        entry = desk.backroom._entries["picture", desk.rubric.version, None, None]
        entry.took_s, entry.rest_until = 60.0, math.inf
        made = record(new.calls[0], new)
        keep.write_record(tmp_path, made)
        desk.store.catch_up()
        assert f'href="/calls/{made["call_id"]}' in whole(at, "/reps/Eve")
        found = at.get("/api/v1/reps/Eve").json()
        assert (found["team"], found["calls"], found["criteria"]) == ("North", {"scored": 1}, [])
        assert at.get("/reps/Eve/one-to-one.pdf").status_code == 200
        assert at.get("/reps/Nobody").status_code == at.get("/api/v1/reps/Nobody").status_code == 404


def test_health_says_that_results_are_still_being_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def held_up(store: Store) -> int:
        assert go.wait(HANGS_S)
        return 3

    monkeypatch.setattr("pipeline.web.jobs.never_read", held_up)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password="a long enough phrase")
        at = browser(build_app(desk), desk, "Ada")
        assert "never read are being counted, look again in a moment" in at.get("/settings/health").text
        go.set()
        wait_for(lambda: ", 3 never read" in at.get("/settings/health").text or None, "the count")
        assert "being counted" not in at.get("/settings/health").text
        # counted is what the folder held then
        (tmp_path / "results" / "new").mkdir(parents=True)
        go.clear()
        assert "being counted" in at.get("/settings/health").text
        go.set()
