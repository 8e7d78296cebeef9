"""Snippets: moments searched over all calls, what the judge puts before a trainer, and what trainers keep of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from pipeline.access.people import EVERYONE, LEADERS
from pipeline.coach.moments import EXAMPLES, NEWEST, QUEUE, Search, find_moments, flagged
from pipeline.coach.playlists import KeptSnippet, beginning_of, changed, keep_snippet, removed
from pipeline.errors import NotThere, ReviewError
from pipeline.settings import public_address
from pipeline.timing import Said, evenly, said_words
from pipeline.types import Transcript, Turn
from pipeline.web import call_view, kept_snippets
from pipeline.web.ask import Ask, File, Go, Html, Kept, get, page_at, post
from pipeline.web.render import path_part

PAGE = 20
SHORTEST_S = 0.02
"""No word is shorter: one that is has no time of its own."""
KINDS = ("stall", "competition", "price_terms", "other")

Row = dict[str, Any]


def search(
    ask: Ask,
    *,
    words: str = "",
    criterion: str = "",
    level: str = "",
    kind: str = "",
    rep: str = "",
    examples: str = "",
    page: int = 1,
) -> Html:
    """Moments that fit, the newest call first."""
    wanted = Search(
        words=words,
        criterion=criterion,
        level=int(level) if re.fullmatch("[0-4]", level) else None,
        kind=kind if kind in KINDS else "",
        rep=rep,
        examples=examples if examples in EXAMPLES else "",
    )
    at = page_at(page, most=200)
    found = find_moments(ask.store, ask.scope, wanted, limit=PAGE + 1, offset=(at - 1) * PAGE)
    where = ask.scope.where("c")
    return ask.show(
        "snippets.html",
        any=bool(found) or bool(ask.desk.rows(_ANY.format(where=where), ask.scope.params)),
        search=wanted,
        moments=[_heard(row) for row in found[:PAGE]],
        kept=kept_snippets.decided(ask, found[:PAGE]),
        more=len(found) > PAGE,
        page=at,
        newest=f"{NEWEST:,}",
        keeps=ask.is_a(LEADERS),
        playlists=kept_snippets.playlists(ask),
        **_choices(ask),
    )


def queue(ask: Ask) -> Html:
    """Moments that the judge flags and nobody has decided on: likely good and bad examples, and where it was unsure."""
    found = ask.desk.remember(
        ("flagged", ask.scope),
        lambda: {name: flagged(ask.store, ask.scope, name) for name in QUEUE},
        of=("calls", "snippets"),
    )
    groups = [(name, title, [_heard(row) for row in found[name]]) for name, (title, _) in QUEUE.items()]
    return ask.show("snippet_queue.html", groups=groups, titles=_choices(ask)["titles"])


def keep(ask: Ask) -> Go:
    """Keep a moment as a good or bad example, or say that it teaches nothing."""
    call, record = call_view.seen(ask, ask.form.get("call_id", ""))
    number = ask.form.get("turn", "")
    if not number.isdecimal():
        raise NotThere("a snippet starts out from a turn of a call")
    criterion = ask.form.get("criterion") or None
    score = (record["scorecard"] or {"criteria": {}})["criteria"].get(criterion, {})
    verdict = ask.form.get("verdict", "good")
    made = keep_snippet(
        call_view.transcript_of(ask, call).turns,
        call_id=call["call_id"],
        turn=int(number),
        who=ask.user.name,
        verdict=verdict,
        criterion=criterion if score else None,
        level=score.get("level"),
        kinds=ask.redacts,
    )
    snippet, said = kept_snippets.keep(ask, made)
    ask.detail = f"{snippet.snippet_id}: {snippet.verdict}"
    if verdict == "no" or ask.form.get("stay"):
        done = "Noted." if verdict == "no" else "Kept."
        return Go("/snippets/queue", done if snippet.verdict == verdict else said)
    return Go(f"/snippets/{path_part(snippet.snippet_id)}", said)


def one(ask: Ask, *, snippet_id: str) -> Html:
    """A kept snippet: heard, trimmed, hidden, named, passed on."""
    return _one(ask, snippet_id)


def change(ask: Ask, *, snippet_id: str) -> Html | Go:
    """Keep the form's version of a snippet."""
    snippet = kept_snippets.open_to(ask, snippet_id)
    kept_snippets.require_may_change(ask, snippet)
    transcript = kept_snippets.transcript_of(ask, snippet)
    try:
        made = _changed(ask, snippet, transcript)
    except ReviewError as error:
        return _one(ask, snippet_id, status=400, problem=str(error))
    ask.store.put_fact("snippets", made.to_row())
    ask.detail = snippet_id
    return Go(f"/snippets/{path_part(snippet_id)}", "Kept.")


