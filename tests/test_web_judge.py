"""The pages about judging and running: inbox, rubric, calibration, settings; and the API beside them."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coach_story import DAY, RUBRIC, call, keep_story, record
from fastapi.testclient import TestClient
from hook_server import answers, hook_server

from pipeline import keep
from pipeline.access.book import AccessBook
from pipeline.assigned_reps import assign_rep, with_assigned_rep
from pipeline.assigned_roles import with_assigned_roles
from pipeline.errors import TranscriptError
from pipeline.rubric_shelf import text_of
from pipeline.settings import Settings, load_settings
from pipeline.store import Store
from pipeline.types import Transcript
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.errand_work import preview, retry_files, score_again
from pipeline.web.errands import Errand, Errands
from pipeline.web.gate import SESSION, csrf_token
from pipeline.web.pages import calibration

USERS = {"admin": "Ada", "manager": "Mo", "trainer": "Tess", "rep": "Ann"}


def unsettled(data: Path) -> dict[str, str]:
    """Two more calls: one whose speakers nobody could tell apart, one whose rep nobody named. Their ids by name."""
    ids = {}
    for name, rep in (("strangers", "Ann"), ("nobody", None)):
        rows = call(name, "Ann", 1, "Elm", {"discovery": 3})
        made = record(rows.calls[0], rows)
        made["source"] |= {"path": str(data / "inbox" / f"{name}.json"), "known": {"sidecar": {}, "path": {}}}
        meta = made["transcript"]["meta"]
        if rep is None:
            made["transcript"]["meta"] = {key: value for key, value in meta.items() if key != "rep"}
        else:
            made |= {"status": "review", "reason": "both ask questions", "scorecard": None}
            for turn in made["transcript"]["turns"]:
                turn["speaker"] = "SPEAKER_00" if turn["speaker"] == "rep" else "SPEAKER_01"
        keep.write_record(data, made)
        ids[name] = made["source"]["sha256"][:16]
    return ids


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("story")
    keep_story(data)
    with Store(data) as store:
        store.ingest()
    with AccessBook(data) as book:
        book.add_user("Ada", "admin")
        book.add_user("Mo", "manager", teams=("North",))
        book.add_user("Tess", "trainer")
        book.add_user("Ann", "rep", rep="Ann")
    return data


@pytest.fixture
def desk(story: Path, tmp_path: Path) -> Iterator[Desk]:
    data = tmp_path / "data"
    shutil.copytree(story, data)
    desk = Desk(Settings(data=data))
    yield desk
    desk.close()


class Visitor:
    """Somebody signed in, whose forms carry the token."""

    def __init__(self, desk: Desk, role: str) -> None:
        self.at = TestClient(build_app(desk), base_url="http://127.0.0.1:8321", follow_redirects=False)
        self.at.cookies.set(SESSION, desk.book.start_session(desk.book.user(USERS[role])))

    def get(self, path: str, /) -> Any:
        return self.at.get(path)

    def text(self, path: str) -> str:
        answer = self.at.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return str(answer.text)

    def post(self, path: str, /, **form: Any) -> Any:
        return self.at.post(path, data={**form, "csrf": csrf_token(self.at.cookies[SESSION])})


def over(errands: Errands, key: str) -> Errand:
    for _ in range(1000):
        errand = errands.get(key)
        if errand and not errand.under_way:
            return errand
        time.sleep(0.02)
    pytest.fail(f"{key} is not over within 20 s")


# --- inbox


def test_the_inbox_says_what_failed_and_why_and_what_follows(desk: Desk) -> None:
    data = desk.settings.data
    lost = {"path": str(data / "inbox/North/bad <b>.wav"), "reason": "not audio; export it again", "size": 1}
    keep.write_failure(data, lost | {"kind": "input", "mtime_ns": 1})
    for _ in range(3):
        keep.write_failure(data, {"path": "/x/hangs.wav", "kind": "timeout", "reason": "took too long", "size": 1})
    desk.store.ingest([])
    page = Visitor(desk, "trainer").text("/inbox")
    assert "bad &lt;b&gt;.wav" in page
    assert "not audio; export it again" in page
    assert "given up" in page
    assert "3 tries" in page
    assert "hangs.wav" not in Visitor(desk, "trainer").text("/inbox?status=refused")
    # files belong to no team: a manager sees none of them
    assert "not audio" not in Visitor(desk, "manager").text("/inbox")
    assert Visitor(desk, "manager").get("/api/v1/inbox").json()["failed"] == []


def test_files_that_wait_are_those_that_are_no_call_and_did_not_fail(desk: Desk) -> None:
    inbox = desk.settings.inbox_folder / "North"
    inbox.mkdir(parents=True)
    (inbox / "new.wav").write_bytes(b"x")
    (inbox / "failed.wav").write_bytes(b"y")
    keep.write_failure(desk.settings.data, {"path": str(inbox / "failed.wav"), "kind": "input", "reason": "no"})
    desk.store.ingest([])
    for _ in range(100):
        found = desk.glance.waiting()
        if found:
            break
    assert found is not None
    assert (found.count, found.names) == (1, ("North/new.wav",))
    assert "North/new.wav" in Visitor(desk, "admin").text("/inbox")


def test_only_a_file_that_failed_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Visitor(desk, "trainer")
    assert trainer.post("/inbox/retry", path="/etc/passwd").status_code == 404
    assert Visitor(desk, "manager").post("/inbox/retry", status="retry").status_code == 403
    tried: list[Path] = []

    def stand_in(paths: Any, settings: Settings, store: Store) -> Any:
        return lambda errand: tried.extend(paths) or "1 scored"

    monkeypatch.setattr("pipeline.web.pages.inbox.retry_files", stand_in)
    keep.write_failure(desk.settings.data, {"path": "/x/a.wav", "kind": "engine", "reason": "no"})
    desk.store.ingest([])
    assert trainer.post("/inbox/retry", path="/x/a.wav").status_code == 303
    assert over(desk.errands, "retry//x/a.wav").line == "1 scored"
    assert tried == [Path("/x/a.wav")]
    assert "1 scored" in trainer.text("/inbox")


def test_trying_again_makes_a_call_of_a_file_and_forgets_one_that_is_gone(desk: Desk) -> None:
    data = desk.settings.data
    path = data / "inbox" / "fine.json"
    path.parent.mkdir()
    path.write_text("")
    for lost in (path, data / "inbox" / "gone.json"):
        keep.write_failure(data, {"path": str(lost), "kind": "engine", "reason": "the engine failed"})
    errand = Errand("k", "t", "Ada", DAY)  # type: ignore[arg-type]
    work = retry_files([path, data / "inbox" / "gone.json"], desk.settings, desk.store, task="test_web_judge:never")
    assert "1 failed" in work(errand)
    assert "1 no longer there" in work(errand)
    left = keep.read_failures(data)
    assert [row["path"] for row in left] == [str(path)]
    # what is wrong with it now is the file itself
    assert left[0]["kind"] == "input"


def never(order: Any) -> Any:
    raise AssertionError("nothing was to be heard")


def scored_again(order: Any) -> dict[str, Any]:
    """A worker that scores nothing and keeps what a person said: roles and rep are the fact's."""
    job, settings = order
    made = keep.latest_record(settings.data, job.sha256)
    assert made is not None
    words = Transcript.from_json(made["transcript"], where="test")
    words = with_assigned_roles(with_assigned_rep(words, settings.data, job.sha256), settings.data, job.sha256)
    keep.write_record(settings.data, made | {"transcript": words.to_json(), "status": "scored", "reason": ""})
    return {"status": "scored", "reason": "", "kind": "", "kept": True}


