"""Kept snippets for the pages: who may see and change one, its sound, captions, and a playlist as a zip."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
import zipfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pipeline.access.people import LEADERS, TRAINERS
from pipeline.clips import KINDS, Container, clip_captions
from pipeline.coach.playlists import KeptSnippet
from pipeline.errors import AudioError, NotAllowed, NotThere, StoreError
from pipeline.listening import archive_file, kept_clip, recording_of
from pipeline.redact import ALL, redact_text, silences
from pipeline.timing import said_words
from pipeline.types import Transcript
from pipeline.web import call_view
from pipeline.web.ask import Ask, File, Kept

KEPT = "Kept. Trim it, name it, put it into a playlist."
MOST = 500
"""Kept snippets on a page, the newest ones."""

Seconds = tuple[float, float]
Row = dict[str, Any]

_OPEN = """
FROM snippets s JOIN calls c USING (call_id)
WHERE s.removed_at IS NULL AND s.verdict <> 'no' AND (s.shared OR ({where}))
"""
_KEPT = f"""
SELECT s.*, ({{where}}) AS opens {_OPEN} AND ($id = '' OR s.snippet_id = $id)
  AND ($playlist = '' OR list_contains(s.playlists::VARCHAR[], $playlist))
  AND ($tag = '' OR list_contains(s.tags::VARCHAR[], $tag))
ORDER BY s.kept_at DESC, s.snippet_id LIMIT $most
"""
_NAMES = f"SELECT DISTINCT unnest(s.{{field}}::VARCHAR[]) AS name {_OPEN}"
_HEARD = """
SELECT s.snippet_id FROM snippets s JOIN calls c USING (call_id)
WHERE c.kind = 'audio' AND s.snippet_id IN (SELECT unnest($ids::VARCHAR[]))
"""

_STANDS = "removed_at IS NULL ORDER BY kept_at, snippet_id"
_SAME = (
    "SELECT * FROM snippets WHERE call_id = $call AND turn = $turn "
    f"AND criterion IS NOT DISTINCT FROM $criterion AND {_STANDS} LIMIT 1"
)
_OF_CALLS = (
    "SELECT snippet_id, call_id, turn, criterion, verdict FROM snippets "
    f"WHERE call_id IN (SELECT unnest($calls::VARCHAR[])) AND verdict <> 'no' AND {_STANDS}"
)
_KEEPING = threading.Lock()


def all_kept(ask: Ask, *, playlist: str = "", tag: str = "") -> list[KeptSnippet]:
    """What the user may see of what is kept, in a playlist, with a tag: of their calls, and what is shared with
    everybody; the newest first, `MOST` of them."""
    return [_snippet(row) for row in _rows(ask, playlist=playlist, tag=tag)]


def open_to(ask: Ask, snippet_id: str) -> KeptSnippet:
    """One kept snippet. Raises `NotAllowed`, or `NotThere` for those who see everything."""
    rows = _rows(ask, snippet_id)
    if not rows:
        if ask.scope.everything:
            raise NotThere(f"{snippet_id}: no such snippet")
        raise NotAllowed("this snippet is not one that you may see")
    return _snippet(rows[0])


def keep(ask: Ask, made: KeptSnippet) -> tuple[KeptSnippet, str]:
    """Keep a moment, and what is said then; one that is kept already for that criterion is gone to, with this verdict.

    Only who may change a snippet changes its verdict; others are told whose it is.
    """
    # a double click is two requests at the same time: who comes second has to see what the first one kept
    with _KEEPING:
        found = ask.store.query(_SAME, {"call": made.call_id, "turn": made.turn, "criterion": made.criterion})
        known = KeptSnippet.from_row(found[0]) if found else None
        if known is None:
            ask.store.put_fact("snippets", made.to_row())
            return made, KEPT
        if known.verdict == made.verdict:
            return known, f"Kept already, by {known.who}."
        if known.verdict != "no" and not may_change(ask, known):
            return known, f"Kept already, by {known.who}, who may change what it is an example of."
        if known.verdict == "no":
            # nobody kept it so far: it is theirs who find that it teaches something
            taken = replace(known, verdict=made.verdict, who=made.who, kept_at=made.kept_at)
            ask.store.put_fact("snippets", taken.to_row())
            return taken, KEPT
        changed = replace(known, verdict=made.verdict)
        ask.store.put_fact("snippets", changed.to_row())
        return changed, f"Kept already, by {known.who}; it is a {made.verdict} example now."


def decided(ask: Ask, moments: Iterable[Row]) -> dict[tuple[str, int, str], Row]:
    """Of moments found in calls, those that are kept: call, turn and criterion with the kept snippet's row."""
    ids = sorted({moment["call_id"] for moment in moments})
    rows = ask.store.query(_OF_CALLS, {"calls": ids}) if ids else []
    return {(row["call_id"], row["turn"], row["criterion"]): row for row in rows}


