"""Which judge would score now, told without loading or asking it: planning a batch must not load a network."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ModelUnavailable, SettingsError
from pipeline.settings import Settings

CARD = Path(__file__).resolve().parent / "heads" / "judge.json"
QUALITY = CARD.with_name("quality.json")
"""Agreement of the shipped judge per criterion, written by `make evaluate`."""


def judge_identity(settings: Settings) -> tuple[str, str]:
    """(engine, revision) as a scorecard of today carries them.

    Raises `ModelUnavailable` when the embedded judge's card is missing, `SettingsError` when the settings do not say
    enough about another judge.
    """
    revision = REVISIONS.get(settings.judge)
    if revision is None:
        raise SettingsError(f"judge: unknown judge '{settings.judge}'; known: {', '.join(REVISIONS)}")
    return settings.judge, revision(settings)


def low_agreement(settings: Settings) -> frozenset[str]:
    """Criteria, by the names they were trained under, on which the judge agrees too little with the labels.

    A criterion is one when the lower end of its published agreement (quadratic weighted kappa, 90 % interval) is below
    `settings.quality_floor`. Only the embedded judge's agreement is published; of another nothing is known here, and
    `debrief calibrate` measures it against people. Raises `ModelUnavailable` when what is published does not belong to
    the judge that is installed.
    """
    if settings.judge != "embedded":
        return frozenset()
    try:
        published = json.loads(QUALITY.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{QUALITY.name} is missing from {QUALITY.parent.name}/; reinstall debrief") from error
    if published["revision"] != _embedded(settings):
        raise ModelUnavailable(f"{QUALITY.name} was measured on another judge; run make evaluate, or reinstall debrief")
    return frozenset(
        name for name, row in published["criteria"].items() if row["low"] is None or row["low"] < settings.quality_floor
    )


def _embedded(settings: Settings) -> str:
    try:
        return card_revision(json.loads(CARD.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{CARD.name} is missing from {CARD.parent.name}/; reinstall debrief") from error


def card_revision(card: Mapping[str, Any]) -> str:
    """Hash of the whole card: it holds the weights' hash, and a moved threshold is another judge too."""
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()[:12]


def _endpoint(settings: Settings) -> str:
    from models.chat_endpoint import checked_url

    if not settings.judge_url:
        raise SettingsError(
            "judge = \"endpoint\" needs 'judge_url', the server's base address; nothing is sent without"
        )
    checked_url(settings.judge_url)
    if not settings.judge_model.strip():
        raise SettingsError("judge = \"endpoint\" needs 'judge_model', the name of the model at the endpoint")
    return _chat_revision(settings, settings.judge_model, "")


def _transformers(settings: Settings) -> str:
    from models.chat_local import checked_folder, folder_revision

    folder = checked_folder(settings.judge_model)
    return _chat_revision(settings, folder.name, folder_revision(folder))


def _chat_revision(settings: Settings, model: str, files: str) -> str:
    """`<hash of prompt and model> <model>`: the hash first, since names of files keep only the start of a revision."""
    from models.chat_judge import prompt_revision

    if not (settings.judge_timeout_s > 0 and math.isfinite(settings.judge_timeout_s)):
        raise SettingsError(f"judge_timeout_s: expected seconds above 0, found {settings.judge_timeout_s!r}")
    name = " ".join(model.split())
    return f"{hashlib.sha256(json.dumps([prompt_revision(), name, files]).encode()).hexdigest()[:12]} {name}"


REVISIONS: dict[str, Callable[[Settings], str]] = {
    "embedded": _embedded,
    "endpoint": _endpoint,
    "transformers": _transformers,
}
