"""Gong: `POST /v2/calls/transcript`, alone or merged with what `/v2/calls/extensive` says of the call and its parties.

https://gong.app.gong.io/settings/api/documentation (times of sentences in milliseconds)
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft, Piece
from pipeline.formats.clean import clean_label
from pipeline.formats.dates import date_of
from pipeline.formats.values import mapping, rows, seconds, speaker_label, string
from pipeline.types import CallMeta

_SIDES = {"internal": "rep", "external": "buyer"}


def _calls(data: Any) -> list[dict[str, Any]]:
    outer = mapping(data)
    if "callTranscripts" in outer:
        return rows(outer["callTranscripts"])
    return [outer] if isinstance(outer.get("transcript"), list) else []


def recognise(data: Any) -> bool:
    """`callTranscripts`, or one call's `transcript` of speakers with sentences."""
    calls = _calls(data)
    if "callTranscripts" in mapping(data):
        return True
    return any("sentences" in row for call in calls for row in rows(call.get("transcript"))[:3])


def read(data: Any, where: str) -> Draft:
    """Sentences by speaker; names, sides, title, date and account where the file holds the call's details too.

    Raises `TranscriptError` for several calls in one file.
    """
    calls = _calls(data)
    if len(calls) > 1:
        raise TranscriptError(f"{where}: holds {len(calls)} calls; keep one call per file")
    call = calls[0] if calls else {}
    details = _details(data, string(call.get("callId")))
    facts = mapping(details.get("metaData")) or mapping(data.get("metaData"))
    parties = rows(details.get("parties")) or rows(data.get("parties")) or rows(call.get("parties"))
    labels = _labels(parties)
    pieces = []
    for row in rows(call.get("transcript")):
        speaker = string(row.get("speakerId"))
        label = (
            labels.get(speaker) or speaker_label(row.get("speakerName")) or (f"speaker {speaker}" if speaker else "")
        )
        for said in rows(row.get("sentences")):
            t0, t1 = (seconds(said.get(key), per_second=1000) for key in ("start", "end"))
            pieces.append(Piece(label, string(said.get("text")), t0, t1))
    call_id = string(call.get("callId")) or string(facts.get("id"))
    return Draft(
        pieces, call_id=call_id, meta=_meta(facts, details, parties, labels), language=string(facts.get("language"))
    )


def _details(data: Any, call_id: str) -> dict[str, Any]:
    """What the file says of the call beside its words; a list of calls may hold others too, which say nothing of it."""
    for listed in rows(data.get("calls")):
        its = string(mapping(listed.get("metaData")).get("id"))
        if its == call_id or not (its and call_id):
            return listed
    return mapping(data.get("call")) or mapping(data)


def _labels(parties: list[dict[str, Any]]) -> dict[str, str]:
    """Speaker id to name; where two share a name the id tells them apart."""
    named = [(string(row.get("speakerId")), clean_label(string(row.get("name")))) for row in parties]
    count = Counter(name for speaker, name in named if speaker)
    return {speaker: name if count[name] == 1 else f"{name} ({speaker})" for speaker, name in named if speaker and name}


def _meta(
    facts: dict[str, Any], details: dict[str, Any], parties: list[dict[str, Any]], labels: dict[str, str]
) -> CallMeta:
    sides: dict[str, str] = {}
    for row in parties:
        speaker = string(row.get("speakerId"))
        side = _SIDES.get(string(row.get("affiliation")).lower())
        if speaker and side:
            sides[labels.get(speaker) or f"speaker {speaker}"] = side
    reps = [label for label, side in sides.items() if side == "rep"]
    owner = string(facts.get("primaryUserId"))
    owners = [string(row.get("name")) for row in parties if owner and string(row.get("userId")) == owner]
    return CallMeta(
        rep=next(iter(owners), None) or (reps[0] if len(reps) == 1 else None),
        account=_account(details),
        date=date_of(facts.get("started") or facts.get("scheduled")),
        title=string(facts.get("title")) or None,
        extra={"sides": sides} if sides else {},
    )


def _account(details: dict[str, Any]) -> str | None:
    """The name of the first CRM account linked to the call."""
    for context in rows(details.get("context")):
        for item in rows(context.get("objects")):
            if string(item.get("objectType")).lower() == "account":
                for field in rows(item.get("fields")):
                    if string(field.get("name")).lower() == "name" and string(field.get("value")):
                        return string(field.get("value"))
    return None
