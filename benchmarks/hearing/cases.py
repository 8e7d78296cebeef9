"""Recordings with what is known of them, and the same recordings made worse."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.audio import RATE, Audio, load_audio
from pipeline.types import CallMeta

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_calls"
REAL = ROOT.parent / "shared" / "data"
CONDITIONS = ("as recorded", "8 kHz mu-law", "noise, 10 dB")
AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"}

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Case:
    """A recording; `reference` is its transcript as JSON (sample calls), `rttm` who speaks when, `until` the last
    second that the reference covers (0: all).
    """

    name: str
    audio: Path
    rttm: Path | None
    meta: CallMeta = field(default_factory=CallMeta)
    reference: dict[str, Any] | None = None
    until: float = 0.0

    def words(self, until: float) -> str:
        """The reference's words that start before `until` seconds, in order of time."""
        turns = (self.reference or {"turns": []})["turns"]
        spoken = sorted((word for turn in turns for word in turn["words"]), key=lambda word: word["t0"])
        return " ".join(word["text"] for word in spoken if word["t0"] < until)


def sample_cases(names: Collection[str] = ()) -> Iterator[Case]:
    """The recorded sample calls: all, or those named."""
    for path in sorted((SAMPLES / "reference").glob("*.json")):
        if names and path.stem not in names:
            continue
        row = json.loads(path.read_text(encoding="utf-8"))
        meta = CallMeta.from_json({k: v for k, v in row["meta"].items() if k in ("rep", "team", "account", "date")})
        yield Case(row["call_id"], SAMPLES / "inbox" / row["meta"]["file"], path.with_suffix(".rttm"), meta, row)


def folder_cases(folder: Path) -> Iterator[Case]:
    """Recordings of a folder that have an RTTM beside them or inside a shared one (with its UEM)."""
    shared = sorted(folder.glob("*.rttm"))
    limits = {
        fields[0]: float(fields[3])
        for uem in folder.glob("*.uem")
        for fields in map(str.split, uem.read_text(encoding="utf-8").splitlines())
        if len(fields) == 4
    }
    for audio in sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO):
        own = [path for path in shared if audio.stem.startswith(path.stem)]
        other = [path for path in shared if any(line.split()[1:2] == [audio.stem] for line in path.open())]
        found = (own or other or [None])[0]
        if found:
            yield Case(audio.stem, audio, found, until=limits.get(audio.stem, 0.0))


def piece(audio: Audio, seconds: float) -> Samples:
    """The first `seconds` of all channels; (channels, n) at 16 kHz."""
    return np.stack([audio.read(channel, 0.0, seconds) for channel in range(audio.channels)])


def made_worse(audio: Audio, condition: str, seconds: float) -> Samples:
    """The first `seconds` under one of `CONDITIONS`; (channels, n) at 16 kHz.

    Noise is white, 10 dB under the level of what is spoken; mu-law is ITU-T G.711's curve at 8 bits after a low-pass
    to 8 kHz.
    """
    from scipy.signal import resample_poly

    rows = piece(audio, seconds)
    if condition == CONDITIONS[1]:
        narrow = resample_poly(rows, 1, 2, axis=1)
        curved = np.sign(narrow) * np.log1p(255 * np.abs(np.clip(narrow, -1, 1))) / np.log(256)
        coarse = np.round(curved * 127) / 127
        wide = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log(256)) / 255
        return np.asarray(resample_poly(wide, 2, 1, axis=1), dtype=np.float32)
    if condition == CONDITIONS[2]:
        noise = np.random.default_rng(0).standard_normal(rows.shape)
        loud = np.abs(rows) > 0.1 * np.abs(rows).max()
        level = np.sqrt(np.mean(np.square(rows[loud], dtype=np.float64))) * 10 ** (-10 / 20)
        return np.asarray(rows + level * noise, dtype=np.float32)
    return np.asarray(rows, dtype=np.float32)


def with_bleed(audio: Audio, decibels: float) -> Audio:
    """Two channels, each hearing the other at `decibels` (negative)."""
    left, right = (audio.read(channel).astype(np.float64) for channel in (0, 1))
    factor = 10 ** (decibels / 20)
    return Audio.of(np.stack([left + factor * right, right + factor * left]))


def write_wav(path: Path, rows: Samples) -> Path:
    """Samples (channels, n) at 16 kHz as 16-bit WAV."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(rows))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(rows.T, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def decoded(case: Case) -> Audio:
    """The recording as the pipeline decodes it."""
    return load_audio(case.audio)
