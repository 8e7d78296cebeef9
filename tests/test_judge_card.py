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
