"""What a call sounds like: its recording for the player, and clips of it that can be shared and taken away.

Whoever may see a call may hear it. A clip leaves the app, so what must not leave is silent in it and hidden in its
captions (`pipeline/redact.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pipeline.access.people import EVERYONE
from pipeline.clips import KINDS, Container, clip_captions
from pipeline.errors import AudioError, NotThere, ReviewError
from pipeline.listening import browser_type, kept_clip, kept_copy, recording_of
from pipeline.redact import silences
from pipeline.settings import public_address
from pipeline.web import call_view
from pipeline.web.ask import Ask, File, Go, Html, Kept, get
from pipeline.web.render import path_part

MOST_S = 600.0
_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,2})?)-(\d{1,6}(?:\.\d{1,2})?)")


def recording(ask: Ask, *, call_id: str) -> Kept:
    """The recording as it is, where browsers play it."""
    _, record = call_view.seen(ask, call_id)
    path = _recording(ask, record)
    kind = browser_type(path)
    if kind is None:
        raise NotThere("browsers cannot play this recording as it is; ask for /audio/m4a")
    return Kept(path, kind)


def copy(ask: Ask, *, call_id: str, kind: str) -> Kept:
    """A copy of the recording that browsers play, made when it is first asked for."""
    _, record = call_view.seen(ask, call_id)
    container = _container(kind)
    path = kept_copy(ask.settings.data, record["source"]["sha256"], _recording(ask, record), container)
    return Kept(path, KINDS[container].media_type)


def choose(ask: Ask, *, call_id: str) -> Go:
    """The clip between the form's `from` and `to`, or back to the call with what is wrong with them."""
    call, _ = call_view.seen(ask, call_id)
    page = f"/calls/{path_part(call['call_id'])}"
    try:
        t0, t1 = (call_view.seconds(ask.query.get(name, "")) for name in ("from", "to"))
        if t0 is None or t1 is None:
            raise ReviewError("say from when to when, as 1:05 or in seconds")
        _check(t0, t1, call_view.transcript_of(ask, call).duration_s)
    except ReviewError as error:
        return Go(page, f"No clip: {error}")
    return Go(f"{page}/clips/{call_view.span(t0, t1)}")


def clip(ask: Ask, *, call_id: str, span: str) -> Html:
    """A moment of the call on a page of its own, to be sent to whoever may see the call."""
    call, record = call_view.seen(ask, call_id)
    t0, t1 = _span(ask, span, call)
    transcript = call_view.transcript_of(ask, call)
    silent = silences(transcript.turns, t0=t0, t1=t1, kinds=ask.redacts)
    try:
        recording_of(record, ask.settings.data)
        missing = ""
    except AudioError as error:
        missing = str(error)
    here = f"/calls/{path_part(call['call_id'])}/clips/{span}"
    return ask.show(
        "clip.html",
        call_id=call["call_id"],
        meta=transcript.meta,
        t0=t0,
        t1=t1,
        here=here,
        link=f"{public_address(ask.settings)}{here}",
        missing=missing,
        hidden=bool(silent),
        words=call_view.clip_words(transcript, t0, t1, silent, kinds=ask.redacts),
    )


def clip_file(ask: Ask, *, call_id: str, span: str, kind: str, download: bool = False) -> Kept | File:
    """A clip's sound (`m4a`, `ogg`) or captions (`vtt`)."""
    call, record = call_view.seen(ask, call_id)
    t0, t1 = _span(ask, span, call)
    transcript = call_view.transcript_of(ask, call)
    silent = silences(transcript.turns, t0=t0, t1=t1, kinds=ask.redacts)
    name = f"{call['call_id']}-{span}.{kind}" if download else ""
    if kind == "vtt":
        turns = call_view.named_turns(transcript)
        return File(clip_captions(turns, t0=t0, t1=t1, silences=silent, kinds=ask.redacts).encode(), "text/vtt", name)
    container = _container(kind)
    source, sha256 = _recording(ask, record), record["source"]["sha256"]
    path = kept_clip(ask.settings.data, sha256, source, t0=t0, t1=t1, silences=silent, container=container)
    return Kept(path, KINDS[container].media_type, name)


def _recording(ask: Ask, record: dict[str, Any]) -> Path:
    try:
        return recording_of(record, ask.settings.data)
    except AudioError as error:
        raise NotThere(str(error)) from None


def _container(kind: str) -> Container:
    if kind not in KINDS:
        raise NotThere(f"{kind}: there is no such kind of sound; ask for {' or '.join(get_args(Container))}")
    return "ogg" if kind == "ogg" else "m4a"


def _span(ask: Ask, span: str, call: dict[str, Any]) -> tuple[float, float]:
    found = _SPAN.fullmatch(span)
    if not found:
        raise NotThere("a clip's address ends in its seconds, as in /clips/12.5-34")
    t0, t1 = float(found.group(1)), float(found.group(2))
    try:
        _check(t0, t1, call_view.transcript_of(ask, call).duration_s)
    except ReviewError as error:
        raise NotThere(str(error)) from None
    return t0, t1


def _check(t0: float, t1: float, end: float) -> None:
    if not 0 <= t0 < t1 or t0 >= end:
        raise ReviewError("a clip starts inside the call and ends after it starts")
    if t1 - t0 > MOST_S:
        raise ReviewError(f"a clip is at most {MOST_S / 60:.0f} minutes long")


ROUTES: tuple[Any, ...] = (
    get("/calls/{call_id}/audio", recording, who=EVERYONE, logged=True),
    get("/calls/{call_id}/audio/{kind}", copy, who=EVERYONE, logged=True),
    get("/calls/{call_id}/clips", choose, who=EVERYONE),
    get("/calls/{call_id}/clips/{span}", clip, who=EVERYONE, logged=True),
    get("/calls/{call_id}/clips/{span}/{kind}", clip_file, who=EVERYONE, logged=True),
)
