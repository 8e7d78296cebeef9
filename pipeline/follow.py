"""A call while it is made: new turns of a transcript or recording that is still being written.

A transcript is read line by line: `Name: words`, with a time before it (from the start or of the day) or not, WebVTT,
or one JSON object per line (`speaker`, `text`, `t0`, `t1`). A name is what is one in a finished transcript; one in
small letters (`dana reyes`) is known from the second time on. A recording is a WAV file that grows: `follow_sound.py`
hears it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import InputError
from pipeline.formats.names import MAX_NAME, split_name
from pipeline.formats.wall import HALF, LONGEST_S, since, written_time
from pipeline.types import BUYER, REP, CallMeta, Transcript, Turn

if TYPE_CHECKING:
    from pipeline.settings import Settings

MIN_ROLE_WORDS = 25


class Follower(Protocol):
    """Something that gives the turns that came since it was last asked."""

    def poll(self) -> list[Turn]:
        """New turns in order; speakers may be unresolved labels. Raises `InputError`."""

    def rest(self) -> list[Turn]:
        """What was not finished yet when the file ended: asked for once, after the last `poll`."""


def follow(path: Path, settings: Settings) -> Follower:
    """The follower that fits a file by its name. Raises `InputError` for one that cannot be followed."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a transcript or recording that is being written")
    suffix = path.suffix.lower()
    if suffix == ".wav":
        from pipeline.follow_sound import Recording

        return Recording(path, settings)
    if suffix in (".txt", ".vtt", ".jsonl", ".log", ".json", ".md"):
        return Lines(path)
    raise InputError(f"{path}: cannot be followed; use a .wav that grows, or lines of text (.txt, .vtt, .jsonl)")


_TIME = r"(?:(\d{1,2}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?"
_CLOCK = re.compile(rf"^\W*(?P<stamp>{_TIME})(?P<half>{HALF})\W+(?=\S)")
_SPAN = re.compile(rf"^{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"^<v\s+(?P<who>[^>]+)>(?P<text>.*?)(?:</v>)?$")


@dataclass(slots=True)
class Lines:
    """A transcript that grows by whole lines; `clock` gives seconds since the start for lines without a time."""

    path: Path
    clock: Callable[[], float] | None = None
    _at: int = 0
    _rest: bytes = b""
    _last: float = 0.0
    _first: float | None = None
    _span: tuple[float, float] | None = None
    _who: str = ""
    _captions: bool = False
    _in_cue: bool = False
    _heads: Counter[str] = field(default_factory=Counter)
    _begun: int = 0

    def poll(self) -> list[Turn]:
        """Turns of the lines that were finished since. A file that shrank is read from its start again.

        Raises `InputError` for a file that cannot be read or is UTF-16 text, of which no line would be understood.
        """
        try:
            with self.path.open("rb") as file:
                if self.path.stat().st_size < self._at:
                    self._at, self._rest = 0, b""
                file.seek(self._at)
                fresh = file.read()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error})") from error
        if not self._at and fresh.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{self.path}: is UTF-16 text; let it be written as UTF-8 to be followed")
        self._at += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        found = [self._turn(line.decode("utf-8", "replace").strip().lstrip("\ufeff")) for line in lines]
        return [turn for turn in found if turn]

    def rest(self) -> list[Turn]:
        """The last line, where nothing ends it."""
        turn = self._turn(self._rest.decode("utf-8", "replace").strip())
        self._rest = b""
        return [turn] if turn else []

    def _turn(self, line: str) -> Turn | None:
        if not line or line.startswith("WEBVTT"):
            # of WebVTT only what stands under a time is said: not its header, comments, styles or cues' names
            self._captions, self._in_cue = self._captions or bool(line), False
            return None
        # under a time a number alone is said: `40`
        if not self._in_cue and (line.startswith(("NOTE", "@", "#")) or line.isdigit()):
            return None
        if line.startswith("{"):
            return self._from_json(line)
        span = _SPAN.match(line)
        if span:
            self._span = _seconds(span.groups()[:4]), _seconds(span.groups()[4:])
            self._in_cue = True
            return None
        if self._captions and not self._in_cue:
            return None
        clock = _CLOCK.match(line)
        voice, rest = _VOICE.match(line), line[clock.end() :] if clock else line
        rest = rest.removesuffix("</v>").rstrip() if self._in_cue else rest
        named = (voice["who"].strip(), voice["text"].strip()) if voice else split_name(rest, known=self._known(rest))
        if clock and not named and line[0] not in "[(":
            # `2:30 works for us.` is what was said
            clock, rest = None, line
        self._who, text = named or (self._who, rest)
        return self._made(self._who, text, self._time(clock) if clock else None, None) if self._who and text else None

    def _time(self, clock: re.Match[str]) -> float:
        """Seconds into the call of the time before a line, which may be one of the day."""
        half = clock["half"].strip() or None
        at = written_time(clock["stamp"], half) or 0.0
        if self._first is None:
            self._first = at if half or at >= LONGEST_S else 0.0
        return since(self._first, at) if self._first else at

    def _known(self, line: str) -> Collection[str]:
        """What this line has before a colon, where it is a name by what came so far: nearly all begin with one, and
        this one is not new, or the first of all. As `formats.captions` tells it of a whole file."""
        head, colon, _ = line.partition(": ")
        if self._span or not self._in_cue:
            # of a cue only the first line
            self._begun += 1
            self._heads[head] += bool(colon) and len(head) <= MAX_NAME
        if self._heads.total() < 0.9 * self._begun or self._heads[head] < (2 if self._who else 1):
            return ()
        return (head,)

    def _from_json(self, line: str) -> Turn | None:
        try:
            row = json.loads(line)
        except ValueError:
            return None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
            return None
        t0, t1 = (_number(row.get(key)) for key in ("t0", "t1"))
        return self._made(str(row.get("speaker") or "unknown"), row["text"].strip(), t0, t1)

    def _made(self, who: str, text: str, t0: float | None, t1: float | None) -> Turn:
        if self._span:
            (t0, t1), self._span = self._span, None
        spoken = len(text.split()) / 2.5
        start = t0 if t0 is not None else max(self._last, (self.clock() - spoken) if self.clock else self._last)
        end = t1 if t1 is not None else start + spoken
        self._last = end
        return Turn(start, end, who, text)


