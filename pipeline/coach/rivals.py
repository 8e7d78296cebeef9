"""Names of competitors in what is said about another vendor.

Few words show by themselves that a name is another supplier's (`telling_names`): it quotes, comes in at a price, is
paid for. Beside them are rules over one turn of a buyer's that is about a rival: a name that offers, quotes, came or
called; whose people, man or system are spoken of; that they have, use or compare with. Places, nationalities and
languages are none, nor is a relation's first name. In text without capitals nothing is found: `competitors` in
`company.yaml` is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.coach.names import NO_NAMES
from pipeline.wording import straight

_WORD = r"(?=[A-Z][\w&]*[a-z\d])[\w&]+|[A-Z]{2,}"
_NAME = rf"(?:[A-Z]-)?(?:{_WORD})(?:[- ](?:{_WORD}))*"
_ITS = """people guy guys lot crowd fella feller fellow fellers man men rep reps dealer partner store boy boys lad lads
    bunch outfit agent team"""
_DOES = """came come comes called rang phoned says said quoted offer offers offered brought sent proposed proposes gave
    give gives does made makes measured tested"""
_FROM = "offer quote quotation proposal bid price demo contract licence license internet kit machine machines"


def _any(words: str) -> str:
    return "|".join(words.split())


_STARTS = r"(?:^|[.?!,;:] |\b(?:that|and|but|because|so|now|as) )"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_STARTS}(?P<name>{_NAME})(?:'s| is| are| has| have| had)?(?: also| just| already)? "
        rf"(?:{_any(_DOES)}|been in)\b",
        rf"{_STARTS}(?P<name>{_NAME}) (?:do (?:it|that|the|their)|will bring|can do|(?:was|were) (?:here|in))\b",
        rf"\b(?P<name>{_NAME})(?:'s)? (?:{_any(_ITS)})\b",
        rf"\b(?:{_any(_FROM)}) (?:is |are )?(?:from|by|with|of) (?:the )?(?P<name>{_NAME})",
        rf"\b(?:look|talk|speak|spok|switch|compar)\w* (?:at|to|with) (?:that |the |a |an )?(?P<name>{_NAME})",
        rf"\b(?:against|instead of|(?:went|go|stick|stay|playin['g]?) with) (?:that |the |a |an )?(?P<name>{_NAME})",
        rf"\b(?:[Ww]e|[Tt]hey)(?:'ve|'re on| are on| have| use| got| had| also| already| do| on)+ "
        rf"(?:the |a |an |our )?(?P<name>{_NAME})",
        rf"\b(?:[Tt]here's|[Tt]here is|And|with|is|are) (?:the )?(?P<name>{_NAME}),? "
        r"(?:too|also|as well|already|installed)\b",
        rf"\b(?:vendor|supplier|competitor|rival|alternative|other)s?(?: is| are|,|:| like| called| named)+ "
        rf"(?:the )?(?P<name>{_NAME})",
    )
)
_PRODUCT = r"(?:ones?|units?|machines?|systems?|cameras?|kit|gear|boxes|software|tool|platform|readers?|sensors?)"
_NUMBER = (
    r"(?:\d[\d,.]*|\w+(?:ty|teen|hundred|thousand)\b[\w-]*|(?:one|two|three|four|five|six|seven|eight|nine|ten)\b)"
)
_STAFF = r"(?:integrator|engineers?|maintenance|operators?|installer|contractor|consultant|corporate|fitters?)"
_TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_STARTS}(?P<name>{_NAME})(?:'s| has| have| had|'ve) (?:been calling|called again)\b[^?]*"
        r"\b(?:them|they|their)\b",
        rf"{_STARTS}(?P<name>{_NAME})(?:'s| has| have| had|'ve) (?:quoted|undercut)\b",
        rf"{_STARTS}(?P<name>{_NAME}) (?:quoted|undercut|came in (?:at|with|under)|dropped to|(?:is|are) (?:asking|"
        rf"charging|offering)) (?:us |about |only |a )?{_NUMBER}",
        rf"\b(?P<name>{_NAME}),? (?:was|were|came) in (?:here|last|on|this)\b[^?]*?"
        r"\b[Tt]hey(?:'re| are|'ve)? (?:saying|asking|"
        r"quot\w+|offer\w*|want|charge|say)\b",
        rf"\b(?P<name>{_NAME}),? they (?:called|quoted|dropped|offered|came (?:in|back|down)|undercut|charge|want)\b",
        rf"\b(?:[Qq]uote|[Oo]ffer|[Bb]id|[Pp]roposal|[Qq]uotation) (?:is |was )?(?:from|by) (?:the )?(?P<name>{_NAME})",
        rf"\b{_STAFF}\b[^.?!]{{0,25}} (?:likes|prefers|swears by|recommends|is pushing|wants) (?P<name>{_NAME})",
        rf"\b(?P<name>{_NAME}),? (?:from [A-Z]\w+, )?(?:gave|made|sent) (?:me|us) "
        rf"(?:less|a (?:lower|better)|{_NUMBER}"
        r"(?= ?[,.;!?]|$| (?:all|a|per|each|for|with|and|euros?|pounds?|dollars?)\b))",
        rf"\b(?P<name>{_NAME})(?:'s)?(?:'ve| have| has)? been on(?: to \w+)?\b[,.]? "
        r"(?:and )?[Tt]hey(?:'ve|'ll|'d| \w+)",
        rf"\b(?P<name>{_NAME})[.,;] (?:[Hh]e|[Ss]he|[Tt]hey)(?:'s|'re|'ve| is| are| has| have)? (?:after )?"
        r"(?:quot\w+|undercut)",
        rf"\bgot (?P<name>{_NAME})(?:'s)? coming in\b[^?]*\b(?:quote|refurb|offer|(?:for|at) {_NUMBER})",
        rf"\b(?P<name>{_NAME}), they [^.?!]{{0,40}}\b(?:they'll|they'd|they will) "
        r"(?:put|do|give|throw|fit|match|lend)\b",
        rf"\b[Ww]e(?:'re| are| been|'ve been| have been)(?: already)? (?:hooked up|tied (?:in|up)|set up|contracted|"
        rf"signed up|under contract) (?:with|to) (?P<name>{_NAME})",
        rf"\b(?:gone|went|switched|moved|going) (?:over )?to (?:the other \w+, )(?:to )?(?P<name>{_NAME})",
        rf"\b(?:used|second-?hand|refurb(?:ished)?) (?:one of (?:those|these|them) )?(?P<name>{_NAME})\b"
        rf"(?=[^?]*\bfor {_NUMBER})",
        rf"\b(?:versus|vs\.?|cheaper than|more expensive than|dearer than|switch(?:ed|ing)? (?:over )?to|"
        rf"(?:thinking|talk) of (?:going with|switching to)) (?:the )?(?P<name>{_NAME})",
    )
)
"""What says of a name, in any turn and by itself, that it is another supplier."""
_OWNED = re.compile(
    rf"\b(?:[Pp]aid|[Pp]ay|[Bb]ought|[Hh]ave|[Gg]ot|[Rr]un|[Uu]se)\b[^.?!,]{{0,30}}\b(?:the|those|these|some) "
    rf"(?P<name>{_NAME}) {_PRODUCT}\b"
)
"""What a buyer has; a rep who speaks so speaks of their own."""
_IN = re.compile(r"\b(?:in|near|around|outside|out of|over in|up in|down in|at) (?:the )?$")
_NONE = NO_NAMES | frozenset(
    """The His Their Look See Three Four Five Six People Dad Mum Mom Boss Sir Madam Mr Mrs Ms Dr Here Lord Jesus
    Jaysus Today Tomorrow Yesterday Last Next Some Other Another American British English Scottish Welsh Irish
    German Germans French Dutch Belgian Italian Spanish Portuguese Swiss Austrian Polish Czech Danish Swedish
    Norwegian Finnish Turkish Indian Chinese Japanese Korean Taiwanese Canadian Mexican Brazilian Australian
    European Asian African Local Americans Italians Indians Koreans Danes Swedes Poles Turks Russians
    England Scotland Wales Ireland Britain Germany France Holland Netherlands Belgium
    Italy Spain Portugal Switzerland Austria Poland Denmark Sweden Norway Finland Turkey India China Japan Korea
    Taiwan Malaysia Singapore Canada Mexico Brazil Australia Europe Asia Africa America London Paris Berlin USA
    UK EU US Enterprise Standard Basic Premium PDF CSV VAT ERP CRM POD QC CEO CFO IT HR ISO HEPA GPS API AI QA
    PO PC Pareto Gantt Excel Outlook Google Teams Zoom East West North South Christ Ja Nein Oui""".split()
)  # fmt: skip


def rival_names(text: str) -> list[str]:
    """Names of other vendors in a buyer's turn about one, in order."""
    own = {hit.group("name") for hit in _HAVE_HIM.finditer(text)} if _own_person(text) else set()
    own |= {hit.group("name") for says in (_SAYS_HE, _SAYS_AND_SHE) for hit in says.finditer(straight(text))}
    return [name for name in _names(text, _PATTERNS) if name not in own]


