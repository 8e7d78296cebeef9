"""A recording while it is made: a WAV file that grows, heard as it comes.

Its header's length is not believed. Two channels are two people; on one channel voices are told apart as they come,
which is wrong more often than afterwards on the whole recording. An engine that can (`Recogniser.stream`) decodes while
somebody speaks: its words are given every few seconds and at each pause, a fraction of a second after they were said.
Another engine gets pieces, cut at pauses and after `MAX_PIECE_S` at the latest.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import AudioError
from pipeline.types import Turn, Word

if TYPE_CHECKING:
    from models.recognisers import Stream
    from pipeline.settings import Settings

RATE = 16_000
PAUSE_S = {1: 0.3, 2: 0.45}
"""Silence that ends a piece, by channels: on one channel another person may speak after it."""
MAX_PIECE_S = 5.0
GIVE_S = 2.5
"""Words of somebody who does not pause are given this often."""
UNSURE_S = 0.8
"""Words that ended less than this ago may still change."""
LONGEST_S = 20.0
LOOK_S = 30.0
"""Looked at in one go: a recording followed late may be an hour long already."""
MIN_VOICE_S = 1.2
SAME_VOICE = 0.8
"""Cosine of two utterances' voices from which they are taken for one person."""

Samples = npt.NDArray[np.float32]


@dataclass(slots=True)
class Wave:
    """A WAV file that grows: `fresh` gives the new samples of every channel at 16 kHz."""

    path: Path
    _data_at: int = 0
    _read: int = 0
    _channels: int = 0
    _rate: int = 0
    _width: int = 0
    _code: int = 0
    _resamplers: list[Any] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """How many channels; 0 while the header is not there yet."""
        return self._channels

    def fresh(self) -> list[Samples]:
        """(channels) new samples, float32 in -1..1; empty while there are none. Raises `AudioError`."""
        try:
            with self.path.open("rb") as file:
                if not self._data_at and not self._header(file.read(4096)):
                    return []
                file.seek(self._data_at + self._read)
                raw = file.read()
        except OSError as error:
            raise AudioError(f"{self.path}: cannot be read ({error.strerror or error})") from error
        frame = self._width * self._channels
        raw = raw[: len(raw) // frame * frame]
        self._read += len(raw)
        if not raw:
            return []
        table = self._samples(raw).reshape(-1, self._channels).T
        return [self._at_rate(number, np.ascontiguousarray(row)) for number, row in enumerate(table)]

    def _header(self, head: bytes) -> bool:
        """Read `fmt ` and find `data`; False while the header is not complete."""
        if len(head) < 12:
            return False
        if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
            raise AudioError(f"{self.path}: not a WAV file; record as WAV (PCM) to follow it")
        at = 12
        while at + 8 <= len(head):
            name, size = head[at : at + 4], struct.unpack("<I", head[at + 4 : at + 8])[0]
            if name == b"data":
                self._data_at = at + 8
                return self._channels > 0
            if name == b"fmt " and at + 24 <= len(head):
                self._code, self._channels, self._rate, _, _, bits = struct.unpack("<HHIIHH", head[at + 8 : at + 24])
                if self._code == 0xFFFE and at + 34 <= len(head):
                    self._code = struct.unpack("<H", head[at + 32 : at + 34])[0]
                self._width = bits // 8
                if (
                    (self._code, bits) not in _FORMATS
                    or not 1 <= self._channels <= 2
                    or not 8000 <= self._rate <= 96_000
                ):
                    raise AudioError(
                        f"{self.path}: WAV of a kind that cannot be followed; use 16-bit PCM, mono or stereo"
                    )
            at += 8 + size + size % 2
        return False

    def _samples(self, raw: bytes) -> Samples:
        return _FORMATS[self._code, 8 * self._width](raw)

    def _at_rate(self, channel: int, samples: Samples) -> Samples:
        if self._rate == RATE:
            return samples
        import av

        if not self._resamplers:
            self._resamplers = [av.AudioResampler("flt", "mono", RATE) for _ in range(self._channels)]
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = self._rate
        parts = [part.to_ndarray()[0] for part in self._resamplers[channel].resample(frame)]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def _mu_law(raw: bytes) -> Samples:
    """ITU-T G.711 mu-law."""
    code = ~np.frombuffer(raw, np.uint8)
    size = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4).astype(np.int32)
    return (np.where(code & 0x80, 0x84 - size, size - 0x84) / 32768.0).astype(np.float32)


