"""What people say of a scored call: a manager's override, a rep's dispute, a blind review.

An override wins in every report; what the machine said stays in the record and beside it. A dispute changes nothing but
puts the call on the list of calls to look at, until an override of that criterion answers it. A blind review is a level
given without seeing the machine's: it changes nothing either, and is what agreement with people is measured by.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pipeline.errors import ReviewError
from pipeline.types import Metrics, overall_of
from pipeline.unjudged import reason_for_all

Record = dict[str, Any]
ReviewKind = Literal["override", "dispute", "blind"]
KINDS: tuple[ReviewKind, ...] = get_args(ReviewKind)
NA = "na"
MAX_WHY = 500
"""Characters of a reason, which is read in a line beside the score."""


@dataclass(frozen=True, slots=True)
class Review:
    """One person's word on one criterion of one call.

    `level` is 0-4, None for n/a; a dispute's is the level that the rep thinks right, None where they do not say.
    `na` tells an n/a from a level that was not given. `machine_level` and `machine_status` are what the machine said of
    the call when the review was made. `evidence` are the turns that the level rests on, where the person names them.
    """

    call_id: str
    criterion: str
    kind: ReviewKind
    who: str
    why: str
    at: dt.datetime
    level: int | None = None
    na: bool = False
    machine_level: int | None = None
    machine_status: str = ""
    judge_revision: str = ""
    evidence: tuple[int, ...] = ()

    @property
    def review_id(self) -> str:
        """Call, criterion, kind and person: who says it again replaces what they said before."""
        who = hashlib.sha256(self.who.strip().casefold().encode()).hexdigest()[:8]
        return f"{self.call_id}-{self.criterion}-{self.kind}-{who}"

    def to_row(self) -> dict[str, Any]:
        """The row of the table `reviews`."""
        return {
            "review_id": self.review_id,
            "call_id": self.call_id,
            "criterion": self.criterion,
            "kind": self.kind,
            "who": self.who,
            "why": self.why,
            "reviewed_at": self.at.isoformat(timespec="microseconds"),
            "level": self.level,
            "na": self.na,
            "machine_level": self.machine_level,
            "machine_status": self.machine_status,
            "judge_revision": self.judge_revision,
            "evidence": list(self.evidence),
        }


def review_of(
    record: Mapping[str, Any],
    criterion: str,
    kind: ReviewKind,
    *,
    who: str,
    why: str,
    level: str | int | None = None,
    at: dt.datetime | None = None,
    evidence: Sequence[int] = (),
) -> Review:
    """A review of a kept record; `level` is 0-4 or `na`, `evidence` are turns from 0.

    Raises `ReviewError` where the call was not scored, has no such criterion or turn, or something is missing.
    """
    card, call_id = record.get("scorecard"), record["source"]["sha256"][:16]
    if not card:
        raise ReviewError(f"{call_id}: the call has no scores to review ({record['status']}: {record['reason']})")
    score = card["criteria"].get(criterion)
    if score is None:
        raise ReviewError(f"{criterion}: no such criterion; this call has {', '.join(card['criteria'])}")
    if kind not in KINDS:
        raise ReviewError(f"{kind}: one of {', '.join(KINDS)}")
    asked = _level(level)
    if not who.strip():
        raise ReviewError("say who reviews")
    if not why.strip() and kind != "blind":
        raise ReviewError("say why: others will read it beside the score")
    if len(why.strip()) > MAX_WHY:
        raise ReviewError(f"a reason has at most {MAX_WHY} characters; this one has {len(why.strip())}")
    if level is None and kind != "dispute":
        raise ReviewError("a level is needed: 0 to 4, or na")
    turns = len((record.get("transcript") or {}).get("turns", ())) if evidence else 0
    for turn in evidence:
        if not 0 <= turn < turns:
            raise ReviewError(f"{criterion}: there is no turn {turn}; the call has turns 0 to {turns - 1}")
    machine = score.get("machine") or score
    return Review(
        call_id=call_id,
        criterion=criterion,
        kind=kind,
        who=who.strip(),
        why=why.strip(),
        at=at or dt.datetime.now(dt.UTC).replace(tzinfo=None),
        level=asked,
        na=level == NA,
        machine_level=machine["level"],
        machine_status=machine["status"],
        judge_revision=card["judge"]["revision"],
        evidence=tuple(sorted(set(evidence))),
    )


def _level(level: str | int | None) -> int | None:
    if level is None or level == NA:
        return None
    if str(level) not in ("0", "1", "2", "3", "4"):
        raise ReviewError(f"{level}: a level is 0 to 4, or na")
    return int(level)


def reviewed(record: Record, rows: Iterable[Mapping[str, Any]]) -> Record:
    """The record as reports show it: each criterion with an override has that level, and `machine` and `override` tell
    what it was, what the machine missed, and who changed it; `overall` follows. `rows` are rows of `reviews`; those of
    other calls are ignored. A call of which the judge scored nothing, and nobody since, is `abstained` with its reason.
    """
    card, call_id = record.get("scorecard"), record["source"]["sha256"][:16]
    newest: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (str(row["reviewed_at"]), row["review_id"])):
        if row["call_id"] == call_id and row["kind"] == "override" and card and row["criterion"] in card["criteria"]:
            newest[row["criterion"]] = row
    if card and newest:
        criteria = {name: _overridden(score, newest.get(name)) for name, score in card["criteria"].items()}
        weights = record["provenance"].get("weights") or {}
        return {**record, "scorecard": {**card, "criteria": criteria, "overall": _overall(criteria, weights)}}
    reason = reason_for_all(card)
    return {**record, "status": "abstained", "reason": reason} if reason else record


def _overridden(score: Mapping[str, Any], row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return dict(score)
    machine = score.get("machine") or {name: score[name] for name in ("level", "status", "confidence", "missed")}
    kept = {name: value for name, value in score.items() if name != "reason"}
    return {
        **kept,
        "level": row["level"],
        "status": "na" if row["na"] else "scored",
        "confidence": 1.0,
        "missed": machine["missed"] if _is_below(row["level"], machine["level"]) else [],
        "machine": machine,
        "override": {"who": row["who"], "why": row["why"], "at": str(row["reviewed_at"])},
    }


def _is_below(level: int | None, machine: int | None) -> bool:
    """Whether a person gave less than the machine: only then what it missed explains the level too; as much or more is
    contradicted by it, and it stays with the machine's score."""
    return level is not None and machine is not None and level < machine


