"""Standings by stage and by type of call, and which criteria may count."""

from __future__ import annotations

import dataclasses
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from coach_story import RUBRIC, call, keep_story, record, story
from rich.console import Console

from pipeline import human_review, keep
from pipeline.cli import reports as cli_reports
from pipeline.cli.render import level_text, team_tables
from pipeline.coach import commands, snapshot
from pipeline.coach.load import load_heads
from pipeline.coach.splits import stage_looks, stage_standings, stages_of, type_standings
from pipeline.errors import StoreError
from pipeline.rubric import load_rubric
from pipeline.settings import Settings
from pipeline.store import Store


def test_a_calls_stage_is_the_weighted_mean_of_its_scored_criteria() -> None:
    looks = {(look.call_id, look.criterion): look for look in stage_looks(story().scores, RUBRIC)}
    assert looks["a1", "survey"].level == pytest.approx((4 + 3) / 2)
    assert looks["a1", "close"].level == pytest.approx((1 + 1) / 2)
    assert ("a1", "align") not in looks  # nothing of it was scored
    heavy = dataclasses.replace(
        RUBRIC,
        criteria=tuple(dataclasses.replace(c, weight=3.0) if c.id == "discovery" else c for c in RUBRIC.criteria),
    )
    looks = {(look.call_id, look.criterion): look for look in stage_looks(story().scores, heavy)}
    assert looks["a1", "survey"].level == pytest.approx((3 * 4 + 3) / 4)


def test_stages_have_standings_and_targets_of_their_criteria() -> None:
    assert stages_of(RUBRIC) == ("survey", "assess", "align", "close")
    found = {(s.rep, s.criterion): s for s in stage_standings(story().scores, RUBRIC)}
    assert found["Ann", "survey"].estimate > 3 > found["Ann", "close"].estimate
    assert found["Ann", "survey"].target == 3.0
    assert found["Ann", "survey"].n == 6
    raised = dataclasses.replace(
        RUBRIC,
        criteria=tuple(dataclasses.replace(c, target=4.0) if c.id == "discovery" else c for c in RUBRIC.criteria),
    )
    assert {s.target for s in stage_standings(story().scores, raised) if s.criterion == "survey"} == {3.5}
    assert {s.target for s in stage_standings(story().scores, raised, target=2.0)} == {2.0}


