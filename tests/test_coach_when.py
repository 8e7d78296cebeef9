from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from pipeline.coach import when
from pipeline.coach.when import named_days

TUESDAY = dt.date(2026, 9, 8)


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Make it Tuesday the 22nd and you're on.", ["2026-09-22"]),
        ("we sit down on the sixth of October", ["2026-10-06"]),
        ("by Friday", ["2026-09-11"]),
        ("see you Tuesday", ["2026-09-15"]),  # said on a Tuesday: the next one
        ("next Thursday, the 19th", ["2026-09-19"]),
        ("a week on Friday", ["2026-09-18"]),
        ("Thursday week", ["2026-09-17"]),
        ("Monday week", ["2026-09-21"]),
        ("end of day Friday, or close of business on Monday", ["2026-09-11", "2026-09-14"]),
        ("next week on Monday", ["2026-09-14"]),
        ("next week", ["2026-09-18"]),
        ("end of next month", ["2026-10-31"]),
        ("by the end of the week", ["2026-09-11"]),
        ("the end of the quarter", ["2026-09-30"]),
        ("in two weeks' time", ["2026-09-22"]),
        ("that\u2019s the third, and the twentieth didn\u2019t work", ["2026-10-03", "2026-09-20"]),
        ("within 10 days", ["2026-09-18"]),
        ("in a month", ["2026-10-08"]),
        ("tomorrow, or the day after tomorrow", ["2026-09-09", "2026-09-10"]),
        ("I'll send it tonight", ["2026-09-08"]),
        ("by the third", ["2026-10-03"]),
        ("October 5th or 6 Oct", ["2026-10-05", "2026-10-06"]),
        ("the 2nd of February", ["2027-02-02"]),
        ("we agreed on the 1st of September", ["2026-09-01"]),
        ("the twentieth works", ["2026-09-20"]),
        ("Make it the fifteenth.", ["2026-09-15"]),
        ("Tuesday twenty-second, then", ["2026-09-22"]),
        ("I was on the tenth floor, the fourth of them, the fifth time", []),
        ("by next Wednesday", ["2026-09-16"]),  # said on a Tuesday: not tomorrow
        ("next Monday, or this Friday", ["2026-09-14", "2026-09-11"]),
        ("the first thing, the second of the two, in January, soon", []),
        ("the 31st of February", []),
        ("may I send it", []),
        ("Thursday twenty-eight of October, ten o'clock", ["2026-10-28"]),
        ("by the fourteen of October", ["2026-10-14"]),
        ("Wednesday, September twenty three, at nine", ["2026-09-23"]),
        ("two of October's orders, one of may be late, the three may come", []),
        ("On Friday may one of my colleagues call you?", ["2026-09-11"]),
        ("How long does it run in a day, and how many in a week?", []),
        ("How much can you do, and can I have it in a week?", ["2026-09-15"]),
        ("two weeks from Friday", ["2026-09-25"]),
        ("a week from today, or two days from tomorrow", ["2026-09-15", "2026-09-11"]),
        ("a month from now", ["2026-10-08"]),
        ("31 January 2028", ["2028-01-31"]),
        ("the 5th of March, 2027 or October 5, 2026", ["2027-03-05", "2026-10-05"]),
        ("by the end of next week", ["2026-09-18"]),
        ("on the second Monday of the month, and every Friday, last Tuesday", ["2026-09-15"]),
        ("by the second year, on the first visit, for the third pump, before the second lot lands", []),
        ("I'll send the 2nd drawing after the 3rd call", []),
        ("that's the first one, on the fourth place", []),
        ("the 22nd works, and on the twentieth the result", ["2026-09-22", "2026-09-20"]),
        ("on the 14th half nine, or the 21st - if that suits", ["2026-09-14", "2026-09-21"]),
        ("the week of the 21st of September, or the week commencing Monday the 28th", ["2026-09-25", "2026-10-02"]),
        ("by the 15th of next month, or the tenth of this month", ["2026-10-15", "2026-09-10"]),
        ("on the 15th Dana sends it, by the 16th of the month", ["2026-09-15", "2026-09-16"]),
        ("by the 15th EOD, the 16th hopefully, on the 17th everyone is in", ["2026-09-15", "2026-09-16", "2026-09-17"]),
        ("by the 15th send me the draft, on the 16th let's meet", ["2026-09-15", "2026-09-16"]),
        ("in the week of October 12th, or the week of the ninth", ["2026-10-16", "2026-09-11"]),
    ],
)
def test_days_are_read_as_people_mean_them(text: str, dates: list[str]) -> None:
    assert [str(found.date) for found in named_days(text, TUESDAY)] == dates


def test_without_the_day_of_the_call_only_the_words_are_known() -> None:
    (found,) = named_days("I'll have it by Friday.", None)
    assert (found.words, found.date) == ("Friday", None)


