from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from pipeline.coach import followed
from pipeline.coach.commitments import Commitment, commitments, commitments_of
from pipeline.coach.rows import CallRow, Rows, TurnRow

DAY = dt.date(2026, 9, 8)  # a Tuesday


def talk(call_id: str, *said: str) -> tuple[TurnRow, ...]:
    """Turns from `R: words` (the rep) and `Name: words`."""
    rows = []
    for number, line in enumerate(said):
        who, _, text = line.partition(": ")
        side, name = ("rep", "rep") if who == "R" else ("buyer", who)
        rows.append(TurnRow(call_id, number, 5.0 * number, 5.0 * number + 4, side, name, text))
    return tuple(rows)


def call(call_id: str = "a", day: int = 0, account: str = "Acme") -> CallRow:
    return CallRow(call_id, rep="Ann Lee", account=account, date=DAY + dt.timedelta(day))


def heard(*said: str) -> list[Commitment]:
    return commitments_of(call(), talk("a", *said))


def after(first: tuple[str, ...], *later: tuple[int, tuple[str, ...]], as_of: int = 60) -> list[Commitment]:
    """Commitments of a first call, with later ones (days after, what was said)."""
    calls = [call("a")] + [call(f"b{day}", day) for day, _ in later]
    turns = talk("a", *first) + tuple(t for day, said in later for t in talk(f"b{day}", *said))
    found = commitments(Rows(calls=tuple(calls), turns=turns), as_of=DAY + dt.timedelta(as_of))
    return [made for made in found if made.call_id == "a"]


def test_a_promise_has_its_owner_and_day() -> None:
    (made,) = heard("R: Grand. I'll send you the spec by Friday. Thanks.", "Gerry: Thanks.")
    assert (made.owner, made.side, made.due, made.kind) == ("Ann Lee", "rep", dt.date(2026, 9, 11), "action")
    assert made.quote == "I'll send you the spec by Friday."
    (theirs,) = heard("R: Who signs?", "Gerry: I'll bring it up to him on Thursday, he's down for the count.")
    assert (theirs.owner, theirs.side, theirs.due) == ("Gerry", "buyer", dt.date(2026, 9, 10))


def test_a_day_in_the_next_or_the_last_sentence_belongs_to_the_promise() -> None:
    assert heard("R: I'll write the page. You'll have it tomorrow.", "Gerry: Good.")[0].due == dt.date(2026, 9, 9)
    assert heard("R: I'm there on the 19th. Can I book that in?", "Gerry: Yes.")[0].due == dt.date(2026, 9, 19)


def test_a_request_counts_once_it_is_agreed_to_and_is_the_others() -> None:
    (made,) = heard("R: Could you send me one old job ticket?", "Bev: Yeah, will do, Thursday.")
    assert (made.owner, made.side, made.due) == ("Bev", "buyer", dt.date(2026, 9, 10))
    assert heard("R: Could you send me one old job ticket?", "Bev: I'd rather not.") == []


def test_what_is_taken_on_has_the_day_of_the_promise_not_of_its_condition() -> None:
    (made,) = heard(
        "R: So if she says yes on the fifth, could I have the order that week?",
        "Bev: No, if she's okay with it on the Wednesday I'll send you the PO on the Thursday, the tenth.",
    )
    assert (made.asked is not None, made.due) == (True, dt.date(2026, 9, 10))


def test_a_day_to_meet_counts_once_it_is_agreed_to() -> None:
    (made,) = heard("R: Shall we speak on the 16th, and see has it come back?", "Joel: Yes, the morning.")
    assert (made.kind, made.due) == ("meeting", dt.date(2026, 9, 16))
    (moved,) = heard("R: Could we start on Monday the 21st?", "Gerry: We've the auditors. Make it Tuesday the 22nd.")
    assert moved.due == dt.date(2026, 9, 22)
    assert heard("R: Shall we speak on the 16th?", "Joel: We'll see, I'm not sure.") == []


@pytest.mark.parametrize(
    "words",
    [
        "I'll be honest, it's dear.",
        "I'll tell you what I don't like.",
        "Let me see the sheet.",
        "I'll give you that.",
        "We'll see.",
        "If he signs by Friday, I'll waive the fitting.",
        "Will I send it to you?",
        "They'll send somebody on Monday.",
        "I said I would ring them on Friday.",
    ],
)
def test_a_way_of_speaking_is_no_promise(words: str) -> None:
    assert heard(f"R: {words}", "Gerry: Hm. I don't know.") == []


