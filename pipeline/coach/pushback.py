"""Words by which buyers put off, name another way, push on price, or worry: what a cue card need not wait for.

Rules in English for one turn alone. Alone they are wrong too often to score a call; beside what the judge hears they
let a card come before the next turn. `benchmarks/live.py` measures it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pipeline.coach.rivals import ANOTHER, names_it
from pipeline.types import ObjectionKind
from pipeline.wording import straight


def _phrases(lines: str) -> re.Pattern[str]:
    """Any of the lines, each a pattern, as whole words."""
    return re.compile(rf"\b(?:{'|'.join(line.strip() for line in lines.strip().splitlines())})\b", re.IGNORECASE)


PUSHBACK: Mapping[ObjectionKind, re.Pattern[str]] = {
    "price_terms": _phrases(r"""
        (?:too|bit|awful(?:ly)?|rather|pretty|so|very) (?:expensive|dear|steep|pricey|much money)
        that's (?:expensive|dear|steep|pricey|a lot of money)
        that much money
        (?:that's|that is|it's|it is|way|far|bit) too much(?= ?[.,!?;]| for (?:us|that|this|it|one)\b| money|$)
        (?:over|above|outside|beyond) (?:our|my|the) budget
        more than (?:what )?(?:we|I) (?:had in (?:mind|my head)|thought|expected|wanted|budgeted|planned)
        more than (?:what )?(?:we were|I was) (?:thinking|expecting)
        too high
        (?:don't|do not) like (?:the |that )?(?:price|terms|contract|number|\w+ty(?: \w+)?|\d+)
        (?:my|our) budget (?:is|was) (?:only )?(?:\w+ty|\d+|\w+teen|a|less|smaller)
        can't (?:afford|justify)
        knock (?:\w+ )*off
        (?:a )?better (?:price|rate|number)
        (?:do|any) better on
        sharpen (?:your|the)
        discount
        (?:ten|five|fifteen|twenty|\d+) ?(?:per ?cent|percent|%) off
        (?:come|get it|bring it) down (?:a bit|on|to)
        no (?:money|budget) (?:for|this|left)
        budget(?:'s| is| was) (?:gone|spent|frozen)
        what's your best price
        (?:half|twice|double) (?:of )?(?:that|the) price
        for (?:half|a third|a fraction) (?:of )?(?:that|the (?:price|cost|money))
        (?:two|three|four|five|2|3|5) years(?:'s| is|,)? (?:too|very|a) long
        too long (?:for|a term|a contract)
        (?:lock(?:ed)?|tied) (?:us |me )?in(?:to)?\b
        not (?:signing|doing) (?:a |for )?(?:two|three|five|\d)[- ]years?
        auto[- ]?renew\w*
        match (?:that|their) (?:price|offer|quote)
        price (?:is|'s) (?:too|gone) \w+
    """),
    "stall": _phrases(r"""
        (?:have|need|like|want|going|time|got) to (?:\w+ )?think (?:about it|it over|on it)
        think it over
        sleep on it
        mull (?:it )?over
        (?:not|isn't) (?:the |a )(?:right |good |best )?(?:time|moment)\b
        not a priority
        no rush
        no hurry
        (?:maybe|perhaps|again|talk|come back|look at it) (?:in the )?(?:next (?:year|quarter|spring|month)|new year)
        (?:try me|try us|ask me|wait|until|leave it) (?:till )?(?:in the )?(?:next (?:year|quarter|spring)|new year)
        (?:maybe|perhaps|again|talk|wait|until|leave it|look at it) (?:till |until )?after (?:the )?\w+
        not (?:before|until) (?:the )?(?:next|new|after)
        (?:send|email|mail|post) (?:me|us|it|over|through) (?:something|(?:some|the|your) (?:info\w*|details|stuff))
        (?:send|email|mail|post) (?:me|us|it|over|through) (?:a brochure|an email|a leaflet|some times)
        we'll (?:get|come) back to you
        I'll (?:get|come) back to you
        (?:call|ring|try|phone) (?:me|us) (?:back|again) (?:in|next|after|when)
        hold off
        hang fire
        put (?:it|this) on (?:hold|ice)
        (?:kick|park) (?:it|this|that) (?:for|until|till|down)
        wait and see
        leave it (?:for now|there for|a while)
        let it lay
        can't (?:decide|commit)
        (?:bad|wrong) time
        too early to
        not ready (?:to|for)
        (?:just )?(?:call|ring) me (?:some ?time|then|in (?:the|a few|\w+ber|\w+ary))
        run (?:it|this|that) (?:past|by) (?:my|our|the)
    """),
    "competition": _phrases(r"""
        already (?:have|use|using|work with|got) (?:a|an|one|something|somebody|someone|our|their|them)\b
        (?:happy|fine) with (?:what we|who we|the one we|our (?:current|own|present))
        (?:another|other|second|their) (?:quote|offer|bid)
        quote from
        quoted us
        (?:looking|looked) at (?:some )?(?:others?|another|a couple|alternatives)
        (?:talking|speaking|spoken|spoke) (?:to|with) (?:your competitor|another|other|some of)
        (?:do|build|make|doing|building|run) (?:it|this|that|one|our own) (?:in[- ]house|\w+sel(?:f|ves))
        (?:they|he|she) (?:do|does|say they do) (?:it|that|the same|theirs) for
        does the same
        cheaper (?:with|from|at|than you|elsewhere)
        (?:stick|stay|staying|sticking|going|gone|go|went) with (?:them|him|her|the other|who we|what we|our current)
        your competitors?
        why (?:wouldn't|don't|can't|shouldn't) (?:we|I) (?:just )?(?:use|go|send|buy|do|get)
        (?:what|how) (?:makes|are) you (?:any )?(?:different|better)
        we have (?:a|our own) (?:system|supplier|tool|contract) (?:already|for that|that does)
    """),
    "other": _phrases(r"""
        (?:I'm|I am|we're|he's|she's|they're|bit|little) (?:a bit |a little |really |just )?(?:worried|nervous|wary)
        (?:I'm|I am|we're|he's|she's|they're|bit|little) (?:a bit |a little |really |just )?(?:concerned|s[ck]eptical)
        what (?:worries|concerns) me
        what (?:happens )?if (?:it|that|this) (?:does not|doesn't|breaks|fails|stops)
        my (?:worry|concern|fear|issue|problem) is
        not (?:really )?(?:convinced|comfortable)
        don't (?:trust|believe) (?:it|that|you|this|these)
        have my doubts
        I have an issue
        there's a problem
        I'm not sure (?:it|about|that|this|we)
        (?:been|got) (?:burned|burnt|bitten|caught out|let down) (?:by|with|before)
        we tried (?:that|it|one|something)
        (?:didn't|never|won't|wouldn't) work (?:for us|here|out|with)
        another (?:system|app|login)\b
        (?:too|over) (?:complicated|complex)
        (?:they|lads|men|people|operators|drivers|reps) (?:won't|will not|will never) (?:use|wear|like|do)
        happens (?:to us )?if (?:you|it|the thing) (?:go|goes|break|breaks|fail|fails|stop|stops)
    """),
}
"""Per kind of objection, how it is said."""


KINDS: Mapping[ObjectionKind, str] = {
    "stall": "a stall",
    "competition": "an objection about another option",
    "price_terms": "an objection to price or terms",
    "other": "an objection",
}
"""What people call an objection of each kind."""
_SAID_OF_IT = "an objection "


def named(kind: ObjectionKind, sure: bool) -> str:
    """What people call an objection of a kind; one of which that is not sure is `an objection, perhaps a stall`."""
    unsure = f"{_SAID_OF_IT.rstrip()}, perhaps {KINDS[kind].removeprefix(_SAID_OF_IT)}"
    return KINDS[kind] if sure or kind == "other" else unsure


HANDLED = {"yes": "handled", "partly": "partly handled", "no": "not handled"}


def shown_by(kind: ObjectionKind, text: str) -> re.Pattern[str] | None:
    """The pattern whose words in a text show an objection of the kind; None where none does."""
    patterns = (PUSHBACK[kind], *(ANOTHER if kind == "competition" else ()))
    plain = straight(text)
    return next((pattern for pattern in patterns if pattern.search(plain)), None)


def pushed_back(text: str, *, rivals: Iterable[str] = ()) -> ObjectionKind | None:
    """The kind of objection that a buyer's words sound like, by most matches; None for none.

    `rivals` are names of competitors: to name one is to raise it, unless the price is what is pushed on.
    """
    plain = straight(text)
    count = {kind: len(pattern.findall(plain)) for kind, pattern in PUSHBACK.items()}
    named = any(names_it(name, text, any_case=True) for name in rivals)
    # a rival named beside the price is what the price is measured by: what is too much is the price
    if named and not count["price_terms"]:
        return "competition"
    best = max(count, key=lambda kind: count[kind])
    return best if count[best] else None


_OF_PRICE = _phrases(r"""
    pric\w+
    costs?
    how much
    quote
    rates?
    fees?
    budget
    charges?
    euros?
    pounds
    dollars
    a month
    per month
""")
_ASKS_PRICE = _phrases(r"""
    how much(?! (?:time|downtime|of|do we|are we|we))
    what(?:'s|'d|'ll| is| are| does| do| would| will)? [^.?!]{0,40}(?:cost|price|charge|fee|rate)s?
    what(?:'s|'d|'ll| is| are| does| do| would| will)? [^.?!]{0,40}(?:set (?:me|us) back|run (?:me|us))
    ballpark
    price (?:per|for|on)
    how dear
    how expensive
    what are we (?:looking at|talking)
    what sort of money
    what kind of money
    give me (?:a|the) (?:price|number|figure)
""")


def asks_price(text: str, *, offer: bool = False) -> bool:
    """Whether a buyer's words ask what it costs; `offer`: it is known that they ask about the offer."""
    text = straight(text)
    if offer and _OF_PRICE.search(text):
        return True
    return any(_ASKS_PRICE.search(part) for part in re.findall(r"[^.?!]+\?|[^.!]*give me (?:a|the) [^.?!]+", text))