_ASKS = frozenset("Would Have Has Had Did Does Do Can Could Will Should Is Are Was Were Let".split())


def telling_names(text: str, *, side: str = "buyer") -> list[str]:
    """Names that a turn of a side by itself shows to be other suppliers: they quote, are paid for, weighed against."""
    return list(_telling_names(text, side))


@lru_cache(maxsize=8192)
def _telling_names(text: str, side: str) -> tuple[str, ...]:
    patterns = (*_TELLING, _OWNED) if side == "buyer" else _TELLING
    found = _names(straight(text), patterns)
    return tuple(name for name in found if name.split()[0] not in _ASKS)


def _names(text: str, patterns: Sequence[re.Pattern[str]]) -> list[str]:
    found: list[str] = []
    hits = sorted((m.start("name"), m.group("name")) for pattern in patterns for m in pattern.finditer(text))
    for start, name in hits:
        parts = re.split(r"[ ]", name)
        while parts and parts[0] in _NONE:
            start += len(parts[0]) + 1
            parts = parts[1:]
        while parts and parts[-1] in _NONE:
            parts = parts[:-1]
        name = " ".join(parts).removesuffix("'s")
        if len(name) > 2 and not _IN.search(text[:start]) and name not in found:
            found.append(name)
    return [name for name in found if not any(name != other and name in other.split() for other in found)]


