"""The rubric, its versions, and how far the judge agrees with people."""

from __future__ import annotations

import dataclasses
from typing import Any

from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE, LEADERS
from pipeline.errors import NotThere, RubricError
from pipeline.rubric import Rubric, load_rubric
from pipeline.rubric_shelf import take_down
from pipeline.web.ask import Ask, get
from pipeline.web.pages import calibration as calibration_page
from pipeline.web.pages import rubric as rubric_page


class CriterionJson(TypedDict):
    """A criterion: its five anchors (0-4), and whether its scores are for people to review (`for_people`)."""

    id: str
    title: str
    stage: str
    question: str
    levels: list[str]
    weight: float
    target: float
    applies: str
    judge: str
    same_as: str
    for_people: bool


class RubricJson(TypedDict):
    """A rubric; `active` where calls are scored by it now."""

    id: str
    title: str
    version: str
    active: bool
    criteria: list[CriterionJson]


class VersionJson(TypedDict):
    """A kept version, with the calls that it scored; `saved_at` is None for one that came with debrief."""

    id: str
    version: str
    title: str
    criteria: int
    saved_at: str | None
    calls: int
    active: bool


def _row(ask: Ask, rubric: Rubric) -> RubricJson:
    criteria: list[Any] = []
    for item in rubric.criteria:
        row = {name: getattr(item, name) for name in CriterionJson.__annotations__ if name != "for_people"}
        people = item.judge == "trained" and item.same_as in ask.desk.for_people
        criteria.append({**row, "levels": list(item.levels), "for_people": people})
    active = rubric.version == ask.desk.rubric.version
    return {
        "id": rubric.id,
        "title": rubric.title,
        "version": rubric.version,
        "active": active,
        "criteria": criteria,
    }


def rubric(ask: Ask) -> RubricJson:
    """The rubric that calls are scored by now."""
    return _row(ask, ask.desk.rubric)


def versions(ask: Ask) -> list[VersionJson]:
    """Every kept version."""
    found: list[Any] = rubric_page.versions_of(ask)["kept"]
    return found


def version(ask: Ask, *, version: str) -> RubricJson:
    """One version."""
    try:
        kept = take_down(ask.settings.data, version)
    except RubricError as error:
        raise NotThere(str(error)) from None
    return _row(ask, load_rubric(kept.file))


def calibration(ask: Ask) -> dict[str, Any]:
    """Agreement of machine and people: published, from blind scores and overrides, per criterion and month; and of
    people with one another."""
    found = calibration_page.figures(ask)
    names = ("criteria", "blind", "people", "override", "months")
    return {name: _without_calls(found[name]) for name in names}


def _without_calls(value: Any) -> Any:
    """The figures without the ids of the calls behind them, which not everybody may know."""
    if isinstance(value, dict):
        return {key: _without_calls(item) for key, item in value.items() if key != "call_ids"}
    if isinstance(value, list | tuple):
        return [_without_calls(item) for item in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


ROUTES = (
    get("/api/v1/rubric", rubric, who=EVERYONE, title="The rubric"),
    get("/api/v1/rubric/versions", versions, who=EVERYONE, title="The rubric's versions"),
    get("/api/v1/rubric/versions/{version}", version, who=EVERYONE, title="One version of the rubric"),
    get("/api/v1/calibration", calibration, who=LEADERS, title="Agreement with people"),
)
