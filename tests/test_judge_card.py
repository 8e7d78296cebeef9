from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import judge_card
from pipeline.errors import ModelUnavailable
from pipeline.settings import Settings


def test_the_card_says_which_judge_would_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = tmp_path / "judge.json"
    monkeypatch.setattr(judge_card, "CARD", card)
    with pytest.raises(ModelUnavailable, match="reinstall debrief"):
        judge_card.judge_identity(Settings())
    card.write_text(json.dumps({"sha256": "0123456789abcdef", "threshold": 0.3}))
    engine, revision = judge_card.judge_identity(Settings())
    assert (engine, len(revision)) == ("embedded", 12)
    card.write_text(json.dumps({"sha256": "0123456789abcdef", "threshold": 0.4}))
    assert judge_card.judge_identity(Settings())[1] != revision


def test_a_criterion_whose_agreement_may_be_too_low_is_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = judge_card.judge_identity(Settings())[1]
    rows = {"discovery": {"low": 0.8}, "proposal": {"low": 0.3}, "positioning": {"low": None}}
    file = tmp_path / "quality.json"
    file.write_text(json.dumps({"revision": revision, "criteria": rows}))
    monkeypatch.setattr(judge_card, "QUALITY", file)
    assert judge_card.low_agreement(Settings()) == {"proposal", "positioning"}
    assert judge_card.low_agreement(Settings(quality_floor=0.9)) == set(rows)
    assert judge_card.low_agreement(Settings(judge="endpoint")) == frozenset()
    file.write_text(json.dumps({"revision": "another", "criteria": rows}))
    with pytest.raises(ModelUnavailable, match="another judge"):
        judge_card.low_agreement(Settings())


def test_what_is_published_belongs_to_the_judge_that_ships() -> None:
    judge_card.low_agreement(Settings())
