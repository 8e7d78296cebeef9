"""The rubric's pages: what the levels mean, an edit checked, tried out, saved as a version and chosen."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from coach_story import RUBRIC, call, record
from judge_pages import Visitor, over
from waiting import HANGS_S, wait_for

from pipeline import keep
from pipeline.coach.team import picture_of
from pipeline.reviews import review_of
from pipeline.rubric_shelf import put_up, text_of
from pipeline.settings import Settings, load_settings
from pipeline.web.desk import Desk
from pipeline.web.errand_work import preview
from pipeline.web.errands import Errand
from pipeline.web.pages import calibration


def whole(visitor: Visitor) -> str:
    """The rubric's page once its moments have been looked for."""

    def found() -> str | None:
        page = visitor.text("/rubric")
        return page if 'id="criteria" data-refresh="0"' in page else None

    return wait_for(found, "the moments of calls")


def test_the_rubric_shows_levels_with_moments_of_calls_that_one_may_see(desk: Desk) -> None:
    page = whole(Visitor(desk, "rep"))
    assert all(item.title in page for item in RUBRIC.criteria)
    assert RUBRIC.criteria[0].levels[4] in page
    assert "What does one of those cost you?" in page
    assert "Bob" not in page
    assert "Bob" in whole(Visitor(desk, "trainer"))
    assert "/rubric/edit" not in page


@pytest.mark.parametrize("move", ["give_number", ""])
def test_no_example_of_nothing_shows_something(desk: Desk, move: str) -> None:
    """No cost was spoken of, says level 0 of the business case; the quote it was given by may tell of one even so."""
    rows = call("none", "Bob", 20, "Fir", {"business_case": 0, "objection_handling": 0})
    made = record(rows.calls[0], rows)
    heard = [{"turn": 3, "move": move, "p": 0.9}] if move else []
    made["scorecard"]["moves"] = [*heard, {"turn": 8, "move": "argue", "p": 0.9}]
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    page = whole(Visitor(desk, "trainer"))
    nothing = page.partition('id="business_case"')[2].partition("lv-1")[0]
    assert ("Eighty pounds, so three thousand two hundred" in nothing) == (not move)
    # an objection argued with is what level 0 there means
    assert "Too much compared with what" in page.partition('id="objection_handling"')[2].partition("lv-1")[0]


def test_what_the_machine_cited_for_its_level_is_no_example_of_a_persons(desk: Desk) -> None:
    name = RUBRIC.criteria[0].id
    rows = call("raised", "Bob", 21, "Elm", {name: 1})
    made = record(rows.calls[0], rows)
    quote = made["scorecard"]["criteria"][name]["evidence"][0]["quote"] = "What are you using at the moment?"
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    word = review_of(made, name, "override", who="Sam", why="more came later", level=4)
    desk.store.put_fact("reviews", word.to_row())
    page = whole(Visitor(desk, "trainer"))
    assert quote not in page.partition(f'id="{name}"')[2].partition("lv-4")[2].partition("</section>")[0]


def test_a_mistake_is_told_with_its_line_and_nothing_is_saved(desk: Desk) -> None:
    manager = Visitor(desk, "manager")
    broken = text_of("sales_call").replace("target: 3.0", "target: 9", 1)
    line = broken[: broken.index("target: 9")].count("\n") + 1
    for do in ("check", "preview", "save"):
        answer = manager.post("/rubric/edit", text=broken.replace("\n", "\r\n"), do=do)
        assert f'data-line="{line}"' in answer.text
        assert "target must be between 0 and 4" in answer.text
        assert "target: 9" in answer.text
    assert len(list((desk.settings.data / "rubrics").glob("*.yaml"))) == 1


def test_pages_show_no_standings_by_the_rubric_before_while_those_by_a_chosen_one_are_worked_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, let_go, real = Visitor(desk, "trainer"), threading.Event(), picture_of
    pages = ("/team", "/reps/Ann")
    assert all("Discovery" in trainer.text(page) for page in pages)
    edited = yaml.safe_load(text_of("sales_call"))
    edited["criteria"] = [item for item in edited["criteria"] if item["id"] != "discovery"]
    version = put_up(desk.settings.data, yaml.safe_dump(edited, sort_keys=False))[0].version

    def held_up(*given: Any, **more: Any) -> Any:
        let_go.wait(HANGS_S)
        return real(*given, **more)

    # as a large store has it: no value is made while a page waits
    monkeypatch.setattr("pipeline.web.backroom.QUICK_S", 0.0)
    monkeypatch.setattr("pipeline.web.backroom.FIRST_S", 0.1)
    monkeypatch.setattr("pipeline.web.jobs.picture_of", held_up)
    assert trainer.post("/rubric/choose", version=version).status_code == 303
    assert [trainer.get(page).status_code for page in pages] == [503, 503]
    let_go.set()
    monkeypatch.setattr("pipeline.web.backroom.FIRST_S", HANGS_S)
    desk.picture()
    assert all("Discovery" not in shown_at_last(trainer, page) for page in pages)


def shown_at_last(visitor: Visitor, path: str) -> str:
    """A page that says to come again until what it rests on is there."""
    wait_for(lambda: visitor.get(path).status_code != 503, path)
    return visitor.text(path)


