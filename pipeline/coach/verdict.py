"""What one sentence, or an answer to a question, says of a promise: that it was kept, that it was not, or nothing.

What counts is the clause that speaks of the thing: `I got your page, but I never sent you the form` says that one was
done and the other not. Who did not do it counts too: what the reader did not read and the board did not sign says
nothing of who was to send it. A bare yes or no counts only where the question was whether it was done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.coach.clauses import sentences
from pipeline.coach.rows import TurnRow
from pipeline.coach.subject import DONE_BY, Subject, content, things
from pipeline.coach.when import named_days
from pipeline.wording import straight

SHORT_ANSWER = 2
NOT_DONE = re.compile(
    r"\b(?:haven't|hasn't|hadn't|"
    r"(?<!I )(?<!we )(?:didn't|did not)|"
    r"(?:didn't|did not)(?! (?:know|realise|realize|understand|mean|mind|like|want)\b)|"
    r"have not|not yet|never (?:got|came|sent|arrived|did|heard|saw|had|rang|"
    r"called|phoned)|still (?:waiting|owe|to |have to|need to|haven't|lying|sitting|on my)|forgot|slipped|"
    r"get round to|got round to|nothing (?:came|from|yet)|(?:had|got|seen|heard) nothing|no sign of|no mention of|"
    r"where(?:'s| is| are) (?:the|that|my|those)|not (?:had|been|seen|done|sent)|"
    r"wasn't able|couldn't|nobody(?:'s| has)? (?:phoned|rang|called|came|sent)|in my drafts|should have (?:rung|sent|"
    r"called|told|phoned|done)|don't think (?:I|we) (?:ever )?(?:got|saw|had)|not a word|no joy|bounced it|"
    r"had no idea|knew nothing|"
    r"no \w+ yet|(?:I've|we've|they've|has|have) not|"
    r"lying on|run out of time|no time)\b|^what (?:agreement|quote|email|form|drawing|proposal)\b",
    re.IGNORECASE,
)
_ANY_DONE = re.compile(rf"\b(?:{'|'.join(DONE_BY.values())})\b", re.IGNORECASE)
_YES = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er)[,. ]+)*(?:yes|yeah|yep|aye|sure|of course|i did|i have|we did|we have|they did|"
    r"he did|she did|got it|it did|certainly)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er)[,. ]+)*"
    r"(?:no(?! (?:problem|bother|worries|trouble|rush|doubt))|nope|not yet|not really)\b",
    re.IGNORECASE,
)
_ABOUT_YOU = re.compile(
    r"\b(?:from you|off you|you never|you haven't|you didn't|you said|you sent|waiting (?:on|for))\b", re.IGNORECASE
)
_RECEIVES = re.compile(
    r"\b(?:I|we)(?:'ve|\u2019ve| have| had)? (?:never|haven't|hadn't|didn't|not)(?: (?:ever|even|actually))? "
    r"(?:got|get|received?|seen|see|saw|heard|hear|had)\b(?! (?:you|ya|him|them|round|a chance)\b)"
    r"\s*(?P<what>(?:\w+\s*){0,3})",
    re.IGNORECASE,
)
_ANYTHING = frozenset("it them that those this the any anything a an one your my his her from back nothing yet".split())
_WHO_DID_NOT = re.compile(
    r"(?:\b(?P<of>the|a|my|our|your|his|her|their)\s+(?:\w+\s+)?)?\b(?P<noun>[A-Za-z]+)(?:'s|\u2019s)?\s+"
    r"(?:just\s+|also\s+)?(?:haven't|hasn't|hadn't|didn't|did not|has not|have not|never|not|couldn't|forgot|still)\b",
    re.IGNORECASE,
)
_YOURS = re.compile(r"\byour\b", re.IGNORECASE)
_ABOUT_ME = re.compile(
    r"\b(?:I|we)(?:'ve| have|'d| had|'m|'re)? (?:(?:just|also|clean|completely|totally) )?"
    r"(?:never|haven't|didn't|forgot|still|not|couldn't|should have|sent|did|asked|told|spoke|rang|put|"
    r"brought|found|checked|got round)\b|"
    r"\bmy (?:fault|drafts)\b",
    re.IGNORECASE,
)
_I_DID = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er|yes|yeah|yep|sure)[,. ]+)*(?:i did|i have|we did|we have|they did|he did|she did|"
    r"you did|you have|it did|got it)\b(?! not\b|n't)",
    re.IGNORECASE,
)
_ASKS_DONE = re.compile(
    r"\b(?:did|didn't|have|haven't|has|hasn't|had|got|heard|were|was|any (?:word|news|joy|luck|sign|update)|"
    r"is (?:it|that|he|she|the \w+) (?:done|there|in|back|ready|signed|sorted))\b",
    re.IGNORECASE,
)
_ASKS_CAME = re.compile(
    r"\b(?:get|got|receive|come|came|arrive|land|reach|have|had|turn up|through|there|hear|talk|speak|ring|call|send)"
    r"\w*\b(?! (?:a chance|a look|round)\b)",
    re.IGNORECASE,
)
"""Whether a thing came, as who was to have it is asked."""
_ASKS_OTHER = re.compile(
    r"\b(?:(?:any|some|every|no)(?:thing|body|one)|else|other than|besides|want|would|could|can|will|shall|if)\b",
    re.IGNORECASE,
)
"""What else a question asks for: something more, somebody else, leave, or the future."""
_CLAUSES = re.compile(
    r"[;:]|\s[-\u2013\u2014]\s|,?\s+(?:but|though|although)\s+|"
    r",?\s+(?:and|so|because)\s+(?=(?:I|we|you|he|she|they|it|that|nobody)\b)",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"\bif\b[^,]*|(?<!like )\bI said\b|"
    r"(?:\b(?:will|would|could|can|should|might)|'d|\u2019d|'ll|\u2019ll) (?:be|have|get)\b(?: \w+)?",
    re.IGNORECASE,
)
"""What would be or is still to be: `if it was up to me it'd be done` tells of nothing that was done."""
_NO_ANSWER_YET = re.compile(
    r"\b(?:he|she|they)(?:'s|\u2019s|'re|\u2019re| is| are| has| have|'ve)?(?: not|n't|n\u2019t) "
    r"(?:(?:come|got|been) )?(?:back to (?:me|us)|replied|answered)\b",
    re.IGNORECASE,
)
"""Who waits for an answer has asked."""
_TRIED = re.compile(r"\bcouldn't (?:get|make|persuade|convince|talk) \w+ (?:to|into)\b", re.IGNORECASE)


def verdict_of(subject: Subject, sentence: str, turn: TurnRow) -> str | None:
    """What a sentence about the subject says, if it is about this side's promise.

    Clause by clause: `I got your page, but I never sent you the form` says one thing of the page and another of the
    form.
    """
    sentence = straight(sentence)
    if subject.people and turn.side == subject.side and _NO_ANSWER_YET.search(sentence):
        return "kept"
    clauses = [clause for clause in _CLAUSES.split(sentence) if clause and clause.strip()]
    undone = [clause for clause in clauses if NOT_DONE.search(clause) and not _TRIED.search(clause)]
    if any(not _of_another(subject, clause) and _fits(subject, clause, turn) for clause in undone):
        return "not kept"
    rest = _UNREAL.sub(" ", ", ".join(clause for clause in clauses if clause not in undone))
    if undone and _of_another(subject, rest):
        return None
    plain = len(subject.words & content(rest)) > 1 and _ANY_DONE.search(rest)
    return "kept" if plain or subject.done.search(rest) else None


def _fits(subject: Subject, clause: str, turn: TurnRow) -> bool:
    """Whether what was not done, as `turn` says it, is what the owner of the promise had to do.

    Who did not do it is told by the clause's own subject: `I haven't read it` says nothing of who was to send it,
    `Raj hasn't signed` nothing of who was to ask him.
    """
    mine = turn.side == subject.side
    if _ABOUT_YOU.search(clause) or _got_nothing(subject, clause):
        return not mine
    if _ABOUT_ME.search(clause):
        return mine
    if _by_another(subject, clause):
        return subject.delegated
    return not (mine and _YOURS.search(clause))


def _got_nothing(subject: Subject, clause: str) -> bool:
    """Whether a clause says that the thing never came to who speaks: `I never got it`, `we haven't seen the layout`."""
    found = _RECEIVES.search(clause)
    if not found:
        return False
    what = found.group("what").lower().split()
    return not what or what[0] in _ANYTHING or bool(content(" ".join(what[:2])) & subject.words)


def _by_another(subject: Subject, clause: str) -> bool:
    """Whether it is somebody else who did not do something: `he never`, `the board hasn't`, `Raj didn't`."""
    found = _WHO_DID_NOT.search(clause)
    if not found or content(found.group("noun")) & subject.words:
        return False
    noun = found.group("noun")
    return noun.lower() in ("he", "she") or bool(found.group("of")) or noun in subject.people


def _of_another(subject: Subject, clause: str) -> bool:
    """Whether a clause names a thing of its own (`I never sent you that report`) that is not the subject's."""
    for day in named_days(clause, None):
        clause = clause.replace(day.words, " ")
    named = things(clause)
    return bool(named) and not _speaks_of(subject, clause)


