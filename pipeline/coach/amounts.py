"""Whether words name a sum of money, a number worth noting, or only a measure; what is said and what is asked.

Rules in English for spoken numbers: of a price people mostly say the number alone (`twenty-six four`), so that what is
no sum is told by its unit (`eight weeks`, `forty per cent`), by the model it belongs to (`TF 80`, `CX six hundred`), by
what it is said of (`the stroke is three hundred`, `every two fifty`) or by its smallness. Shares of a payment (`thirty,
sixty, ten`) and sums that the buyer does not pay to the seller (`it costs us a thousand a day`) are no prices.
"""

from __future__ import annotations

import re

from pipeline.coach.clauses import clauses, sentences
from pipeline.numerals import TENS as VALUES
from pipeline.numerals import UNITS
from pipeline.wording import straight

_ONES = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_ROUND = "twenty|thirty|forty|fourty|fifty|sixty|seventy|eighty|ninety"
TENS = rf"\w+teen|{_ROUND}"
_SCALES = "hundred|thousand|grand|lakhs?|crores?|million"
_WORD = rf"(?:{_ONES}|{TENS}|{_SCALES})"
_NUMBER = rf"(?:\d[\d.,]*|\b{_WORD}\b(?:(?:[ -]+(?:and )?|[ -]point[ -]){_WORD}\b){{0,9}})"
_UNITS = r"""%|(?:per ?cent|years?|quarters?|months?|weeks?|days?|nights?|shifts?|hours?|minutes?|seconds?|o'clock|
    tonn?e?s?|kilos?|kg|grams?|lit(?:re|er)s?|(?:kilo|centi|milli)?met(?:re|er)s?|mil|mm|inch(?:es)?|f(?:ee|oo)t|
    degrees?|kilowatts?|amps?|volts?|bar|psi|times|people|persons?|men|users?|seats?|licen[cs]es?|sites?|sheets?|
    pieces?|machines?|pounds? (?:empty|dry|of pressure|(?:a|per) square))\b""".replace("\n    ", "")
