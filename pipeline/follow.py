"""A call while it is made: new turns of a transcript or recording that is still being written.

A transcript is read line by line: `Name: words`, with a time before it or not, WebVTT, or one JSON object per line
(`speaker`, `text`, `t0`, `t1`). A recording is a WAV file that grows (its header's length is not believed); speech is
cut at pauses and after `MAX_PIECE_S` at the latest, and recognised piece by piece. Two channels are two people. On one
channel voices are told apart as they come, which is wrong more often than afterwards on the whole recording.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.errors import AudioError, InputError
from pipeline.types import BUYER, REP, Turn

if TYPE_CHECKING:
    from pipeline.settings import Settings

RATE = 16_000
PAUSE_S = {1: 0.3, 2: 0.45}
"""Silence that ends a piece, by channels: on one channel another person may speak after it."""
MAX_PIECE_S = 5.0
MIN_VOICE_S = 1.2
SAME_VOICE = 0.8
"""Cosine of two utterances' voices from which they are taken for one person."""
MIN_ROLE_WORDS = 25

Samples = npt.NDArray[np.float32]


class Follower(Protocol):
    """Something that gives the turns that came since it was last asked."""

    def poll(self) -> list[Turn]:
        """New turns in order; speakers may be unresolved labels. Raises `InputError`."""


def follow(path: Path, settings: Settings) -> Follower:
    """The follower that fits a file by its name. Raises `InputError` for one that cannot be followed."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a transcript or recording that is being written")
    suffix = path.suffix.lower()
    if suffix == ".wav":
        return Recording(path, settings)
    if suffix in (".txt", ".vtt", ".jsonl", ".log", ".json", ".md"):
        return Lines(path)
    raise InputError(f"{path}: cannot be followed; use a .wav that grows, or lines of text (.txt, .vtt, .jsonl)")


_TIME = r"(?:(\d{1,2}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?"
_CLOCK = re.compile(rf"^\W*{_TIME}\W+(?=\S)")
_SPAN = re.compile(rf"^{_TIME}\s*-->\s*{_TIME}")
_SPOKEN = re.compile(r"^(?P<who>[^:<>]{1,40}?):\s+(?P<text>\S.*)$")
_VOICE = re.compile(r"^<v\s+(?P<who>[^>]+)>(?P<text>.*?)(?:</v>)?$")


@dataclass(slots=True)
class Lines:
    """A transcript that grows by whole lines; `clock` gives seconds since the start for lines without a time."""

    path: Path
    clock: Callable[[], float] | None = None
    _at: int = 0
    _rest: bytes = b""
    _last: float = 0.0
    _span: tuple[float, float] | None = None
    _who: str = ""

    def poll(self) -> list[Turn]:
        """Turns of the lines that were finished since. A file that shrank is read from its start again."""
        try:
            with self.path.open("rb") as file:
                if self.path.stat().st_size < self._at:
                    self._at, self._rest = 0, b""
                file.seek(self._at)
                fresh = file.read()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error})") from error
        self._at += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        found = [self._turn(line.decode("utf-8", "replace").strip().lstrip("\ufeff")) for line in lines]
        return [turn for turn in found if turn]

    def _turn(self, line: str) -> Turn | None:
        if not line or line.startswith(("WEBVTT", "NOTE", "@", "#")) or line.isdigit():
            return None
        if line.startswith("{"):
            return self._from_json(line)
        span = _SPAN.match(line)
        if span:
            self._span = _seconds(span.groups()[:4]), _seconds(span.groups()[4:])
            return None
        clock = _CLOCK.match(line)
        t0 = _seconds(clock.groups()) if clock else None
        spoken = _VOICE.match(line) or _SPOKEN.match(line[clock.end() :] if clock else line)
        who, text = (spoken["who"].strip(), spoken["text"].strip()) if spoken else (self._who, line)
        if not who or not text:
            return None
        self._who = who
        return self._made(who, text, t0, None)

    def _from_json(self, line: str) -> Turn | None:
        try:
            row = json.loads(line)
        except ValueError:
            return None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
            return None
        t0, t1 = (row.get(key) if isinstance(row.get(key), int | float) else None for key in ("t0", "t1"))
        return self._made(str(row.get("speaker") or "unknown"), row["text"].strip(), t0, t1)

    def _made(self, who: str, text: str, t0: float | None, t1: float | None) -> Turn:
        if self._span:
            (t0, t1), self._span = self._span, None
        spoken = len(text.split()) / 2.5
        start = t0 if t0 is not None else max(self._last, (self.clock() - spoken) if self.clock else self._last)
        end = t1 if t1 is not None else start + spoken
        self._last = end
        return Turn(start, end, who, text)


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + float(f"0.{fraction or 0}")


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
class Recording:
    """A recording that grows, heard piece by piece with the engine of the settings."""

    path: Path
    settings: Settings
    _wave: Wave = field(init=False)
    _buffers: list[Samples] = field(default_factory=list)
    _starts: list[float] = field(default_factory=list)
    _voices: Voices = field(init=False)
    _engine: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self._wave = Wave(self.path)
        self._voices = Voices()

    def poll(self) -> list[Turn]:
        """Turns of the pieces of speech that ended since. Raises `AudioError`, `EngineError`."""
        fresh = self._wave.fresh()
        if not fresh:
            return []
        if not self._buffers:
            self._buffers = [np.zeros(0, np.float32) for _ in fresh]
            self._starts = [0.0 for _ in fresh]
        turns: list[Turn] = []
        for channel, samples in enumerate(fresh):
            self._buffers[channel] = np.concatenate([self._buffers[channel], samples])
            turns += self._pieces(channel)
        return sorted(turns, key=lambda turn: turn.t0)

    def _pieces(self, channel: int) -> list[Turn]:
        """Recognise what is complete in a channel's buffer and let go of it."""
        from models.silero import probabilities, speech_spans

        buffer, start = self._buffers[channel], self._starts[channel]
        length = len(buffer) / RATE
        peak = float(np.abs(buffer).max()) if len(buffer) else 0.0
        level = buffer * np.float32(min(20.0, 0.5 / peak)) if peak > 1e-4 else buffer
        probs = probabilities([level])
        pause = PAUSE_S[self._wave.channels]
        turns: list[Turn] = []
        done = 0.0
        for t0, t1 in speech_spans(probs, min_silence_s=pause):
            end = t1
            if length - t1 < pause - 0.15:
                if length - t0 < MAX_PIECE_S:
                    done = max(done, t0)
                    break
                end = _quietest(probs, t0 + MAX_PIECE_S / 2, t0 + MAX_PIECE_S)
            turns += self._heard(channel, level, t0, end, start)
            done = end
            if end < t1:
                break
        else:
            # silence at the end is let go of, but for what may be the beginning of a word
            done = max(done, length - 0.5)
        keep = int(done * RATE)
        self._buffers[channel] = buffer[keep:]
        self._starts[channel] = start + keep / RATE
        return turns

    def _heard(self, channel: int, level: Samples, t0: float, t1: float, start: float) -> list[Turn]:
        from models.recognisers import RECOGNISERS
        from pipeline.hear import choose_engine

        if self._engine is None:
            engine, model, _ = choose_engine(self.settings)
            self._engine = engine, model
        engine, model = self._engine

        def read(first: float, last: float) -> Samples:
            return level[int(first * RATE) : int(last * RATE)]

        words = RECOGNISERS[engine].transcribe(read, [(t0, t1)], language=self.settings.language, terms=(), model=model)
        text = " ".join(word.text for word in words).strip()
        if not text:
            return []
        label = f"channel {channel + 1}" if self._wave.channels > 1 else self._voices.of(read(t0, t1))
        return [Turn(start + t0, start + t1, label, text)]


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


