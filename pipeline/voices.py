"""Known voices of reps: enrolled with recorded consent, compared only over the same kind of line, deletable.

    voices/<rep>-<hash>.json   {"rep", "line", "model", "seconds", "vector", "consent": {"given", "at"}, "source"}

A voice is biometric data: none is kept of anybody who was not enrolled by name with a consent on record; those of a
call's speakers are compared and dropped. Cosines of different people reach 0.85 and those of one person over different
lines fall below that, so a voice counts as known only by a margin over the second best, of people and of speakers.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline import keep
from pipeline.audio import Audio, Samples
from pipeline.diarize import Diarization, Span
from pipeline.errors import AudioError, StoreError

Vector = npt.NDArray[np.float64]

MIN_ENROL_S = 20.0
"""Speech of one person below which no voice is enrolled."""
_MIN_KNOWN_S = 5.0
_ENOUGH_S = 90.0
_PIECE_S = 1.6
_LEVEL = 10 ** (-25 / 20)
MIN_LIKENESS = 0.88
MARGIN = 0.08
_TELEPHONE_DB = -35.0


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """A rep's enrolled voice over one kind of `line` (`telephone` or `wideband`); `vector`: 256 values, unit length."""

    rep: str
    line: str
    model: str
    seconds: float
    vector: tuple[float, ...]
    consent: Mapping[str, str]
    source: str

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {
            "rep": self.rep,
            "line": self.line,
            "model": self.model,
            "seconds": round(self.seconds, 1),
            "consent": dict(self.consent),
            "source": self.source,
            "vector": [round(value, 6) for value in self.vector],
        }


@dataclass(frozen=True, slots=True)
class Match:
    """Speaker `label` sounds like `rep`: the cosine, and how far the second best is below it."""

    label: str
    rep: str
    likeness: float
    margin: float


