"""What later calls tell of a promise: from the clause that speaks of it, late, moved, or nothing at all."""

from __future__ import annotations

import datetime as dt

import pytest
from test_coach_commitments import after

QUOTE = ("R: I'll send you the quote by Friday.", "Mia: Good.")
PETRA = ("Mia: I'll talk to Petra this week.", "R: Good.")
KYLE = ("R: I'll have Kyle ring you on Monday.", "Mia: Good.")


def told(first: tuple[str, ...], *later: str, days: int = 20) -> tuple[str, str | None]:
    """The status of the first promise, and the words of a later call that tell it."""
    made = after(first, (days, later))[0]
    return made.status, made.seen_quote


def test_the_verdict_comes_from_what_speaks_of_the_thing() -> None:
    said = (
        "R: Did the crane layout reach you?",
        "Mia: It did, the Friday. But I must own up, I never rang your fitter.",
    )
    crane = ("R: I'll send the crane layout by Friday.", "Mia: Good.")
    assert told(crane, *said)[0] == "kept"
    fitter = ("Mia: I'll ring your fitter on Monday.", "R: Good.")
    assert told(fitter, *said) == ("not kept", "But I must own up, I never rang your fitter.")
    assert told(PETRA, *said) == ("not mentioned", None)
    both = "Mia: I got your quote, but I never saw the certificate."
    assert told(QUOTE, "R: Hello.", both)[0] == "kept"
    assert told(("R: I'll send you the certificate.", "Mia: Good."), "R: Hello.", both)[0] == "not kept"


@pytest.mark.parametrize(
    ("later", "status"),
    [
        (("R: Anything else we need from Petra?", "Mia: No. That's it. If I'd my way it'd be done."), "not mentioned"),
        (("R: Is Petra coming?", "Mia: No, sorry, the auditors have her."), "not mentioned"),
        (("R: Did you get to Petra?", "Mia: No, I didn't."), "not kept"),
        (("R: Did you get to Petra?", "Mia: Yeah. I haven't spoken to her, to be fair."), "not kept"),
        (("R: Did you get to Petra?", "Mia: I did. I haven't had a moment since, mind."), "kept"),
        (("R: And Petra?", "Mia: No. She's away. I told her the same night though."), "kept"),
        (("R: And where are we with Petra?", "Mia: She's not back to me. I'll nudge her."), "kept"),
        (("R: And Petra?", "Mia: I told her, and she didn't laugh."), "kept"),
        (("R: Did Petra like it?", "Mia: No problem there, she knows all about it."), "kept"),
    ],
)
def test_a_bare_yes_or_no_counts_only_where_it_was_asked_whether_it_is_done(
    later: tuple[str, ...], status: str
) -> None:
    assert told(PETRA, *later)[0] == status


def test_what_another_did_not_do_is_not_kept_only_if_it_was_theirs_to_do() -> None:
    assert told(KYLE, "R: Has Kyle been on to you?", "Mia: He never rang.")[0] == "not kept"
    assert told(KYLE, "R: Has Kyle been on to you?", "Mia: He did, and he didn't charge us.")[0] == "kept"


@pytest.mark.parametrize(
    ("first", "later"),
    [
        # who reads, checks or pays is not who was to send
        (QUOTE, ("R: Hi.", "Mia: I haven't read the quote yet, sorry.")),
        (QUOTE, ("R: Did you look at the quote?", "Mia: No, not yet.")),
        (QUOTE, ("R: Hi.", "Mia: We haven't got budget for that quote.")),
        (QUOTE, ("R: Hi.", "Mia: The other lot never sent a quote.")),
        (QUOTE, ("R: Did the quote land?", "Mia: Yes, but I haven't read it.")),
        # what the other one did with the question is not the asking
        (PETRA, ("R: Hi.", "Mia: Petra hasn't signed yet.")),
        (PETRA, ("R: Any word from Petra?", "Mia: No, she's still thinking.")),
        (PETRA, ("R: Did Petra sign?", "Mia: No.")),
        (PETRA, ("R: Hi.", "Mia: Petra didn't want it.")),
        (PETRA, ("R: Hi.", "Mia: I couldn't get Petra to budge.")),
    ],
)
def test_nobody_is_blamed_for_what_somebody_else_did_not_do(first: tuple[str, ...], later: tuple[str, ...]) -> None:
    assert told(first, *later)[0] in ("not mentioned", "kept")


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (QUOTE, ("R: Did you get the quote?", "Mia: No.")),
        (QUOTE, ("R: Hi.", "Mia: We haven't seen the quote.")),
        (QUOTE, ("R: Hi.", "Mia: Raj says he's had nothing from you, no quote.")),
        (PETRA, ("R: Did you talk to Petra?", "Mia: No, not yet.")),
        (PETRA, ("R: Hi.", "Mia: I never got round to Petra.")),
        (KYLE, ("R: Hi.", "Mia: Kyle hasn't rung.")),
    ],
)
def test_what_was_plainly_not_done_is_told(first: tuple[str, ...], later: tuple[str, ...]) -> None:
    assert told(first, *later)[0] == "not kept"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Your quote came Tuesday, not Friday.", "kept late"),
        ("I got your quote in the end.", "kept late"),
        ("I have your quote. It took you a few days.", "kept late"),
        ("I got your quote on the Friday, like you said.", "kept"),
        ("I got your quote on the Thursday.", "kept"),  # the one before the day will do
        ("I got your quote on the 10th.", "kept"),
        ("I got your quote on the 15th.", "kept late"),
        ("I got your quote. My own report is late, as ever.", "kept"),
    ],
)
def test_late_is_told_only_where_no_day_in_time_can_be_meant(said: str, status: str) -> None:
    assert told(QUOTE, "R: Hello.", f"Mia: {said}")[0] == status


