"""Criteria for people to review, also where a rubric calls them by another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import human_review as module
from pipeline.human_review import human_review
from pipeline.rubric import RUBRICS, load_rubric
from pipeline.settings import Settings


def test_a_criterion_is_for_people_under_every_name_that_it_is_scored_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "low_agreement", lambda settings: frozenset({"decision_makers"}))
    assert human_review(Settings()) == {"decision_makers"}
    others = {item.id for item in load_rubric("meddicc").criteria if item.same_as == "decision_makers"}
    assert others
    assert others <= human_review(Settings(rubric="meddicc"))


def test_nothing_is_for_people_where_the_judge_agrees_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "low_agreement", lambda settings: frozenset())
    assert human_review(Settings(rubric="no such rubric")) == frozenset()


def test_a_companys_own_criterion_by_examples_is_not_held_back_for_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "low_agreement", lambda settings: frozenset({"positioning", "discovery"}))
    text = (RUBRICS / "bant.yaml").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(text.replace("id: budget", "id: positioning", 1), encoding="utf-8")
    found = human_review(Settings(rubric=str(tmp_path / "own.yaml")))
    assert "positioning" not in found
    assert "discovery" in found
