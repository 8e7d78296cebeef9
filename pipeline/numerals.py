"""Spoken numbers, money, percentages and dates as people write them, where that is safe; everything else stays words.

`forty five thousand dollars` -> `$45,000`, `march thirty first` -> `March 31`, `eleven percent` -> `11%`, `twenty
twenty six` -> `2026`, `three and a half thousand` -> `3,500`, `ten fifteen a.m.` -> `10:15 a.m.`. Small counts (`two
sites`), times without their half of the day (`three thirty`), digit strings, what may be a year or two numbers (`about
twenty thirty drivers`), seconds (`a thirty second pitch`) and parts (`half a million dollars`) are left alone: a wrong
numeral is worse than a word.
"""

from __future__ import annotations

import re

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen""".split()
UNITS = {word: value for value, word in enumerate(_SMALL)}
_ROUND = """twenty thirty forty fifty sixty seventy eighty ninety""".split()
TENS = {word: 10 * value for value, word in enumerate(_ROUND, start=2)}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_MONEY = {"dollar": "$", "dollars": "$", "pound": "£", "pounds": "£", "euro": "€", "euros": "€"}
_WEIGHED = frozenset(
    """of bag bags box boxes coil coils drum drums sack sacks load loads pallet pallets weight weights capacity part
    parts casting castings cylinder cylinders""".split()
)
"""Before these, pounds may be a weight: `a ten thousand pound coil`, `pounds of steel`."""
_MEASURES = frozenset("square cubic inch foot".split())
"""Behind `pounds per` these tell a weight; `thirty two pounds per user` is a price."""
_HEAVY, _COSTLY = ("weigh", "heav", "lift"), ("cost", "pay", "paid", "price", "charge")
_PERCENT = (["percent"], ["per", "cent"])
_HALF_DAYS = frozenset(("am", "pm", "a.m.", "p.m."))
_MONTHS = frozenset("""january february march april may june july august september october november december""".split())
_BEFORE_DATES = frozenset(
    """on by of until till before after since from to for and monday tuesday wednesday thursday friday""".split()
)
_BEFORE_YEARS = _MONTHS | frozenset("in since by until till during early late mid fiscal calendar year".split())
_PERHAPS_BEFORE_YEARS = frozenset(
    """of before after through from to into than versus for the our your their this next last and quarter spring summer
    autumn fall winter""".split()
)
"""Before `twenty twenty six` these tell a year, before `twenty thirty` they may count: `for twenty thirty minutes`."""
_COUNTED = frozenset(
    """percent seconds second minutes minute hours hour days day weeks week months month years people users seats cents
    pence quid grand bucks k""".split()
)
"""What is counted is no year: `in twenty thirty minutes`, `by twenty twenty five percent`."""
_BEHIND_YEARS = frozenset(
    """we i you it they he she the our and or but so that this is was were will would when because if for with on at in
    by to i'll i'd i've it's that's we'll we'd we're we've they'll""".split()
)
"""Behind `by twenty thirty` these tell a year; `by twenty thirty trucks` may count."""
_HALVES = frozenset("half quarter week weekend thing part hand choice".split())
"""Behind an ordinal these say that it is no day: `october first week`, `march second hand machines`."""
_PARTS = frozenset("half third thirds quarter quarters fifth fifths".split())
_NTH = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()
_ORDINALS = {word: value for value, word in enumerate(_NTH, start=1)} | {"thirtieth": 30}
_HUNDREDS = frozenset(("hundred", *_SCALES))
_TAILS = frozenset((*(f"{word}'s" for word in _SMALL[1:10]), *(f"{word}s" for word in _NTH[2:9])))
"""What makes `sixty` before it another number: `sixty one's`, `sixty fourths`."""


def written(text: str) -> str:
    """Lower-case words separated by single blanks, with safe numbers in figures."""
    words = re.sub(r"\b(" + "|".join(TENS) + r")-(?=[a-z])", r"\1 ", text).split()
    out: list[str] = []
    index = 0
    while index < len(words):
        size, rendered = _date(words, index)
        if not size:
            size, rendered = _time(words, index)
        if not size:
            size, rendered = _range(words, index)
        if not size:
            size, rendered = _number(words, index)
        out.append(rendered if size else words[index])
        index += size or 1
    return " ".join(out)


def _date(words: list[str], index: int) -> tuple[int, str]:
    """`march thirty first`, `march the third` -> (words used, `March 31`), and `march` behind `first of`; (0, "")
    where there is no date."""
    if words[index] not in _MONTHS:
        return 0, ""
    if index > 1 and words[index - 1] == "of" and words[index - 2] in _ORDINALS:  # the thirty first of march
        return 1, words[index].capitalize()
    at = index + 1 + (words[index + 1 : index + 2] == ["the"])
    size, day = _ordinal(words, at)
    if not size or not 1 <= day <= 31 or words[at + size : at + size + 1] in ([each] for each in _HALVES):
        return 0, ""
    # "may" and "march" are verbs too: "it may second that" is not a date.
    if words[index] in ("may", "march") and index and words[index - 1] not in _BEFORE_DATES:
        return 0, ""
    year = _full_year(words, at + size) if at + size < len(words) else None
    if year:
        return at + size + year[0] - index, f"{words[index].capitalize()} {day}, {year[1]}"
    return at + size - index, f"{words[index].capitalize()} {day}"


def _time(words: list[str], index: int) -> tuple[int, str]:
    """`ten fifteen a.m.` -> (3, `10:15 a.m.`); (0, "") where no half of the day is named."""
    if not 1 <= UNITS.get(words[index], 0) <= 12 or (index and _starts_number(words[index - 1])):
        return 0, ""
    size, minutes = _below_hundred(words, index + 1)
    half = words[index + 1 + size] if index + 1 + size < len(words) else ""
    # "one am i" is not a time
    if half not in _HALF_DAYS or minutes > 59 or (minutes < 10 if size else half == "am"):
        return 0, ""
    return 2 + size, f"{UNITS[words[index]]}{f':{minutes}' if size else ''} {half}"


def _ordinal(words: list[str], index: int) -> tuple[int, int]:
    here = words[index] if index < len(words) else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    if here in TENS and _ORDINALS.get(after, 99) < 10:
        return 2, TENS[here] + _ORDINALS[after]
    return (1, _ORDINALS[here]) if here in _ORDINALS else (0, 0)


def _number(words: list[str], index: int) -> tuple[int, str]:
    """(words used, figures) for the number that starts here; (0, "") where none starts or figures are not safe."""
    size, value, scale = _cardinal(words, index)
    if not size:
        return 0, ""
    before = words[index - 1] if index else ""
    if _behind_hundred(words, index):
        return _as_said(words, index, size)
    ordinal, day = _ordinal(words, index)
    if ordinal == 2:
        if words[index + 1] == "second" and before != "the":
            return 2, " ".join(words[index : index + 2])
        return 2, f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"
    if words[index] == "a" and (before == "half" or (before == "of" and words[max(0, index - 2)] in _PARTS)):
        return size, " ".join(words[index : index + size])
    year = _year(words, index) if _tells_year(before, words, index) else None
    if year is None and before in _BEFORE_YEARS:
        year = _year_of_thousands(words, index)
    if year:
        return year
    size, value, scale = _with_half(words, index, (size, value, scale))
    after = words[index + size] if index + size < len(words) else ""
    # Another number right behind ("three thirty", "five five five") is a time or a digit string.
    if _goes_on(words, index + size) or (index and _starts_number(words[index - 1])):
        return _as_said(words, index, size)
    if tail := _tail(words, index, size, value):
        return size + tail, " ".join(words[index : index + size + tail])
    if before in ("dollar", "pound", "euro") and words[max(0, index - 2)] == "a":
        return _as_said(words, index, size)  # "a dollar fifty"
    if after in _MONEY and not _is_weight(words, index, size):
        more, cents = _cents(words, index + size + 1, small=value < 1000)
        if not more and value < 1000 and _goes_on(words, index + size + 1):
            return _as_said(words, index, size + 1)
        return size + 1 + more, f"{_MONEY[after]}{_figures(value, scale)}{cents if value == int(value) else ''}"
    percent = _percent(words, index + size)
    if percent and before == "point":
        return size, " ".join(words[index : index + size])
    if percent:
        return size + percent, f"{_figures(value, scale)}%"
    if value < 10 or words[index] == "a":
        return size, " ".join(words[index : index + size])
    return size, _figures(value, scale)


def _range(words: list[str], index: int) -> tuple[int, str]:
    """`ten to fifteen thousand dollars` -> (5, `$10,000 to $15,000`), `two or three hundred` -> (4, `200 or 300`): what
    is said behind the second counts for both; (0, "") where that is not so. Left as words where it may be otherwise:
    `from ten to fifteen thousand`, `two to three hundred and fifty`."""
    size, low = _below_thousand(words, index)
    before, link = words[index - 1] if index else "", words[index + size] if index + size < len(words) else ""
    links = ("to", "or", "and") if before == "between" else ("to", "or")
    if (
        not low
        or link not in links
        or _starts_number(before)
        or before in ("point", "oh")
        or _behind_hundred(words, index)
    ):
        return 0, ""
    there = index + size + 1
    used, high, scale = _cardinal(words, there)
    more, times = _times(words, there, low)
    money = _MONEY.get(words[there + used], "") if there + used < len(words) else ""
    if not used or (times == 1 and not (money and low < high < 100 and words[there] != "a")):
        return 0, ""
    unsafe = used != more or (before == "from" and link == "to") or _goes_on(words, there + used)
    if times > 1 and (unsafe or _tail(words, there, used, high)):
        return _as_said(words, index, size + 1 + used)
    if money and (_is_weight(words, there, used) or _goes_on(words, there + used + 1)):
        money, rest = "", 0
    else:
        rest = int(bool(money))
    if times == 1 and not money:
        return 0, ""
    return size + 1 + used + rest, f"{money}{_figures(low * times, scale)} {link} {money}{_figures(high, scale)}"


def _times(words: list[str], index: int, low: int) -> tuple[int, int]:
    """(words used, 1,000) of `fifteen thousand` where that is what `low` is counted in too, as less than fifteen;
    `fifteen hundred`, `two hundred thousand` likewise. 1 where `low` stands for itself."""
    size, count = _below_hundred(words, index)
    if not size and words[index : index + 1] == ["a"]:
        size, count = 1, 1
    times = 1
    while size and index + size < len(words) and words[index + size] in _HUNDREDS:
        step = _SCALES.get(words[index + size], 100)
        if step == 100 and times > 1:
            break
        if low >= count and step > 100:  # `fifty to a hundred thousand`
            count, times = count * times, 1
        size, times = size + 1, times * step
    return size, times if low < count else 1


def _with_half(words: list[str], index: int, number: tuple[int, float, str]) -> tuple[int, float, str]:
    """`three and a half thousand` as (5, 3,500, `thousand`), `three and a half percent` as (4, 3.5, "")."""
    size, value, scale = number
    if scale or value > 999 or words[index + size : index + size + 3] != ["and", "a", "half"]:
        return number
    after = words[index + size + 3] if index + size + 3 < len(words) else ""
    if after in _SCALES:
        return size + 4, (value + 0.5) * _SCALES[after], after
    return (size + 3, value + 0.5, scale) if _percent(words, index + size + 3) else number


def _percent(words: list[str], index: int) -> int:
    """How many words here say `percent`; 0 if none."""
    return next((len(form) for form in _PERCENT if words[index : index + len(form)] == form), 0)


def _cents(words: list[str], index: int, *, small: bool) -> tuple[int, str]:
    """`and fifty cents` -> (3, `.50`), `fifty a unit` -> (1, `.50`) of a `small` sum; (0, "") where no cents follow."""
    joined = int(words[index : index + 1] == ["and"])
    size, value = _below_hundred(words, index + joined)
    after = words[index + joined + size] if index + joined + size < len(words) else ""
    if size and after in ("cents", "pence"):
        return joined + size + 1, f".{value:02d}"
    # "nine pound fifty a gauge", but not "nine pounds fifty times" or "twenty dollars fifty or sixty times"
    alone = not after or after in ("a", "an", "per", "each", "apiece", "more", "less", "plus", "that's", "and", "or")
    more, _ = _below_hundred(words, index + size + 1) if after in ("and", "or") else (0, 0)
    other = more and words[index + size + 1 + more : index + size + 2 + more] not in ([coin] for coin in _MONEY)
    return (size, f".{value}") if small and not joined and value >= 10 and alone and not other else (0, "")


def _is_weight(words: list[str], index: int, size: int) -> bool:
    """May the pounds behind the number of `size` words here be no money? Without a sign they are right either way."""
    after, then = (*words[index + size + 1 : index + size + 3], "", "")[:2]
    before = words[max(0, index - 4) : index]
    weighs = any(word.startswith(_HEAVY) for word in before) and not any(word.startswith(_COSTLY) for word in before)
    told = then in _MEASURES if after == "per" else weighs or after in _WEIGHED
    return told and words[index + size].startswith("pound")


def _starts_number(word: str) -> bool:
    return word in UNITS or word in TENS


def _as_said(words: list[str], index: int, size: int) -> tuple[int, str]:
    """A number of `size` words, with all that belongs to it, left as words: `three thirty five thousand and ten`."""
    while index + size < len(words):
        here, after = (*words[index + size : index + size + 2], "")[:2]
        rest = here == "and" and words[index + size - 1] in _HUNDREDS and _starts_number(after)
        if not (rest or here in _HUNDREDS or _goes_on(words, index + size)):
            break
        size += 1
    return size, " ".join(words[index : index + size])


def _goes_on(words: list[str], index: int) -> bool:
    """Does a number go on here: by another one, by `oh five`, by `point oh`?"""
    here, after = (*words[index : index + 2], "", "")[:2]
    oh = (here == "oh" and _starts_number(after)) or (here == "point" and after == "oh")
    return _starts_number(here) or oh or _runs_together(words, index)


def _runs_together(words: list[str], index: int) -> bool:
    """Is here the rest of a sum and another one: `a hundred | and seventy hundred and eighty`? Those of `between two
    hundred | and five hundred and ten` are two."""
    size, _ = _below_hundred(words, index + 1) if words[index - 1 : index + 1] == ["hundred", "and"] else (0, 0)
    there = index + 1 + size
    if not size or words[there : there + 1] != ["hundred"] or "between" in words[max(0, index - 5) : index]:
        return False
    return any(_starts_number(word) for word in words[there + 1 + (words[there + 1 : there + 2] == ["and"]) :][:1])


def _behind_hundred(words: list[str], index: int) -> bool:
    """Is this the rest of a number that begins with `hundred` alone, as in `it's hundred and eighteen thousand`?"""
    at = index - 2 if words[max(0, index - 1) : index] == ["and"] else index - 1
    if at < 0 or words[at] not in _HUNDREDS:
        return False
    return not at or not (_starts_number(words[at - 1]) or words[at - 1] in ("a", "half", *_HUNDREDS))


def _tail(words: list[str], index: int, size: int, value: float) -> int:
    """How many words behind a round number make it another one: `one hundred twenty | fifth`, `eighty | five's`."""
    after = words[index + size : index + size + 2]
    if value % 10 or not after:
        return 0
    if size > 1 and after[0] == "and" and words[index + size - 1] in _HUNDREDS:
        return 2 * (after[1:] != [] and after[1] in _ORDINALS)
    return int((size > 1 and after[0] in _ORDINALS) or after[0] in _TAILS)


def _figures(value: float, scale: str) -> str:
    if scale in ("million", "billion"):
        return f"{value / _SCALES[scale]:g} {scale}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"


def _cardinal(words: list[str], index: int) -> tuple[int, float, str]:
    """(words used, value, largest scale word) of the longest well-formed cardinal here; (0, 0, "") if none."""
    size, total, last_scale, top = 0, 0.0, float("inf"), ""
    while True:
        used, value = _below_thousand(words, index + size)
        if not used and size:
            used, value = _and_the_rest(words, index + size)
        if not used or (size and not value):
            break
        point, decimals = _decimals(words, index + size + used)
        scale = words[index + size + used + point] if index + size + used + point < len(words) else ""
        if scale in _SCALES and _SCALES[scale] < last_scale:
            size += used + point + 1
            total += round((value + decimals) * _SCALES[scale], 6)  # 4.1 million is not 4,099,999.9999999995
            last_scale, top = _SCALES[scale], top or scale
            if point:
                break
            continue
        # "two million five" and "forty thousand five" mean another number than they say
        rest = words[index + size] == "and" or (last_scale <= 1000 and value >= 10) if size else True
        if rest and value < last_scale:
            size, total = size + used + point, total + value + decimals
        break
    if size and top in ("million", "billion") and total % (_SCALES[top] / 10):
        top = ""
    return size, total, top


def _and_the_rest(words: list[str], index: int) -> tuple[int, int]:
    """`and fifty` of `two thousand and fifty` -> (2, 50); (0, 0) where another number follows (`and ten thousand`)."""
    size, value = _below_hundred(words, index + 1) if words[index : index + 1] == ["and"] else (0, 0)
    after = words[index + 1 + size] if index + 1 + size < len(words) else ""
    other = after in _SCALES or after in ("hundred", "point", "cents", "pence") or _percent(words, index + 1 + size)
    return (0, 0) if not size or other or _starts_number(after) else (1 + size, value)


def _below_thousand(words: list[str], index: int) -> tuple[int, int]:
    """`two hundred and fifty one` -> (5, 251); (0, 0) if no number starts here."""
    size, value = _below_hundred(words, index)
    if not size and words[index : index + 2] in (["a", "hundred"], ["a", "thousand"], ["a", "million"]):
        size, value = 1, 1
    if not size or words[index + size : index + size + 1] != ["hundred"] or value > 99:
        return size, value
    size, value = size + 1, value * 100
    gap = 1 if words[index + size : index + size + 1] == ["and"] else 0
    more, rest = _below_hundred(words, index + size + gap)
    other = words[index + size + gap + more : index + size + gap + more + 1] == ["hundred"]
    return (size + gap + more, value + rest) if rest and not other else (size, value)


def _below_hundred(words: list[str], index: int) -> tuple[int, int]:
    here = words[index] if index < len(words) else ""
    if here in UNITS:
        return 1, UNITS[here]
    if here in TENS:
        after = words[index + 1] if index + 1 < len(words) else ""
        return (2, TENS[here] + UNITS[after]) if 0 < UNITS.get(after, 99) < 10 else (1, TENS[here])
    return 0, 0


def _decimals(words: list[str], index: int) -> tuple[int, float]:
    """`point two five` -> (3, 0.25); (0, 0.0) where no decimal part follows."""
    if words[index : index + 1] != ["point"]:
        return 0, 0.0
    digits = ""
    while UNITS.get(words[index + 1 + len(digits)] if index + 1 + len(digits) < len(words) else "", 99) < 10:
        digits += str(UNITS[words[index + 1 + len(digits)]])
    return (1 + len(digits), float(f"0.{digits}")) if digits else (0, 0.0)


def _tells_year(before: str, words: list[str], index: int) -> bool:
    """Is `twenty thirty` here a year and not two numbers, is `nineteen ninety five` one and not a price?"""
    size, rest = _below_hundred(words, index + 1)
    after = words[index + 1 + size] if index + 1 + size < len(words) else ""
    if after in _COUNTED or after in _MONEY or after in _HUNDREDS or _percent(words, index + 1 + size):
        return False
    if words[index] == "nineteen":
        # "it is nineteen ninety nine", "in at nineteen eighty a roll" are prices
        told = before in _BEFORE_YEARS or before in ("of", "from", "before", "after", "through")
        return told and after not in ("a", "an", "per", "each", "apiece")
    if before in _MONTHS:
        return True
    if before in _BEFORE_YEARS:
        return rest % 10 > 0 or not after or after in _BEHIND_YEARS
    return before in _PERHAPS_BEFORE_YEARS and rest % 10 > 0


def _full_year(words: list[str], index: int) -> tuple[int, str] | None:
    return _year(words, index) or _year_of_thousands(words, index)


def _year_of_thousands(words: list[str], index: int) -> tuple[int, str] | None:
    """`two thousand and nineteen` -> (4, `2019`), no sum of money or percentage; None where there is none."""
    if words[index : index + 2] != ["two", "thousand"]:
        return None
    gap = 2 + (words[index + 2 : index + 3] == ["and"])
    more, rest = _below_hundred(words, index + gap)
    after = words[index + gap + more] if index + gap + more < len(words) else ""
    counts = after in _MONEY or after in _HUNDREDS or _starts_number(after) or _percent(words, index + gap + more)
    return None if counts or not rest else (gap + more, f"{2000 + rest}")


def _year(words: list[str], index: int) -> tuple[int, str] | None:
    """`twenty twenty six`, `nineteen ninety five` -> figures."""
    century = {"nineteen": 19, "twenty": 20}.get(words[index])
    size, rest = _below_hundred(words, index + 1)
    if century is None or not size or rest < 10 or _starts_number(" ".join(words[index + 1 + size : index + 2 + size])):
        return None
    return 1 + size, f"{century}{rest:02d}"
