"""A promise that slipped or answers a request, everywhere that it is shown: nobody's words in another's mouth."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path

import pytest
from coach_story import call, keep_story, misheard, record, story
from rich.console import Console
from test_coach_week import DAY, full
from test_web_call import client
from whole_page import whole

from pipeline import keep
from pipeline.cli.account_text import _promises
from pipeline.cli.render import commitment_text
from pipeline.coach import commands
from pipeline.coach.commitments import Commitment
from pipeline.coach.deals import said
from pipeline.coach.diary import diary
from pipeline.coach.digest import digest_text, weekly_digest
from pipeline.coach.load import rows_of_calls
from pipeline.coach.rows import Rows
from pipeline.rubric import load_rubric
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web.app import build_app
from pipeline.web.desk import Desk
from pipeline.web.pages.today import due
from pipeline.web.render import environment

ASKED = "Can you get me an hour with the dean?"
MOVED = Commitment(
    call_id="a5", turn=2, owner="Mia", side="buyer", kind="action", quote="I can do the tenth.",
    due=DAY - dt.timedelta(6), made_on=DAY - dt.timedelta(9), rep="Ann", account="Acme", status="moved", asked=ASKED,
    moved_to=DAY + dt.timedelta(3), seen_call="a6", seen_turn=1, seen_quote="He moved it.",
)  # fmt: skip
BROKEN = dataclasses.replace(
    MOVED, turn=3, owner="Ann", side="rep", quote="I'll send it.", status="not kept", asked=None
)


def shown(text: object) -> str:
    console = Console(width=400)
    with console.capture() as kept:
        console.print(text)
    return " ".join(kept.get().split())


def test_the_digest_says_the_new_day_and_the_question() -> None:
    found = weekly_digest(full(), load_rubric("sales_call"), (MOVED, BROKEN), as_of=DAY, team="North")
    (section,) = [s for s in found.sections if s.title == "Due and overdue"]
    first, second = (item.text for item in section.items)
    assert f'Mia, due {MOVED.moved_to}, moved: "I can do the tenth." (asked: "{ASKED}")' in first
    assert f'Ann, not kept {BROKEN.due}, now for {BROKEN.moved_to}: "I\'ll send it."' in second


def test_the_calendar_has_the_new_day_of_what_was_moved_only() -> None:
    (entry,) = diary(Rows(), (MOVED, BROKEN))
    assert (entry.day, ASKED in entry.text) == (MOVED.moved_to, True)


def test_calendar_and_digest_leave_without_private_details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quote = "I'll call you on 415 555 0132 about the card 4242 4242 4242 4242."
    mine = dataclasses.replace(
        MOVED,
        quote=quote,
        asked=None,
        owner="+1 415 555 0199",
        call_id="1234567890123456",
        moved_to=dt.date(2099, 1, 5),
    )
    monkeypatch.setattr(commands, "commitments", lambda *_, **__: (mine,))
    keep_story(tmp_path)

    def calendar(kinds: str) -> str:
        with Store(tmp_path) as store:
            store.ingest()
            made = commands.calendar_of(store, settings=Settings(data=tmp_path, redact=kinds))
        return made.decode().replace("\r\n ", "").replace("\\", "")

    left = calendar("all")
    assert '[phone]: "I\'ll call you on [phone] about the card [card]." (call 1234567890123456, turn 2)' in left
    assert "SUMMARY:Acme: [phone]" in left
    assert quote in calendar("none")

    def week(kinds: str) -> str:
        with Store(tmp_path) as store:
            store.ingest()
            return digest_text(commands.digest_of(store, settings=Settings(data=tmp_path, redact=kinds), as_of=DAY))

    assert "call you on [phone] about the card [card]" in " ".join(week("all").split())
    assert "415 555 0132 about the card 4242 4242" in " ".join(week("none").split())


def test_an_account_and_the_terminal_say_both() -> None:
    assert said(MOVED).text == f'Mia, moved, for {MOVED.due}, now for {MOVED.moved_to} (asked: "{ASKED}")'
    assert said(MOVED).quote == "I can do the tenth."
    row = MOVED.to_json()
    told = shown(commitment_text(row))
    assert f"moved, now for {MOVED.moved_to}" in told
    assert f"“I can do the tenth.” to “{ASKED}”" in told
    account = " ".join(shown(line) for line in _promises([row]))
    assert f"moved, now for {MOVED.moved_to}: “I can do the tenth.” to “{ASKED}”" in account


def test_a_rep_s_day_lists_what_slipped_by_its_new_day() -> None:
    late = dataclasses.replace(BROKEN, status="kept late", moved_to=None)
    soon = dataclasses.replace(BROKEN, status="open", due=DAY + dt.timedelta(1), moved_to=None)
    rows = [made.to_json() for made in (BROKEN, late, soon, MOVED)]
    assert [row["status"] for row in due(rows, DAY)] == ["open", "not kept"]


def test_a_day_to_meet_that_is_over_is_no_promise_that_is_due() -> None:
    kinds = [("meeting", "overdue"), ("meeting", "open"), ("action", "overdue")]
    made = [dataclasses.replace(BROKEN, kind=kind, status=status, moved_to=None) for kind, status in kinds]
    found = due([one.to_json() for one in made], DAY)
    assert sorted((row["kind"], row["status"]) for row in found) == [("action", "overdue"), ("meeting", "open")]
    week = weekly_digest(full(), load_rubric("sales_call"), made, as_of=DAY, rep="Ann")
    (section,) = [s for s in week.sections if s.title == "Due and overdue"]
    assert len(section.items) == 1  # what was promised; the day to meet that is open is over as well


def test_a_page_shows_the_question_beside_the_words() -> None:
    macros = environment().from_string('{% from "team_parts.html" import promise %}{{ promise(made) }}')
    page = " ".join(macros.render(made=MOVED.to_json()).split())
    assert f"Mia: “I can do the tenth.” asked: “{ASKED}”" in page
    assert 'badge warn">moved' in page
    assert ", now " in page


def test_nothing_is_told_from_a_call_that_was_heard_too_badly_to_be_scored(tmp_path: Path) -> None:
    made = {}
    for name, ago in (("clear", -9), ("noisy", -2)):
        rows = call(name, "Ann", ago, "Acme", {"discovery": 2})
        made[name] = record(rows.calls[0], rows)
    keep.write_record(tmp_path, made["clear"])
    keep.write_record(tmp_path, misheard(made["noisy"]))
    settings = Settings(data=tmp_path)
    with Store(tmp_path) as store:
        store.ingest()
        promised = commands.commitment_rows(store, settings=settings)
        (account,) = commands.account_rows(store, settings=settings, name="Acme")
        said = {max_wer: rows_of_calls(store, [made["noisy"]["call_id"]], max_wer=max_wer) for max_wer in (0.35, 0.9)}
    assert {row["call_id"] for row in promised} == {made["clear"]["call_id"]}
    assert {row["seen_call"] for row in promised} == {None}
    assert {s["call"] for s in account["met"]} == {made["clear"]["call_id"]}
    assert [len(rows.turns) > 0 for rows in said.values()] == [False, True]


def test_what_was_promised_is_overdue_on_the_calls_page_too(tmp_path: Path) -> None:
    rows = story()
    promised = "I will send you the drawing by Friday."

    def kept(call_id: str, *, text: str | None = None, day: int = 0, clear: bool = True) -> str:
        made = record(next(row for row in rows.calls if row.call_id == call_id), rows)
        made["transcript"]["meta"] |= {"account": "Acme", "date": f"2026-09-{1 + day:02}"}
        if text:
            made["transcript"]["turns"][10]["text"] = text
        keep.write_record(tmp_path, made if clear else misheard(made))
        return f"/calls/{made['call_id']}"

    def shown(desk: Desk) -> str:
        desk.store.ingest()
        page = whole(client(build_app(desk), desk, "admin"), path)
        return re.sub(r"\s+", " ", page[page.index(promised) - 400 : page.index(promised) + 600])

    path = kept("a0", text=promised)
    desk = Desk(Settings(data=tmp_path))
    desk.book.add_user("Ada", "admin")
    try:
        assert ">overdue<" in shown(desk)
        # of a call that was heard too badly nobody can say what was promised on it, nor what was not spoken of
        other = kept("a2", text="I will send you the other drawing today.", day=9, clear=False)
        assert ">overdue<" in shown(desk)
        assert "not clear enough to be sure" in whole(client(build_app(desk), desk, "admin"), other)
        kept("a1", day=10)
        assert ">not mentioned<" in shown(desk)
    finally:
        desk.close()