def _overall(criteria: Mapping[str, Mapping[str, Any]], weights: Mapping[str, float]) -> float | None:
    found = overall_of(
        (weights.get(name, 1.0), score["level"]) for name, score in criteria.items() if score["status"] == "scored"
    )
    return None if found is None else round(found, 1)


def open_disputes(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Disputes that no later override of the same criterion has answered, oldest first."""
    answered: dict[tuple[str, str], str] = {}
    for row in rows:
        if row["kind"] == "override":
            key = (row["call_id"], row["criterion"])
            answered[key] = max(answered.get(key, ""), str(row["reviewed_at"]))
    waiting = [
        row
        for row in rows
        if row["kind"] == "dispute" and str(row["reviewed_at"]) > answered.get((row["call_id"], row["criterion"]), "")
    ]
    return sorted(waiting, key=lambda row: str(row["reviewed_at"]))


def card_row(record: Record) -> Record:
    """A record's scorecard in the fixed shape, with `meta`, `status` and `reason`.

    A call that is not scored has the same keys: no criteria, and null for each metric.
    """
    made = record["provenance"]
    card = record["scorecard"] or {
        "call_id": record["call_id"],
        "rubric": made["rubric"],
        "judge": made["judge"],
        "overall": None,
        "criteria": {},
        "objections": [],
        "metrics": dict.fromkeys(field.name for field in dataclasses.fields(Metrics)),
        "metrics_intervals": {},
        "moves": [],
    }
    return {**card, "status": record["status"], "reason": record["reason"], "meta": record["transcript"]["meta"]}
