"""Whether words name a sum of money, a number worth noting, or only a measure; what is said and what is asked.

Rules in English for spoken numbers: of a price people mostly say the number alone (`twenty-six four`), so that what is
no sum is told by its unit (`eight weeks`, `forty per cent`), by the model it belongs to (`TF 80`) or by its smallness.
"""

from __future__ import annotations

import re

from pipeline.coach.clauses import sentences

_ONES = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
TENS = r"\w+teen|twenty|thirty|forty|fourty|fifty|sixty|seventy|eighty|ninety"
_SCALES = "hundred|thousand|grand|lakhs?|crores?|million"
_WORD = rf"(?:{_ONES}|{TENS}|{_SCALES})"
_NUMBER = rf"(?:\d[\d.,]*|\b{_WORD}\b(?:(?:[ -]+(?:and )?|[ -]point[ -]){_WORD}\b)*)"
_UNITS = r"""%|(?:per ?cent|years?|quarters?|months?|weeks?|days?|nights?|shifts?|hours?|minutes?|seconds?|o'clock|
    tonn?e?s?|kilos?|kg|grams?|lit(?:re|er)s?|(?:kilo|centi|milli)?met(?:re|er)s?|mil|mm|inch(?:es)?|f(?:ee|oo)t|
    degrees?|kilowatts?|amps?|volts?|bar|psi|times|people|persons?|men|users?|seats?|licen[cs]es?|sites?|sheets?|
    pieces?|machines?|pounds? (?:empty|dry|of pressure|(?:a|per) square))\b""".replace("\n    ", "")
_MODEL = re.compile(r"\b[A-Z]{1,4}[ -]?\d+\b")
_MEASURED = re.compile(rf"{_NUMBER}[ -]*(?:{_UNITS})", re.IGNORECASE)
_CURRENCY = (
    r"(?:dollars?|bucks?|cents?|pounds?|pence|quid|euros?|lakhs?|crores?|rand|rupees|zloty|kron\w+|francs?|naira)"
)
_SUM = re.compile(
    rf"[$£€]\s?\d|\d{{2}}|\b(?:{TENS}|{_SCALES})\b|\b(?:\d+|{_ONES}) (?:\w+ )?{_CURRENCY}\b|"
    rf"\b(?:{_ONES})(?:[ -](?:{_ONES})| and a (?:half|quarter))\b",
    re.IGNORECASE,
)
_MONEY = re.compile(rf"[$£€]\s?\d|(?:\d|\b{_WORD}) (?:\w+ )?{_CURRENCY}\b", re.IGNORECASE)
_ANY = re.compile(rf"\d|\b{_WORD}\b|\bhalf\b", re.IGNORECASE)
_LARGE = re.compile(rf"\d{{2}}|\d ?%|\b(?:{TENS}|{_SCALES}|per ?cent)\b", re.IGNORECASE)
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


def measures_only(text: str) -> bool:
    """Whether a text measures something and names no currency: a number in it may be another measure."""
    return bool(_MEASURED.search(text)) and not _MONEY.search(_unmeasured(text))


def _unmeasured(text: str) -> str:
    return _MEASURED.sub(" ", _MODEL.sub(" ", text))


def any_number(text: str) -> bool:
    """Whether a text has a number of any kind, in figures or words."""
    return bool(_ANY.search(text))


def large_number(text: str) -> bool:
    """Whether a text has a number that is no mere count on the fingers, or a share."""
    return bool(_LARGE.search(text))