def opens_call(ask: Ask, snippet: KeptSnippet) -> bool:
    """Whether the user may open the call that a snippet is from."""
    return any(row["opens"] for row in _rows(ask, snippet.snippet_id))


def may_change(ask: Ask, snippet: KeptSnippet) -> bool:
    """A trainer or admin, or whoever kept it while they lead and may open its call: who may change a snippet may
    stretch it over all that was said there."""
    return ask.is_a(TRAINERS) or (ask.is_a(LEADERS) and snippet.who == ask.user.name and opens_call(ask, snippet))


def require_may_change(ask: Ask, snippet: KeptSnippet) -> None:
    """Raises `NotAllowed`."""
    if not may_change(ask, snippet):
        raise NotAllowed("only a trainer, or whoever kept a snippet and may open its call, may change it")


def playlists(ask: Ask) -> list[str]:
    """Names of the playlists that the user sees something of."""
    return names(ask, "playlists")


def names(ask: Ask, field: Literal["playlists", "tags"]) -> list[str]:
    """All names in `tags` or `playlists` of what the user may see, in order."""
    sql = _NAMES.format(field=field, where=ask.scope.where("c"))
    return sorted((row["name"] for row in ask.store.query(sql, ask.scope.params)), key=str.lower)


def transcript_of(ask: Ask, snippet: KeptSnippet) -> Transcript:
    """The words of the call that a snippet is from."""
    rows = ask.store.query("SELECT record_file, seq FROM calls WHERE call_id = $id", {"id": snippet.call_id})
    if not rows:
        raise NotThere(f"{snippet.call_id}: the call is gone")
    return call_view.transcript_of(ask, rows[0])


def silences_of(snippet: KeptSnippet, transcript: Transcript, *, kinds: Collection[str] = ALL) -> tuple[Seconds, ...]:
    """What is silent in a snippet: what must not leave, by its `kinds`, and what was hidden by hand, the whole turn
    where its words have no times: nobody knows where in it a word was said."""
    found = [*silences(transcript.turns, t0=snippet.t0, t1=snippet.t1, kinds=kinds), *snippet.hidden]
    for a, b in snippet.hidden:
        met = (turn for turn in transcript.turns if turn.t0 < b and turn.t1 > a and turn.text.strip())
        found += [(turn.t0, turn.t1) for turn in met if not said_words(turn)]
    found = [(a, b) for a, b in found if a < snippet.t1 and b > snippet.t0]
    return tuple(sorted((max(a, snippet.t0), min(b, snippet.t1)) for a, b in found))


def missing(ask: Ask, snippet: KeptSnippet) -> str:
    """Why there is nothing to hear; empty where there is."""
    try:
        _recording(ask, snippet)
    except (AudioError, NotThere) as error:
        return str(error)
    return ""


def recordings(ask: Ask, snippets: Sequence[KeptSnippet]) -> set[str]:
    """Ids of those snippets whose call came as a recording."""
    ids = [snippet.snippet_id for snippet in snippets]
    return {row["snippet_id"] for row in ask.store.query(_HEARD, {"ids": ids})}