def test_what_goes_by_post_was_sent_before_it_came() -> None:
    posted = ("R: I'll post you the samples tomorrow.", "Mia: Good.")
    assert told(posted, "R: Hello.", "Mia: Your samples came on the 13th.")[0] == "kept"
    assert told(posted, "R: Hello.", "Mia: Your samples came on the 20th.")[0] == "kept late"
    assert told(posted, "R: Hello.", "Mia: Your samples came Friday, not Wednesday.")[0] == "kept late"


def test_what_was_not_given_or_rung_on_its_day_is_told_by_the_owner() -> None:
    number = ("Mia: I'll get you the scrap number.", "R: Good.")
    assert told(number, "R: Hello.", "Mia: I'm sorry, I didn't get you that number.")[0] == "not kept"
    ring = ("R: I'll ring you on Friday.", "Mia: Do.")
    assert told(ring, "R: Sorry I didn't ring on Friday, I was on a roof.", "Mia: I noticed.", days=9)[0] == "not kept"
    assert told(ring, "R: Sorry I didn't ring on Tuesday about the boat.", "Mia: Oh.", days=9)[0] == "not mentioned"


def test_what_was_not_done_at_first_and_then_was_is_late() -> None:
    sorry = (9, ("Mia: I never got the quote.", "R: My fault. You'll have it by Monday."))
    (made,) = after(QUOTE, sorry, as_of=10)
    assert (made.status, made.moved_to) == ("not kept", dt.date(2026, 9, 21))
    (made,) = after(QUOTE, sorry, (20, ("R: Hello.", "Mia: The quote was fine.")))
    assert (made.status, made.seen_call, made.moved_to) == ("kept late", "b20", None)
    (still,) = after(QUOTE, sorry, (20, ("R: Hello.", "Mia: Lovely weather.")))
    assert (still.status, still.seen_call) == ("not kept", "b9")


def test_what_is_not_done_before_its_day_is_no_fault() -> None:
    (made,) = after(QUOTE, (1, ("R: I haven't finished the quote yet.", "Mia: There's time.")), as_of=2)
    assert made.status == "open"


def test_a_day_that_was_put_off_is_moved() -> None:
    agreed = ("R: Shall we meet on Thursday the 17th?", "Mia: Yes.")
    off = ("R: The seventeenth got called off, then.", "Mia: They pushed it back again, sorry.")
    assert told(agreed, *off)[0] == "moved"
    (made,) = after(agreed, (14, ("R: A pity about the 17th.", "Mia: We moved it to Friday the 25th.")))
    assert (made.status, made.moved_to) == ("moved", dt.date(2026, 9, 25))
    assert told(agreed, "R: A pity about the 17th.", "Mia: It fell through, he was ill.")[0] == "not kept"
    assert told(agreed, "R: Did you pay on the 17th of May?", "Mia: They moved it to June.")[0] == "not mentioned"


def test_what_holds_on_a_condition_is_never_told_as_broken() -> None:
    promise = ("Mia: If he says yes you'll have the order on Friday.", "R: Good.")
    assert after(promise, as_of=1)[0].status == "open"
    assert after(promise, as_of=30)[0].status == "not mentioned"
    assert told(promise, "R: Hello.", "Mia: I haven't sent the order, he said no.")[0] == "not mentioned"
    assert told(promise, "R: Thanks for the order.", "Mia: A pleasure.")[0] == "kept"
    asking = ("R: I'll ask the mill if it holds by Monday.", "Mia: Good.")
    assert told(asking, "R: Sorry, I haven't asked the mill.", "Mia: Oh.")[0] == "not kept"
    trailing = ("R: I'll knock off the delivery on Monday if the board signs.", "Mia: Good.")
    assert told(trailing, "R: Hello.", "Mia: You never took the delivery off.")[0] == "not mentioned"