_LONGEST_TOLD = 1e12


def _number(value: object) -> float | None:
    """Seconds of a JSON row; None for what is no number (`NaN`, which JSON's readers let pass, included)."""
    return value if isinstance(value, int | float) and abs(value) < _LONGEST_TOLD else None


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + float(f"0.{fraction or 0}")


@dataclass(slots=True)
class Roles:
    """Which speaker is the rep: as told, by the label, or as what they say sounds, which may change as more is said.

    `rep` is a label (`channel 0`), or a name in full or in part where that can be one speaker only.
    """

    rep: str | None = None
    _turns: list[Turn] = field(default_factory=list)
    _sides: dict[str, str] = field(default_factory=dict)
    _words: dict[str, int] = field(default_factory=dict)
    _reps: set[str] = field(default_factory=set)

    def hear(self, turn: Turn) -> None:
        """Take in what a speaker said."""
        self._turns.append(turn)
        self._sides = {}
        new = turn.speaker not in self._words
        self._words[turn.speaker] = self._words.get(turn.speaker, 0) + len(turn.text.split())
        if new and self.rep:
            self._reps = self._named_so(self.rep.strip().lower())

    def _named_so(self, rep: str) -> set[str]:
        from pipeline.roles import named_rep

        return {label for label in self._words if label.strip().lower() == rep} or named_rep(self._words, rep)

    def missing(self) -> list[str]:
        """Who speaks, once two have said enough and neither is the rep that was named; else nothing."""
        said_enough = sorted(self._words.values())[-2:-1] >= [MIN_ROLE_WORDS]
        return list(self._words) if self.rep and said_enough and not any(map(self._is_rep, self._words)) else []

    def name(self, label: str) -> str:
        """`rep`, `buyer:Name`, or the label itself while it is not known whose it is; colleagues of the rep are `rep`
        too."""
        side = self._side(label)
        if side is None or side == REP:
            return side or label
        name = label.partition(":")[2].strip() or label
        return BUYER if _named(name) else f"{BUYER}:{name}"

    def _side(self, label: str) -> str | None:
        if self._told(label):
            return self._told(label)
        heard = set(self._words)
        known = any(self._told(other) == REP for other in heard)
        if (self.rep and not known) or (known and len(heard | {label}) < 3):
            return BUYER
        words = self._words
        if label not in words or len(words) < 2 or (not known and sorted(words.values())[-2] < MIN_ROLE_WORDS):
            return BUYER if known else None
        self._sides = self._sides or self._resolved()
        return self._sides.get(label)

    def _told(self, label: str) -> str | None:
        """The side that was said of a speaker, or that the label names itself."""
        return REP if self._is_rep(label) else _named(label)

    def _is_rep(self, label: str) -> bool:
        return label in self._reps or (self.rep is not None and label.strip().lower() == self.rep.strip().lower())

    def _resolved(self) -> dict[str, str]:
        from pipeline.roles import resolve_roles

        turns = [replace(turn, speaker=self._told(turn.speaker) or turn.speaker) for turn in self._turns]
        # asked anew with each turn: to read the whole call again each time would take longer than it takes to speak
        found = resolve_roles(Transcript("live", CallMeta(), tuple(turns)), threshold=0.0, read=False)
        return {turn.speaker: named.side for turn, named in zip(self._turns, found.turns, strict=True)}


def _named(label: str) -> str | None:
    """The side that a label names itself."""
    head = label.partition(":")[0].strip().lower()
    return REP if head in (REP, "r", "seller") else BUYER if head in (BUYER, "b", "customer") else None
