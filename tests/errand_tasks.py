"""What workers do in place of hearing and judging. A module of its own, because each worker imports it anew."""

from __future__ import annotations

from typing import Any

from pipeline import keep
from pipeline.assigned_reps import with_assigned_rep
from pipeline.assigned_roles import with_assigned_roles
from pipeline.types import Transcript


def never(order: Any) -> Any:
    raise AssertionError("nothing was to be heard")


def scored_again(order: Any) -> dict[str, Any]:
    """A worker that scores nothing and keeps what a person said: roles and rep are the fact's."""
    job, settings = order
    made = keep.latest_record(settings.data, job.sha256)
    assert made is not None
    words = Transcript.from_json(made["transcript"], where="test")
    words = with_assigned_roles(with_assigned_rep(words, settings.data, job.sha256), settings.data, job.sha256)
    keep.write_record(settings.data, made | {"transcript": words.to_json(), "status": "scored", "reason": ""})
    return {"status": "scored", "reason": "", "kind": "", "kept": True}


def moved(order: Any) -> dict[str, Any]:
    """A worker that finds one moved score a call."""
    _, _, shas, settings = order
    calls = [keep.latest_record(settings.data, sha) for sha in shas]
    rows = [
        {
            "kind": "score",
            "call_id": row["call_id"],
            "rep": row["transcript"]["meta"]["rep"],
            "criterion": "discovery",
            "before": 1,
            "after": 2,
            "why": "weight",
        }
        for row in calls
        if row
    ]
    return {"moved": rows, "calls": len(rows), "failed": []}
