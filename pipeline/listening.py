"""The recording behind a call, found again and ready for a browser: as it is, else a copy made on demand and kept.

cache/listen/<sha256>.<m4a|ogg>        copies of recordings that browsers cannot play; made again when they are gone
cache/listen/<sha256>-<cut>.<m4a|ogg>  clips; made again likewise
cache/listen/playlist-*.zip            playlists as they were last taken away, of many calls
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.audio import open_recording
from pipeline.clips import Container, Seconds, write_clip
from pipeline.errors import AudioError, StoreError
from pipeline.ingest import hash_file

PLAYED: dict[tuple[str, str], str] = {
    ("mp3", "mp3"): "audio/mpeg",
    ("wav", "pcm_s16le"): "audio/wav",
    ("wav", "pcm_u8"): "audio/wav",
    ("wav", "pcm_s24le"): "audio/wav",
    ("wav", "pcm_f32le"): "audio/wav",
    ("mov", "aac"): "audio/mp4",
    ("ogg", "vorbis"): "audio/ogg",
    ("ogg", "opus"): "audio/ogg",
    ("flac", "flac"): "audio/flac",
    ("matroska", "opus"): "audio/webm",
    ("matroska", "vorbis"): "audio/webm",
}
"""Container and codec, by FFmpeg's names, that browsers play, and as which media type; of a film only its sound."""

_MAKING = tuple(threading.Lock() for _ in range(16))


def recording_of(record: Mapping[str, Any], data: Path) -> Path:
    """Where the recording of a kept record lies now: where it was processed, or where it was last seen.

    Raises `AudioError` with one line where there is none to hear: the call came as a transcript, or the recording is
    gone or another file by now.
    """
    source = record["source"]
    if source["kind"] != "audio":
        raise AudioError("This call came as a transcript: there is no recording to hear.")
    first = Path(source["path"])
    for path in (first, *_seen_at(data, source["sha256"])):
        if _is_the_same(path, source):
            return path
    if first.exists():
        raise AudioError(f"Another file lies at the recording's place now: {first.name}. The words are still here.")
    raise AudioError(
        f"The recording is gone: {first.name}. Put it back where it was to hear it; the words are still here."
    )


def _is_the_same(path: Path, source: Mapping[str, Any]) -> bool:
    try:
        state = path.stat()
        if state.st_size != source["size"]:
            return False
        return bool(state.st_mtime_ns == source["mtime_ns"] or _hash(path, state.st_mtime_ns) == source["sha256"])
    except OSError:
        return False


@lru_cache(maxsize=256)
def _hash(path: Path, mtime_ns: int) -> str:
    return hash_file(path)


def _seen_at(data: Path, sha256: str) -> tuple[Path, ...]:
    """Other places where a file of that content was seen, the newest first: a recording that was moved or renamed."""
    hashes = data / "hashes.jsonl"
    try:
        return _places(hashes, hashes.stat().st_mtime_ns, sha256)
    except OSError:
        return ()


@lru_cache(maxsize=1024)
def _places(hashes: Path, mtime_ns: int, sha256: str) -> tuple[Path, ...]:
    found = []
    with hashes.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if sha256 in line:
                with contextlib.suppress(ValueError, IndexError, TypeError):
                    found.append(Path(json.loads(line)[0]))
    return tuple(reversed(found))


def browser_type(path: Path) -> str | None:
    """The media type as which a browser plays the file itself; None where it needs a copy.

    Raises `AudioError` with one line for what is no recording.
    """
    try:
        return _type(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


@lru_cache(maxsize=1024)
def _type(path: Path, mtime_ns: int) -> str | None:
    from av.stream import Disposition

    with open_recording(path) as recording:
        films = [film for film in recording.streams.video if not film.disposition & Disposition.attached_pic]
        if films or len(recording.streams.audio) > 1:
            return None
        codec = recording.streams.audio[0].codec_context.codec.canonical_name
        names = [(name, codec) for name in recording.format.name.split(",")]
        return next((PLAYED[name] for name in names if name in PLAYED), None)


def kept_copy(data: Path, sha256: str, path: Path, container: Container) -> Path:
    """A copy of the recording at `path` that browsers play, made where it is not there yet.

    Raises `AudioError` where the recording cannot be decoded and `StoreError` where the copy cannot be kept.
    """
    return _kept(data, f"{sha256}.{container}", lambda target: write_clip(path, target, container=container))


def kept_clip(
    data: Path,
    sha256: str,
    path: Path,
    *,
    t0: float,
    t1: float,
    silences: Sequence[Seconds],
    container: Container,
) -> Path:
    """`kept_copy` of the seconds between `t0` and `t1`, `silences` silent in it; other silences are another clip."""
    cut = hashlib.sha256(repr((t0, t1, list(silences))).encode()).hexdigest()[:16]
    return _kept(
        data,
        f"{sha256}-{cut}.{container}",
        lambda target: write_clip(path, target, t0=t0, t1=t1, silences=silences, container=container),
    )


def _kept(data: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The file of that name in the cache, made there whole or not at all; two who ask at once wait for one."""
    folder = _folder(data)
    target = folder / name
    with _MAKING[zlib.crc32(name.encode()) % len(_MAKING)]:
        if target.is_file():
            with contextlib.suppress(OSError):
                os.utime(target)
            return target
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".") as made:
                make(Path(made) / name)
                os.replace(Path(made) / name, target)
        except OSError as error:
            raise StoreError(f"{folder}: a copy to listen to cannot be kept ({error.strerror}); make room") from error
    return target


def archive_file(data: Path, made_of: str) -> Path:
    """Where the zip of a playlist is put that consists of this."""
    return _folder(data) / f"playlist-{hashlib.sha256(made_of.encode()).hexdigest()[:24]}.zip"


def clip_files(data: Path) -> list[Path]:
    """The clips there are, and the zips, which are made of them."""
    return sorted(_folder(data).glob("[!.]*-*"))


def forget_archives(data: Path) -> None:
    """Delete the zips of playlists: nothing in their bytes tells which calls are in them."""
    for file in _folder(data).glob("playlist-*.zip"):
        file.unlink(missing_ok=True)


def copies_of(data: Path, sha256: str) -> list[Path]:
    """The copies and clips of a recording, and the zips that may hold some."""
    return sorted([*_folder(data).glob(f"{sha256}*"), *_folder(data).glob("playlist-*.zip")])


def _folder(data: Path) -> Path:
    return data / "cache" / "listen"
