"""Whether an account buys already, and what says so; what a customer says that is a chance, and what is trouble.

Few people say on a call that they are customers: the type of a call or the company's own list tells it best. Growth is
a plan or a number of more; a shift that is spoken of is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.coach.accounts import AccountView, quoted
from pipeline.coach.clauses import sentences
from pipeline.coach.rows import TurnRow
from pipeline.coach.statements import Statement
from pipeline.wording import straight

CUSTOMER_TYPES = re.compile(
    r"\b(?:renew\w*|check[- ]?in|(?:account|business|quarterly|service|annual|customer) review|qbr|expansion|"
    r"support|success|up-?sell\w*|cross[- ]?sell\w*|existing|onboarding|account management)\b",
    re.IGNORECASE,
)
"""Types of call that are held with customers; a review of a proposal or a trial is none."""
_CUSTOMER_SAYS = re.compile(
    r"\b(?:renew(?:al|ing)? with you|our (?:contract|licen[cs]es?|subscription|agreement|renewal) with you|we pay you|"
    r"you (?:sold|supplied|fitted|installed|charged|invoiced|billed) us|since (?:you|we) (?:put (?:it|yours|them) in|"
    r"installed|went live|signed with you)|we(?:'ve| have) (?:had|been using) (?:yours?|your \w+|it|them) (?:for|"
    r"since)|"
    r"(?:ones|one|units?|lines?|machines?) (?:we|that we) (?:bought|have|got|took) (?:from|off) you|"
    r"(?:the|our) (?:\w+ )?(?:\w+ )?(?:off|from) you\b(?=[^.?!]*\b(?:I've had|we've had|since|has|it's|broke|keeps))|"
    r"your (?:last |latest )?invoice|support (?:line|desk)[^.?!]*calling you)\b",
    re.IGNORECASE,
)
_REP_SAYS = re.compile(
    r"\b(?:your (?:renewal|contract|subscription|licen[cs]es?) (?:with us|is up|runs|ends|comes)|since you (?:came on|"
    r"went live|signed|joined us)|you've (?:had|been using) (?:it|ours|our \w+|us|them) (?:for|since)|you've been (?:a "
    r"customer|with us)|we (?:fitted|installed|delivered) (?:it|them|yours) (?:last|in|two|three))\b",
    re.IGNORECASE,
)

_THING = (
    r"(?:site|depot|plant|line|shift|warehouse|branch|office|factory|machine|team|van|truck|lorr|store|shop|hall|press|"
    r"user|seat|licen[cs]e|sensor|unit|station|starter|people|camera)\w*"
)
_MORE = rf"(?:second|third|fourth|fifth|another|new|more|extra|additional)(?: \w+){{0,2}} {_THING}"
GROWTH = re.compile(
    rf"\b(?:(?:putting in|opening(?: up)?|adding|building|buying|getting|taking on|setting up|starting|bringing in|"
    rf"we'll (?:have|open|add|buy|need|build)|(?:going|want|plan|planning|hoping|need|like) to (?:open|add|buy|build|"
    rf"have|put|run|take on))(?: \w+){{0,2}} {_MORE}|we (?:need|want)(?: \w+){{0,2}} {_MORE}|"
    rf"(?:two|three|four|five|six|ten|twenty|\d+) (?:more|extra|additional) {_THING}|"
    r"(?:we're|we are|we'll be|business is|the company is) (?:expanding|growing|hiring(?! (?:one|it|them)\b)|doubling)|"
    r"(?:roll|rolling) (?:it |this |them )?out (?:to|across|at|in) \w+|"
    r"(?:we've |we |they )?(?:just )?bought (?:a|another) (?:company|business|site|plant)|merg(?:ed|er|ing) with)\b",
    re.IGNORECASE,
)
"""Growth that is planned or counted."""
OTHER_NEED = re.compile(
    r"\b(?:do you (?:guys )?(?:also )?(?:do|make|offer|sell|supply) "
    r"(?!(?:it|that|this|them|me|us|you|with|about|when|if|a lot)\b)\w+|"
    r"do you have (?:something|anything|a (?:system|product|version|machine|tool|unit)) (?:for|that)|"
    r"(?:can|could|does|would) (?:it|yours|the same (?:thing|system|one)) also|"
    r"while (?:you're|we're) (?:here|at it),? (?:can|could|do|what)|"
    r"the other (?:problem|department|side of the business))\b",
    re.IGNORECASE,
)
"""Asking about another product, or telling of another need."""
_COMPLAINS = re.compile(
    r"\b(?:on hold (?:for )?(?:\w+[- ]){1,3}(?:minute|hour)s?|"
    r"(?:nobody|no one) (?:picks up|picked up|answers(?= ?[.,!]|$)|called (?:me |us )?back|"
    r"got back)|"
    r"(?:couldn't|can't|could not|cannot|never) (?:get|reach|find) (?:hold of )?(?:anybody|anyone|somebody|through)|"
    r"(?:second|third|fourth|fifth|\d+(?:rd|th)) time (?:since|this|in|now)|keeps? (?:on )?(?:failing|stopping|"
    r"breaking|crashing|dropping|jamming|tripping)|still (?:broken|down|not working|not fixed|doesn't|waiting for)|"
    r"(?<!not )fed up|(?<!never )(?<!not )(?<!n't )(?<!ever )let (?:us|me) down|"
    r"(?<!that )(?:we're|I'm) (?:not (?:very |at all )?happy|unhappy)|"
    r"(?:somebody|someone|you) (?:has|have|needs?) (?:got )?to (?:fix|repair|mend) (?:it|that|the|our|my)\b"
    r"(?! (?:\w+ )?(?:price|prices|rate|rates|date|day|fee|fees|terms|amount|number|budget|term)\b)|"
    r"(?:we|I) paid \w+ (?:weeks|months|years) for (?:it|that|the|one)\b[^.?!]*\bnever|"
    r"(?:it|one|unit|machine|box) (?:has )?never (?:once )?(?:worked|connected|talked to)(?! (?:so|like)\b)|"
    r"what (?:do )?we (?:actually )?get for (?:it|that|the money|our money))\b",
    re.IGNORECASE,
)
_FAULT = re.compile(
    r"\b(?:(?:is|it's|'s|been|are|they're) (?:broken|down again|down since|not working|rejecting|failing|leaking|"
    r"jammed)|stopped working|doesn't work|(?<!\bI )(?<!\bwe )won't (?:start|run|boot|turn on))\b",
    re.IGNORECASE,
)
_MAY_BE = re.compile(
    r"\b(?:if|whether|unless|whenever|in case|suppose|(?:each|every) time|something(?:'s| is)|"
    r"(?:once|when) (?!I\b|we\b|you\b))\b",
    re.IGNORECASE,
)
"""`When a thing's broken the man comes on a Friday`: nothing is broken now."""
_FIXED = re.compile(
    r"\b(?:(?:it's|that's|they're|we're) (?:green|running|working|fixed|back(?: up)?|up again|good now|fine now)|"
    r"that (?:did|fixed|solved) it|you (?:just )?saved my)\b",
    re.IGNORECASE,
)
_REVIEW = re.compile(
    r"\b(?:(?:when|before|until) (?:it|that|the (?:contract|agreement|licen[cs]e|subscription|support)|ours)"
    r"(?:'s| is| comes| runs)? (?:up|due)(?= ?[.,!?]|$| for)|(?:before|when) it runs out|"
    r"up for (?:renewal|review)|(?:cancel|cancelling|canceling|terminate|ending|end) (?:the|our|this) "
    r"(?:contract|agreement|subscription|licen[cs]e)|whether (?:to|we) renew|"
    r"(?:not|n't) (?:going to |gonna )?(?:renew|extend) |"
    r"(?:don't know|not sure|wonder\w*) (?:if|whether) (?:I|we)"
    r"(?:'ll| will| should| want to| even)? ?(?:renew|extend|stay|keep (?:it|them))|"
    r"send (?:you |them |in )?(?:the|a|our|my) "
    r"(?:cancellation|notice|termination)|out to tender|"
    r"get(?:ting)? (?:other|three|some) quotes)\b",
    re.IGNORECASE,
)


def troubles(turns: Sequence[TurnRow]) -> list[TurnRow]:
    """Buyers' turns that complain of the service, or tell of a fault that the same call does not show as mended."""
    said = [(t, straight(t.text)) for t in turns if t.side == "buyer"]
    found = []
    for place, (turn, text) in enumerate(said):
        same_call = (after for later, after in said[place:] if later.call_id == turn.call_id)
        fault = _tells_of_fault(text) and not any(_FIXED.search(after) for after in same_call)
        if fault or _COMPLAINS.search(text):
            found.append(turn)
    return found