def test_a_person_says_who_sells_and_whose_call_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    here = Path(__file__).parent
    monkeypatch.syspath_prepend(str(here))

    def stand_in(shas: Any, settings: Settings, store: Store) -> Any:
        return score_again(shas, settings, store, task="test_web_judge:scored_again")

    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", stand_in)
    trainer = Visitor(desk, "trainer")
    page = trainer.text("/inbox")
    assert "Who sells is not certain" in page
    assert "Nobody named the rep" in page
    form = trainer.text(f"/inbox/{ids['strangers']}")
    assert "SPEAKER_00" in form
    assert trainer.post(f"/inbox/{ids['strangers']}").status_code == 400
    refused = trainer.post(f"/inbox/{ids['strangers']}", sells=["SPEAKER_00", "SPEAKER_01"])
    assert (refused.status_code, "every speaker would be a rep" in refused.text) == (400, True)
    assert trainer.post(f"/inbox/{ids['strangers']}", sells="SPEAKER_00").status_code == 303
    assert trainer.post(f"/inbox/{ids['nobody']}", rep="Dora New", team="South").status_code == 303
    assert over(desk.errands, f"score/{ids['strangers']}").line == "1 scored"
    assert over(desk.errands, f"score/{ids['nobody']}").line == "1 scored"
    row = desk.store.query("SELECT rep, team FROM calls WHERE call_id = ?", [ids["nobody"]])[0]
    assert row == {"rep": "Dora New", "team": "South"}
    turn = desk.store.query("SELECT speaker FROM turns WHERE call_id = ? AND turn = 0", [ids["strangers"]])[0]
    assert turn["speaker"] == "rep"
    assert "No call waits for anybody’s word" in trainer.text("/inbox")


