"""Which judge would score now, told from its card alone: planning a batch must not load the network."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import ModelUnavailable
from pipeline.settings import Settings

CARD = Path(__file__).resolve().parent / "heads" / "judge.json"


def judge_identity(settings: Settings) -> tuple[str, str]:
    """(engine, revision) as a scorecard of today carries them. Raises `ModelUnavailable` when the card is missing."""
    try:
        return "embedded", str(json.loads(CARD.read_text(encoding="utf-8"))["sha256"])[:12]
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(f"{CARD.name} is missing from {CARD.parent.name}/; reinstall debrief") from error
