"""WebVTT: Zoom (`Name: text`), Teams (`<v Name>text</v>`), Webex (`1 "Name" (id)` above the times), Meet and
everything else that writes captions.

The cues are read by webvtt-py, which holds up on the web platform's own tests of odd files; damaged cues are left out
and noted with their lines.
"""

from __future__ import annotations

import re

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft
from pipeline.formats.captions import Cue, bad_timings, draft_of_cues, skipped_note
from pipeline.formats.values import clock

_STAMP = r"(?:\d{1,10}:)?[0-5]?\d:[0-5]?\d\.\d{1,3}"
_ABOVE = re.compile(r'\s*\d{1,9}\s+"([^"]{1,200})"\s*(?:\(\d{0,40}\))?\s*')
_GOOD = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}")


def recognise(text: str) -> bool:
    """The file begins with its signature."""
    return text.startswith("WEBVTT")


def read(text: str, where: str) -> Draft:
    """Cues in the file's order. Raises `TranscriptError` with the line where no cue can be read."""
    from webvtt import WebVTT
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    lines = re.split(r"\r\n|\r|\n", text)
    bad = bad_timings(lines, good=_GOOD)
    try:
        captions = WebVTT.from_string(text.lstrip("\ufeff \t\r\n")).captions
    except (MalformedCaptionError, MalformedFileError) as error:
        raise TranscriptError(f"{where}: line {bad[0] if bad else 1}: not readable as WebVTT ({error})") from error
    cues = []
    for caption in captions:
        t0, t1 = clock(caption.start), clock(caption.end)
        if t0 is not None and t1 is not None:
            above = _ABOVE.fullmatch(caption.identifier or "")
            cues.append(Cue(t0, t1, caption.raw_text, above[1].strip() if above else ""))
    if not cues and bad:
        raise TranscriptError(
            f"{where}: line {bad[0]}: cue times cannot be read; expected 00:00:01.000 --> 00:00:02.000"
        )
    if not cues:
        raise TranscriptError(f"{where}: line {len(lines)}: WebVTT without a single cue; export it again")
    return draft_of_cues(cues, notes=skipped_note(bad))
