from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from coach_story import DAY, RUBRIC, TURNS, call, keep_story, record, story

from pipeline import keep
from pipeline.cli.reports import team_rows
from pipeline.coach import commands, reports
from pipeline.coach.assign import completed, new_assignments
from pipeline.coach.digest import digest_text
from pipeline.coach.load import load_heads, load_rows, load_scores
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.standings import standings
from pipeline.coach.targets import FairTarget
from pipeline.coach.training import load_library
from pipeline.errors import StoreError
from pipeline.settings import Settings
from pipeline.store import Store

LIBRARY = load_library()


@pytest.fixture
def kept(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data")
    keep_story(settings.data)
    with Store(settings.data) as store:
        store.ingest()
    return settings


def moments_by_day(rows: Rows) -> list[tuple[object, ...]]:
    """Moments without the call's id, which the store makes from the content's hash."""
    of = {c.call_id: (c.rep or "", str(c.date)) for c in rows.calls}
    return sorted((*of[m.call_id], m.criterion, m.turn, m.speaker, m.quote, m.why, m.kind) for m in rows.moments)


def test_the_store_gives_the_rows_it_was_built_from(kept: Settings) -> None:
    rows = story()
    with Store(kept.data) as store:
        loaded = load_rows(store, account="Acme")
    assert len(loaded.calls) == 18
    assert {(s.rep, s.criterion, s.level, s.date, s.account) for s in loaded.scores} == {
        (s.rep, s.criterion, s.level, s.date, s.account) for s in rows.scores
    }
    assert "recommendation" not in {s.criterion for s in loaded.scores}  # it abstained
    assert moments_by_day(loaded) == moments_by_day(rows)
    assert len(loaded.objections) == len(rows.objections)
    assert len(loaded.turns) == 3 * len(TURNS)
    assert {loaded_turn.name for loaded_turn in loaded.turns} == {"rep", "Owen", "Mia"}


def test_since_leaves_out_older_calls_and_no_account_loads_no_turns(kept: Settings) -> None:
    with Store(kept.data) as store:
        loaded = load_rows(store, since=DAY - dt.timedelta(10))
    assert 0 < len(loaded.calls) < 18
    assert min(s.date for s in loaded.scores if s.date) >= DAY - dt.timedelta(10)
    assert loaded.turns == ()


def by_id(rows: Rows) -> dict[str, Assignment]:
    return {a.assignment_id: a for a in rows.assignments}


def test_a_standing_is_the_same_in_every_report_however_old_its_calls(tmp_path: Path) -> None:
    settings, today = Settings(data=tmp_path), (dt.date.today() - DAY).days
    for number in range(8):
        ago = 10 * number if number < 4 else 800 + 10 * number
        made = call(f"old{number}", "Ann", today - ago, "Acme", {"ask_for_sale": 1 if number < 4 else 2})
        keep.write_record(tmp_path, record(made.calls[0], made))
    with Store(tmp_path) as store:
        store.ingest()
        (standing,) = commands.standing_rows(store, settings=settings)
        (gap,) = commands.gap_rows(store, settings=settings)
        (support,) = commands.support_rows(store, settings=settings)
        week = digest_text(commands.digest_of(store, settings=settings, rep="Ann"))
    said = (
        f"Ask for the sale: {standing['standing']:.1f} ({standing['low']:.1f} to {standing['high']:.1f}) over 8 calls"
    )
    assert said in " ".join(week.split())
    assert [part["calls"] for part in (standing, gap, *support["results"]["gaps"])] == [8, 8, 8]
    assert support["targets"][0]["n"] == 8


def test_assignments_survive_the_store_and_a_rebuild(kept: Settings) -> None:
    with Store(kept.data) as store:
        given = new_assignments(load_rows(store), RUBRIC, LIBRARY, as_of=DAY)
        for assignment in given:
            store.put_fact("assignments", assignment.to_row())
        assert by_id(load_rows(store)) == {a.assignment_id: a for a in given}
        store.rebuild()
        assert by_id(load_rows(store)) == {a.assignment_id: a for a in given}


def test_training_is_assigned_once(kept: Settings) -> None:
    with Store(kept.data) as store:
        everything = load_rows(store)
        first = commands.assign_training(store, settings=kept)
        assert {row["rep"] for row in first} == {"Ann", "Bob"}
        assert commands.assign_training(store, settings=kept) == []
        whole = new_assignments(everything, RUBRIC, LIBRARY, as_of=commands.today_of(everything))
        assert first == [assignment.to_json() for assignment in whole]  # though only what is needed was loaded
        shown = commands.training_rows(store, settings=kept)
    assert {row["assignment_id"] for row in shown} == {row["assignment_id"] for row in first}
    assert {row["effect"] for row in shown} == {"too early to tell"}
    assert all(row["measured"]["reason"] == "the training is open, not completed" for row in shown)
    assert all(row["content"]["drills"] for row in shown)


@pytest.mark.parametrize("name", ["gap_rows", "training_rows", "snippet_rows", "account_rows", "plan_rows"])
def test_every_command_gives_plain_rows(name: str, kept: Settings) -> None:
    with Store(kept.data) as store:
        commands.assign_training(store, settings=kept)
        rows = getattr(commands, name)(store, settings=kept)
    assert rows
    assert json.loads(json.dumps(rows)) == rows


def test_a_mean_and_a_fair_target_are_the_same_number_everywhere(kept: Settings) -> None:
    for number, call_row in enumerate([c for c in story().calls if c.team == "North"][:3]):
        made = record(call_row, story())
        made["scorecard"]["overall"] = (62.6, 62.5, 62.5)[number]
        made["transcript"]["meta"]["rep"] = "Dee"
        keep.write_record(kept.data, made)
    with Store(kept.data) as store:
        store.catch_up()
        (mean,) = [row["overall"] for row in team_rows(store, kept) if row["rep"] == "Dee"]
        (head,) = [row["overall"] for row in load_heads(store) if row["rep"] == "Dee"]
    assert f"{mean:.0f}" == f"{head:.0f}" == "63"
    target = FairTarget("Ann", "discovery", 3.0, 1.2504, 6, 3, 0, 2.2504, 2.2504, "out of reach", ("a1",))
    assert [f"{target.to_json()[name]:.1f}" for name in ("standing", "peer_best", "next")] == ["1.3", "2.3", "2.3"]


@pytest.mark.parametrize("name", ["gap_rows", "training_rows", "snippet_rows", "account_rows", "plan_rows"])
def test_an_empty_store_gives_no_rows(name: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with Store(settings.data) as store:
        assert getattr(commands, name)(store, settings=settings) == []
        assert commands.assign_training(store, settings=settings) == []


def test_names_are_found_in_any_case_and_unknown_ones_listed(kept: Settings) -> None:
    with Store(kept.data) as store:
        assert {row["rep"] for row in commands.gap_rows(store, settings=kept, name="BOB")} == {"Bob"}
        (view,) = commands.account_rows(store, settings=kept, name="acme")
        assert [met["text"] for met in view["met"]] == ["Owen, on 3 of 3 calls", "Mia, on 3 of 3 calls"]
        (plan,) = commands.plan_rows(store, settings=kept, name="acme")
        assert plan["expect"]["rests_on"]["quote"] == "That is too much for us this year."
        with pytest.raises(StoreError, match="Zed: no such rep; known: Ann, Bob, Cid"):
            commands.gap_rows(store, settings=kept, name="Zed")
        with pytest.raises(StoreError, match="Zed: no such account; known: Acme, Birch, Cedar, Dale"):
            commands.plan_rows(store, settings=kept, name="Zed")


def test_snippets_by_criterion_kind_or_words_are_good_ones(kept: Settings) -> None:
    with Store(kept.data) as store:
        by_criterion = commands.snippet_rows(store, settings=kept, name="discovery")
        by_kind = commands.snippet_rows(store, settings=kept, name="price_terms")
        by_words = commands.snippet_rows(store, settings=kept, name="what does")
    assert {row["criterion"] for row in by_criterion} == {"discovery"}
    assert {row["objection_kind"] for row in by_kind} == {"price_terms"}
    assert {row["quote"] for row in by_words} == {"What does one of those cost you?"}
    assert {row["level"] for row in by_criterion + by_kind + by_words} <= {3, 4}
    assert by_words[0]["at"] == "0:20"


def test_a_target_in_the_settings_replaces_the_rubrics(kept: Settings) -> None:
    easy = dataclasses.replace(kept, target_level=0.5)
    with Store(kept.data) as store:
        assert commands.gap_rows(store, settings=kept)
        assert commands.gap_rows(store, settings=easy) == []


def test_a_trainers_own_modules_are_used(kept: Settings) -> None:
    folder = kept.data / "training"
    folder.mkdir()
    text = (Path(commands.__file__).parents[2] / "rubrics" / "training" / "discovery.yaml").read_text(encoding="utf-8")
    (folder / "discovery.yaml").write_text(text.replace("Ask before you tell", "Our own way"), encoding="utf-8")
    with Store(kept.data) as store:
        titles = {row["title"] for row in commands.assign_training(store, settings=kept)}
    assert "Our own way" in titles


def test_a_scorecard_has_every_scored_criterion_with_its_n(kept: Settings) -> None:
    with Store(kept.data) as store:
        ann, _, cid = reports.scorecards_of(standings(load_scores(store)), load_heads(store), RUBRIC)
    assert (ann["rep"], ann["team"], ann["calls"], ann["overall"]) == ("Ann", "North", {"scored": 6}, 50.0)
    assert [c["criterion"] for c in ann["criteria"]] == [
        "discovery", "decision_makers", "business_case", "objection_handling", "ask_for_sale",
    ]  # fmt: skip
    assert all(c["calls"] == 6 and c["low"] <= c["standing"] <= c["high"] for c in ann["criteria"])
    assert cid["team"] == "South"


def test_training_lists_open_ones_first_and_says_what_is_overdue() -> None:
    rows = story()
    first, second, *rest = new_assignments(rows, RUBRIC, LIBRARY, as_of=DAY)
    rows = dataclasses.replace(rows, assignments=(completed(first, on=DAY + dt.timedelta(3)), second, *rest))
    report = reports.training_report(rows, RUBRIC, LIBRARY, as_of=DAY + dt.timedelta(30))
    assert [row["status"] for row in report] == ["open"] * (len(report) - 1) + ["done"]
    assert report[0]["overdue"]
    assert not report[-1]["overdue"]
    assert report[-1]["effect"]["reason"] == "0 scored calls since completion, 3 needed"
    assert [row["verdict"] for row in reports.effects_report(rows)] == ["too early to tell"]
    mine = reports.training_report(rows, RUBRIC, LIBRARY, rep=second.rep, as_of=DAY)
    assert {row["rep"] for row in mine} == {second.rep}


def test_reports_of_nothing_are_empty() -> None:
    assert reports.training_report(Rows(), RUBRIC, LIBRARY) == []
    assert reports.account_report(Rows(), RUBRIC, "Acme") == []
    assert reports.plan_report(Rows(), RUBRIC, "Acme") == []


def test_account_and_plan_read_once_say_what_each_says_alone() -> None:
    rows = story()
    both = reports.account_with_plan(rows, RUBRIC, "Acme", answers=rows, as_of=DAY)
    assert both
    assert [both[0]] == reports.account_report(rows, RUBRIC, "Acme", as_of=DAY)
    assert [both[1]] == reports.plan_report(rows, RUBRIC, "Acme", as_of=DAY)
    assert reports.account_with_plan(rows, RUBRIC, "Nobody", as_of=DAY) is None