def enrol(
    data: Path, rep: str, found: Diarization, label: str, *, consent: str, source: str, now: dt.datetime | None = None
) -> KnownVoice:
    """Keep the voice of speaker `label` of a diarized recording as that of `rep`; it replaces one of the same line.

    `consent` says how the person agreed (`signed form of 1 October`). Raises `AudioError` without it, for a label
    that nobody has, and for less than `MIN_ENROL_S` of speech alone.
    """
    if not consent.strip():
        raise AudioError(f"{rep}: no consent given; say how the person agreed, for example 'signed form, 1 October'")
    spans = [span for span in found.spans if span.speaker == label]
    if not spans:
        there = ", ".join(sorted({span.speaker for span in found.spans}))
        raise AudioError(f"{source}: no speaker '{label}'; there are {there or 'none'}")
    vector, seconds = voice_of(found.audio, alone(found.spans, label), spans[0].channel)
    if vector is None or seconds < MIN_ENROL_S:
        raise AudioError(
            f"{source}: only {seconds:.0f} s of {label} alone, {MIN_ENROL_S:.0f} s are needed; use a longer recording"
        )
    voice = KnownVoice(
        rep=" ".join(rep.split()),
        line=line_of(found.audio, spans, spans[0].channel),
        model=_model(),
        seconds=seconds,
        vector=tuple(float(value) for value in vector),
        consent={
            "given": " ".join(consent.split()),
            "at": (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
        },
        source=source,
    )
    path = _file(data, voice.rep, voice.line)
    keep.write_atomically(path, keep.encode(voice.to_json()))
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    return voice


def known_voices(data: Path) -> list[KnownVoice]:
    """All enrolled voices, in file order; damaged files are passed over."""
    voices = []
    for path in sorted((data / "voices").glob("[!.]*.json")):
        with contextlib.suppress(StoreError, KeyError, TypeError, ValueError):
            row = keep.read_json(path)
            vector = tuple(float(value) for value in row["vector"])
            voices.append(
                KnownVoice(
                    str(row["rep"]), str(row["line"]), str(row["model"]), float(row["seconds"]), vector,
                    {str(key): str(value) for key, value in row["consent"].items()}, str(row["source"]),
                )
            )  # fmt: skip
    return voices


def forget(data: Path, rep: str) -> int:
    """Delete every enrolled voice of a rep; how many there were. Raises `StoreError` when a file cannot be deleted."""
    gone = 0
    for path in sorted((data / "voices").glob("[!.]*.json")):
        try:
            row = keep.read_json(path)
        except StoreError:
            row = {"rep": ""}
        mine = path.name in {_file(data, rep, line).name for line in ("telephone", "wideband")}
        if mine or " ".join(str(row.get("rep")).lower().split()) == " ".join(rep.lower().split()):
            try:
                path.unlink()
            except OSError as error:
                raise StoreError(f"{path}: cannot be deleted ({error.strerror}); delete it by hand") from error
            gone += 1
    return gone


def matches(found: Diarization, voices: Iterable[KnownVoice], *, rep: str | None = None) -> list[Match]:
    """Who of a diarized recording is a rep with an enrolled voice; at most one speaker per rep.

    Where the call's rep is known by name, only that voice is looked for: another rep's would prove nothing. A match
    needs a cosine of `MIN_LIKENESS`, and `MARGIN` over every other speaker of the call and over every other rep.
    Voices of another encoder are not compared, nor is a speaker with a voice over another kind of line than the
    speaker's own: of two channels one may be a headset and the other a telephone.
    """
    usable = [voice for voice in voices if voice.model == _model()]
    if rep:
        usable = [voice for voice in usable if voice.rep.lower() == rep.lower()]
    labels = sorted({span.speaker for span in found.spans})
    if not usable or len(labels) < 2:
        return []
    heard: dict[str, Vector] = {}
    lines: dict[str, str] = {}
    for label in labels:
        spans = [span for span in found.spans if span.speaker == label]
        vector, seconds = voice_of(found.audio, alone(found.spans, label), spans[0].channel)
        if vector is not None and seconds >= _MIN_KNOWN_S:
            heard[label] = vector
            lines[label] = line_of(found.audio, spans, spans[0].channel)
    best: dict[str, Match] = {}
    for line in sorted(set(lines.values())):
        known = {voice.rep: np.array(voice.vector) for voice in usable if voice.line == line}
        for match in best_matches(heard, known):
            if lines[match.label] == line and (match.rep not in best or best[match.rep].likeness < match.likeness):
                best[match.rep] = match
    return list(best.values())


def best_matches(heard: Mapping[str, Vector], known: Mapping[str, Vector]) -> list[Match]:
    """The margin rule, on unit vectors by speaker and by rep."""
    if len(heard) < 2 or not known:
        return []
    labels, reps = list(heard), list(known)
    cosine = np.array([[float(heard[label] @ known[rep]) for rep in reps] for label in labels])
    found = []
    for column, rep in enumerate(reps):
        row = int(cosine[:, column].argmax())
        best = cosine[row, column]
        rivals = np.concatenate([np.delete(cosine[:, column], row), np.delete(cosine[row], column)])
        margin = float(best - rivals.max())
        if best >= MIN_LIKENESS and margin >= MARGIN:
            found.append(Match(labels[row], rep, float(best), margin))
    return found


def alone(spans: Iterable[Span], label: str) -> list[tuple[float, float]]:
    """Where one speaker talks and nobody else does, in seconds."""
    spans = list(spans)
    others = sorted((span.t0, span.t1) for span in spans if span.speaker != label)
    free = []
    for span in spans:
        if span.speaker != label:
            continue
        t0 = span.t0
        for start, end in others:
            if end <= t0 or start >= span.t1:
                continue
            if start > t0:
                free.append((t0, start))
            t0 = max(t0, end)
        if t0 < span.t1:
            free.append((t0, span.t1))
    return free


def voice_of(audio: Audio, spans: Iterable[tuple[float, float]], channel: int) -> tuple[Vector | None, float]:
    """Unit d-vector of what one person says in `spans`, and the seconds it rests on; None where there is nothing.

    The longest spans first, up to 90 s, in pieces of 1.6 s at -25 dBFS: what the encoder was trained on.
    """
    from models.dvector import embed, mel_frames

    channel = min(channel, audio.channels - 1)
    pieces, total = [], 0.0
    for t0, t1 in sorted(spans, key=lambda span: span[0] - span[1]):
        for start in np.arange(t0, t1 - _PIECE_S / 2, _PIECE_S):
            samples = _levelled(audio.read(channel, float(start), min(t1, float(start) + _PIECE_S)))
            if total < _ENOUGH_S and samples is not None:
                pieces.append(mel_frames(samples))
                total += len(samples) / audio.rate
    if not pieces:
        return None, 0.0
    mean = embed(pieces).astype(np.float64).mean(axis=0)
    return mean / max(1e-9, float(np.linalg.norm(mean))), total


def _levelled(samples: Samples) -> Samples | None:
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    return np.clip(samples * np.float32(_LEVEL / level), -1, 1) if level > 1e-5 else None


def line_of(audio: Audio, spans: Iterable[Span], channel: int) -> str:
    """`telephone` where speech has next to nothing above 4 kHz, else `wideband`."""
    channel = min(channel, audio.channels - 1)
    high = low = 1e-12
    for span in sorted(spans, key=lambda span: span.t0 - span.t1)[:20]:
        samples = audio.read(channel, span.t0, min(span.t1, span.t0 + 10.0))
        power = np.abs(np.fft.rfft(samples)) ** 2
        edge = round(len(power) * 4200 / (audio.rate / 2))
        low += float(power[:edge].sum())
        high += float(power[edge:].sum())
    return "telephone" if 10 * np.log10(high / low) < _TELEPHONE_DB else "wideband"


def _model() -> str:
    from models.catalogue import PACKAGED

    return f"dvector {PACKAGED['dvector'].sha256[:12]}"


def _file(data: Path, rep: str, line: str) -> Path:
    name = " ".join(rep.lower().split())
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:40] or "rep"
    return data / "voices" / f"{slug}-{hashlib.sha256(f'{name} {line}'.encode()).hexdigest()[:8]}.json"
