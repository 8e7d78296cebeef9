"""What all requests share while the app runs: the store, the access book, the settings, and reports made before."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from models.judge_card import human_review
from pipeline.access.book import AccessBook
from pipeline.coach.commands import library_of
from pipeline.coach.load import load_rows
from pipeline.coach.reports import gaps_report, newest_date, scorecard_report, training_report
from pipeline.coach.rows import Rows
from pipeline.errors import ModelUnavailable
from pipeline.rubric import Rubric, load_rubric
from pipeline.rubric_shelf import keep_current
from pipeline.store import Store
from pipeline.web.errands import Errands
from pipeline.web.glance import Glance, Later

if TYPE_CHECKING:
    from pipeline.settings import Settings

Row = dict[str, Any]

_STATE = """
SELECT (SELECT (count(*), max(kept_at), max(seq), sum(hash(record_file))) FROM calls)::VARCHAR
       || (SELECT (count(*), sum(hash(assignment_id, status, completed_on))) FROM assignments)::VARCHAR
       || (SELECT (count(*), max(reviewed_at)) FROM reviews)::VARCHAR AS state
"""
_KEPT = 64


class Desk:
    """Store, access book, settings and rubric of one data folder; a context manager that owns the first two.

    The reports are computed once for each state of the store and handed to every request: they are the same for all
    users, so a page narrows them with `ask.scope` before it shows anything.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.data)
        try:
            self.store.serve()
            self.book = AccessBook(settings.data)
        except BaseException:
            self.store.close()
            raise
        self.errands = Errands()
        self.glance = Glance(self)
        self.later = Later()
        self.rubric: Rubric = load_rubric(settings.rubric)
        keep_current(settings)
        self._guard = threading.RLock()
        self._state = ""
        self._known: dict[Any, Any] = {}
        self.openapi: Callable[[], Any] = dict
        """Gives the description of the API; the app sets it."""

    def close(self) -> None:
        """Close what it owns."""
        self.errands.close()
        self.later.close()
        self.book.close()
        self.store.close()

    def take_settings(self, fresh: Settings, names: Iterable[str]) -> None:
        """From now on, these settings as they are in `fresh`: a page wrote them. Raises `RubricError`."""
        changed = dataclasses.replace(self.settings, **{name: getattr(fresh, name) for name in names})
        self.rubric = load_rubric(changed.rubric)
        keep_current(changed)
        self.settings = changed
        with self._guard:
            self._state = ""

    @property
    def for_people(self) -> frozenset[str]:
        """Criteria whose published agreement is too low: scores for people to review, which enter no standing."""
        try:
            return human_review(self.settings)
        except ModelUnavailable:
            return frozenset()

    def remember(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, worked out once per `key` for the store's present state. The value is shared: copy it
        before changing it. One at a time: many who ask for the same wait for the first."""
        with self._guard:
            state = str(self.store.query(_STATE)[0]["state"])
            if state != self._state or len(self._known) >= _KEPT:
                self._known.clear()
                self._state = state
            if key not in self._known:
                self._known[key] = make()
            return self._known[key]

    def rows(self) -> Rows:
        """All rows of coaching."""
        found: Rows = self.remember("rows", lambda: load_rows(self.store, without=human_review(self.settings)))
        return found

    def scorecards(self) -> list[Row]:
        """`scorecard_report` of all reps."""
        found: list[Row] = self.remember(
            "scorecards", lambda: scorecard_report(self.rows(), self.rubric, target=self._target)
        )
        return found

    def gaps(self) -> list[Row]:
        """`gaps_report` of all reps."""
        found: list[Row] = self.remember("gaps", lambda: gaps_report(self.rows(), self.rubric, target=self._target))
        return found

    def training(self) -> list[Row]:
        """`training_report` of all reps, as of the newest call's date or today, whichever is later."""
        import datetime as dt

        def make() -> list[Row]:
            rows = self.rows()
            today = max(dt.date.today(), newest_date(rows) or dt.date.min)
            return training_report(rows, self.rubric, library_of(self.settings), as_of=today)

        found: list[Row] = self.remember(("training", dt.date.today()), make)
        return found

    @property
    def _target(self) -> float | None:
        default = type(self.settings)().target_level
        return None if self.settings.target_level == default else self.settings.target_level