_FORMATS: dict[tuple[int, int], Callable[[bytes], Samples]] = {
    (1, 16): lambda raw: (np.frombuffer(raw, "<i2") / 32768.0).astype(np.float32),
    (1, 32): lambda raw: (np.frombuffer(raw, "<i4") / 2147483648.0).astype(np.float32),
    (3, 32): lambda raw: np.frombuffer(raw, "<f4").astype(np.float32),
    (7, 8): _mu_law,
}
"""(format code, bits) of WAV data, and how it becomes samples."""


@dataclass(slots=True)
class Ear:
    """One channel: what of it is not heard yet, from `start` seconds on, and who listens while it is spoken.

    `fed` is how far into the buffer the stream has heard, `given` (seconds) how far its words were given.
    """

    buffer: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    start: float = 0.0
    stream: Stream | None = None
    listening: bool = False
    fed: float = 0.0
    given: float = 0.0
    began: float = 0.0


@dataclass(slots=True)
class Recording:
    """A recording that grows, heard with the engine of the settings. Raises `EngineError` where none can run."""

    path: Path
    settings: Settings
    _wave: Wave = field(init=False)
    _ears: list[Ear] = field(default_factory=list)
    _voices: Voices = field(init=False)
    _engine: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        from pipeline.hear import choose_engine

        self._wave = Wave(self.path)
        self._voices = Voices()
        engine, model, _ = choose_engine(self.settings)
        self._engine = engine, model

    def poll(self) -> list[Turn]:
        """Turns of what was said since. Raises `AudioError`, `EngineError`."""
        fresh = self._wave.fresh()
        if not fresh:
            return []
        if not self._ears:
            self._ears = [self._ear() for _ in fresh]
        turns: list[Turn] = []
        for channel, samples in enumerate(fresh):
            self._ears[channel].buffer = np.concatenate([self._ears[channel].buffer, samples])
            turns += self._hear(channel)
        return sorted(turns, key=lambda turn: turn.t0)

    def rest(self) -> list[Turn]:
        """Turns of what somebody was saying when the recording ended."""
        turns = [turn for channel in range(len(self._ears)) for turn in self._hear(channel, ended=True)]
        return sorted(turns, key=lambda turn: turn.t0)

    def _ear(self) -> Ear:
        from models.recognisers import RECOGNISERS

        stream = RECOGNISERS[self._engine[0]].stream
        return Ear(stream=stream(self.settings.language) if stream else None)

    def _hear(self, channel: int, *, ended: bool = False) -> list[Turn]:
        """Words of a channel's new speech; what is heard to its end leaves the buffer."""
        ear = self._ears[channel]
        turns: list[Turn] = []
        again = True
        while again:
            window = ear.buffer[: int(LOOK_S * RATE)]
            all_of_it = len(window) == len(ear.buffer)
            found, cut = self._hear_window(channel, window, ended=ended and all_of_it)
            turns += found
            again = cut or not all_of_it
        return turns

    def _hear_window(self, channel: int, samples: Samples, *, ended: bool) -> tuple[list[Turn], bool]:
        """Words of the buffer's beginning, and whether it was cut amid a long piece, so that more is to be heard."""
        from models.silero import probabilities, speech_spans

        ear = self._ears[channel]
        length = len(samples) / RATE
        peak = float(np.abs(samples).max()) if len(samples) else 0.0
        level = samples * np.float32(min(20.0, 0.5 / peak)) if peak > 1e-4 else samples
        probs = probabilities([level])
        pause = PAUSE_S[self._wave.channels]
        longest = LONGEST_S if ear.stream else MAX_PIECE_S
        turns: list[Turn] = []
        done, cut = 0.0, False
        spans = speech_spans(probs, min_silence_s=pause)
        for t0, t1 in spans:
            speaking = length - t1 < pause - 0.15 and not ended
            if speaking and length - t0 < longest:
                turns += self._listen(channel, level, t0, length)
                done = max(done, t0)
                break
            end = _quietest(probs, t0 + longest / 2, t0 + longest) if speaking or t1 - t0 > 2 * longest else t1
            turns += self._finish(channel, level, t0, end)
            done = end
            if end < t1:
                cut = True
                break
        else:
            # silence at the end is let go of, but for what may be the beginning of a word
            done = max(done, length - 0.5)
            if ear.listening and not spans:
                turns += self._finish(channel, level, ear.fed, ear.fed)
        keep = int(done * RATE)
        ear.buffer = ear.buffer[keep:]
        ear.start += keep / RATE
        ear.fed = max(0.0, ear.fed - keep / RATE)
        return turns, cut

    def _listen(self, channel: int, level: Samples, t0: float, t1: float) -> list[Turn]:
        """Let a stream hear on; the words it is sure of, every `GIVE_S`."""
        ear = self._ears[channel]
        if ear.stream is None:
            return []
        self._feed(ear, level, t0, t1)
        now = ear.start + t1
        if now - max(ear.given, ear.began) < GIVE_S + UNSURE_S:
            return []
        sure = [w for w in ear.stream.words() if ear.began + w.t1 <= now - UNSURE_S]
        return self._given(channel, level, [_later(w, ear.began) for w in sure])

    def _finish(self, channel: int, level: Samples, t0: float, t1: float) -> list[Turn]:
        """The words of a piece that ended."""
        from models.recognisers import RECOGNISERS

        ear = self._ears[channel]
        if ear.stream:
            self._feed(ear, level, t0, t1)
            ear.listening = False
            return self._given(channel, level, [_later(w, ear.began) for w in ear.stream.end()])

        def read(first: float, last: float) -> Samples:
            return level[int(first * RATE) : int(last * RATE)]

        engine, model = self._engine
        found = RECOGNISERS[engine].transcribe(read, [(t0, t1)], language=self.settings.language, terms=(), model=model)
        return self._turn(channel, level, [_later(w, ear.start) for w in found], ear.start + t0, ear.start + t1)

    def _feed(self, ear: Ear, level: Samples, t0: float, t1: float) -> None:
        if ear.stream is None:
            return
        if not ear.listening:
            ear.stream.begin()
            ear.listening, ear.fed, ear.began = True, t0, ear.start + t0
        if t1 > ear.fed:
            ear.stream.feed(level[int(ear.fed * RATE) : int(t1 * RATE)])
            ear.fed = t1

    def _given(self, channel: int, level: Samples, words: list[Word]) -> list[Turn]:
        """A turn of the words that were not given yet; the edges of a given word may have moved since."""
        ear = self._ears[channel]
        fresh = [word for word in words if (word.t0 + word.t1) / 2 > ear.given]
        if not fresh:
            return []
        ear.given = fresh[-1].t1
        return self._turn(channel, level, fresh, fresh[0].t0, fresh[-1].t1)

    def _turn(self, channel: int, level: Samples, words: list[Word], t0: float, t1: float) -> list[Turn]:
        text = " ".join(word.text for word in words).strip()
        if not text:
            return []
        start = self._ears[channel].start
        said = level[max(0, int((t0 - start) * RATE)) : int((t1 - start) * RATE)]
        label = f"channel {channel}" if self._wave.channels > 1 else self._voices.of(said)
        return [Turn(t0, t1, label, text)]