_MODEL = re.compile(
    r"\b[A-Z]{1,4}[ -]?\d+\b|\b(?!(?:[AI]|OK|US)\b)[A-Z]{1,2}[ -](?=[a-z])"
    rf"(?!(?:[\w-]+ ){{0,4}}(?:thousand|grand|lakhs?|crores?|million)\b)(?i:{_NUMBER})"
)
_MEASURED = re.compile(rf"{_NUMBER}[ -]*(?:{_UNITS})", re.IGNORECASE)
_ABOUT = r"(?:about |around |roughly |only |just |up to )?"
_DIMENSION = re.compile(
    r"(?:\b(?-i:[XYZ])(?: axis| travel)?|\b(?:width|height|length|depth|diameter|bore|stroke|travel|reach|throat|"
    r"clearance|temperature|pressure|speed|cycle time|weight|accuracy|resolution)) ?(?:'s|is|was|of|at|goes to) "
    rf"{_ABOUT}{_NUMBER}|\b(?:made|measured|clocked|weighed|ran at|runs at|I'd count|every) {_ABOUT}{_NUMBER}",
    re.IGNORECASE,
)
"""Numbers that measure by what they are said of: `the Z is three hundred`, `it made thirteen point one`."""
_FREE = re.compile(
    r"\b(?:we|I) (?:don't|do not|won't|never) charge (?:you |ye )?(?:extra )?(?:for )?(?:it|that|them)\b[^,]*",
    re.IGNORECASE,
)
"""What is told before that is not for the buyer to pay."""
_NOT_CHARGED = re.compile(
    r"\b(?:we|I) (?:don't|do not|won't|never) charge (?:you |ye )?(?:for|extra)\b[^,]*|"
    r"\b(?:I|we)(?:'ll|'d| will| would)? (?:pay|owe) (?:you|ye|them|him|her)\b[^,]*|\bcosts? (?:us|me)\b[^,]*|"
    r"\b(?:my|our) (?:own )?costs? (?:is|are|was)\b[^,]*|"
    r"\b(?:he|she|they)(?:'s|'re| is| are) (?:asking|charging)\b[^,]*|"
    r"[^,]{0,60}\bat your (?:own )?(?:rates?|tariff|wages?)\b",
    re.IGNORECASE,
)
"""Sums that the seller bears, pays or asks nothing for, that others ask for, or that the buyer pays to their own."""
_CURRENCY = (
    r"(?:dollars?|bucks?|cents?|pounds?|pence|quid|euros?|lakhs?|crores?|rand|rupees|zloty|kron\w+|francs?|naira)"
)
_SUM = re.compile(
    rf"[$£€]\s?\d|\d{{2}}|\b(?:{TENS}|{_SCALES})\b|\b(?:\d+|{_ONES}) (?:\w+ )?{_CURRENCY}\b|"
    rf"\b(?:{_ONES})(?:[ -](?:{_ONES})| and a (?:half|quarter))\b",
    re.IGNORECASE,
)
_MONEY = re.compile(rf"[$£€]\s?\d|(?:\d|\b{_WORD}) (?:\w+ )?{_CURRENCY}\b", re.IGNORECASE)
_TWO = rf"(?:(?:{_ROUND})(?:[ -](?:{_ONES}))?|\w+teen|ten|eleven|twelve)"
_HUNDREDS = rf"(?:(?:an?|{_TWO}|{_ONES})[ -])?hundred(?:[ -](?:and )?(?:{_TWO}|{_ONES}))?"
_PAIR = (
    rf"(?!(?:{_ONES})[ -](?:fifteen|thirty|forty[ -]five)\b|twenty[ -](?:twenty|\w+teen|ten|twelve)\b)"
    rf"(?:(?:{_TWO}|{_ONES})[ -]{_TWO}|(?:(?:{_ROUND})[ -](?:{_ONES})|\w+teen|{_ONES})[ -](?:{_ONES}))"
)
"""`Four ninety`, `ninety-eight five`; what is as likely a time of day or a year is none."""
_UNCOUNTED = (
    r"(?= ?[.,;:?!)]|$|'s\b| (?:an?|per|each|for|in|on|if|but|and|or|as|plus|the|once|one|with|all|ex|then|off|fixed|"
    r"by|up)\b)"
)
SAID_SUM = re.compile(
    r"[$£€]\s?\d[\d,.]*k?|\b(?:\d[\d,.]*|(?:[a-z]+[- ]){1,4}?)(?:thousand|grand|lakhs?|crores?|million|"
    r"dollars?|bucks|pounds?|quid|euros?|rand|rupees)\b|\b\d{2,3}[,.]\d{3}\b|"
    rf"\b(?:{_HUNDREDS}|{_PAIR}){_UNCOUNTED}",
    re.IGNORECASE,
)
"""A sum of money as it is said: with its currency or scale, or alone where nothing behind it is counted (`eleven forty
each`, `ninety-eight five`, not `fifteen hundred invoices`)."""
_BY_HOW_MUCH = re.compile(
    rf"\b(?:takes?|knocks?|saves?) (?:off )?{_ABOUT}{_NUMBER}|"
    rf"\b{_NUMBER} (?:\w+ )?(?:less|more|off|cheaper|dearer|extra|under|over)\b",
    re.IGNORECASE,
)
_ANY = re.compile(rf"\d|\b{_WORD}\b|\bhalf\b", re.IGNORECASE)
_LARGE = re.compile(rf"\d{{2}}|\d ?%|\b(?:{TENS}|{_SCALES}|per ?cent)\b", re.IGNORECASE)
_PERIOD = (
    r"(?:an?|per|each|every|in an?|in the|the) (?:minute|hour|day|night|shift|week|month|quarter|year|season|run|batch|"
    r"load|order|job|crate|pallet|piece|pop|time)\b"
)
_BETWEEN = r"(?:(?!(?:and|or|but|so|then|I|we|you|he|she|it|they|the|that|if|is|was|in|on|at|to)\b)[\w'-]+ )"
"""A word between a number and what is counted, within one phrase."""
_RATE = re.compile(rf"(?:{_NUMBER}|\btwice)[ -]*(?:(?:and|or|to) \w+ )?{_BETWEEN}{{0,3}}?{_PERIOD}", re.IGNORECASE)
"""How much comes in a period or on each of something: `nine trailers a month`."""
_SPENT = (
    r"(?:hours?|minutes?|days?|weeks?|nights?|shifts?|people|men|women|guys|lads|heads|engineers|orders|customers|"
    r"tonn?e?s?|kilos?|pallets?|pieces?|parts?|boxes|loads?|trucks?|stops?|returns?|complaints?)"
)
AMOUNT = re.compile(
    rf"{_RATE.pattern}|{_MONEY.pattern}|\b\d+k\b|\b(?:thousand|grand|lakhs?|crores?|million)\b|"
    rf"{_NUMBER} ?(?:%|per ?cent)|"
    rf"\b(?!one\b){_NUMBER} of (?:them|'em|those|these|our|my)\b|{_NUMBER} (?:out of|in) (?:every |an? )?{_NUMBER}|"
    rf"(?<!\bin )(?<!\bnext )(?<!\blast )(?<!\bfirst )(?<!\bother )(?:{_NUMBER}|\b(?:an?|half an?)(?= hour))[ -]*"
    rf"{_BETWEEN}{{0,2}}?{_SPENT}\b(?! (?:ago|later|old|from now|notice))",
    re.IGNORECASE,
)
"""What something is or takes: a rate, money, a share, time, people, goods; no number that is only a day or an age."""
_HOW_MUCH = re.compile(r"\bhow (?:many|much|often|long)\b|\bwhat\b[^.?!]{0,40}\b(?:cost|worth)\b", re.IGNORECASE)
_HOW_MUCH_OF_A_PERIOD = re.compile(rf"\bhow (?:many|much|often)\b[^.?!]*? {_PERIOD}", re.IGNORECASE)
_ASKS_BACK = re.compile(
    r"\b(?:(?:was|were|is|are) (?:it|that|they|we)|which|what(?! about| if)|when|how (?:much|many|long))\b[^.?!]*\?",
    re.IGNORECASE,
)