_WHO = r"(?:one|ones|lot|guys?|compan(?:y|ies)|crowd|bunch|people|supplier|vendor|firm|outfit|party|option|quote|offer)"
_MAKER = (
    r"(?:compan(?:y|ies)|firm|outfit|crowd|mob|man|guy|fell(?:a|er|ow)s?|lad|lads|bunch|dealer|importer|consultant|"
    r"integrator|reseller|partner|vendor|supplier|hauler|moulder|maker|contractor|agency|party|workshop|producer)"
)
_OURS = (
    r"(?:nephew|niece|grandson|son|daughter|cousin|brother(?:-in-law)?|lad|apprentice|IT|engineers?|guys|team|people)"
)
_OWN_WAY = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bin[- ]house\b",
        r"\b(?:do|make|build|buy|program|run|write|fix) (?:it|this|that|them|one|the \w+) "
        r"(?:our|my|him|her)sel(?:f|ves)\b",
        rf"\b(?:my|our|his|her) (?:own |young )?(?:\w+'s )?{_OURS}\b[^.?!]{{0,60}}\b(?:says?|said|could|can|"
        r"reckons?|wants to|built|does (?:it|this|that|computers))\b",
        r"(?<!\bso we )(?<!\bso I )\b(?:don't|do not) (?:have|need) to do (?:nothing|anything)(?: at all)?"
        r"(?= ?[.,;!]|$| (?:I|i) mean\b| we\b)(?!,? you\b)|"
        r"\b(?:could|can|we'll|just) (?:just )?(?:get|buy|put up) a (?:bigger|better|new|second) "
        r"(?:white ?board|board|book|whiteboard|spreadsheet|ledger|calendar|diary)\b"
        r"(?! (?:invit\w+|entry|slot|date|meeting|member)\b)",
        r"\b(?:could|can|we'll|just) hire (?:somebody|someone|a|another|one)\b",
    )
)
_SECOND_OFFER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?<!an)other {_WHO}(?!s? (?:day|thing|side|week))\b",
        r"\banother (?:company|supplier|vendor|firm|quote|offer|proposal|price)\b",
        r"\b(?:quot(?:e|ed|es|ation|ations)|offer(?:s|ed)?|proposal|bid)\b[^.?!]{0,25}\bfrom "
        r"(?!you\b|us\b|me\b|your\b)\w",
        r"\b(?:I've|we've|I have|we have|got|there's) (?:an?|one|some) (?-i:[A-Z])[a-z]+ (?:quote|offer|bid)s?\b",
        r"\b(?:they|he|she|who|that)(?:'ve|'s| have| has)? (?:quoted|offered|undercut) (?:me|us)\b",
        r"\b(?:per ?cent|percent|%|cents?|pounds?|grand) (?:under|less than|below|cheaper than) (?:you|yours)\b",
        r"\b(?:cheaper|dearer) than you(?:rs)?\b|\b(?:they'll|he'll|will|would|to) match (?:you|your)\b",
        rf"\b(?:a|an|one|some|your|local|the) (?:\w+ )?{_MAKER}\b[^.?!]{{0,12}}\b(?:in|from|at|out of|over in)\b[^?]*?"
        rf"\b(?:{_NUMBER}|half|cheaper|less|quot\w+|offer\w*)",
        rf"\b(?:thing|one|price|number) (?:here )?from [A-Z]\w+[^.?!]{{0,12}}\b(?:at|for) {_NUMBER}",
        rf"\b(?:the|a|our|that|this) (?:local |other |same )?{_MAKER}\b[^.?!]{{0,25}}\b(?:gave|given|quot\w+|offer\w*|"
        r"(?:says?|said) (?:they|he|we|she|it|the))\b",
        r"\b(?:he|they|she) (?:also )?(?:has|have) an? \w+[^.?!]{0,12}[.?!,] (?:[Aa]nd )?(?:it's )?free\b",
        r"\balready (?:pay|paying|paid) for\b|\balready (?:have|has|got)\b[^?]*\b(?:paid|free|license)",
        r"\bwe(?:'re| are) (?:hooked|tied|signed) (?:up|in) with\b|\bstay with (?:them|him|her|who we)\b",
        r"\b(?:their|his|her) (?:quote|offer|price|proposal)\b",
        rf"\b(?:used|second-?hand|refurb(?:ished)?) (?:one|unit|machine|\w+)\b[^.?!]*\bfor {_NUMBER}",
    )
)
ANOTHER = (*_SECOND_OFFER, *_OWN_WAY)
"""How another's offer or doing it themselves is spoken of."""