def test_types_of_calls_do_not_mix_and_unknown_ones_are_left_out() -> None:
    scores = [
        dataclasses.replace(s, call_type={"a": "renewal", "b": "first call"}.get(s.call_id[0])) for s in story().scores
    ]
    found = type_standings(scores)
    assert list(found) == ["first call", "renewal"]
    assert {s.rep for s in found["renewal"]} == {"Ann"}
    assert all(set(s.call_ids) <= {f"a{n}" for n in range(6)} for s in found["renewal"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    keep_story(tmp_path)
    return Settings(data=tmp_path)


def test_criteria_for_people_to_review_enter_no_standing_and_give_no_training(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(settings.data) as store:
        store.ingest()
        every = {row["criterion"] for row in commands.gap_rows(store, settings=settings)}
        assert {"ask_for_sale", "discovery"} <= every
        rest = {item.id for item in load_rubric(settings.rubric).criteria} - {"discovery"}
        monkeypatch.setattr(commands, "human_review", lambda settings: frozenset(rest))
        assert {row["criterion"] for row in commands.gap_rows(store, settings=settings)} == {"discovery"}
        assert {row["criterion"] for row in commands.standing_rows(store, settings=settings)} == {"discovery"}
        (ann,) = commands.support_rows(store, settings=settings, name="Ann")
        assert {item["criterion"] for item in ann["results"]["gaps"]} <= {"discovery"}
        assert {item["criterion"] for item in ann["targets"]} <= {"discovery"}
        given = commands.assign_training(store, settings=settings)
        assert {row["criterion"] for row in given} == {"discovery"}


def test_a_lift_is_of_the_overall_score_in_which_what_is_for_people_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lift() -> float:
        rows = commands.gap_rows(store, settings=settings, name="Ann")
        return next(row["expected_lift"] for row in rows if row["criterion"] == "ask_for_sale")

    with Store(settings.data) as store:
        store.ingest()
        whole = lift()
        monkeypatch.setattr(commands, "human_review", lambda settings: frozenset({"decision_makers", "business_case"}))
        # without two of her five criteria the standing moves a little, and its share of the overall score does not
        assert lift() == pytest.approx(whole, abs=0.5)


def test_standings_by_something_else_are_refused(settings: Settings) -> None:
    with Store(settings.data) as store:
        store.ingest()
        with pytest.raises(StoreError, match="standings are by criterion, stage, call_type"):
            commands.standing_rows(store, settings=settings, by="moon")


def test_who_changed_teams_stands_once_in_the_team_table_with_all_calls(settings: Settings) -> None:
    for day, team, name in ((1, "South", "Ann"), (2, None, ""), (3, "South", "")):
        made = call(f"new{day}", name, day, "Elm", {"discovery": 4}, team)  # type: ignore[arg-type]
        one = record(made.calls[0], made)
        one["transcript"]["meta"]["rep"] = name or None
        keep.write_record(settings.data, one)
    with Store(settings.data) as store:
        store.ingest()
        rows = [(row["team"], row["rep"], row["calls"]) for row in cli_reports.team_rows(store, settings)]
        (ann,) = cli_reports.team_rows(store, settings, rep="ann")
    nameless = [("South", None, 1), (None, None, 1)]
    assert rows == [("North", "Bob", 6), ("South", "Ann", 7), ("South", "Cid", 6), *nameless]
    assert (ann["calls"], ann["levels"]["discovery"]["calls"]) == (7, 7)


def test_the_team_table_calls_the_mean_of_calls_a_mean_and_no_standing(settings: Settings) -> None:
    out = StringIO()
    with Store(settings.data) as store:
        store.ingest()
        for table in cli_reports.teams(store, settings, rep="ann"):
            Console(file=out, width=80).print(table)
        (ann,) = [head for head in load_heads(store) if head["rep"] == "Ann"]
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith("Mean, of 100")]
    assert line.split()[-1] == f"{ann['overall']:.0f}"
    assert "Overall" not in out.getvalue()


def test_the_team_table_says_of_each_level_over_how_many_calls_and_fits_a_terminal() -> None:
    level = {"standing": 2.2, "low": 1.7, "high": 2.7}
    levels = {item.id: {**level, "calls": 123} for item in RUBRIC.criteria} | {"proposal": {**level, "calls": 2}}
    rows = [{"team": "North", "rep": f"Rep {n}", "calls": 140, "overall": 55.0, "levels": levels} for n in range(5)]
    out = StringIO()
    for table in team_tables(rows, RUBRIC):
        Console(file=out, width=80).print(table)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["Discovery", *["2.2", "±0.5", "n123"] * 4] in lines
    assert [line[-1] for line in lines if line[:1] == ["Proposal"]] == ["n2", "n2"]


def test_over_very_many_calls_the_team_table_shows_plain_means(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(settings.data) as store:
        store.ingest()
        few = {row["rep"]: row["levels"] for row in cli_reports.team_rows(store, settings)}
        monkeypatch.setattr(snapshot, "LIVE_CALLS", 3)
        many = {row["rep"]: row["levels"] for row in cli_reports.team_rows(store, settings)}
    assert few["Ann"]["discovery"]["low"] < few["Ann"]["discovery"]["standing"]
    assert many["Ann"]["discovery"] == {"standing": 4.0, "low": None, "high": None, "calls": 6}
    assert str(level_text(many["Ann"]["discovery"])) == "4.0 n6"
    assert "±" in str(level_text(few["Ann"]["discovery"]))


@pytest.mark.parametrize("live", [3, snapshot.LIVE_CALLS])
def test_the_team_table_leaves_out_what_is_for_people_over_any_number_of_calls(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, live: int
) -> None:
    monkeypatch.setattr(snapshot, "LIVE_CALLS", live)
    monkeypatch.setattr(human_review, "human_review", lambda settings: frozenset({"discovery"}))
    with Store(settings.data) as store:
        store.ingest()
        levels = {row["rep"]: row["levels"] for row in cli_reports.team_rows(store, settings)}
    assert "discovery" not in levels["Ann"]
    assert levels["Ann"]


def test_before_the_first_night_there_is_not_said_to_be_no_gap(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(settings.data) as store:
        store.ingest()
        live = commands.gap_rows(store, settings=settings)
        monkeypatch.setattr(snapshot, "LIVE_CALLS", 3)
        assert live
        assert commands.gap_rows(store, settings=settings) == live
        assert commands.refresh_gaps(store, settings=settings)


def test_the_gaps_of_a_night_outlast_what_its_retention_takes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import nightly

    monkeypatch.setattr(snapshot, "LIVE_CALLS", 3)
    with Store(settings.data) as store:
        store.ingest()
    report: dict[str, Any] = {"problems": [], "store": "", "assigned": [], "retained": {}}
    report |= {part: {"counts": {}, "failed": []} for part in ("backlog", "rescored")}
    nightly._coach(report, dataclasses.replace(settings, keep_transcripts_days=1))
    assert (report["problems"], report["retained"]["words of a call"] > 0) == ([], True)
    with Store(settings.data) as store:
        assert store.query("SELECT count(*) AS n FROM gaps")[0]["n"] > 0
