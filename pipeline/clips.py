"""Pieces of a recording to listen to: cut, silenced where they must be, encoded as every browser and phone plays it.

A clip is mono at 24 kHz, which is more than telephones and meetings carry. What is silenced is made zero before it is
encoded: no codec can bring it back.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from pipeline.audio import Samples, open_recording
from pipeline.errors import AudioError, StoreError
from pipeline.formats.writers import to_vtt
from pipeline.redact import ALL, redact_text, redact_turns
from pipeline.timing import evenly, said_words
from pipeline.tracks import resampled
from pipeline.types import CallMeta, Transcript, Turn

if TYPE_CHECKING:
    from av.container import InputContainer

Seconds = tuple[float, float]
Container = Literal["m4a", "ogg"]


class Kind(NamedTuple):
    """How a clip is packed: the container's and codec's names for FFmpeg, and its media type."""

    format: str
    codec: str
    media_type: str


KINDS: dict[str, Kind] = {
    "m4a": Kind("ipod", "aac", "audio/mp4"),
    "ogg": Kind("ogg", "libopus", "audio/ogg"),
}
RATE = 24_000
BIT_RATE = 48_000
REDACTED = "[redacted]"
CUE_S = 6.0
CUE_WORDS = 14
_FOREVER = 1 << 62


def make_clip(
    path: Path | str,
    *,
    t0: float = 0.0,
    t1: float | None = None,
    silences: Iterable[Seconds] = (),
    container: Container = "m4a",
) -> bytes:
    """The recording between `t0` and `t1` seconds (None: its end) as a file of that kind.

    Samples inside `silences` (seconds of the recording, not of the clip) are zero. Raises `AudioError` with one line
    where the recording cannot be read or has nothing between `t0` and `t1`.
    """
    with tempfile.TemporaryDirectory(prefix="debrief-") as folder:
        target = Path(folder) / f"clip.{container}"
        write_clip(path, target, t0=t0, t1=t1, silences=silences, container=container)
        return target.read_bytes()


def write_clip(
    path: Path | str,
    target: Path,
    *,
    t0: float = 0.0,
    t1: float | None = None,
    silences: Iterable[Seconds] = (),
    container: Container = "m4a",
) -> None:
    """`make_clip` into a file, of any length in little memory. Raises `StoreError` where it cannot be written."""
    import av

    kind = KINDS[container]
    end = math.inf if t1 is None else t1
    if not (math.isfinite(t0) and 0 <= t0 < end):
        raise AudioError(f"{path}: a clip starts at 0 seconds or later and ends after it starts")
    silent = [_silence(span) for span in silences]
    first, last = _sample(t0, round), _sample(end, round)
    samples = 0
    with (
        open_recording(path) as recording,
        _written_into(target),
        av.open(str(target), "w", format=kind.format, options=_options(kind)) as made,
    ):
        stream: Any = made.add_stream(kind.codec, rate=RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        for block in _between(recording, first, last, silent):
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, samples
            made.mux(stream.encode(frame))
            samples += block.shape[1]
        if not samples:
            raise AudioError(f"{path}: has no sound after {t0:g} seconds")
        made.mux(stream.encode(None))


@contextlib.contextmanager
def _written_into(target: Path) -> Iterator[None]:
    """A full disk is said to be one: a recording that reads badly raises no `OSError` while its blocks come."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{target.parent}: a clip cannot be written ({error.strerror}); make room") from None


def _options(kind: Kind) -> dict[str, str]:
    # the index first, so that a player starts before it has the whole file
    return {"movflags": "+faststart"} if kind.format == "ipod" else {}


def _sample(second: float, round_: Callable[[float], int]) -> int:
    return round_(second * RATE) if math.isfinite(second) else _FOREVER


def _silence(span: Seconds) -> tuple[int, int]:
    """First sample to silence and the one after the last, rounded outwards."""
    start, stop = span
    if not (math.isfinite(start) and start <= stop):
        raise AudioError(f"a silence runs from one second to a later one, not from {start} to {stop}")
    return _sample(start, math.floor), _sample(stop, math.ceil)


def _between(recording: InputContainer, first: int, last: int, silent: Sequence[tuple[int, int]]) -> Iterator[Samples]:
    """The samples from index `first` up to `last`, counted from the start as a record's times are; shape (1, n)."""
    start = 0
    for block in resampled(recording, rate=RATE, mono=True):
        if block is None:
            continue
        stop = start + block.shape[1]
        for a, b in silent:
            if a < stop and b > start:
                block[:, max(0, a - start) : b - start] = 0.0
        if stop > first:
            yield np.ascontiguousarray(block[:, max(0, first - start) : last - start])
        start = stop
        if start >= last:
            return


def clip_captions(
    turns: Sequence[Turn],
    *,
    t0: float,
    t1: float,
    silences: Iterable[Seconds] = (),
    kinds: Collection[str] = ALL,
) -> str:
    """WebVTT for the clip between `t0` and `t1`, its times from the clip's start, speakers by name (a dial-in's may be
    a number: not that, where it is of one of the `kinds`).

    What is said inside `silences` reads `[redacted]`, the word, or the whole turn where its words have no times; and so
    does what the text itself shows to be private.
    """
    return to_vtt(Transcript("", CallMeta(), clip_cues(turns, t0=t0, t1=t1, silences=silences, kinds=kinds)))


def clip_cues(
    turns: Sequence[Turn],
    *,
    t0: float,
    t1: float,
    silences: Iterable[Seconds] = (),
    kinds: Collection[str] = ALL,
) -> tuple[Turn, ...]:
    """The cues of `clip_captions`, their speakers by name."""
    silent = tuple(silences)
    # by the text too: word times may be wrong, and then what is said lies where nothing is silent
    private = [[(span.start, span.end) for span in found.spans] for found in redact_turns(turns, kinds=kinds)]
    return tuple(
        cue
        for turn, hidden in zip(turns, private, strict=True)
        if turn.t1 > t0 and turn.t0 < t1
        for cue in _cues(turn, t0, t1, silent, hidden, kinds)
    )


def _cues(
    turn: Turn,
    t0: float,
    t1: float,
    silent: Sequence[Seconds],
    hidden: Sequence[tuple[int, int]],
    kinds: Collection[str],
) -> Iterator[Turn]:
    """A turn's words inside the clip, as many to a cue as one reads at a glance."""
    timed, name = said_words(turn), redact_text(turn.name, kinds=kinds).text
    if not timed and _meets(turn.t0, turn.t1, silent):
        yield Turn(max(turn.t0, t0) - t0, min(turn.t1, t1) - t0, name, REDACTED)
        return
    line: list[str] = []
    start = end = 0.0
    for word in timed or evenly(turn):
        if not t0 <= (word.t0 + word.t1) / 2 < t1:
            continue
        if line and (len(line) >= CUE_WORDS or word.t1 - t0 - start > CUE_S):
            yield Turn(start, end, name, " ".join(line))
            line = []
        a, b = max(word.t0, t0) - t0, min(word.t1, t1) - t0
        start, end = (start, max(end, b)) if line else (a, b)
        gone = _meets(word.t0, word.t1, silent) or _meets(word.start, word.end, hidden)
        text = REDACTED if gone else turn.text[word.start : word.end]
        if text != REDACTED or line[-1:] != [REDACTED]:
            line.append(text)
    if line:
        yield Turn(start, end, name, " ".join(line))


def _meets(start: float, end: float, spans: Iterable[tuple[float, float]]) -> bool:
    return any(a < end and b > start for a, b in spans)
