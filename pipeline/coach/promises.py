"""What in a sentence is a promise: words by which somebody says that they will do something, or asks another to.

Rules over the words, in English, one sentence at a time. `I'll` before a deed is a promise; before a way of speaking
(`I'll be honest`, `I'll tell you that right now`) or a state (`we'll need`) it is none. So is a day by which the other
will have something, said by who is to give it. A brush-off (`send me something and I'll take a look`) promises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline.coach.clauses import PO
from pipeline.coach.when import Named, named_days
from pipeline.wording import straight

_ACTIONS = """send email mail forward share write draft redo prepare put confirm check ask find chase ring call text
    phone book arrange schedule set sort bring introduce invite get give raise order sign pay place speak talk show
    run review look read copy cc link pull order quote price word come visit meet have drop hold pencil attach
    upload install follow take tell fix organise dig warn print drop shoot loop circle throw reserve keep hold pull
    try work raise remind discuss pop clarify do connect dial ship ping post courier stick pack
    resend fire see""".split()
_SECOND_THOUGHTS = re.compile(
    r"\b(?:tell (?:you|ya)(?:,| (?:what|why|how|where (?:I'm|we're)|some ?thing|one thing)\b)|"
    r"put (?:you|ya|it|us|him|her|them|(?-i:[A-Z])\w+) on (?:the )?(?:loud)?(?:speaker|hold|mute)|"
    r"see about (?:(?:it|that|this)(?= on\b|\W*$)|(?:the )?\w+day\b|tomorrow|tonight)|"
    r"put (?:all )?(?:my|our|the) cards\b|tell (?:you|ya) and you\b|"
    r"drop (?:one|two|three|it|that|this|them)\s*[.!]*$|"
    r"(?:talk|speak|go) (?:quick|fast|slow|loud)\w*|look after (?:you|y'all)\b|"
    r"look (?!(?:at|for|into|in|on|over|up|through|after|out|back|how|what|where|when|who|whether|if)\b|"
    r"(?:\w+ ){0,4}(?:up|over|through|with)\b)|"
    r"write (?:(?:it|that|this|them) )?down(?: (?-i:[A-Z])\w+)?\s*[.!]*$|write (?:that|this)\s*[.!]*$|write [\"\u201c]|"
    r"(?:write|put) (?:\w+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)(?:-\w+)?(?![\w-])"
    r"(?! (?:in|on|into|to|down|of|aside|by)\b)|"
    r"put (?!(?:it|that|this|them|him|her|you|in|something|more)\b)(?-i:[a-z])\w+\s*[.!]*$|"
    r"give (?:you|ya) (?:my|an) (?:honest |own )?(?:opinion|view|word|take|advice)\b|"
    r"(?:give (?:you|ya) (?:a|another) \w+|call|ring|try|touch base|circle back|speak|talk|meet)\b[^.?!,]{0,25}"
    r"\b(?:some(?: other)? ?time|another time|at some (?:point|stage)|down the line|one of these days)\b"
    r"(?! (?:on |before |by |next |this |early |late )?(?:the |to)?(?:\w*day|week|tomorrow|tonight|morrow|night|"
    r"\w+(?:th|st|nd|rd))\b)|"
    r"keep an eye\b|(?:set|fix) something up\b(?! (?:for|on|with|and)\b)|"
    r"come (?:off|down) (?:to )?(?:a bit|a little|\d|\w+(?:teen|ty)\b|ten\b|two\b)|"
    r"play (?:it|that|this) back|share (?:now\b|(?:it|this|that) (?:first(?! thing)|now)\b)|"
    r"take (?:your|the|my) (?:\w+ )?(?:lower|higher|number|figure|count|word)\b|"
    r"respect\b|warn (?:you|ya)\s*[.!]*$|"
    r"give (?:you|ya) an? (?:ten|nine|eight|seven|six|five)(?=\s*[.,;!?]|\s*$| (?:for|on|out of|there|then|because)\b)|"
    r"(?:give|grant) (?:you|him|her|them) (?:that|this|credit)|let (?:you (?:go|get|off|have that)|it|that)\b|"
    r"be (?:honest|straight|candid|quick|lynched|damned)|"
    r"let you know, shall|have a think|think about|work it out|"
    r"keep (?:you (?:going|posted)|it short|going)|drop off|try (?:to|and)\b|"
    r"get (?:rolling|going|started|moving|cracking|on with)\b|check (?:that )?(?:I|we)\b|"
    r"try (?!him\b|her\b|them\b|you\b|again\b|(?-i:[A-Z]))|"
    r"do (?!you (?:a|the|one|it)\b|an? (?:\w+ )?(?:quote|price|drawing|sheet|page|summary|e?mail|intro\w*|"
    r"note|list|draft|plan|proposal|sample))|"
    r"have (?:it|that|one|another|an?|the cup|to)\b(?! (?:with|to|ready|done|over|in your|word|chat|dig)\b)|"
    r"have (?:(?:like|about|maybe|probably)\b|(?:one|two|three|four|five|six|seven|eight|nine|ten)(?:,| or\b| of\b))|"
    r"ask (?:one|this|a|another|something)\b|put it to you\b|"
    r"(?:put|keep|stick|leave) (?:it|this|that|them) (?:on|in|with) (?:\w+ ){0,3}(?:pile|file|files|drawer)\b|"
    r"have (?:more|less|none|no|nothing|trouble|grief|problems?|time|people|plenty|enough|some fun)\b|"
    r"take (?:you through|it|that|the|your word)|"
    r"take an? (?!(?:quick |good |proper )?(?:look|photo|picture|note|measure\w*|reading|sample|copy|few|couple|day|"
    r"walk)\b)|"
    r"get the wheels|put it\s*[.!]*$|"
    r"(?:discuss|talk|think|look)\b[^.?!]*\b(?:internally|ourselves|amongst? us|in[- ]house)\b(?! with)|"
    r"take (?!an?\b|my\b|your\b|our\b|his\b|her\b|their\b|some\b|these\b|those\b|them\b|him\b|care\b|"
    r"over\b|up\b|photos?\b|pictures?\b|measure\w*|down\b|out\b|on\b|off\b|back\b|one\b|two\b|(?-i:[A-Z])|"
    r"[^.?!]*\b(?:back|away|home|to \w+)\b)|"
    r"show you|share my screen|ask (?:you|ya|for what)|say\b|put no\b|put (?:this|it|that) out there|"
    r"(?:talk|speak|see|catch up)(?: (?:to|with) you)?(?: all)? (?:soon|later|again|then)\b|"
    r"(?:get|come) (?:(?:on|right|straight) )?to (?:that|it|this|there)\b|get to\s*[.,!]*$|"
    r"(?:sort|work|figure|find) something\b|"
    r"find (?:a|some) (?:time|way)\b|read (?:it|that|this) (?:back|out)|"
    r"put (?:you|ya) through|get out of|"
    r"make (?:your|my|it|them|this|that)\b|(?:walk|talk) (?:you |us )?through|put project|give them that|"
    r"call (?:it|that|him that)|get (?:that\b(?! (?:to|over|across|out|off|back|sent|done|sorted))|there|it straight)|"
    r"come to (?:my|the|your) (?:point|question)|"
    r"come (?:to that|on to|back to that|(?:straight )?out with it)|"
    r"look at that later|run you through|talk you through|read (?:you|it out)|"
    r"see\b(?! (?:about|to (?:it|that))\b)|hold (?:on|my hands|"
    r"you to))",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"show (?:it|that|this)\s*[.!]*$|"
    r"(?:get|have|take|grab) (?:(?:a|an|some|my|the|another|one|cup of) )*"
    r"(?:teas?|coffees?|lunch|dinner|breakfast|beers?|pint|sandwich|cake|biscuits?|tamales)\s*[.,!]*$|"
    r"have (?:the (?:two|three|lot)|both) of them\s*(?:[.,!]|$)",
    re.IGNORECASE,
)
"""What is promised only with a day: `on Thursday we'll have lunch`."""
_CONDITION = re.compile(
    r"^(?:(?:(?:and|but|so|then|well|ok|okay|yes|yeah)[,. ]+)*(?:if|unless)|when|once|even if|suppose)\b", re.IGNORECASE
)
_ASKS_IF = re.compile(r"\b(?:ask|check|find out|tell|know|see|confirm)\b[^,.;]*\bif\b", re.IGNORECASE)
_TRAILING_IF = re.compile(
    r"\b(?:if|unless|provided|as long as) (?!that\b|you(?:'d| would)? (?:want|like|prefer|need|don't mind)\b)",
    re.IGNORECASE,
)
_WILL = r"(?:['\u2019]ll|(?<=\bI)ll?(?= )| will| shall)"
"""`I'll`, and `ill` or `il` as recognisers write it."""
_GOING_TO = r"(?:['\u2019]?m| am|['\u2019]re| are) (?:going to|gonna)"
_PROMISE = re.compile(
    rf"\b(?P<who>I|we)(?:{_WILL}|(?P<going>{_GOING_TO}))(?: just| also| then|"
    r" definitely| certainly|"
    r" personally| go and| go ahead and| do is,?)*(?: both)? (?P<verb>[a-z]+)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_OF_COLLEAGUE = re.compile(
    r"\b(?P<who>[A-Z]\w+)(?:['\u2019]ll| will)(?: just| also| then)* (?P<verb>[a-z]+)\b(?P<rest>[^.?!;]*)"
)
_MAY_I = re.compile(
    r"\b(?:can|could|shall|may|should|if) (?P<who>I|we)(?: just| also)* (?P<verb>send|book|put|pencil|ring|call|come|"
    r"bring|arrange|"
    r"schedule|set|set up|hold)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"(?<!if )\b(?P<who>I|we) (?:can|could)(?: just| also)* (?P<verb>[a-z]+)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_PRESENT = re.compile(
    r"^(?:(?:and|then|so|okay|ok|good|yes|yeah|right)[,. ]+)*(?P<who>I|we) (?P<verb>send|reserve|book|prepare|bring|"
    r"clarify|call|come|give|keep|write|"
    r"make(?! it (?:the|an?|about|\w+teenth|\w+ty)\b)|hold|ask|fill|ring|mail|check|confirm)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_AND_THEN = re.compile(
    r",? and (?P<who>I|we) (?P<verb>send|tell|call|ring|mail|bring|come|confirm|"
    r"write)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
"""What follows on something else (`I read it, and I tell you on Monday`): a promise where it has a day of its own."""
_OTHERS_TURN = re.compile(r"[,;] (?:and |then |so )?(?:he|she|they|it|you|that|this|the \w+)\b", re.IGNORECASE)
_SUBORDINATE = re.compile(
    r"\b(?:because|cause|cos|if(?! you (?:want|like|prefer))|whether|when|that|who|which|since)\b.*", re.IGNORECASE
)
"""What follows tells why or which: `I call because you have one of ours` calls nobody any more."""
_SHORTLY = re.compile(
    r"\b(?:(?:straight |right |just )?after (?:the|this|our) (?:call|meeting)|this week|within the hour|"
    r"(?:straight|right) away|when we (?:hang up|finish)|(?:by|until) (?:noon|close|lunch\w*|(?:half past )?(?:one|"
    r"two|three|"
    r"four|"
    r"five|six|seven|eight|nine|ten|eleven|\d{1,2})(?:[: ]\d\d)?(?: ?[ap]\.?m\b| o['\u2019]clock)?(?![\w:]|"
    r" \w+ ?(?:percent|"
    r"%))))",
    re.IGNORECASE,
)
"""By when, within the day or the week, without the name of a day."""
_HABIT = re.compile(
    r"\b(?:always|usually|normally|every|never|often|sometimes|when(?! we (?:hang|finish))|each|mostly|them all|"
    r"on an? (?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"last (?:week|month|year|time|night|\w+day|spring|summer|autumn|fall|winter)|yesterday|ago)\b",
    re.IGNORECASE,
)
_TO_YOU = re.compile(r"\b(?:you(?! (?:know|see)\b)|your|it all|this all|back for)\b", re.IGNORECASE)
_COME_BACK = re.compile(
    rf"\b(?P<who>I|we){_WILL} (?P<verb>be) "
    r"(?P<rest>(?:back|there|with you|over|down|up|on site)\b[^.?!;]*)",
    re.IGNORECASE,
)
_DO_IT = re.compile(rf"\b(?P<who>I|we){_WILL} (?P<verb>do|have) (?P<rest>(?:it|that|this)\b[^.?!;]*)", re.IGNORECASE)
_LET_ME = re.compile(
    r"(?<!\byou )(?<!\bthey )(?<!\bhe )(?<!\bshe )"
    r"\b(?P<who>let me|leave it with me,? (?:and )?I['\u2019]ll) (?P<verb>send|check|"
    r"find(?= out\b(?! (?:how|what|why) you))|book|chase|"
    r"come|ring|confirm|ask(?= (?:him|her|them|around|my|our|the|(?-i:[A-Z]\w+))\b)|"
    r"(?:speak|talk)(?= (?:to|with) (?!you\b))|"
    r"get(?= (?:you|him|her|them|back to (?:you|him|her|them)|hold of|in touch|some(?:one|body)|my|our)\b))\b"
    r"(?! (?:you something|you this|straight|it straight|me|this right))(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:can|could|will|would) you (?:please |also |just )?(?P<verb>send|email|forward|share|get|ask|bring|"
    r"introduce|invite|"
    r"check|find|confirm|sign|book|put|take(?! (?:me|us|it) through)|place|give|raise)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_BID = re.compile(
    r"^(?:(?:so|and|then|well|okay|ok|just|please|but|yes|yeah)[, ]+)*(?P<verb>send|email|mail|forward|cc|bring|get|"
    r"give|ring|"
    r"call|check|ask|drop|post|book|put)\b(?! (?:it|that|him) (?:a|an|about|one|two|\w+(?:teen|ty|hundred|"
    r"thousand))\b)(?! (?:me|us) (?:a|one|two) (?:minute|second|sec|moment|break|hint|clue|go)\b)"
    r"(?P<rest> \w+[^.?!;]*)",
    re.IGNORECASE,
)
_ORDER_OF_YOU = re.compile(
    r"(?<!before )(?<!after )(?<!when )(?<!once )(?<!until )(?<!if )\b(?:you|y'all|the (?:pair|two|three|both) of you|"
    r"(?-i:[A-Z])\w+ and you)(?: both| all| two)? (?:sign|order)\b(?! (?:of|in|up|for|(?:it |this |that )?now)\b)",
    re.IGNORECASE,
)
_HOW_IT_IS = re.compile(r"\b(?:how|when|where|why|what|who|which|did)\b[^,;]*\byou\b", re.IGNORECASE)
_COMES_TOO = re.compile(
    r"\b(?:I|we)(?:'d|'ll| will| would| can| could)? (?:come|drop|stop|swing|pop|call|bring|visit|sit|meet)\b",
    re.IGNORECASE,
)
_IF_I = re.compile(
    r"^(?:(?:and|so|what|but)[, ]+)*if (?:I|we) (?:just )?(?:send|book|put|ring|call|come|bring|arrange)\b", re.I
)
_WISH = re.compile(
    r"\b(?:(?:would|will) you have (?:the|that|your)|maybe you (?:could|can)|(?:and )?you'll (?:let me have|send|get|"
    r"ask|bring|give|have)|(?:can|could) (?:I|we)(?:'ve| have| get) (?:it|that|this|the))\b[^.?!;]*",
    re.IGNORECASE,
)
_NEED = re.compile(
    r"\b(?:what I need from you is|you send me|you get me|you bring|if you (?:could )?(?:send|"
    r"get) me)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_STATES = frozenset(
    """be have know think see need want like love hate guess bet say admit assume imagine believe hope trust remember
    forget understand agree mean wonder regret die kill live struggle lose miss stay leave let not never probably
    always still also hear pass cost end happen stop start begin deal manage cope survive accept spend own wait listen
    answer explain skip pretend argue grant spare risk swear go win fail suffer keep feel seem become lie sit stand
    sleep eat drink laugh cry suppose expect prefer require consider recommend suggest tell give save even only
    actually maybe all both learn""".split()
)
"""What follows `I'll` without being a deed, or is one only in the words listed elsewhere."""
_A_THING = re.compile(r"^\s+(?:\w+ )?(?:it|them|him|her|this|that|these|those|the|an?|your|my|our|some|two|[A-Z]\w*)\b")
_FOR_YOU = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_LET_KNOW = re.compile(r"^let (?!you\b)[\w' \u2019]{1,40}? know\b", re.IGNORECASE)
_WHEN_TOLD = re.compile(r"\b(?:when|once|as soon as|after|whether|if)\b", re.IGNORECASE)
_DELIVERY = re.compile(
    r"\b(?P<who>you)(?:'ll|\u2019ll|ll| will)(?: both| all)? (?P<verb>have|get|receive|see(?= (?:it|them|that|"
    r"those)\b)) "
    r"(?P<rest>(?:it|them|that|this|those|these|one|two|both|the|an?|my|our|your|his|her|their)\b[^.?!;]*)",
    re.IGNORECASE,
)
_HAVE_NOW = re.compile(
    r"\b(?P<who>you)(?P<verb>'ve|\u2019ve| have) (?P<rest>(?:(?:it|them)\b(?! to\b| from\b)|"
    r"(?:the|my|our|your|an?) (?:order|answer|contract|papers?|price|offer|numbers?|sheet|drawings?|samples?|list|"
    r"report)\b)"
    r"[^.?!;]*)",
    re.IGNORECASE,
)
"""`You've it tonight`: given by a day to come, in the present."""
_SPAN = re.compile(r"(?:in|within)\b", re.IGNORECASE)
"""Not `you have it back in eight months`, which tells how it pays, nor `the offer of the 14th`."""
_LAST_THING = re.compile(r"\b(?P<who>you)(?:'ll|\u2019ll|ll| will) (?P<verb>have|get)(?P<rest> )", re.IGNORECASE)
"""`The drawings you will have tomorrow`: the thing goes ahead."""
_WITH_YOU = re.compile(
    r"\b(?:(?P<who>I|we)(?:'ll|\u2019ll| will) (?P<verb>have)|(?:that|it|they|those|these|both|"
    rf"(?:the|your|our|my) (?:signed )?(?:{PO}|order|contract|papers?|offer|quote|proposal|samples?|drawings?))"
    r"(?:'ll|\u2019ll|ll| will) be) "
    r"(?P<rest>(?:it |that |them )?(?:with you|in your inbox|over to you|done|ready|back to you)\b[^.?!;]*)",
    re.IGNORECASE,
)
_AHEAD_OF_IT = re.compile(
    r"^(?:(?:and|so|then|by|on|at|noon|lunchtime|latest|the|morning|afternoon)\b|[\s,])*$", re.IGNORECASE
)
_LOOK = re.compile(
    r"\b(?:take a (?:quick )?look|have a (?:quick )?(?:look|read|think)|look|read|think|see|consider|go through)\b",
    re.IGNORECASE,
)
_SEND_ME = re.compile(
    r"(?<!I'll )(?<!we'll )(?<!I can )(?<!I\u2019ll )\b(?:send|email|mail|give|get|drop|leave|bring|show|put|forward|"
    r"pop)\b(?: \w+){1,9}? and (?:then )?"
    r"(?:I|we)(?:'ll|\u2019ll| will)\b",
    re.IGNORECASE,
)
_WHENEVER = re.compile(
    r"\b(?:when(?:ever)? (?:I|we)(?:'ve| have| get| find| can)?(?: (?:a|the|some|five))? ?"
    r"(?:chance|moment|minutes?|second|time|can)|at some point|some ?time|one of these days|some day)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^\s*(?:(?:it|that|this|them|those|him|her|one|all|both|you|over|across|out|up|in|off|down|back|to|with|by|on|for|"
    r"right|after|straight|away|now|then|and|today|tomorrow|tonight|too|as well|again|done|ready|know|so)\b[\s,]*)*$",
    re.IGNORECASE,
)


_SOME_DAY = re.compile(
    r"\b(?:if|when(?:ever)?|next time) (?:you|y'all|we|I)(?:'re|\u2019re|'m| are| am)?\b[^.?!]*"
    r"\b(?:ever|passing|in town|in the area|around here)\b",
    re.IGNORECASE,
)
"""`If you're ever passing`: said to be friendly."""
_A_MOMENT = re.compile(
    r"^(?:(?:just |give me )?(?:one|a|two|half a) (?:minute|second|sec|moment|tick)s?|hang on|hold on|"
    r"wait)\b",
    re.IGNORECASE,
)
"""What is done while the other waits is done now."""
_TELLS = re.compile(
    r"^(?:\w[\w ]{0,11}, *)*(?:(?:I|we)(?:['\u2019]ll| will) (?:tell|greet|thank) (?:him|her|them)|will do|I will|"
    r"(?:I|we)(?:['\u2019]ll| will) pass (?:it|that) on)\b[^,]{0,12}$",
    re.IGNORECASE,
)
_THEN = re.compile(r"^then (?:I|we)\b", re.IGNORECASE)
_WHAT_IF = re.compile(r"(?:^|[.?!] )(?:(?:and|but|so|okay|ok|well)[, ]+)*(?:what )?if\b[^.?!]*\?\s*$", re.IGNORECASE)
_GREETING = re.compile(
    r"\b(?:greet\w*|regards|best wishes|(?:say|saying) (?:hello|hi|hey|thanks|thank you)|hello to|hi to|love to|"
    r"a kiss to|"
    r"(?:thank|tell) (?:him|her|them|your \w+)[^.?!]* (?:from|for) me|"
    r"give (?:him|her|them|(?:the|your) \w+) (?:my|our)(?: \w+)? (?:best|love|regards|thanks|compliments|greetings|"
    r"congratulations|condolences|apologies|sympathy))\b",
    re.IGNORECASE,
)
_TELL_BYE = re.compile(r"\btell (?:\w+ ){1,2}(?:bye|goodbye|hey|hi|hello|thanks)\b", re.IGNORECASE)
_ANYBODY = re.compile(r"\b(?:him|her|them|(?-i:[A-Z][a-z]+))\b")


def conditional(sentence: str) -> bool:
    """Whether a sentence holds only if something else does (`if he signs`)."""
    return bool(_CONDITION.search(sentence))


def hangs_on_something(sentence: str) -> bool:
    """Whether what is promised may never fall due: `I'll waive it if you sign`, but not `if you like`."""
    return conditional(sentence) or bool(_TRAILING_IF.search(straight(sentence)) and not _ASKS_IF.search(sentence))


def promise(sentence: str, day: Named | None = None) -> re.Match[str] | None:
    """Somebody says that they will do something that can be kept or not; `day` is one that the sentence names."""
    if _brush_off(sentence, day) or _A_MOMENT.match(sentence) or _SOME_DAY.search(sentence):
        return None
    for match in (*_PROMISE.finditer(sentence), *_LET_ME.finditer(sentence)):
        if _deed(match, day):
            return match
    return None


def _deed(match: re.Match[str], day: Named | None) -> bool:
    """Whether what follows `I'll` is something to be done: a known deed, or one done to a thing for somebody or by a
    day."""
    verb, rest = match.group("verb").lower(), match.group("rest")
    words = f"{match.group('verb')}{rest}"
    if _LET_KNOW.match(words):
        return True
    if verb == "tell" and re.match(r" (?:you|ya)\b", rest):
        # said now, unless it can only be told later
        return bool(day or _WHEN_TOLD.search(rest.split(",")[0])) and not _SECOND_THOUGHTS.match(words)
    if len(words.split()) < 2 or _SECOND_THOUGHTS.match(words) or (not day and _SMALL_TALK.match(words)):
        return False
    if match.groupdict().get("going") and not (day or _FOR_YOU.search(rest) or _ANYBODY.search(rest)):
        return False  # who shows something says what they are doing: `I'm going to run it once more`
    if verb in _ACTIONS:
        return True
    return verb not in _STATES and bool(_A_THING.match(rest)) and bool(day or _FOR_YOU.search(rest))


def _brush_off(sentence: str, day: Named | None) -> bool:
    """`Send me something and I'll take a look`, `I'll look at it when I get a chance`: said to be rid of somebody."""
    if day or not _PROMISE.search(sentence):
        return False
    asked_first = _SEND_ME.search(sentence)
    promised = sentence[asked_first.end() :] if asked_first else sentence if _WHENEVER.search(sentence) else ""
    return bool(_LOOK.search(promised))


def delivery(sentence: str, day: Named | None) -> re.Match[str] | None:
    """`You'll have it on Friday`, `on Friday you'll have it`, said by who gives it."""
    match = _DELIVERY.search(sentence) or _WITH_YOU.search(sentence) or _HAVE_NOW.search(sentence)
    match = match or _LAST_THING.search(sentence)
    if not match:
        return None
    if not day:
        # without a day only what is on its way to the other: `they'll be with you by five`
        return match if match.re is _WITH_YOU and _SHORTLY.search(match.group("rest")) else None
    if match.re is _LAST_THING and day.start != match.end():
        return None
    if match.re is _HAVE_NOW and (_SPAN.match(day.words) or re.search(r"\bof\s*$", sentence[: day.start])):
        return None
    if day.start < match.start():
        ahead = sentence[: day.start] + sentence[day.start + len(day.words) : match.start()]
        return match if _AHEAD_OF_IT.match(ahead) else None
    # `you'll get a discount from Monday` names no day to deliver by
    return None if re.search(r"\b(?:from|since|starting)\s*$", sentence[: day.start], re.IGNORECASE) else match


def planned(sentence: str, day: Named | None) -> re.Match[str] | None:
    """A promise in other words: `I'll be back on the 18th`, `I send it to you`, `I'll do it this Tuesday`."""
    present = _PRESENT.match(sentence)
    said = _SUBORDINATE.sub("", present.group("rest")) if present else ""
    if day and present and (others := _OTHERS_TURN.search(sentence, present.end("verb"))):
        day = day if day.start < others.start() else None  # by then somebody else does something
    by_then = day or _SHORTLY.search(sentence)
    if (
        present
        and said.strip(" ,")
        and not _SECOND_THOUGHTS.match(f"{present.group('verb')}{said}")
        and not _HABIT.search(sentence)
        and (by_then or present.group("verb") == "clarify" or _TO_YOU.search(said))
    ):
        return present
    later = _AND_THEN.search(sentence)
    if later and day and day.start > later.start("verb") and not _HABIT.search(sentence):
        return later
    return (_COME_BACK.search(sentence) or _DO_IT.search(sentence)) if day else None


def of_colleague(sentence: str, names: Collection[str]) -> re.Match[str] | None:
    """`Sam will send you the form`: promised for one of `names`, who is on the call and on the same side."""
    found = (match for match in _OF_COLLEAGUE.finditer(sentence) if match.group("who") in names)
    return next((match for match in found if _deed(match, None)), None)


def asks_leave(sentence: str) -> re.Match[str] | None:
    """`Can I send you`: a promise once it is agreed to."""
    match = _MAY_I.search(sentence)
    return None if match and _SECOND_THOUGHTS.match(f"{match.group('verb')}{match.group('rest')}") else match


def passes_on(sentence: str, asked_for: str) -> bool:
    """Whether somebody only says that they will pass on a greeting: `I'll tell him`, after `say hello to your dad`."""
    return bool(_TELLS.match(sentence) and (_GREETING.search(asked_for) or _TELL_BYE.search(asked_for)))


def only_then(sentence: str, asked: str) -> bool:
    """Whether somebody says what they would do in a case they were asked about: `And if it's worse?` `Then we call
    you.` Where both name a day it is agreed on: `What if we met on Thursday?` `Then we'll talk on Thursday.`"""
    if not (_THEN.match(sentence) and _WHAT_IF.search(asked)):
        return False
    return not all(named_days(said, None) for said in (asked, sentence))


def offer(sentence: str) -> re.Match[str] | None:
    """`I could ask him`: a promise once it is taken up."""
    match = _OFFER.search(sentence)
    if match and match.group("rest").startswith(","):
        # `what I can do, it's priced already` says nothing of what
        match = _OFFER.search(sentence, match.start("rest"))
    return match if match and _deed(match, None) else None


def proposes(sentence: str) -> bool:
    """`If I send you the form tonight?`: an offer, not a condition."""
    return bool(_IF_I.match(sentence))


def bid(sentence: str) -> re.Match[str] | None:
    """What another is told to do: `send me a photo of it`; no greeting to pass on."""
    return None if _GREETING.search(sentence) else _BID.match(sentence)


def request(sentence: str, *, asked: bool) -> re.Match[str] | None:
    """What another is asked to do."""
    sentence = straight(sentence)
    if not asked:
        return _NEED.search(sentence)
    order = _ORDER_OF_YOU.search(sentence) if asks_to_order(sentence) else None
    return _REQUEST.search(sentence) or _WISH.search(sentence) or order


def asks_to_order(sentence: str) -> bool:
    """`Do the pair of you sign it on Thursday?`: the buyer's to do by a day, and no day to meet.

    Not how they do it (`when do you order?`), nor where who asks comes, too: `you sign on Thursday, and I come by`.
    """
    sentence = straight(sentence)
    if any(other.search(sentence) for other in (_HOW_IT_IS, _HABIT, _COMES_TOO)):
        return False
    return bool(_ORDER_OF_YOU.search(sentence) and named_days(sentence, None))


def points_back(match: re.Match[str]) -> bool:
    """Whether the words of a promise name nothing of their own: `I'll send it today`, `you'll have them`."""
    rest = match.group("rest")
    for day in named_days(rest, None):
        rest = rest.replace(day.words, " ")
    rest = _SHORTLY.sub(" ", rest)
    return bool(_POINTING.match(rest))
