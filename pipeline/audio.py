"""Recordings of any container, codec, rate and sample format become 16 kHz float32, or one line saying why not.

Decoding streams: samples go to memory up to one hour of mono and to an unnamed temporary file beyond that, so a
six-hour recording costs disk, not memory. Readers take windows of one channel (`Audio.read`).
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pipeline.errors import AudioError, StoreError
from pipeline.tracks import resampled, sound_tracks
from pipeline.wording import clock

if TYPE_CHECKING:
    from av.container import InputContainer

Samples = npt.NDArray[np.float32]

RATE = 16_000
"""Samples per second of everything after decoding: what every model here was trained on."""

BLOCK_S = 60.0
"""Seconds handed on at a time where a whole recording is walked through."""

_IN_MEMORY = 3600 * RATE
_TARGET_DBFS = -23.0
_MAX_GAIN_DB = 60.0
_MIN_SPEECH_S = 1.0
_RARE = 0.05

# Headerless telephone audio has nothing to recognise it by but its name.
_RAW_FORMATS = {
    ".ul": ("mulaw", "8000"),
    ".ulaw": ("mulaw", "8000"),
    ".mulaw": ("mulaw", "8000"),
    ".al": ("alaw", "8000"),
    ".alaw": ("alaw", "8000"),
    ".gsm": ("gsm", ""),
    ".g722": ("g722", ""),
    ".g729": ("g729", ""),
    ".sln": ("s16le", "8000"),
}

_HEADED = re.compile(rb"RIFF|OggS|fLaC|ID3|FORM|....ftyp|\x1aE\xdf\xa3|\.snd|caff|#!AMR", re.DOTALL)
"""What is in a container is that, whatever its name says."""

# Their headers state the exact length; others are estimated from the bit rate and prove nothing about a missing end.
_EXACT_LENGTH = {"wav", "flac", "aiff", "mov", "matroska", "w64", "caf", "au"}

# Playlists and device inputs would make the decoder open other files or the network.
_NOT_A_RECORDING = {"hls", "concat", "sdp", "dash", "rtsp", "rtp", "lavfi", "image2", "tty", "imf", "ffmetadata"}


@dataclass(frozen=True, slots=True)
class Audio:
    """A decoded recording: `channels` (1 or 2) of `frames` samples each at `rate` per second, values in [-1, 1].

    `notes` says what had to be repaired while decoding.
    """

    channels: int
    frames: int
    stores: tuple[Samples | Spool, ...] = field(repr=False)
    rate: int = RATE
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate

    def read(self, channel: int, t0: float = 0.0, t1: float | None = None) -> Samples:
        """Samples of one channel between `t0` and `t1` seconds, clipped to the recording; shape (n,)."""
        start = min(self.frames, max(0, round(t0 * self.rate)))
        stop = self.frames if t1 is None else min(self.frames, max(start, round(t1 * self.rate)))
        store = self.stores[channel]
        return store[start:stop] if isinstance(store, np.ndarray) else store.read(start, stop)

    def blocks(self, channel: int, seconds: float = BLOCK_S) -> Iterator[Samples]:
        """The channel in consecutive windows of `seconds`."""
        for start in np.arange(0.0, self.duration_s, seconds):
            yield self.read(channel, float(start), float(start) + seconds)

    def mono(self) -> Audio:
        """The mean of all channels as a one-channel recording; itself where it has one."""
        if self.channels == 1:
            return self
        writer = _Writer(1)
        for pair in zip(*(self.blocks(channel) for channel in range(self.channels)), strict=True):
            writer.add(np.asarray(np.mean(pair, axis=0, dtype=np.float32))[None])
        return writer.finish(notes=self.notes)

    @classmethod
    def of(cls, samples: npt.NDArray[Any]) -> Audio:
        """Wrap samples of shape (n,) or (channels, n) at 16 kHz."""
        rows = np.atleast_2d(np.asarray(samples, dtype=np.float32))
        return cls(channels=len(rows), frames=rows.shape[1], stores=tuple(np.ascontiguousarray(row) for row in rows))


class Spool:
    """Samples in a file without a name, which is gone when nobody holds it any more.

    Raises `StoreError` where there is no room for it: that is never the recording's fault.
    """

    _fd = -1

    def __init__(self) -> None:
        with _needing_room():
            self._fd, name = tempfile.mkstemp(prefix="debrief-")
            os.unlink(name)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def append(self, samples: Samples) -> None:
        """Add samples at the end. Raises `StoreError` when the disk is full."""
        rest = memoryview(samples.tobytes())
        with _needing_room():
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def read(self, start: int, stop: int) -> Samples:
        """Samples from index `start` up to `stop`."""
        return np.frombuffer(os.pread(self._fd, (stop - start) * 4, start * 4), dtype=np.float32)


@contextlib.contextmanager
def _needing_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"no room for a decoded recording among temporary files ({error.strerror}); make room, or let TMPDIR name "
            "a folder with more"
        ) from None


class _Writer:
    """Collects decoded frames per channel: in memory first, in unnamed temporary files once they outgrow it."""

    def __init__(self, channels: int) -> None:
        self.frames = 0
        self._parts: list[list[Samples]] = [[] for _ in range(channels)]
        self._spools: list[Spool] = []

    def add(self, samples: Samples) -> None:
        """Append samples of shape (channels, n)."""
        self.frames += samples.shape[1]
        if not self._spools and self.frames * len(self._parts) > _IN_MEMORY:
            self._spools = [Spool() for _ in self._parts]
            for spool, parts in zip(self._spools, self._parts, strict=True):
                for part in parts:
                    spool.append(part)
                parts.clear()
        for channel, row in enumerate(samples):
            if self._spools:
                self._spools[channel].append(row)
            else:
                self._parts[channel].append(row.copy())

    def finish(self, *, notes: tuple[str, ...] = ()) -> Audio:
        """Everything added so far as one recording."""
        stores: tuple[Samples | Spool, ...] = tuple(self._spools) or tuple(
            np.concatenate(parts or [np.zeros(0, np.float32)]) for parts in self._parts
        )
        return Audio(channels=len(self._parts), frames=self.frames, stores=stores, notes=notes)


def load_audio(path: Path | str, *, max_hours: float = 6.0) -> Audio:
    """Decode a recording to 16 kHz float32: two channels stay two, more are mixed to one.

    Raises `AudioError` with one line for a file that is missing, empty, unreadable, no media file, without audio,
    damaged, cut off, or longer than `max_hours`; `StoreError` where the disk has no room for what is decoded.
    """
    path = Path(path)
    with open_recording(path) as container:
        return _decode(path, container, max_hours=max_hours)


@contextlib.contextmanager
def open_recording(path: Path | str) -> Iterator[InputContainer]:
    """A recording's container, for `resampled`; what goes wrong inside is raised as `AudioError` with one line."""
    import av

    path = Path(path)
    _check_file(path)
    av.logging.set_level(None)
    try:
        with path.open("rb") as file:
            _check_wav_size(path, file)
            with _open(path, file) as container:
                if not container.streams.audio:
                    raise AudioError(f"{path}: has no audio track; record the call with sound")
                if not sound_tracks(container):
                    raise AudioError(f"{path}: its sound is of a kind that cannot be decoded; export it as WAV or MP3")
                yield container
    except AudioError:
        raise
    except (OSError, ValueError, MemoryError, LookupError, av.error.FFmpegError) as error:
        reason = " ".join(str(error).split())[:120]
        raise AudioError(f"{path}: cannot be decoded ({reason}); export it again, for example as WAV or MP3") from None


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if path.is_dir():
        raise AudioError(f"{path}: is a folder, not a recording; name the files in it")
    if size == 0:
        raise AudioError(f"{path}: is empty (0 bytes); copy or export it again")


