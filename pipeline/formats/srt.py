"""SubRip captions.

The `srt` package takes 20 s for 20 kB of line ends, and drops or swallows cues without an index or with a damaged
time; webvtt-py's SRT reader is linear and keeps its place, but wants indices and full times. So timing lines are
brought into its form here first, and webvtt-py reads the result.
"""

from __future__ import annotations

import re

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft
from pipeline.formats.captions import Cue, bad_timings, draft_of_cues, skipped_note
from pipeline.formats.values import clock

_STAMP = r"((?:\d{1,4}:)?\d{1,3}:\d{1,2}(?:[,.:]\d{1,6})?)"
_GOOD = re.compile(rf"\s*{_STAMP}\s*(?:-->|–>|—>|->)\s*{_STAMP}(?=\s|$)")
_INDEX = re.compile(r"\s*[A-Za-z#]?\d{1,9}\s*")


def recognise(text: str) -> bool:
    """Among the first lines is a cue's timing, and only an index or a heading stands before it."""
    head = [line for line in text.splitlines()[:40] if line.strip()]
    place = next((k for k, line in enumerate(head) if "-->" in line or _GOOD.match(line)), None)
    if place is None:
        return False
    return bool(_GOOD.match(head[place])) or (place <= 1 and head[place].strip()[:1].isdigit())


def read(text: str, where: str) -> Draft:
    """Cues in the file's order. Raises `TranscriptError` with the line where no cue can be read."""
    from webvtt import WebVTT

    lines = re.split(r"\r\n|\r|\n", text)
    bad = bad_timings(lines, good=_GOOD)
    normal = _normal_form(lines)
    if not normal:
        line = bad[0] if bad else 1
        raise TranscriptError(f"{where}: line {line}: cue times cannot be read; expected 00:00:01,000 --> 00:00:02,000")
    cues = []
    for caption in WebVTT.from_buffer(normal, format="srt").captions:
        t0, t1 = clock(caption.start), clock(caption.end)
        if t0 is not None and t1 is not None:
            cues.append(Cue(t0, t1, caption.raw_text))
    if not cues:
        raise TranscriptError(f"{where}: line {len(lines)}: SubRip captions without any text; export it again")
    return draft_of_cues(cues, notes=skipped_note(bad))


def _normal_form(lines: list[str]) -> list[str]:
    """The lines from the first cue on, every timing preceded by a blank line and an index, in full notation."""
    out: list[str] = []
    for line in lines:
        match = _GOOD.match(line) if ">" in line else None
        if match or ("-->" in line and line.strip()[:1].isdigit()):
            if out and _INDEX.fullmatch(out[-1]):
                out.pop()
            # A damaged timing line still ends the cue before it; its own text is dropped with it by the parser.
            stamps = [_full(stamp) for stamp in match.groups()] if match else ["x", "x"]
            out += ["", "1", " --> ".join(stamps)]
        else:
            out.append(line.replace("-->", "->"))
    starts = (k for k, line in enumerate(out) if line == "1" and out[k + 1 : k + 2] and " --> " in out[k + 1])
    begin = next((k for k in starts if out[k + 1] != "x --> x"), None)
    # The parser wants three lines at least, also of a last cue without text.
    return [] if begin is None else [*out[begin:], "", ""]


def _full(stamp: str) -> str:
    """`hh:mm:ss,mmm` of any stamp the pattern takes; a third colon is read as a decimal mark."""
    if stamp.count(":") == 3:
        stamp = ",".join(stamp.rsplit(":", 1))
    value = clock(stamp)
    if value is None:
        return "x"
    milliseconds = round(value * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"
