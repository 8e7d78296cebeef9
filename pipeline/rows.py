"""How a record becomes rows: one call's JSON spread over the tables."""

from __future__ import annotations

import json
from typing import Any

from pipeline.types import CallMeta, Transcript, text_of

Row = dict[str, Any]

CALL_TABLES = ("turns", "criterion_scores", "evidence", "missed", "objections", "metrics", "moves")
"""The tables whose rows belong to a call by `call_id`."""

FACT_KEYS: dict[str, str] = {
    "assignments": "assignment_id",
    "reviews": "review_id",
    "sessions": "session_id",
    "quotas": "quota_id",
    "activities": "activity_id",
    "comments": "comment_id",
    "snippets": "snippet_id",
}
"""Tables built from `facts/`, with the column that identifies a row."""

KEYS: dict[str, str] = {"records": "file", "calls": "call_id", "failures": "path", **FACT_KEYS}
"""Primary keys of the tables that rows are put into."""

DERIVED = ("gaps",)
"""Tables of what takes long to work out, replaced whole each night."""


def add_call(tables: dict[str, list[Row]], sha256: str, file: str, record: Row) -> None:
    """Spread one record over the tables' rows."""
    transcript = Transcript.from_json(record["transcript"], where=file)
    card = record.get("scorecard")
    call_id = sha256[:16]
    tables["calls"].append(_call_row(call_id, sha256, file, record, transcript))
    tables["turns"].extend(
        {"call_id": call_id, "turn": n, **turn.to_json(), "side": turn.side, "name": turn.name}
        for n, turn in enumerate(transcript.turns)
    )
    if not card:
        return
    tables["metrics"].append({"call_id": call_id, **card["metrics"]})
    tables["objections"].extend({"call_id": call_id, "kind_p": None, **row} for row in card["objections"])
    tables["moves"].extend({"call_id": call_id, **row} for row in card.get("moves", ()))
    for criterion, score in card["criteria"].items():
        key = {"call_id": call_id, "criterion": criterion}
        machine = score.get("machine") or score
        said = {
            "machine_level": machine["level"],
            "machine_status": machine["status"],
            "overridden_by": score.get("override", {}).get("who"),
        }
        tables["criterion_scores"].append({"reason": "", **score, **said, **key})
        # what the machine cited for its own level shows nothing of the one that a person gave instead
        cited = score["evidence"] if score["level"] == machine["level"] else ()
        tables["evidence"].extend({**row, **key} for row in cited)
        tables["missed"].extend({**row, **key} for row in score["missed"])


def _call_row(call_id: str, sha256: str, file: str, record: Row, transcript: Transcript) -> Row:
    made, source, meta = record["provenance"], record["source"], transcript.meta
    return {
        **{name: getattr(meta, name) for name in ("rep", "team", "account", "call_type", "industry", "title")},
        **_heard(transcript),
        "call_id": call_id,
        "sha256": sha256,
        "record_file": file,
        "seq": record["kept"]["seq"],
        "kept_at": record["kept"]["at"],
        "kept_since": record["kept"].get("since", record["kept"]["at"]),
        "external_id": _external_id(meta),
        "path": text_of(source["path"]),
        "kind": source["kind"],
        "status": record["status"],
        "reason": record["reason"],
        "call_date": meta.date,
        "meta": meta.to_json(),
        "duration_s": record["transcript"].get("duration_s", transcript.duration_s),
        "n_turns": len(transcript.turns),
        "rubric_id": made["rubric"]["id"],
        "rubric_version": made["rubric"]["version"],
        "judge_engine": made["judge"]["engine"],
        "judge_revision": made["judge"]["revision"],
        "debrief_version": made["debrief"],
        "overall": (record.get("scorecard") or {}).get("overall"),
    }


def _heard(transcript: Transcript) -> Row:
    heard = transcript.hearing
    return {
        "engine": heard.engine,
        "engine_revision": heard.revision,
        "diarizer": heard.diarizer,
        "language": heard.language,
        "expected_wer": heard.expected_wer,
        "roles_method": heard.roles_method,
        "roles_confidence": heard.roles_confidence,
    }


def _external_id(meta: CallMeta) -> str | None:
    value = meta.extra.get("external_id")
    return None if value is None else str(value)


def cell(value: Any, kind: str) -> Any:
    """A value as a column of type `kind` takes it."""
    if value is None:
        return None
    if kind == "JSON":
        return text_of(json.dumps(value, ensure_ascii=False))
    return text_of(value) if isinstance(value, str) else value
