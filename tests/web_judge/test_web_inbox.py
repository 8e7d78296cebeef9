"""The inbox: what failed and why, tried again; who says what on a call, and whose it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from coach_story import call, record
from judge_pages import Visitor, over, unsettled
from waiting import HANGS_S, wait_for

from pipeline import keep
from pipeline.assigned_reps import assign_rep
from pipeline.assigned_roles import renamed
from pipeline.errors import TranscriptError
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.types import Transcript
from pipeline.web.desk import Desk
from pipeline.web.errand_work import retry_files, score_again
from pipeline.web.errands import Errand
from pipeline.web.rejudging import Rejudging


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


def test_a_call_of_which_both_is_open_needs_one_person_once(desk: Desk) -> None:
    data = desk.settings.data
    made = keep.latest_record(data, desk.store.query("SELECT max(sha256) AS sha FROM calls")[0]["sha"])
    assert made
    meta = {key: value for key, value in made["transcript"]["meta"].items() if key != "rep"}
    made["transcript"]["meta"] = meta
    keep.write_record(data, made | {"status": "review", "reason": "both ask questions", "scorecard": None})
    desk.store.ingest()
    page = Visitor(desk, "trainer").text("/inbox")
    assert re.search(r'Needs a person <span class="small faint num">1</span>', page)
    found = Visitor(desk, "trainer").get("/api/v1/inbox").json()
    assert (len(found["people"]), found["people_open"], found["roles_open"], found["reps_open"]) == (1, 1, 1, 1)


def test_files_that_wait_are_those_that_are_no_call_and_did_not_fail(desk: Desk) -> None:
    inbox = desk.settings.inbox_folder / "North"
    inbox.mkdir(parents=True)
    (inbox / "new.wav").write_bytes(b"x")
    (inbox / "failed.wav").write_bytes(b"y")
    keep.write_failure(desk.settings.data, {"path": str(inbox / "failed.wav"), "kind": "input", "reason": "no"})
    desk.store.ingest([])
    found = wait_for(desk.glance.waiting, "what waits in the inbox")
    assert (found.count, found.names) == (1, ("North/new.wav",))
    page = Visitor(desk, "admin").text("/inbox")
    assert "North/new.wav" in page
    assert "tried again when the file changes" in page
    assert ">file</span>" not in page  # a kind that says nothing, under the file's name


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
    errand = Errand("k", "t", "Ada")
    work = retry_files([path, data / "inbox" / "gone.json"], desk.settings, desk.store, task="errand_tasks:never")
    assert "1 failed" in work(errand)
    assert "1 no longer there" in work(errand)
    left = keep.read_failures(data)
    assert [row["path"] for row in left] == [str(path)]
    # what is wrong with it now is the file itself
    assert left[0]["kind"] == "input"


def test_a_person_says_who_sells_and_whose_call_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()

    def stand_in(shas: Any, settings: Settings, store: Store) -> Any:
        return score_again(shas, settings, store, task="errand_tasks:scored_again")

    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", stand_in)
    trainer = Visitor(desk, "trainer")
    page = trainer.text("/inbox")
    assert "Who sells is not certain" in page
    assert "Nobody named the rep" in page
    form = trainer.text(f"/inbox/{ids['strangers']}")
    assert 'value="SPEAKER_00"' in form
    assert "<strong>Speaker 1</strong>" in form  # a person counts from one, and does not read labels
    listed = trainer.text("/calls")
    assert ">needs a person</span>" in listed
    assert ">review</span>" not in listed
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


def test_what_is_said_while_a_call_is_scored_is_refused_and_not_lost_without_a_word(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()

    def under_way(*given: Any) -> Any:
        return lambda errand: str(errand.stop.wait(HANGS_S))

    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", under_way)
    trainer, path = Visitor(desk, "trainer"), f"/inbox/{ids['strangers']}"
    for _ in range(2):
        assert trainer.post(path, sells="SPEAKER_01").status_code == 303
    corrected = trainer.post(path, sells="SPEAKER_00", rep="Dora New")
    assert corrected.status_code == 400
    assert "say it again when that is done" in corrected.text
    assert 'value="SPEAKER_00" checked' in corrected.text
    assert 'value="Dora New"' in corrected.text
    fact = keep.read_json(next((desk.settings.data / "facts" / "roles").glob("*.json")))
    assert fact["speakers"]["SPEAKER_01"] == "rep"


def test_a_second_word_on_who_sells_counts_as_the_first_did(desk: Desk) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    row = desk.store.query("SELECT sha256 FROM calls WHERE call_id = ?", [ids["strangers"]])[0]
    made = keep.latest_record(desk.settings.data, row["sha256"])
    assert made
    words = renamed(
        Transcript.from_json(made["transcript"], where="test"), {"SPEAKER_00": "buyer:Buyer", "SPEAKER_01": "rep"}
    )
    keep.write_record(desk.settings.data, made | {"transcript": words.to_json(), "status": "scored"})
    desk.store.ingest()
    desk.rejudging = Rejudging(lambda: desk.settings, desk.store, task="fakes:judge_again")
    trainer, path = Visitor(desk, "trainer"), f"/inbox/{ids['strangers']}"
    assert "Who sells, if it is not as written" in trainer.text(path)
    assert trainer.post(path, sells="buyer:Buyer").status_code == 303
    assert desk.rejudging.progress(row["sha256"])

    def over() -> bool:
        found = desk.rejudging.progress(row["sha256"])
        return found is not None and found.state == "done"

    wait_for(over, "the second judgement")
    said = desk.store.query("SELECT speaker FROM turns WHERE call_id = ? AND turn = 0", [ids["strangers"]])[0]
    assert said["speaker"] == "rep"


def test_a_manager_gives_calls_to_their_own_people_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    manager = Visitor(desk, "manager")
    refused = manager.post(f"/inbox/{ids['nobody']}", rep="Cid", team="South")
    assert (refused.status_code, "none of your teams" in refused.text) == (400, True)
    assert not keep.fact_file(desk.settings.data, "reps", "x").parent.exists()
    assert manager.post(f"/inbox/{ids['nobody']}", rep="Bob").status_code == 303


def test_a_manager_cannot_bring_another_teams_rep_into_sight_by_giving_them_a_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    manager, call_id = Visitor(desk, "manager"), ids["nobody"]
    # the call is one of North, which is the manager's; all that Cid ever said belongs to South
    for form in ({"rep": "Cid"}, {"rep": " Cid\t"}, {"rep": "Cid", "team": "North"}):
        refused = manager.post(f"/inbox/{call_id}", **form)
        assert (refused.status_code, "none of your teams" in refused.text) == (400, True), form
    away = manager.post(f"/inbox/{call_id}", rep="Bob", team="South")
    assert (away.status_code, "South is none of your teams" in away.text) == (400, True)
    assert not (desk.settings.data / "facts" / "reps").exists()
    assert manager.post(f"/inbox/{call_id}", rep="Nora New").status_code == 303


def test_naming_a_buyer_and_making_them_the_rep_brings_nobody_into_a_managers_sight(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, begun = desk.settings.data, []
    rows = call("named", "Ann", 1, "Elm", {"discovery": 3})
    made = record(rows.calls[0], rows)
    meta = {key: value for key, value in made["transcript"]["meta"].items() if key != "rep"}
    words = Transcript.from_json(made["transcript"] | {"meta": meta}, where="test")
    # as a manager may have named the buyers of a call of North; Cid is of South
    said = {"buyer:Owen": "buyer:Cid", "buyer:Mia": "buyer:Mia", "rep": "rep"}
    made["transcript"] = renamed(words, said).to_json()
    keep.write_record(data, made)
    desk.store.ingest()
    call_id = made["source"]["sha256"][:16]
    monkeypatch.setattr(desk.rejudging, "begin", lambda *given: begun.append(given))
    manager, sells = Visitor(desk, "manager"), {"reps": ["buyer:Cid"]}
    token = desk.book.add_token("Mo", writes=True)[1]
    by_token = manager.at.post(
        f"/api/v1/calls/{call_id}/roles", json=sells, headers={"Authorization": f"Bearer {token}"}
    )
    for refused in (manager.post(f"/calls/{call_id}/roles", do="swap"), by_token):
        assert (refused.status_code, "Cid is in none of your teams" in refused.text) == (403, True)
    assert manager.post(f"/inbox/{call_id}", sells="buyer:Cid").status_code == 400
    assert not begun
    assert Visitor(desk, "trainer").post(f"/calls/{call_id}/roles", do="swap").status_code == 303
    # whose call it is stands already: nobody's changes by it
    own = desk.store.query("SELECT call_id FROM calls WHERE rep = 'Ann' LIMIT 1")[0]["call_id"]
    assert manager.post(f"/calls/{own}/roles", do="swap").status_code == 303
    assert len(begun) == 2


def test_blanks_within_a_name_do_not_make_it_another_reps(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    data, rows = desk.settings.data, call("lee", "Cy Lee", 1, "Elm", {"discovery": 3}, "South")
    keep.write_record(data, record(rows.calls[0], rows))
    ids = unsettled(data)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    assert Visitor(desk, "manager").post(f"/inbox/{ids['nobody']}", rep="Cy  Lee").status_code == 400


def test_capitals_do_not_make_a_name_another_reps(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = unsettled(desk.settings.data)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    assert Visitor(desk, "trainer").post(f"/inbox/{ids['nobody']}", rep=" ann", team="north").status_code == 303
    sha256 = desk.store.query("SELECT sha256 FROM calls WHERE call_id = $id", {"id": ids["nobody"]})[0]["sha256"]
    kept = keep.read_json(keep.fact_file(desk.settings.data, "reps", sha256))
    assert (kept["rep"], kept["team"]) == ("Ann", "North")


def test_a_name_that_no_other_call_has_may_be_given_other_capitals(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = call("low", "tom becker", 1, "Elm", {"discovery": 3})
    made = record(rows.calls[0], rows)
    keep.write_record(desk.settings.data, made)
    desk.store.ingest()
    monkeypatch.setattr("pipeline.web.pages.inbox.score_again", lambda *given: lambda errand: "scored")
    sha256 = made["source"]["sha256"]
    assert Visitor(desk, "trainer").post(f"/inbox/{sha256[:16]}", rep="Tom Becker").status_code == 303
    assert keep.read_json(keep.fact_file(desk.settings.data, "reps", sha256))["rep"] == "Tom Becker"


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    for name in ("", " ", "x" * 81, "a\x00b"):
        with pytest.raises(TranscriptError, match="printable"):
            assign_rep(tmp_path, "ab" * 32, name, who="Ada")