def test_a_promise_that_only_points_is_about_the_thing_named_before() -> None:
    first = ("R: I'd need the fault log for those two.", "Ged: Ged'll see to that. I'll post it Thursday.")
    assert told(first, "R: Hello.", "Ged: You got my log all right?", "R: I did, thanks.")[0] == "kept"


@pytest.mark.parametrize(
    ("first", "later", "status"),
    [
        (QUOTE, ("R: Sorry, I haven't sent you the quote yet.", "Mia: Oh."), "not kept"),
        (QUOTE, ("R: Hello.", "Mia: We didn't get the quote."), "not kept"),
        (PETRA, ("R: Did you get to Petra?", "Mia: Yeah. I haven't spoken to her, to be fair."), "not kept"),
        (PETRA, ("R: Didn't you talk to Petra?", "Mia: I did."), "kept"),
        (PETRA, ("R: And Petra?", "Mia: She hasn't been back to me."), "kept"),
        (QUOTE, ("R: Hello.", "Mia: I've got the quote here. That's late, mind."), "kept late"),
    ],
)
def test_a_typographic_apostrophe_tells_the_same(first: tuple[str, ...], later: tuple[str, ...], status: str) -> None:
    written = tuple(line.replace("'", "\u2019") for line in later)
    assert told(first, *later)[0] == told(first, *written)[0] == status
    # what is quoted stays as it was written
    assert told(first, *written)[1] in [line.partition(": ")[2] for line in written]


def test_who_was_not_there_is_told_with_any_apostrophe() -> None:
    agreed = ("R: Shall we meet on Thursday the 17th?", "Mia: Yes.")
    for mark in ("'", "\u2019"):
        assert told(agreed, f"R: You didn{mark}t show.", "Mia: Sorry.", days=9)[0] == "not kept"
        off = (f"R: The seventeenth didn{mark}t happen, then.", "Mia: No.")
        assert told(agreed, *off, days=9)[0] == "not kept"


def test_a_meeting_is_not_kept_by_a_call_of_the_days_before() -> None:
    agreed = ("R: Shall we meet on Thursday the 17th?", "Mia: Yes, that works.")
    early = (7, ("R: Hello Mia, one short question on the drawing.", "Mia: Yes?"))
    (made,) = after(agreed, early, as_of=7)
    assert (made.status, made.seen_call, made.ahead) == ("open", None, True)
    (made,) = after(agreed, early, (9, ("R: Hello Mia.", "Mia: Hello.")))
    assert (made.status, made.seen_call) == ("kept", "b9")
    (made,) = after(agreed, early, (10, ("R: I missed you on Thursday.", "Mia: I forgot to come, sorry.")))
    assert (made.status, made.seen_call) == ("not kept", "b10")
    # what is done by a day may be done before it
    ring = ("R: I'll ring you by Thursday the 17th.", "Mia: Do.")
    assert after(ring, (8, ("R: Hello Mia.", "Mia: Hello.")))[0].status == "kept"


AGENDA = ("Mia: I'll put it on the agenda for the tenth.", "R: Good.")
VISIT = ("R: Can I come by on Thursday the tenth?", "Mia: Yes, the tenth.")
AUDIT = ("Mia: I'll tell the audit committee about it.", "R: Good.")


@pytest.mark.parametrize(
    ("first", "day", "words", "status"),
    [
        (AGENDA, 7, "So I put it on the agenda for the tenth and they liked it.", "kept"),
        (AGENDA, 7, "The tenth? They pushed it back to the week after.", "moved"),
        (VISIT, 4, "It came up again, but the second box didn't come up.", "kept"),
        (VISIT, 8, "Five months, because the lights never come on all at once.", "not mentioned"),
        (VISIT, 8, "What killed the old one, the price, or nobody came?", "not mentioned"),
        (VISIT, 4, "Your man never came on Thursday.", "not kept"),
        (VISIT, 4, "Nobody came.", "not kept"),
        (AUDIT, 8, "I had to tell the audit committee that I didn't know how many there are.", "not mentioned"),
        (AUDIT, 8, "I didn't tell the audit committee.", "not kept"),
    ],
)
def test_nobody_is_accused_by_words_about_something_else(
    first: tuple[str, ...], day: int, words: str, status: str
) -> None:
    assert [made.status for made in after(first, (day, ("R: Hello.", f"Mia: {words}")))] == [status]