def test_a_saved_edit_is_a_version_of_its_own_and_counts_only_when_chosen(desk: Desk) -> None:
    manager, trainer = Visitor(desk, "manager"), Visitor(desk, "trainer")
    heavier = text_of("sales_call").replace("weight: 1.0", "weight: 2.0", 1)
    where = manager.post("/rubric/edit", text=heavier, do="save").headers["location"]
    version = where.rpartition("/")[2]
    file = desk.settings.data / "rubrics" / f"sales_call-{version}.yaml"
    assert file.read_text() == heavier
    assert desk.rubric.version == RUBRIC.version
    page = manager.text(where)
    assert "weight 1 -&gt; 2" in page
    assert "Let this one count" not in page
    assert manager.post("/rubric/choose", version=version).status_code == 403
    assert "Let this one count" in trainer.text(where)
    assert trainer.post("/rubric/choose", version=version).status_code == 303
    assert desk.rubric.version == version
    assert load_settings(desk.settings.data, environ={}).rubric == str(file)
    # every call of the story was scored by a version that is not this one
    assert "carry scores by another rubric" in trainer.text("/rubric")
    assert any(version in line.detail for line in desk.book.log(kind="changed"))
    # the same again makes no second file, and no version ever changes
    manager.post("/rubric/edit", text=heavier + "\n# a remark\n", do="save")
    assert file.read_text() == heavier
    listed = {row["version"]: row for row in trainer.get("/api/v1/rubric/versions").json()}
    assert listed[version]["active"]
    assert not listed[RUBRIC.version]["active"]
    assert "not kept here" in trainer.text("/rubric/versions")


def test_a_chosen_rubric_moves_with_the_data_folder(desk: Desk, tmp_path: Path) -> None:
    trainer = Visitor(desk, "trainer")
    where = trainer.post("/rubric/edit", text=text_of("sales_call").replace("Sales call", "Ours"), do="save")
    version = where.headers["location"].rpartition("/")[2]
    trainer.post("/rubric/choose", version=version)
    moved = tmp_path / "elsewhere"
    (moved / "rubrics").mkdir(parents=True)
    for name in ("debrief.toml", f"rubrics/sales_call-{version}.yaml"):
        (moved / name).write_bytes((desk.settings.data / name).read_bytes())
    assert load_settings(moved, environ={}).rubric == str(moved / f"rubrics/sales_call-{version}.yaml")


def test_a_criterion_by_examples_is_written_into_the_text(desk: Desk) -> None:
    manager = Visitor(desk, "manager")
    form = {"title": "Security certificate", "question": "mentions it when risk comes up", "do": "add"}
    said = "we are ISO 27001 certified: yes\nour auditor signed it off\n"
    answer = manager.post("/rubric/edit", text=text_of("sales_call"), shows=said, occasion="is it safe?", **form)
    assert "stands at the end of the criteria now" in answer.text
    text = re.search(r'<textarea id="text".*?>\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert text
    import html

    saved = manager.post("/rubric/edit", text=html.unescape(text.group(1)), do="save")
    fresh = manager.get(f"/api/v1/rubric/versions/{saved.headers['location'].rpartition('/')[2]}").json()
    assert fresh["criteria"][-1]["id"] == "security_certificate"
    assert fresh["criteria"][-1]["judge"] == "examples"
    assert [row["id"] for row in fresh["criteria"][:-1]] == [item.id for item in RUBRIC.criteria]
    few = manager.post("/rubric/edit", text=text_of("sales_call"), shows="one", **form)
    assert (few.status_code, "at least two sentences" in few.text) == (400, True)


def test_trying_out_shows_what_would_move_to_those_who_may_see_the_calls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_in(old: str, new: str, shas: Any, settings: Settings) -> Any:
        return preview(old, new, shas, settings, task="errand_tasks:moved")

    monkeypatch.setattr("pipeline.web.pages.rubric.preview", stand_in)
    manager = Visitor(desk, "manager")
    heavier = text_of("sales_call").replace("weight: 1.0", "weight: 2.0", 1)
    where = manager.post("/rubric/edit", text=heavier, do="preview").headers["location"]
    errand = over(desk.errands, f"preview/{where.rpartition('/')[2]}")
    assert errand.state == "done", errand.line
    page = manager.text(where)
    assert "12 levels and 0 overall scores of the 18 newest scored calls" in page
    assert "Cid" not in page
    assert "Cid" in Visitor(desk, "trainer").text(where)
    assert desk.rubric.version == RUBRIC.version


def test_a_criterion_below_the_floor_is_said_to_be_for_people(desk: Desk) -> None:
    admin = Visitor(desk, "admin")
    assert "For people to review" not in admin.text("/rubric")
    public = calibration.published()
    worst = min(public, key=lambda name: public[name]["low"])
    floor = public[worst]["low"] + 0.0001
    assert admin.post("/settings", quality_floor=f"{floor}").status_code == 303
    for path in ("/rubric", "/calibration"):
        assert "or people to review" in admin.text(path)
    found = admin.get("/api/v1/rubric").json()["criteria"]
    assert [row["id"] for row in found if row["for_people"]] == [worst]
    assert f"{worst}; published agreement" in admin.text("/settings/health")


def test_what_came_of_scoring_again_names_files_only_to_those_who_see_everything(desk: Desk) -> None:
    def work(errand: Errand) -> str:
        errand.result = {"changes": [], "moved": [], "calls": 1, "failed": ["0123456789abcdef: Cid's call"]}
        return "1 failed: /in/South/Cid/2026-10-06_Dale.wav: no transcript was kept"

    for key in ("rescore", f"preview/{RUBRIC.version}"):
        errand = desk.errands.send("Scoring", work, who="Tess", key=key, about=text_of("sales_call"))
        wait_for(lambda errand=errand: errand.state == "done", "the errand")
    for role, named in (("rep", False), ("manager", False), ("trainer", True)):
        assert ("/in/South/Cid" in whole(Visitor(desk, role))) is named
    for role, named in (("manager", False), ("trainer", True)):
        page = Visitor(desk, role).text(f"/rubric/preview/{RUBRIC.version}")
        assert "1 call could not be compared" in page
        assert ("0123456789abcdef" in page) is named