def remove(ask: Ask, *, snippet_id: str) -> Go:
    """Take a kept snippet away; the call and its recording stay."""
    snippet = kept_snippets.open_to(ask, snippet_id)
    kept_snippets.require_may_change(ask, snippet)
    ask.store.put_fact("snippets", removed(snippet).to_row())
    ask.detail = snippet_id
    return Go("/snippets/kept", "Taken away.")


def sound(ask: Ask, *, snippet_id: str, kind: str, download: bool = False) -> Kept | File:
    """A kept snippet's sound (`m4a`, `ogg`) or captions (`vtt`)."""
    snippet = kept_snippets.open_to(ask, snippet_id)
    return kept_snippets.piece(ask, snippet, kind, download=download)


def kept(ask: Ask, *, playlist: str = "", tag: str = "") -> Html:
    """What is kept, by playlist and tag."""
    wanted = kept_snippets.all_kept(ask, playlist=playlist, tag=tag)
    if playlist:
        wanted.reverse()
    return ask.show(
        "snippets_kept.html",
        snippets=wanted,
        playlist=playlist,
        tag=tag,
        playlists=kept_snippets.playlists(ask),
        tags=kept_snippets.names(ask, "tags"),
        most=kept_snippets.MOST,
        titles=_choices(ask)["titles"],
        heard=kept_snippets.recordings(ask, wanted),
    )


def archive(ask: Ask, *, playlist: str) -> Kept:
    """A playlist as a zip: each snippet's sound and captions, in order, with a list of what is what."""
    wanted = kept_snippets.all_kept(ask, playlist=playlist)[::-1] if playlist else []
    if not wanted:
        raise NotThere(f"{playlist}: there is no such playlist")
    ask.detail = playlist
    return kept_snippets.archive(ask, playlist, wanted)


def _one(ask: Ask, snippet_id: str, *, status: int = 200, problem: str = "") -> Html:
    snippet = kept_snippets.open_to(ask, snippet_id)
    transcript = kept_snippets.transcript_of(ask, snippet)
    silent = kept_snippets.silences_of(snippet, transcript, kinds=ask.redacts)
    here = f"/snippets/{path_part(snippet_id)}"
    return ask.show(
        "snippet.html",
        status=status,
        problem=problem,
        given=ask.form if problem else {},
        ticked=ask.forms.get("hide", []) if problem else None,
        snippet=snippet,
        meta=transcript.meta,
        here=here,
        link=f"{public_address(ask.settings)}{here}",
        missing=kept_snippets.missing(ask, snippet),
        words=call_view.clip_words(transcript, snippet.t0, snippet.t1, silent, kinds=ask.redacts),
        spoken=_said(snippet, transcript) if ask.is_a(LEADERS) else [],
        may_change=kept_snippets.may_change(ask, snippet),
        opens_call=kept_snippets.opens_call(ask, snippet),
        known=kept_snippets.playlists(ask),
        titles=_choices(ask)["titles"],
    )


def _changed(ask: Ask, snippet: KeptSnippet, transcript: Transcript) -> KeptSnippet:
    form = ask.form
    t0, t1 = (call_view.seconds(form.get(name, "")) for name in ("from", "to"))
    spans = [text.partition("-") for text in ask.forms.get("hide", [])]
    try:
        hidden = [*_hidden_outside(snippet, transcript), *((float(a), float(b)) for a, _, b in spans)]
    except ValueError:
        raise ReviewError("what is hidden is named by its seconds") from None
    return changed(
        snippet,
        # where the words are not kept any more, nothing tells how long the call was
        end=max(transcript.duration_s, snippet.t1),
        t0=snippet.t0 if t0 is None else t0,
        t1=snippet.t1 if t1 is None else t1,
        title=_title(snippet, transcript, form.get("title", ""), hidden, kinds=ask.redacts),
        verdict=form.get("verdict", snippet.verdict),
        tags=form.get("tags", "").split(","),
        playlists=form.get("playlists", "").split(","),
        hidden=hidden,
        note=form.get("note", ""),
        shared="shared" in form,
    )


