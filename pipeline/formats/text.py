"""Plain text: `Name: text`, with or without times, and Otter's and Teams' `Name  0:12` above each paragraph."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft, Piece
from pipeline.formats.clean import clean_text, without_controls
from pipeline.formats.names import HEADERS, MAX_NAME, heads, is_name, split_name
from pipeline.formats.values import clock
from pipeline.formats.wall import HALF, LONGEST_S, is_coarse, since, written_time
from pipeline.types import CallMeta
from pipeline.written_days import read_day

_CLOCK = r"(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,6})?"
_RANGE = re.compile(r"\s*(\d{1,3}:\d{1,2}:\d{1,2}(?:\.\d+)?)\s*-->\s*(\d{1,3}:\d{1,2}:\d{1,2}(?:\.\d+)?)\s*")
_TRACK = re.compile(r"(\d{1,6}\.\d{1,6})\t(\d{1,6}\.\d{1,6})\t([^\t]{1,80}?): (.*)")
"""A line of Audacity's label track as debrief writes it: from, to, `Name: text`."""
_LEADING = re.compile(
    rf"\s*[\[(]?({_CLOCK}){HALF}[\])]?(?:\s*[-–—]\s*[\[(]?{_CLOCK}{HALF}[\])]?)?(?:\s*[-–—|:]\s+|\s+|$)(.*)",
    re.DOTALL,
)
_HEADED = re.compile(
    rf"(.*?\S)(?:\s+[\[(]?|[\[(])({_CLOCK}){HALF}[\])]?(?:\s*:(?!\d)\s*|\t+|\s{{2,}}|\s*$)(.*)", re.DOTALL
)
_SPELLED = re.compile(r"([\[(])(\d{1,3})h ?(\d{1,2})m ?(\d{1,2})s([\])])", re.IGNORECASE)
"""`[00h01m05s]`"""
_BEHIND = re.compile(rf"[\[(]({_CLOCK}){HALF}[\])]\s*")
"""`Name: [0:12] text`"""
_CHAT = re.compile(
    r"\d\d:\d\d:\d\d(?:\t[^\t]{1,80}:\t|\s+From\s.{1,80}?(?:\sto\s.{1,80}?)?\s?:(?:\s|$))", re.IGNORECASE
)
"""Zoom's chat, typed beside the call: `00:03:40 <tab>Dana Fox:<tab>text`, `10:03:40 From Dana Fox to Everyone:`."""
_TITLE = re.compile(r"\W*(?:.{1,120} [-–—] )?Transcript\W*", re.IGNORECASE)
"""What stands between Meet's notes of a call and its words."""
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_OTTER_DAY = re.compile(rf"(?:[a-z]{{3}}, )?({'|'.join(_MONTHS)})[a-z]* (\d{{1,2}}), (\d{{4}})\b", re.IGNORECASE)
_FURNITURE = re.compile(
    r"(?:.{1,80} (?:started|stopped) transcription|Transcribed by (?:https?://)?\S+\.\S+|Transcription ended.{0,80}"
    r"|Meeting ended after [\d:]{4,9}\W*"
    r"|End of (?:the )?(?:transcript|transcription|recording)\W*"
    r"|This editable transcript was computer generated.{0,120})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line understood: who begins to speak (empty: the one before goes on), when, and the words.

    `on_wall`: the time is of the day, not from the start; `coarse`: it has no seconds.
    """

    label: str
    text: str
    t0: float | None = None
    t1: float | None = None
    headed: bool = False
    on_wall: bool = False
    coarse: bool = False


def recognise(text: str) -> bool:
    """Enough lines name a speaker, and the names come back or whole sentences follow them; a chat says nothing."""
    lines = [line for line in text.splitlines() if line.strip()][:400]
    chat = [place for place, line in enumerate(lines) if _CHAT.match(line)]
    if len(chat) > 0.5 * sum(line[:1].isdigit() for line in lines) and chat[0] <= len(chat):
        # what begins with speech may have its chat behind it
        return False
    understood = list(_understand(lines))
    named = [line for line in understood if line.label]
    if len(lines) == len(named) == 1 and named[0].t0 is not None and lines[0].lstrip().startswith("["):
        # a monologue as debrief itself writes it
        return True
    if len(named) < 2 or len(named) < 0.1 * len(lines):
        return False
    repeated = max(Counter(line.label for line in named).values()) > 1
    spoken = sum(line.text.rstrip("\"'”’)」』").endswith(tuple(".?!…。？！؟۔।")) for line in understood)
    return spoken * 2 >= len(named) or (repeated and sum(" " in line.text for line in understood) * 2 >= len(named))


def read(text: str, where: str) -> Draft:
    """Paragraphs as pieces. Raises `TranscriptError` where no line names a speaker."""
    return read_lines(re.split(r"\r\n|[\r\n\v\f\x85\u2028\u2029]", text), where)


def read_lines(lines: Sequence[str], where: str) -> Draft:
    """The same for text that is lines already."""
    opened: list[tuple[_Line, list[str]]] = []
    start = _behind_notes(lines)
    preamble = [text for line in lines[:start] if (text := clean_text(line))]
    for line in _understand(lines[start:]):
        if line.label or (line.t0 is not None and opened):
            label = line.label or opened[-1][0].label
            opened.append((dataclasses.replace(line, label=label), [line.text]))
        elif opened:
            opened[-1][1].append(line.text)
        else:
            preamble.append(line.text)
    if not opened:
        raise TranscriptError(f"{where}: line 1: no line names a speaker; expected 'Name: text' or 'Name  0:12'")
    opened = _from_the_start(opened)
    pieces = [Piece(head.label, " ".join(words), head.t0, head.t1) for head, words in opened]
    return Draft(pieces, meta=_facts(preamble))


def _behind_notes(lines: Sequence[str]) -> int:
    """Where the words begin: behind a line that says `Transcript`, where times or speakers begin with it.

    `Budget: Dana said that ...` in the notes that a tool wrote above is nobody who speaks; of what has no times, only
    fewer such lines than follow are notes, and more are a call with something behind it.
    """
    titles = [k for k, line in enumerate(lines) if len(line) < 200 and _TITLE.fullmatch(line.strip())]
    for start in reversed(titles[-3:]):
        above, below = ([line for line in _understand(part) if line.label] for part in (lines[:start], lines[start:]))
        times = [any(line.t0 is not None for line in part) for part in (above, below)]
        apart = {line.label for line in above}.isdisjoint(line.label for line in below)
        if below and (times == [False, True] or (apart and (times[1] or len(above) <= len(below)))):
            return start
    return 0


def _from_the_start(opened: list[tuple[_Line, list[str]]]) -> list[tuple[_Line, list[str]]]:
    """The same with times of day as seconds since the first of them; a call over noon or midnight goes on.

    A minute that is written more than once stands at the first of its lines only.
    """
    timed = [head for head, _ in opened if head.t0 is not None]
    first = timed[0].t0 if timed else None
    if first is None or not (all(head.on_wall for head in timed) or first >= LONGEST_S):
        return opened
    counted: list[tuple[_Line, list[str]]] = []
    minute: float | None = None
    for head, words in opened:
        late = None if head.t0 is None else since(first, head.t0)
        again = head.coarse and late == minute
        minute = late if late is not None else minute
        t1 = None if head.t1 is None else since(first, head.t1)
        counted.append((dataclasses.replace(head, t0=None if again else late, t1=t1), words))
    return counted


def _stamped(line: _Line, stamp: str, half: str | None) -> _Line:
    """The line with a time as it is written; `half` is what says before or after noon."""
    t0, coarse = written_time(stamp, half), is_coarse(stamp, half)
    return dataclasses.replace(line, t0=t0, on_wall=line.on_wall or half is not None, coarse=coarse)


def _understand(lines: Sequence[str]) -> Iterator[_Line]:
    """Each line with what it says; times that stand alone are given to the speaker after them."""
    lines = [_SPELLED.sub(r"\1\2:\3:\4\5", line) for line in lines]
    headed = sum(_headed(line) is not None for line in lines[:400])
    known = heads([text for line in lines[:400] if (text := _timeless(line).text.strip())])
    if not any(is_name(head) and head.lower() not in HEADERS for head in known):
        known = frozenset()  # `Next steps: ...` in notes, `Deal name: ...` in an export are nobody
    named = [line.lstrip() for line in lines[:400] if split_name(_timeless(line).text, known=known)]
    otter = headed > 0 and headed >= len(named) / 4
    led = any(line[:1].isdigit() and _timeless(line).t0 is not None for line in named)
    pending = _Line("", "")
    for raw in lines:
        if match := _TRACK.fullmatch(raw):
            yield _Line(clean_text(match[3]), clean_text(match[4]), float(match[1]), float(match[2]))
            continue
        line = clean_text(raw) if "\t" not in raw and "  " not in raw else without_controls(raw).strip()
        if not line or _FURNITURE.fullmatch(line):
            continue
        if match := _RANGE.fullmatch(line):
            pending = _Line("", "", clock(match[1]), clock(match[2]))
            continue
        found = _one(line, known, otter=otter, led=led, after_range=pending.t1 is not None)
        if found.t0 is not None and not found.label and not found.text:
            pending = found
            continue
        if found.label and found.t0 is None:
            found = dataclasses.replace(pending, label=found.label, text=found.text)
            pending = _Line("", "")
        yield found


def _one(line: str, known: Container[str], *, otter: bool, led: bool, after_range: bool) -> _Line:
    """One line; in an `otter` file times stand behind names, in one that is `led` by times bare ones before them."""
    if after_range and is_name(line):
        return _Line(line, "")
    if otter and (head := _headed(line)):
        return head
    timed = _timeless(line)
    named = None if otter else split_name(timed.text, known=known)
    if named and named[0].lower() not in HEADERS:
        behind = _BEHIND.match(named[1]) if timed.t0 is None else None
        timed = _stamped(timed, behind[1], behind[2]) if behind else timed
        text = named[1][behind.end() :] if behind else named[1]
        return dataclasses.replace(timed, label=clean_text(named[0]), text=clean_text(text))
    if timed.text and (otter or not (led or line[0] in "[(")):
        # the times stand elsewhere: `2:30 works for me.` is what was said
        return _Line("", clean_text(line))
    return dataclasses.replace(timed, text=clean_text(timed.text))


def _timeless(line: str) -> _Line:
    """The line with the time that it begins with taken off; the words are not cleaned yet."""
    match = _LEADING.fullmatch(line)
    if not match:
        return _Line("", line)
    stamp, half, _, rest = match.groups()
    return _stamped(_Line("", rest), stamp, half)


def _headed(line: str) -> _Line | None:
    """`Name  0:12`, `Name (0:12): text`, `Speaker 0  00:00:01  text`; None for anything else."""
    match = _HEADED.match(line.strip()[: MAX_NAME + 24])
    if not match or match[1].partition(":")[0].lower() in HEADERS:
        return None
    name = clean_text(match[1]).rstrip(":").rstrip(" -–—|")
    # a time that stands alone behind a wide gap heads a paragraph: `dana reyes  0:12`
    wide = line.strip()[match.end(1) : match.start(2)] in ("  ", "   ", "\t") and not match[4]
    if not is_name(name) and not (wide and is_name(name.title())):
        return None
    rest = line.strip()[match.start(4) :]
    # Zoom's saved captions: `[Dana Reyes] 10:01:02`, by the clock on the wall
    boxed = name.startswith("[") and name.endswith("]")
    head = _Line(name.strip("[]") if boxed else name, clean_text(rest), headed=True, on_wall=boxed)
    return _stamped(head, match[2], match[3])


def _facts(preamble: Sequence[str]) -> CallMeta:
    """Title, date and account from what stands above the first speaker: `Key: value`, or Otter's title and date."""
    known: dict[str, str] = {}
    day: dt.date | None = None
    for index, line in enumerate(preamble[:20]):
        key, colon, value = line.partition(":")
        name = HEADERS.get(key.strip().lower())
        if colon and name and value.strip():
            known.setdefault(name, value.strip())
        elif day is None and (match := _OTTER_DAY.match(line)):
            with contextlib.suppress(ValueError):
                day = dt.date(int(match[3]), _MONTHS.index(match[1].lower()) + 1, int(match[2]))
                known.setdefault("title", preamble[index - 1] if index else "")
    with contextlib.suppress(ValueError):
        day = read_day(known.pop("date", ""))
    return CallMeta(date=day, title=known.get("title") or None, account=known.get("account"))
