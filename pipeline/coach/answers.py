"""What an answer says to what was asked or proposed: yes, no, a day that suits, or nothing that binds.

Rules over the words, in English, of one answer. A yes in words that leave it open (`let me check with him first`) is
none: who answers so has agreed to nothing yet.
"""

from __future__ import annotations

import re

from pipeline.coach.clauses import clauses
from pipeline.coach.promises import promise
from pipeline.wording import straight

_LEAD = r"^(?:(?:oh|well|then|um|uh|er|em|right|so|and|ah|hm|go on|ha)[,. ]+)*"
_YES = re.compile(
    _LEAD + r"(?:yes|yeah|yep|yup|aye|sure|okay|ok|of course|will do|i will|"
    r"we will|i can\b(?!['\u2019]t)|no problem|no bother|deal|done|absolutely|definitely|perfect|fine|grand|"
    r"happy to|that works|works for|"
    r"you're on|go on|it is|agreed|let's|please do|make it|"
    r"(?:i|we)'ll(?! (?:want|need|have to|think|see(?! to))\b)|i'd be|i would|that's fine|good|lovely|"
    r"great)\b",
    re.IGNORECASE,
)
_TAKES_ON = re.compile(
    _LEAD + r"(?:(?:yes|yeah|yep|aye|sure|okay|ok|grand|perfect)[,. ]+)*(?:will do|(?:i|we) will\b(?=[.,!]|\s*$)|"
    r"no problem|no bother|of course|consider it done|leave it with (?:me|us)|"
    r"(?:you'll|you will) (?:have|get) |(?:it|they|that|those)(?:'ll| will) be with you)",
    re.IGNORECASE,
)
_TAKEN_UP = re.compile(
    r"^(?:(?:oh|well|um|so|yes|yeah|aye|okay|ok|sure|great|good)[,. ]+)*(?:would you|could you|please|do that|"
    r"do,? yeah|"
    r"if you would|brilliant|(?:send|email|mail|fire|bring|post) (?:it|them|that|those|one)\b|"
    r"that(?:'d| would) (?:help|be (?:good|great|useful|handy|lovely|grand|perfect|nice)))\b",
    re.IGNORECASE,
)
_SUITS = re.compile(
    r"\b(?:make it|you're on|works|suits|that's fine|perfect|see you then|it's a date|deal|grand|go on|lovely|"
    r"(?:put|stick) it in|in the diary|(?:is|'s) (?:okay|ok|fine|good|possible|alright|all right)|suits me|do me)\b|"
    r"[,.]\s*(?:fine|good|great|perfect|okay|ok)(?=[.!]|\s*$)",
    re.IGNORECASE,
)
_ASKS_IF_SUITS = re.compile(
    r"\b(?:(?:would|does|will|is|are|could|can|shall) (?:that|it|this|you|we|both)\b[^.?!]{0,25}\b(?:suits?|works?|do|"
    r"okay|ok|fine|good|free|possible|agree)|(?:that|it)(?: work| suit|'s okay|'s fine)|okay for you)\b"
    r"[^.?!]{0,40}\?\s*$",
    re.IGNORECASE,
)
_DOES_NOT = re.compile(
    r"\b(?:can't make|no good|not sure|won't be|we'll see|let you know|leave it|"
    r"(?:I|we) (?:don't|do not) know(?= ?[.,;!]|\s*$)|dunno|could be(?= ?[.,;!]|\s*$))\b",
    re.IGNORECASE,
)
_PLAIN_YES = re.compile(
    _LEAD + r"(?:yes|yeah|yep|yup|aye|sure|okay|ok|of course|absolutely|definitely|agreed|that works|that's fine|"
    r"perfect|done|deal)\b",
    re.IGNORECASE,
)
_SEES_HOW = re.compile(
    r"\b(?:I'll|we'll|I'd|we'd|have to) (?:have to )?see how (?!many\b|much\b|long\b|far\b|to\b)", re.IGNORECASE
)
_TO_ASK_FIRST = re.compile(
    r"\b(?:(?:let me|lemme) (?:check|see|ask|look|hear|talk|speak|think)|"
    r"(?:I|we)(?:'d| would|'ll| will)? (?:have|need|must|want)(?: first)? "
    r"(?:to )?(?:ask|check|see)\b|must see\b)",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"\b(?:let me|lemme) (?:look|(?:check|see)(?= (?:my|the|his|her|our|here)\b))(?! (?:into|at it|at that)\b)",
    re.IGNORECASE,
)
_LATER = re.compile(r"\b(?:know|back to you|tell|ask|check|see|talk|speak|look|if|when|once)\b", re.IGNORECASE)
_BINDS_NOTHING = re.compile(
    r"\b(?:(?:can't|cannot|can not|not|won't) (?:\w+ )?(?:promis\w+|swear)\b|no promises|"
    r"not (?:gonna|going to) (?:tell|say|promise)|(?:I|we)(?:'m| am|'re| are) not saying|don't say (?:yes|no)|"
    r"(?:I|we)(?:'ll| will) (?:revert|have a go|try|look (?:at|on) it|think about)|see what (?:I|we) can do|"
    r"(?:I|we)(?:'ll| will|'d) (?:have to |want to )?get back to you|hard to say|depends|"
    r"(?:I|we)(?:'ll| will) (?:say|tell(?: you)?|confirm|know)(?: \w+)? (?:after|when|once))\b",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"^(?:[\w']+\?\s*)?(?:(?:oh|well|um|uh|ah|hm)[,. ]+)*(?:no\b(?! (?:problem|bother|worries|rush|trouble|doubt))|"
    r"not (?:today|now|yet)\b)",
    re.IGNORECASE,
)


