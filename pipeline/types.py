"""The nouns that pass between stages: frozen values, no behaviour beyond their own arithmetic and JSON.

Times are seconds from the start of the recording. Levels are 0-4. Probabilities and confidences are 0-1.
`to_json` gives the documented shape, `from_json` reads it back and raises `TranscriptError` on a wrong one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.days import day_of
from pipeline.errors import TranscriptError

Status = Literal["scored", "na", "abstained"]
ObjectionKind = Literal["stall", "competition", "price_terms", "other"]
Handled = Literal["yes", "partly", "no"]
SourceKind = Literal["audio", "transcript"]

KIND_SURE = 0.8
"""Share of an objection's chance that one kind must have to be named for sure: under it the likeliest kind was right
for 21 of 38 objections of calls the judge had not learned from, above it for 167 of 189."""

REP = "rep"
BUYER = "buyer"


def _seconds(value: float) -> float:
    return round(float(value), 3)


def text_of(value: str) -> str:
    """Text that can be kept and shown: bytes of file names that are no UTF-8, and lone surrogates, are replaced."""
    return value.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word: `t0`-`t1` in seconds, `prob` the recogniser's posterior (None where unknown)."""

    t0: float
    t1: float
    text: str
    prob: float | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"t0", "t1", "text", "prob"?}`."""
        row: dict[str, Any] = {"t0": _seconds(self.t0), "t1": _seconds(self.t1), "text": self.text}
        if self.prob is not None:
            row["prob"] = round(self.prob, 3)
        return row


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says until somebody else speaks.

    `speaker` is `rep`, `rep:Name`, `buyer:Name`, or a label that is not resolved yet (`SPEAKER_00`, `channel 1`).
    """

    t0: float
    t1: float
    speaker: str
    text: str
    words: tuple[Word, ...] = ()

    @property
    def side(self) -> Literal["rep", "buyer", "unknown"]:
        """Which side of the table speaks: `rep` (seller), `buyer`, or `unknown` while unresolved."""
        head = self.speaker.partition(":")[0]
        if head == REP:
            return "rep"
        return "buyer" if head == BUYER else "unknown"

    @property
    def name(self) -> str:
        """The speaker's name where one is known, else the label itself."""
        head, _, name = self.speaker.partition(":")
        return name or head

    @property
    def duration_s(self) -> float:
        """Length in seconds, never negative."""
        return max(0.0, self.t1 - self.t0)

    def to_json(self) -> dict[str, Any]:
        """`{"t0", "t1", "speaker", "text", "words"?}`."""
        row: dict[str, Any] = {
            "t0": _seconds(self.t0),
            "t1": _seconds(self.t1),
            "speaker": self.speaker,
            "text": self.text,
        }
        if self.words:
            row["words"] = [word.to_json() for word in self.words]
        return row


@dataclass(frozen=True, slots=True)
class CallMeta:
    """Who called whom, when, and what kind of call; every field may be unknown (None)."""

    rep: str | None = None
    team: str | None = None
    account: str | None = None
    date: dt.date | None = None
    call_type: str | None = None
    industry: str | None = None
    title: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def merged(self, other: CallMeta) -> CallMeta:
        """These facts, completed by `other` where unknown here."""
        mine = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "extra"}
        filled = {name: getattr(other, name) if value is None else value for name, value in mine.items()}
        return CallMeta(**filled, extra={**other.extra, **self.extra})

    def to_json(self) -> dict[str, Any]:
        """The known fields, `date` as YYYY-MM-DD, extras beside them."""
        row: dict[str, Any] = dict(self.extra)
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name != "extra" and value is not None:
                row[f.name] = value.isoformat() if isinstance(value, dt.date) else value
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> CallMeta:
        """Read what `to_json` writes; unknown keys land in `extra`, an unreadable date is kept there as text.

        A `date` may be a time: then it is the day where the call was, in the `timezone` beside it if there is one.
        """
        known: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        names = {f.name for f in dataclasses.fields(cls)} - {"extra"}
        for key, value in row.items():
            if key == "date" and value is not None:
                try:
                    known["date"] = day_of(str(value), row.get("timezone"))
                except ValueError:
                    extra["date_text"] = text_of(str(value))
            elif key in names:
                # macOS takes accents apart in file names: one person, one spelling
                known[key] = None if value is None else unicodedata.normalize("NFC", text_of(str(value)))
            else:
                extra[text_of(key)] = text_of(value) if isinstance(value, str) else value
        return cls(**known, extra=extra)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How the words came to be: engine, its revision, diarizer, and how far to trust them.

    `expected_wer` is the estimated word error rate (0-1, None for transcripts that came from elsewhere);
    `roles_confidence` the calibrated probability that rep and buyer are not swapped.
    """

    engine: str = "import"
    revision: str = ""
    diarizer: str = ""
    language: str = "en"
    expected_wer: float | None = None
    roles_method: str = ""
    roles_confidence: float | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields, confidences rounded to three places."""
        row = dataclasses.asdict(self)
        row["notes"] = list(self.notes)
        for key in ("expected_wer", "roles_confidence"):
            if row[key] is not None:
                row[key] = round(row[key], 3)
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Hearing:
        """Read what `to_json` writes; unknown keys are ignored."""
        names = {f.name for f in dataclasses.fields(cls)}
        known = {key: value for key, value in row.items() if key in names}
        known["notes"] = tuple(known.get("notes", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A call in words: metadata, turns in time order, and how it was heard."""

    call_id: str
    meta: CallMeta
    turns: tuple[Turn, ...]
    hearing: Hearing = field(default_factory=Hearing)

    @property
    def duration_s(self) -> float:
        """End of the last turn, in seconds (0.0 for an empty transcript)."""
        return max((turn.t1 for turn in self.turns), default=0.0)

    @property
    def resolved(self) -> bool:
        """True when every turn belongs to the rep's side or a buyer, and both sides speak."""
        sides = {turn.side for turn in self.turns}
        return sides == {"rep", "buyer"}

    def to_json(self) -> dict[str, Any]:
        """The documented transcript shape, plus `hearing`."""
        return {
            "call_id": self.call_id,
            "meta": self.meta.to_json(),
            "turns": [turn.to_json() for turn in self.turns],
            "hearing": self.hearing.to_json(),
        }

    @classmethod
    def from_json(cls, row: Any, *, where: str = "transcript") -> Transcript:
        """Read the documented shape.

        `where` names the file in the one-line `TranscriptError` raised when a field is missing or of the wrong kind.
        """
        if not isinstance(row, Mapping) or not isinstance(row.get("turns"), list):
            raise TranscriptError(f"{where}: no list of turns found; expected an object with 'turns'")
        turns = tuple(_turn(item, index, where) for index, item in enumerate(row["turns"]))
        meta = row.get("meta") or {}
        if not isinstance(meta, Mapping):
            raise TranscriptError(f"{where}: 'meta' must be an object, found {type(meta).__name__}")
        hearing = row.get("hearing")
        return cls(
            call_id=str(row.get("call_id") or ""),
            meta=CallMeta.from_json(meta),
            turns=turns,
            hearing=Hearing.from_json(hearing) if isinstance(hearing, Mapping) else Hearing(),
        )


def _turn(item: Any, index: int, where: str) -> Turn:
    if not isinstance(item, Mapping):
        raise TranscriptError(f"{where}: turn {index} is not an object")
    text = item.get("text")
    if not isinstance(text, str):
        raise TranscriptError(f"{where}: turn {index} has no 'text'")
    t0, t1 = (_time(item.get(key), index, key, where) for key in ("t0", "t1"))
    words = tuple(
        Word(float(w["t0"]), float(w["t1"]), str(w["text"]), w.get("prob"))
        for w in item.get("words") or ()
        if isinstance(w, Mapping) and {"t0", "t1", "text"} <= set(w)
    )
    return Turn(t0=t0, t1=max(t0, t1), speaker=str(item.get("speaker") or "unknown"), text=text, words=words)


def _time(value: Any, index: int, key: str, where: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise TranscriptError(f"{where}: turn {index}: '{key}' must be a time in seconds, found {value!r}")
    return float(value)


NEUTRAL = "weighed most for this level"
"""What is said of a turn whose moves do not show what made it count."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that earned a level: `quote` is a verbatim substring of turn `turn` (0-based), `why` says what it shows."""

    turn: int
    t0: float
    t1: float
    speaker: str
    quote: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """`{"turn", "t0", "t1", "speaker", "quote", "why"}`."""
        return {**dataclasses.asdict(self), "t0": _seconds(self.t0), "t1": _seconds(self.t1)}


@dataclass(frozen=True, slots=True)
class Missed:
    """A moment where the criterion should have been met and was not."""

    turn: int
    why: str

    def to_json(self) -> dict[str, Any]:
        """`{"turn", "why"}`."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """One criterion's outcome: a level only when `status` is `scored`; `reason` says why it is not."""

    level: int | None
    status: Status
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    missed: tuple[Missed, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """`{"level", "status", "confidence", "evidence", "missed", "reason"?}`."""
        row: dict[str, Any] = {
            "level": self.level,
            "status": self.status,
            "confidence": round(self.confidence, 3),
            "evidence": [item.to_json() for item in self.evidence],
            "missed": [item.to_json() for item in self.missed],
        }
        if self.reason:
            row["reason"] = self.reason
        return row


def overall_of(rows: Iterable[tuple[float, int]]) -> float | None:
    """Weighted mean of (weight, level 0-4) pairs as a percentage of 4, or None where there are none that weigh."""
    pairs = list(rows)
    total = sum(weight for weight, _ in pairs)
    return 25.0 * sum(weight * level for weight, level in pairs) / total if total else None


@dataclass(frozen=True, slots=True)
class Objection:
    """A buyer's push-back at turn `turn`, its kind, and whether the rep handled it.

    `kind_p` is the share (0-1) of the chance of an objection there that falls to its kind; None where the judge tells
    none.
    """

    turn: int
    kind: ObjectionKind
    handled: Handled
    kind_p: float | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"turn", "kind", "handled", "kind_p"}`."""
        return dataclasses.asdict(self)


def kind_is_sure(kind_p: float | None) -> bool:
    """Whether an objection may be named by its kind for sure; an earlier judge does not tell (None)."""
    return kind_p is None or kind_p >= KIND_SURE


def surely(objection: Mapping[str, Any]) -> bool:
    """`kind_is_sure` of an objection of a record; `other` claims nothing."""
    return objection["kind"] == "other" or kind_is_sure(objection.get("kind_p"))


@dataclass(frozen=True, slots=True)
class Metrics:
    """Conversation metrics of one call; None where the call gives no basis (no times, no buyer speech)."""

    talk_share: float | None = None
    longest_monologue_s: float | None = None
    questions: int = 0
    switches_per_min: float | None = None
    patience_s: float | None = None
    wpm: float | None = None
    fillers_per_min: float | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, rounded to three places."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Move:
    """What turn `turn` does in the conversation (`ask_impact`, `price`, ...), with the judge's probability (0-1)."""

    turn: int
    move: str
    p: float

    def to_json(self) -> dict[str, Any]:
        """`{"turn", "move", "p"}`."""
        return {"turn": self.turn, "move": self.move, "p": round(self.p, 2)}


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A call judged by a rubric.

    `metrics_intervals` holds a (low, high) per metric; `moves` what the embedded judge heard, in turn order.
    """

    call_id: str
    rubric_id: str
    rubric_version: str
    judge_engine: str
    judge_revision: str
    overall: float | None
    criteria: Mapping[str, CriterionScore]
    objections: tuple[Objection, ...]
    metrics: Metrics
    metrics_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The documented scorecard shape, plus `metrics_intervals` and `moves`."""
        return {
            "call_id": self.call_id,
            "rubric": {"id": self.rubric_id, "version": self.rubric_version},
            "judge": {"engine": self.judge_engine, "revision": self.judge_revision},
            "overall": None if self.overall is None else round(self.overall, 1),
            "criteria": {name: score.to_json() for name, score in self.criteria.items()},
            "objections": [item.to_json() for item in self.objections],
            "metrics": self.metrics.to_json(),
            "metrics_intervals": {name: list(pair) for name, pair in self.metrics_intervals.items()},
            "moves": [item.to_json() for item in self.moves],
        }
