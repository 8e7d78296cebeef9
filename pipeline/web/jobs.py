"""What pages have worked out aside (`aside.py`): fits over all scores, and what the words of some calls come to."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from pipeline.coach.commitments import Commitment, commitments, commitments_of
from pipeline.coach.effect import Effect, effects_of
from pipeline.coach.followed import followed
from pipeline.coach.load import load_assignments, load_scores, rows_of_calls, rows_of_records
from pipeline.coach.reports import account_report, account_with_plan
from pipeline.coach.rows import Rows, ScoredCall
from pipeline.coach.team import Picture, picture_of
from pipeline.doctor import never_read
from pipeline.keep import read_json
from pipeline.rubric import Rubric
from pipeline.store import Store
from pipeline.web.aside import Lane

Row = dict[str, Any]
Record = tuple[Path, int, int]
"""A call's record: its file, its `seq`, and when the file was written (ns): of a call that was erased and came again
the records are numbered anew."""


@dataclass(frozen=True, slots=True)
class PictureJob:
    """What `picture_of` is asked for, over the scores `without` those of some criteria."""

    lane: ClassVar[Lane] = "slow"
    rubric: Rubric
    target: float | None
    days: int | None
    call_type: str | None
    whole: bool
    without: frozenset[str] = frozenset()

    def work(self, store: Store) -> Picture:
        """The picture."""
        scores = _SCORES.of(store, self.without)
        return picture_of(
            scores, self.rubric, target=self.target, days=self.days, call_type=self.call_type, whole=self.whole
        )


@dataclass(frozen=True, slots=True)
class EffectsJob:
    """What training did, as of a day, over the scores `without` those of some criteria."""

    lane: ClassVar[Lane] = "slow"
    as_of: dt.date
    without: frozenset[str] = frozenset()

    def work(self, store: Store) -> tuple[Effect, ...]:
        """`effects_of` all assignments."""
        given = load_assignments(store)
        return effects_of(given, _SCORES.of(store, self.without), given, as_of=self.as_of)


@dataclass(frozen=True, slots=True)
class StepsJob:
    """What was promised on a call, and what became of it on `later` ones of its account, as of a day; `again` as
    `followed` has it."""

    lane: ClassVar[Lane] = "quick"
    call: Record
    later: tuple[Record, ...]
    as_of: dt.date | None
    again: bool

    def work(self, store: Store) -> list[Commitment]:
        """The promises in the order in which they were made."""
        said, later = _said(*self.call), [_said(*record) for record in self.later]
        call, others = said.calls[0], [(rows.calls[0], list(rows.turns)) for rows in later]
        made = commitments_of(call, said.turns, said.moves)
        return followed(made, call, said.turns, others, as_of=self.as_of, again=self.again)


@dataclass(frozen=True, slots=True)
class PromisesJob:
    """What was promised on calls, and what became of it on these and others, as of a day; `max_wer` as in
    `rows_of_calls`."""

    lane: ClassVar[Lane] = "quick"
    call_ids: tuple[str, ...]
    others: tuple[str, ...]
    as_of: dt.date
    max_wer: float

    def work(self, store: Store) -> tuple[list[Commitment], int]:
        """The promises, the oldest first, and how many of the calls could be read."""
        rows, mine = rows_of_calls(store, [*self.call_ids, *self.others], max_wer=self.max_wer), set(self.call_ids)
        made = [one for one in commitments(rows, as_of=self.as_of) if one.call_id in mine]
        return made, sum(call.call_id in mine for call in rows.calls)


@dataclass(frozen=True, slots=True)
class AccountJob:
    """What the words of an account's calls tell of its deal, as of a day.

    `firms` are the `competitors` and `customers` of `account_report`; `without` and `max_wer` as in `rows_of_calls`.
    """

    lane: ClassVar[Lane] = "quick"
    account: str
    call_ids: tuple[str, ...]
    rubric: Rubric
    firms: Mapping[str, Sequence[str]]
    as_of: dt.date
    without: frozenset[str]
    max_wer: float
    answers: Rows | None = None

    def work(self, store: Store) -> tuple[Row, Row | None] | None:
        """The deal and, with `answers` to objections of other calls, the plan for the next call; None where no record
        can be read."""
        rows = rows_of_calls(store, self.call_ids, without=self.without, max_wer=self.max_wer)
        of: dict[str, Any] = {"as_of": self.as_of, **self.firms}
        if self.answers is not None:
            return account_with_plan(rows, self.rubric, self.account, answers=self.answers, **of)
        found = account_report(rows, self.rubric, self.account, **of)
        return (found[0], None) if found else None


@dataclass(frozen=True, slots=True)
class UnreadJob:
    """How many calls' results no table has."""

    lane: ClassVar[Lane] = "quick"

    def work(self, store: Store) -> int:
        """`never_read`."""
        return never_read(store)


class _Scores:
    """The scores that fits are made of, read once per state of the store."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: tuple[Any, tuple[ScoredCall, ...]] = (None, ())

    def of(self, store: Store, without: frozenset[str]) -> tuple[ScoredCall, ...]:
        """All but those of the criteria `without`. Raises `StoreError`."""
        with self._guard:
            state = (store.data, store.version("calls"), without)
            if self._known[0] != state:
                self._known = (state, load_scores(store, without=without))
            return self._known[1]


_SCORES = _Scores()


@lru_cache(maxsize=64)
def _said(file: Path, seq: int, written_ns: int) -> Rows:
    """The one call of a record, with what was said and what the judge heard in it."""
    return rows_of_records([read_json(file)])