def test_saying_it_twice_is_one_promise() -> None:
    found = heard("R: I'll send the quote today.", "Gerry: Right.", "R: So I'll send the quote today then.")
    assert len(found) == 1


def test_a_later_call_shows_that_it_was_kept_or_not() -> None:
    promise = ("R: I'll send you the drawing of the bracket by Friday.", "Joel: Good.")
    (kept,) = after(promise, (9, ("R: Morning.", "Joel: Got the bracket drawing, thanks, it's clear.")))
    assert (kept.status, kept.seen_call, kept.seen_turn) == ("kept", "b9", 1)
    (broken,) = after(promise, (9, ("R: Morning.", "Joel: I never got the bracket drawing.")))
    assert broken.status == "not kept"
    (unsaid,) = after(promise, (9, ("R: Morning.", "Joel: Lovely weather.")))
    assert (unsaid.status, unsaid.seen_call) == ("not mentioned", None)
    (later,) = after(promise, as_of=10)
    assert later.status == "overdue"
    (open_,) = after(promise, as_of=1)
    assert open_.status == "open"


@pytest.mark.parametrize(
    ("first", "later", "status", "turn"),
    [
        # by who is on the call
        (("R: So?", "Mia: I'll ask Raj about it, he signs."), ("R: Hello Raj.", "Raj: Hello."), "kept", 1),
        (("R: Is it Raj who signs?", "Mia: It is. I'll bring him along."), ("R: Hi.", "Raj: Hello."), "kept", 1),
        (("R: So?", "Mia: I'll ask Raj about it."), ("R: Hello.", "Mia: I haven't asked Raj yet."), "not kept", 1),
        # by what is said of the thing, whatever it is called in the promise itself
        (("R: The drawings. I'll get those across to you.", "Mia: Good."),
         ("R: Hi.", "Mia: The drawings were spot on."), "kept", 1),
        (("Mia: Send me the form.", "R: I'll email it over tonight."),
         ("Mia: Thanks for the form.", "R: Good."), "kept", 0),
        (("R: Could you send me the scrap figure?", "Mia: Yes, of course."),
         ("Mia: The scrap figure. I never sent it.", "R: No."), "not kept", 0),
        # by the answer to a question about it
        (("R: I'll get Lee to call Siobhan.", "Mia: Good."),
         ("R: Did Siobhan and Lee get talking?", "Mia: They did, for an hour."), "kept", 1),
        (("R: And?", "Mia: I'll send Trent a note."), ("R: Did you get a chance with Trent?", "Mia: No, it slipped."),
         "not kept", 1),
        # what the other side never got is the other side's promise; nothing said is nothing told
        (("Mia: I'll send the layout over.", "R: Good."),
         ("R: Hi.", "Mia: I never got the layout."), "not mentioned", None),
        (("R: I'll send you the layout.", "Mia: Good."),
         ("R: Hi.", "Mia: We moved the big saw."), "not mentioned", None),
    ],
)  # fmt: skip
def test_how_later_calls_tell(first: tuple[str, ...], later: tuple[str, ...], status: str, turn: int | None) -> None:
    made = after(first, (20, later))
    assert (made[0].status, made[0].seen_turn) == (status, turn)


def test_a_day_that_was_missed_is_told_though_a_call_came_soon_after() -> None:
    agreed = ("R: Shall we speak on the 16th?", "Joel: Yes.")
    (made,) = after(agreed, (10, ("R: I missed you on Wednesday.", "Joel: I forgot to cancel, sorry.")))
    assert (made.status, made.seen_turn) == ("not kept", 0)


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("R: Would Thursday the 17th do?", "Mia: Thursday's good."), "2026-09-17"),
        (("R: Shall we meet on Tuesday the 22nd?", "Mia: Make it Thursday."), "2026-09-24"),
        (("R: Login is on Monday the 14th, and I'll call you on Wednesday the 16th.", "Mia: Yes."), "2026-09-16"),
        (("R: I'll be back on the 18th to pick it up.", "Mia: Friday, yeah."), "2026-09-18"),
        (("R: I send the ten kilos to you by the 20th.", "Mia: Good."), "2026-09-20"),
        (("R: Can I've it back signed by the 12th?", "Mia: I'd say that's alright."), "2026-09-12"),
        (("R: I'm gonna get you the draft by end of day Friday.", "Mia: Perfect."), "2026-09-11"),
    ],
)
def test_the_day_of_a_promise_is_the_one_meant(said: tuple[str, ...], due: str) -> None:
    assert [str(made.due) for made in heard(*said)] == [due]