def piece(ask: Ask, snippet: KeptSnippet, kind: str, *, download: bool = False) -> Kept | File:
    """The sound (`m4a`, `ogg`) or the captions (`vtt`) of a snippet; what cannot be silenced is not served."""
    name = f"{file_name(snippet, kinds=ask.redacts)}.{kind}" if download else ""
    if kind == "vtt":
        return File(captions(ask, snippet).encode(), "text/vtt", name)
    if kind not in KINDS:
        raise NotThere(f"{kind}: there is no such kind; ask for m4a, ogg or vtt")
    container: Container = "ogg" if kind == "ogg" else "m4a"
    try:
        return Kept(_sound(ask, snippet, container), KINDS[container].media_type, name)
    except AudioError as error:
        raise NotThere(str(error)) from None


def captions(ask: Ask, snippet: KeptSnippet) -> str:
    """WebVTT of a snippet."""
    transcript = transcript_of(ask, snippet)
    silent = silences_of(snippet, transcript, kinds=ask.redacts)
    turns = call_view.named_turns(transcript)
    return clip_captions(turns, t0=snippet.t0, t1=snippet.t1, silences=silent, kinds=ask.redacts)


def archive(ask: Ask, playlist: str, snippets: Sequence[KeptSnippet]) -> Kept:
    """A zip of a playlist in the cache: `01 title.m4a`, `01 title.vtt`, ..., and `playlist.m3u8`.

    A snippet without a recording comes as captions only.
    """
    made_of = json.dumps([snippet.to_row() for snippet in snippets], sort_keys=True, default=str)
    target = archive_file(ask.settings.data, made_of)
    folder = target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as made:
            whole = Path(made) / "playlist.zip"
            _write_archive(ask, whole, snippets)
            os.replace(whole, target)
    except OSError as error:
        raise StoreError(f"{folder}: the zip cannot be kept ({error.strerror}); make room") from error
    return Kept(target, "application/zip", f"{_plain(playlist)}.zip")


def file_name(snippet: KeptSnippet, *, kinds: Collection[str] = ALL) -> str:
    """A snippet's title as a file name, without what must not leave."""
    return _plain(redact_text(snippet.title, kinds=kinds).text)


def _write_archive(ask: Ask, target: Path, snippets: Sequence[KeptSnippet]) -> None:
    lines = ["#EXTM3U"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as whole:
        for number, snippet in enumerate(snippets, 1):
            name = f"{number:02d} {file_name(snippet, kinds=ask.redacts)}"
            whole.writestr(f"{name}.vtt", captions(ask, snippet))
            try:
                whole.write(_sound(ask, snippet, "m4a"), f"{name}.m4a")
            except (AudioError, NotThere):
                continue
            title = redact_text(snippet.title, kinds=ask.redacts).text
            lines += [f"#EXTINF:{snippet.t1 - snippet.t0:.0f},{title}", f"{name}.m4a"]
        whole.writestr("playlist.m3u8", "\n".join(lines) + "\n")


def _sound(ask: Ask, snippet: KeptSnippet, container: Container) -> Path:
    record, path = _recording(ask, snippet)
    silent = silences_of(snippet, transcript_of(ask, snippet), kinds=ask.redacts)
    sha256, data = record["source"]["sha256"], ask.settings.data
    return kept_clip(data, sha256, path, t0=snippet.t0, t1=snippet.t1, silences=silent, container=container)


def _recording(ask: Ask, snippet: KeptSnippet) -> tuple[Row, Path]:
    record = ask.store.record(snippet.call_id)
    if record is None:
        raise NotThere(f"{snippet.call_id}: the call is gone")
    return record, recording_of(record, ask.settings.data)


def _rows(ask: Ask, snippet_id: str = "", *, playlist: str = "", tag: str = "") -> list[Row]:
    sql = _KEPT.format(where=ask.scope.where("c"))
    asked = {"id": snippet_id, "playlist": playlist, "tag": tag, "most": MOST}
    return ask.store.query(sql, {**ask.scope.params, **asked})


def _snippet(row: Row) -> KeptSnippet:
    return KeptSnippet.from_row({name: value for name, value in row.items() if name != "opens"})


def _plain(title: str) -> str:
    return re.sub(r"[^\w .,()-]+", "", title).strip(" .")[:80] or "snippet"