def _open(path: Path, file: BinaryIO) -> InputContainer:
    import av

    # The decoder gets the open file, never the name: it can follow no link to another file or host.
    options = {"protocol_whitelist": "pipe"}
    headed = _HEADED.match(file.read(12))
    file.seek(0)
    raw, rate = (None, "") if headed else _RAW_FORMATS.get(path.suffix.lower(), (None, ""))
    try:
        container = av.open(file, mode="r", format=raw, options={**options, "sample_rate": rate} if rate else options)
    except PermissionError:
        raise AudioError(f"{path}: cannot be read (Permission denied); check its permissions") from None
    except (OSError, ValueError, av.error.FFmpegError):
        raise AudioError(f"{path}: is not an audio or video file, or its header is damaged; export it again") from None
    if set(container.format.name.split(",")) & _NOT_A_RECORDING:
        container.close()
        raise AudioError(f"{path}: is not an audio or video file; drop the recording itself, not a list or a picture")
    return container


def _decode(path: Path, container: InputContainer, *, max_hours: float) -> Audio:

    stream = sound_tracks(container)[0]
    exact = bool(set(container.format.name.split(",")) & _EXACT_LENGTH)
    declared = _declared_seconds(container, stream) if exact else None
    if declared is not None and declared > max_hours * 3600 and path.stat().st_size > 1_000_000:
        raise AudioError(_too_long(path, declared, max_hours))
    writer: _Writer | None = None
    damaged = 0
    for block in resampled(container, rate=RATE):
        if block is None:
            damaged += 1
            continue
        writer = writer or _Writer(len(block))
        writer.add(block)
        if writer.frames > max_hours * 3600 * RATE:
            raise AudioError(_too_long(path, writer.frames / RATE, max_hours))
    if writer is None or writer.frames == 0:
        _check_complete(path, 0.0, declared)
        raise AudioError(f"{path}: its audio track holds no sound that can be decoded; export the recording again")
    _check_complete(path, writer.frames / RATE, declared)
    notes = (f"{damaged} damaged pieces of the recording were skipped",) if damaged else ()
    return writer.finish(notes=notes)


