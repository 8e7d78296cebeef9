"""Training and the library in the app: who sees what, what can be done with it, and a trainer's own modules."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from coach_story import DAY, keep_story
from visitor import Visitor
from waiting import wait_for

from pipeline.coach.rows import Assignment
from pipeline.coach.training import module_source
from pipeline.settings import Settings
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.render import day

USERS = {
    "Ada": ("admin", {}),
    "Mo": ("manager", {"teams": ("North",)}),
    "Tess": ("trainer", {}),
    "Ann": ("rep", {"rep": "Ann"}),
    "Ben": ("rep", {"rep": "Nobody"}),
}
GIVEN = Assignment(
    "a1b2c3d4e5f60718", "Ann", "ask_for_sale", 1, "ask-for-sale-date-people-purpose", "Date, people, purpose", "a gap",
    dt.date(2026, 10, 1), dt.date(2026, 10, 15), "North",
)  # fmt: skip
MODULE = "discovery-ask-before-you-tell"


@pytest.fixture
def desk(tmp_path: Any) -> Iterator[Desk]:
    keep_story(tmp_path)
    desk = Desk(Settings(data=tmp_path))
    desk.store.ingest()
    for name, (role, more) in USERS.items():
        desk.book.add_user(name, role, password="a long enough phrase", **more)
    moment = {"quote": "so I will call you", "rep": "Ann", "account": "Acme", "date": "2026-09-01", "level": 1,
              "call_id": "elsewhere", "turn": 3, "t0": 12.0, "kind": "evidence"}  # fmt: skip
    desk.store.put_fact("assignments", {**GIVEN.to_row(), "detail": {"low_moments": [moment]}})
    yield desk
    desk.close()


@pytest.fixture
def app(desk: Desk) -> Any:
    return build_app(desk)


def status_of(desk: Desk, name: str = GIVEN.assignment_id) -> str:
    found = desk.store.query("SELECT status FROM assignments WHERE assignment_id = $id", {"id": name})
    return str(found[0]["status"])


def test_open_training_is_listed_for_those_who_may_see_its_rep(app: Any, desk: Desk) -> None:
    for name in ("Ada", "Mo", "Tess", "Ann"):
        assert GIVEN.title in Visitor(app, desk, name).get("/training")
    stranger = Visitor(app, desk, "Ben")
    assert GIVEN.title not in stranger.get("/training")
    stranger.get("/training?rep=Ann", 403)
    stranger.get(f"/training/{GIVEN.assignment_id}", 403)
    stranger.get("/training/none", 403)
    stranger.post(f"/training/{GIVEN.assignment_id}/done", 403)
    assert status_of(desk) == "open"
    Visitor(app, desk, "Ada").get("/training/none", 404)


def test_what_a_finished_training_changed_comes_first_and_is_printed(app: Any, desk: Desk) -> None:
    on = dt.date(2026, 3, 1)
    done = replace(GIVEN, assignment_id="d" * 16, status="done", due_on=on, completed_on=on)
    desk.store.put_fact("assignments", done.to_row())
    page = Visitor(app, desk, "Ada").get(f"/training/{done.assignment_id}")
    assert f"<title>{GIVEN.title}: Ann · debrief</title>" in page  # the library's page is the module's alone
    said = page.index("What it changed")
    assert said < page.index("Why it matters") < page.index('<aside class="stack no-print"')
    gaps = Visitor(app, desk, "Ada").get("/reps/Ann").partition("Work on first")[2].partition("Training and what")[0]
    assert f'href="/training/{GIVEN.assignment_id}"' in gaps  # beside the gap: what is done about it, and what was
    assert f'href="/training/{done.assignment_id}"' in gaps


def test_the_numbers_of_a_finished_training_lead_to_their_calls_and_to_the_peers_one_may_see(
    app: Any, desk: Desk
) -> None:
    on = DAY - dt.timedelta(26)
    done = replace(GIVEN, assignment_id="e" * 16, assigned_on=on, status="done", completed_on=on + dt.timedelta(1))
    desk.store.put_fact("assignments", done.to_row())
    ann = Visitor(app, desk, "Ann")
    page = wait_for(lambda: page if "Calls after" in (page := ann.get(f"/training/{done.assignment_id}")) else "", "it")
    calls = desk.store.query("SELECT call_id FROM calls WHERE rep = 'Ann' ORDER BY call_date DESC")
    after, before = page.partition("Calls after")[2], page.partition("Calls before")[2].partition("Calls after")[0]
    found = [re.findall(r'href="/calls/(\w+)#c-ask_for_sale"', part) for part in (after, before)]
    assert found == [[call["call_id"] for call in part] for part in (calls[:3], calls[3:])]
    modules = Visitor(app, desk, "Ada").get("/training").partition("What each module changed")[2]
    assert f'1 measured, 3 needed</span><span class="small faint sub"><a href="/training/{"e" * 16}">Ann</a>' in modules
    for name, peers in (("Ann", []), ("Mo", ["Bob"]), ("Tess", ["Bob", "Cid"])):
        page = Visitor(app, desk, name).get(f"/training/{done.assignment_id}")
        assert "3 calls before, 3 after, against 2 untrained peers" in page
        assert "on average over 3 calls" in page  # before is a standing, which the mean of the calls named is not
        assert re.findall(r'href="/reps/(\w+)/criteria/ask_for_sale"', page) == peers


def test_a_call_that_was_given_to_another_rep_since_is_none_that_the_training_rests_on(app: Any, desk: Desk) -> None:
    rows = desk.store.query("SELECT rep, max(call_id) AS id FROM calls WHERE rep IN ('Ann', 'Bob') GROUP BY rep")
    ids = {row["rep"]: row["id"] for row in rows}
    standing = {"estimate": 1.2, "low": 0.9, "high": 1.5, "n": 2, "target": 3.0, "calls": list(ids.values())}
    early = replace(GIVEN, assigned_on=dt.date(2026, 3, 1), due_on=dt.date(2026, 3, 15))  # no dated call is before it
    desk.store.put_fact("assignments", {**early.to_row(), "detail": standing})
    card = Visitor(app, desk, "Ada").get(f"/training/{GIVEN.assignment_id}").partition("When it was given")[2]
    assert re.findall(r'href="/calls/(\w+)#', card) == [ids["Ann"]]


def test_all_training_of_one_rep_is_shown_however_much_it_is(app: Any, desk: Desk) -> None:
    for number in range(30):
        on = dt.date(2026, 3, 1) + dt.timedelta(number)
        done = replace(GIVEN, assignment_id=f"d{number:015}", status="done", due_on=on, completed_on=on)
        desk.store.put_fact("assignments", done.to_row())
    leader = Visitor(app, desk, "Ada")
    assert "5 more; choose a rep to see theirs" in leader.get("/training")
    for page in (leader.get("/training?rep=Ann"), Visitor(app, desk, "Ann").get("/training")):
        assert len(re.findall(r'href="/training/d\d{15}"', page)) == 30
        assert "choose a rep" not in page
    card = leader.get("/reps/Ann").partition("Training and what it changed")[2]
    assert re.findall(r'href="/training/(\w{16})"', card) == [
        GIVEN.assignment_id,
        *(f"d{number:015}" for number in range(29, 20, -1)),
    ]
    assert '<a href="/training?rep=Ann">21 older</a>' in card


def test_one_assignment_shows_words_module_and_no_link_to_a_closed_call(app: Any, desk: Desk) -> None:
    page = Visitor(app, desk, "Ann").get(f"/training/{GIVEN.assignment_id}")
    assert "so I will call you" in page
    assert "/calls/elsewhere" not in page
    assert "Observation sheet" in page
    assert "Take it back" not in page


def test_a_colleagues_words_are_read_without_private_details_by_who_may_not_open_the_call(app: Any, desk: Desk) -> None:
    (theirs, mine) = (
        desk.store.query("SELECT call_id FROM calls WHERE rep = $rep LIMIT 1", {"rep": rep})[0]["call_id"]
        for rep in ("Cid", "Ann")
    )
    said = "so I will call you on 415 555 0132"
    moment = {"quote": said, "rep": "Cid", "account": "Dale", "date": "2026-09-01", "level": 4, "turn": 3, "t0": 12.0,
              "kind": "evidence"}  # fmt: skip
    detail = {"low_moments": [{**moment, "call_id": mine}], "best_moments": [{**moment, "call_id": theirs}]}
    desk.store.put_fact("assignments", {**GIVEN.to_row(), "detail": detail})
    for name, whole in (("Ann", 1), ("Ada", 2)):
        page = Visitor(app, desk, name).get(f"/training/{GIVEN.assignment_id}")
        assert (page.count(said), page.count("so I will call you on [phone]")) == (whole, 2 - whole)
        (row,) = Visitor(app, desk, name).whole("/api/v1/training").json()
        assert row["detail"]["low_moments"][0]["quote"] == said
        assert (row["detail"]["best_moments"][0]["quote"] == said) is (name == "Ada")


def test_what_a_rep_starts_from_is_not_told_by_a_call_that_is_anothers_now(app: Any, desk: Desk) -> None:
    calls = desk.store.query("SELECT rep, min(call_id) AS id FROM calls WHERE rep IN ('Ann', 'Bob') GROUP BY rep")
    words = {"level": 1, "turn": 3, "t0": 12.0, "kind": "evidence", "account": "Acme", "date": "2026-09-01"}
    # both were Ann's when it was given; one was corrected to be Bob's
    low = [{**words, "rep": "Ann", "call_id": row["id"], "quote": f"words of {row['rep']}"} for row in calls]
    gone = {**words, "rep": "Ann", "call_id": "gone", "quote": "words that are kept"}
    desk.store.put_fact("assignments", {**GIVEN.to_row(), "detail": {"low_moments": [*low, gone]}})
    ann = Visitor(app, desk, "Ann")
    for path in (f"/training/{GIVEN.assignment_id}", "/api/v1/training"):
        page = ann.get(path)
        assert ("words of Ann" in page, "words that are kept" in page, "words of Bob" in page) == (True, True, False)


def test_a_rep_notes_and_marks_their_own_done_and_a_leader_opens_it_again(app: Any, desk: Desk) -> None:
    path = f"/training/{GIVEN.assignment_id}"
    ann = Visitor(app, desk, "Ann")
    ann.post(f"{path}/note", note="tried it with Acme")
    assert "tried it with Acme (Ann)" in ann.get(path)
    assert "without words" in ann.post(f"{path}/note", 400, note=" ")
    ann.post(f"{path}/drop", 403)
    # refused, it is still there to be corrected
    early = ann.post(f"{path}/done", 400, on="2026-01-01", note="a long story")
    assert 'value="2026-01-01" max=' in early
    assert 'value="a long story"' in early
    ann.post(f"{path}/done", on="2026-10-10", note="went well")
    assert status_of(desk) == "done"
    again = ann.post(f"{path}/done", 400)
    assert f"{GIVEN.title}: it is done already" in again
    assert GIVEN.assignment_id not in re.findall(r'role="alert">(.*?)</p>', again)[0]
    manager = Visitor(app, desk, "Mo")
    manager.post(f"{path}/reopen")
    later = dt.date.today() + dt.timedelta(20)
    manager.post(f"{path}/due", due_on=later.isoformat())
    assert "that day is over" in manager.post(f"{path}/due", 400, due_on=(later - dt.timedelta(21)).isoformat())
    assert "before it was assigned" in manager.post(f"{path}/due", 400, due_on="2026-01-01")
    assert "no date" in manager.post(f"{path}/due", 400, due_on="soon")
    assert day(later) in manager.get(path)
    manager.post(f"{path}/drop", note="left the team")
    assert status_of(desk) == "dropped"
    manager.post(f"{path}/fly", 404)


def test_a_module_is_given_by_hand_but_no_third_one(app: Any, desk: Desk) -> None:
    tess = Visitor(app, desk, "Tess")
    tess.get("/training")
    made = tess.post("/training", rep="Ann", module=MODULE, note="as we said")
    page = tess.get(made)
    assert "Ask before you tell" in page
    assert "as we said (Tess)" in page
    assert "open already" in tess.post("/training", 400, rep="Ann", module="proposal-one-offer")
    assert "no such module" in tess.post("/training", 400, rep="Bob", module="proposal-none")
    for fields, says in (
        ({"rep": "Bob", "module": ""}, "Choose a module"),
        ({"rep": "", "module": MODULE}, "Choose a rep"),
    ):
        page = tess.post("/training", 400, **fields)
        assert f'role="alert">{says}' in page
    over = (dt.date.today() - dt.timedelta(1)).isoformat()
    assert "that day is over" in tess.post("/training", 400, rep="Bob", module=MODULE, due_on=over)
    Visitor(app, desk, "Ann").post("/training", 403, rep="Ann", module=MODULE)
    Visitor(app, desk, "Mo").post("/training", 403, rep="Zoe of the South", module=MODULE)


def test_the_library_is_searched_and_read(app: Any, desk: Desk) -> None:
    ann = Visitor(app, desk, "Ann")
    whole = ann.get("/library")
    assert len(re.findall(r'href="/library/[\w-]+"', whole)) >= 24
    few = ann.get("/library?criterion=discovery&words=tell")
    assert "Ask before you tell" in few
    assert "Date, people, purpose" not in few
    assert "No module fits" in ann.get("/library?words=xyzzy")
    page = ann.get(f"/library/{MODULE}")
    for part in ("Why it matters", "What good sounds like", "Drills", "Role play", "Look for", "Warning signs"):
        assert part in page
    assert "/edit" not in page
    ann.get("/library/none", 404)


def test_a_trainers_version_sticks_until_it_is_taken_away(app: Any, desk: Desk) -> None:
    tess = Visitor(app, desk, "Tess")
    path = f"/library/{MODULE}"
    Visitor(app, desk, "Ann").get(f"{path}/edit", 403)
    source = re.search(r"<textarea[^>]*>(.*?)</textarea>", tess.get(f"{path}/edit"), re.DOTALL)
    assert source
    row = yaml.safe_load(html.unescape(source.group(1)))
    assert "{product}" in str(row)
    changed = yaml.safe_dump({**row, "title": "Listen first, <b>always</b>"}, sort_keys=False)
    tess.post(f"{path}/edit", text=changed)
    page = tess.get(path)
    assert "Listen first, &lt;b&gt;always&lt;/b&gt;" in page
    assert "your version" in page
    wrong = tess.post(f"{path}/edit", 400, text=yaml.safe_dump({**row, "levels": [9]}))
    assert "levels" in wrong
    assert "line 2" in tess.post(f"{path}/edit", 400, text=f"id: {MODULE}\n\t- x")
    assert "stays" in tess.post(f"{path}/edit", 400, text="id: other\n")
    lists = "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    assert "put quotes around it" in tess.post(f"{path}/edit", 400, text=f"id: {MODULE}\nx0: &a0 [a]\n{lists}")
    assert "Listen first" in tess.get(path)
    tess.post(f"{path}/restore")
    assert "Ask before you tell" in tess.get(path)
    tess.post(f"{path}/restore", 404)


def test_what_another_trainer_kept_meanwhile_is_not_taken_back_unawares(app: Any, desk: Desk) -> None:
    tess, ada = Visitor(app, desk, "Tess"), Visitor(app, desk, "Ada")
    path = f"/library/{MODULE}"
    _, row = module_source(MODULE)
    theirs, mine = (yaml.safe_dump({**row, "title": title}, sort_keys=False) for title in ("Theirs", "Mine"))
    seen = r'name="seen" value="(\w+)"'
    opened = re.findall(seen, ada.get(f"{path}/edit"))[0]
    # sent twice, it is kept already: nobody else changed anything
    for _ in range(2):
        tess.post(f"{path}/edit", text=theirs, seen=opened)
    refused = ada.post(f"{path}/edit", 409, text=mine, seen=opened)
    assert "title: Mine" in refused
    assert "Theirs" in tess.get(path)
    ada.post(f"{path}/edit", text=mine, seen=re.findall(seen, refused)[0])
    assert "Mine" in tess.get(path)


def test_taking_ones_own_version_away_leaves_the_file_to_the_others_in_it(app: Any, desk: Desk) -> None:
    tess = Visitor(app, desk, "Tess")
    criterion, row = module_source(MODULE)
    own = {**row, "title": "Listen first"}, {**row, "id": "ours", "title": "Ours"}
    file = desk.settings.data / "training" / f"{MODULE}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"criterion": criterion, "modules": [*own]}), encoding="utf-8")
    path = f"/library/{MODULE}"
    assert "your version" in wait_for(lambda: page if "Listen first" in (page := tess.get(path)) else "", "our version")
    tess.post(f"{path}/restore")
    assert "Ours" in tess.get("/library/ours")
    assert "your version" in tess.get("/library/ours")
    tess.post("/library/ours/restore")
    assert not file.exists()


@pytest.mark.parametrize("name", ["company.yaml", "training/ours.yaml"])
def test_a_mistake_in_the_companys_words_is_told_to_trainers_and_closes_no_page(
    name: str, app: Any, desk: Desk
) -> None:
    file = desk.settings.data / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("produkt: the planner\n", encoding="utf-8")
    tess, ann = Visitor(app, desk, "Tess"), Visitor(app, desk, "Ann")
    assert "Ask before you tell" in wait_for(lambda: told if name in (told := tess.get("/library")) else None, name)
    for path in (
        "/library",
        "/today",
        "/training",
        f"/training/{GIVEN.assignment_id}",
        f"/library/{MODULE}",
        "/accounts",
        "/accounts/Acme",
    ):
        assert name not in ann.get(path)
    file.unlink()
    assert wait_for(lambda: name not in tess.get("/library"), "the library without the file")


def test_what_each_module_did_is_told_of_finished_training_with_what_is_missing(app: Any, desk: Desk) -> None:
    ada = Visitor(app, desk, "Ada")
    assert "What each module changed" not in ada.get("/training")
    ada.post(f"/training/{GIVEN.assignment_id}/done")

    def found() -> str:
        return ada.get("/training").partition("What each module changed")[2]

    told = wait_for(found, "what each module did")
    assert "too early to tell" in told
    assert "0 measured, 3 needed" in told
