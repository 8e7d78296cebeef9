"""What must not leave: card, bank and social security numbers, e-mails and phones, in text and in seconds of audio.

Numbers are found as people write them and as they say them (`four two four two`, `jane dot doe at acme dot com`), also
when they are dictated over several turns. Where it is unclear what a long string of digits is, it is taken out; where
it is unclear which seconds it was said in, the whole turn is silenced. Numbers are checked by python-stdnum, phones
by phonenumbers. What cannot be found is what was not heard as digits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import SettingsError
from pipeline.private import ALL, KINDS, Span, private_spans
from pipeline.settings_check import problem_of
from pipeline.types import Turn, Word

__all__ = [
    "ALL",
    "KINDS",
    "Redacted",
    "Span",
    "chosen_kinds",
    "redact_text",
    "redact_turns",
    "shortened",
    "silences",
    "without_private",
]

_NEIGHBOURS = 6
"""Turns of one speaker further apart than this do not continue a number."""

_CUT = " [...]"
PAD_S = 0.3
COARSE_PAD_S = 1.0
"""Around a turn whose words have no times: vendors round to whole seconds."""
QUICKEST = 30.0
"""Letters a second that nobody speaks faster than, a digit being said in four: words closer together have no times."""
UNHEARD_S = 2.0
"""Longer stretches that no turn covers are silenced: nobody knows what was said there."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` with each of `spans` (places in the original, in order, not overlapping) replaced by `[kind]`."""

    text: str
    spans: tuple[Span, ...]
    original: str

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that were found."""
        return frozenset(span.kind for span in self.spans)

    def piece(self, start: int, end: int) -> str:
        """Characters `start` to `end` of the original with what must not leave replaced, also where it is cut."""
        cut = [
            Span(max(s.start, start), min(s.end, end), s.kind) for s in self.spans if s.start < end and s.end > start
        ]
        return _replaced(self.original, cut, start, end)


def chosen_kinds(words: str) -> frozenset[str]:
    """The kinds that the setting `redact` names: `all`, `none`, or some of `KINDS`. Raises `SettingsError`."""
    problem = problem_of("redact", words)
    if problem:
        raise SettingsError(f"redact: '{words}' is not known; {problem}")
    names = {name.strip().lower() for name in words.split(",") if name.strip()}
    return ALL if names == {"all"} else frozenset(names - {"none"})


def redact_text(text: str, *, kinds: Collection[str] = ALL) -> Redacted:
    """A text without the kinds of things asked for (all of `KINDS` unless told)."""
    spans = _merged(span for span in private_spans(text) if span.kind in kinds)
    return Redacted(_replaced(text, spans, 0, len(text)), tuple(spans), text)


def shortened(text: str, width: int) -> str:
    """A text as one line of at most `width` characters, not cut inside a private detail: of half a number nobody can
    tell later that it is one."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    end = width - len(_CUT)
    end = min((span.start for span in private_spans(line) if span.start < end < span.end), default=end)
    return line[: line.rfind(" ", 0, end + 1)].rstrip() + _CUT


def redact_turns(turns: Sequence[Turn], *, kinds: Collection[str] = ALL) -> tuple[Redacted, ...]:
    """Each turn's text without the kinds asked for, numbers that run over several turns included."""
    found: list[list[Span]] = [[] for _ in turns]
    for stream in _streams(turns):
        text, places = _joined(turns, stream)
        for span in private_spans(text):
            if span.kind in kinds:
                for index, offset in places:
                    start, end = max(span.start - offset, 0), min(span.end - offset, len(turns[index].text))
                    if start < end:
                        found[index].append(Span(start, end, span.kind))
    out = []
    for turn, spans in zip(turns, found, strict=True):
        merged = _merged(spans)
        out.append(Redacted(_replaced(turn.text, merged, 0, len(turn.text)), tuple(merged), turn.text))
    return tuple(out)


def without_private(turns: Sequence[Turn], *, kinds: Collection[str] = ALL) -> tuple[Turn, ...]:
    """Turns as they are kept where `redact_kept` is set: `[kind]` in text and words, at the seconds that it took.

    A turn whose words cannot be matched to its text loses their times, so `silences` silences it whole.
    """
    made = []
    for turn, redacted in zip(turns, redact_turns(turns, kinds=kinds), strict=True):
        places = _word_places(turn) if turn.words else None
        hidden = redact_text(_words_text(turn), kinds=kinds).spans if turn.words else ()
        if not redacted.spans and not hidden:
            made.append(turn)
        elif not redacted.spans or places is None or not all(_around(turn, s, places) for s in redacted.spans):
            made.append(replace(turn, text=redacted.text, words=()))
        else:
            made.append(replace(turn, text=redacted.text, words=tuple(_kept_words(turn, redacted, places))))
    return tuple(made)


def _kept_words(turn: Turn, redacted: Redacted, places: Sequence[tuple[int, int]]) -> Iterable[Word]:
    last: Span | None = None
    for word, (start, end) in zip(turn.words, places, strict=True):
        span = next((span for span in redacted.spans if start < span.end and end > span.start), None)
        if span is None:
            yield word
        elif span != last:
            inside = [w for w, (a, b) in zip(turn.words, places, strict=True) if a < span.end and b > span.start]
            yield Word(word.t0, max(w.t1 for w in inside), redacted.piece(start, max(end, span.end)))
        last = span