def _declared_seconds(container: InputContainer, stream: Any) -> float | None:
    """How long the sound itself is by its header; None where that tells only how long the film is."""
    if stream.duration and stream.time_base and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    # what was cut out of a longer one may count on from there, where Matroska's ends are counted from zero
    begins = max(0, container.start_time or 0) / 1_000_000
    # Matroska says of each track when it ends, as a tag
    own = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if own:
        return 3600 * int(own[1]) + 60 * int(own[2]) + float(own[3]) - begins
    if container.duration and container.duration > 0 and len(container.streams) == 1:
        return container.duration / 1_000_000 - begins
    return None


def _check_complete(path: Path, seconds: float, declared: float | None) -> None:
    if declared is not None and (seconds < 0.9 * declared - 2.0 or seconds == 0):
        there = f"only {clock(round(seconds))} are there" if seconds else "none of it is there"
        raise AudioError(f"{path}: is cut off: its header says {clock(round(declared))}, {there}; copy it again")


def _too_long(path: Path, seconds: float, max_hours: float) -> str:
    return (
        f"{path}: is longer than {max_hours:g} hours ({clock(round(seconds))} or more); "
        "cut it into calls, or raise max_hours in debrief.toml"
    )


def _check_wav_size(path: Path, file: BinaryIO) -> None:
    """The decoder takes a WAV file for as long as its bytes reach; its header knows better."""
    head = file.read(12)
    size = path.stat().st_size
    while head[:4] == b"RIFF" and head[8:] == b"WAVE":
        place, chunk = file.tell(), file.read(8)
        length = int.from_bytes(chunk[4:], "little")
        if chunk == bytes(8):
            # to the decoder each eight of these are an empty chunk: a file of hours takes it minutes
            if file.read(4096) == bytes(4096):
                raise AudioError(f"{path}: its header is damaged, zeros stand where the sound begins; copy it again")
            file.seek(place + 8)
        if len(chunk) < 8 or chunk[:4] == b"data":
            there = size - file.tell()
            # Recorders that cannot seek leave the largest number there is, or zero.
            if chunk[:4] == b"data" and there < 0.9 * length < 0x7FFF0000:
                raise AudioError(
                    f"{path}: is cut off: {there:,} of its {length:,} bytes of sound are there; copy it again"
                )
            break
        file.seek(length + length % 2, 1)
    file.seek(0)


def loudness_gain(audio: Audio, channel: int) -> float:
    """Factor that brings the channel's louder half second windows to -23 dBFS (RMS), at most +60 dB; 1.0 if silent.

    The 95th percentile of the window levels stands for speech: pauses, however long, do not move it.
    """
    levels = []
    for block in audio.blocks(channel):
        usable = block[: len(block) // 8000 * 8000].reshape(-1, 8000)
        levels.append(np.sqrt(np.mean(np.square(usable, dtype=np.float64), axis=1)))
    loud = np.concatenate(levels or [np.zeros(0)])
    loud = loud[loud > 1e-6]
    if loud.size == 0:
        return 1.0
    level = float(np.percentile(loud, 95))
    if level < _RARE * loud.max():
        # speech is rarer than one window in twenty: the percentile fell into the noise between
        level = float(np.percentile(loud[loud > _RARE * loud.max()], 95))
    gain_db = _TARGET_DBFS - 20 * np.log10(level)
    return float(10 ** (min(gain_db, _MAX_GAIN_DB) / 20))


def speech_probabilities(audio: Audio, channel: int) -> npt.NDArray[np.float32]:
    """Silero's probability of speech in each 32 ms of the channel, after loudness normalisation; shape (frames,)."""
    from models.silero import probabilities

    gain = np.float32(loudness_gain(audio, channel))
    return probabilities(np.clip(block * gain, -1.0, 1.0) for block in audio.blocks(channel))


def require_speech(path: Path | str, audio: Audio) -> tuple[npt.NDArray[np.float32], ...]:
    """Speech probabilities per channel; raises `AudioError` where nobody says a word for a second in all."""
    from models.silero import FRAME_S

    per_channel = tuple(speech_probabilities(audio, channel) for channel in range(audio.channels))
    spoken = max(float(np.sum(row > 0.5)) * FRAME_S for row in per_channel)
    if spoken < _MIN_SPEECH_S:
        raise AudioError(
            f"{path}: no speech found in {clock(round(audio.duration_s))} of sound; "
            "check that the right file was exported"
        )
    return per_channel
