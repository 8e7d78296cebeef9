"""One call: its scorecard beside the words that earned it, heard in step; people's word on it; who speaks in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.assigned_roles import roles_by_rep, speakers_of, swapped
from pipeline.comments import comment_of
from pipeline.errors import (
    AudioError,
    DebriefError,
    InputError,
    NotAllowed,
    ReviewError,
)
from pipeline.human_review import human_review
from pipeline.listening import recording_of
from pipeline.reviews import ReviewKind, open_disputes, review_of
from pipeline.types import Transcript
from pipeline.web import call_view, naming
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.render import path_part

Record = dict[str, Any]

EMPTY_CARD: Mapping[str, Any] = {"criteria": {}, "objections": [], "metrics": {}, "overall": None}
_COMMENTS = "SELECT * FROM comments WHERE call_id = $id AND removed_at IS NULL ORDER BY at_s NULLS FIRST, written_at"
_REVIEWS = "SELECT * FROM reviews WHERE call_id = $id ORDER BY reviewed_at"


def one(ask: Ask, *, call_id: str) -> Html:
    """One call in full."""
    return _show(ask, call_id)


def review(ask: Ask, *, call_id: str) -> Html | Go:
    """Keep an override (by those who lead) or a dispute (by the rep) of one criterion."""
    _, record = call_view.seen(ask, call_id)
    kind: ReviewKind = "dispute" if ask.user.role == "rep" else "override"
    criterion, level = ask.form.get("criterion", ""), ask.form.get("level") or None
    try:
        made = review_of(record, criterion, kind, who=ask.user.name, why=ask.form.get("why", ""), level=level)
    except ReviewError as error:
        return _show(ask, call_id, status=400, problem=str(error), at=criterion)
    ask.store.put_fact("reviews", made.to_row())
    ask.detail = f"{kind} {criterion} {'na' if made.na else made.level}"
    said = "Disputed: whoever leads the team will look at it." if kind == "dispute" else "The level is yours now."
    return Go(f"/calls/{path_part(made.call_id)}#c-{criterion}", said)


def comment(ask: Ask, *, call_id: str) -> Html | Go:
    """Keep a comment at a moment of the call, or on the whole of it."""
    _, record = call_view.seen(ask, call_id)
    try:
        at_s = call_view.seconds(ask.form.get("at", ""))
        made = comment_of(record, who=ask.user.name, text=ask.form.get("text", ""), at_s=at_s)
    except ReviewError as error:
        return _show(ask, call_id, status=400, problem=str(error), at="comments")
    name = call_view.keep_comment(ask, made)
    return Go(f"/calls/{path_part(made.call_id)}#m-{name}", "Comment kept")


def take_back(ask: Ask, *, call_id: str, comment_id: str) -> Go:
    """Take one's own comment back: its words are gone."""
    call, _ = call_view.seen(ask, call_id)
    call_view.take_back(ask, call["call_id"], comment_id)
    return Go(f"/calls/{path_part(call['call_id'])}#comments", "Comment taken back")


def roles(ask: Ask, *, call_id: str) -> Html | Go:
    """Say who is who on the call, or exchange the sides: it is judged again at once, beside the requests."""
    call, record = call_view.seen(ask, call_id)
    if not naming.may_name(ask, record):
        raise NotAllowed("whoever leads the team says who is who on a scored call; ask them")
    try:
        transcript = call_view.transcript_of(ask, call)
        said = swapped(transcript) if ask.form.get("do") == "swap" else _said_roles(ask, transcript)
        naming.require_may_name(ask, call, transcript, said)
        ask.desk.rejudging.begin(record, said)
    except InputError as error:
        return _show(ask, call_id, status=400, problem=str(error), at="roles")
    ask.detail = "named the speakers: " + ", ".join(f"{label} is {role}" for label, role in said.items())
    return Go(f"/calls/{path_part(call['call_id'])}")


