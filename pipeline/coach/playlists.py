"""Snippets that a trainer keeps: a stretch of a call with a title, a verdict, tags and playlists, trimmed and hidden
where it must be. The recording stays where it is; what is kept says what of it to play."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from pipeline.clips import clip_cues
from pipeline.errors import ReviewError
from pipeline.redact import ALL, silences
from pipeline.types import Turn

Verdict = Literal["good", "bad", "no"]
"""A good example, a bad one, or one that teaches nothing (and is not offered again)."""

Seconds = tuple[float, float]

UNTITLED = "Untitled"
"""What a snippet is called whose words are not kept any more."""
MOST_S = 600.0
MAX_TITLE = 120
MAX_NOTE = 2000
MAX_NAME = 40
MAX_NAMES = 12
AROUND_S = 1.0
"""Seconds of the call kept on either side of the turn that a snippet starts out from."""


@dataclass(frozen=True, slots=True)
class KeptSnippet:
    """Seconds `t0` to `t1` of a call, kept by `who` (a user's name).

    `turn` is the one it grew from, `criterion` and `level` what it is an example of. Words said in `hidden` (seconds of
    the call) are silent in its sound and unreadable in its captions, on top of what redaction hides. A `shared` one can
    be seen by everybody who signs in, whoever's call it is from.
    """

    snippet_id: str
    call_id: str
    t0: float
    t1: float
    title: str
    who: str
    kept_at: dt.datetime
    turn: int | None = None
    criterion: str | None = None
    level: int | None = None
    verdict: Verdict = "good"
    tags: tuple[str, ...] = ()
    playlists: tuple[str, ...] = ()
    hidden: tuple[Seconds, ...] = ()
    note: str = ""
    shared: bool = False
    removed_at: dt.datetime | None = None

    def to_row(self) -> dict[str, Any]:
        """The row of the table `snippets`, JSON-ready."""
        row = asdict(self) | {"kept_at": self.kept_at.isoformat(timespec="milliseconds")}
        return row | {"removed_at": self.removed_at.isoformat(timespec="seconds") if self.removed_at else None}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> KeptSnippet:
        """What a row of the table holds."""
        names = {name: tuple(row[name] or ()) for name in ("tags", "playlists")}
        hidden = tuple((float(a), float(b)) for a, b in row["hidden"] or ())
        return cls(**{**row, **names, "hidden": hidden})


def keep_snippet(
    turns: Sequence[Turn],
    *,
    call_id: str,
    turn: int,
    who: str,
    title: str = "",
    verdict: str = "good",
    criterion: str | None = None,
    level: int | None = None,
    kinds: Collection[str] = ALL,
) -> KeptSnippet:
    """A snippet around one turn, the one before it included where that is short. Without a `title`, it begins as the
    turn does, without what must not leave (`kinds` of it).

    Raises `ReviewError` for a turn that the call does not have or an unknown verdict.
    """
    if not 0 <= turn < len(turns):
        raise ReviewError(f"turn {turn}: the call has turns 0 to {len(turns) - 1}")
    end = max(item.t1 for item in turns)
    first = turn - 1 if turn and turns[turn].t0 - turns[turn - 1].t0 < 20 else turn
    t0 = round(max(0.0, turns[first].t0 - AROUND_S), 2)
    t1 = round(min(end, max(turns[turn].t1, turns[first].t1) + AROUND_S), 2)
    made = KeptSnippet(
        snippet_id=f"{call_id}-{secrets.token_hex(6)}",
        call_id=call_id,
        t0=t0,
        t1=min(t1, t0 + MOST_S),  # of a longer talk its beginning, to be trimmed to what is meant
        turn=turn,
        title=" ".join(title.split())[:MAX_TITLE] or beginning_of(turns, turn, kinds=kinds),
        who=who,
        kept_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
        verdict=_verdict(verdict),
        criterion=criterion or None,
        level=level,
    )
    _check_span(made.t0, made.t1, end)
    return made


def changed(
    snippet: KeptSnippet,
    *,
    end: float,
    t0: float,
    t1: float,
    title: str,
    verdict: str,
    tags: Iterable[str],
    playlists: Iterable[str],
    hidden: Iterable[Seconds],
    note: str,
    shared: bool,
) -> KeptSnippet:
    """The snippet as somebody wants it; `end` is the length of the call in seconds. Raises `ReviewError`."""
    from dataclasses import replace

    _check_span(t0, t1, end)
    name = " ".join(title.split())
    if not name or len(name) > MAX_TITLE:
        raise ReviewError(f"a title has 1 to {MAX_TITLE} characters")
    if len(note) > MAX_NOTE:
        raise ReviewError(f"a note has at most {MAX_NOTE} characters")
    # also what is outside now: it stays hidden when the snippet is made longer again
    inside = ((max(0.0, a), min(end, b)) for a, b in hidden)
    spans = sorted((a, b) for a, b in inside if b > a)
    return replace(
        snippet,
        t0=round(t0, 2),
        t1=round(t1, 2),
        title=name,
        verdict=_verdict(verdict),
        tags=names_of(tags),
        playlists=names_of(playlists),
        hidden=tuple(spans),
        note=note.strip(),
        shared=shared,
    )


def removed(snippet: KeptSnippet) -> KeptSnippet:
    """The snippet, taken away: its row stays, its words do not."""
    from dataclasses import replace

    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return replace(snippet, title="", note="", tags=(), playlists=(), shared=False, removed_at=now)


def names_of(given: Iterable[str]) -> tuple[str, ...]:
    """Names of tags or playlists: without blanks around them, each once. Raises `ReviewError`."""
    found = list(dict.fromkeys(name for text in given if (name := " ".join(text.split()))))
    for name in found:
        if len(name) > MAX_NAME or not name.isprintable() or "/" in name:
            raise ReviewError(f"{name[:MAX_NAME]}: a name has at most {MAX_NAME} printable characters and no '/'")
    if len(found) > MAX_NAMES:
        raise ReviewError(f"at most {MAX_NAMES} names")
    return tuple(found)


def _verdict(given: str) -> Verdict:
    if given not in get_args(Verdict):
        raise ReviewError(f"{given}: an example is {', '.join(get_args(Verdict))}")
    return cast(Verdict, given)


def _check_span(t0: float, t1: float, end: float) -> None:
    if not (math.isfinite(t0) and math.isfinite(t1) and 0 <= t0 < t1 and t0 < end):
        raise ReviewError("a snippet starts inside the call and ends after it starts")
    if t1 - t0 > MOST_S:
        raise ReviewError(f"a snippet is at most {MOST_S / 60:.0f} minutes long")


def beginning_of(
    turns: Sequence[Turn], turn: int, *, hidden: Iterable[Seconds] = (), kinds: Collection[str] = ALL
) -> str:
    """The first words of a turn as its captions have them: without what must not leave, or is said in `hidden`."""
    one = turns[turn]
    silent = [*silences(turns, t0=one.t0, t1=one.t1, kinds=kinds), *hidden]
    text = " ".join(cue.text for cue in clip_cues([one], t0=one.t0, t1=one.t1, silences=silent, kinds=kinds))
    return (text if len(text) <= 60 else f"{text[:60].rsplit(' ', 1)[0]} …") or UNTITLED
