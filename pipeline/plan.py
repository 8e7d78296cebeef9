"""What is to be done about a set of files: hear, score again, or nothing, each with its reason.

Failures found while looking (missing, empty, unreadable, still being written) are kept here and now.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline import consent, erased, keep, process, retry, superseded
from pipeline.beside import Beside
from pipeline.errors import DebriefError, InputError, Withheld
from pipeline.ingest import (
    NOWHERE,
    Found,
    HashCache,
    Sniff,
    Source,
    State,
    beside_state,
    hash_beginnings,
    identify,
    may_be_words,
    meta_from_path,
    state_of,
)
from pipeline.settings import Settings
from pipeline.types import CallMeta

Status = Literal["scored", "abstained", "review", "failed", "done", "duplicate", "busy", "stopped", "withheld"]

MANY = 1_000_000

NOT_FINE: frozenset[Status] = frozenset({"failed", "stopped"})
"""Outcomes that make a batch exit with 1. A second copy of a call is the same call: said, and nothing to mend."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call to hear or to score again; `source` is None where only its record is left."""

    kind: Literal["hear", "score"]
    sha256: str
    path: Path
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    `withheld`: no consent, or erased before: neither heard nor kept; `done`: was done before;
    `busy`: another debrief is at it; `known`: failed before and has not changed since; `kind`: of a failure, as it is
    kept (none of a folder's that cannot be read).
    """

    path: Path
    status: Status
    reason: str = ""
    call_id: str = ""
    sha256: str = ""
    known: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Jobs to do, and the files about which nothing is to be done."""

    jobs: tuple[Job, ...]
    settled: tuple[Outcome, ...]


@dataclass(slots=True)
class _Seen:
    """What a plan knows of its files: `first`, the place of each content; `words`, by the hash of each transcript that
    lies beside a recording, that recording; `refused`, where the consent to a content was refused."""

    hashes: HashCache
    beside: Beside = field(default_factory=Beside)
    first: dict[str, Path] = field(default_factory=dict)
    words: dict[str, Source] = field(default_factory=dict)
    refused: dict[str, Path] = field(default_factory=dict)


def plan(
    files: Iterable[Found],
    settings: Settings,
    *,
    max_attempts: int | None = None,
    sniff: Sniff | None = None,
    on_file: Callable[[Path], None] | None = None,
) -> Plan:
    """Look at each file (as `discover` finds them) and decide what it needs. Failures found here are kept.

    `max_attempts` limits how often a call whose engine failed is tried while its file stays the same, and makes it wait
    between (None: always, and now).
    Raises `DebriefError` for what is wrong with every call: rubric, settings, a data folder that cannot be written.
    """
    now = process.scoring(settings)
    seen = _Seen(HashCache(settings.data / "hashes.jsonl"))
    jobs: list[Job] = []
    settled: list[Outcome] = []
    for found in files:
        if on_file:
            on_file(found.path)
        failed = _failed_before(found, settings, max_attempts, seen)
        if failed and not keep.record_files(settings.data, failed.sha256):
            settled.append(failed)
            continue
        verdict = _look(found, settings, seen, now, sniff)
        if failed and not _is_done(verdict):
            # with an up-to-date record the failure is of no account: whoever kept that was killed before forgetting it
            verdict = failed
        if isinstance(verdict, Job):
            jobs.append(verdict)
        else:
            settled.append(verdict)
    seen.hashes.save()
    settled += [_words_of(job, seen.words[job.sha256]) for job in jobs if job.sha256 in seen.words]
    jobs = [job for job in jobs if job.sha256 not in seen.words]
    # a refusal beside one copy is one for all of them, whichever is found first
    settled = [_refused(o.path, o.sha256, seen) if _kept(o) and o.sha256 in seen.refused else o for o in settled]
    settled += [_refused(job.path, job.sha256, seen) for job in jobs if job.sha256 in seen.refused]
    jobs = [job for job in jobs if job.sha256 not in seen.refused]
    return Plan(tuple(sorted(jobs, key=_longest_first)), tuple(settled))


def _words_of(job: Job, recording: Source) -> Outcome:
    """A transcript that is read beside its recording is no call of its own, wherever else a copy of it lies."""
    reason = f"{job.path}: the words of {recording.path}, which counts once; delete one of the transcripts"
    return Outcome(job.path, "duplicate", reason, recording.call_id, recording.sha256)


def _words_kept(source: Source, settings: Settings) -> Outcome | None:
    """A transcript whose recording is a call with its words, or another recording whose transcript has gone: done with
    it, also where the recording has gone since."""
    call = superseded.call_of_words(settings.data, source.sha256) if source.companion is None else None
    if call is None:
        return None
    sha256, place = call["source"]["sha256"], call["source"]["path"]
    if not os.path.lexists(place):
        return Outcome(source.path, "done", call_id=sha256[:16], sha256=sha256)
    reason = f"{source.path}: the same call as {place}, which counts once"
    if source.kind == "transcript":
        reason = f"{source.path}: the words of {place}, which counts once; delete one of the transcripts"
    return Outcome(source.path, "duplicate", reason, sha256[:16], sha256)


def _same_words(source: Source, settings: Settings, seen: _Seen, *, kept: bool) -> Job | Outcome | None:
    """A recording whose transcript is another one's too is that call, as Zoom's picture beside its sound; where it was
    `kept` as a call of its own it is none any more."""
    if source.companion is None:
        return None
    call = superseded.call_of_words(settings.data, source.companion_sha256)
    other = seen.words[source.companion_sha256]
    sha256, path = (call["source"]["sha256"], Path(call["source"]["path"])) if call else (other.sha256, other.path)
    place = seen.first.get(sha256, path)
    # another content at its own place is no other recording: the rest of a file that was half there
    if sha256 == source.sha256 or place.absolute() == source.path.absolute():
        return None
    if not may_be_words(source.companion, place, seen.beside):
        return None
    superseded.remember_copy(settings.data, source, sha256)
    if call and kept:
        superseded.merge(settings.data, source.sha256, sha256)
        # what people said of this one, as whose call it is, counts from the next scoring on
        return Job("score", sha256, path)
    reason = f"{source.path}: the same call as {place}, with the words of {source.companion}, which counts once"
    return Outcome(source.path, "duplicate", reason, sha256[:16], sha256)


def _is_done(verdict: Job | Outcome) -> bool:
    return isinstance(verdict, Outcome) and verdict.status == "done"


def _longest_first(job: Job) -> int:
    """Recordings before transcripts, large before small: a long job begun last would leave the other workers idle."""
    recording = job.kind == "hear" and job.source is not None and job.source.kind == "audio"
    return -job.source.size if recording and job.source else 1


def _refused(path: Path, sha256: str, seen: _Seen) -> Outcome:
    reason = f"{path}: consent was refused for {seen.refused[sha256]}, the same recording, so it is not heard or kept"
    return Outcome(path, "withheld", reason, sha256[:16], sha256)


def _kept(outcome: Outcome) -> bool:
    return outcome.status in ("done", "duplicate")


def plan_rescore(settings: Settings, *, every: bool = False) -> Plan:
    """The kept calls whose scores are not by today's rubric and judge (`every`: all whose words are kept), to be judged
    from records."""
    now = process.scoring(settings)
    shas = sorted({file.parent.name for file in keep.all_record_files(settings.data)})
    jobs = []
    for sha256 in shas:
        record = keep.latest_record(settings.data, sha256)
        if record and (process.stale(record, settings, now=now) or (every and record["transcript"]["turns"])):
            jobs.append(Job("score", sha256, Path(record["source"]["path"])))
    return Plan(tuple(jobs), ())


def _failed_before(found: Found, settings: Settings, max_attempts: int | None, seen: _Seen) -> Outcome | None:
    """The kept failure of an unchanged file that needs no other try; a file that was named itself always gets one."""
    path = found.path.absolute()
    failure = keep.read_failure(settings.data, str(path))
    if failure is None or found.root is None or failure.get("debrief") != process.debrief_version():
        return None
    state = state_of(path)
    if state == NOWHERE or (failure.get("size"), failure.get("mtime_ns")) != state:
        return None
    # refused or erased since, it leaves no failure either
    sha256 = failure.get("sha256") or ""
    if sha256 and (erased.is_marked(settings.data, sha256) or consent.stated(settings.data, sha256) == "no"):
        return None
    # neither size nor time tells that a file may be read now
    if failure.get("unreadable"):
        return None
    # corrected metadata may be all that was wrong, and with a transcript beside it a recording need not be heard
    beside = beside_state(path, seen.beside)
    if failure.get("beside", beside) != beside:
        return None
    if failure["kind"] != "input":
        status = retry.verdict(failure["kind"], failure["attempts"], max_attempts=max_attempts or MANY)
        if status == "retry" and (max_attempts is None or retry.due(failure, dt.datetime.now(dt.UTC))):
            return None
    return Outcome(found.path, "failed", failure["reason"], sha256=sha256, known=True, kind=failure["kind"])


def _look(
    found: Found,
    settings: Settings,
    seen: _Seen,
    now: dict[str, dict[str, str]],
    sniff: Sniff | None,
) -> Job | Outcome:
    read = state_of(found.path)
    try:
        source = identify(found, pattern=settings.path_pattern, sniff=sniff, hashes=seen.hashes, beside=seen.beside)
    except InputError as error:
        # a folder is no call: what was wrong with it is over once its files are seen
        if os.path.isdir(found.path):
            return Outcome(found.path, "failed", str(error))
        suggested = meta_from_path(found.path, root=found.root, pattern=settings.path_pattern)
        said = _said_before(found, settings) or suggested
        keep_failure(settings, found.path, kind="input", reason=str(error), read=read, beside=seen.beside, said=said)
        return Outcome(found.path, "failed", str(error), kind="input")
    said = _said_before(found, settings, source.sha256) or source.from_path
    source = replace(source, from_path=said, halves=_halves(source, settings, seen))
    try:
        erased.require(settings.data, source)
        superseded.inherit(settings.data, source)
        consent.require(source.path, source.sha256, source.meta(), settings)
    except Withheld as withheld:
        return _withheld(source, settings, str(withheld), seen)
    if source.companion_sha256:
        seen.words.setdefault(source.companion_sha256, source)
    record = keep.latest_record(settings.data, source.sha256)
    if record is None and (words := _words_kept(source, settings)):
        return words
    home = _other_home(record, source) if record else None
    twin = seen.first.setdefault(source.sha256, home or source.path)
    if twin.absolute() != source.path.absolute():
        reason = f"{source.path}: the same recording as {twin}, which counts once; delete one of them"
        return Outcome(source.path, "duplicate", reason, source.call_id, source.sha256)
    if same := _same_words(source, settings, seen, kept=record is not None):
        return same
    need = process.stale(record, settings, now=now, source=source) if record else "hear"
    if need == "":
        # whoever kept the record may have been killed before the rest of what follows from it
        superseded.take_over(settings.data, source)
        with contextlib.suppress(OSError):
            keep.clear_failure(settings.data, str(source.path.absolute()))
        return Outcome(source.path, "done", call_id=source.call_id, sha256=source.sha256)
    return Job("score" if need == "score" else "hear", source.sha256, source.path, source)


def _said_before(found: Found, settings: Settings, sha256: str = "") -> CallMeta | None:
    """What the folders of a file that was named itself suggested when it was found in them; None where it never was."""
    if found.root is not None:
        return None
    path = str(found.path.absolute())
    failure = keep.read_failure(settings.data, path)
    if failure and failure.get("said"):
        return CallMeta.from_json(failure["said"])
    record = keep.latest_record(settings.data, sha256)
    if record and record["source"]["path"] == path:
        return CallMeta.from_json(record["source"]["known"]["path"])
    return None


def _halves(source: Source, settings: Settings, seen: _Seen) -> tuple[str, ...]:
    """Calls that were made of this file's beginning: its copying stood still so long that it was taken for whole."""
    before = {
        sha256: size
        for sha256, size in seen.hashes.before(source.path).items()
        if size < source.size and keep.record_files(settings.data, sha256)
    }
    # a recorder that calls every file alike leaves hundreds of them
    with contextlib.suppress(OSError):
        beginnings = hash_beginnings(source.path, before.values()) if before else {}
        return tuple(sha256 for sha256, size in before.items() if beginnings[size] == sha256)
    return ()


def _withheld(source: Source, settings: Settings, reason: str, seen: _Seen) -> Outcome:
    """Neither heard nor kept: where consent was refused or taken back, what was kept before goes too."""
    if consent.answer(settings.data, source.sha256, source.meta()) == "no":
        seen.refused[source.sha256] = source.path
        try:
            _erase_kept(settings, source)
        except DebriefError as error:
            # the other files are looked at all the same, and this one again
            reason = f"{source.path}: consent was refused, but what is kept could not be erased ({error}); run it again"
            return Outcome(source.path, "stopped", reason, source.call_id, source.sha256)
    # a call that may not be kept keeps no failure either
    with contextlib.suppress(OSError):
        keep.clear_failure(settings.data, str(source.path.absolute()))
    return Outcome(source.path, "withheld", reason, source.call_id, source.sha256)


def _erase_kept(settings: Settings, source: Source) -> None:
    """What was kept of the call goes, also what its transcript was before the recording came, and the call of which a
    transcript alone is left; the call may come again with consent. Raises `DebriefError`s, as where it is being worked
    on."""
    call = superseded.call_of_words(settings.data, source.sha256)
    left = call["source"]["sha256"] if call and not os.path.lexists(call["source"]["path"]) else ""
    shas = [sha for sha in (source.sha256, *superseded.earlier_calls(settings.data, source), left) if sha]
    if any(keep.record_files(settings.data, sha) for sha in shas):
        from pipeline.erase import Erasure, calls_to_erase, erase
        from pipeline.store import Store

        with Store(settings.data) as store:
            erase(settings, store, Erasure(tuple(calls_to_erase(settings.data, shas))), again=True)


def _other_home(record: dict[str, Any], source: Source) -> Path | None:
    """Where else the same call still lies: None when it was moved or renamed, or this is that place."""
    home = Path(record["source"]["path"])
    try:
        state = home.stat()
        if os.path.samefile(home, source.path):
            return None
    except OSError:
        return None
    unchanged = (state.st_size, state.st_mtime_ns) == (record["source"]["size"], record["source"]["mtime_ns"])
    return home if unchanged else None


def keep_failure(
    settings: Settings,
    path: Path,
    *,
    kind: str,
    reason: str,
    read: State,
    sha256: str | None = None,
    beside: Beside | None = None,
    said: CallMeta | None = None,
) -> dict[str, Any]:
    """Keep why a file could not become a call, with the state it was read in: reported once, retried when it is in any
    other, though it changed while it was being read. `said` is what its folders and name suggest.

    Returns what was kept. Raises `StoreError`.
    """
    size, mtime_ns = read
    row: dict[str, Any] = {"path": str(path.absolute()), "sha256": sha256, "size": size, "mtime_ns": mtime_ns}
    row["beside"] = beside_state(path, beside)
    if said:
        row["said"] = said.to_json()
    if read != NOWHERE and not os.access(path, os.R_OK):
        row["unreadable"] = True
    return keep.write_failure(
        settings.data,
        {**row, "kind": kind, "reason": reason, "debrief": process.debrief_version()},
        max_attempts=settings.max_attempts,
    )
