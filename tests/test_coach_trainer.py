from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from coach_story import call, keep_story, record

from pipeline import keep
from pipeline.coach import trainer
from pipeline.coach.assign import MAX_OPEN, reminders
from pipeline.coach.commands import assign_training, library_of, training_rows
from pipeline.coach.load import MONTHLY, NEWEST, load_scores
from pipeline.coach.profile import Profile, check_profile, load_profile
from pipeline.coach.rows import Assignment
from pipeline.coach.training import load_library
from pipeline.errors import RubricError, SettingsError, StoreError
from pipeline.settings import Settings
from pipeline.store import Store


def today() -> dt.date:
    """Asked for anew: midnight may have come since the tests were collected."""
    return dt.date.today()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    keep_story(tmp_path)
    return Settings(data=tmp_path)


def opened(settings: Settings) -> Store:
    store = Store(settings.data)
    store.ingest()
    return store


def ids(store: Store, settings: Settings, rep: str = "Ann") -> list[str]:
    return [
        row["assignment_id"] for row in training_rows(store, settings=settings, name=rep) if row["status"] == "open"
    ]


def test_done_training_stays_done_over_nightly_runs_and_rebuilds(settings: Settings) -> None:
    with opened(settings) as store:
        assign_training(store, settings=settings)
        (first, *_) = ids(store, settings)
        row = trainer.mark_done(store, name=first[:8], note="went well")
        assert (row["status"], row["completed_on"]) == ("done", today().isoformat())
        assign_training(store, settings=settings)
        store.rebuild()
        (again,) = [r for r in training_rows(store, settings=settings) if r["assignment_id"] == first]
        assert (again["status"], again["notes"]) == ("done", [{"on": today().isoformat(), "text": "went well"}])
        assert again["effect"] == "too early to tell; 0 scored calls since completion, 3 needed"
        with pytest.raises(StoreError, match="it is done already"):
            trainer.mark_done(store, name=first)


def test_what_a_trainer_changes_sticks(settings: Settings) -> None:
    with opened(settings) as store:
        assign_training(store, settings=settings)
        (first, *_) = ids(store, settings)
        day = today() + dt.timedelta(40)
        trainer.move_due(store, name=first, due_on=day)
        trainer.note(store, name=first, text="after the fair")
        trainer.drop(store, name=first, why="on leave")
        assert first not in ids(store, settings)
        assert all(row["assignment_id"] != first for row in assign_training(store, settings=settings))
        for other in ids(store, settings)[: len(ids(store, settings)) - MAX_OPEN + 1]:
            trainer.drop(store, name=other)
        trainer.reopen(store, name=first)
        store.rebuild()
        (row,) = [r for r in training_rows(store, settings=settings) if r["assignment_id"] == first]
        assert (row["status"], row["due_on"]) == ("open", day.isoformat())
        assert [n["text"] for n in row["notes"]] == ["after the fair", "on leave"]


def test_no_more_than_two_are_open_whoever_assigns(settings: Settings) -> None:
    with opened(settings) as store:
        assign_training(store, settings=settings)
        for module in ("proposal-say-the-price", "recommendation-commit-to-one"):
            if len(ids(store, settings)) < MAX_OPEN:
                trainer.assign(store, settings=settings, rep="ann", module=module, note="wants it")
        with pytest.raises(SettingsError, match="2 trainings are open already"):
            trainer.assign(store, settings=settings, rep="Ann", module="discovery-play-it-back")
        assert len(ids(store, settings)) == MAX_OPEN


def test_a_hand_made_assignment_carries_moments_and_is_refused_where_it_makes_no_sense(settings: Settings) -> None:
    with opened(settings) as store:
        row = trainer.assign(store, settings=settings, rep="Bob", module="discovery-ask-before-you-tell")
        assert row["detail"]["low_moments"]
        assert row["detail"]["best_moments"][0]["rep"] != "Bob"
        assert row["reason"] == "assigned by a trainer"
        with pytest.raises(SettingsError, match="is open already"):
            trainer.assign(store, settings=settings, rep="Bob", module="discovery-play-it-back")
        for options, says in (
            ({"rep": "Zoe", "module": "discovery-play-it-back"}, "no such rep"),
            ({"rep": "Bob", "module": "nope"}, "no such module"),
            ({"rep": "Bob", "module": "proposal-one-offer", "criterion": "charm"}, "no such criterion"),
        ):
            with pytest.raises(StoreError, match=says):
                trainer.assign(store, settings=settings, **options)