def agrees(answer: str) -> bool:
    """Whether an answer begins as a yes."""
    return bool(_YES.match(straight(answer.strip())))


def accepts(answer: str) -> bool:
    """Whether an answer takes on what was asked without a yes: `Monday's alright`."""
    return bool(re.search(r"\b(?:'s|is) (?:alright|all right|fine|ok|okay)\b", straight(answer)))


def takes_on(answer: str) -> bool:
    """Whether an answer says that something will be done (`will do`), not only yes to what was said."""
    return bool(_TAKES_ON.match(straight(answer.strip())))


def takes_up(answer: str) -> bool:
    """Whether an answer takes up an offer: `would you?`, `please`, `yeah, send it`."""
    return bool(_TAKEN_UP.match(straight(answer.strip())))


def suits(answer: str) -> bool:
    """Whether an answer is content with a day."""
    return bool(_SUITS.search(straight(answer)))


def asks_whether_it_suits(text: str) -> bool:
    """Whether somebody ends by asking if what they proposed suits: `would that suit?`"""
    return bool(_ASKS_IF_SUITS.search(straight(text)))


def declines(answer: str) -> bool:
    """Whether an answer leaves a day open or refuses it."""
    return bool(_DOES_NOT.search(straight(answer))) or leaves_open(answer) or waits(answer)


def waits(answer: str) -> bool:
    """Whether an answer puts off saying yes (`I'll see how the week goes`), and no plain yes stands beside it."""
    said = [sentence for sentence, _ in clauses(straight(answer))]
    waiting = [bool(_SEES_HOW.search(sentence)) for sentence in said]
    return any(waiting) and not any(plain_yes(s) for s, waits_here in zip(said, waiting, strict=True) if not waits_here)


def plain_yes(answer: str) -> bool:
    """Whether an answer begins with a yes and nothing less."""
    return bool(_PLAIN_YES.match(straight(answer.strip())))


def leaves_open(answer: str) -> bool:
    """Whether an answer binds nobody: its speaker has yet to ask, or promises nothing; no plain yes follows."""
    return (_without_yes_after(answer, _TO_ASK_FIRST) and not _looks_and_arranges(answer)) or binds_nothing(answer)


def _looks_and_arranges(answer: str) -> bool:
    """`Let me look here. Friday, eight fifteen. I'll put them both in the conference room.`"""
    said = [sentence for sentence, _ in clauses(straight(answer))]
    looks = max((place for place, sentence in enumerate(said) if _LOOKS.search(sentence)), default=len(said))
    own = [s for s in said[: looks + 1] if _TO_ASK_FIRST.search(s) and not _LOOKS.search(s)]
    return not own and any(promise(s) and not _LATER.search(s) for s in said[looks + 1 :])


def binds_nothing(words: str) -> bool:
    """Whether somebody says that they promise nothing (`I can't promise`, `we'll revert`) and no plain yes follows."""
    return _without_yes_after(words, _BINDS_NOTHING)


def _without_yes_after(words: str, pattern: re.Pattern[str]) -> bool:
    if not pattern.search(straight(words)):
        return False
    said = [sentence for sentence, _ in clauses(straight(words))]
    last = max((place for place, sentence in enumerate(said) if pattern.search(sentence)), default=None)
    return last is not None and not any(_PLAIN_YES.match(sentence) for sentence in said[last + 1 :])


def refuses(answer: str) -> bool:
    """Whether an answer begins with a no to what was asked."""
    return bool(_REFUSES.match(straight(answer.strip())))