@dataclass(slots=True)
class Roles:
    """Which speaker is the rep: as told, by the label, or as what they say sounds, which may change as more is said."""

    rep: str | None = None
    _said: dict[str, list[str]] = field(default_factory=dict)

    def hear(self, turn: Turn) -> None:
        """Take in what a speaker said."""
        self._said.setdefault(turn.speaker, []).append(turn.text)

    def name(self, label: str) -> str:
        """`rep`, `buyer:Name`, or the label itself while it is not known whose it is."""
        side = self._side(label)
        if side is None or side == REP:
            return side or label
        name = label.partition(":")[2].strip() or label
        return BUYER if _named(name) else f"{BUYER}:{name}"

    def _side(self, label: str) -> str | None:
        if self.rep:
            return REP if label.strip().lower() == self.rep.strip().lower() else BUYER
        if _named(label):
            return _named(label)
        if any(_named(other) == REP for other in self._said):
            return BUYER
        return self._by_words(label)

    def _by_words(self, label: str) -> str | None:
        from models.role_model import seller_logit

        words = {who: sum(len(text.split()) for text in texts) for who, texts in self._said.items()}
        if label not in words or len(words) < 2 or sorted(words.values())[-2] < MIN_ROLE_WORDS:
            return None
        total = sum(words.values())
        logits = {w: seller_logit(texts, total_words=total, speakers=len(words)) for w, texts in self._said.items()}
        return REP if label == max(logits, key=lambda who: logits[who]) else BUYER


def _named(label: str) -> str | None:
    """The side that a label names itself."""
    head = label.partition(":")[0].strip().lower()
    return REP if head in (REP, "r", "seller") else BUYER if head in (BUYER, "b", "customer") else None
