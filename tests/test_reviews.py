from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from test_store import keep_call
from typer.testing import CliRunner

from pipeline import database, keep, migrations
from pipeline.calibration import ENOUGH, calibration_rows, disputes_in, reviews_in, to_review_blind
from pipeline.cli import app
from pipeline.errors import ReviewError
from pipeline.retention import without_words
from pipeline.reviews import Review, open_disputes, review_of, reviewed
from pipeline.settings import Settings
from pipeline.store import Store

AT = dt.datetime(2026, 11, 2, 9, 0)


def record(**levels: int) -> dict[str, Any]:
    criteria = {
        name: {"level": level, "status": "scored", "confidence": 0.7, "evidence": [], "missed": []}
        for name, level in levels.items()
    }
    return {
        "status": "scored",
        "reason": "",
        "source": {"sha256": "ab" * 32},
        "scorecard": {"judge": {"engine": "embedded", "revision": "r1"}, "criteria": criteria, "overall": 50.0},
        "provenance": {"weights": {"discovery": 3.0, "proposal": 1.0}},
    }


def override(
    level: str, *, who: str = "Maria", at: dt.datetime = AT, of: dict[str, Any] | None = None
) -> dict[str, Any]:
    made = review_of(
        of or record(discovery=2, proposal=2), "discovery", "override", who=who, why="I was there", level=level, at=at
    )
    return made.to_row()


def test_an_override_wins_and_the_machine_stays_beside_it() -> None:
    shown = reviewed(record(discovery=2, proposal=2), [override("4")])["scorecard"]
    score = shown["criteria"]["discovery"]
    assert (score["level"], score["status"], score["override"]["who"]) == (4, "scored", "Maria")
    assert score["machine"] == {"level": 2, "status": "scored", "confidence": 0.7, "missed": []}
    assert shown["overall"] == 25 * (3 * 4 + 1 * 2) / 4
    assert shown["criteria"]["proposal"]["level"] == 2


def test_a_call_of_which_nothing_was_scored_is_not_scored_until_somebody_says_a_level() -> None:
    left = record(discovery=0, proposal=0)
    for score in left["scorecard"]["criteria"].values():
        score |= {"level": None, "status": "abstained", "reason": "no sales call"}
    shown = reviewed(left, [])
    assert (shown["status"], shown["reason"], shown["scorecard"]) == ("abstained", "no sales call", left["scorecard"])
    assert reviewed(left, [override("3", of=left)])["status"] == "scored"
    assert reviewed(record(discovery=2), [])["status"] == "scored"


@pytest.mark.parametrize(("level", "still"), [("0", True), ("1", False), ("3", False), ("na", False)])
def test_what_the_machine_missed_explains_no_higher_level(level: str, still: bool) -> None:
    low = record(discovery=1)
    missed = [{"turn": 2, "why": "the moment to ask, and it passes"}]
    low["scorecard"]["criteria"]["discovery"]["missed"] = missed
    shown = reviewed(low, [override(level, of=low)])
    score = shown["scorecard"]["criteria"]["discovery"]
    assert score["missed"] == (missed if still else [])
    assert score["machine"]["missed"] == missed
    # laid over once more, by somebody who gives less, it is there again
    later = override("0", of=low, who="Olu", at=AT + dt.timedelta(days=1))
    assert reviewed(shown, [later])["scorecard"]["criteria"]["discovery"]["missed"] == missed


def test_the_newest_override_counts_and_na_takes_the_criterion_out() -> None:
    later = override("na", who="Olu", at=AT + dt.timedelta(days=1))
    shown = reviewed(record(discovery=2, proposal=1), [later, override("4")])["scorecard"]
    assert (shown["criteria"]["discovery"]["level"], shown["criteria"]["discovery"]["status"]) == (None, "na")
    assert shown["overall"] == 25.0


def test_reviews_of_other_calls_and_other_kinds_change_nothing() -> None:
    mine = record(discovery=2, proposal=2)
    blind = review_of(mine, "discovery", "blind", who="Maria", why="", level=4, at=AT).to_row()
    other = {**override("0"), "call_id": "x" * 16}
    assert reviewed(mine, [blind, other]) == mine