def test_a_manager_gives_calls_to_their_own_people_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    manager = Visitor(desk, "manager")
    refused = manager.post(f"/inbox/{ids['nobody']}", rep="Cid", team="South")
    assert (refused.status_code, "none of your teams" in refused.text) == (400, True)
    assert not keep.fact_file(desk.settings.data, "reps", "x").parent.exists()
    assert manager.post(f"/inbox/{ids['nobody']}", rep="Bob").status_code == 303


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    for name in ("", " ", "x" * 81, "a\x00b"):
        with pytest.raises(TranscriptError, match="printable"):
            assign_rep(tmp_path, "ab" * 32, name, who="Ada")


# --- rubric


def whole(visitor: Visitor) -> str:
    """The rubric's page once its moments have been looked for."""
    for _ in range(200):
        page = visitor.text("/rubric")
        if 'id="criteria" data-refresh="0"' in page:
            return page
    pytest.fail("no moments were found")


def test_the_rubric_shows_levels_with_moments_of_calls_that_one_may_see(desk: Desk) -> None:
    page = whole(Visitor(desk, "rep"))
    assert all(item.title in page for item in RUBRIC.criteria)
    assert RUBRIC.criteria[0].levels[4] in page
    assert "What does one of those cost you?" in page
    assert "Bob" not in page
    assert "Bob" in whole(Visitor(desk, "trainer"))
    assert "/rubric/edit" not in page


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


def moved(order: Any) -> dict[str, Any]:
    """A worker that finds one moved score a call."""
    _, _, shas, settings = order
    calls = [keep.latest_record(settings.data, sha) for sha in shas]
    rows = [
        {
            "kind": "score",
            "call_id": row["call_id"],
            "rep": row["transcript"]["meta"]["rep"],
            "criterion": "discovery",
            "before": 1,
            "after": 2,
            "why": "weight",
        }
        for row in calls
        if row
    ]
    return {"moved": rows, "calls": len(rows), "failed": []}


def test_trying_out_shows_what_would_move_to_those_who_may_see_the_calls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def stand_in(old: str, new: str, shas: Any, settings: Settings) -> Any:
        return preview(old, new, shas, settings, task="test_web_judge:moved")

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


# --- calibration


