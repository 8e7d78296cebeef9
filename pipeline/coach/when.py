"""Days that people name on a call, as dates: `by Friday`, `the 22nd`, `in two weeks`, `end of the month`.

English. A day is the next one after the call that fits; what names no day (`soon`, `after the holidays`) is none.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pipeline.numerals import TENS, UNITS

WEEKDAYS = tuple(name.lower() for name in calendar.day_name)
_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name}
_SHORT = {name[:3]: n for name, n in _MONTHS.items()} | {"sept": 9}
_COUNTS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "a couple of": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fourteen": 14,
}  # fmt: skip
_ORDINALS = {
    word: n
    for n, word in enumerate(
        """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
        fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third
        twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth
        thirty-first""".split(),
        start=1,
    )
}
_CARDINALS = {
    word: n
    for word, n in {
        **UNITS,
        **TENS,
        **{f"{ten}-{unit}": TENS[ten] + n for ten in TENS for unit, n in UNITS.items() if 0 < n < 10},
    }.items()
    if 1 <= n <= 31
}
"""As many say a day of a month: `the twenty-eight of August`."""

_DAY = "|".join(WEEKDAYS)
_MONTH = "|".join(_MONTHS) + "|" + "|".join(sorted(_SHORT, key=len, reverse=True))
MONTHS = {**_MONTHS, **_SHORT}
"""Their numbers (1-12) by name in small letters, in full or short."""
_YEAR = r"(?:,? (?P<year>20\d\d))?"
_COUNT = "|".join(sorted(_COUNTS, key=len, reverse=True)) + r"|\d{1,2}"
_NTH = r"\d{1,2}(?:st|nd|rd|th)|" + "|".join(w.replace("-", "[- ]") for w in sorted(_ORDINALS, key=len, reverse=True))
_NUMBERED = "|".join(w.replace("-", "[- ]") for w in sorted(_CARDINALS, key=len, reverse=True))
_LATER_NTH = "|".join(w.replace("-", "[- ]") for w in sorted(_ORDINALS, key=len, reverse=True) if _ORDINALS[w] > 3)
_AFTER_NTH = (
    r"\s+(?:at|to|for|and|or|then|works|suits|is|was|would|will|got|fell|if|it|in|through|till|until|before|after|we|"
    r"I|he|she|they|you|did|didn['\u2019]t|please|instead|morning|afternoon)\b"
)
_STANDS_ALONE = (
    rf"(?=$|[^\w\s]|\s*[-\u2013\u2014]|{_AFTER_NTH}|\s+(?:with|by|from|on|half|quarter (?:past|to)|noon|same|around|"
    r"about|as|but|so|because|when|while|unless|not|too|also|there|okay|ok|fine|good|great|perfect|no|yes|yeah|early|late\w*|"
    r"first thing|evening|night|next|this|that|where|can|could|may|might|should|must|has|have|had|does|"
    r"doesn['\u2019]t|sounds|won['\u2019]t|the|an?|my|your|our|his|her|their|what\w*|who|how|four|five|six|seven|"
    r"eight|nine|ten|eleven|twelve|\d{1,2}|of (?:the|this|next|that) month|(?:end|close) of|eod|latest|sharp|just|"
    r"still|maybe|perhaps|hopefully|definitely|probably|possibly|actually|exactly|ideally|certainly|only|all|both|"
    r"nobody|(?:every|some|any)(?:one|body|thing)|let['\u2019]s|let|send|give|get)\b)"
)
"""What may follow a day that is named by its number alone; a noun makes it a count (`the second drawing`)."""

_COUNTED = (
    r"(?:floor|quarter|avenue|street|round|edition|phase|level|line|call|meeting|version|session|visit|drawing|draft|"
    r"year|week|order|shift|unit|item|page|stage|step|option|offer|half|time|hall|gate|gear|generation)s?\b"
)
"""Nouns that make a number a count in capitals, too, where a name would not: `on the 3rd Floor`."""

_ONE_OF_MANY = "".join(rf"(?<!{word} )" for word in ("first", "second", "third", "fourth", "every", "each"))
"""`The second Monday of the month` is not the next one."""
_WEEK_OF = rf"week (?:of|commencing|beginning|starting)(?: on)? (?:(?:{_DAY}),? )?(?:the )?"

_A_MONTH = re.compile(rf"\b(?:{_MONTH})\b")
_AN_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)|" + "|".join(sorted({word.split("-")[-1] for word in _ORDINALS})))
_BY_NUMBER = re.compile(rf"\d|{_AN_ORDINAL.pattern}")
_A_WEEKDAY = re.compile(_DAY)
_A_UNIT = re.compile(r"day|week|month|fortnight|quarter|year|tomorrow|tonight|morning|afternoon|evening")
"""What a rule cannot do without, in small letters: most sentences have none of it, and the rules take long to tell."""

_TITLE = re.compile(r"\b(?:mr|mister|mrs|ms|dr|herr|frau)\.?\s+$", re.IGNORECASE)
"""`Mr Sunday` is somebody."""
_PLAIN_LETTERS = str.maketrans("\u0130\u0131\u017f\u212a", "IisK")
"""Letters that patterns without case take for `i`, `s` and `k` (`fr\u0131day`), and no table of names has."""


@dataclass(frozen=True, slots=True)
class Named:
    """A day that was named: the words, where they start in the text, and the date (None without the call's own)."""

    words: str
    start: int
    date: dt.date | None


@lru_cache(maxsize=20_000)
def named_days(text: str, on: dt.date | None) -> tuple[Named, ...]:
    """Every day named in `text`, in order, seen from the day `on` of the call."""
    text = text.translate(_PLAIN_LETTERS)
    small = text.lower()
    there = {needed for needed in (_A_MONTH, _AN_ORDINAL, _A_WEEKDAY, _A_UNIT) if needed.search(small)}
    found: list[Named] = []
    taken: list[tuple[int, int]] = []
    for pattern, resolve in ((pattern, resolve) for needed, pattern, resolve in _RULES if needed in there):
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            if _TITLE.search(text, 0, match.start()):
                continue
            date = resolve(match, on) if on else None
            taken.append(match.span())
            if on and date is None:
                continue
            found.append(Named(match.group(0).strip(), match.start(), date))
    return tuple(sorted(found, key=lambda item: item.start))


def by_number(text: str) -> bool:
    """Whether words name a day by its number (`the tenth`, `12 May`), or a longer text may: most have no number."""
    return bool(_BY_NUMBER.search(text.translate(_PLAIN_LETTERS).lower()))


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


def _number(text: str) -> int:
    text = text.lower()
    return int(text) if text.isdigit() else _COUNTS[text]


def _day_of_month(text: str) -> int:
    text = text.lower().replace(" ", "-")
    digits = re.match(r"\d+", text)
    return int(digits.group(0)) if digits else _ORDINALS.get(text) or _CARDINALS[text]


def _relative(match: re.Match[str], on: dt.date) -> dt.date:
    word = match.group(0).lower()
    return on + dt.timedelta(2 if word.startswith("the day after") else 1 if word.startswith("tomorrow") else 0)


def _weekday(match: re.Match[str], on: dt.date) -> dt.date:
    return on + dt.timedelta((WEEKDAYS.index(match.group("day").lower()) - on.weekday()) % 7 or 7)


def _of_next_week(match: re.Match[str], on: dt.date) -> dt.date:
    """A weekday of next week, whatever day today is."""
    day = WEEKDAYS.index((match.group("day") or match.group("day2")).lower())
    if (match.group("week") or "").lower().startswith("a week") or match.group("after") == "week":
        return on + dt.timedelta(((day - on.weekday()) % 7 or 7) + 7)
    return on + dt.timedelta(7 - on.weekday() + day)


_OF_A_RATE = re.compile(
    r"\bhow (?:long|many|much|often|far|fast)\b[^.?!,]*$|"
    r"(?<!can )(?<!could )(?<!shall )(?<!should )"
    r"\b(?:I|we|you|he|she|it|they) (?:make|do|run|build|ship|use|sell|pack|lose|need|get|take|see)s? "
    rf"(?:about |around |maybe )?(?:\d|(?:{'|'.join([*UNITS, *TENS])})\b)(?:(?!\b(?:and|so|but|then) )[^.?!,;])*$",
    re.IGNORECASE,
)
"""What stands before a rate: `how long does it run in a day`, `we make twenty-two machines in a week`."""


def _in(match: re.Match[str], on: dt.date) -> dt.date | None:
    if match.group("count").lower() in ("a", "an", "one") and _OF_A_RATE.search(match.string[: match.start()]):
        return None
    return _after(match, on)


def _after(match: re.Match[str], on: dt.date) -> dt.date:
    count, unit = _number(match.group("count")), match.group("unit").lower()
    if unit.startswith("month"):
        return _clipped(on.year, on.month + count, on.day)
    return on + dt.timedelta(count * {"d": 1, "w": 7, "f": 14}[unit[0]])


def _counted_from(match: re.Match[str], on: dt.date) -> dt.date:
    """`Two weeks from Friday`, `a month from today`."""
    word = match.group("day").lower()
    start = _weekday(match, on) if word in WEEKDAYS else on + dt.timedelta(word == "tomorrow")
    return _after(match, start)


def _end(match: re.Match[str], on: dt.date) -> dt.date:
    unit, following = match.group("unit").lower(), (match.group("which") or "").lower() == "next"
    if unit == "week":
        return on + dt.timedelta(11 - on.weekday() if following else (4 - on.weekday()) % 7)
    if unit == "month":
        return _clipped(on.year, on.month + following, 31)
    if unit == "quarter":
        return _clipped(on.year, (on.month - 1) // 3 * 3 + 3 + 3 * following, 31)
    return dt.date(on.year + following, 12, 31) if unit == "year" else on


def _next(match: re.Match[str], on: dt.date) -> dt.date:
    """The last working day of next week, the last day of next month: by then at the latest."""
    if match.group("unit").lower() == "week":
        return on + dt.timedelta(11 - on.weekday())
    return _clipped(on.year, on.month + 1, 31)


def _of_month(match: re.Match[str], on: dt.date) -> dt.date | None:
    name = match.group("month").lower()
    month = MONTHS[name]
    day, year = _day_of_month(match.group("nth") or match.group("nth2")), match.group("year")
    if year:
        return _exact(int(year), month, day)
    # a date of the last weeks is meant as it is: people repeat what was agreed, in January what was in December too
    dates = (_exact(on.year + n, month, day) for n in (-1, 0, 1))
    return next((date for date in dates if date and date >= on - dt.timedelta(60)), None)


def _nth(match: re.Match[str], on: dt.date) -> dt.date | None:
    day = _day_of_month(match.group("nth"))
    this = _exact(on.year, on.month, day)
    if this and this > on:
        return this
    return _exact(on.year + on.month // 12, on.month % 12 + 1, day)


def _of_that_month(match: re.Match[str], on: dt.date) -> dt.date | None:
    """`The 15th of next month`, `of this month` even where it is over; of the month as the 15th alone."""
    which, day = match.group("which").lower(), _day_of_month(match.group("nth"))
    if which == "this":
        return _exact(on.year, on.month, day)
    return _exact(on.year + on.month // 12, on.month % 12 + 1, day) if which == "next" else _nth(match, on)


def _week_of(match: re.Match[str], on: dt.date) -> dt.date | None:
    """`The week of the 23rd`: its Friday, by then at the latest; of a weekend the one after it."""
    day = _of_month(match, on) if match.groupdict().get("month") else _nth(match, on)
    return day and day + dt.timedelta((4 - day.weekday()) % 7)


def _exact(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _clipped(year: int, month: int, day: int) -> dt.date:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))


_RULES: tuple[
    tuple[re.Pattern[str], re.Pattern[str], Callable[[re.Match[str], dt.date], dt.date | None]], ...
] = (
    (_A_MONTH, _rule(rf"{_WEEK_OF}(?P<nth>{_NTH}|\d{{1,2}}) (?:of )?(?P<month>{_MONTH}){_YEAR}"), _week_of),
    (_A_MONTH, _rule(rf"{_WEEK_OF}(?P<month>{_MONTH}) (?:the )?(?P<nth>{_NTH}|\d{{1,2}}){_YEAR}"), _week_of),
    (_AN_ORDINAL, _rule(rf"{_WEEK_OF}(?P<nth>{_NTH}){_STANDS_ALONE}"), _week_of),
    (
        _A_MONTH,
        _rule(rf"(?:(?:{_DAY}),? )?(?:the )?(?P<nth>{_NTH}|\d{{1,2}}) (?:of )?(?P<month>{_MONTH}){_YEAR}"),
        _of_month,
    ),
    (_A_MONTH, _rule(rf"(?P<month>{_MONTH}) (?:the )?(?P<nth>{_NTH}|\d{{1,2}}){_YEAR}"), _of_month),
    # a number alone is a day only with a weekday or an article: `two of March's orders`
    (
        _A_MONTH,
        _rule(
            rf"(?:(?:{_DAY}),? (?:the )?(?P<nth>{_NUMBERED}) (?:of |(?!mar|may))|the (?P<nth2>{_NUMBERED}) of )"
            rf"(?P<month>{_MONTH})(?!['\u2019]s){_YEAR}"
        ),
        _of_month,
    ),
    (
        _A_MONTH,
        _rule(
            rf"(?:{_DAY}),? (?P<month>{_MONTH}) (?:the )?(?P<nth>{_NUMBERED})"
            rf"(?![ -]\w*(?:hundred|thousand)| (?:of|more|others?|people)\b){_YEAR}"
        ),
        _of_month,
    ),
    (_AN_ORDINAL, _rule(rf"the (?P<nth>{_NTH}) of (?P<which>next|this|that|the same) month"), _of_that_month),
    (_AN_ORDINAL, _rule(rf"(?:{_DAY}),? the (?P<nth>{_NTH})"), _nth),
    (_AN_ORDINAL, _rule(rf"the (?P<nth>\d{{1,2}}(?:st|nd|rd|th)){_STANDS_ALONE}"), _nth),
    # somebody's name: `on the 15th Dana sends it`
    (
        _AN_ORDINAL,
        _rule(
            rf"(?:on|by|until|till|before) the (?P<nth>\d{{1,2}}(?:st|nd|rd|th))(?= (?!{_DAY}|{_COUNTED})(?-i:[A-Z]))"
        ),
        _nth,
    ),
    (_AN_ORDINAL, _rule(rf"(?:{_DAY}) (?P<nth>{_LATER_NTH})"), _nth),
    (
        _AN_ORDINAL,
        _rule(
            rf"(?:on|by|until|till|before|from|for|that['\u2019]s) the (?P<nth>{_NTH})"
            rf"(?! (?:quarter|half|four|five|six)){_STANDS_ALONE}"
        ),
        _nth,
    ),
    # with no word ahead of it only where nothing follows that it counts (`the fourth of them`, `the tenth floor`)
    (_AN_ORDINAL, _rule(rf"the (?P<nth>{_LATER_NTH})(?=$|[,.;:?!]|{_AFTER_NTH})"), _nth),
    (
        _A_WEEKDAY,
        _rule(rf"(?:by )?(?:the )?(?:end|close) of (?:the )?(?:day|play|business)(?: on)? (?P<day>{_DAY})"),
        _weekday,
    ),
    (
        _A_UNIT,
        _rule(r"(?:by )?(?:the )?end of (?:the )?(?P<which>this|next)?\s*(?P<unit>day|week|month|quarter|year)"),
        _end,
    ),
    (
        _A_WEEKDAY,
        _rule(
            rf"(?P<week>a week on |next week,? (?:on )?|next )(?P<day>{_DAY})|"
            rf"(?P<day2>{_DAY}) (?P<after>week|next week)"
        ),
        _of_next_week,
    ),
    (
        _A_UNIT,
        _rule(
            rf"(?P<count>{_COUNT}) (?P<unit>days?|weeks?|fortnights?|months?) from "
            rf"(?P<day>{_DAY}|today|tomorrow|now)"
        ),
        _counted_from,
    ),
    (_A_WEEKDAY, _rule(rf"(?:this |coming )?{_ONE_OF_MANY}(?P<day>{_DAY})"), _weekday),
    (
        _A_UNIT,
        _rule(rf"(?:in|within) (?P<count>{_COUNT}) (?P<unit>days?|weeks?|fortnights?|months?)(?:['\u2019]? time)?"),
        _in,
    ),
    (_A_UNIT, _rule(r"next (?P<unit>week|month)"), _next),
    (_A_UNIT, _rule(r"the day after tomorrow|tomorrow|today|tonight|this (?:afternoon|evening|morning)"), _relative),
)  # fmt: skip
