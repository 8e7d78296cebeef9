"""Redaction: numbers and addresses as written and as said; seconds of audio that must be silent."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.redact import COARSE_PAD_S, KINDS, redact_text, redact_turns, silences, without_private
from pipeline.types import Turn, Word

DIGITS = "zero one two three four five six seven eight nine".split()
CARD = "4242 4242 4242 4242"


def said(digits: str) -> str:
    return " ".join(DIGITS[int(char)] for char in digits if char.isdigit())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"It's {CARD}.", "It's [card]."),
        ("It's 4242-4242-4242-4242, ok?", "It's [card], ok?"),
        (f"my card is {said(CARD)} thanks", "my card is [card] thanks"),
        ("forty two forty two, forty two forty two, forty-two forty-two, forty two forty two", "[card]"),
        ("double four double four, um, double three two one, okay, nine one two three four five six", "[card]"),
        (f"{CARD}, expires 04/29, cvv 123", "[card], [card], cvv [card]"),
        ("the security code is four one two", "the security code is [card]"),
        ("my social is one two three forty five six seven eight nine", "my social is [ssn]"),
        ("It's 123-45-6789.", "It's [ssn]."),
        ("the last four of my social are one two three four", "the last four of my social are [ssn]"),
        ("the routing number is oh two one oh double oh oh two one", "the routing number is [bank]"),
        ("account number 12345678, sort code 20-00-00", "account number [bank], sort code [bank]"),
        ("wire it to bank account 12345678 please", "wire it to bank account [bank] please"),
        ("our account is 1234 5678 at Barclays", "our account is [bank] at Barclays"),
        ("Bank details: 5577991, account no. 12345678", "Bank details: [bank], account no. [bank]"),
        ("pay DE89 3704 0044 0532 0130 00 please", "pay [bank] please"),
        (f"D E {said('89370400440532013000')} that's it", "[bank] that's it"),
        (f"G B two nine N W B K {said('60161331926819')}", "[bank]"),
        ("call 415-555-0132 today", "call [phone] today"),
        ("+44 20 7946 0958 works", "[phone] works"),
        ("(415) 555 0132 works", "[phone] works"),
        ("four one five, five five five, oh one three two", "[phone]"),
        ("one eight hundred five five five one two one two", "[phone]"),
        ("five five five one two three four", "[phone]"),
        ("call me on 089/1234567", "call me on [phone]"),
        ("+49 89/12 34 56 or 0475/12.34.56", "[phone] or [phone]"),
        ("(030) / 123456 or 415/555/0132", "[phone] or [phone]"),
        ("02/123 45 67 or (02) / 12 34 56 7", "[phone] or [phone]"),
        ("jane.doe@acme.co.uk or jane@localhost", "[email] or [email]"),
        ("my email is jane dot doe at acme dot com thanks", "my email is [email] thanks"),
        ("it's j a n e at calder pumps dot c o m", "it's [email]"),
        ("email me at bob underscore smith forty two at gmail dot com", "email me at [email]"),
        ("jane dot doe at acme.co.uk", "[email]"),
        ("it's jane dot doe at acme dot health thanks", "it's [email] thanks"),
        ("my email is jane at mail dot acme dot systems. Thanks", "my email is [email]. Thanks"),
        ("４２４２ ４２４２ ４２４２ ４２４２", "[card]"),
        ("order 48151623421 is late", "order [number] is late"),
    ],
)
def test_private_details_are_taken_out_as_written_and_as_said(text: str, left: str) -> None:
    assert redact_text(text).text == left


@pytest.mark.parametrize(
    "text",
    [
        "We have 250 people and 300 seats, 4000 drivers in 2026.",
        "$45,000 to $50,000, and 1,250,000 a year, twenty five thousand dollars by 2026-10-06 at 10:30",
        "in 2024 2025 and 2026 we grew from twenty twenty four to twenty twenty six",
        "We see 12, 15, 20, 25 and 30 of them.",
        "Thirty, sixty, ten. Ten after acceptance, and two hundred in the month.",
        "have a look at acme dot com for more",
        "look at acme dot health, version two dot one at release dot three; the email came at noon. Look there.",
        "somebody at the door. No, leave it.",
        "He called back at ten past one. It was late. In sum, one or two of the three.",
        "we have 1234567 rows in the account",
        "the Calder account, 4000000 a year",
        "from 01/2026 12 people, on 06/10/2026 and 2026/10/06, 24/7 with 1200/12345 and 5/12345",
        "on 03/12 2026 we meet, 06/14 1030 in Leeds, due 01/02 500 units, by 9/30",
        "the contract expires 10/27 and the pin eleven is crossed",
        "",
    ],
)
def test_ordinary_business_numbers_stay(text: str) -> None:
    assert redact_text(text).text == text


def test_only_the_kinds_asked_for() -> None:
    text = f"{CARD} and jane@acme.com"

    assert redact_text(text, kinds={"email"}).text == f"{CARD} and [email]"
    assert redact_text(text).kinds == {"card", "email"}


@given(st.text(alphabet=st.sampled_from("0123456789 -.,@ab\n[]|éo'"), max_size=200))
@settings(max_examples=200, deadline=None)
def test_spans_are_in_order_apart_and_redacting_twice_changes_nothing(text: str) -> None:
    found = redact_text(text)

    assert all(a.end <= b.start for a, b in itertools.pairwise(found.spans))
    assert all(0 <= span.start < span.end <= len(text) and span.kind in KINDS for span in found.spans)
    assert found.piece(0, len(text)) == found.text
    again = redact_text(found.text)
    assert [char for char in again.text if char.isdigit()] == [c for c in found.text if c.isdigit()] or again.spans


@given(st.lists(st.integers(0, 9), min_size=13, max_size=19), st.sampled_from(["", " ", "-", ", "]))
@settings(max_examples=100, deadline=None)
def test_no_digit_of_a_long_number_stays_whatever_it_is(digits: list[int], glue: str) -> None:
    number = "".join(map(str, digits))

    assert redact_text(f"So {glue.join(number)} it is").text.replace("+", "") in {f"So [{k}] it is" for k in KINDS}
    assert redact_text(f"so {said(number)} it is").text in {f"so [{kind}] it is" for kind in KINDS}


def test_a_piece_cut_out_of_a_text_does_not_show_half_a_number() -> None:
    found = redact_text(f"take {CARD} now")

    assert found.piece(0, 12) == "take [card]"
    assert found.piece(10, 28) == "[card] now"


def turn(t0: float, t1: float, speaker: str, text: str, *, timed: bool = False) -> Turn:
    words = text.split()
    step = (t1 - t0) / max(1, len(words))
    times = tuple(Word(t0 + i * step, t0 + (i + 1) * step, word) for i, word in enumerate(words))
    return Turn(t0, t1, speaker, text, times if timed else ())


def test_a_number_dictated_over_several_turns_is_found_in_each_of_them() -> None:
    turns = [
        turn(0, 2, "rep", "And the card number?"),
        turn(2, 5, "buyer:Ann", "Sure, it's four two four two"),
        turn(5, 6, "rep", "Go ahead whenever you are ready"),
        turn(6, 9, "buyer:Ann", "four two four two four two four two"),
        turn(9, 10, "rep", "mm-hmm"),
        turn(10, 12, "buyer:Ann", "four two four two. That's all of them."),
    ]

    texts = [found.text for found in redact_turns(turns)]

    assert "four" not in " ".join(texts)
    assert texts[0] == "And the card number?"
    assert texts[2] == "Go ahead whenever you are ready"
    assert texts[5] == "[card]. That's all of them."


def test_the_seconds_of_a_number_are_silent_and_the_others_are_not() -> None:
    text = f"my card is {said(CARD)} and we start on monday"  # 23 words, one a second
    turns = [turn(0, 24, "buyer:Ann", text, timed=True), turn(24, 30, "rep", "Good, see you then.")]

    ((a, b),) = silences(turns, t0=0, t1=30)

    step = 24 / len(text.split())
    assert a == pytest.approx(3 * step - 0.3)
    assert b == pytest.approx(19 * step + 0.3)
    assert silences(turns, t0=24.5, t1=30) == ()
    assert silences(turns, t0=8, t1=10) == ((8, 10),)


def test_where_words_do_not_tell_the_whole_turn_is_silent() -> None:
    untimed = turn(10, 14, "buyer:Ann", f"it's {CARD}")
    clean = [turn(0, 10, "rep", "And the number?"), turn(14, 30, "rep", "Thank you.")]

    expected = ((10 - COARSE_PAD_S, 14 + COARSE_PAD_S),)
    assert silences([clean[0], untimed, clean[1]], t0=0, t1=30) == expected

    disordered = Turn(10, 14, "buyer:Ann", untimed.text, (Word(13, 13.5, "it's"), Word(10, 12, CARD)))
    outside = Turn(10, 14, "buyer:Ann", untimed.text, (Word(90, 91, "it's"), Word(91, 92, CARD)))
    partial = Turn(10, 14, "buyer:Ann", untimed.text, (Word(10, 11, "it's"),))
    other = Turn(10, 14, "buyer:Ann", "It is what I said.", (Word(10, 11, "it's"), Word(11, 14, CARD)))
    for odd in (disordered, outside, partial, other):
        assert silences([clean[0], odd, clean[1]], t0=0, t1=30) == expected


def test_words_closer_together_than_anybody_speaks_have_no_times() -> None:
    said_once = turn(10, 24, "buyer:Ann", f"my card is {said(CARD)} and we start on monday")
    texts = said_once.text.split()
    # as recognisers put many words where a stretch of speech begins
    at_once = replace(said_once, words=tuple(Word(10 + i / 100, 10 + (i + 1) / 100, w) for i, w in enumerate(texts)))
    before = turn(0, 10, "rep", "And the number?")

    assert silences([before, at_once], t0=0, t1=24) == ((10 - COARSE_PAD_S, 24),)
    (kept,) = without_private([at_once])
    assert kept.text == "my card is [card] and we start on monday"
    assert kept.words == ()
    # of no length themselves, but with time for them between the words around
    late = [Word(10 + i / 4, 10.2 + i / 4, w) if i < 3 else Word(11, 11, w) for i, w in enumerate(texts[:-5])]
    hold = replace(at_once, words=(*late, *(Word(18 + i, 18.5 + i, w) for i, w in enumerate(texts[-5:]))))
    assert silences([before, hold], t0=0, t1=24) == ((10.7, 18),)


def test_what_no_turn_covers_and_what_has_no_times_is_silent() -> None:
    turns = [turn(0, 5, "rep", "Hello."), turn(12, 20, "buyer:Ann", "Hello there.")]

    assert silences(turns, t0=0, t1=20) == ((5, 12),)
    assert silences([], t0=3, t1=9) == ((3, 9),)
    assert silences([Turn(0, 0, "rep", "Hello."), Turn(0, 0, "buyer", f"it's {CARD}")], t0=3, t1=9) == ((3, 9),)
    assert silences(turns, t0=9, t1=9) == ()


def test_numbers_that_were_stored_redacted_are_silent_too() -> None:
    words = (Word(0, 1, "card"), Word(1, 5, "[card]"), Word(5, 6, "thanks"))

    assert silences([Turn(0, 6, "buyer", "card [card] thanks", words)], t0=0, t1=6) == ((0.7, 5.3),)


def test_what_is_kept_redacted_is_silent_where_it_was_said() -> None:
    text = f"my card is {said(CARD)} and we start on monday"
    turns = [turn(0, 24, "buyer:Ann", text, timed=True), turn(24, 30, "rep", "Good, see you then.")]

    kept = without_private(turns)

    assert kept[0].text == "my card is [card] and we start on monday"
    assert " ".join(word.text for word in kept[0].words) == kept[0].text
    assert silences(kept, t0=0, t1=30) == silences(turns, t0=0, t1=30)
    assert kept[1] == turns[1]
    odd = Turn(0, 5, "buyer", "It's 5.", (Word(0, 1, "it's"), Word(1, 5, CARD)))
    assert without_private([odd])[0].words == ()


def test_repetitions_made_to_be_slow_are_read_once() -> None:
    hostile = "at a b c d dot " * 2_000 + "4 " * 5_000 + "A1" * 5_000 + "@" * 5_000 + "a@" * 5_000

    assert redact_text(hostile).spans
