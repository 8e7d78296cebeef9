"""Fits over many scores, in a process of their own: in this one, pages would wait for their turn to compute meanwhile.

Where there are few scores a fit is done in a moment, here: a process would take longer to start.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.coach.effect import Effect, effects_of
from pipeline.coach.load import load_assignments, load_scores
from pipeline.coach.rows import ScoredCall
from pipeline.coach.team import Picture, picture_of
from pipeline.errors import EngineError
from pipeline.rubric import Rubric
from pipeline.store import Store
from pipeline.workers import WorkerFailed, WorkerPool, log_of

MANY = 20_000
"""Scores from which on a process is worth its start: about as many take a second here."""
LIMIT_S = 900.0
NICE = 5
"""How far the process stands back behind the one that answers pages."""


@dataclass(frozen=True, slots=True)
class PictureJob:
    """What `picture_of` is asked for."""

    rubric: Rubric
    target: float | None
    days: int | None
    call_type: str | None
    whole: bool

    def fit(self, store: Store, scores: Sequence[ScoredCall]) -> Picture:
        """The picture."""
        return picture_of(
            scores, self.rubric, target=self.target, days=self.days, call_type=self.call_type, whole=self.whole
        )


@dataclass(frozen=True, slots=True)
class EffectsJob:
    """What training did, as of a day."""

    as_of: dt.date

    def fit(self, store: Store, scores: Sequence[ScoredCall]) -> tuple[Effect, ...]:
        """`effects_of` all assignments."""
        given = load_assignments(store)
        return effects_of(given, scores, given, as_of=self.as_of)


Job = PictureJob | EffectsJob


class Scores:
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


class Fitting:
    """Fits over the scores of an open store, until `close`; `many` as `MANY`."""

    def __init__(self, store: Store, *, many: int = MANY) -> None:
        self._store, self._many = store, many
        self._scores = Scores()
        self._guard = threading.Lock()
        self._pool: WorkerPool | None = None
        self._closed = False

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._guard:
            self._closed = True
            if self._pool:
                self._pool.stop()
                self._pool.__exit__(None, None, None)

    def run(self, job: Job, *, without: frozenset[str]) -> Any:
        """The job's `fit`. Raises `StoreError`, or `EngineError` where the process died or took too long."""
        if self._store.query("SELECT count(*) AS n FROM scores")[0]["n"] < self._many:
            return job.fit(self._store, self._scores.of(self._store, without))
        try:
            return self._process().submit((self._store.data, without, job)).result()
        except WorkerFailed as failed:
            raise EngineError(f"standings could not be worked out: {failed}") from None

    def _process(self) -> WorkerPool:
        with self._guard:
            if self._closed:
                raise EngineError("standings could not be worked out: debrief is being stopped")
            if self._pool is None:
                log = log_of(self._store.data)
                self._pool = WorkerPool("pipeline.web.fitting:work", workers=1, timeout_s=LIMIT_S, log_file=log)
                self._pool.__enter__()
            return self._pool


_SCORES = Scores()


def work(asked: tuple[Path, frozenset[str], Job]) -> Any:
    """What the process does with (data folder, criteria left out, job); the store is asked of who has it open."""
    data, without, job = asked
    if hasattr(os, "nice") and os.nice(0) < NICE:
        os.nice(NICE)
    with Store(data) as store:
        return job.fit(store, _SCORES.of(store, without))
