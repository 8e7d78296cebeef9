"""What is kept longer than the settings allow, by class of data, and its going: recordings, words, scores, clips, and
so on. Nothing goes unless a `keep_*_days` setting says so.

A recording is deleted only inside the inbox and only once it was dealt with. With a call's words go the quotes of them
in other records, its clips and captions, and what was exported; with its scores goes all that is kept of it, and a mark
keeps it out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pipeline import erased, keep, register, superseded
from pipeline.beside import Beside
from pipeline.coach.playlists import UNTITLED
from pipeline.days import days_before, latest
from pipeline.erase import Erasure, beside, calls_to_erase, erase, forget_answers
from pipeline.errors import DebriefError, StoreError
from pipeline.ingest import TEXT_SUFFIXES, HashCache, companions_of, discover
from pipeline.listening import clip_files, copies_of, forget_archives
from pipeline.scrub import Traces, without_items
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.tidy import was_deleted

_DAY = "coalesce(CASE WHEN call_date <= $latest THEN call_date END, kept_since::DATE)"
"""The day that a call's age counts from; one that says it is yet to come would never be over."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time is over: its `kind`, what it is (a path, or a call's id), the day it counts from."""

    kind: str
    what: str
    day: str
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def due(settings: Settings, store: Store, *, today: dt.date | None = None) -> tuple[list[Due], list[str]]:
    """What is due, by the settings, as of a day; a limit below 0 is no limit. Reads only.

    A look that fails is a line of the second list; what the others find is given all the same.
    """
    settings, day = _bounded(settings), today or dt.date.today()
    rows: list[Due] = []
    problems: list[str] = []
    for look in _LOOKS:
        try:
            rows += look(settings, store, day)
        except (DebriefError, OSError) as error:
            problems.append(f"retention: {error}")
    return rows, problems


def _bounded(settings: Settings) -> Settings:
    # such a limit lies in the future: without this everything would be over it
    limits = {f.name: max(0, getattr(settings, f.name)) for f in fields(settings) if f.name.startswith("keep_")}
    return replace(settings, **limits)


def retain(settings: Settings, store: Store, rows: Iterable[Due]) -> tuple[dict[str, int], list[str]]:
    """Let what is due go; how many of each kind, and a line for each kind that cannot: the others go all the same."""
    by_kind: dict[str, list[Due]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    done: dict[str, int] = {}
    problems: list[str] = []
    for kind, found in by_kind.items():
        try:
            done[kind] = _GO[kind](settings, store, found)
        except (DebriefError, OSError) as error:
            problems.append(f"retention of {kind}: {error}")
    return done, problems


def _calls(store: Store, before: dt.date, *, where: str = "true") -> list[dict[str, Any]]:
    return store.query(
        f"SELECT call_id, sha256, path, {_DAY} AS day FROM calls WHERE {_DAY} < $before AND {where} "
        "ORDER BY day, call_id",
        {"before": before, "latest": latest()},
    )


def _recordings(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    """Input files in the inbox: of kept calls by the call's date; of refused ones by the day they were refused, of
    erased ones by the file's. What was never heard, or failed for another reason, stays."""
    limits = {"recording": settings.keep_recordings_days, "transcript file": settings.keep_transcripts_days}
    inbox = settings.inbox_folder
    if not any(limits.values()) or not os.path.isdir(inbox):
        return
    dealt_with, listed = _dealt_with(settings, store), Beside()
    for found in discover([inbox]):
        path = found.path.absolute()
        if path.is_symlink() or inbox.resolve() not in path.resolve().parents:
            continue
        with contextlib.suppress(OSError):
            when, wordless = dealt_with(path)
            kind = "transcript file" if path.suffix.lower() in TEXT_SUFFIXES else "recording"
            if when and limits[kind] and when < days_before(day, limits[kind]):
                yield Due(kind, str(path), when.isoformat())
            elif when and wordless and kind == "recording" and (days := limits["transcript file"]):
                # before its words went, a recording whose transcript is gone would be heard
                for companion in companions_of(path, beside=listed) if when < days_before(day, days) else ():
                    yield Due("transcript file", str(companion), when.isoformat())


def _dealt_with(settings: Settings, store: Store) -> Callable[[Path], tuple[dt.date | None, bool]]:
    """For an input file: the day that its age counts from (None where it was not dealt with), and whether its call has
    no words any more."""
    # by what is in it: another recording of the same name may not have been heard yet
    calls = {row["sha256"]: row for row in store.query(
        f"SELECT sha256, {_DAY} AS day, n_turns = 0 AS wordless FROM calls", {"latest": latest()}
    )}  # fmt: skip
    refused: dict[tuple[object, ...], dt.date] = {}
    for row in keep.read_failures(settings.data):
        if row["status"] == "refused" and row["kind"] == "input":
            since = dt.datetime.fromisoformat(row["first_at"]).astimezone().date()
            refused[str(row["path"]), row.get("size"), row.get("mtime_ns")] = since
    hashes = HashCache(settings.data / "hashes.jsonl")

    def look(path: Path) -> tuple[dt.date | None, bool]:
        state = path.stat()
        sha256 = hashes.get(path, state) or ""
        words = superseded.call_of_words(settings.data, sha256) if sha256 not in calls else None
        if call := calls.get(words["source"]["sha256"] if words else sha256):
            return call["day"], call["wordless"]
        if erased.is_marked(settings.data, sha256):
            return dt.date.fromtimestamp(state.st_mtime), True
        return refused.get((str(path), state.st_size, state.st_mtime_ns)), False

    return look