def _title(
    snippet: KeptSnippet,
    transcript: Transcript,
    given: str,
    hidden: list[tuple[float, float]],
    *,
    kinds: frozenset[str],
) -> str:
    """The title that is given; one that is the turn's own words follows what is hidden of them."""
    # words may go before what was said of them
    turn = snippet.turn if snippet.turn is not None and snippet.turn < len(transcript.turns) else None
    own = partial(beginning_of, transcript.turns, turn, kinds=kinds) if turn is not None else None
    return own(hidden=hidden) if own and given == own(hidden=snippet.hidden) else given


def _said(snippet: KeptSnippet, transcript: Transcript) -> list[Row]:
    """Each turn in the snippet with its words as they can be hidden: `span` in seconds and whether it is hidden."""
    rows = []
    for turn in transcript.turns:
        said = said_words(turn) or evenly(turn)
        words = [
            {
                "text": turn.text[word.start : word.end],
                # as it is, not rounded: the next word begins where this one ends
                "span": "{}-{}".format(*_heard_in(turn, said, place)),
                "hidden": any(a < word.t1 and b > word.t0 for a, b in snippet.hidden),
            }
            for place, word in enumerate(said)
            if snippet.t0 <= (word.t0 + word.t1) / 2 < snippet.t1
        ]
        if words:
            rows.append({"who": call_view.speaker_name(turn, transcript.meta.rep), "words": words})
    return rows


def _hidden_outside(snippet: KeptSnippet, transcript: Transcript) -> list[tuple[float, float]]:
    """What is hidden of words that the form does not offer, since the snippet was made shorter."""
    offered = [
        (word.t0, word.t1)
        for turn in transcript.turns
        for word in said_words(turn) or evenly(turn)
        if snippet.t0 <= (word.t0 + word.t1) / 2 < snippet.t1
    ]
    return [(a, b) for a, b in snippet.hidden if not any(a < t1 and b > t0 for t0, t1 in offered)]


def _heard_in(turn: Turn, said: Sequence[Said], place: int) -> tuple[float, float]:
    """The seconds in which a word is said: its own, or, where the recogniser gave it none, its neighbours' too (the
    whole turn where it has none of these)."""
    word = said[place]
    if word.t1 - word.t0 >= SHORTEST_S:
        return word.t0, word.t1
    near = said[max(0, place - 1) : place + 2]
    t0, t1 = near[0].t0, near[-1].t1
    return (t0, t1) if t1 - t0 >= SHORTEST_S else (turn.t0, turn.t1)


def _heard(row: Row) -> Row:
    """A moment with the seconds to play of it, and who says it where that is not the call's rep."""
    side, _, name = row["speaker"].partition(":")
    by = name or ("" if side == "rep" else f"the {side}" if side == "buyer" else "somebody")
    return {**row, "clip": call_view.span(max(0.0, row["t0"] - 0.5), row["t1"] + 0.5), "by": by}


def _choices(ask: Ask) -> Row:
    reps: list[str] = ask.desk.remember("reps", ask.store.reps, of=("calls",))
    return {
        "titles": ask.desk.rubric.titles,
        "kinds": KINDS,
        "reps": [rep for rep in reps if ask.scope.sees_rep(rep)],
    }


_ANY = "SELECT 1 FROM calls c WHERE status = 'scored' AND ({where}) LIMIT 1"

ROUTES: tuple[Any, ...] = (
    get("/snippets", search, who=EVERYONE, logged=True),
    get("/snippets/queue", queue, who=LEADERS, logged=True),
    get("/snippets/kept", kept, who=EVERYONE, logged=True),
    post("/snippets", keep, who=LEADERS),
    get("/snippets/{snippet_id}", one, who=EVERYONE, logged=True),
    post("/snippets/{snippet_id}", change, who=LEADERS),
    post("/snippets/{snippet_id}/remove", remove, who=LEADERS),
    get("/snippets/{snippet_id}/{kind}", sound, who=EVERYONE, logged=True),
    get("/playlists/{playlist:path}", archive, who=EVERYONE, logged=True),
)
