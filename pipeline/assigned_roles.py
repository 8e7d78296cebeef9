"""Calls whose roles nobody could tell: what a person says about them is kept as a fact and stands above every guess.

    facts/roles/<sha256>.json   {"sha256", "speakers": {label: "rep" | "rep:Name" | "buyer:Name"}, "diarizer", "count",
                                "at"}

The labels are those of the transcript before a person named them; heard again by the same diarizer, the call has the
same labels and the fact holds. By another diarizer they mean other people, and the fact waits unused; so they may where
the file beside the recording gave another number of speakers (`count`) since, and fewer labels came of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import keep
from pipeline.errors import StoreError, TranscriptError
from pipeline.speaker_names import REP_HEARD, name_of_label, with_heard_rep
from pipeline.types import BUYER, REP, CallMeta, Transcript

FACT = "roles"
BY_PERSON = "person"


def speakers_of(transcript: Transcript) -> list[dict[str, Any]]:
    """Every speaker: `speaker`, `turns`, `words`, `share` of the words, and `says`, the longest thing said early on."""
    rows: dict[str, list[str]] = {}
    for turn in transcript.turns:
        rows.setdefault(turn.speaker, []).append(turn.text)
    counts = {label: sum(len(text.split()) for text in said) for label, said in rows.items()}
    total = max(1, sum(counts.values()))
    return [
        {
            "speaker": label,
            "turns": len(said),
            "words": counts[label],
            "share": round(counts[label] / total, 3),
            "says": max(said[:6], key=len),
        }
        for label, said in rows.items()
    ]


def roles_by_rep(transcript: Transcript, reps: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """Roles of all speakers, given who sells: the first of `reps` is the rep, further ones colleagues, the rest buyers.

    `names` maps labels to names. Raises `TranscriptError` for a label that nobody has, and where of several speakers no
    buyer is left.
    """
    labels = [row["speaker"] for row in speakers_of(transcript)]
    sellers = [_meant(label, labels, transcript) for label in reps]
    named = {_meant(label, labels, transcript): name for label, name in names.items()}
    if len(labels) > 1 and not set(labels) - set(sellers):
        raise TranscriptError(f"{transcript.call_id}: every speaker would be a rep; name only those who sell")
    roles: dict[str, str] = {}
    for label in [*sellers, *(label for label in labels if label not in sellers)]:
        if label == sellers[0]:
            roles[label] = REP
        elif label in sellers:
            roles[label] = _free(f"{REP}:{named.get(label) or _name(transcript, label) or 'Colleague'}", roles)
        else:
            roles[label] = _free(f"{BUYER}:{named.get(label) or _name(transcript, label) or 'Buyer'}", roles)
    return roles


def _meant(label: str, labels: Sequence[str], transcript: Transcript) -> str:
    """The speaker's label as it is; in other capitals where only one is the same then. Else `TranscriptError`."""
    alike = [label] if label in labels else [one for one in labels if one.lower() == label.lower()]
    if len(alike) != 1:
        raise TranscriptError(f"{transcript.call_id}: no speaker '{label}'; there are {', '.join(labels)}")
    return alike[0]


def swapped(transcript: Transcript, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Roles with the sides exchanged; the buyer who says most becomes the rep, whoever speaks alone and is no rep yet a
    buyer. `names` as in `roles_by_rep`. `TranscriptError` if unresolved."""
    names = names or {}
    rows = speakers_of(transcript)
    if len(rows) == 1:
        (label,) = (row["speaker"] for row in rows)
        names = {_meant(one, [label], transcript): name for one, name in names.items()}
        return {
            label: REP
            if label.startswith(BUYER)
            else f"{BUYER}:{names.get(label) or _name(transcript, label) or 'Buyer'}"
        }
    if not transcript.resolved:
        raise TranscriptError(f"{transcript.call_id}: nobody is rep or buyer yet; say who sells with --rep")
    buyers = sorted((row for row in rows if row["speaker"].startswith(BUYER)), key=lambda row: -row["words"])
    return roles_by_rep(transcript, [row["speaker"] for row in buyers], names)


def _name(transcript: Transcript, label: str) -> str:
    """A speaker's name: the label's own, and of `rep` that of the call's rep where it was this speaker's name."""
    heard = label == REP and transcript.meta.extra.get(REP_HEARD)
    return (transcript.meta.rep or "") if heard else _own_name(label)


def _own_name(label: str) -> str:
    """The name in `buyer:Dana` or `Dana Reed`; nothing for `rep`, `SPEAKER_01`, `channel 0`."""
    head, _, tail = label.partition(":")
    if head.lower() in (REP, BUYER):
        return "" if tail.rstrip(" 0123456789") in ("", "Buyer", "Colleague") else tail
    return "" if any(letter.isdigit() for letter in label) or label.lower() == "unknown" else label


def _free(label: str, taken: Mapping[str, str]) -> str:
    given, number, wanted = set(taken.values()), 2, label
    while label in given:
        label, number = f"{wanted} {number}", number + 1
    return label


def assign_roles(data: Path, sha256: str, transcript: Transcript, roles: Mapping[str, str]) -> None:
    """Keep what a person says of a call's speakers. Labels of an earlier assignment are followed back to the first.

    Raises `StoreError` when it cannot be written.
    """
    before = _fact(data, sha256, transcript)[0] if transcript.hearing.roles_method == BY_PERSON else {}
    first = {label: roles.get(now, now) for label, now in before.items()} if before else dict(roles)
    row = {
        "sha256": sha256,
        "speakers": first,
        "diarizer": transcript.hearing.diarizer,
        "count": _count(transcript),
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    keep.write_fact(data, FACT, sha256, row)


def with_assigned_roles(transcript: Transcript, data: Path, sha256: str) -> Transcript:
    """The transcript as a person named its speakers; unchanged where none did or the labels are others now."""
    roles, count = _fact(data, sha256, transcript)
    labels = {turn.speaker for turn in transcript.turns}
    holds = labels <= set(roles) and (labels == set(roles) or count == _count(transcript))
    return renamed(transcript, roles) if roles and holds else transcript


def renamed(transcript: Transcript, roles: Mapping[str, str]) -> Transcript:
    """The transcript with other speakers, on a person's word; whose call it is follows where only they told it."""
    turns = tuple(replace(turn, speaker=roles.get(turn.speaker, turn.speaker)) for turn in transcript.turns)
    hearing = replace(transcript.hearing, roles_method=BY_PERSON, roles_confidence=1.0)
    return replace(transcript, meta=_with_rep(transcript, roles), turns=turns, hearing=hearing)


def _with_rep(transcript: Transcript, roles: Mapping[str, str]) -> CallMeta:
    seller = next((label for label, role in roles.items() if role == REP), "")
    return with_heard_rep(transcript.meta, name_of_label(_name(transcript, seller)))


def _fact(data: Path, sha256: str, transcript: Transcript) -> tuple[dict[str, str], str]:
    """What a person said of the speakers of a call that the same diarizer told apart, and how many it was told."""
    try:
        row = keep.read_json(keep.fact_file(data, FACT, sha256))
    except StoreError:
        return {}, ""
    speakers = row.get("speakers")
    if not isinstance(speakers, dict) or row.get("diarizer") != transcript.hearing.diarizer:
        return {}, ""
    return {str(label): str(role) for label, role in speakers.items()}, str(row.get("count", ""))


def _count(transcript: Transcript) -> str:
    """How many people speak, as it was told to what told them apart; empty where nobody did."""
    return str(transcript.meta.extra.get("speakers", "")) if transcript.hearing.diarizer else ""