def in_house(text: str) -> bool:
    """Whether a buyer speaks of doing it with their own people instead."""
    return _any_of(_OWN_WAY, text) or _own_person(text)


def speaks_of_another(text: str) -> bool:
    """Whether a buyer's words by themselves tell of another supplier's offer, or of doing it with their own people."""
    return in_house(text) or _any_of(_SECOND_OFFER, text) or bool(telling_names(text))


_SAYS_HE = re.compile(
    r"\b(?P<name>[A-Z][a-z]+) (?:says|said|thinks|reckons)(?: that)? (?:he|she)\b"
    r"(?!(?:'ll|'d| will| would| can) match\b)"
)
"""`Artie says he could do it over the shutdown`: a person, and no firm."""
_MONEY = r"(?:\d[\d,.]*|hundred|thousand|grand|million|percent|cents?|euros?|pounds?|dollars?)"
_SAYS_AND_SHE = re.compile(
    rf"\b(?P<name>[A-Z][a-z]+) (?:says|said|thinks|reckons)\b(?![^.?!]*\b(?:they|their|{_MONEY})\b)[^.?!]*[.?!] "
    r"(?:He|She)(?:'s| is| has|'d| \w+s)\b"
    r"(?![^.?!]*\b(?:quot|offer|charg|under|cheap))"
)
"""`Bea says there's one for free. She's got it on her laptop.`"""
_HAVE_HIM = re.compile(
    r"\b[Ww]e(?:'ve)? (?:have|got|have got) (?P<name>[A-Z][a-z]+)[.,;] (?:(?P=name)|[Hh]e|[Ss]he)(?:'s)? \w+"
)