def test_a_call_is_scored_blind_and_then_shown_beside_the_machine(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    path = trainer.get("/calibration/blind").headers["location"]
    form = trainer.text(path)
    call_id = path.rpartition("/")[2]
    levels = desk.store.query("SELECT criterion, level FROM criterion_scores WHERE call_id = ?", [call_id])
    assert "% sure" not in form
    assert "checked" in form
    # the machine's quotes stand in the transcript once, and nowhere else
    for row in desk.store.query("SELECT DISTINCT quote, why FROM evidence WHERE call_id = ?", [call_id]):
        assert row["why"] not in form
        assert form.count(row["quote"]) == 1
    assert trainer.get(f"{path}/compare").headers["location"] == path
    given = {f"level-{row['criterion']}": str(row["level"]) for row in levels if row["level"] is not None}
    assert trainer.post(path).status_code == 400
    wrong = trainer.post(path, **given, **{"turns-discovery": "2, 99"})
    assert (wrong.status_code, "there is no turn 99" in wrong.text, 'value="2, 99"' in wrong.text) == (400, True, True)
    assert trainer.post(path, **given, **{"turns-discovery": "#2, 4", "level-recommendation": "na"}).status_code == 303
    rows = desk.store.query("SELECT * FROM reviews WHERE call_id = $id ORDER BY criterion", {"id": call_id})
    assert {row["kind"] for row in rows} == {"blind"}
    assert next(row["evidence"] for row in rows if row["criterion"] == "discovery") == [2, 4]
    page = trainer.text(f"{path}/compare")
    assert f"on {len(given)} of {len(given)} criteria" in page
    # whoever has scored it is not asked again, and nobody changes a blind score afterwards
    assert trainer.get("/calibration/blind").headers["location"] != path
    assert trainer.get(path).headers["location"] == f"{path}/compare"
    assert trainer.post(path, **{"level-discovery": "0"}).headers["location"] == f"{path}/compare"
    assert trainer.get("/api/v1/calibration").json()["blind"]["exact"] == 1.0
    assert "call_ids" not in json.dumps(trainer.get("/api/v1/calibration").json())
    desk.store.rebuild()
    assert desk.store.query("SELECT evidence FROM reviews WHERE criterion = 'discovery'")[0]["evidence"] == [2, 4]


def test_a_call_that_one_has_opened_is_not_offered(desk: Desk) -> None:
    trainer = Visitor(desk, "trainer")
    first = trainer.get("/calibration/blind").headers["location"]
    trainer.get(f"/calls/{first.rpartition('/')[2]}")
    second = trainer.get("/calibration/blind").headers["location"]
    assert second != first
    assert "You have opened this call" in trainer.text(first)
    trainer.get(f"/api/v1/calls/{second.rpartition('/')[2]}")
    assert trainer.get("/calibration/blind").headers["location"] not in (first, second)
    for row in desk.store.query("SELECT call_id FROM calls"):
        trainer.get(f"/calls/{row['call_id']}")
    assert "You have opened every call that is left" in trainer.text("/calibration/blind")


def test_a_manager_is_offered_calls_of_their_teams(desk: Desk) -> None:
    manager = Visitor(desk, "manager")
    south = {row["call_id"] for row in desk.store.query("SELECT call_id FROM calls WHERE team = 'South'")}
    for _ in range(12):
        path = manager.get("/calibration/blind").headers["location"]
        assert path.rpartition("/")[2] not in south
        manager.post(path, **{"level-discovery": "2"})
    assert "scored every scored call that you may see" in manager.text("/calibration/blind")
    assert manager.get(f"/calibration/blind/{min(south)}").status_code == 403


@pytest.mark.parametrize("text", ["twelve", "1.5", "-1", "1e9", "9" * 9, " ".join(["1"] * 21)])
def test_turns_are_numbers(text: str) -> None:
    from pipeline.errors import ReviewError

    with pytest.raises(ReviewError, match="numbers"):
        calibration.turns_in(text, of="discovery")


def test_agreement_over_time_is_drawn_from_two_months_on() -> None:
    months = [{"period": f"2026-0{n}", "exact": 0.5, "within_one": 1.0, "n": 4} for n in (1, 2, 3)]
    assert calibration.chart(months[:1]) is None
    drawn = calibration.chart(months)
    assert drawn is not None
    assert drawn["lines"]["exact"]["points"] == "0.0,75.0 280.0,75.0 560.0,75.0"


# --- settings


def test_a_setting_is_checked_kept_in_place_and_counts_at_once(desk: Desk) -> None:
    file = desk.settings.data / "debrief.toml"
    file.write_text("# ours\ntarget_level = 3.0 # agreed in May\n\nport = 8321\n")
    admin = Visitor(desk, "admin")
    wrong = admin.post("/settings", target_level="7", glossary="Calder, Routewise")
    assert (wrong.status_code, "from 0 to 4" in wrong.text, 'value="7"' in wrong.text) == (400, True, True)
    assert "Calder" not in file.read_text()
    assert admin.post("/settings", target_level="2.5", glossary="Calder, Routewise").status_code == 303
    assert file.read_text().startswith("# ours\ntarget_level = 2.5 # agreed in May\n")
    assert (desk.settings.target_level, desk.settings.glossary) == (2.5, "Calder, Routewise")
    assert load_settings(desk.settings.data, environ={}).target_level == 2.5
    assert any("target_level '3' -> '2.5'" in line.detail for line in desk.book.log(kind="changed"))
    assert admin.post("/settings", target_level="").status_code == 303
    assert "target_level" not in file.read_text()


@pytest.mark.parametrize("name", ["judge_url", "webhook_urls", "port", "whisper_model", "data", "digest_to", "rubric"])
def test_what_sends_loads_or_opens_things_is_not_changed_from_the_page(desk: Desk, name: str) -> None:
    admin = Visitor(desk, "admin")
    assert admin.post("/settings", **{name: "http://evil.example"}).headers["location"] == "/settings"
    assert not (desk.settings.data / "debrief.toml").exists()
    assert f'name="{name}"' not in admin.text("/settings")


def test_the_environment_wins_and_is_not_offered_as_a_field(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBRIEF_TARGET_LEVEL", "3.0")
    monkeypatch.setenv("DEBRIEF_SMTP_PASSWORD", "hunter2 hunter2")
    admin = Visitor(desk, "admin")
    page = admin.text("/settings")
    assert 'name="target_level"' not in page
    assert "hunter2" not in page
    rows = {row["name"]: row for row in admin.get("/api/v1/settings").json()}
    assert (rows["target_level"]["source"], rows["target_level"]["changeable"]) == ("environment", False)
    assert rows["smtp_password"]["value"] == "set"


def test_webhooks_are_tried_from_the_page_and_failed_ones_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBRIEF_WEBHOOK_SECRET", "a secret of the right length")
    admin = Visitor(desk, "admin")
    assert admin.post("/settings/webhooks/test").status_code == 400
    with hook_server(answers(200), answers(500)) as hooks:
        import dataclasses

        desk.settings = dataclasses.replace(desk.settings, webhook_urls=hooks.url)
        assert admin.post("/settings/webhooks/test").status_code == 303
        assert over(desk.errands, "webhooks").line == "127.0.0.1 answered 200"
        admin.post("/settings/webhooks/test")
        assert over(desk.errands, "webhooks").state == "failed"
        page = admin.text("/settings")
        assert "answered 500" in page
        assert "/hook" not in page
    assert admin.post("/settings/webhooks/again", event="msg_none").status_code == 404


# --- the API


def test_the_api_is_described_with_its_ways_in_and_refusals(desk: Desk) -> None:
    found = Visitor(desk, "rep").get("/api/v1/openapi.json").json()
    paths = {
        "reps", "reps/{rep}", "calls", "calls/{call_id}", "calls/{call_id}/transcript", "gaps", "training", "accounts",
        "accounts/{account}", "moments", "rubric", "rubric/versions", "calibration", "inbox", "settings", "users",
        "audit", "webhooks/deliveries", "me",
    }  # fmt: skip
    assert {f"/api/v1/{path}" for path in paths} <= set(found["paths"])
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for described in [one for path in found["paths"].values() for one in path.values()]:
        assert described["summary"]
        assert described["description"]
        assert {"200", "401", "403", "404"} <= set(described["responses"])


def test_the_api_shows_a_rep_their_own_and_a_manager_their_teams(desk: Desk) -> None:
    rep, manager, admin = (Visitor(desk, role) for role in ("rep", "manager", "admin"))
    for path in ("gaps", "moments?limit=500"):
        assert {row["rep"] for row in admin.get(f"/api/v1/{path}").json()} > {"Bob"}
        assert {row["rep"] for row in rep.get(f"/api/v1/{path}").json()} == {"Ann"}
        assert "Cid" not in {row["rep"] for row in manager.get(f"/api/v1/{path}").json()}
    assert {row["account"] for row in rep.get("/api/v1/accounts").json()} == {"Acme", "Birch"}
    assert rep.get("/api/v1/accounts/Cedar").status_code == 403
    assert rep.get("/api/v1/accounts/nowhere").status_code == 403
    assert admin.get("/api/v1/accounts/nowhere").status_code == 404
    assert "Bob" not in json.dumps(rep.get("/api/v1/accounts/Acme").json())
    theirs = desk.store.query("SELECT min(call_id) AS id FROM calls WHERE rep = 'Bob'")[0]["id"]
    assert rep.get(f"/api/v1/calls/{theirs}/transcript").status_code == 403
    assert len(manager.get(f"/api/v1/calls/{theirs}/transcript").json()["turns"]) == 11
    assert manager.get("/api/v1/users").status_code == 403


# --- errands


def test_an_errand_is_not_begun_twice_and_its_failure_is_a_line() -> None:
    errands = Errands()
    begun: list[str] = []

    def slow(errand: Errand) -> str:
        begun.append(errand.key)
        errand.stop.wait(5)
        raise ValueError("an index\nout of range")

    try:
        first = errands.send("one", slow, who="Ada", key="k")
        assert errands.send("one", slow, who="Ada", key="k") is first
        waiting = errands.send("two", lambda errand: "done", who="Ada")
        first.stop.set()
        assert over(errands, "k").state == "failed"
        assert "ValueError" in first.line
        assert over(errands, waiting.key).line == "done"
        assert begun == ["k"]
    finally:
        errands.close()
    assert errands.send("late", slow, who="Ada").state == "failed"
