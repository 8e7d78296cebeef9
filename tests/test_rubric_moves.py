"""What another rubric would move of kept calls, over their records in a data folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from models.chat_judge import abstained
from pipeline import keep
from pipeline.chat import NO_ANSWER
from pipeline.retention import without_words
from pipeline.reviews import review_of
from pipeline.rubric import Rubric, load_rubric
from pipeline.rubric_moves import moves_of
from pipeline.settings import Settings
from pipeline.types import CallMeta, CriterionScore, Evidence, Metrics, Scorecard, Transcript, Turn

OLD = load_rubric("sales_call")
NOW = ("embedded", "r1")
LEVELS = {"discovery": 1, "ask_for_sale": 4}
SHA = "ab" * 32
TURNS = tuple(Turn(n, n + 1, "rep" if n % 2 else "buyer:Ann", f"Pump {n} leaks again.") for n in range(8))


def asked_otherwise() -> Rubric:
    """The shipped rubric with discovery scored as the ask for the sale is."""
    criteria = (
        dataclasses.replace(item, same_as="ask_for_sale") if item.id == "discovery" else item for item in OLD.criteria
    )
    return dataclasses.replace(OLD, criteria=tuple(criteria), version="b")


def card(rubric: Rubric) -> Scorecard:
    cited = (Evidence(1, 1.0, 2.0, "rep", TURNS[1].text, ""),)
    levels = {item.id: LEVELS.get(item.same_as, 2) for item in rubric.criteria}
    scores = {name: CriterionScore(level, "scored", 0.9, cited) for name, level in levels.items()}
    total = sum(item.weight for item in rubric.criteria)
    overall = 25.0 * sum(item.weight * levels[item.id] for item in rubric.criteria) / total
    return Scorecard("c1", rubric.id, rubric.version, *NOW, overall, scores, (), Metrics())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("models.judge_card.judge_identity", lambda settings: NOW)
    monkeypatch.setattr("pipeline.judge.score_call", lambda transcript, rubric, settings: card(rubric))
    return Settings(data=tmp_path)


def record() -> dict[str, Any]:
    return {
        "format": keep.RECORD_FORMAT,
        "call_id": SHA[:16],
        "status": "scored",
        "reason": "",
        "source": {"path": "c1.json", "sha256": SHA, "kind": "transcript", "size": 1, "mtime_ns": 0, "known": {}},
        "transcript": Transcript(SHA[:16], CallMeta(rep="Bea"), TURNS).to_json(),
        "scorecard": card(OLD).to_json(),
        "provenance": {
            "engine": "", "engine_revision": "", "diarizer": "",
            "judge": {"engine": NOW[0], "revision": NOW[1]},
            "rubric": {"id": OLD.id, "version": OLD.version},
        },
    }  # fmt: skip


def moved(settings: Settings) -> dict[str, tuple[Any, Any]]:
    found = moves_of([SHA], OLD, asked_otherwise(), settings)
    assert found["failed"] == []
    return {row["criterion"]: (row["before"], row["after"]) for row in found["moved"]}


def test_a_kept_call_is_compared(settings: Settings) -> None:
    keep.write_record(settings.data, record())
    assert moved(settings)["discovery"] == (1, 4)


def test_a_call_whose_words_are_gone_keeps_its_scores(settings: Settings) -> None:
    keep.write_record(settings.data, without_words(record()))
    assert moves_of([SHA], OLD, asked_otherwise(), settings) == {"moved": [], "calls": 0, "failed": []}


def test_what_a_person_overrode_stands_by_either_rubric(settings: Settings) -> None:
    keep.write_record(settings.data, record())
    assert set(moved(settings)) == {"discovery", "overall"}
    word = review_of(record(), "discovery", "override", who="Sam", why="I was there", level=3)
    keep.write_fact(settings.data, "reviews", word.review_id, word.to_row())
    assert moved(settings) == {}


def test_a_judge_that_gives_no_answer_moves_no_score(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = abstained("the judge gave no score: it could not be reached")

    def silent(transcript: Transcript, rubric: Rubric, settings: Settings) -> Scorecard:
        made = card(rubric)
        return dataclasses.replace(
            made, judge_revision=f"r1 {NO_ANSWER}", criteria=dict.fromkeys(made.criteria, nothing), overall=None
        )

    kept = record()
    kept["scorecard"]["judge"] = {"engine": "endpoint", "revision": "r1"}
    keep.write_record(settings.data, kept)
    monkeypatch.setattr("models.judge_card.judge_identity", lambda settings: ("endpoint", "r1"))
    monkeypatch.setattr("pipeline.judge.score_call", silent)
    found = moves_of([SHA], OLD, asked_otherwise(), settings)
    assert (found["moved"], found["failed"]) == ([], [f"{SHA[:16]}: {nothing.reason}"])