def stated(text: str) -> str:
    """The text without its sentences that want to be told something; an offer made as a question is stated."""
    return " ".join(said for said, _ in sentences(text) if not _ASKS_BACK.search(said))


def names_sum(text: str, *, small: bool = False) -> bool:
    """Whether a text states an amount that may be money: a number that measures nothing else.

    `small`: a lone small number counts too (`it's nine`), where it is known that a price is spoken of.
    """
    return bool((_ANY if small else _SUM).search(_unmeasured(stated(text))))


def offers_sum(text: str) -> bool:
    """Whether a text states a sum by its words alone; none that is taken off, or that something is dearer by."""
    return bool(SAID_SUM.search(_BY_HOW_MUCH.sub(" ", _unmeasured(stated(text)))))


def measures_only(text: str) -> bool:
    """Whether a text measures something and names no currency: a number in it may be another measure."""
    return bool(_MEASURED.search(text)) and not _MONEY.search(_unmeasured(text))


def _unmeasured(text: str) -> str:
    """The text without numbers that measure, are shares of a payment or sums that are not for the buyer to pay."""
    kept = " ".join(_charged(said) for said, _ in clauses(straight(text)) if not _shares(said))
    for pattern in (_MODEL, _MEASURED, _DIMENSION):
        kept = pattern.sub(" ", kept)
    return kept


def _charged(text: str) -> str:
    free = _FREE.search(text)
    return _NOT_CHARGED.sub(" ", text[free.end() :] if free else text)


def _shares(text: str) -> bool:
    """Whether a sentence is nothing but the shares of a payment: `Thirty, sixty, ten.`"""
    words = [word for word in re.findall(r"[a-z]+|\d+", text.lower()) if word not in ("payment", "payments", "and")]
    values = [int(word) if word.isdecimal() else VALUES.get(word, UNITS.get(word)) for word in words]
    return len(values) > 1 and "," in text and None not in values and sum(value or 0 for value in values) == 100


def any_number(text: str) -> bool:
    """Whether a text has a number of any kind, in figures or words."""
    return bool(_ANY.search(text))


def large_number(text: str) -> bool:
    """Whether a text has a number that is no mere count on the fingers, or a share."""
    return bool(_LARGE.search(text))


def is_rate(text: str) -> bool:
    """Whether a text says how much comes in a period or on each of something: `nine trailers a month`."""
    return bool(_RATE.search(straight(text)))


def quantifies(text: str) -> bool:
    """Whether a text says how much something is or takes."""
    return bool(AMOUNT.search(straight(text)))


def asks_amount(text: str, *, of_a_period: bool = False) -> bool:
    """Whether a text asks how much, how many, how often or how long; `of_a_period`: in a day, a week and so on."""
    return bool((_HOW_MUCH_OF_A_PERIOD if of_a_period else _HOW_MUCH).search(text))
