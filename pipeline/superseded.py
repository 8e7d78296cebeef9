"""A call that was known by its transcript alone until its recording came: one call then, under the recording's hash.

Meeting tools deliver the transcript first. The recording is read with that transcript beside it, as where both came
together, and takes the earlier call's place. What people said of the call goes along: consent, rep and speakers before
the recording is read, so that they count; overrides, comments, snippets and training that quotes the call when there is
a record that they can belong to.

A recording that is deleted later leaves its transcript behind, as where room is made by taking the videos away: that
transcript is the recording's call still, and none of its own (`facts/words/<sha256>.json` says whose words it is).

A file that was taken for whole while its copying stood still takes the place of the call that its beginning was in the
same way, once the rest has come.

Every step can be repeated: a kill in between leaves two calls until the next look at the recording.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from pipeline import assigned_reps, assigned_roles, consent, keep
from pipeline.errors import StoreError
from pipeline.ingest import CALL_ID_DIGITS, Source
from pipeline.rows import FACT_KEYS

STATED = (consent.FACT, assigned_reps.FACT, assigned_roles.FACT)
"""Facts that are kept by a call's whole hash, one each."""

WORDS = "words"
"""Kind of the facts that say whose words a transcript is: its own hash, and `recording`, that of the recording. Another
recording of the same call, as Zoom's picture beside its sound, has one too, with the hash of the `words` of both."""


def earlier_calls(data: Path, source: Source) -> list[str]:
    """The hashes of what is a call of its own so far and this one: the transcript beside a recording, halves of a
    file."""
    return [sha256 for sha256 in _earlier(source) if keep.record_files(data, sha256)]


def _earlier(source: Source) -> list[str]:
    return [sha256 for sha256 in (source.companion_sha256, *source.halves) if sha256 not in ("", source.sha256)]


def inherit(data: Path, source: Source) -> None:
    """Let consent, rep and speakers that people named on the earlier call count for this one, where nobody named them
    here. Raises `StoreError`."""
    # also from a transcript that is no call any more: what was refused there is refused here
    for kind, earlier in itertools.product(STATED, _earlier(source)):
        theirs, ours = keep.fact_file(data, kind, earlier), keep.fact_file(data, kind, source.sha256)
        if not ours.exists() and (row := _readable(theirs)):
            keep.write_fact(data, kind, source.sha256, {**row, "sha256": source.sha256})


def take_over(data: Path, source: Source) -> None:
    """The call has its record: the earlier calls' facts become its own, and the earlier calls are none any more.
    Whose words the transcript beside it is stays known.

    Raises `StoreError`.
    """
    _remember_words(data, source)
    for earlier in earlier_calls(data, source):
        merge(data, earlier, source.sha256)


def merge(data: Path, sha256: str, into: str) -> None:
    """Let a call be none any more, and what people said of it be said of another one. Raises `StoreError`."""
    for file in _facts_about(data, sha256):
        _hand_on(data, file, sha256, into)
    keep.remove_records(data, sha256)


def _remember_words(data: Path, source: Source) -> None:
    words = source.companion_sha256
    row = {"sha256": words, "recording": source.sha256}
    if words and words != source.sha256 and _readable(keep.fact_file(data, WORDS, words)) != row:
        keep.write_fact(data, WORDS, words, row)


def remember_copy(data: Path, source: Source, sha256: str) -> None:
    """A recording is the call of another one, by the transcript that both have: known also when that has gone. Raises
    `StoreError`."""
    row = {"sha256": source.sha256, "recording": sha256, "words": source.companion_sha256}
    if _readable(keep.fact_file(data, WORDS, source.sha256)) != row:
        keep.write_fact(data, WORDS, source.sha256, row)


def copies(data: Path) -> dict[str, list[str]]:
    """By the hash of a call's recording, those of its other recordings."""
    found: dict[str, list[str]] = {}
    for file in sorted((data / "facts" / WORDS).glob("[!.]*.json")):
        row = _readable(file)
        if row and row.get("words"):
            found.setdefault(str(row.get("recording")), []).append(str(row.get("sha256")))
    return found


def call_of_words(data: Path, sha256: str) -> dict[str, Any] | None:
    """The record of the recording whose words this transcript is, or whose call this other recording; None where no
    call has its words from it."""
    known = _readable(keep.fact_file(data, WORDS, sha256)) if sha256 else None
    record = keep.latest_record(data, str(known["recording"])) if known and known.get("recording") else None
    # heard again without it, the recording let it go: it may have been another call's
    words = known.get("words", sha256) if known else sha256
    return record if record and record["source"]["known"].get("companion") == words else None


def _facts_about(data: Path, sha256: str) -> list[Path]:
    """Files of facts that may name the call: those called after it, and all training, which quotes calls."""
    facts = data / "facts"
    named = (file for file in facts.glob(f"*/{sha256[:CALL_ID_DIGITS]}*.json") if file.parent.name != WORDS)
    return sorted({*named, *(facts / "assignments").glob("[!.]*.json")})


def _readable(file: Path) -> dict[str, Any] | None:
    """A fact; None where there is none, or a damaged one: that must not keep every other call waiting."""
    try:
        return keep.read_json(file) if file.is_file() else None
    except StoreError:
        return None


def _hand_on(data: Path, file: Path, old: str, new: str) -> None:
    """One fact under the new id; what somebody said of the recording itself stands."""
    row = _readable(file)
    if row is None:
        return
    text = json.dumps(row)
    made = text.replace(old, new).replace(old[:CALL_ID_DIGITS], new[:CALL_ID_DIGITS])
    if made == text:
        return
    kind, row = file.parent.name, json.loads(made)
    name = str(row[FACT_KEYS.get(kind, "sha256")])
    target = keep.fact_file(data, kind, name)
    if target == file or not target.exists():
        keep.write_fact(data, kind, name, row)
    if target != file:
        file.unlink(missing_ok=True)
