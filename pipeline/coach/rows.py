"""The rows that coaching is computed from: small frozen values, as the store's tables hold them.

Levels are 0-4, times are seconds from the start of the call, `turn` is the 0-based index in the transcript.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.types import Handled, ObjectionKind


class Look(Protocol):
    """What a standing needs of a call: whose it is, when, and a level between 0 and 4."""

    @property
    def call_id(self) -> str:
        """The call."""

    @property
    def rep(self) -> str:
        """Whose call."""

    @property
    def criterion(self) -> str:
        """What was looked at."""

    @property
    def level(self) -> float:
        """0-4."""

    @property
    def team(self) -> str | None:
        """The rep's team at the time."""

    @property
    def date(self) -> dt.date | None:
        """The day of the call."""


@dataclass(frozen=True, slots=True)
class ScoredCall:
    """One criterion's level on one call; an abstained or n/a criterion has no such row.

    `call_type`, `team` and `date` may be unknown (None); `overall` is the call's own score, 0-100. `beside` are
    criteria that count in it and have no row because they are for people to review.
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
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageLook:
    """A call seen as one stage of the deal: the mean level, 0-4, of its scored criteria of that stage.

    `criterion` is the stage's name.
    """

    call_id: str
    rep: str
    criterion: str
    level: float
    team: str | None = None
    date: dt.date | None = None


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
    """A buyer's push-back on a call; `kind_p` (0-1) is how sure the judge was of its kind, None if it did not tell."""

    call_id: str
    turn: int
    kind: ObjectionKind
    handled: Handled
    kind_p: float | None = None


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
class MoveRow:
    """A move that a turn makes, with its probability `p`."""

    call_id: str
    turn: int
    move: str
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A coaching session of a rep, held or planned: `status` is `held`, `planned` or `missed`.

    `starts_at` is the time of day where it is, `HH:MM` (None: not known).
    """

    session_id: str
    rep: str
    held_on: dt.date
    team: str | None = None
    coach: str | None = None
    minutes: int | None = None
    topic: str | None = None
    status: str = "held"
    starts_at: str | None = None

    def to_row(self) -> dict[str, Any]:
        """The columns of the store's `sessions` table."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """What a rep was asked to reach from `starts_on` to `ends_on` and what came of it so far (`result`, None: unknown).

    `measure` says in what: `revenue`, `deals`, `meetings`, ...
    """

    quota_id: str
    rep: str
    measure: str
    starts_on: dt.date
    ends_on: dt.date
    target: float
    result: float | None = None
    team: str | None = None

    def to_row(self) -> dict[str, Any]:
        """The columns of the store's `quotas` table."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """How much of something (`measure`: `dials`, `emails`, `meetings`, ...) a rep did on a day or in a week from it."""

    activity_id: str
    rep: str
    measure: str
    starts_on: dt.date
    count: float
    team: str | None = None

    def to_row(self) -> dict[str, Any]:
        """The columns of the store's `activities` table."""
        return dataclasses.asdict(self)


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
        """The columns of the store's `assignments` table; `detail` is shared, not copied."""
        return {name: getattr(self, name) for name in self.__slots__}

    def to_json(self) -> dict[str, Any]:
        """The same with dates as YYYY-MM-DD."""
        return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in self.to_row().items()}


@dataclass(frozen=True, slots=True)
class Rows:
    """What the reports read. `turns` and `moves` are loaded only where they are asked for, and are empty otherwise."""

    calls: tuple[CallRow, ...] = ()
    scores: tuple[ScoredCall, ...] = ()
    moments: tuple[Moment, ...] = ()
    objections: tuple[ObjectionRow, ...] = ()
    turns: tuple[TurnRow, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    moves: tuple[MoveRow, ...] = ()
    sessions: tuple[SessionRow, ...] = ()
    quotas: tuple[QuotaRow, ...] = ()
    activities: tuple[ActivityRow, ...] = ()

    def of_turns(self, call_ids: Iterable[str]) -> Rows:
        """The same with the turns of these calls alone."""
        wanted = frozenset(call_ids)
        return dataclasses.replace(self, turns=tuple(turn for turn in self.turns if turn.call_id in wanted))