@pytest.mark.parametrize(
    ("criterion", "kind", "who", "why", "level", "says"),
    [
        ("charm", "override", "M", "w", 3, "no such criterion"),
        ("discovery", "override", "M", "w", "5", "a level is 0 to 4"),
        ("discovery", "override", "M", "", "7", "a level is 0 to 4"),
        ("discovery", "override", "M", "", 3, "say why"),
        ("discovery", "override", "M", "x" * 501, 3, "at most 500 characters; this one has 501"),
        ("discovery", "override", " ", "w", 3, "say who"),
        ("discovery", "override", "M", "w", None, "a level is needed"),
        ("discovery", "praise", "M", "w", 3, "one of override, dispute, blind"),
    ],
)
def test_a_review_that_does_not_fit_is_refused(
    criterion: str, kind: Any, who: str, why: str, level: Any, says: str
) -> None:
    with pytest.raises(ReviewError, match=says):
        review_of(record(discovery=2), criterion, kind, who=who, why=why, level=level)


def test_a_call_without_scores_cannot_be_reviewed() -> None:
    with pytest.raises(ReviewError, match="no scores to review"):
        review_of({**record(), "scorecard": None}, "discovery", "override", who="M", why="w", level=1)


def test_a_dispute_is_open_until_the_criterion_is_reviewed() -> None:
    mine = record(discovery=2)
    dispute = review_of(mine, "discovery", "dispute", who="Tom", why="I did ask", at=AT).to_row()
    assert open_disputes([dispute]) == [dispute]
    assert open_disputes([dispute, override("2", at=AT - dt.timedelta(days=1))]) == [dispute]
    assert open_disputes([dispute, override("2", at=AT + dt.timedelta(days=1))]) == []


def pairs(kind: Any, month: int, levels: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        Review(
            f"{kind}{month}{n}", "discovery", kind, "M", "", dt.datetime(2026, month, 3), theirs,
            machine_level=mine, machine_status="scored",
        ).to_row()
        for n, (theirs, mine) in enumerate(levels)
    ]  # fmt: skip


def test_agreement_is_told_per_kind_criterion_and_month() -> None:
    rows = calibration_rows(
        [
            *pairs("blind", 9, [(n % 5, n % 5) for n in range(ENOUGH)]),
            *pairs("blind", 10, [(4, 2)]),
            *pairs("override", 9, [(0, 2)]),
        ]
    )
    found = {(row["kind"], row["criterion"], row["period"]): row for row in rows}
    assert found["blind", "discovery", "2026-09"]["qwk"] == 1.0
    assert (
        found["blind", "discovery", "2026-10"] | {"qwk": None, "exact": 0.0, "bias": -2.0}
        == found["blind", "discovery", "2026-10"]
    )
    assert found["blind", "all", "all"]["n"] == ENOUGH + 1
    assert found["override", "discovery", "all"]["bias"] == 2.0


def test_two_people_who_scored_the_same_call_blind_are_held_against_one_another() -> None:
    first = pairs("blind", 9, [(2, 4), (1, 1), (3, 3)])
    second = [
        row | {"who": "B", "level": level, "na": level is None} for row, level in zip(first, (2, 3, None), strict=True)
    ]
    third = first[0] | {"who": "C", "level": 4}
    alone = pairs("blind", 10, [(4, 4)])
    rows = calibration_rows([*first, *second, third, *alone])
    found = {(row["kind"], row["criterion"], row["period"]): row for row in rows}
    # M and B on two calls, and M and C, and B and C on the first
    row = found["people", "discovery", "all"]
    assert (row["n"], row["exact"], row["within_one"], row["bias"]) == (4, 0.25, 0.25, None)
    assert row["na_agreement"] == 0.8
    assert found["blind", "discovery", "all"]["n"] == 7


def test_where_the_machine_said_na_and_people_a_level_that_is_told() -> None:
    """There is no pair of levels then, and it is the worst disagreement of all."""
    reviews = [
        row | {"machine_level": None, "machine_status": "na"} for row in pairs("override", 9, [(2, 0), (3, 0), (1, 0)])
    ]
    rows = {(row["criterion"], row["period"]): row for row in calibration_rows(reviews)}
    found = rows["discovery", "all"]
    assert (found["n"], found["na_agreement"]) == (0, 0.0)
    assert (found["qwk"], found["exact"], found["within_one"], found["bias"]) == (None, None, None, None)


