"""Calls whose rep nobody named: what a person says about it is kept as a fact and stands above path and sidecar.

facts/reps/<sha256>.json   {"sha256", "rep", "team", "who", "at"}
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from pipeline import keep
from pipeline.errors import StoreError, TranscriptError
from pipeline.types import Transcript

FACT = "reps"
MAX_NAME = 80


def assign_rep(data: Path, sha256: str, rep: str, *, team: str = "", who: str) -> None:
    """Keep who made a call; the call's next scoring carries it. An empty `team` leaves the call's own.

    Raises `TranscriptError` for a name that is none, `StoreError` when it cannot be written.
    """
    names = [" ".join(name.split()) for name in (rep, team)]
    if not names[0] or any(len(name) > MAX_NAME or not name.isprintable() for name in names):
        raise TranscriptError(f"a rep's name has 1 to {MAX_NAME} printable characters; give the one on the rep's calls")
    row = {
        "sha256": sha256,
        "rep": names[0],
        "team": names[1] or None,
        "who": who,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    keep.write_fact(data, FACT, sha256, row)


def with_assigned_rep(transcript: Transcript, data: Path, sha256: str) -> Transcript:
    """The transcript with the rep that a person named; unchanged where nobody did."""
    try:
        row = keep.read_json(keep.fact_file(data, FACT, sha256))
    except StoreError:
        return transcript
    rep, team = row.get("rep"), row.get("team")
    if not isinstance(rep, str) or not rep:
        return transcript
    meta = replace(transcript.meta, rep=rep, team=team if isinstance(team, str) and team else transcript.meta.team)
    return replace(transcript, meta=meta)