def _own_person(text: str) -> bool:
    """`We have Ines. She builds these`: somebody of theirs and no firm."""
    return any(not _any_of(_TELLING, text) for _ in _HAVE_HIM.finditer(straight(text)))


_WONT = (
    r"(?:(?:won't|will not|wouldn't|would not|'ll (?:not|never)|will never|'d never|refuses to|(?:'s|is) not (?:going "
    r"to|gonna|ganna)|isn't (?:going to|gonna)) (?:use|wear|touch|like|want|trust|learn|go near|hear of|stand for)|"
    r"(?:doesn't|does not|didn't|never) (?:like|want|trust|believe|hold with)|hates|"
    r"(?:'s|is) (?:dead )?(?:set )?against)"
)
_YEARS = r"(?:'s|'d| has| had) (?:been|worked|drawn|run|made|done|built|kept|\w+ed) (?:it |this |that |them )?"
_NOT_ONCE = r"\b(?! (?:on|last|this|twice|once|yesterday)\b)"
_AGAINST = rf" ?{_WONT}\b|[^.?!]{{0,120}} over (?:his|her|my) dead body\b"
_INSIDE = rf"(?:{_AGAINST}|{_YEARS}(?:here|with us|for us){_NOT_ONCE})"
_NAMED_INSIDE = rf"(?:{_AGAINST}|{_YEARS}here{_NOT_ONCE})"
"""Of a name alone: a supplier has been with them for years, too."""
_RESISTS = re.compile(
    rf"\b(?:(?:[Hh]e|[Ss]he|(?:[Oo]ur|[Mm]y|[Ww]or) (?:\w+ ){{1,3}}?(?:(?:he|she|they),? )?){_INSIDE}|"
    rf"{_NAME}{_NAMED_INSIDE})"
)
"""Somebody of theirs who is against it: `he won't use it`, `over his dead body`, `she's been here thirty years`."""
_WHO_RESISTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?P<name>{_NAME})(?:, [^,.?!]{{1,30}},)?{_NAMED_INSIDE}",
        rf"\b(?P<name>{_NAME})[.,;] (?:(?!{_NAME})[^?]){{0,60}}?\b(?:[Hh]e|[Ss]he){_INSIDE}",
    )
)


def inside_names(text: str) -> list[str]:
    """Names of people whom a buyer's turn shows to be their own, by their years there or by what they will not use."""
    if not _RESISTS.search(straight(text)):
        return []
    telling = telling_names(text)
    return [name for name in _names(straight(text), _WHO_RESISTS) if name not in telling]


def _any_of(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    plain = straight(text)
    return any(pattern.search(plain) for pattern in patterns)


def own_names(text: str) -> set[str]:
    """Names that a rep speaks of as theirs: `Priya from Steady Line`, `our Pulse`."""
    said = re.findall(rf"\b(?:from|at|with us at|[Oo]ur|we're|We're|I'm from|it's|[Tt]his is) (?P<name>{_NAME})", text)
    return {part for name in said for part in name.split()} - _NONE


def names_it(name: str, text: str, *, any_case: bool = False) -> bool:
    """Whether a text says the name."""
    return bool(by_name(name, any_case=any_case).search(text))


def by_name(name: str, *, any_case: bool = False) -> re.Pattern[str]:
    """Finds the name as a whole, also one that ends in no letter: `Acme Inc.`"""
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE if any_case else 0)
