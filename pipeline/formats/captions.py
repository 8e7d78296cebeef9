"""What WebVTT and SRT share: cues to pieces, and who speaks in a cue."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

from pipeline.formats.assemble import UNKNOWN, Draft, Piece
from pipeline.formats.clean import clean_label, clean_text
from pipeline.formats.names import heads, is_name, split_name
from pipeline.formats.wall import from_the_start

CARRIED_ON = "cues without a name follow the last name: the file names speakers only where they change"

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t\n]+([^<>]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:[a-z][^<>]*|[\d:.\x00]*)>|\{\\[^{}]*\}", re.IGNORECASE)
_BOXED = re.compile(r"\s*[\[(]([^\[\]()<>\n]{1,60})[\])]\s+(?=\S)")
_TIMING = re.compile(r"\s*[\d:.,]+\s*-->\s*[\d:.,]+")


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: times in seconds, `text` as in the file, with tags and line ends.

    `above`: who speaks, where the file says it outside the text.
    """

    t0: float
    t1: float
    text: str
    above: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one speaker says in a cue: `voice` from a tag, `label` from a `Name:` prefix, `plain` with that prefix."""

    voice: str
    label: str
    text: str
    plain: str
    t0: float = 0.0
    t1: float = 0.0


def draft_of_cues(cues: Sequence[Cue], *, notes: tuple[str, ...] = ()) -> Draft:
    """Pieces of cues: names above them and voice tags first, else `Name:` prefixes, else the speaker who goes on, else
    `unknown`."""
    cues = _unboxed(_unrolled(_from_the_start(cues)))
    known = heads([_plain(cue.text).strip() for cue in cues])
    parts = [part for cue in _named_in_line(cues) for part in _parts(cue, known)]
    if any(part.voice for part in parts):
        return Draft(tuple(_piece(part, part.voice, part.plain) for part in parts), notes=notes)
    labels = Counter(part.label for part in parts if part.label)
    if 2 * labels.total() < len(parts) and max(labels.values(), default=0) < 2:
        return Draft(tuple(_piece(part, "", part.plain) for part in parts), notes=notes)
    carry = _only_at_changes(parts)
    pieces: list[Piece] = []
    last = ""
    for part in parts:
        pieces.append(_piece(part, part.label or (last if carry else ""), part.text))
        last = part.label or last
    carried = carry and any(not part.label for part in parts)
    return Draft(tuple(pieces), notes=(*notes, CARRIED_ON) if carried else notes)


def _from_the_start(cues: Sequence[Cue]) -> Sequence[Cue]:
    """Cues by the clock on the wall, as recorders and television write them, counted from the first of them."""
    late = from_the_start(cues[0].t0, [at for cue in cues for at in (cue.t0, cue.t1)]) if cues else None
    if late is None:
        return cues
    return [dataclasses.replace(cue, t0=t0, t1=t1) for cue, t0, t1 in zip(cues, late[::2], late[1::2], strict=True)]


def _unrolled(cues: Sequence[Cue]) -> Sequence[Cue]:
    """Cues that roll up as in television and on YouTube, each beginning with the line that the one before ended with:
    without what was shown already."""
    lines = [[text for line in _plain(cue.text).split("\n") if (text := clean_text(line))] for cue in cues]
    again = [bool(old and new and new[0] == old[-1]) for old, new in itertools.pairwise(lines)]
    rolled = sum(same and len(new) > 1 for same, new in zip(again, lines[1:], strict=True))
    if rolled < 3 or 3 * rolled < len(cues) or any(_VOICE.search(cue.text) for cue in cues):
        return cues
    fresh = [new[same:] for same, new in zip([False, *again], lines, strict=True)]
    return [dataclasses.replace(cue, text=html.escape("\n".join(new))) for cue, new in zip(cues, fresh, strict=True)]


def _unboxed(cues: Sequence[Cue]) -> Sequence[Cue]:
    """Cues that nearly all begin with a name in brackets and no colon, as whisper.cpp's `(speaker 0) text`, with a
    colon behind it; `(speaker ?)` is nobody."""
    found = [_BOXED.match(cue.text) for cue in cues]
    names = Counter(match[1] for match in found if match and (match[1].endswith("?") or is_name(match[1])))
    if len(names) < 2 or max(names.values()) < 2 or names.total() < 0.9 * len(cues):
        return cues
    unboxed = []
    for cue, match in zip(cues, found, strict=True):
        rest = cue.text[match.end() :] if match and match[1] in names else cue.text
        named = match and match[1] in names and not match[1].endswith("?")
        unboxed.append(dataclasses.replace(cue, text=f"{match[1]}: {rest}" if match and named else rest))
    return unboxed


def _named_in_line(cues: Sequence[Cue]) -> Sequence[Cue]:
    """Cues whose first line is a name that stands alone, as in Teams' older downloads, with that name and a colon."""
    split = [cue.text.strip().partition("\n") for cue in cues]
    names = {head.strip() for head, _, _ in split}
    alone = all(rest.strip() and is_name(head.strip()) and "<" not in head for head, _, rest in split)
    if not alone or 2 * len(names) > len(cues) + 1:
        return cues
    return [
        dataclasses.replace(cue, text=f"{head.strip()}: {rest}")
        for cue, (head, _, rest) in zip(cues, split, strict=True)
    ]