def test_a_criterion_has_one_open_training_however_it_came_to_be_open(settings: Settings) -> None:
    with opened(settings) as store:
        first = trainer.assign(store, settings=settings, rep="Ann", module="discovery-ask-before-you-tell")
        trainer.drop(store, name=first["assignment_id"])
        trainer.assign(store, settings=settings, rep="Ann", module="discovery-one-question-deeper")
        with pytest.raises(SettingsError, match="discovery is open already"):
            trainer.reopen(store, name=first["assignment_id"])
        assert len(ids(store, settings)) == 1


def test_training_given_again_on_the_same_day_leaves_what_was_said_of_the_first(settings: Settings) -> None:
    with opened(settings) as store:
        names = []
        for _ in range(3):
            row = trainer.assign(store, settings=settings, rep="Ann", module="proposal-one-offer")
            names.append(row["assignment_id"])
            for _ in range(2):
                trainer.note(store, name=names[-1], text="the wrong rep")
            trainer.drop(store, name=names[-1])
        assert len(set(names)) == 3
        kept = {row["assignment_id"]: row for row in training_rows(store, settings=settings)}
        assert [(kept[name]["status"], len(kept[name]["notes"])) for name in names] == [("dropped", 1)] * 3


def test_a_module_is_given_under_the_name_that_the_rubric_has_for_its_criterion(settings: Settings) -> None:
    settings = dataclasses.replace(settings, rubric="meddicc")
    with opened(settings) as store:
        row = trainer.assign(store, settings=settings, rep="Ann", module="discovery-ask-before-you-tell")
        assert row["criterion"] == "identify_pain"
        with pytest.raises(StoreError, match="no such criterion"):
            trainer.assign(store, settings=settings, rep="Bob", module="proposal-one-offer")


def test_dates_before_the_assignment_and_unknown_ids_are_refused(settings: Settings) -> None:
    with opened(settings) as store:
        assign_training(store, settings=settings)
        (first, *_) = ids(store, settings)
        early = today() - dt.timedelta(9)
        with pytest.raises(StoreError, match="before it was assigned"):
            trainer.mark_done(store, name=first, on=early)
        with pytest.raises(StoreError, match="before it was assigned"):
            trainer.move_due(store, name=first, due_on=early)
        with pytest.raises(StoreError, match="still to come"):
            trainer.mark_done(store, name=first, on=today() + dt.timedelta(1))
        with pytest.raises(StoreError, match="that day is over"):
            trainer.assign(
                store, settings=settings, rep="Cid", module="proposal-one-offer", due_on=today() - dt.timedelta(1)
            )
        with pytest.raises(StoreError, match="no such assignment"):
            trainer.mark_done(store, name="ffffffff")
        with pytest.raises(StoreError, match="it is open"):
            trainer.reopen(store, name=first)


def test_reminders_come_three_days_before_and_after() -> None:
    day = today()

    def due(days: int, status: str = "open") -> Assignment:
        return Assignment(str(days), "Ann", "proposal", 1, "m", "T", "r", day, day + dt.timedelta(days), status=status)

    found = reminders([due(9), due(3), due(0), due(-1), due(-5), due(1), due(0, "done")], as_of=day)
    assert [r.text for r in found] == ["5 days overdue", "1 day overdue", "due today", "due in 1 day", "due in 3 days"]


