"""Rev and Rev AI transcripts: monologues of elements. https://docs.rev.ai/api/asynchronous/get-started/"""

from __future__ import annotations

from typing import Any

from pipeline.formats.assemble import Draft, Piece, Token, timed_words
from pipeline.formats.values import mapping, probability, rows, seconds, speaker_label, string


def recognise(data: Any) -> bool:
    """`monologues[].elements`."""
    return any(isinstance(row.get("elements"), list) for row in rows(mapping(data).get("monologues"))[:3])


def read(data: Any, where: str) -> Draft:
    """One piece per monologue; names come from `speakers` or the monologue's `speaker_info` where given."""
    names = {string(row.get("id")): string(row.get("name")) for row in rows(data.get("speakers"))}
    pieces = []
    for row in rows(data.get("monologues")):
        info = mapping(row.get("speaker_info"))
        name = string(info.get("display_name")) or names.get(string(row.get("speaker")), "")
        elements = rows(row.get("elements"))
        words = timed_words(_tokens(elements))
        text = "".join(string(item.get("value")) for item in elements)
        t0 = words[0].t0 if words else None
        t1 = max((word.t1 for word in words), default=None)
        pieces.append(Piece(name or speaker_label(row.get("speaker")), text, t0, t1, words))
    return Draft(pieces, language=string(data.get("language")))


def _tokens(elements: list[dict[str, Any]]) -> list[Token]:
    found = []
    for item in elements:
        text = string(item.get("value"))
        if item.get("type") == "punct":
            found.append(Token(text.strip(), glued=True))
        else:
            times = (seconds(item.get("ts")), seconds(item.get("end_ts")))
            found.append(Token(text, *times, probability(item.get("confidence"))))
    return [token for token in found if token.text]
