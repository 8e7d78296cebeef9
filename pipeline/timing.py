"""When each word of a turn's text was said: the recogniser's words laid over the text, which may be written otherwise.

The recogniser heard `twenty thousand dollars`, the text says `$20,000`: words that are the same tie the two together,
and what stands between them shares the time between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pipeline.types import Turn, Word

_TOKEN = re.compile(r"\S+")
_BARE = re.compile(r"[^\w']+")
_STRETCH = 400
_SURE = 3
"""So many words in a row that are the same are no chance."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the text, `start`-`end` in it, and when it was said: `t0`-`t1` in seconds."""

    start: int
    end: int
    t0: float
    t1: float


def said_words(turn: Turn) -> tuple[Said, ...]:
    """The words of a turn's text in order, with their times; empty where the turn has no word times."""
    places = [match.span() for match in _TOKEN.finditer(turn.text)]
    if not turn.words or not places:
        return ()
    if len(places) == len(turn.words):
        return tuple(Said(a, b, word.t0, word.t1) for (a, b), word in zip(places, turn.words, strict=True))
    written = [_bare(turn.text[a:b]) for a, b in places]
    heard = [_bare(word.text) for word in turn.words]
    found: list[Said] = []
    for kind, i, j, k, m in _opcodes(written, heard):
        if kind == "equal":
            same = zip(places[i:j], turn.words[k:m], strict=True)
            found.extend(Said(a, b, word.t0, word.t1) for (a, b), word in same)
        elif j > i:
            t0, t1 = _span(turn, k, m)
            found.extend(_shared(places[i:j], t0, t1))
    return tuple(found)


def evenly(turn: Turn) -> tuple[Said, ...]:
    """The words of a turn's text as if they shared its time by their length: for a turn without word times."""
    return tuple(_shared([match.span() for match in _TOKEN.finditer(turn.text)], turn.t0, turn.t1))


def _opcodes(written: Sequence[str], heard: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """What is the same in both and what is not, as `SequenceMatcher` says it, a stretch at a time: the whole of a long
    talk takes it time by the cube of its words."""
    i = k = 0
    while i < len(written) or k < len(heard):
        ops = SequenceMatcher(None, written[i : i + _STRETCH], heard[k : k + _STRETCH], autojunk=False).get_opcodes()
        if len(written) - i > _STRETCH or len(heard) - k > _STRETCH:
            # the ends of the two do not belong together: only up to where they surely do
            last = max((n for n, op in enumerate(ops) if op[0] == "equal" and op[2] - op[1] >= _SURE), default=len(ops))
            ops = ops[: last + 1]
        yield from ((kind, a + i, b + i, c + k, d + k) for kind, a, b, c, d in ops)
        i, k = i + ops[-1][2], k + ops[-1][4]


def _bare(text: str) -> str:
    return _BARE.sub("", text).lower()


def _span(turn: Turn, first: int, last: int) -> tuple[float, float]:
    """The seconds of words `first` to `last`; of no words at all, the gap where they would stand."""
    words: Sequence[Word] = turn.words
    if last > first:
        return words[first].t0, words[last - 1].t1
    t0 = words[first - 1].t1 if first else turn.t0
    return t0, max(t0, words[first].t0 if first < len(words) else turn.t1)


def _shared(places: Sequence[tuple[int, int]], t0: float, t1: float) -> list[Said]:
    """Words that share a stretch of time by their length."""
    total = sum(b - a for a, b in places)
    found, at = [], t0
    for a, b in places:
        end = at + (t1 - t0) * (b - a) / total
        found.append(Said(a, b, at, end))
        at = end
    return found
