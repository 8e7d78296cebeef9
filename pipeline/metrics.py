"""Conversation metrics of one call: how it was talked, whatever was said.

`EXPLAINED` says how each is counted, over the turns in time order, in the words that the pages show. Questions without
marks are told by ways of asking (`do you`, `how many`, `would that`): in the test calls, their marks taken away, these
count 1,313 where 1,478 marks stood, and a call's number is 28 % off on average.

Where a file gives no times, or no ends, its reader lays them out at one pace: nobody was heard to pause or to hurry
then, and there is neither `patience_s` nor `wpm`.

All of them rest on who is said to speak. `intervals` tells how far they move when that is wrong as often as the
diarizer is: each turn changes sides with `WRONG_SIDE` probability, in `DRAWS` draws that are the same for the same
call; the 5th and 95th percentile are given, and the value itself where they leave it out: turns that alternate can only
lose switches by a mistake.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from pipeline.formats.assemble import NO_ENDS, NO_TIMES
from pipeline.types import Metrics, Transcript, Turn


@dataclasses.dataclass(frozen=True, slots=True)
class Explained:
    """What a metric is called and how it is counted, in the words of the pages."""

    title: str
    formula: str


EXPLAINED: Mapping[str, Explained] = {
    "talk_share": Explained("Talk share", "seconds that the rep's side speaks, of all seconds that anybody speaks"),
    "longest_monologue_s": Explained(
        "Longest monologue",
        "the longest stretch in which only the rep's side speaks; a buyer's one or two words in it, such as “right”, "
        "do not end it",
    ),
    "questions": Explained(
        "Questions asked",
        "question marks in what the rep's side says; in words without marks, its ways of asking (“do you”, “how many”)",
    ),
    "switches_per_min": Explained(
        "Changes of speaker a minute", "changes from one side to the other, by the minutes of the call"
    ),
    "patience_s": Explained(
        "Pause before answering",
        "the middle one (median) of the silences between the end of a buyer's turn and the rep's next; talking over "
        "each other counts as none",
    ),
    "wpm": Explained("Words a minute", "words of the rep's side, by the minutes that it speaks"),
    "fillers_per_min": Explained(
        "Fillers a minute",
        "hesitations of the rep's side (um, uh, er, you know, sort of, I mean), by the minutes that it speaks",
    ),
}

BACKCHANNEL_WORDS = 2
_FILLER = re.compile(r"\b(?:um+|uh+|er|erm|hmm+|you know|sort of|kind of|i mean)\b", re.IGNORECASE)
_MARKED = re.compile(r"\?|[.!](?:\s|$)")
"""Whoever wrote this down sets marks at the end of sentences."""
_BEGINS = r"(?:do|does|did|are|can|could|would|have|were|will|is|was|has|should|shall)"
_ASKING = re.compile(
    r"\b(?:(?:what|how) about|(?:who|what) else|what happens|how (?:come|much|many|long|often)"
    rf"|(?:what|how|who|where|why|which)(?:'s| {_BEGINS}(?: (?:you|they|we))?)"
    rf"|{_BEGINS} (?:you|they|we|your|anybody|anyone|somebody)"
    r"|(?:does|did|would|will|could|can|is|was|has) (?:it|that|there))\b",
    re.IGNORECASE,
)
"""Ways of asking in the midst of words without any marks; `we do that` and `I have it` are none."""

WRONG_SIDE: Mapping[str, float] = {"channels": 0.02, "pyannote": 0.06, "embedded": 0.08, "": 0.02}
"""Share of speech given to the wrong side, by diarizer: about its error rate in HEARING.md; named speakers of a meeting
tool ("") are as good as two channels."""
DRAWS = 100
Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """What a turn holds, whoever speaks: times, its words, questions and fillers."""

    t0: float
    t1: float
    words: int
    questions: int
    fillers: int


def measure(transcript: Transcript) -> Metrics:
    """Metrics of a transcript whose roles are resolved; fields without a basis are None."""
    turns = _spoken(transcript)
    said, sides = [_said(turn) for turn in turns], [turn.side == "rep" for turn in turns]
    return _metrics(said, sides, transcript.duration_s, timed=_timed(transcript))


def intervals(transcript: Transcript) -> dict[str, Interval]:
    """Per metric (low, high): where 90 % of the draws lie, and the value; metrics without a basis are left out."""
    turns = _spoken(transcript)
    said, sides = [_said(turn) for turn in turns], [turn.side == "rep" for turn in turns]
    timed = _timed(transcript)
    wrong = WRONG_SIDE.get(transcript.hearing.diarizer, max(WRONG_SIDE.values()))
    rng = random.Random(0)
    drawn: dict[str, list[float]] = {}
    measured = dataclasses.asdict(_metrics(said, sides, transcript.duration_s, timed=timed))
    for _ in range(DRAWS if turns else 0):
        mistaken = [side != (rng.random() < wrong) for side in sides]
        found = _metrics(said, mistaken, transcript.duration_s, timed=timed)
        for name, value in dataclasses.asdict(found).items():
            if value is not None:
                drawn.setdefault(name, []).append(float(value))
    return {
        name: _around(measured[name], sorted(values)) for name, values in drawn.items() if measured[name] is not None
    }


def _around(measured: float, values: Sequence[float]) -> Interval:
    low, high = (values[round(part * (len(values) - 1))] for part in (0.05, 0.95))
    return round(min(low, measured), 3), round(max(high, measured), 3)


def _spoken(transcript: Transcript) -> list[Turn]:
    return [turn for turn in transcript.turns if turn.text.strip()]


def _timed(transcript: Transcript) -> bool:
    """Whether the ends of the turns were measured, by whomever."""
    return transcript.duration_s > 0 and not {NO_TIMES, NO_ENDS} & set(transcript.hearing.notes)


def _said(turn: Turn) -> _Said:
    return _Said(turn.t0, turn.t1, len(turn.text.split()), count_questions(turn.text), len(_FILLER.findall(turn.text)))


def _metrics(said: Sequence[_Said], sides: Sequence[bool], duration_s: float, *, timed: bool) -> Metrics:
    """Metrics of turns and who speaks each (True: the rep's side); `timed`: their ends were measured."""
    rep = [item for item, mine in zip(said, sides, strict=True) if mine]
    rep_s = sum(item.t1 - item.t0 for item in rep)
    all_s = sum(item.t1 - item.t0 for item in said)
    minutes = duration_s / 60
    return Metrics(
        talk_share=rep_s / all_s if all_s else None,
        longest_monologue_s=_longest_monologue(said, sides) if rep_s else None,
        questions=sum(item.questions for item in rep),
        switches_per_min=sum(a != b for a, b in pairwise(sides)) / minutes if minutes else None,
        patience_s=_patience(said, sides) if timed else None,
        wpm=60 * sum(item.words for item in rep) / rep_s if rep_s and timed else None,
        fillers_per_min=60 * sum(item.fillers for item in rep) / rep_s if rep_s else None,
    )


def count_questions(text: str) -> int:
    """Questions in one turn: its question marks, or its ways of asking where nobody set marks."""
    return text.count("?") if _MARKED.search(text) else len(_ASKING.findall(text))


def _longest_monologue(said: Sequence[_Said], sides: Sequence[bool]) -> float:
    longest = 0.0
    start: float | None = None
    for item, mine in zip(said, sides, strict=True):
        if mine:
            start = item.t0 if start is None else start
            longest = max(longest, item.t1 - start)
        elif item.words > BACKCHANNEL_WORDS:
            start = None
    return longest


def _patience(said: Sequence[_Said], sides: Sequence[bool]) -> float | None:
    gaps = [
        max(0.0, after.t0 - before.t1)
        for (before, asked), (after, mine) in pairwise(zip(said, sides, strict=True))
        if mine and not asked
    ]
    return median(gaps) if gaps else None
