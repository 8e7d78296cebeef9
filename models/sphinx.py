"""pocketsphinx with the English model inside its package: recognises without any download, clear speech only.

Measured here on synthetic voices: clean wideband 5-13 % word errors, 8 kHz mu-law 26-33 %, noise over 70 %. So every
word keeps its posterior, and `expected_wer` turns them into an estimate that decides whether the call is scored at
all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalogue import english_only
from pipeline.errors import ModelUnavailable
from pipeline.types import Word

NAME = "pocketsphinx"
REVISION = "5.1.1 en-us"

_FRAME_S = 0.01
_EDGE_S = 0.15
"""Silence put around each utterance: the decoder needs some to settle and to end the last word."""
_MIN_S = 0.15
_SILENT = 1e-5
_LONGEST_WORD_S = 2.0
_CALIBRATION = (1.04, -1.22)
"""Expected WER = first + second x mean posterior, fitted on 22 clean, 8 kHz and noisy pieces of the sample calls (rms
error 0.08, true WER 0.09-0.92); `python -m benchmarks.hearing` prints expected beside measured."""

_WORD = (0.61, 0.61, 0.90)
"""Log-odds that a word is right = first + second x its posterior's + third x the call's mean posterior's. Fitted on 780
words of pieces of four sample calls, clean, 8 kHz and noisy; fitted on two of the calls only, the Brier score on the
other two falls from 0.139 to 0.103 and the calibration error from 0.10 to 0.055."""


def transcribe(
    read: Callable[[float, float], npt.NDArray[np.float32]],
    speech: list[tuple[float, float]],
    *,
    language: str = "en",
    terms: tuple[str, ...] = (),
    model: str = "",
) -> list[Word]:
    """Words inside the `speech` spans (seconds) of what `read` gives, with times and posteriors.

    `terms` and `model` are not used. Raises `ModelUnavailable` for any language but English, or when the package is
    missing.
    """
    _require_english(language)
    decoder = _decoder()
    words: list[Word] = []
    for t0, t1 in speech:
        if t1 - t0 >= _MIN_S:
            words.extend(_utterance(decoder, read(t0, t1), t0, t1))
    return words


def revision(model: str = "") -> str:
    """Package and acoustic model, for the record."""
    return REVISION


def expected_wer(words: list[Word]) -> float | None:
    """Word error rate to expect, from the duration-weighted mean posterior; None without words."""
    if not words:
        return None
    mean = float(np.average([word.prob or 0.0 for word in words], weights=[len(word.text) for word in words]))
    return min(1.0, max(0.0, _CALIBRATION[0] + _CALIBRATION[1] * mean))


def calibrated(channels: Sequence[Sequence[Word]]) -> list[list[Word]]:
    """The words of each channel, their posteriors turned into the probability that the word is right.

    The decoder's posteriors are too low on a clear line and too high on a noisy one, so the call's mean posterior
    counts too: logistic regression on the log-odds of both.
    """
    every = [word for channel in channels for word in channel]
    if not every:
        return [list(channel) for channel in channels]
    bias, own, call = _WORD
    shift = bias + call * _log_odds(float(np.mean([word.prob or 0.0 for word in every])))

    def right(word: Word) -> Word:
        return replace(word, prob=float(1 / (1 + np.exp(-shift - own * _log_odds(word.prob or 0.0)))))

    return [[right(word) for word in channel] for channel in channels]


def _log_odds(probability: float) -> float:
    kept = min(0.98, max(0.02, probability))
    return float(np.log(kept / (1 - kept)))


def _utterance(decoder: Any, samples: npt.NDArray[np.float32], t0: float, t1: float) -> list[Word]:
    edge = np.zeros(round(_EDGE_S * 16_000), np.float32)
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if level < _SILENT:
        return []
    scaled = np.clip(np.concatenate([edge, samples * np.float32(min(0.1 / level, 1000.0)), edge]), -1, 1)
    decoder.start_utt()
    decoder.process_raw((scaled * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return []
    return _words(decoder, t0, t1)


def _words(decoder: Any, t0: float, t1: float) -> list[Word]:
    """The words of a decoder whose utterance began `_EDGE_S` before `t0`."""
    words = []
    for segment in decoder.seg():
        text = re.sub(r"\(\d+\)$", "", segment.word)
        if text.startswith(("<", "[", "++")):
            continue
        start = t0 - _EDGE_S + segment.start_frame * _FRAME_S
        end = t0 - _EDGE_S + (segment.end_frame + 1) * _FRAME_S
        prob = min(1.0, float(segment.prob))
        # Hum and music come out as one short word of seconds, and with a posterior of one.
        if end - start > _LONGEST_WORD_S:
            continue
        words.append(Word(max(t0, start), min(t1, max(end, start)), text, prob))
    return words


class SphinxStream:
    """Decodes while somebody speaks: words a quarter of a second after the last, two in a hundred more of them wrong
    than when the whole utterance is there to begin with (its mean is not known yet)."""

    def __init__(self, language: str = "en") -> None:
        """A decoder of its own. Raises `ModelUnavailable` as `transcribe` does."""
        _require_english(language)
        self._decoder = _new_decoder()
        self._sum, self._count, self._length = 0.0, 0, 0

    def begin(self) -> None:
        """A new piece of speech begins."""
        self._length = 0
        self._decoder.start_utt()
        self._decoder.process_raw(bytes(2 * round(_EDGE_S * 16_000)))

    def feed(self, samples: npt.NDArray[np.float32]) -> None:
        """The next samples, 16 kHz; brought to one loudness by all that was heard so far."""
        if not len(samples):
            return
        self._sum += float(np.square(samples, dtype=np.float64).sum())
        self._count += len(samples)
        self._length += len(samples)
        level = float(np.sqrt(self._sum / max(1, self._count)))
        scaled = np.clip(samples * np.float32(min(0.1 / max(level, _SILENT), 1000.0)), -1, 1)
        self._decoder.process_raw((scaled * 32767).astype(np.int16).tobytes())

    def words(self) -> list[Word]:
        """What was said so far, times from `begin`."""
        return _words(self._decoder, 0.0, self._length / 16_000) if self._decoder.hyp() else []

    def end(self) -> list[Word]:
        """All words of the piece."""
        self._decoder.process_raw(bytes(2 * round(_EDGE_S * 16_000)))
        self._decoder.end_utt()
        return self.words()


def _require_english(language: str) -> None:
    if language not in ("en", ""):
        raise english_only("pocketsphinx", language)


@lru_cache(maxsize=1)
def _decoder() -> Any:
    return _new_decoder()


def _new_decoder() -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise ModelUnavailable(f"pocketsphinx is not installed ({error}); run: pip install pocketsphinx") from None
    # maxhmmpf prunes the search: a third faster here at the same word error rate.
    return Decoder(maxhmmpf=3000, loglevel="FATAL")
