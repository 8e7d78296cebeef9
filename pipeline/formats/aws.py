"""Amazon Transcribe (batch, with speaker or channel labels) and its Call Analytics.

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
    """A `Transcript` list whose rows say which participant spoke."""
    return any("ParticipantRole" in row for row in rows(mapping(data).get("Transcript"))[:5])


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
    return Draft(pieces, call_id=string(data.get("jobName")), language=string(results.get("language_code")))


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
    pieces, roles = [], set()
    for row in rows(data.get("Transcript")):
        role = string(row.get("ParticipantRole"))
        roles.add(role)
        t0, t1 = (seconds(row.get(key), per_second=1000) for key in ("BeginOffsetMillis", "EndOffsetMillis"))
        words = timed_words([_item(item) for item in rows(row.get("Items"))], t0=t0, t1=t1)
        pieces.append(Piece(role, string(row.get("Content")), t0, t1, words))
    sides = {role: _SIDES[role] for role in sorted(roles) if role in _SIDES}
    meta = CallMeta(extra={"sides": sides} if sides else {})
    return Draft(pieces, call_id=string(data.get("JobName")), meta=meta, language=string(data.get("LanguageCode")))


def _item(item: dict[str, Any]) -> Token:
    return Token(
        string(item.get("Content")),
        seconds(item.get("BeginOffsetMillis"), per_second=1000),
        seconds(item.get("EndOffsetMillis"), per_second=1000),
        probability(item.get("Confidence")),
        glued=item.get("Type") == "punctuation",
    )
