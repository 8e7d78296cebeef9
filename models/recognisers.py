"""Recognisers: speech to words with times and probabilities. Adding one is one file and one line in `RECOGNISERS`.

Each gets `read(t0, t1) -> samples` (16 kHz float32, one channel), the spans of speech in it (seconds, in order), the
language, the terms to expect and its model, and returns `Word`s in time order. Nothing is ever downloaded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models import sphinx, whisper
from pipeline.types import Word

Read = Callable[[float, float], npt.NDArray[np.float32]]


class Stream(Protocol):
    """Somebody's speech while they speak: `begin`, any number of `feed` and `words`, then `end`. Times of words are in
    seconds from `begin`."""

    def begin(self) -> None:
        """A new piece of speech begins."""

    def feed(self, samples: npt.NDArray[np.float32]) -> None:
        """The next samples, 16 kHz."""

    def words(self) -> list[Word]:
        """What was said so far; the last words may still change."""

    def end(self) -> list[Word]:
        """All words of the piece; it is over."""


def as_they_are(channels: Sequence[Sequence[Word]]) -> list[list[Word]]:
    """For engines whose probabilities are taken at their word."""
    return [list(channel) for channel in channels]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One engine: `transcribe` as above, `revision(model)` for the record, `expected_wer(words)` from its own
    confidences, `calibrated(channels)` the words of all channels with their probabilities of being right.

    `punctuated` says whether it writes sentences and numerals itself. `stream(language)`, where it can decode while
    somebody speaks, makes a `Stream`, one per channel. `spoken_language(channels, model=)`, where it knows more than
    one, says which a call is in, by each channel's `read` and speech.
    """

    transcribe: Callable[..., list[Word]]
    revision: Callable[[str], str]
    expected_wer: Callable[[list[Word]], float | None]
    punctuated: bool
    calibrated: Callable[[Sequence[Sequence[Word]]], list[list[Word]]] = as_they_are
    stream: Callable[[str], Stream] | None = None
    spoken_language: Callable[..., str] | None = None


RECOGNISERS: dict[str, Recogniser] = {
    "faster-whisper": Recogniser(
        whisper.transcribe,
        whisper.revision,
        whisper.expected_wer,
        punctuated=True,
        spoken_language=whisper.spoken_language,
    ),
    "pocketsphinx": Recogniser(
        sphinx.transcribe,
        sphinx.revision,
        sphinx.expected_wer,
        punctuated=False,
        calibrated=sphinx.calibrated,
        stream=sphinx.SphinxStream,
    ),
}
