"""The sound in a container as samples: decoded, resampled, each track where a player plays it, tracks together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.container import InputContainer

    from pipeline.audio import Samples

_GAP_S = 0.1
"""Less than this between two frames is how finely a container counts, and no time left out."""
_BEHIND_S = 30
"""Containers lay tracks beside each other more closely than this."""


def resampled(container: InputContainer, *, rate: int, mono: bool = False) -> Iterator[Samples | None]:
    """All sound from the start in blocks of shape (channels, n), values in [-1, 1]; None for each damaged piece.

    Two channels stay two unless `mono`, and so do two tracks (of a recorder that keeps what is said here from what is
    heard); more are mixed to one. Each sound stands where a player plays it: there is silence before a track that
    begins late, and where a track was muted and its container leaves that time out.
    """
    streams = sound_tracks(container)
    tracks = {stream.index: _Track(container, rate=rate, mono=mono or len(streams) > 1) for stream in streams}
    together = _Together(tracks, rate=rate, mono=mono or len(streams) > 2)
    for index, frame in _frames(container, streams):
        if frame is None:
            yield None
            continue
        for samples in tracks[index].sound(frame):
            yield from together.add(index, samples)
    for index, track in tracks.items():
        for samples in track.rest():
            yield from together.add(index, samples)
    yield from together.rest()


def sound_tracks(container: InputContainer) -> tuple[AudioStream, ...]:
    """Its tracks of sound that can be decoded: an iPhone's film has one beside the usual one that cannot."""
    return tuple(stream for stream in container.streams.audio if stream.codec_context is not None)


class _Together:
    """Tracks beside each other as channels of one sound; one that is far behind counts as silent there."""

    def __init__(self, tracks: Iterable[int], *, rate: int, mono: bool) -> None:
        self._held: dict[int, list[Samples]] = {track: [] for track in tracks}
        self._ends = dict.fromkeys(self._held, 0)
        self._rate = rate
        self._mono = mono
        self._done = 0

    def add(self, track: int, samples: Samples) -> Iterator[Samples]:
        """What all have, once there is enough of it."""
        if len(self._held) == 1:
            yield samples
            return
        self._held[track].append(samples[0])
        self._ends[track] += samples.shape[1]
        ends = self._ends.values()
        stop = max(min(ends), max(ends) - _BEHIND_S * self._rate)
        if stop - self._done >= self._rate:
            yield self._until(stop)

    def rest(self) -> Iterator[Samples]:
        """What is left, also of the longest."""
        if max(self._ends.values(), default=0) > self._done:
            yield self._until(max(self._ends.values()))

    def _until(self, stop: int) -> Samples:
        rows = np.zeros((len(self._held), stop - self._done), np.float32)
        for row, (track, parts) in zip(rows, self._held.items(), strict=True):
            held = np.concatenate([np.zeros(0, np.float32), *parts])
            held = held[max(0, self._done - (self._ends[track] - len(held))) :]
            row[: len(held)] = held[: len(row)]
            parts[:] = [held[len(row) :]]
        self._done = stop
        return rows.mean(axis=0, keepdims=True) if self._mono else rows


class _Track:
    """The frames of a track as samples, `rate` per second, from the container's start on."""

    def __init__(self, container: InputContainer, *, rate: int, mono: bool) -> None:
        self._rate = rate
        self._mono = mono
        self._start = (container.start_time or 0) / 1e6
        self._length = container.duration / 1e6 + 1 if container.duration else None
        self._done = 0
        self._channels = 0
        self._kind: tuple[str, str, int] | None = None

    def sound(self, frame: AudioFrame) -> Iterator[Samples]:
        """Its samples, behind the silence before them, once there is a second of them.

        Frames of 20 ms cost twice as much one by one.
        """
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            yield from self._held()
            self._begin(frame)
            self._kind = kind
        gap = self._left_out(frame)
        if gap:
            yield from self._held()
            yield from self._silence(gap)
        frame.pts = None
        self._fifo.write(frame)
        if self._fifo.samples >= frame.sample_rate:
            yield from self._held()

    def rest(self) -> Iterator[Samples]:
        """What is held, and what the last frames left in the resampler."""
        yield from self._held()
        if self._kind:
            yield from self._samples(self._resampler.resample(None))

    def _begin(self, frame: AudioFrame) -> None:
        """Take frames of this rate, layout and sample format: a stream may switch, which a resampler refuses."""
        import av

        if not self._channels:
            self._channels = 2 if frame.layout.nb_channels == 2 and not self._mono else 1
        layout = "stereo" if self._channels == 2 else "mono"
        if frame.layout.name.endswith("channels"):
            # a track per person: the resampler would guess speakers, and leave out the third as the subwoofer
            layout = frame.layout.name
        # packed: PyAV crashes on planes of eight channels
        self._resampler = av.AudioResampler(format="flt", layout=layout, rate=self._rate)
        self._fifo = av.AudioFifo()

    def _left_out(self, frame: AudioFrame) -> int:
        """Samples left out before a frame; none where its time is impossible: without a length, over an hour on."""
        late = 0.0 if frame.time is None else frame.time - self._start
        if late > (self._length or self._done / self._rate + 3600):
            return 0
        gap = round(late * self._rate) - self._done - self._fifo.samples * self._rate // frame.sample_rate
        return gap if gap >= _GAP_S * self._rate else 0

    def _silence(self, samples: int) -> Iterator[Samples]:
        self._done += samples
        while samples > 0:
            yield np.zeros((self._channels, min(samples, 60 * self._rate)), np.float32)
            samples -= 60 * self._rate

    def _held(self) -> Iterator[Samples]:
        if self._kind and self._fifo.samples:
            yield from self._samples(self._resampler.resample(self._fifo.read()))

    def _samples(self, pieces: Iterable[AudioFrame]) -> Iterator[Samples]:
        for piece in pieces:
            samples = _clean(piece.to_ndarray().reshape(-1, piece.layout.nb_channels).T)
            if len(samples) != self._channels:
                samples = np.repeat(samples.mean(axis=0, keepdims=True), self._channels, axis=0)
            self._done += samples.shape[1]
            yield samples


def _frames(container: InputContainer, streams: Sequence[AudioStream]) -> Iterator[tuple[int, Any]]:
    """Each track's index with its decoded frames in order; None stands for each piece that could not be decoded."""
    import av

    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except (av.error.InvalidDataError, OSError):
            # The container itself breaks off here: what came before stands, the length check decides.
            yield streams[0].index, None
            return
        try:
            for frame in packet.decode():
                yield packet.stream.index, frame
        except av.error.EOFError:
            continue
        except (av.error.FFmpegError, ValueError):
            yield packet.stream.index, None


def _clean(samples: npt.NDArray[Any]) -> Samples:
    # Float recordings may hold NaN, infinity or values far over full scale.
    return np.clip(np.nan_to_num(samples.astype(np.float32, copy=False), posinf=1.0, neginf=-1.0), -1.0, 1.0)