def test_the_end_of_a_month_and_of_a_year_are_days_that_exist() -> None:
    assert named_days("in three months", dt.date(2026, 11, 30))[0].date == dt.date(2027, 2, 28)
    assert named_days("the 5th", dt.date(2026, 12, 20))[0].date == dt.date(2027, 1, 5)
    assert named_days("in February", dt.date(2026, 12, 20)) == ()


def test_a_rule_is_passed_over_only_where_it_would_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    dialogues = Path(__file__).parents[1] / "sample_calls" / "dialogues"
    lines = [line for path in sorted(dialogues.iterdir()) for line in path.read_text(encoding="utf-8").splitlines()]
    lines += """week of 3 May, week of May the 3rd, by Friday the twenty first, on two of March, Monday, June twelve,
        the 4th of next month, on the 15th Dana sends it, Monday tenth, for the ninth, the tenth, end of day Tuesday,
        end of the year, a week on Monday, Tuesday week, two weeks from today, this Thursday, within three days,
        next month, tonight, the day after tomorrow, this morning, Mr Friday, fr\u0131day""".split(",")
    quick = [named_days.__wrapped__(line, TUESDAY) for line in lines]
    monkeypatch.setattr(when, "_A_UNIT", re.compile(""))
    monkeypatch.setattr(when, "_RULES", tuple((when._A_UNIT, *rule[1:]) for rule in when._RULES))
    assert quick == [named_days.__wrapped__(line, TUESDAY) for line in lines]
    assert sum(map(len, quick)) > 40


def test_a_date_of_last_month_is_meant_as_it_is_in_january_too() -> None:
    january = dt.date(2027, 1, 10)
    days = named_days("the quote of 28 December, by 12 February", january)
    assert [day.date for day in days] == [dt.date(2026, 12, 28), dt.date(2027, 2, 12)]
    assert named_days("the 5th of January", dt.date(2026, 12, 20))[0].date == dt.date(2027, 1, 5)


@pytest.mark.parametrize("what", ["3rd Floor", "2nd Call", "4th quarter", "4th Quarter", "1st Avenue"])
def test_a_count_in_capitals_names_no_day(what: str) -> None:
    assert named_days(f"I'll meet you on the {what}.", TUESDAY) == ()
    assert named_days("on the 15th Dana sends it", TUESDAY)[0].date == dt.date(2026, 9, 15)


def test_a_day_of_this_month_is_of_this_month_when_it_is_over_too() -> None:
    assert named_days("it runs from the 5th of this month", TUESDAY)[0].date == dt.date(2026, 9, 5)
    assert named_days("by the 5th of the month", TUESDAY)[0].date == dt.date(2026, 10, 5)


def test_the_end_of_next_week_is_the_friday_of_next_week_on_a_weekend_too() -> None:
    for day in range(5, 12):  # Monday to Sunday
        on = dt.date(2026, 10, day)
        for words in ("next week", "by the end of next week"):
            assert named_days(words, on)[0].date == dt.date(2026, 10, 16)


@pytest.mark.parametrize("text", ["fr\u0131day", "FR\u0130DAY", "\u017funday", "next wee\u212a", "in s\u0131x days"])
def test_letters_that_only_look_like_those_of_a_day_are_read_as_those(text: str) -> None:
    plain = {"\u0131": "i", "\u0130": "I", "\u017f": "s", "\u212a": "K"}
    meant = "".join(plain.get(letter, letter) for letter in text)
    assert named_days(f"I'll send it {text}.", TUESDAY) == named_days(f"I'll send it {meant}.", TUESDAY)
    assert named_days(f"I'll send it {text}.", TUESDAY)


@pytest.mark.parametrize("who", ["Mr Sunday", "Mrs. Friday", "dr monday"])
def test_who_is_called_like_a_day_is_none(who: str) -> None:
    assert named_days(f"let me confirm with {who} whether that works", TUESDAY) == ()
    assert [str(day.date) for day in named_days(f"{who} comes on Friday", TUESDAY)] == ["2026-09-11"]


@pytest.mark.parametrize("rate", ["We make twenty-two machines in a week.", "it uses about 3 rolls in one day"])
def test_a_rate_names_no_day(rate: str) -> None:
    assert named_days(rate, TUESDAY) == ()
    assert [str(day.date) for day in named_days("We'll make two samples in a week.", TUESDAY)] == ["2026-09-15"]


@pytest.mark.parametrize(
    "said",
    [
        "We need three signatures and then I'll send you the contract in a week.",
        "I see two problems there so I'll call you in a week.",
        "Could we do one more call in a week?",
    ],
)
def test_a_count_of_something_else_makes_no_rate(said: str) -> None:
    assert [str(day.date) for day in named_days(said, TUESDAY)] == ["2026-09-15"]