def _tells_of_fault(text: str) -> bool:
    """Whether somebody says that something is broken, not that it may be (`when one is broken`) or whether it is."""
    told = (said for said, asks in sentences(text) if not asks)
    return any(_FAULT.search(said) and not _MAY_BE.search(said) for said in told)


def reviews(turns: Sequence[TurnRow]) -> list[TurnRow]:
    """Buyers' turns that speak of the contract's end or of other offers for it."""
    return [t for t in turns if t.side == "buyer" and _REVIEW.search(straight(t.text))]


def customer_because(view: AccountView, turns: Sequence[TurnRow], *, customers: Sequence[str] = ()) -> Statement | None:
    """On what grounds the account buys already; None where nothing says so.

    A call of a customer's type, the company's own list (`customers` of `company.yaml`), or what people say.
    """
    calls = view.calls
    typed = next((call for call in calls if CUSTOMER_TYPES.search(call.call_type or "")), None)
    if typed:
        return Statement(f"a customer: a call is of type {typed.call_type}", typed.call_id, typed.date)
    if view.account.lower() in {name.lower() for name in customers}:
        return Statement("a customer by company.yaml", calls[-1].call_id, calls[-1].date)
    for turn in turns:
        pattern = {"buyer": _CUSTOMER_SAYS, "rep": _REP_SAYS}.get(turn.side)
        if pattern and pattern.search(straight(turn.text)):
            return quoted(view, turn, "speaks as one who buys already")
    return None