def test_an_override_reaches_every_table_and_survives_a_rebuild(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    with Store(settings.data) as store:
        store.ingest()
        (call,) = store.query("SELECT call_id FROM calls")
        kept = store.record(call["call_id"])
        assert kept
        criterion, score = next((k, v) for k, v in kept["scorecard"]["criteria"].items() if v["status"] == "scored")
        new = 4 if score["level"] != 4 else 0
        store.put_fact("reviews", review_of(kept, criterion, "override", who="Maria", why="seen", level=new).to_row())
        for _ in range(2):
            (row,) = store.query(
                "SELECT level, machine_level, overridden_by FROM criterion_scores WHERE criterion = ?", [criterion]
            )
            assert row == {"level": new, "machine_level": score["level"], "overridden_by": "Maria"}
            (week,) = store.query("SELECT mean_level FROM rep_criterion_weeks WHERE criterion = ?", [criterion])
            assert week["mean_level"] == new
            again = store.record(call["call_id"])
            assert again
            (whole,) = store.query("SELECT overall FROM calls")
            assert whole["overall"] == again["scorecard"]["overall"] != kept["scorecard"]["overall"]
            store.rebuild()
        assert [row["kind"] for row in reviews_in(store)] == ["override"]
        assert [row["call_id"] for row in to_review_blind(store, count=5)] == [call["call_id"]]


def test_what_concerns_other_calls_or_none_reads_no_reviewed_call_again(
    stages: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [keep_call(tmp_path, settings, "Ann", f"2026-09-{day}_acme", f"ok {day}") for day in (14, 15, 16)]
    with Store(settings.data) as store:
        store.ingest()
        rows = []
        for record in records:
            shown = store.record(record["call_id"])
            assert shown
            criterion = next(k for k, v in shown["scorecard"]["criteria"].items() if v["status"] == "scored")
            rows.append(review_of(shown, criterion, "override", who="Maria", why="seen", level=0).to_row())
            store.put_fact("reviews", rows[-1])
        taken: list[list[str]] = []
        take_in = database.take_in
        monkeypatch.setattr(database, "take_in", lambda *given: taken.append(given[2]) or take_in(*given))
        keep.write_failure(settings.data, {"path": "/in/x.wav", "kind": "input", "reason": "empty"})
        store.catch_up()
        assert taken == []
        assert [row["path"] for row in store.query("SELECT path FROM failures")] == ["/in/x.wav"]
        # a file that somebody brought, for one call
        later = {**rows[1], "review_id": f"{rows[1]['call_id']}_later", "level": 4, "who": "Olu"}
        later["reviewed_at"] = "2099-01-01T00:00:00"
        keep.write_fact(settings.data, "reviews", later["review_id"], later)
        store.catch_up()
        assert taken == [[records[1]["source"]["sha256"]]]
        sql = "SELECT overridden_by FROM criterion_scores WHERE overridden_by IS NOT NULL ORDER BY overridden_by"
        assert [row["overridden_by"] for row in store.query(sql)] == ["Maria", "Maria", "Olu"]


def test_a_review_whose_writer_was_killed_counts_after_the_next_look(
    stages: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    sql = "SELECT count(*) AS n FROM criterion_scores WHERE overridden_by = 'Maria'"

    def killed(*args: object) -> None:
        raise SystemExit

    with Store(settings.data) as store:
        store.ingest()
        criterion = next(k for k, v in record["scorecard"]["criteria"].items() if v["status"] == "scored")
        row = review_of(record, criterion, "override", who="Maria", why="seen", level=0).to_row()
        with monkeypatch.context() as patch:
            patch.setattr(database, "take_in", killed)
            with pytest.raises(SystemExit):
                store.put_fact("reviews", row)
        assert store.query(sql) == [{"n": 0}]
        with monkeypatch.context() as patch:
            patch.setattr(database, "take_in", killed)
            with pytest.raises(SystemExit):
                store.catch_up()
        store.catch_up()
        assert store.query(sql) == [{"n": 1}]


def test_a_dispute_waits_for_nobody_where_the_call_is_not_scored_on_its_criterion_any_more(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    made = keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    name = next(iter(made["scorecard"]["criteria"]))
    with Store(settings.data) as store:
        store.ingest()
        store.put_fact("reviews", review_of(made, name, "dispute", who="Ann", why="I asked").to_row())
        assert [row["criterion"] for row in disputes_in(store)] == [name]
        other = {**made["scorecard"]["criteria"], "need": made["scorecard"]["criteria"][name]}
        del other[name]
        by_another = {"rubric": {"id": "other", "version": "bbbb"}}
        keep.write_record(
            settings.data,
            {
                **made,
                "scorecard": {**made["scorecard"], **by_another, "criteria": other},
                "provenance": {**made["provenance"], **by_another},
            },
        )
        store.catch_up()
        assert disputes_in(store) == []
        keep.write_record(settings.data, {**made, "reason": "again"})
        store.catch_up()
        assert [row["criterion"] for row in disputes_in(store)] == [name]


def test_evidence_is_of_the_level_that_counts_in_a_database_of_before_too(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    made = keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    name, score = next(iter(made["scorecard"]["criteria"].items()))
    cited = "SELECT count(*) AS n FROM evidence WHERE criterion = $name"
    with Store(settings.data) as store:
        store.ingest()
        (before,) = store.query(cited, {"name": name})
        store.put_fact("reviews", review_of(made, name, "override", who="Bo", why="I was there", level=0).to_row())
        assert (before["n"] > 0, store.query(cited, {"name": name})) == (True, [{"n": 0}])
    with duckdb.connect(str(store.file)) as connection:
        # as it was before: what the machine cited stood there whatever a person said
        connection.execute(
            "INSERT INTO evidence VALUES (?, ?, 0, 0.0, 4.0, 'rep', 'Hello', 'asks')",
            [made["source"]["sha256"][:16], name],
        )
        connection.execute(migrations.MIGRATIONS[7])
    with Store(settings.data) as store:
        assert store.query(cited, {"name": name}) == [{"n": 0}]
        agreed = review_of(made, name, "override", who="Bo", why="on reflection", level=score["level"])
        store.put_fact("reviews", agreed.to_row())
        assert store.query(cited, {"name": name}) == [before]


def test_a_call_whose_words_are_gone_is_not_named_for_a_blind_review(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    made = keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    with Store(settings.data) as store:
        store.ingest()
        assert len(to_review_blind(store, count=5)) == 1
        keep.write_record(settings.data, without_words(made))
        store.catch_up()
        assert to_review_blind(store, count=5) == []


def test_the_commands_review_dispute_and_calibrate(
    stages: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_call(tmp_path, settings, "Ann", "2026-09-14_acme", "ok")
    with Store(settings.data) as store:
        store.ingest()
        (row,) = store.query("SELECT call_id, criterion FROM scores ORDER BY criterion LIMIT 1")
    where = ["--data", str(settings.data)]

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, *where], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert row["call_id"] in run("calibrate", "--sample", "3")
    run("dispute", row["call_id"][:8], row["criterion"], "--who", "Ann", "--why", "I asked twice")
    assert "open dispute" in run("calibrate")
    run("review", row["call_id"], row["criterion"], "1", "--who", "Maria", "--why", "heard it")
    # by the title that scorecards show, as by the id
    rubric = SimpleNamespace(criteria=[SimpleNamespace(id=row["criterion"], title="Ask for it")])
    monkeypatch.setattr("pipeline.cli.reviews.rubric_of", lambda settings: rubric)
    shown = run("review", row["call_id"], "ask For it", "2", "--who", "Olu", "--blind")
    assert f"{row['criterion']}: 2 by Olu (blind)" in shown
    rows = [json.loads(line) for line in run("calibrate", "--json").splitlines()]
    assert {(r["kind"], r["criterion"]) for r in rows} >= {("blind", "all"), ("override", row["criterion"])}
    assert "by Maria (the machine:" in run("scorecard", "--call", row["call_id"])
    (card,) = [json.loads(line) for line in run("scorecard", "--json").splitlines()]
    assert card["criteria"][row["criterion"]]["level"] == 1
    run("review", row["call_id"], row["criterion"], "na", "--who", "Maria", "--why", "no occasion")
    assert "n/a   by Maria (the machine:" in run("scorecard", "--call", row["call_id"])
