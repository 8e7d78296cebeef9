"""The rows that coaching is computed from: small frozen values, as the store's tables hold them.

Levels are 0-4, times are seconds from the start of the call, `turn` is the 0-based index in the transcript.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from pipeline.types import Handled, ObjectionKind


@dataclass(frozen=True, slots=True)
class ScoredCall:
    """One criterion's level on one call; an abstained or n/a criterion has no such row.

    `call_type`, `team` and `date` may be unknown (None); `overall` is the call's own score, 0-100.
    """

    call_id: str
    rep: str
    criterion: str
    level: int
    team: str | None = None
    date: dt.date | None = None
    call_type: str | None = None
    account: str | None = None
    confidence: float = 1.0
    overall: float | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call that has a transcript: who, when, with whom, and what became of it (`status`, `reason`)."""

    call_id: str
    status: str = "scored"
    reason: str = ""
    rep: str | None = None
    team: str | None = None
    account: str | None = None
    date: dt.date | None = None
    call_type: str | None = None
    overall: float | None = None
    duration_s: float | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A quoted moment of a call: evidence for a criterion's level, or (`kind` `missed`) where it should have been."""

    call_id: str
    criterion: str
    turn: int
    t0: float
    t1: float
    speaker: str
    quote: str
    why: str
    kind: str = "evidence"

    @property
    def side(self) -> str:
        """`rep`, `buyer` or the unresolved label."""
        return self.speaker.partition(":")[0]

    def to_json(self) -> dict[str, Any]:
        """`{"call_id", "turn", "t0", "t1", "speaker", "quote", "why", "kind"}`."""
        row = dataclasses.asdict(self)
        del row["criterion"]
        return row


@dataclass(frozen=True, slots=True)
class ObjectionRow:
    """A buyer's push-back on a call."""

    call_id: str
    turn: int
    kind: ObjectionKind
    handled: Handled


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn of a call, with its side (`rep`, `buyer`, `unknown`) and the speaker's name or label."""

    call_id: str
    turn: int
    t0: float
    t1: float
    side: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A training module given to a rep for one gap; the record the store keeps.

    `status` is `open`, `done` or `dropped`. `detail` holds what the assignment rests on: the standing at the time
    (`estimate`, `low`, `high`, `n`, `p_below`, `target`), the rep's own `low_moments` and colleagues' `best_moments`.
    """

    assignment_id: str
    rep: str
    criterion: str
    level: int
    module: str
    title: str
    reason: str
    assigned_on: dt.date
    due_on: dt.date
    team: str | None = None
    status: str = "open"
    completed_on: dt.date | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """The columns of the store's `assignments` table."""
        return dataclasses.asdict(self)

    def to_json(self) -> dict[str, Any]:
        """The same with dates as YYYY-MM-DD."""
        return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in self.to_row().items()}


@dataclass(frozen=True, slots=True)
class Rows:
    """What the reports read. `turns` are loaded for one account only and are empty otherwise."""

    calls: tuple[CallRow, ...] = ()
    scores: tuple[ScoredCall, ...] = ()
    moments: tuple[Moment, ...] = ()
    objections: tuple[ObjectionRow, ...] = ()
    turns: tuple[TurnRow, ...] = ()
    assignments: tuple[Assignment, ...] = ()