def _later(word: Word, seconds: float) -> Word:
    return Word(word.t0 + seconds, word.t1 + seconds, word.text, word.prob)


def _quietest(probs: npt.NDArray[np.float32], t0: float, t1: float) -> float:
    from models.silero import FRAME_S

    first = int(t0 / FRAME_S)
    window = probs[first : int(t1 / FRAME_S)]
    return (first + int(np.argmin(window))) * FRAME_S if len(window) else t1


@dataclass(slots=True)
class Voices:
    """Who of two speaks, told by voice as utterances come: the first is `voice 1`, one unlike it `voice 2`."""

    _sums: list[Samples] = field(default_factory=list)
    _last: str = "voice 1"

    def of(self, samples: Samples) -> str:
        """The label of an utterance; a short one is taken to be the last speaker's."""
        if len(samples) < MIN_VOICE_S * RATE:
            return self._last
        from models.dvector import embed, mel_frames

        rms = float(np.sqrt(np.mean(np.square(samples)))) or 1e-6
        vector = embed([mel_frames(samples * np.float32(10 ** (-25 / 20) / rms))])[0]
        likeness = [float(vector @ total / np.linalg.norm(total)) for total in self._sums]
        if not self._sums or (len(self._sums) < 2 and max(likeness) < SAME_VOICE):
            self._sums.append(vector)
            number = len(self._sums) - 1
        else:
            number = int(np.argmax(likeness))
            self._sums[number] = self._sums[number] + vector
        self._last = f"voice {number + 1}"
        return self._last