def _scores(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    if settings.keep_scores_days:
        for row in _calls(store, days_before(day, settings.keep_scores_days)):
            yield Due("call", row["call_id"], row["day"].isoformat(), row["sha256"])


def _words(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    if settings.keep_transcripts_days:
        whole = {row.sha256 for row in _scores(settings, store, day)}
        # an earlier record beside a wordless one was left by an end in the midst of it, and has the words
        where = "(n_turns > 0 OR (SELECT count(*) FROM records r WHERE r.sha256 = calls.sha256) > 1)"
        for row in _calls(store, days_before(day, settings.keep_transcripts_days), where=where):
            if row["sha256"] not in whole:
                yield Due("words of a call", row["call_id"], row["day"].isoformat(), row["sha256"])


def _clips(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    yield from _old_files(clip_files(settings.data), "clip", settings.keep_clips_days, day)


def _caches(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    clips = set(clip_files(settings.data))
    files = [file for name in ("cache", "judge") for file in _files(settings.data / name) if file not in clips]
    yield from _old_files(files, "cached file", settings.keep_cache_days, day)
    if settings.keep_cache_days:
        # with a drive that is away for a night, all that lies on it would be read again
        gone = [path for path, _ in _hashes(settings.data) if was_deleted(path, settings)]
        yield from (Due("cached hash", path, day.isoformat()) for path in dict.fromkeys(gone))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _old_files(files: Iterable[Path], kind: str, days: int, day: dt.date) -> Iterator[Due]:
    limit = _stamp(days_before(day, days)) if days else 0.0
    for path in files:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < limit and path.name != "spent.json":
                yield Due(kind, str(path), dt.date.fromtimestamp(path.stat().st_mtime).isoformat())


def _exports(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    limit = days_before(day, settings.keep_exports_days).isoformat() if settings.keep_exports_days else ""
    # which calls an export holds is not kept: with any of them, or the words of one, all go
    over = any(_words(settings, store, day)) or any(_scores(settings, store, day))
    for row in register.written(settings.data):
        if row["kind"] == "export" and (over or str(row["at"])[:10] < limit):
            yield Due("export", str(row["path"]), str(row["at"])[:10])


def _audit(settings: Settings, store: Store, day: dt.date) -> Iterator[Due]:
    from pipeline.access.book import AccessBook
    from pipeline.access.schema import FILE

    if settings.keep_audit_days and (settings.data / FILE).is_file():
        with AccessBook(settings.data) as book:
            count = book.lines_before(_stamp(days_before(day, settings.keep_audit_days)))
        if count:
            yield Due("audit lines", f"{count} lines", days_before(day, settings.keep_audit_days).isoformat())


def _stamp(day: dt.date) -> float:
    return time.mktime(day.timetuple())


def _delete_inputs(settings: Settings, store: Store, rows: list[Due]) -> int:
    hashes = HashCache(settings.data / "hashes.jsonl")
    for row in rows:
        path = Path(row.what)
        sha256 = None
        with contextlib.suppress(OSError):
            sha256 = hashes.get(path, path.stat()) if row.kind == "recording" else None
        if sha256:
            # a copy to listen to is the recording, too; first, as without the file nobody knows whose it is
            for copy in copies_of(settings.data, sha256):
                _delete_file(copy)
        for companion in list(companions_of(path)):
            # left alone, the transcript of the same call would become a second one; so it goes first
            _delete_file(companion)
        for file in (path, *beside(path, set())):
            _delete_file(file)
    return len(rows)


def _delete_file(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        # a folder that is mounted read-only is no matter of permissions, and has to be told all the same
        why = error.strerror or error
        remedy = "let debrief write there" if error.errno == errno.EROFS else "check permissions"
        raise StoreError(f"{file}: its time is over, but it cannot be deleted ({why}); {remedy}") from error


def _delete_files(settings: Settings, store: Store, rows: list[Due]) -> int:
    for row in rows:
        _delete_file(Path(row.what))
    return len(rows)


def _delete_calls(settings: Settings, store: Store, rows: list[Due]) -> int:
    erase(settings, store, Erasure(tuple(calls_to_erase(settings.data, [row.sha256 for row in rows]))))
    return len(rows)


def _delete_words(settings: Settings, store: Store, rows: list[Due]) -> int:
    """The words go from the calls' records, from quotes elsewhere (digests too), from the database's freed blocks."""
    for row in rows:
        drop_words(settings.data, row.sha256)
    calls = {row.what for row in rows}
    for file in sorted((settings.data / "facts").glob("*/[!.]*.json")):
        if file.parent.name == "comments":
            # whoever wrote it said it, not the call; so do reasons of reviews and notes stay
            continue
        with contextlib.suppress(StoreError):
            fact = keep.read_json(file)
            made = _unquoted(fact, calls)
            if file.parent.name == "snippets" and fact.get("call_id") in calls:
                made["title"] = UNTITLED
            if made != fact:
                keep.write_atomically(file, keep.encode(made))
    finder = Traces(tuple(text for row in rows for text in (row.sha256, row.what))).finder()
    # what was made from its recording
    for file in _files(settings.data / "cache"):
        if finder.search(file.relative_to(settings.data).as_posix()):
            file.unlink(missing_ok=True)
    for file in sorted((settings.data / "digests").glob("*.html")):
        told = file.read_text(encoding="utf-8", errors="replace")
        # what is counted over the calls stays, as their scores do; what is said of one stands in quotation marks
        if (left := without_items(told, finder, holding="&quot;")) != told:
            keep.write_atomically(file, left.encode())
    forget_archives(settings.data)
    store.rebuild()
    return len(rows)


def _unquoted(value: Any, calls: Collection[str]) -> Any:
    """A JSON value in which nothing of these calls is quoted."""
    if isinstance(value, list):
        return [_unquoted(item, calls) for item in value]
    if not isinstance(value, dict):
        return value
    mine = value.get("call_id") in calls
    return {key: "" if mine and key in _QUOTING else _unquoted(item, calls) for key, item in value.items()}


_QUOTING = ("quote", "text", "words", "before", "after", "context")


def drop_words(data: Path, sha256: str) -> None:
    """One call's record without its words; its scores, metrics and counts stay. Earlier records of it go."""
    record = keep.latest_record(data, sha256)
    if record is None:
        return
    forget_answers(data, sha256)
    spoken = (record.get("transcript") or {}).get("turns")
    made = keep.write_record(data, without_words(record) if spoken else record)
    for file in keep.record_files(data, sha256):
        if file != made:
            file.unlink(missing_ok=True)


def without_words(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose transcript has no turns and whose scores quote nothing."""
    transcript, card = record["transcript"], record.get("scorecard")
    length = max((turn["t1"] for turn in transcript["turns"]), default=0.0)
    hearing = {**transcript.get("hearing", {}), "notes": []}
    emptied = {**transcript, "turns": [], "hearing": hearing, "words_expired": True, "duration_s": length}
    if card:
        criteria = {name: {**score, "evidence": [], "missed": []} for name, score in card["criteria"].items()}
        card = {**card, "criteria": criteria, "moves": []}
    return {**record, "transcript": emptied, "scorecard": card}


def _delete_exports(settings: Settings, store: Store, rows: list[Due]) -> int:
    last = dt.date.fromisoformat(max(row.day for row in rows))
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), dt.UTC)
    deleted, _, stuck = register.drop_exports(settings.data, before=end)
    if stuck:
        raise StoreError("; ".join(stuck))
    return deleted


def _hashes(data: Path) -> list[tuple[str, str]]:
    found = []
    with contextlib.suppress(OSError):
        for line in (data / "hashes.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, IndexError, TypeError):
                found.append((str(json.loads(line)[0]), line))
    return found


def _delete_hashes(settings: Settings, store: Store, rows: list[Due]) -> int:
    gone = {row.what for row in rows}
    text = "".join(line + "\n" for path, line in _hashes(settings.data) if path not in gone)
    keep.write_atomically(settings.data / "hashes.jsonl", text.encode())
    return len(rows)


def _delete_audit(settings: Settings, store: Store, rows: list[Due]) -> int:
    from pipeline.access.book import AccessBook

    with AccessBook(settings.data) as book:
        return sum(book.forget_lines(_stamp(dt.date.fromisoformat(row.day))) for row in rows)


_LOOKS: tuple[Callable[[Settings, Store, dt.date], Iterable[Due]], ...] = (
    _recordings, _exports, _scores, _words, _clips, _caches, _audit,
)  # fmt: skip
_GO: dict[str, Callable[[Settings, Store, list[Due]], int]] = {
    "recording": _delete_inputs,
    "transcript file": _delete_inputs,
    "call": _delete_calls,
    "words of a call": _delete_words,
    "clip": _delete_files,
    "cached file": _delete_files,
    "export": _delete_exports,
    "cached hash": _delete_hashes,
    "audit lines": _delete_audit,
}


def retain_all(settings: Settings, store: Store) -> tuple[dict[str, int], list[str]]:
    """`due`, then `retain`: how many of each kind went, and a line for each that could not."""
    rows, unseen = due(settings, store)
    done, stuck = retain(settings, store, rows)
    return done, [*unseen, *stuck]
