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
_PARTS = frozenset("half third thirds quarter quarters fifth fifths".split())
_NTH = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()
_ORDINALS = {word: value for value, word in enumerate(_NTH, start=1)} | {"thirtieth": 30}


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
            size, rendered = _number(words, index)
        out.append(rendered if size else words[index])
        index += size or 1
    return " ".join(out)


def _date(words: list[str], index: int) -> tuple[int, str]:
    """`march thirty first`, `march the third` -> (words used, `March 31`); (0, "") where there is no date."""
    if words[index] not in _MONTHS:
        return 0, ""
    at = index + 1 + (words[index + 1 : index + 2] == ["the"])
    size, day = _ordinal(words, at)
    if not size or not 1 <= day <= 31:
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
    if _starts_number(after) or (index and _starts_number(words[index - 1])):
        run = size
        while index + run < len(words) and _starts_number(words[index + run]):
            run += 1
        return run, " ".join(words[index : index + run])
    if after in _MONEY:
        more, cents = _cents(words, index + size + 1)
        return size + 1 + more, f"{_MONEY[after]}{_figures(value, scale)}{cents if value == int(value) else ''}"
    percent = _percent(words, index + size)
    if percent:
        return size + percent, f"{_figures(value, scale)}%"
    if value < 10 or words[index] == "a":
        return size, " ".join(words[index : index + size])
    return size, _figures(value, scale)


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


def _cents(words: list[str], index: int) -> tuple[int, str]:
    """`and fifty cents` -> (3, `.50`); (0, "") where no cents follow."""
    size, value = _below_hundred(words, index + 1)
    follows = words[index : index + 1] == ["and"] and words[index + 1 + size : index + 2 + size]
    return (2 + size, f".{value:02d}") if size and follows in (["cents"], ["pence"]) else (0, "")


def _starts_number(word: str) -> bool:
    return word in UNITS or word in TENS


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
        if not used:
            break
        point, decimals = _decimals(words, index + size + used)
        scale = words[index + size + used + point] if index + size + used + point < len(words) else ""
        if scale in _SCALES and _SCALES[scale] < last_scale:
            size += used + point + 1
            total += (value + decimals) * _SCALES[scale]
            last_scale, top = _SCALES[scale], top or scale
            if point:
                break
            continue
        if (last_scale > 1000 or value < last_scale) and (not size or last_scale >= 1000):
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
    return (size + gap + more, value + rest) if more else (size, value)


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
    """Is `twenty thirty` here a year and not two numbers? `nineteen ninety five` always is one."""
    if words[index] == "nineteen" or before in _BEFORE_YEARS:
        return True
    return before in _PERHAPS_BEFORE_YEARS and _below_hundred(words, index + 1)[1] % 10 > 0


def _full_year(words: list[str], index: int) -> tuple[int, str] | None:
    return _year(words, index) or _year_of_thousands(words, index)


def _year_of_thousands(words: list[str], index: int) -> tuple[int, str] | None:
    """`two thousand and nineteen` -> (4, `2019`), no sum of money or percentage; None where there is none."""
    size, value, _ = _cardinal(words, index)
    after = words[index + size] if index + size < len(words) else ""
    counts = after in _MONEY or _starts_number(after) or _percent(words, index + size)
    return None if counts or not 2000 < value < 2100 or value % 1 else (size, f"{value:.0f}")


def _year(words: list[str], index: int) -> tuple[int, str] | None:
    """`twenty twenty six`, `nineteen ninety five` -> figures."""
    century = {"nineteen": 19, "twenty": 20}.get(words[index])
    size, rest = _below_hundred(words, index + 1)
    if century is None or not size or rest < 10 or _starts_number(" ".join(words[index + 1 + size : index + 2 + size])):
        return None
    return 1 + size, f"{century}{rest:02d}"
