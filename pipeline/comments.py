"""Comments at a moment of a call: open to whoever may see the call, taken back by nobody but who wrote them."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import NotAllowed, ReviewError

MAX_TEXT = 2000
AGAIN_S = 60
"""Within so many seconds the same words at the same moment are one comment, sent by a click too many."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What `who` (a user's name) says of a call at `at_s` seconds; None where it is about the whole call."""

    comment_id: str
    call_id: str
    at_s: float | None
    who: str
    text: str
    written_at: dt.datetime

    def to_row(self) -> dict[str, Any]:
        """The row of the table `comments`."""
        return {
            "comment_id": self.comment_id,
            "call_id": self.call_id,
            "at_s": self.at_s,
            "who": self.who,
            "text": self.text,
            "written_at": self.written_at.isoformat(timespec="seconds"),
            "removed_at": None,
        }


def comment_of(record: Mapping[str, Any], *, who: str, text: str, at_s: float | None = None) -> Comment:
    """A comment on a kept record. Raises `ReviewError` for no text, too much of it, or a moment outside the call."""
    said = text.strip()
    if not said:
        raise ReviewError("write something first")
    if len(said) > MAX_TEXT:
        raise ReviewError(f"a comment has at most {MAX_TEXT} characters; this one has {len(said)}")
    end = max((turn["t1"] for turn in record["transcript"]["turns"]), default=0.0)
    if at_s is not None and not (math.isfinite(at_s) and 0 <= at_s <= end + 60):
        raise ReviewError(f"the moment must lie in the call, between 0 and {end:.0f} seconds")
    call_id = record["source"]["sha256"][:16]
    return Comment(
        comment_id=f"{call_id}-{secrets.token_hex(6)}",
        call_id=call_id,
        at_s=None if at_s is None else round(at_s, 2),
        who=who,
        text=said,
        written_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
    )


def sent_before(made: Comment, rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Of the comments that stand on the call, the id of the one that says the same, by the same person a moment ago."""
    since = made.written_at - dt.timedelta(seconds=AGAIN_S)
    for row in rows:
        same = (row["who"], row["text"], row["at_s"]) == (made.who, made.text, made.at_s)
        if same and row["written_at"] >= since:
            return str(row["comment_id"])
    return None


def taken_back(row: Mapping[str, Any], *, who: str) -> dict[str, Any]:
    """The row without its words. Raises `NotAllowed` for anybody but its writer."""
    if row["who"] != who:
        raise NotAllowed("only who wrote a comment can take it back")
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return {**row, "text": "", "removed_at": now.isoformat(timespec="seconds")}