def _only_at_changes(parts: Sequence[_Part]) -> bool:
    """True where nobody is named twice in a row: such tools leave the name out while one person goes on."""
    named = [part.label for part in parts if part.label]
    return all(a != b for a, b in itertools.pairwise(named))


def _piece(part: _Part, speaker: str, text: str) -> Piece:
    return Piece(speaker=speaker or UNKNOWN, text=text, t0=part.t0, t1=part.t1)


def _parts(cue: Cue, known: Container[str]) -> list[_Part]:
    """The cue's parts in order; several divide its time by their length."""
    split = _VOICE.split(cue.text)
    found: list[_Part] = []
    for voice, text in zip([cue.above, *split[1::2]], split[0::2], strict=True):
        name = clean_label(html.unescape(voice))
        plain = clean_text(_plain(text))
        found += [_Part(name, "", plain, plain)] if name else _lines(text, known)
    found = [part for part in found if part.plain]
    length = sum(len(part.plain) for part in found) or 1
    span = max(0.0, cue.t1 - cue.t0)
    timed: list[_Part] = []
    done = 0
    for part in found:
        t0 = cue.t0 + span * done / length
        done += len(part.plain)
        timed.append(dataclasses.replace(part, t0=t0, t1=cue.t0 + span * done / length))
    return timed


def _lines(text: str, known: Container[str]) -> list[_Part]:
    """One part per line that begins with a name; other lines belong to the one before."""
    found: list[list[str]] = []
    labels: list[str] = []
    for line in map(clean_text, _plain(text).split("\n")):
        named = split_name(line, known=known)
        if named or not found:
            labels.append(clean_label(named[0]) if named else "")
            found.append([named[1] if named else line, line])
        else:
            found[-1] = [f"{found[-1][0]} {line}".strip(), f"{found[-1][1]} {line}".strip()]
    return [_Part("", label, text, plain) for label, (text, plain) in zip(labels, found, strict=True)]


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text))


def bad_timings(lines: Sequence[str], *, good: re.Pattern[str]) -> list[int]:
    """Line numbers (from 1) of arrows that look like a cue's timing and are none."""
    return [
        number
        for number, line in enumerate(lines, 1)
        if "-->" in line and not good.match(line) and (_TIMING.match(line) or line.strip()[:1].isdigit())
    ]


def skipped_note(numbers: Sequence[int]) -> tuple[str, ...]:
    """A note that names the lines whose cues could not be read, the first five of them."""
    if not numbers:
        return ()
    shown = ", ".join(map(str, numbers[:5])) + (" and more" if len(numbers) > 5 else "")
    return (f"{len(numbers)} cue(s) left out: their times cannot be read (line {shown})",)
