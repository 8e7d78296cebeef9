"""Calls scored blind, and people's agreement with the machine."""

from __future__ import annotations

import json

import pytest
from judge_pages import Visitor

from pipeline.retention import drop_words
from pipeline.web.desk import Desk
from pipeline.web.pages import calibration


def test_a_call_is_scored_blind_and_then_shown_beside_the_machine(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    path = trainer.get("/calibration/blind").headers["location"]
    form = trainer.text(path)
    call_id = path.rpartition("/")[2]
    levels = desk.store.query("SELECT criterion, level FROM criterion_scores WHERE call_id = ?", [call_id])
    assert "% sure" not in form
    assert "checked" in form
    # the machine's quotes stand in the transcript once, and nowhere else
    for row in desk.store.query("SELECT DISTINCT quote, why FROM evidence WHERE call_id = ?", [call_id]):
        assert row["why"] not in form
        assert form.count(row["quote"]) == 1
    assert trainer.get(f"{path}/compare").headers["location"] == path
    given = {f"level-{row['criterion']}": str(row["level"]) for row in levels if row["level"] is not None}
    assert trainer.post(path).status_code == 400
    wrong = trainer.post(path, **given, **{"turns-discovery": "2, 99"})
    assert (wrong.status_code, "there is no turn 99" in wrong.text, 'value="2, 99"' in wrong.text) == (400, True, True)
    assert trainer.post(path, **given, **{"turns-discovery": "#2, 4", "level-recommendation": "na"}).status_code == 303
    rows = desk.store.query("SELECT * FROM reviews WHERE call_id = $id ORDER BY criterion", {"id": call_id})
    assert {row["kind"] for row in rows} == {"blind"}
    assert next(row["evidence"] for row in rows if row["criterion"] == "discovery") == [2, 4]
    page = trainer.text(f"{path}/compare")
    assert f"on {len(given)} of {len(given)} criteria" in page
    # whoever has scored it is not asked again, and nobody changes a blind score afterwards
    assert trainer.get("/calibration/blind").headers["location"] != path
    assert trainer.get(path).headers["location"] == f"{path}/compare"
    assert trainer.post(path, **{"level-discovery": "0"}).headers["location"] == f"{path}/compare"
    assert trainer.get("/api/v1/calibration").json()["blind"]["exact"] == 1.0
    assert "call_ids" not in json.dumps(trainer.get("/api/v1/calibration").json())
    desk.store.rebuild()
    assert desk.store.query("SELECT evidence FROM reviews WHERE criterion = 'discovery'")[0]["evidence"] == [2, 4]


def test_a_far_disagreement_is_listed_under_the_criterions_title(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    path = trainer.get("/calibration/blind").headers["location"]
    sql = "SELECT level FROM criterion_scores WHERE call_id = ? AND criterion = 'ask_for_sale'"
    machine = desk.store.query(sql, [path.rpartition("/")[2]])[0]["level"]
    trainer.post(path, **{"level-ask_for_sale": "4" if machine < 3 else "0"})
    row = trainer.text("/calibration").partition('id="apart"')[2].partition("</table>")[0]
    assert ">Ask for the sale</td>" in row
    assert ">ask_for_sale</td>" not in row


def test_what_others_scored_is_not_told_of_a_call_that_one_may_still_score_blind(desk: Desk) -> None:
    trainer, manager = Visitor(desk, "trainer"), Visitor(desk, "manager")
    path = manager.get("/calibration/blind").headers["location"]
    sql = "SELECT level FROM criterion_scores WHERE call_id = ? AND criterion = 'ask_for_sale'"
    machine = desk.store.query(sql, [path.rpartition("/")[2]])[0]["level"]
    far = {"level-ask_for_sale": "4" if machine < 3 else "0"}
    manager.post(path, **far)
    listed = 'data-head="Machine"'
    before = trainer.text("/calibration")
    assert (listed in before, "Left out: " in before, "People with one another" in before) == (False, True, False)
    assert listed in manager.text("/calibration")
    trainer.post(path, **far)
    after = trainer.text("/calibration")
    assert (listed in after, "Left out: " in after, "People with one another" in after) == (True, False, True)
    assert trainer.get("/api/v1/calibration").json()["people"]["exact"] == 1.0


def test_a_call_whose_words_are_gone_is_not_kept_to_be_scored_blind(desk: Desk) -> None:
    trainer, manager = Visitor(desk, "trainer"), Visitor(desk, "manager")
    path = manager.get("/calibration/blind").headers["location"]
    sql = (
        "SELECT sha256, level FROM criterion_scores JOIN calls USING (call_id) "
        "WHERE call_id = ? AND criterion = 'ask_for_sale'"
    )
    row = desk.store.query(sql, [path.rpartition("/")[2]])[0]
    manager.post(path, **{"level-ask_for_sale": "4" if row["level"] < 3 else "0"})
    drop_words(desk.settings.data, row["sha256"])
    desk.store.ingest()
    page = trainer.text("/calibration")
    assert ('data-head="Machine"' in page, "Left out: " in page) == (True, False)


def test_a_call_that_one_has_opened_is_not_offered(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    first = trainer.get("/calibration/blind").headers["location"]
    trainer.get(f"/calls/{first.rpartition('/')[2]}")
    second = trainer.get("/calibration/blind").headers["location"]
    assert second != first
    assert "You have opened this call" in trainer.text(first)
    trainer.get(f"/api/v1/calls/{second.rpartition('/')[2]}")
    assert trainer.get("/calibration/blind").headers["location"] not in (first, second)
    for row in desk.store.query("SELECT call_id FROM calls"):
        trainer.get(f"/calls/{row['call_id']}")
    assert "You have opened every call that is left" in trainer.text("/calibration/blind")


def test_a_manager_is_offered_calls_of_their_teams(desk: Desk) -> None:
    manager = Visitor(desk, "manager")
    south = {row["call_id"] for row in desk.store.query("SELECT call_id FROM calls WHERE team = 'South'")}
    for _ in range(12):
        path = manager.get("/calibration/blind").headers["location"]
        assert path.rpartition("/")[2] not in south
        manager.post(path, **{"level-discovery": "2"})
    assert "scored every scored call that you may see" in manager.text("/calibration/blind")
    assert manager.get(f"/calibration/blind/{min(south)}").status_code == 403


@pytest.mark.parametrize("text", ["twelve", "1.5", "-1", "1e9", "9" * 9, " ".join(["1"] * 21)])
def test_turns_are_numbers(text: str) -> None:
    from pipeline.errors import ReviewError

    with pytest.raises(ReviewError, match="numbers"):
        calibration.turns_in(text, of="discovery")


def test_what_was_overridden_is_counted_with_n_a_and_what_was_not_scored(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    calls = [row["call_id"] for row in desk.store.query("SELECT call_id FROM calls WHERE rep = 'Ann' ORDER BY call_id")]
    for call_id, criterion, level in (
        (calls[0], "discovery", "na"),
        (calls[1], "discovery", "2"),
        (calls[2], "recommendation", "3"),  # not scored by the machine
    ):
        said = trainer.post(f"/calls/{call_id}/review", criterion=criterion, level=level, why="heard it")
        assert said.status_code == 303
    told = {row["criterion"]: row["overridden"] for row in trainer.get("/api/v1/calibration").json()["criteria"]}
    assert (told["discovery"], told["recommendation"], told["proposal"]) == (2, 1, 0)
    page = trainer.text("/calibration")
    assert '<td class="num" data-head="Overrides"><span>2 ' in page
    assert '<td class="num" data-head="Overrides"><span>1</span>' in page


def test_agreement_over_time_is_drawn_from_two_months_on() -> None:
    months = [{"period": f"2026-0{n}", "exact": 0.5, "within_one": 1.0, "n": 4} for n in (1, 2, 3)]
    assert calibration.chart(months[:1]) is None
    drawn = calibration.chart(months)
    assert drawn is not None
    assert drawn["lines"]["exact"]["points"] == "0.0,75.0 280.0,75.0 560.0,75.0"