def _said_roles(ask: Ask, transcript: Transcript) -> dict[str, str]:
    """The form's answer; its `speaker`, `side` and `name` fields come in rows."""
    given = [(label, *said) for label, said in _told_speakers(ask).items()]
    first = [label for label, side, _ in given if side == "rep"]
    if len(first) != 1:
        raise InputError("Say who the rep is: exactly one speaker. Others on the rep's side are colleagues.")
    colleagues = [label for label, side, _ in given if side == "colleague"]
    names = {label: " ".join(name.split())[:80] for label, _, name in given if name.strip()}
    return roles_by_rep(transcript, [*first, *colleagues], names)


def _told_speakers(ask: Ask) -> dict[str, tuple[str, str]]:
    """Side and name of each speaker as the form has them."""
    rows = zip(*(ask.forms.get(name, []) for name in ("speaker", "side", "name")), strict=False)
    return {label: (side, name) for label, side, name in rows}


def _show(ask: Ask, call_id: str, *, status: int = 200, problem: str = "", at: str = "") -> Html:
    call, record = call_view.seen(ask, call_id)
    known = {"id": call["call_id"]}
    kept = ask.settings.data / call["record_file"], call["seq"]
    words = call_view.words_of(*kept)
    transcript = words.transcript
    card = record["scorecard"] or EMPTY_CARD
    comments = ask.store.query(_COMMENTS, known)
    progress = ask.desk.rejudging.progress(record["source"]["sha256"])
    return ask.show(
        "call.html",
        status=status,
        call=record,
        call_id=call["call_id"],
        card=card,
        meta=transcript.meta,
        hearing=transcript.hearing,
        duration=transcript.duration_s,
        criteria=_criteria(ask, record),
        turns=call_view.turn_rows(words, card, comments),
        lanes=words.lanes,
        moments=call_view.moments(transcript, card, comments),
        metrics=call_view.metric_rows(card),
        steps=call_view.next_steps(ask, *kept),
        comments=comments,
        disputes={row["criterion"]: row for row in open_disputes(ask.store.query(_REVIEWS, known))},
        disputing=ask.user.role == "rep",
        speakers=speakers_of(transcript) if naming.may_name(ask, record) else [],
        progress=progress,
        problem=problem,
        at=at,
        given=ask.form,
        told=_told_speakers(ask) if at == "roles" else {},
        **_sound(ask, record),
    )


def _sound(ask: Ask, record: Record) -> dict[str, Any]:
    """`sources` of the player, or why there is nothing to hear (`silent`)."""
    try:
        return {"sources": call_view.sources(record, recording_of(record, ask.settings.data)), "silent": ""}
    except AudioError as error:
        return {"sources": [], "silent": str(error)}


def _criteria(ask: Ask, record: Record) -> dict[str, dict[str, Any]]:
    """Per criterion of the call: `title`, `number` (its key), `anchor` (what the level says), `people`: is it for
    people to review?"""
    rubric = {item.id: item for item in ask.desk.rubric.criteria}
    scored_by = (record["scorecard"] or {}).get("rubric", {}).get("version")
    try:
        people = human_review(ask.settings)
    except DebriefError:  # what is published belongs to another judge
        people = frozenset()
    rows = {}
    for number, (name, score) in enumerate((record["scorecard"] or EMPTY_CARD)["criteria"].items(), 1):
        item, level = rubric.get(name), score["level"]
        same = item is not None and scored_by == ask.desk.rubric.version and level is not None
        rows[name] = {
            "title": item.title if item else name,
            "number": number,
            "anchor": call_view.anchor(item.levels, level) if item and same else "",
            "people": name in people,
        }
    return rows


ROUTES: tuple[Any, ...] = (
    get("/calls/{call_id}", one, who=EVERYONE, logged=True),
    post("/calls/{call_id}/review", review, who=EVERYONE),
    post("/calls/{call_id}/comments", comment, who=EVERYONE),
    post("/calls/{call_id}/comments/{comment_id}/take-back", take_back, who=EVERYONE),
    post("/calls/{call_id}/roles", roles, who=EVERYONE),
)
