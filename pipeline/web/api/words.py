"""People's words on a call: comments at a moment, and who is who."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE
from pipeline.assigned_roles import roles_by_rep, speakers_of, swapped
from pipeline.comments import MAX_TEXT, comment_of
from pipeline.errors import NotAllowed, ReviewError, TranscriptError
from pipeline.web import call_view, naming
from pipeline.web.ask import Ask, get, post


class CommentJson(TypedDict):
    """A comment: at which second of the call (None: on the whole of it), by which user, when (UTC)."""

    comment_id: str
    call_id: str
    at_s: float | None
    who: str
    text: str
    written_at: str


class SpeakerJson(TypedDict):
    """A speaker: label (`rep`, `rep:Name`, `buyer:Name` or unresolved), turns, words, share of the words (0-1), and
    the longest thing said early on."""

    speaker: str
    turns: int
    words: int
    share: float
    says: str


class RolesJson(TypedDict):
    """Who speaks, and how far judging again has come: `waiting`, `running`, `done`, `failed` (`line` says why), or
    null where nobody asked for it."""

    speakers: list[SpeakerJson]
    state: str | None
    line: str


COMMENT: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "maxLength": MAX_TEXT}, "at_s": {"type": ["number", "null"]}},
}
NAMED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reps": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "names": {"type": "object", "additionalProperties": {"type": "string"}},
        "swap": {"const": True},
    },
    "anyOf": [{"required": ["reps"]}, {"required": ["swap"]}],
}
"""What these routes are sent."""

_KEPT = """
SELECT comment_id, call_id, at_s, who, text, strftime(written_at, '%Y-%m-%dT%H:%M:%S') AS written_at FROM comments
WHERE call_id = $call AND removed_at IS NULL ORDER BY at_s NULLS FIRST, written_at
"""


def comments(ask: Ask, *, call_id: str) -> list[CommentJson]:
    """The comments on one call, in the order of their moments."""
    call, _ = call_view.seen(ask, call_id)
    found: list[Any] = ask.store.query(_KEPT, {"call": call["call_id"]})
    return found


def add_comment(ask: Ask, *, call_id: str) -> CommentJson:
    """Comment as the user: `{"text": "...", "at_s": 61.5}`; without `at_s` on the whole call.

    Sent again within a minute it is kept once, and the answer is the comment that is there.
    """
    _, record = call_view.seen(ask, call_id)
    given = _object(ask)
    at_s = given.get("at_s")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float | None):
        raise ReviewError("at_s: seconds from the start of the call, or null")
    made = comment_of(record, who=ask.user.name, text=str(given.get("text") or ""), at_s=at_s)
    name = call_view.keep_comment(ask, made)
    return next(row for row in comments(ask, call_id=call_id) if row["comment_id"] == name)


def take_back(ask: Ask, *, call_id: str, comment_id: str) -> dict[str, str]:
    """Take one's own comment back: its words are gone."""
    call, _ = call_view.seen(ask, call_id)
    call_view.take_back(ask, call["call_id"], comment_id)
    return {"taken_back": comment_id}


def roles(ask: Ask, *, call_id: str) -> RolesJson:
    """Who speaks on a call, and how far judging it again has come."""
    call, record = call_view.seen(ask, call_id)
    progress = ask.desk.rejudging.progress(record["source"]["sha256"])
    speakers: list[Any] = speakers_of(call_view.transcript_of(ask, call))
    return {
        "speakers": speakers,
        "state": progress.state if progress else None,
        "line": progress.line if progress else "",
    }


def name_speakers(ask: Ask, *, call_id: str) -> RolesJson:
    """Say who is who and judge again: `{"reps": [labels], "names": {label: name}}`, the first of `reps` being the rep
    and all others buyers, or `{"swap": true}`. Ask `GET` how far it has come."""
    call, record = call_view.seen(ask, call_id)
    if not naming.may_name(ask, record):
        raise NotAllowed("whoever leads the team says who is who on a scored call")
    given = _object(ask)
    reps, names = given.get("reps"), given.get("names") or {}
    transcript = call_view.transcript_of(ask, call)
    if given.get("swap") is True:
        said = swapped(transcript)
    elif isinstance(reps, list) and reps and all(isinstance(label, str) for label in reps) and isinstance(names, dict):
        said = roles_by_rep(transcript, reps, {str(label): str(name)[:80] for label, name in names.items()})
    else:
        raise TranscriptError('reps: the labels of who sells, as in {"reps": ["SPEAKER_00"]}, or {"swap": true}')
    naming.require_may_name(ask, call, transcript, said)
    ask.desk.rejudging.begin(record, said)
    ask.detail = "named the speakers"
    return roles(ask, call_id=call_id)


def _object(ask: Ask) -> dict[str, Any]:
    if not isinstance(ask.json, dict):
        raise ReviewError("send a JSON object")
    return ask.json


ROUTES = (
    get("/api/v1/calls/{call_id}/comments", comments, who=EVERYONE, title="Comments on a call", logged=True),
    post("/api/v1/calls/{call_id}/comments", add_comment, who=EVERYONE, title="Comment on a call", takes=COMMENT),
    post("/api/v1/calls/{call_id}/comments/{comment_id}/take-back", take_back, who=EVERYONE, title="Take one back"),
    get("/api/v1/calls/{call_id}/roles", roles, who=EVERYONE, title="Who speaks on a call", logged=True),
    post(
        "/api/v1/calls/{call_id}/roles",
        name_speakers,
        who=EVERYONE,
        title="Say who is who, and judge again",
        takes=NAMED,
    ),
)