@pytest.mark.parametrize(
    "words",
    ["I always send them on a Friday.", "I work it out on paper.", "We'll have that one there.", "I keep it short."],
)
def test_habits_are_no_promises(words: str) -> None:
    assert heard(f"Mia: {words}", "R: Right.") == []


def test_other_accounts_say_nothing_about_it() -> None:
    rows = Rows(
        calls=(call("a"), call("b", 9, account="Birch")),
        turns=talk("a", "R: I'll send the bracket drawing by Friday.", "J: Good.")
        + talk("b", "R: Hello.", "K: Got the bracket drawing, thanks."),
    )
    (made,) = [m for m in commitments(rows, as_of=DAY + dt.timedelta(30)) if m.call_id == "a"]
    assert made.status == "overdue"


def test_a_meeting_is_kept_by_a_call_around_its_day() -> None:
    agreed = ("R: Shall we speak on the 16th?", "Joel: Yes.")
    assert after(agreed, (8, ("R: Hello.", "Joel: Hello.")))[0].status == "kept"
    assert after(agreed, (20, ("R: Hello.", "Joel: Hello.")))[0].status == "not mentioned"


def test_calls_without_a_date_or_an_account_are_read_all_the_same() -> None:
    bare = dataclasses.replace(call(), date=None, account=None)
    rows = Rows(calls=(bare,), turns=talk("a", "R: I'll send it by Friday, the quote.", "J: Good."))
    (made,) = commitments(rows)
    assert (made.due, made.due_words, made.status) == (None, "Friday", "open")
    assert made.to_json()["due"] is None
    assert commitments(Rows()) == ()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (("R: Shall we meet on Friday?", "Mia: Okay, hm, I can't make Friday."), 0),
        (("R: Can you send me the list?", "Mia: Sure, but I can't promise anything."), 0),
        (("R: Could you send me the list by Friday?", "Mia: I'll do that."), 1),
        (("R: Send me the list, please.", "Mia: You'll have it tonight."), 1),
        (("R: Can I've it back signed by the 12th?", "Mia: I'd say that's alright."), 1),
        (("R: Shall we meet on Friday?", "Mia: Let's see. Friday's fine, that's fine."), 1),
    ],
)
def test_an_answer_means_the_same_with_a_typographic_apostrophe(said: tuple[str, ...], found: int) -> None:
    assert len(heard(*said)) == len(heard(*(line.replace("'", "\u2019") for line in said))) == found


def test_calls_with_typographic_apostrophes_promise_the_same() -> None:
    dialogues = sorted((Path(__file__).parents[1] / "sample_calls" / "dialogues").glob("tr-*.txt"))
    found = []
    for path in dialogues:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(("@", "=", "#"))]
        plain, written = (heard(*lines), heard(*(line.replace("'", "\u2019") for line in lines)))
        assert [(m.turn, m.owner, m.kind, m.due) for m in plain] == [(m.turn, m.owner, m.kind, m.due) for m in written]
        found += plain
    assert len(found) > 50


def test_nothing_is_promised_for_a_day_that_is_past() -> None:
    (made,) = heard("R: I'll resend the quote of the 1st of September.", "Mia: Good.")
    assert (made.due, made.due_words) == (None, None)
    (made,) = heard("R: I'll resend the quote of the 1st of September by Friday.", "Mia: Good.")
    assert str(made.due) == "2026-09-11"
    (made,) = heard("R: I'll resend the mail from last Friday.", "Mia: Good.")
    assert made.due is None
    (made,) = heard("R: I'll resend the mail from last Friday by Thursday.", "Mia: Good.")
    assert str(made.due) == "2026-09-10"
    assert heard("R: Shall we meet like last Friday?", "Mia: Yes.") == []


def of_one_day(*more: str, as_of: int = 2) -> str:
    """The status of what was promised for the day of the call itself, where these calls were held as well."""
    rows = Rows(
        calls=(call("a"), *(call(name, account="Birch" if name == "z" else "Acme") for name in more)),
        turns=talk("a", "R: I'll ring you this afternoon about the quote.", "Mia: Do.")
        + tuple(turn for name in more for turn in talk(name, "R: Hello Mia, as promised.", "Mia: Hello.")),
    )
    return next(made.status for made in commitments(rows, as_of=DAY + dt.timedelta(as_of)) if made.call_id == "a")


