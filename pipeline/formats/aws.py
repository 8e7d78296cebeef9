"""Amazon Transcribe (batch, with speaker or channel labels), its Call Analytics, and Connect's Contact Lens.

https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html and .../tca-output-batch.html
"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, from_words, timed_words
from pipeline.formats.values import first, mapping, probability, rows, seconds, string
from pipeline.types import CallMeta

_SIDES = {"AGENT": "rep", "CUSTOMER": "buyer"}


def recognise_transcribe(data: Any) -> bool:
    """`results` with `transcripts` and timed `items`."""
    results = mapping(mapping(data).get("results"))
    return isinstance(results.get("transcripts"), list) and ("items" in results or "channel_labels" in results)


def recognise_call_analytics(data: Any) -> bool:
    """A `Transcript` list whose rows say which participant spoke, by role or, in Contact Lens, by id."""
    spoken = rows(mapping(data).get("Transcript"))[:5]
    return any("ParticipantRole" in row or {"ParticipantId", "BeginOffsetMillis"} <= set(row) for row in spoken)


def read_transcribe(data: Any, where: str) -> Draft:
    """Words by speaker label (`spk_0`), else by channel (`ch_0`)."""
    results = mapping(data.get("results"))
    labels = mapping(results.get("speaker_labels"))
    speakers = {
        string(item.get("start_time")): string(item.get("speaker_label"))
        for segment in rows(labels.get("segments"))
        for item in rows(segment.get("items"))
    }
    channels = rows(mapping(results.get("channel_labels")).get("channels"))
    pieces: list[Piece] = []
    if channels:
        for channel in channels:
            pieces += from_words(_tokens(channel.get("items"), {}, string(channel.get("channel_label"))))
    else:
        pieces = from_words(_tokens(results.get("items"), speakers, ""))
    if not pieces:
        pieces = [Piece("", string(row.get("transcript"))) for row in rows(results.get("transcripts"))]
    language = string(results.get("language_code")) or _mostly(results.get("language_codes"))
    return Draft(pieces, call_id=string(data.get("jobName")), language=language)


def _mostly(found: Any) -> str:
    """Of several languages that were identified the one that was spoken longest."""
    longest = max(rows(found), key=lambda row: seconds(row.get("duration_in_seconds")) or 0.0, default={})
    return string(longest.get("language_code"))


def _tokens(items: Any, speakers: dict[str, str], channel: str) -> list[Token]:
    found: list[Token] = []
    for item in rows(items):
        best = first(item.get("alternatives"))
        text = string(best.get("content"))
        if item.get("type") == "punctuation":
            found.append(Token(text, glued=True))
            continue
        start = string(item.get("start_time")) or item.get("start_time")
        who = string(item.get("speaker_label")) or speakers.get(string(item.get("start_time")), "") or channel
        times = (seconds(start), seconds(item.get("end_time")))
        found.append(Token(text, *times, probability(best.get("confidence")), who))
    return found


def read_call_analytics(data: Any, where: str) -> Draft:
    """Turns as given; the vendor knows agent and customer, which becomes `meta.extra["sides"]`."""
    pieces, sides = [], {}
    people = {
        string(row.get("ParticipantId")): string(row.get("ParticipantRole")) for row in rows(data.get("Participants"))
    }
    for row in rows(data.get("Transcript")):
        person = string(row.get("ParticipantId"))
        role = string(row.get("ParticipantRole")) or people.get(person, person)
        # two agents of one call are told apart by their ids
        label = person if role != person and list(people.values()).count(role) > 1 else role
        sides.update({label: _SIDES[role]} if role in _SIDES else {})
        t0, t1 = (seconds(row.get(key), per_second=1000) for key in ("BeginOffsetMillis", "EndOffsetMillis"))
        words = timed_words([_item(item) for item in rows(row.get("Items"))], t0=t0, t1=t1)
        pieces.append(Piece(label, string(row.get("Content")), t0, t1, words))
    meta = CallMeta(extra={"sides": sides} if sides else {})
    call_id = string(data.get("JobName")) or string(mapping(data.get("CustomerMetadata")).get("ContactId"))
    return Draft(pieces, call_id=call_id, meta=meta, language=string(data.get("LanguageCode")))


def _item(item: dict[str, Any]) -> Token:
    return Token(
        string(item.get("Content")),
        seconds(item.get("BeginOffsetMillis"), per_second=1000),
        seconds(item.get("EndOffsetMillis"), per_second=1000),
        probability(item.get("Confidence")),
        glued=item.get("Type") == "punctuation",
    )
