"""Fireflies: the GraphQL `transcript` object, bare or in its response, and the app's own JSON download.

https://docs.fireflies.ai/schema/transcript (sentence times in seconds, `date` in milliseconds since 1970)
"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece
from pipeline.formats.dates import date_of
from pipeline.formats.values import mapping, rows, seconds, speaker_label, string
from pipeline.types import CallMeta


def _facts(data: Any) -> dict[str, Any]:
    outer = mapping(data)
    return mapping(mapping(outer.get("data")).get("transcript")) or mapping(outer.get("transcript")) or outer


def _sentences(data: Any) -> list[dict[str, Any]]:
    return rows(data) if isinstance(data, list) else rows(_facts(data).get("sentences"))


def recognise(data: Any) -> bool:
    """Sentences that name their speaker and have a text (API) or a sentence (download)."""
    return any(
        ("speaker_name" in row or "speaker_id" in row) and {"text", "raw_text", "sentence"} & set(row)
        for row in _sentences(data)[:5]
    )


def read(data: Any, where: str) -> Draft:
    """One piece per sentence; title, date and who organised the meeting as metadata."""
    facts = _facts(data)
    names = {string(row.get("id")): string(row.get("name")) for row in rows(facts.get("speakers"))}
    pieces = []
    for row in _sentences(data):
        number = string(row.get("speaker_id"))
        label = string(row.get("speaker_name")) or names.get(number, "") or speaker_label(row.get("speaker_id"))
        text = string(row.get("text")) or string(row.get("raw_text")) or string(row.get("sentence"))
        t0 = seconds(row.get("start_time", row.get("startTime")))
        pieces.append(Piece(label, text, t0, seconds(row.get("end_time", row.get("endTime")))))
    organizer = string(facts.get("organizer_email")) or string(facts.get("host_email"))
    meta = CallMeta(
        title=string(facts.get("title")) or None,
        date=date_of(facts.get("dateString")) or date_of(facts.get("date")),
        extra={"organizer": organizer} if organizer else {},
    )
    return Draft(pieces, call_id=string(facts.get("id")), meta=meta)
