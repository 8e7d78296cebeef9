"""What all requests share while the app runs: the store, the access book, the settings, and reports made before."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.access.book import AccessBook
from pipeline.access.people import User
from pipeline.access.scope import Scope, scope_of
from pipeline.coach.commands import known_firms, readable_library, target_of
from pipeline.coach.effect import Effect
from pipeline.coach.load import load_assignments, load_heads, rows_of_calls
from pipeline.coach.reports import gap_json, scorecards_of, training_of
from pipeline.coach.rows import Assignment, Rows
from pipeline.coach.team import Picture
from pipeline.coach.training import Library
from pipeline.days import latest
from pipeline.errors import SettingsError
from pipeline.human_review import human_review
from pipeline.oidc.plan import is_on, plan_of
from pipeline.oidc.provider import Provider
from pipeline.rubric import Rubric, load_rubric
from pipeline.rubric_shelf import keep_current
from pipeline.store import Store
from pipeline.web.aside import Aside
from pipeline.web.backroom import Backroom, Known
from pipeline.web.errands import Errands
from pipeline.web.glance import Glance, Later
from pipeline.web.jobs import EffectsJob, PictureJob
from pipeline.web.rejudging import Rejudging

if TYPE_CHECKING:
    from pipeline.settings import Settings

Row = dict[str, Any]

ALL = ("calls", "reviews", "assignments", "sessions", "quotas", "activities")

_REPS = "SELECT call_id, rep FROM calls WHERE call_id IN (SELECT unnest($ids::VARCHAR[]))"

REMEMBERED = 1000


class Desk:
    """Store, access book, settings and rubric of one data folder; a context manager that owns the first two.

    What takes long is worked out in the `backroom` once for each state of the store and handed to every request: it is
    the same for all users, so a page narrows it with `ask.scope` before it shows anything. Where a value is not there
    yet, these methods raise `NotYet`, which is a page that loads itself again.
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
        self.rejudging = Rejudging(lambda: self.settings, self.store)
        self.errands = Errands()
        self.glance = Glance(self)
        self.later = Later()
        self.rubric: Rubric = load_rubric(settings.rubric)
        keep_current(settings)
        self.backroom = Backroom()
        self.aside = Aside(self.store)
        self._known: dict[Any, tuple[str, Any]] = {}
        self._provider: Provider | None = None
        self.openapi: Callable[[], Any] = dict
        """Gives the description of the API; the app sets it."""

    def close(self) -> None:
        """Close what it owns."""
        self.errands.close()
        self.later.close()
        self.rejudging.close()
        self.aside.close()
        self.backroom.close()
        self.book.close()
        self.store.close()

    @property
    def provider(self) -> Provider | None:
        """Where people sign in with the company's account; None where none is named. Raises `SettingsError`."""
        if self._provider is None and is_on(self.settings):
            self._provider = Provider(plan_of(self.settings))
        return self._provider

    def take_settings(self, fresh: Settings, names: Iterable[str]) -> None:
        """From now on, these settings as they are in `fresh`: a page wrote them. Raises `RubricError`."""
        changed = dataclasses.replace(self.settings, **{name: getattr(fresh, name) for name in names})
        self.rubric = load_rubric(changed.rubric)
        keep_current(changed)
        self.settings = changed

    def version(self, *tables: str) -> str:
        """`Store.version`, and what in the settings standings hang on."""
        found = self.settings
        own = (self.rubric.version, found.target_level, found.quality_floor, found.judge)
        return "|".join(str(part) for part in (self.store.version(*tables), *own))

    def remember(self, key: Any, make: Callable[[], Any], *, of: Sequence[str] = ALL) -> Any:
        """What `make` gives, for the present state of the tables `of` (`Store.version`): made by who asks first, for
        what takes no longer than a query. The value is shared: copy it before changing it."""
        version = self.version(*of)
        known = self._known.get(key)
        if known is None or known[0] != version:
            known = (version, make())
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known[1]

    def rows(self, sql: str, values: Mapping[str, Any] | None = None, *, of: Sequence[str] = ("calls",)) -> list[Row]:
        """Rows of a query over all of the tables `of`, asked once for each state of them; shared, as `remember` has
        it."""
        asked = values or {}
        found: list[Row] = self.remember((sql, repr(asked)), lambda: self.store.query(sql, asked), of=of)
        return found

    def glimpse(
        self, key: Any, make: Callable[[], Any], *, of: Sequence[str] = ALL, lane: str = "quick", wait_s: float = 0.05
    ) -> Known | None:
        """The same for a part of a page that may come later: None where it is not there yet."""
        return self.backroom.take(key, self.version(*of), make, lane=lane, wait_s=wait_s)

    def picture(self, *, days: int | None = None, call_type: str | None = None) -> Known:
        """The `Picture` of all reps: of the last `days`, of one `call_type`, or of everything, then with the week.

        One that is behind is shown meanwhile, but never by another rubric than the present one: it may have criteria
        that pages know nothing of.
        """
        whole, rubric = days is None and call_type is None, self.rubric

        def make() -> Picture:
            found: Picture = self.aside.run(
                PictureJob(rubric, self.target, days, call_type, whole, without=self.for_people)
            )
            return found

        key = ("picture", rubric.version, days, call_type)
        return self.backroom.need(key, self.version("calls"), make, lane="slow")

    def scorecards(self) -> list[Row]:
        """`scorecards_of` all reps."""
        found: list[Row] = self.of_picture(
            "scorecards", lambda whole: scorecards_of(whole.standings, load_heads(self.store), self.rubric)
        )
        return found

    def scorecard(self, rep: str) -> Row | None:
        """One of `scorecards`, without standings where the rep's first calls are newer than those; None where there are
        no calls of that rep."""
        card = next((card for card in self.scorecards() if card["rep"] == rep), None)
        if card is None:
            heads = [head for head in load_heads(self.store) if head["rep"] == rep]
            card = next(iter(scorecards_of((), heads, self.rubric)), None)
        return card

    def gaps(self) -> list[Row]:
        """`gaps_report` of all reps."""
        found: list[Row] = self.of_picture("gaps", lambda whole: [gap_json(gap, self.rubric) for gap in whole.gaps])
        return found

    def of_picture(self, name: str, make: Callable[[Picture], Any]) -> Any:
        """What follows from the whole picture without another fit; made anew with each picture."""
        whole = self.picture()
        key = (name, self.rubric.version)
        return self.backroom.need(key, whole.at.isoformat(), lambda: make(whole.value)).value

    def scope_of(self, user: User) -> Scope:
        """`access.scope_of`, asked of the store once for each state of it."""
        key = ("scope", user.role, user.rep, user.teams)
        found: Scope = self.remember(key, lambda: scope_of(user, self.store), of=("calls",))
        return found

    def training(self, rep: str | None = None) -> list[Row]:
        """`training_report` of all reps or one, as of today: what is assigned is as it is now, what it did may be as of
        the last time it was worked out."""
        return self.training_rows(self.assignments(rep))

    def assignments(self, rep: str | None = None) -> tuple[Assignment, ...]:
        """`load_assignments`, asked once for each state of them; shared, as `remember` has it."""
        found: tuple[Assignment, ...] = self.remember(
            ("assignments", rep), lambda: load_assignments(self.store, rep=rep), of=("assignments",)
        )
        return found

    def training_rows(self, given: Sequence[Assignment]) -> list[Row]:
        """`training` of these assignments alone, without the words of calls that were given to another rep since: what
        somebody starts from is nobody else's business."""
        rows = training_of(given, self.effects(), self.rubric, self.library(), as_of=self.today())
        low = [(row, row["detail"].get("low_moments") or []) for row in rows]
        ids = sorted({moment["call_id"] for _, moments in low for moment in moments})
        reps = {found["call_id"]: found["rep"] for found in self.store.query(_REPS, {"ids": ids})} if ids else {}
        for row, moments in low:
            own = [moment for moment in moments if reps.get(moment["call_id"], row["rep"]) == row["rep"]]
            if len(own) < len(moments):
                row["detail"] = {**row["detail"], "low_moments": own}
        return rows

    def effects(self) -> tuple[Effect, ...]:
        """What each finished training did so far; empty while that is being worked out for the first time."""
        today = self.today()

        def make() -> tuple[Effect, ...]:
            found: tuple[Effect, ...] = self.aside.run(EffectsJob(today, without=self.for_people))
            return found

        version = self.version("calls", "assignments")
        known = self.backroom.take(("effects", today), version, make, lane="slow")
        return known.value if known else ()

    def library(self) -> Library:
        """The training library with this company's own modules, read again when one of its files has changed; without
        those that cannot be read."""
        return self._library()[0]

    def library_problem(self) -> str:
        """What of this company's own words and modules cannot be read, for those who can mend it; mostly empty."""
        return self._library()[1]

    def _library(self) -> tuple[Library, str]:
        data = self.settings.data
        files = [data / "company.yaml", *sorted((data / "training").glob("*.yaml"))]
        version = "|".join(f"{file.name} {file.stat().st_mtime_ns}" for file in files if file.is_file())
        known = self.backroom.need("library", version, lambda: readable_library(self.settings))
        found: tuple[Library, str] = known.value
        return found

    def rows_of(self, call_ids: Iterable[str]) -> Rows:
        """All that is known of these calls, as coaching reads it. Raises `ModelUnavailable` like `for_people`."""
        return rows_of_calls(self.store, call_ids, without=self.for_people, max_wer=self.settings.max_expected_wer)

    @property
    def firms(self) -> dict[str, tuple[str, ...]]:
        """`known_firms`; none where the company's profile cannot be read: that closes no page, and trainers are told of
        it where they mend it."""
        try:
            return known_firms(self.settings)
        except SettingsError:
            return {"competitors": (), "customers": ()}

    def today(self) -> dt.date:
        """Today, or the newest call's date where the clock is behind the calls."""
        sql = "SELECT max(call_date) AS day FROM calls WHERE call_date <= $latest"
        newest = self.rows(sql, {"latest": latest()})[0]["day"]
        return max(dt.date.today(), newest or dt.date.min)

    @property
    def for_people(self) -> frozenset[str]:
        """Criteria whose published agreement is too low: scores for people to review, which enter no standing. Raises
        `ModelUnavailable` where nothing is published for the judge that is installed."""
        return human_review(self.settings)

    @property
    def target(self) -> float | None:
        """The target of all criteria where the settings name one, else None: the rubric's own."""
        return target_of(self.settings)
