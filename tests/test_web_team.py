"""The team's page, a rep's scorecard with the calls behind it and a rep's day: what each shows to whom."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from coach_story import DAY, call, keep_story, record
from fastapi.testclient import TestClient
from visitor import browser
from whole_page import whole

from pipeline import keep
from pipeline.coach.commands import support_rows, today_of
from pipeline.coach.load import load_rows
from pipeline.coach.playlists import KeptSnippet
from pipeline.coach.rows import Assignment
from pipeline.settings import Settings
from pipeline.types import NEUTRAL
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION, csrf_token
from pipeline.web.pages import reps
from pipeline.web.render import coded, day, environment, objection, signed

PASSWORD = "a long enough phrase"
NOON = dt.datetime(2026, 11, 4, 12)
USERS = {"admin": ("Ada", {}), "manager": ("Mo", {"teams": ("North",)}), "rep": ("Ann", {"rep": "Ann"})}


@contextmanager
def opened(data: Path) -> Iterator[Desk]:
    keep_story(data)
    desk = Desk(Settings(data=data))
    desk.store.ingest()
    for role, (name, more) in USERS.items():
        desk.book.add_user(name, role, password=PASSWORD, **more)
    given = Assignment(
        "a1b2c3d4e5f60718", "Ann", "ask_for_sale", 1, "ask_for_sale-date", "Date, people, purpose", "a gap",
        dt.date(2026, 10, 1), dt.date(2026, 10, 15), "North",
    )  # fmt: skip
    desk.store.put_fact("assignments", given.to_row())
    with closing(desk):
        yield desk


@pytest.fixture(scope="module")
def app(desk: Desk) -> Any:
    return build_app(desk)


def client(app: Any, desk: Desk, role: str) -> TestClient:
    return browser(app, desk, USERS[role][0])


def test_the_first_page_answers_who_needs_help_on_what_since_when_and_why(app: Any, desk: Desk) -> None:
    at = client(app, desk, "admin")
    assert at.get("/").headers["location"] == "/team"
    page = whole(at, "/team")
    first = page[page.index("Who needs help first") : page.index("Standings")]
    assert 'href="/reps/Bob"' in first
    assert "Below the target on 6 of 6 calls since the first, on" in first
    assert "% sure; closing the gap would add" in first
    assert 'href="/reps/Bob/criteria/discovery"' in first
    assert "no training open for this" in first


def test_the_numbers_on_a_reps_page_lead_to_their_calls(app: Any, desk: Desk) -> None:
    page = whole(client(app, desk, "admin"), "/reps/Bob")
    assert '<a href="/calls?rep=Bob">6 of 6 calls</a> scored' in page
    gap = page.partition('id="gap-discovery"')[2].partition("</article>")[0]
    assert '<a href="/reps/Bob/criteria/discovery">The 6 calls behind it</a>' in gap


def test_a_reps_calls_are_found_by_the_whole_name_and_shown_to_those_who_may_see_them(app: Any, desk: Desk) -> None:
    def found(role: str, asked: str) -> list[str]:
        return re.findall(
            r'data-head="Rep"><a href="/reps/(\w+)">', client(app, desk, role).get(f"/calls?{asked}").text
        )

    assert found("admin", "rep=Bob") == ["Bob"] * 6
    assert "Bob" in found("admin", "q=Bo")
    assert found("admin", "rep=Bo") == found("rep", "rep=Bob") == found("manager", "rep=Cid") == []
    assert found("admin", "rep=Bob&team=South") == found("admin", "rep=Bob&q=Dale") == []


def test_a_card_answers_under_the_words_that_a_manager_asks_with(app: Any, desk: Desk) -> None:
    card = first_of(whole(client(app, desk, "admin"), "/team"))
    assert re.findall(r"<dt>(.*?)</dt>", card)[:4] == ["Since when", "Why", "Training now", "Last training"]
    assert "none finished yet" in card


def test_a_cell_says_its_number_interval_and_calls_and_opens_them(app: Any, desk: Desk) -> None:
    at = client(app, desk, "admin")
    page = whole(at, "/team")
    found = re.search(r'<a class="cell [^"]*gap" href="(/reps/Ann/criteria/ask_for_sale)">(.*?)</a>', page)
    assert found
    assert re.search(r"<b>1\.\d</b>", found[2])
    assert re.search(r"<small>\d\.\d–\d\.\d</small><small>n 6</small>", found[2])
    assert "gap</span>" in found[2]
    behind = whole(at, found[1])
    calls = desk.store.query("SELECT call_id FROM calls WHERE rep = 'Ann'")
    assert len(calls) == 6
    for one in calls:
        assert f'href="/calls/{one["call_id"]}#c-ask_for_sale"' in behind
    assert "I will send you something and we speak soon." in behind
    assert at.get("/reps/Ann/criteria/nothing").status_code == 404


def test_a_call_of_a_day_to_come_is_in_no_period_and_not_first_to_review(tmp_path: Any) -> None:
    for number, ago in enumerate((0, -1, -2, -3, -4, -5, 4000)):
        rows = call(f"come{number}", "Ann", ago, "Later" if ago > 0 else "Acme", {"discovery": 2})
        made = record(rows.calls[0], rows)
        made["scorecard"]["overall"] = 10.0 if ago > 0 else 60.0
        keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        at = client(build_app(desk), desk, "admin")
        review = whole(at, "/team").split("Calls to review first")[1]
        behind = whole(at, "/reps/Ann/criteria/discovery?period=30")
    assert "Later" not in review
    assert "over 6 scored calls" in behind
    assert behind.count("#c-discovery") == 6


def test_training_that_was_done_for_a_criterion_of_an_older_rubric_is_still_told(tmp_path: Any) -> None:
    keep_story(tmp_path)
    done = Assignment(
        "0a1b2c3d4e5f6071", "Bob", "rapport", 1, "rapport-names", "Say their name", "a gap",
        dt.date(2026, 9, 1), dt.date(2026, 9, 15), "North", status="done", completed_on=dt.date(2026, 9, 14),
    )  # fmt: skip
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.store.put_fact("assignments", done.to_row())
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        page = whole(client(build_app(desk), desk, "admin"), "/team")
    assert '<a href="/training/0a1b2c3d4e5f6071">Say their name</a> (rapport)' in page


def test_a_name_with_a_slash_is_reached_by_every_link(tmp_path: Any) -> None:
    rows = call("slash", "Ada Park (she/her)", 1, "Vester A/S", {"discovery": 2})
    keep.write_record(tmp_path, record(rows.calls[0], rows))
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        call_id = record(rows.calls[0], rows)["call_id"]
        kept = KeptSnippet("5-a", call_id, 0.0, 9.0, "Ask", "Ada", NOON, playlists=("Q3/Q4",))
        desk.store.put_fact("snippets", kept.to_row())
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        at = client(build_app(desk), desk, "admin")
        named = [link for page in ("/team", "/calls", "/accounts", "/snippets/kept?playlist=Q3%2FQ4")
                 for link in re.findall(r'href="(/[^"?#]*%2F[^"?#]*)"', whole(at, page))]  # fmt: skip
        named += re.findall(r'href="(/reps/[^"?#]+)"', whole(at, named[0]))
        assert {link.split("/")[1] for link in named} == {"reps", "accounts", "playlists"}
        assert any(link.endswith("/one-to-one.pdf") for link in named)
        assert any("/criteria/" in link for link in named)
        api = [f"/api/v1{link}" for link in named if re.fullmatch("/(reps|accounts)/[^/]+", link)]
        assert {link: at.get(link).status_code for link in [*named, *api]} == dict.fromkeys([*named, *api], 200)


@pytest.mark.parametrize("words", ["first call ", " dale", "Cid  Dale"])
def test_blanks_around_what_is_looked_for_lose_no_call(app: Any, desk: Desk, words: str) -> None:
    page = client(app, desk, "admin").get("/calls", params={"q": words}).text
    assert page.count(">Dale</a>") == 6


def test_numbers_kinds_and_reasons_are_said_for_people() -> None:
    assert [signed(0.84), signed(-0.56), signed(-0.04), signed(0.004, 2)] == ["+0.8", "−0.6", "0.0", "0.00"]
    assert [objection("price_terms"), objection("stall")] == ["price or terms", "stall"]
    assert str(coded("<b> is wrong; `debrief models pull <name>` helps")) == (
        "&lt;b&gt; is wrong; <code>debrief models pull &lt;name&gt;</code> helps"
    )


def test_a_turn_that_only_weighed_most_is_no_place_where_it_should_have_happened() -> None:
    parts = environment().get_template("team_parts.html").module
    assert "Where" not in parts.short({"why": NEUTRAL}, "/calls/1#t-2")  # type: ignore[attr-defined]
    assert "happened</a>: no ask" in parts.short({"why": "no ask"}, "/calls/1#t-2")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("role", "path"), [("admin", "/team"), ("manager", "/reps/Ann"), ("rep", "/today")])
def test_a_module_that_was_given_opens_wherever_it_is_named(app: Any, desk: Desk, role: str, path: str) -> None:
    at = client(app, desk, role)
    assert '<a href="/training/a1b2c3d4e5f60718">Date, people, purpose</a>' in whole(at, path)
    assert at.get("/training/a1b2c3d4e5f60718").status_code == 200


def test_a_gap_that_closed_by_next_to_nothing_points_nowhere() -> None:
    parts: Any = environment().get_template("team_parts.html").module
    assert parts.moved(0.03) == "hardly moved"
    assert "▲" in parts.moved(0.2)
    assert "▼" in parts.moved(-0.2)


def first_of(page: str) -> str:
    return page[page.index("Who needs help first") : page.index("<h2>Standings")]


def test_filters_narrow_the_table_and_who_needs_help(app: Any, desk: Desk) -> None:
    at = client(app, desk, "admin")
    south = whole(at, "/team?team=South")
    assert 'href="/reps/Cid"' in south
    assert 'href="/reps/Ann"' not in south
    close = whole(at, "/team?stage=close")
    assert "/criteria/ask_for_sale" in close
    assert '<th scope="col">Discovery</th>' not in close
    month = whole(at, "/team?period=30&call_type=first+call")
    assert month.count("last 30 days, 1 Oct 2026 to 30 Oct 2026, first call") == 2
    assert "?period=30&amp;call_type=first+call" in month or "?period=30&amp;call_type=first%20call" in month
    assert "n 6</small>" not in month
    # the first call of the month is not the first that there is
    assert "since the first" in first_of(whole(at, "/team"))
    assert re.search(r"Below the target on \d of \d calls since \d+ Oct 2026", month)
    assert "since the first" not in month
    assert 'href="/reps/Bob/criteria/discovery"' in first_of(whole(at, "/team"))
    assert "/criteria/ask_for_sale" in first_of(close)
    assert "/criteria/discovery" not in first_of(close)
    assert re.findall(r"<p>\d+ gaps among 3 reps", close) == re.findall(r"<p>\d+ gaps among 3 reps", month)
    nothing = whole(at, "/team?call_type=unheard+of")
    assert "Nobody here stands credibly below a target" in nothing
    assert "no scored call" in nothing


_NEWEST_OF_TEAMS = "SELECT team, max(call_date) AS day FROM calls GROUP BY team"


def test_dates_are_those_of_the_calls_that_one_sees(app: Any, desk: Desk) -> None:
    whole_team = whole(client(app, desk, "admin"), "/team")
    north = whole(client(app, desk, "manager"), "/team")
    newest = {row["team"]: row["day"] for row in desk.store.query(_NEWEST_OF_TEAMS)}
    assert newest["South"] > newest["North"]
    assert f"calls up to {day(newest['South'])}." in whole_team
    assert f"calls up to {day(newest['North'])}." in north
    assert day(newest["South"]) not in north
    start = newest["South"] - dt.timedelta(6)
    assert f'What changed <span class="faint small">{day(start)} to {day(newest["North"])}</span>' in north


def test_a_manager_sees_their_team_only(app: Any, desk: Desk) -> None:
    at = client(app, desk, "manager")
    page = whole(at, "/team")
    assert "Ann" in page
    assert "Cid" not in page
    assert at.get("/reps/Cid/criteria/discovery").status_code == 403
    assert at.get("/reps/Cid/one-to-one.pdf").status_code == 403
    assert at.get("/today?rep=Cid").status_code == 403
    listed = whole(at, "/accounts")
    assert "Acme" in listed
    assert "Dale" not in listed
    # the same answer for an account of others and for one that is not there
    assert at.get("/accounts/Dale").status_code == at.get("/accounts/None%20such").status_code == 403
    assert "This account is not one that you may see." in at.get("/accounts/Dale").text


def test_a_rep_reads_their_day_scorecard_and_accounts_and_nobody_elses(
    app: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # promises are told of ninety days, and the story does not grow younger
    monkeypatch.setattr(Desk, "today", lambda _: DAY)
    at = client(app, desk, "rep")
    assert at.get("/").headers["location"] == "/today"
    day = whole(at, "/today")
    assert "Done well" in day
    assert "How do you plan" in day or "What does one of those cost you?" in day
    work = day[day.index("Work on") :]
    assert "Ask for the sale" in work
    assert "Try these words" in work
    assert "Drill:" in work
    assert "Date, people, purpose" in work
    assert "I will send you something" in day[day.index("Promises due") :]
    assert at.get("/team").status_code == 403
    assert at.get("/today?rep=Bob").text.count("Bob") == 0
    assert "Cedar" not in whole(at, "/accounts")
    assert at.get("/accounts/Cedar").status_code == 403
    assert at.get("/reps").headers["location"] == "/reps/Ann"
    assert "All teams" not in whole(at, "/calls")


def test_the_scorecard_has_evidence_peers_support_and_what_training_did(app: Any, desk: Desk) -> None:
    page = whole(client(app, desk, "manager"), "/reps/Ann")
    gap = page[page.index('id="gap-ask_for_sale"') :]
    assert "I will send you something and we speak soon." in gap
    assert re.search(r'href="/calls/[0-9a-f]{16}#t-10"', gap)
    assert "Where it should have happened" in gap
    assert "Strengths" in page
    assert "Given" in page[page.index("Support beside result") :]
    assert "overdue" in page[page.index("Training and what it changed") :]


def test_support_counts_all_calls_of_its_days_and_says_of_how_many_the_promises_are(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reps, "HEARD", 4)
    today = (dt.date.today() - DAY).days
    for number in range(7):
        rows = call(f"many{number}", "Ann", today - number, f"Firm {number}", {"discovery": 2})
        keep.write_record(tmp_path, record(rows.calls[0], rows))
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        at = client(build_app(desk), desk, "admin")
        page = whole(at, "/reps/Ann")
        assert at.get("/reps/Ann/one-to-one.pdf").status_code == 200
        (told,) = support_rows(desk.store, settings=desk.settings)
    part = page[page.index("What came of it") :]
    assert told["results"]["calls"] == 7
    assert "7 of 7 calls scored, overall 50 of 100 on average" in part
    assert "Promises on the newest 4: 4 open" in part


def test_the_sheet_is_a_pdf_in_any_script(app: Any, desk: Desk) -> None:
    from pipeline.web.sheet import _fonts, sheet

    answer = client(app, desk, "manager").get("/reps/Ann/one-to-one.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) < 50_000
    card = {
        "rep": "Łukasz Żółć", "card": {"calls": {"scored": 1}, "overall": None, "team": None}, "standings": [],
        "peers": {}, "gaps": [], "strengths": [], "training": [],
    }  # fmt: skip
    made = sheet(card, None, on=dt.date(2026, 10, 1), names={})
    assert made.startswith(b"%PDF-")
    if _fonts():
        assert b"DejaVu" in made
    assert made == sheet(card, None, on=dt.date(2026, 10, 1), names={})


def test_each_mean_of_how_a_rep_talks_says_of_how_many_calls_it_is(tmp_path: Any) -> None:
    for number, ago in enumerate((0, -1, -2, 4000)):
        rows = call(f"talk{number}", "Ann", ago, "Acme", {"discovery": 2})
        made = record(rows.calls[0], rows)
        made["scorecard"]["metrics"] |= {"questions": 3, "talk_share": 0.4} | ({} if number else {"patience_s": 1.5})
        keep.write_record(tmp_path, made)
    with closing(Desk(Settings(data=tmp_path))) as desk:
        desk.store.ingest()
        desk.book.add_user("Ada", "admin", password=PASSWORD)
        page = whole(client(build_app(desk), desk, "admin"), "/reps/Ann")
    part = page[page.index("How Ann talks") :]
    # a day that is still to come is taken for none
    assert re.search(r"mean of 4 calls since [^,<]+, 1 of them undated<", part)
    assert re.search(r"Questions asked</dt><dd>3\.0 <small></small>", part)
    assert re.search(r"Pause before answering</dt><dd>1\.5 <small>s · 1 call</small>", part)


def test_an_override_moves_the_standing_on_the_next_page(own: Desk) -> None:
    at = client(build_app(own), own, "manager")
    before = whole(at, "/reps/Ann/criteria/decision_makers")
    call_id = re.findall(r'href="/calls/([0-9a-f]{16})#c-decision_makers"', before)[0]
    form = {"criterion": "decision_makers", "level": "0", "why": "a test", "csrf": csrf_token(at.cookies[SESSION])}
    assert at.post(f"/calls/{call_id}/review", data=form).status_code == 303
    after = whole(at, "/reps/Ann/criteria/decision_makers")
    assert "by Mo" in after
    shown = [re.search(r'class="num">(\d\.\d)<', page) for page in (before, after)]
    assert float(shown[1][1]) < float(shown[0][1])  # type: ignore[index]


def test_a_dispute_and_a_drop_come_up_for_review(own: Desk) -> None:
    rep, manager = client(build_app(own), own, "rep"), client(build_app(own), own, "manager")
    call_id = own.store.query("SELECT min(call_id) AS id FROM calls WHERE rep = 'Ann'")[0]["id"]
    form = {"criterion": "discovery", "why": "I asked twice", "csrf": csrf_token(rep.cookies[SESSION])}
    assert rep.post(f"/calls/{call_id}/review", data=form).status_code == 303
    page = whole(manager, "/team")
    review = page[page.index("Calls to review first") :]
    assert f'href="/calls/{call_id}#c-discovery"' in review
    assert "Ann disputes discovery: I asked twice" in review


def test_a_call_dated_in_the_future_moves_nobodys_today_and_is_still_shown(own: Desk) -> None:
    at = client(build_app(own), own, "admin")

    def days() -> Any:
        whole(at, "/team")
        quiet = re.findall(r"([\d,]+) days quiet", whole(at, "/accounts"))
        return own.today(), own.picture().value.newest, today_of(load_rows(own.store)), quiet

    before = days()
    rows = call("late", "Ann", 0, "Acme", {"discovery": 3})
    made = record(rows.calls[0], rows)
    made["transcript"]["meta"]["date"] = "2999-01-05"
    keep.write_record(own.settings.data, made)
    own.store.catch_up()
    assert days() == before
    last = {row["account"]: row["last_call"] for row in at.get("/api/v1/accounts").json()}
    assert last["Acme"] < "2900"
    assert "2999" not in whole(at, "/accounts/Acme")
    assert not re.search(r"(?:calls up| 2026) to 5 Jan 2999", whole(at, "/team"))
    assert f'href="/calls/{made["call_id"]}' in whole(at, "/accounts/Acme")
    assert f'href="/calls/{made["call_id"]}' in whole(at, "/reps/Ann")


def test_without_calls_each_page_says_what_to_do(tmp_path: Any) -> None:
    with_none = Desk(Settings(data=tmp_path))
    try:
        with_none.book.add_user("Ada", "admin", password=PASSWORD)
        at = client(build_app(with_none), with_none, "admin")
        for path in ("/team", "/accounts", "/today"):
            page = whole(at, path)
            assert 'class="empty"' in page
        assert "No scored call yet" in whole(at, "/calibration/blind")
        assert "No calls yet" in whole(at, "/snippets")
        assert "debrief process" in whole(at, "/calls")
        with_none.book.add_user("Ann", "rep", password=PASSWORD, rep="Ann")
        rep = client(build_app(with_none), with_none, "rep")
        for path in ("/calls", "/accounts", "/training"):
            assert "<code>" not in whole(rep, path)
    finally:
        with_none.close()


def test_training_for_something_else_is_not_denied(own: Desk) -> None:
    given = Assignment(
        "b1b2c3d4e5f60718", "Bob", "ask_for_sale", 1, "ask_for_sale-date", "A date", "by hand",
        dt.date(2026, 10, 1), dt.date(2026, 10, 15), "North",
    )  # fmt: skip
    own.store.put_fact("assignments", given.to_row())
    first = first_of(whole(client(build_app(own), own, "admin"), "/team"))
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", first))
    assert "no training open for this Open: A date (ask for the sale)." in words


def test_more_gaps_than_a_card_names_are_counted(app: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at = client(app, desk, "admin")
    gaps = desk.picture().value.gaps
    (most, *_) = sorted({gap.rep for gap in gaps}, key=lambda rep: -sum(gap.rep == rep for gap in gaps))
    many = tuple(dataclasses.replace(gap) for gap in gaps * 5 if gap.rep == most)
    picture = dataclasses.replace(desk.picture().value, gaps=many)
    known = dataclasses.replace(desk.picture(), value=picture)
    monkeypatch.setattr(type(desk), "picture", lambda _, **narrowed: known)
    also = re.search(r"Also</dt>.*", first_of(whole(at, "/team")))
    assert also
    more = len(picture.gaps) - 4
    assert f'and <a href="/reps/{most}">{more} more</a>' in also[0]
