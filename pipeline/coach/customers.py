"""Whether an account buys already, and what says so: there growth and another need are chances, elsewhere they are not.

Few people say on a call that they are customers: the type of a call or the company's own list tells it best.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.coach.accounts import AccountView, quoted
from pipeline.coach.rows import TurnRow
from pipeline.coach.statements import Statement

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
    r"your (?:last |latest )?invoice)\b",
    re.IGNORECASE,
)
_REP_SAYS = re.compile(
    r"\b(?:your (?:renewal|contract|subscription|licen[cs]es?) (?:with us|is up|runs|ends|comes)|since you (?:came on|"
    r"went live|signed|joined us)|you've (?:had|been using) (?:it|ours|our \w+|us|them) (?:for|since)|you've been (?:a "
    r"customer|with us)|we (?:fitted|installed|delivered) (?:it|them|yours) (?:last|in|two|three))\b",
    re.IGNORECASE,
)


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
        if pattern and pattern.search(turn.text):
            return quoted(view, turn, "speaks as one who buys already")
    return None