def _speaks_of(subject: Subject, text: str) -> bool:
    """Whether a text says one of the promise's words or names."""
    named = any(re.search(rf"\b{re.escape(name)}\b", text) for name in subject.people)
    return named or bool(subject.words & content(text))


def answered(subject: Subject, question: str, answer: TurnRow) -> tuple[str, str] | None:
    """What an answer to a question about the subject says of it, and the sentence that does: the first that says
    something.

    A bare yes or no answers what was asked: where that was not whether the thing was done (`anything else in the way
    but Joan?`), it tells nothing.
    """
    said = [s for s, _ in sentences(answer.text)][:3]
    for number, sentence in enumerate(said):
        if number == 0 and _asks_whether_done(question):
            verdict = _yes_or_no(subject, question, said, answer)
        else:
            verdict = verdict_of(subject, sentence, answer)
        if verdict:
            return verdict, sentence
    return None


def _asks_whether_done(question: str) -> bool:
    return bool(_ASKS_DONE.search(straight(question))) and not _ASKS_OTHER.search(question)


def _yes_or_no(subject: Subject, question: str, said: Sequence[str], answer: TurnRow) -> str | None:
    """What the beginning of an answer says to `did you?`: `I did` stands, a mere yes is taken back by `I haven't`."""
    first, following = straight(said[0]), straight(said[1]) if len(said) > 1 else ""
    if _I_DID.match(first):
        return "kept"
    if _NO.match(first):
        if _asks_owner(subject, question, answer):
            return "not kept"
        return verdict_of(subject, _NO.sub("", first).replace("not yet", ""), answer)
    if _YES.match(first) and len(first.split()) <= SHORT_ANSWER and NOT_DONE.search(following):
        taken_back = verdict_of(subject, following, answer)
        if taken_back == "not kept":
            return taken_back
    verdict = verdict_of(subject, first, answer)
    return verdict or ("kept" if _YES.match(first) else None)


def _asks_owner(subject: Subject, question: str, answer: TurnRow) -> bool:
    """Whether a no to a question says that the owner did not do it: the owner is asked, or whether it ever came."""
    if subject.delegated:
        return True
    if answer.side == subject.side:
        return bool(re.search(r"\byou\b", question, re.IGNORECASE))
    return bool(_ASKS_CAME.search(question))
