"""How far a deal has come by what people say: an order that was placed or is planned, an objection agreed on later.

Rules in English over sentences. They speak up only for words that leave little doubt: a condition, a question or a
denial is no order, and to agree to something else settles nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.coach.answers import declines
from pipeline.coach.clauses import PO, sentences
from pipeline.coach.moves import Moves
from pipeline.coach.rows import TurnRow
from pipeline.coach.subject import content
from pipeline.wording import straight

AGREED_WITHIN = 4
"""Turns after the seller's offer within which the buyer's agreement belongs to it."""

GO_AHEAD_WORDS = 10
"""A question of so few words behind what is to be signed asks for just that: `Do we do it, yes or no?`"""

SUBJECT_LETTERS = 5
"""Letters of a word's stem from which on it says what an objection is about; shorter words are too common."""

_OPEN = re.compile(
    r"\b(?:if|when|once|until|unless|before|after|soon as|whoever|then|will|would|should|could|can|needs?|"
    r"ha(?:ve|s|d) to|wants?|going to|gonna|nobody|no one|not|never|assuming|suppose|waiting|ago|last year|"
    r"what (?:makes|it takes)|"
    r"with (?!you\b|us\b)(?-i:[A-Z])\w+|with (?:them|another|some(?:body|one) else|the other|(?:one of )?your "
    r"competitors?|(?:an?|the|our)(?: \w+)? (?:competitor|rival|vendor|supplier|firm|company))\b|elsewhere|"
    r"(?:have|get) (?:it|this|that|them|everything|the \w+) (?:all )?"
    r"(?:signed|placed|raised)(?! (?:here|already|now|and|in front)))\b|'ll\b|n't\b",
    re.IGNORECASE,
)
"""Words under which an order has not happened, or is another one."""
_PAPER = rf"(?:agreement|contract|order|quote|paper\w*|form|proposal|{PO})"
_ORDERED = re.compile(
    rf"\b(?:signed (?:it(?! off)|this|them|the {_PAPER}|your {_PAPER}|both|this morning|yesterday|today)|"
    rf"(?:it|that|everything|{_PAPER})(?:'s| is| was| has been| got)? (?:all )?signed|"
    rf"(?:{PO}|order)(?:'s| is| was| has)? (?:now |just |already )?(?:been )?(?:placed|raised|issued|"
    r"on its way|approved and sent|in(?=\s*[.,!?;:]|$))|"
    rf"(?:placed|raised|issued|put in|put through|sent(?: you)?) (?:the|an|your|our) (?:signed {_PAPER}|order|{PO})|"
    rf"(?:got|received|have) (?:your|the) (?:signed {_PAPER}|{PO})|"
    rf"thank(?:s| you) for (?:the|your) (?:order|{PO}|signature))\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(rf"\b(?:{_PAPER}s?|signatures?|deal)\b", re.IGNORECASE)
_SIGN = (
    rf"(?:sign(?!\s+(?:up|in|an? NDA|the NDA|off on the minutes))|{PO}|"
    r"(?:the|your|an) order(?! of\b)|order it|go ahead)"
)
_PLANNED = re.compile(
    r"\b(?:I'll|we'll|I will|we will|he'll|she'll|they'll|you'll have|you will have|you'll get|I can|we can|I'd|we'd|"
    rf"let's|ready to|happy to|I'm going to|we're going to)\b[^.?!]*\b{_SIGN}\b|"
    r"\byou(?:'ll| will)? (?:have|get) (?:it|this|that|them|everything|the \w+) (?:back )?(?:all )?signed\b|"
    rf"\b(?:the|your) (?:signed )?(?:{PO}|order|contract)(?:'ll| will) be (?:with you|in your (?:inbox|hands?))\b|"
    r"\bif\b[^.?!]*\b(?:I|we) sign\b(?! (?:up|for|in|off|to)\b)",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:you|y'all|the (?:pair|two|three|both) of you|Mr\.? \w+|Mrs\.? \w+)(?: both| all| two)? signs?\b"
    r"(?! (?:up|in|for|off|anything)\b)|\bsign the (?:order|contract|form|agreement|quote)\b|"
    rf"\b(?:give|send|get) me (?:the|an?|your) (?:signed \w+|order(?! of)|{PO})\b|"
    rf"\b(?:place|raise) the (?:order|{PO})\b",
    re.IGNORECASE,
)
"""The seller asks for the signature or the order."""
_DENIED = re.compile(r"\b(?:not|never|nobody|no)\b|n't\b", re.IGNORECASE)
_AGREES = re.compile(
    r"\b(?:I like that|I can live with (?:that|it)|we can live with (?:that|it)|that(?:'d| would)? (?:works?|do)"
    r"(?= for|\s*[.,!]|$)|that (?:solves|settles|fixes|answers) (?:it|that)|that's (?:fine|fair|better|perfect|agreed)|"
    r"fair enough|(?:happy|good|fine|okay|ok|comfortable) with (?:that|it|this|those)|sounds (?:good|fair|fine|right)|"
    r"agreed|it's a deal)\b",
    re.IGNORECASE,
)
_OFFERS = frozenset("terms trade concede answer offer_options confirm_resolved price".split())


def ordered(turns: Sequence[TurnRow]) -> TurnRow | None:
    """The newest turn that says an order was placed or signed; None where none does.

    `It is signed` is about an order only where this turn or one of the two before it speaks of one.
    """
    for place in range(len(turns) - 1, -1, -1):
        turn = turns[place]
        near = [t.text for t in turns[max(place - 2, 0) : place + 1] if t.call_id == turn.call_id]
        if _says(turn.text, _ORDERED, _OPEN) and any(_ORDERS.search(text) for text in near):
            return turn
    return None


def planned(turns: Sequence[TurnRow], moves: Moves) -> TurnRow | None:
    """The last turn in which a buyer commits to sign or order, in words or by a yes to who asks; None without one."""
    for place in range(len(turns) - 1, -1, -1):
        turn = turns[place]
        heard = moves.get((turn.call_id, turn.turn), frozenset())
        if turn.side != "buyer" or "commit" not in heard:
            continue
        if _says(turn.text, _PLANNED, _DENIED) or ("resist" not in heard and _was_asked_to_sign(turns, place)):
            return turn
    return None


def _was_asked_to_sign(turns: Sequence[TurnRow], place: int) -> bool:
    """Whether the turn just before asks for the signature or order that this one gives a yes to."""
    before, answer = turns[place - 1 : place], turns[place]
    asked = any(t.side == "rep" and t.call_id == answer.call_id and _asks_to_sign(straight(t.text)) for t in before)
    return asked and not declines(answer.text)


def _asks_to_sign(text: str) -> bool:
    """Whether a turn ends in asking for the signature or order, not after it in a question of its own about another
    thing: `first you two sign. Would it help if I went through the photos with him on Friday?`"""
    questions = [said for said, asks in sentences(text) if asks]
    if questions and len(questions[-1].split()) > GO_AHEAD_WORDS:
        text = questions[-1]
    return bool(_ASKED.search(text))


def _says(text: str, pattern: re.Pattern[str], unless: re.Pattern[str]) -> bool:
    text = straight(text)
    if not pattern.search(text):  # most turns: they are not taken apart
        return False
    return any(pattern.search(said) and not unless.search(said) for said, asks in sentences(text) if not asks)


def subjects(text: str, without: frozenset[str] = frozenset()) -> frozenset[str]:
    """The stems of the words that say what a text is about, `without` those of people's and firms' names."""
    return frozenset(stem for stem in content(text) - without if len(stem) >= SUBJECT_LETTERS)


def agreements(turns: Sequence[TurnRow], moves: Moves) -> list[tuple[frozenset[str], TurnRow]]:
    """What the seller's offers that a buyer agreed to were about, as stems, each with the turn that agrees; `turns` and
    these in order."""
    found = []
    for place, offer in enumerate(turns):
        if offer.side == "rep" and moves.get((offer.call_id, offer.turn), frozenset()) & _OFFERS:
            agreed = _agreed(turns[place + 1 : place + 1 + AGREED_WITHIN], offer.call_id, moves)
            if agreed:
                found.append((content(offer.text), agreed))
    return found


def _agreed(next_turns: Sequence[TurnRow], call_id: str, moves: Moves) -> TurnRow | None:
    for turn in next_turns:
        heard = moves.get((turn.call_id, turn.turn), frozenset())
        if turn.call_id != call_id or "object" in heard:
            return None
        if turn.side == "buyer" and ("accept_answer" in heard or _says(turn.text, _AGREES, _DENIED)):
            return turn
    return None