def silences(
    turns: Sequence[Turn], *, t0: float, t1: float, kinds: Collection[str] = ALL
) -> tuple[tuple[float, float], ...]:
    """Seconds between `t0` and `t1` that must be silent, in order and apart; of all of a call's turns.

    Fail-closed: a turn whose words have no usable times is silenced whole, a window in which times are missing
    altogether is silenced whole, and so is a stretch of more than `UNHEARD_S` that no turn covers.
    """
    if t1 <= t0:
        return ()
    spoken = [turn for turn in turns if turn.text.strip()]
    if not spoken or any(turn.t1 <= turn.t0 for turn in spoken):
        timeless = [r for r, turn in zip(redact_turns(spoken, kinds=kinds), spoken, strict=True) if turn.t1 <= turn.t0]
        if not spoken or any(r.spans for r in timeless):
            return ((t0, t1),)
    found = list(_unheard(spoken, t0, t1))
    for turn, redacted in zip(spoken, redact_turns(spoken, kinds=kinds), strict=True):
        found.extend(_seconds_of(turn, redacted, kinds))
    clipped = sorted((max(a, t0), min(b, t1)) for a, b in found if a < t1 and b > t0)
    joined: list[tuple[float, float]] = []
    for a, b in clipped:
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return tuple(joined)


def _unheard(turns: Sequence[Turn], t0: float, t1: float) -> Iterable[tuple[float, float]]:
    heard = t0
    for turn in sorted(turns, key=lambda turn: turn.t0):
        if turn.t0 - heard > UNHEARD_S:
            yield heard, turn.t0
        heard = max(heard, turn.t1)
    if t1 - heard > UNHEARD_S:
        yield heard, t1


def _seconds_of(turn: Turn, redacted: Redacted, kinds: Collection[str]) -> Iterable[tuple[float, float]]:
    """Where in the recording a turn's spans were said; the whole turn where its words do not tell."""
    places = _word_places(turn)
    if places is None:
        if redacted.spans or redact_text(_words_text(turn), kinds=kinds).spans:
            yield turn.t0 - COARSE_PAD_S, turn.t1 + COARSE_PAD_S
        return
    for span in (*redacted.spans, *_spans_by_words(turn, places, kinds)):
        yield _around(turn, span, places) or (turn.t0 - COARSE_PAD_S, turn.t1 + COARSE_PAD_S)


def _around(turn: Turn, span: Span, places: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """From the word before a span to the one after it; None where there is less time than its words take, as where a
    recogniser puts many words at one moment."""
    inside = [i for i, (a, b) in enumerate(places) if a < span.end and b > span.start]
    if not inside:
        return None
    first, last = turn.words[inside[0]], turn.words[inside[-1]]
    before = turn.words[inside[0] - 1].t1 if inside[0] else turn.t0
    after = turn.words[inside[-1] + 1].t0 if inside[-1] + 1 < len(turn.words) else turn.t1
    letters = sum(4 if char.isdigit() else 1 for i in inside for char in turn.words[i].text if char.isalnum())
    if max(after, last.t1) - min(before, first.t0) < letters / QUICKEST:
        return None
    return min(before, first.t0 - PAD_S), max(after, last.t1 + PAD_S)


def _words_text(turn: Turn) -> str:
    return " ".join(word.text.strip() for word in turn.words)


def _spans_by_words(turn: Turn, places: Sequence[tuple[int, int]], kinds: Collection[str]) -> Iterable[Span]:
    """What the words themselves say, where the turn's text was written differently (numbers in figures)."""
    text, starts = "", []
    for word in turn.words:
        starts.append(len(text))
        text += word.text.strip() + " "
    for span in redact_text(text, kinds=kinds).spans:
        inside = [i for i, at in enumerate(starts) if at < span.end and at + len(turn.words[i].text) > span.start]
        if inside:
            yield Span(places[inside[0]][0], max(places[inside[-1]][1], places[inside[0]][0] + 1), span.kind)


def _word_places(turn: Turn) -> list[tuple[int, int]] | None:
    """Each word's place in the turn's text; None where words are missing, out of order or outside the turn."""
    if not turn.words:
        return None
    places, cursor, lowered, clock = [], 0, turn.text.lower(), turn.t0 - 1.0
    for word in turn.words:
        text = word.text.strip().lower()
        at = lowered.find(text, cursor)
        # Anything but blanks and punctuation between two words is speech whose seconds are unknown.
        if at < 0 or any(char.isalnum() for char in lowered[cursor:at]):
            return None
        if not clock - 0.05 <= word.t0 <= word.t1 <= turn.t1 + 1.0:
            return None
        places.append((at, at + max(1, len(text))))
        cursor, clock = at + len(text), word.t0
    return None if any(char.isalnum() for char in lowered[cursor:]) else places


def _streams(turns: Sequence[Turn]) -> list[list[int]]:
    """All turns in order, and each speaker's own: a number goes on after `go ahead` from the other side."""
    own: dict[str, list[int]] = {}
    for index, turn in enumerate(turns):
        own.setdefault(turn.speaker, []).append(index)
    return [list(range(len(turns))), *(own.values() if len(own) > 1 else ())]


def _joined(turns: Sequence[Turn], stream: Sequence[int]) -> tuple[str, list[tuple[int, int]]]:
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    size, before = 0, None
    for index in stream:
        if before is not None:
            glue = "\n" if index - before <= _NEIGHBOURS else "\n|\n"
            parts.append(glue)
            size += len(glue)
        places.append((index, size))
        parts.append(turns[index].text)
        size += len(turns[index].text)
        before = index
    return "".join(parts), places


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that overlap become one of the kind that is named first in `KINDS`."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            kind = min(span.kind, merged[-1].kind, key=KINDS.index)
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end), kind)
        else:
            merged.append(span)
    return merged


def _replaced(text: str, spans: Iterable[Span], start: int, end: int) -> str:
    parts, cursor = [], start
    for span in spans:
        parts += [text[cursor : span.start], f"[{span.kind}]"]
        cursor = span.end
    return "".join([*parts, text[cursor:end]])
