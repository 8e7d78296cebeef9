"""Words and speaker spans become turns: by time, then by utterance, with back-channels kept beside the turn they greet.

A recogniser that writes no punctuation or numerals gets both where that is safe: sentences end at pauses, questions by
their first words, numbers, money and dates as people write them (`pipeline/numerals.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.diarize import Diarization, Span, loudest_speaker_at
from pipeline.numerals import written
from pipeline.types import Turn, Word

MAX_WORD_S = 1.5
_UTTERANCE_GAP_S = 0.6
_SENTENCE_GAP_S = 0.4
_BACKCHANNEL_GAP_S = 1.2
_ISLAND_S = 0.6

_BACKCHANNELS = frozenset(
    """mm mhm mmhm mm-hmm mmm hm hmm uh-huh uhhuh huh yeah yep yes right okay ok sure i see got it exactly true
    good""".split()
)
_LISTENING = frozenset("mm mhm mmhm mm-hmm mmm hm hmm uh-huh uhhuh".split())
"""What nobody says amid a sentence of their own."""
_ALWAYS_CAPITAL = re.compile(
    r"\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|april|june|july|august|september|"
    r"october|november|december|english|american|european)\b"
)
_WORDS_TOO = frozenset(
    """will mark may bill grant rich sue hope faith grace joy chase frank drew guy rose dawn art miles max skip case
    chance won long major price summer autumn winter west young small brown green white black king cook day best love
    little short sharp wise power field page park bell wood stone rice cash banks""".split()
)
"""Names that are mostly the plain word where somebody sells."""
_GOES_ON = (
    r"(?=$| (?:and|so|but|for|from|here|this is|it's|i|i'm|i've|i'll|that's|how|what|thanks|thank|good|great|nice|"
    r"yes|yeah|(?:do|did|are|can|could|have) you)\b)"
)
"""What follows somebody who is addressed, and no verb or adjective."""
_NAMED = (
    (r"hi|hello|hey|(?:hi|hello) there|good (?:morning|afternoon|evening)|thanks|thank you", _GOES_ON),
    (r"this is|my name is|my name's", r"(?=$| (?:and|from|here|calling|speaking|at|with)\b)"),
    (r"it's|i'm", r"(?= (?:from|here|calling|speaking)\b)"),
    (r"mister|mr|mrs|ms|doctor|dr", r"\b(?!')"),
)
"""Before and behind a name that is a plain word too, where it is a name."""
_QUESTION = re.compile(
    r"^(?:so |and |but |okay |well |now |then |sorry )*"
    r"(?:(?:what|how|who|whom|whose|where|why|which)\b(?! about it\b)|"
    r"when (?:do|does|did|is|are|was|were|will|would|can|could|should|have|has)\b|"
    r"(?:do|does|did|is|are|was|were|will|would|can|could|should|shall|have|has|am|isn't|aren't|don't|doesn't|didn't|"
    r"won't|wouldn't|can't|couldn't) "
    r"(?:you|i|we|they|he|she|it|that|this|there|the|your|my|our|their|anyone|anybody|someone|somebody)\b)"
)


def repair_words(words: Iterable[Word]) -> list[Word]:
    """Words in time order, none longer than 1.5 s, none ending before it starts or running into the next one.

    Recognisers stretch a word over the silence that follows it; talk time and clip edges would be wrong.
    """
    ordered = sorted(words, key=lambda word: (word.t0, word.t1))
    repaired = []
    for index, word in enumerate(ordered):
        t0 = max(0.0, word.t0)
        t1 = min(max(word.t1, t0), t0 + MAX_WORD_S)
        if index + 1 < len(ordered):
            t1 = max(t0, min(t1, ordered[index + 1].t0))
        repaired.append(replace(word, t0=t0, t1=t1))
    return repaired


def build_turns(
    channels: Sequence[Sequence[Word]], diarization: Diarization, *, punctuated: bool, names: tuple[str, ...] = ()
) -> tuple[Turn, ...]:
    """Turns with unresolved speakers from the words of each channel.

    `punctuated` says that the recogniser wrote sentences itself; `names` are spelt as given wherever they occur, those
    that are plain words too (`Will`) only where somebody is greeted, thanked, introduced or named in full.
    """
    utterances: list[tuple[str, list[Word]]] = []
    for channel, raw in enumerate(channels):
        words = repair_words(raw)
        if diarization.method == "channels":
            labelled = _by_channel(words, diarization, channel)
        else:
            labelled = _by_voice(words, diarization)
        utterances.extend(_utterances(labelled))
    utterances.sort(key=lambda item: (item[1][0].t0, item[1][-1].t1))
    return tuple(
        _turn(speaker, words, punctuated=punctuated, names=names) for speaker, words in _join(utterances) if words
    )


def _by_channel(words: list[Word], diarization: Diarization, channel: int) -> list[tuple[str, Word]]:
    """A speaker for every word of a channel: its only one, or which of its voices covers it."""
    mine = tuple(span for span in diarization.spans if span.channel == channel)
    only = f"channel {channel}"
    if all(span.speaker == only for span in mine):
        return [(only, word) for word in words]
    return _by_voice(words, replace(diarization, spans=mine))


def _by_voice(words: list[Word], diarization: Diarization) -> list[tuple[str, Word]]:
    """A speaker for every word: who covers it; a lone short word between two of the same speaker joins them."""
    fallback = diarization.spans[0].speaker if diarization.spans else "SPEAKER_00"
    speakers: list[str] = []
    for word in words:
        found = _listener(diarization.spans, word) or loudest_speaker_at(
            diarization.spans, word.t0, max(word.t1, word.t0 + 0.02)
        )
        speakers.append(found or (speakers[-1] if speakers else fallback))
    for index in range(1, len(words) - 1):
        before, here, after = speakers[index - 1 : index + 2]
        close = words[index].t0 - words[index - 1].t1 < 0.2 and words[index + 1].t0 - words[index].t1 < 0.2
        listens = _bare(words[index].text) in _LISTENING
        if before == after != here and close and not listens and words[index].t1 - words[index].t0 < _ISLAND_S:
            speakers[index] = before
    return list(zip(_snap(words, speakers), words, strict=True))


def _listener(spans: tuple[Span, ...], word: Word) -> str | None:
    """Who says a listening sound while somebody else goes on: whose span around it is the shortest; else None."""
    if _bare(word.text) not in _LISTENING:
        return None
    around = [span for span in spans if span.t0 <= (word.t0 + word.t1) / 2 <= span.t1]
    return min(around, key=lambda span: span.t1 - span.t0).speaker if around else None


def _snap(words: list[Word], speakers: list[str]) -> list[str]:
    """Move each change of speaker to the longest pause within two words of it: people change at pauses."""
    moved = list(speakers)
    for index in range(1, len(words)):
        if speakers[index] == speakers[index - 1]:
            continue
        cuts = [cut for cut in range(index - 2, index + 3) if 0 < cut < len(words)]
        best = max(cuts, key=lambda cut: (words[cut].t0 - words[cut - 1].t1) - 0.05 * abs(cut - index))
        if words[best].t0 - words[best - 1].t1 < 0.15:
            continue
        for between in range(min(best, index), max(best, index)):
            moved[between] = speakers[index - 1] if best > index else speakers[index]
    return moved


def _utterances(labelled: list[tuple[str, Word]]) -> list[tuple[str, list[Word]]]:
    """Runs of words of one speaker with no pause over 0.6 s."""
    runs: list[tuple[str, list[Word]]] = []
    for speaker, word in labelled:
        if runs and runs[-1][0] == speaker and word.t0 - runs[-1][1][-1].t1 <= _UTTERANCE_GAP_S:
            runs[-1][1].append(word)
        else:
            runs.append((speaker, [word]))
    return runs


def _join(utterances: list[tuple[str, list[Word]]]) -> list[tuple[str, list[Word]]]:
    """One run per turn: a speaker's utterances with nothing but the other side's back-channels between them."""
    turns: list[tuple[str, list[Word]]] = []
    open_turn: int | None = None
    for index, (speaker, words) in enumerate(utterances):
        if open_turn is not None and speaker == turns[open_turn][0]:
            turns[open_turn] = (speaker, turns[open_turn][1] + words)
        elif open_turn is not None and _is_backchannel(utterances, index, turns[open_turn]):
            turns.append((speaker, list(words)))
        else:
            turns.append((speaker, list(words)))
            open_turn = len(turns) - 1
    return turns


def _is_backchannel(utterances: list[tuple[str, list[Word]]], index: int, turn: tuple[str, list[Word]]) -> bool:
    """At most three listening words while the other speaker goes on, without a pause in which to take the turn."""
    words = utterances[index][1]
    if len(words) > 3 or any(_bare(word.text) not in _BACKCHANNELS for word in words):
        return False
    following = next((item for item in utterances[index + 1 :] if item[0] != utterances[index][0]), None)
    if words[-1].t1 <= turn[1][-1].t1:
        return True
    if following is None or following[0] != turn[0]:
        return False
    return following[1][0].t0 - turn[1][-1].t1 <= _BACKCHANNEL_GAP_S


def _bare(text: str) -> str:
    return text.strip().lower().strip(".,!?;:\"'")


def _turn(speaker: str, words: list[Word], *, punctuated: bool, names: tuple[str, ...]) -> Turn:
    if punctuated:
        text = " ".join(word.text.strip() for word in words)
    else:
        text = " ".join(_sentence(part, names) for part in _sentences(words))
    return Turn(t0=words[0].t0, t1=max(word.t1 for word in words), speaker=speaker, text=text, words=tuple(words))


def _sentences(words: list[Word]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for index, word in enumerate(words):
        if index and word.t0 - words[index - 1].t1 >= _SENTENCE_GAP_S and len(parts[-1]) > 1:
            parts.append([])
        parts[-1].append(word.text.strip())
    return parts


def _sentence(words: list[str], names: tuple[str, ...]) -> str:
    spoken = " ".join(words).lower()
    text = written(spoken)
    text = re.sub(r"\bi\b", "I", text)
    text = _ALWAYS_CAPITAL.sub(lambda match: match.group().capitalize(), text)
    for name in names:
        text = _with_name(text, name) if len(name) > 2 else text
    return text[:1].upper() + text[1:] + ("?" if _QUESTION.match(spoken) else ".")


def _with_name(text: str, name: str) -> str:
    """The text with the name spelt as given where it is a name; `Don` is none in `don't`."""
    said = re.escape(name)
    if name.lower() not in _WORDS_TOO:
        return re.sub(rf"\b{said}\b(?!'t\b)", lambda _: name, text, flags=re.IGNORECASE)
    for before, behind in _NAMED:
        # "hello, may I" asks
        called = rf"\b({before}) (?!may (?:i|we)\b){said}\b{behind}"
        text = re.sub(called, lambda match: f"{match[1]} {name}", text, flags=re.IGNORECASE)
    return text
