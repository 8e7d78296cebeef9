"""The digest, the debrief after a call and the calendar: reports of a small team made by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from coach_story import DAY, RUBRIC, call, merged, moment, story
from icalendar import Calendar

from pipeline.coach.after import call_debrief
from pipeline.coach.commitments import Commitment, commitments
from pipeline.coach.diary import diary, to_ics
from pipeline.coach.digest import (
    MANAGER_SECTIONS,
    REP_SECTIONS,
    Item,
    Section,
    digest_html,
    digest_text,
    to_send,
    weekly_digest,
)
from pipeline.coach.reports import account_report
from pipeline.coach.rows import Assignment, CallRow, ObjectionRow, Rows, SessionRow
from pipeline.coach.support import support_report
from pipeline.coach.training import load_library
from pipeline.digest import LINKED, as_html, as_text
from pipeline.types import NEUTRAL

LIBRARY = load_library()


def full() -> Rows:
    """The story with training, sessions, and a promise that is due."""
    open_ = Assignment(
        "aa11", "Ann", "ask_for_sale", 1, "ask-for-sale-never-hang-up-without", "Never hang up", "low", DAY, DAY,
        team="North", detail={"calls": ["a1", "a3"]},
    )  # fmt: skip
    sessions = (
        SessionRow("s1", "Ann", DAY + dt.timedelta(3), coach="Kim", topic="asking", minutes=30, status="planned"),
        SessionRow("s2", "Bob", DAY - dt.timedelta(3), coach="Kim", status="missed"),
        SessionRow("s3", "Bob", DAY + dt.timedelta(4), status="planned"),
    )
    return dataclasses.replace(story(), assignments=(open_,), sessions=sessions)


def made() -> tuple[Commitment, ...]:
    said = {"call_id": "a5", "rep": "Ann", "account": "Acme", "made_on": DAY - dt.timedelta(5)}
    return (
        Commitment(turn=1, owner="Ann", side="rep", kind="action", quote="I'll send it.", due=DAY, **said),
        Commitment(
            turn=2, owner="Owen", side="buyer", kind="action", quote="I'll ask <b>Raj</b>.",
            due=DAY - dt.timedelta(2), status="overdue", **said,
        ),
    )  # fmt: skip


def digest(**options: Any) -> Any:
    return weekly_digest(full(), RUBRIC, made(), as_of=DAY, **options)


def titles(found: Any) -> list[str]:
    return [section.title for section in found.sections]


def test_a_managers_week_says_what_matters_with_its_calls() -> None:
    found = digest(team="North")
    assert titles(found) == [t for t in MANAGER_SECTIONS if t in titles(found)]
    assert {"Calls this week", "Gaps", "Training", "Due and overdue", "Coaching this week", "Is it fair"} <= set(
        titles(found)
    )
    row = found.to_json()
    assert json.loads(json.dumps(row)) == row
    calls = {call.call_id: call for call in story().calls}
    for section in row["sections"]:
        for item in section["items"]:
            assert item["calls"] == len(item["call_ids"])
            assert set(item["call_ids"]) <= set(calls)
            assert "Cid" not in item["text"]  # another team's
    gaps = next(s for s in row["sections"] if s["title"] == "Gaps")
    assert all(item["call_ids"] for item in gaps["items"])


def test_a_reps_week_is_their_own() -> None:
    found = digest(rep="Ann")
    assert titles(found) == [t for t in REP_SECTIONS if t in titles(found)]
    text = digest_text(found)
    assert "Bob" not in text
    assert "Never hang up: due today" in text
    assert 'Owen, overdue 2026-10-31: "I\'ll ask <b>Raj</b>."' in " ".join(text.split())
    stands = next(s for s in found.sections if s.title == "Where you stand")
    assert all("over 6 calls" in item.text and len(item.call_ids) == 6 for item in stands.items)
    assert max(map(len, text.splitlines())) <= 80


def test_html_escapes_what_was_said_and_links_to_the_calls() -> None:
    page = digest_html(digest(rep="Ann"), base="http://127.0.0.1:8321/")
    assert "<b>Raj</b>" not in page
    assert "&lt;b&gt;Raj&lt;/b&gt;" in page
    assert 'href="http://127.0.0.1:8321/calls/a5"' in page
    assert "src=" not in page
    assert "http://127.0.0.1:8321/calls/a5" in digest_text(digest(rep="Ann"), base="http://127.0.0.1:8321")


def test_a_scored_call_on_which_nothing_was_due_counts_as_scored_in_the_digest_too() -> None:
    rows = story()
    bare = tuple(dataclasses.replace(c, overall=None) if c.call_id == "a5" else c for c in rows.calls)
    found = weekly_digest(dataclasses.replace(rows, calls=bare), RUBRIC, (), as_of=DAY, rep="Ann")
    assert "- Ann: 1 call, 1 scored\n" in digest_text(found)


def at_risk(rows: Rows, **options: Any) -> list[str]:
    found = weekly_digest(rows, RUBRIC, (), as_of=DAY, **options)
    return [item.text for part in found.sections if "at risk" in part.title for item in part.items]


def test_an_account_that_a_colleague_took_over_is_at_risk_for_the_colleague_alone() -> None:
    before = call("x1", "Ann", -60, "Acme", {"discovery": 3, "ask_for_sale": 1})
    rows = merged(before, call("x2", "Bob", -2, "Acme", {"discovery": 4, "ask_for_sale": 4}))
    assert at_risk(before, rep="Ann") == [
        "Acme: 60 days since the last call; no day for a next step was agreed on the last call"
    ]
    assert at_risk(rows, rep="Ann") == []
    assert at_risk(rows, rep="Bob") == ["Acme: no day for a next step was agreed on the last call"]


def test_the_weeks_risks_are_those_of_the_accounts_page_for_a_company_that_names_its_customers() -> None:
    rows = call("x", "Ann", -2, "Acme", {"discovery": 1})
    told = dataclasses.replace(rows.turns[1], text="The scanner keeps failing.")
    rows = dataclasses.replace(rows, turns=(rows.turns[0], told, *rows.turns[2:]))
    firms = {"customers": ("Acme",)}
    (account,) = account_report(rows, RUBRIC, "Acme", as_of=DAY, **firms)
    (line,) = at_risk(rows, rep="Ann", **firms)
    assert line == "Acme: " + "; ".join(risk["text"] for risk in account["risks"][:3])
    assert "a customer complains" in line


def test_the_week_can_be_sent_as_the_nightly_digest_is() -> None:
    letter = to_send(digest(rep="Ann"), base="http://127.0.0.1:8321")
    assert letter.name == "week-2026-11-02-ann"
    assert "http://127.0.0.1:8321/calls/" in as_text(letter)
    assert '<a href="http://127.0.0.1:8321/calls/a5">a5</a>' in as_html(letter)
    assert "Raj" in as_html(letter)
    assert "<b>Raj</b>" not in as_html(letter)


def test_a_line_says_how_many_of_its_calls_it_does_not_name() -> None:
    ids = tuple(f"c{n}" for n in range(LINKED + 2))
    week = dataclasses.replace(digest(rep="Ann"), sections=(Section("Gaps", (Item("three", ids),)),))
    for page in (digest_html(week, base="https://x"), as_html(to_send(week, base="https://x"))):
        assert [f"/calls/{one}" in page for one in ids].count(True) == LINKED
        assert f"{len(ids)} calls" in page
        assert "and 2 more" in page


def test_a_week_that_is_over_reads_as_it_did_then() -> None:
    then = DAY - dt.timedelta(21)
    after = Assignment("bb", "Ann", "ask_for_sale", 1, "m", "Not yet", "low", DAY - dt.timedelta(5), then)
    ended = Assignment(
        "cc", "Ann", "discovery", 1, "m", "Still open", "low", then, then + dt.timedelta(3),
        status="done", completed_on=DAY,
    )  # fmt: skip
    rows = dataclasses.replace(story(), assignments=(after, ended))
    text = digest_text(weekly_digest(rows, RUBRIC, (), as_of=then, rep="Ann"))
    assert "Not yet" not in text
    assert "Still open: due in 3 days" in text
    (row,) = support_report(rows, RUBRIC, (), as_of=then, rep="Ann")
    assert (row["support"]["training_open"], row["support"]["training_overdue"]) == (1, 0)
    assert {item["n"] for item in row["targets"]} == {3}


def test_an_empty_week_says_so() -> None:
    found = weekly_digest(Rows(), RUBRIC, (), as_of=DAY)
    assert found.sections == ()
    assert "nothing to report" in digest_text(found)
    assert "Nothing to report" in digest_html(found)


def test_after_a_call_the_rep_hears_what_worked_and_what_to_change() -> None:
    row = call_debrief(story(), "a5", RUBRIC, LIBRARY)
    assert row is not None
    assert json.loads(json.dumps(row)) == row
    assert [item["criterion"] for item in row["worked"]] == ["discovery", "decision_makers"]
    assert [item["criterion"] for item in row["next_time"]] == ["ask_for_sale", "objection_handling"]
    ask = row["next_time"][0]
    assert ask["moment"]["kind"] == "missed"
    assert ask["before_this_call"]["calls"] == 5  # the call itself is not in it
    assert "a5" not in ask["before_this_call"]["call_ids"]
    assert ask["next_level"] == RUBRIC.criterion("ask_for_sale").levels[2]
    assert ask["worked_elsewhere"]["rep"] != "Ann"
    assert ask["module"] == "ask-for-sale-never-hang-up-without"
    assert {line["who"] for line in ask["how_it_sounds"]} == {"rep", "buyer"}
    assert [c["quote"] for c in row["commitments"]] == ["I will send you something and we speak soon."]
    assert row["next_call"]["ask"]


def test_what_is_kept_is_the_reps_own_and_shows_most() -> None:
    rows = call("x", "Ann", 0, "Acme", {"discovery": 4, "decision_makers": 4})
    more = moment("x", "discovery", 4, "ask_impact", "follow_up")
    row = call_debrief(dataclasses.replace(rows, moments=(*rows.moments, more)), "x", RUBRIC, LIBRARY)
    assert row is not None
    kept = {item["criterion"]: item["moment"] for item in row["worked"]}
    assert kept["discovery"]["turn"] == 4
    assert kept["decision_makers"] is None  # only the buyer's words are cited there


def test_objections_are_debriefed_where_one_was_heard_and_praised_where_one_was_settled() -> None:
    weak = call("x", "Ann", 0, "Acme", {"discovery": 3, "objection_handling": 0})
    row = call_debrief(weak, "x", RUBRIC, LIBRARY)
    assert row is not None
    assert [item["criterion"] for item in row["next_time"]] == ["objection_handling"]
    row = call_debrief(dataclasses.replace(weak, objections=()), "x", RUBRIC, LIBRARY)
    assert row is not None
    assert row["next_time"] == []

    good = call("x", "Ann", 0, "Acme", {"objection_handling": 3})
    unsettled = ObjectionRow("x", 9, "competition", "no")
    louder = moment("x", "objection_handling", 10, "explore", "answer")
    rows = dataclasses.replace(good, moments=(*good.moments, louder))
    shown = {}
    for name, objections in {"settled": good.objections, "then not": (*good.objections, unsettled)}.items():
        row = call_debrief(dataclasses.replace(rows, objections=objections), "x", RUBRIC, LIBRARY)
        assert row is not None
        shown[name] = row["worked"][0]["moment"]["turn"]
    assert shown == {"settled": 10, "then not": 8}


def test_an_objection_is_debriefed_with_what_answers_its_kind() -> None:
    weak = call("x", "Ann", 0, "Acme", {"objection_handling": 0})
    price = call("y", "Ben", -9, "Birch", {"objection_handling": 4})
    stall = call("z", "Cora", -2, "Corran", {"objection_handling": 4})
    stall = dataclasses.replace(stall, objections=(ObjectionRow("z", 7, "stall", "yes"),))
    shown = {}
    for kind in ("price_terms", "stall"):
        mine = dataclasses.replace(weak, objections=(ObjectionRow("x", 7, kind, "no"),))  # type: ignore[arg-type]
        row = call_debrief(merged(mine, price, stall), "x", RUBRIC, LIBRARY)
        assert row is not None
        (change,) = row["next_time"]
        shown[kind] = (change["module"], change["worked_elsewhere"]["rep"])
    assert shown == {"price_terms": ("objections-price-and-terms", "Ben"), "stall": ("objections-stall", "Cora")}


def test_small_talk_that_weighed_for_a_level_is_no_moment_to_learn_from() -> None:
    rows = call("x", "Ann", 0, "Acme", {"business_case": 0, "ask_for_sale": 0})
    dull = tuple(dataclasses.replace(m, why=NEUTRAL) for m in rows.moments)
    row = call_debrief(dataclasses.replace(rows, moments=dull), "x", RUBRIC, LIBRARY)
    assert row is not None
    shown = {item["criterion"]: item["moment"] for item in row["next_time"]}
    assert shown["business_case"] is None
    assert shown["ask_for_sale"]["kind"] == "missed"  # the end of a call is the place to ask
    row = call_debrief(rows, "x", RUBRIC, LIBRARY)
    assert row is not None
    assert all(item["moment"] for item in row["next_time"])


def test_what_was_never_raised_is_shown_by_no_words_and_the_end_by_the_end() -> None:
    rows = call("x", "Ann", 0, "Acme", {"decision_makers": 0, "ask_for_sale": 1})
    early = dataclasses.replace(moment("x", "ask_for_sale", 1), kind="evidence", why=NEUTRAL)
    said = tuple(m for m in rows.moments if (m.criterion, m.kind) == ("decision_makers", "evidence"))
    shown = {}
    for name, moments in {"early": (*said, early), "late": (*said, dataclasses.replace(early, turn=9))}.items():
        row = call_debrief(dataclasses.replace(rows, moments=moments), "x", RUBRIC, LIBRARY)
        assert row is not None
        shown[name] = {item["criterion"]: item["moment"] for item in row["next_time"]}
    assert shown["early"] == {"decision_makers": None, "ask_for_sale": None}
    assert shown["late"]["ask_for_sale"]["turn"] == 9


def test_a_call_that_was_not_scored_is_not_debriefed() -> None:
    rows = Rows(calls=(CallRow("x", "abstained", "too noisy", "Ann"),))
    row = call_debrief(rows, "x", RUBRIC, LIBRARY)
    assert row is not None
    assert row["reason"] == "too noisy"
    assert "worked" not in row
    assert call_debrief(rows, "y", RUBRIC, LIBRARY) is None
    undated = dataclasses.replace(story(), calls=(dataclasses.replace(story().calls[0], date=None, account=None),))
    bare = call_debrief(undated, undated.calls[0].call_id, RUBRIC, LIBRARY)
    assert bare is not None
    assert bare["next_call"] is None
    assert bare["worked"][0]["before_this_call"] is None


def test_the_debrief_knows_who_is_a_customer_as_the_plan_does() -> None:
    rows = call("x", "Ann", 0, "Acme", {"discovery": 1})
    told = dataclasses.replace(rows.turns[1], text="The scanner keeps failing.")
    rows = dataclasses.replace(rows, turns=(rows.turns[0], told, *rows.turns[2:]))
    because = []
    for customers in ((), ("acme",)):
        row = call_debrief(rows, "x", RUBRIC, LIBRARY, customers=customers)
        assert row is not None
        because.append(row["next_call"]["because"] == "a customer complains")
    assert because == [False, True]


def test_the_calendar_holds_sessions_training_and_agreed_days() -> None:
    entries = diary(full(), made())
    assert [e.key.split("-")[0] for e in entries] == ["agreed", "agreed", "training", "session", "session"]
    assert len(diary(full(), made(), rep="Bob")) == 1
    assert len(diary(full(), made(), since=DAY + dt.timedelta(1))) == 2
    stamp = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
    content = to_ics(entries, now=stamp)
    assert content == to_ics(entries, now=stamp)
    parsed = Calendar.from_ical(content)
    events = [part for part in parsed.walk() if part.name == "VEVENT"]
    assert len({str(event["UID"]) for event in events}) == 5
    session = next(e for e in events if str(e["SUMMARY"]) == "Coaching: Ann with Kim")
    assert session["DTSTART"].dt == DAY + dt.timedelta(3)
    assert session["DTEND"].dt == DAY + dt.timedelta(4)
    assert max(len(line) for line in content.split(b"\r\n")) <= 75


def test_a_session_stands_in_the_calendar_at_its_time() -> None:
    day = DAY + dt.timedelta(3)
    sessions = (
        SessionRow("s2", "Ann", day, minutes=30, status="planned", starts_at="14:30"),
        SessionRow("s1", "Bob", day, status="planned", starts_at="09:00"),
    )
    found = [
        part for part in Calendar.from_ical(to_ics(diary(Rows(sessions=sessions)))).walk() if part.name == "VEVENT"
    ]
    assert [e["DTSTART"].dt.isoformat() for e in found] == [f"{day}T09:00:00", f"{day}T14:30:00"]
    assert [e.get("TRANSP") for e in found] == ["OPAQUE", "OPAQUE"]
    assert "DURATION" not in found[0]
    assert found[1]["DURATION"].dt == dt.timedelta(minutes=30)
    assert not any("DTEND" in e for e in found)


def test_the_last_day_that_there_is_stands_in_a_calendar_too() -> None:
    rows = full()
    never = dataclasses.replace(rows.assignments[0], status="open", due_on=dt.date.max)
    content = to_ics(diary(dataclasses.replace(rows, assignments=(never,)), ()))
    (event,) = [part for part in Calendar.from_ical(content).walk() if "training-" in str(part.get("UID"))]
    assert event["DTSTART"].dt == dt.date.max


def test_an_entry_keeps_its_id_when_its_day_is_known_again() -> None:
    first, again = diary(full(), made()), diary(full(), made())
    assert [e.key for e in first] == [e.key for e in again]


def test_an_agreed_day_that_is_put_off_moves_in_the_calendar() -> None:
    put_off = dataclasses.replace(made()[0], status="moved", moved_to=DAY + dt.timedelta(7))
    (before,), (after,) = diary(Rows(), made()[:1]), diary(Rows(), (put_off,))
    assert (before.key, after.day - before.day) == (after.key, dt.timedelta(7))


def test_the_story_has_promises_to_read() -> None:
    assert {c.owner for c in commitments(story(), as_of=DAY)} == {"Ann", "Bob", "Cid"}


def test_a_team_is_whoever_made_their_newest_call_in_it() -> None:
    moved = merged(story(), call("m1", "Cid", -60, "Dale", {"discovery": 4}))
    moved = dataclasses.replace(
        moved, calls=tuple(sorted(moved.calls, key=lambda c: (c.date or dt.date.min, c.call_id)))
    )
    week = weekly_digest(moved, RUBRIC, (), as_of=DAY, team="North")
    assert not [item.text for part in week.sections for item in part.items if item.text.startswith("Cid")]


def test_what_is_new_is_not_hidden_by_old_training_and_cut_lists_say_so() -> None:
    names = [f"Rep {n}" for n in range(9)]
    rows = Rows(calls=tuple(CallRow(f"c{name}", rep=name, team="North", date=DAY, overall=50.0) for name in names))
    old = [
        Assignment(f"o{n}", name, "discovery", 1, "m", "Old", "r", DAY - dt.timedelta(3), DAY, "North", "done", DAY)
        for n, name in enumerate(names)
    ]
    new = Assignment("n", "Rep 8", "proposal", 1, "m", "New", "low", DAY, DAY + dt.timedelta(14), "North")
    week = weekly_digest(dataclasses.replace(rows, assignments=(*old, new)), RUBRIC, (), as_of=DAY, team="North")
    parts = {part.title: [item.text for item in part.items] for part in week.sections}
    assert parts["Training"][0] == "Rep 8: new: New. low"
    assert parts["Calls this week"][-1] == "and 3 more"