def test_what_was_due_today_is_not_overdue_where_another_call_was_held_today() -> None:
    assert of_one_day() == "overdue"
    assert of_one_day("b") == "not mentioned"
    assert of_one_day("0") == "not mentioned"  # calls of one day have no order
    assert of_one_day("z") == "overdue"  # another account's
    assert of_one_day("b", as_of=0) == "open"


def test_what_became_of_a_promise_is_read_from_the_calls_around_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "FOLLOWED_CALLS", 3)
    small_talk = [(day, ("R: Morning.", "Joel: Lovely weather.")) for day in range(1, 15)]
    got = (15, ("R: Morning.", "Joel: Got the bracket drawing, thanks, it's clear."))
    (made,) = after(("R: I'll send you the bracket drawing on the 21st.", "Joel: Good."), *small_talk, got)
    assert (made.status, made.seen_call) == ("kept late", "b15") or made.status == "kept"
    (made,) = after(("R: I'll send you the bracket drawing.", "Joel: Good."), *small_talk, got)
    assert made.status == "not mentioned"
    (made,) = after(("R: I'll send you the bracket drawing.", "Joel: Good."), *small_talk[:2], (3, got[1]))
    assert made.status == "kept"
    # whether a call came after the day is told from all of them
    (made,) = after(("R: I'll send you the bracket drawing by Friday.", "Joel: Good."), *small_talk, got)
    assert made.status == "not mentioned"


def test_a_meeting_is_moved_to_another_day_of_the_same_month() -> None:
    for day in ("5 October", "October 5", "the fifth of October", "5 October 2026"):
        other = day.replace("5 O", "7 O").replace("October 5", "October 7").replace("fifth", "seventh")
        (made,) = heard(f"R: Could we meet on {day}?", f"Gerry: Make it {other}.")
        assert made.due == dt.date(2026, 10, 7)


@pytest.mark.parametrize(
    ("rep", "names", "colleague"),
    [
        ("Priya Nair", ("Priya Nair", "Tom Beck"), True),
        ("Priya Nair", ("Priya", "Tom Beck"), True),
        ("Priya Nair", ("rep", "Tom Beck"), True),
        # nobody there can be told to be the rep: Tom may be how the tool calls them
        ("Priya Nair", ("Sales", "Tom Beck"), False),
        (None, ("Priya Nair", "Tom Beck"), False),
    ],
)
def test_what_a_colleague_promises_is_not_the_reps(rep: str | None, names: tuple[str, str], colleague: bool) -> None:
    said = ((names[0], "Thanks for the time."), (names[1], "I'll send you the drawings of the pump by Friday."))
    turns = tuple(TurnRow("a", n, 5.0 * n, 5.0 * n + 4, "rep", name, text) for n, (name, text) in enumerate(said))
    (made,) = commitments_of(CallRow("a", rep=rep, account="Acme", date=DAY), turns)
    assert (made.owner, made.side, made.colleague) == ("Tom Beck", "rep", colleague)
    (own,) = heard("R: I'll send you the spec by Friday.", "Gerry: Thanks.")
    assert not own.colleague


@pytest.mark.parametrize(
    ("asked", "said", "found"),
    [
        ("And if you see it open and it's worse?", "Then we call you. Usually it's not worse.", 0),
        ("What if the van is full?", "Then I send you the second one.", 0),
        ("What if we met on Thursday at ten?", "Then I'll call you on Thursday at ten.", 1),
        ("And if he is not in until Thursday?", "Then I'll send it on Thursday.", 1),
        ("Can you let me know on Friday?", "Then I call you on Friday.", 1),
        ("I send it if he's in. Is that all?", "Then I send you the sheet tonight.", 1),
    ],
)
def test_what_one_would_do_in_a_case_is_no_promise(asked: str, said: str, found: int) -> None:
    assert len(heard(f"Mia: {asked}", f"R: {said}", "Mia: Good.")) == found


def test_what_is_done_on_any_friday_is_no_promise() -> None:
    assert not heard("Mia: I bring home the keys to your safe on a Friday.", "R: Good.")