def test_a_module_that_a_trainer_edits_is_the_one_that_is_taught(settings: Settings) -> None:
    path = trainer.copy_module(settings, name="proposal-one-offer")
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    table["modules"][0]["title"] = "Our way to one offer"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    assert library_of(settings).modules["proposal-one-offer"].title == "Our way to one offer"
    assert trainer.copy_module(settings, name="proposal-one-offer") == path  # a copy of the edited one, not a reset
    assert library_of(settings).modules["proposal-one-offer"].title == "Our way to one offer"
    with pytest.raises(RubricError, match="no such module"):
        trainer.copy_module(settings, name="nope")
    assert len(trainer.module_rows(settings)) == len(load_library().modules)
    with pytest.raises(StoreError, match="no such module"):
        trainer.module_rows(settings, name="nope")


PROFILE = """
company: Calder
product: the Calder planner
market: food distribution
competitors: [Routewise, Optiload]
proof: ["Corran Lifts: nineteen of twenty-two drivers answered on the first day"]
organisation: inside reps open, account managers close
deal: nine thousand a year, decided in two months
objections:
  stall: "after the season"
focus:
  discovery: ["ask about the morning round first"]
notes:
  proposal-one-offer: "use the one-page form"
"""


def test_the_company_profile_adapts_modules(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text(PROFILE, encoding="utf-8")
    profile = load_profile(tmp_path)
    assert profile.competitors == ("Routewise", "Optiload")
    modules = library_of(Settings(data=tmp_path)).modules
    plain = load_library().modules
    assert all(module.local == () for module in plain.values())
    assert "ask about the morning round first" in modules["discovery-play-it-back"].local
    assert 'Your buyers say: "after the season"' in modules["objections-stall"].local
    assert 'Your buyers say: "after the season"' not in modules["objections-competition"].local
    assert any(line.startswith("Proof of yours") for line in modules["objections-stall"].local)
    assert modules["proposal-one-offer"].local == (
        "A usual deal of yours: nine thousand a year, decided in two months", "use the one-page form",
    )  # fmt: skip
    assert any(line.startswith("How you sell: inside reps") for line in modules["decision-makers-map-the-road"].local)
    texts = str([module.to_json() for module in modules.values()])
    assert "the Calder planner" in texts
    assert "food distribution" in texts
    assert not re.search(r"\{[a-z]+\}", texts)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([], "is a mapping"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"product": 7}, "'product' must be text"),
        ({"proof": [1]}, "'proof' must be a list of texts"),
        ({"objections": {"moan": "x"}}, "unknown kind 'moan'"),
        ({"focus": ["x"]}, "'focus' must map names"),
    ],
)
def test_a_wrong_profile_is_said(table: object, says: str) -> None:
    assert says in "; ".join(check_profile(table))


def test_profiles_that_cannot_be_read_name_their_file(tmp_path: Path) -> None:
    assert load_profile(tmp_path) == Profile()
    path = tmp_path / "company.yaml"
    path.write_text("competitors: [Routewise, Optiload]", encoding="utf-8")
    assert load_profile(tmp_path).competitor == "Routewise"
    for text, says in (
        ("a: [", "line"),
        ("colour: red", "unknown key"),
        ("- a", "mapping"),
        ("deal: 2026-02-30", "days"),
        ("a: " + "[" * 5000, "days"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=f"company.yaml.*{says}"):
            load_profile(tmp_path)
    path.write_text("", encoding="utf-8")
    assert load_profile(tmp_path) == Profile()
    path.write_bytes(b"company: \xff")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_profile(tmp_path)


def test_a_busy_reps_older_months_are_thinned_and_not_forgotten(tmp_path: Path) -> None:
    older, per_month = (30, 60), MONTHLY + 3
    days = [-1 for _ in range(NEWEST)] + [-30 * month for month in older for _ in range(per_month)]
    for n, day in enumerate(days):
        rows = call(f"busy{n}", "Ann", day, "Acme", {"discovery": 2})
        keep.write_record(tmp_path, record(rows.calls[0], rows))
    with opened(Settings(data=tmp_path)) as store:
        months = Counter(row.date.replace(day=1) for row in load_scores(store) if row.date)
    assert sorted(months.values()) == [MONTHLY, MONTHLY, NEWEST]
