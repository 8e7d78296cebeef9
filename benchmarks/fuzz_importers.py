"""Whatever bytes lie in the inbox end in a call or one line: `python -m benchmarks.fuzz_importers --seconds 600`.

For every transcript format of `READERS` (and `media` for the decoder) changed copies of a real sample are read for the
given seconds. A child process does it, with each input on disk before it is tried, so that a crash, a hang or an
exception leaves the file that made it in `--keep`. Exits with 1 if anything was found. The seed is printed; the same
seed tries the same inputs.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.errors import DebriefError
from pipeline.formats import READERS, WRITERS, read_transcript, sniff, write_transcript

TESTS = Path(__file__).resolve().parents[1] / "tests"
HANG_S = 10
MEDIA = "media"
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -1e-9, 10**25, "", " ", "NaN", "1e999", "0:12", "PT1S", "1.2s", "-->", "rep",
    "\ud800", "\x00", "\u202e", "Ann: hi", [], {}, [[]], [None], {"": None}, ["x"] * 50,
)  # fmt: skip
_SPLICES = (
    b"-->", b"\n\n", b": ", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"WEBVTT", b"00:00:00.000", b"99:99:99,999", b"<v ",
    b"</v>", b"&#0;", b"\r", b"\x1b[31m", b"{", b"]", b"\xf0\x9f\x98\x80", b"1\n", b"\xe2\x80\xae", b"-" * 300,
)  # fmt: skip


class Hung(BaseException):
    """An input took longer than `HANG_S`."""


def changed_value(value: Any, chance: random.Random) -> Any:
    """JSON with one value somewhere replaced, removed, doubled, or exchanged with another of the same document."""
    if isinstance(value, dict) and value and chance.random() < 0.93:
        key = chance.choice(sorted(value))
        act = chance.random()
        if act < 0.06:
            return {k: v for k, v in value.items() if k != key}
        if act < 0.1:
            return {**value, key: value[chance.choice(sorted(value))]}
        return {**value, key: changed_value(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.93:
        at = chance.randrange(len(value))
        act = chance.random()
        if act < 0.06:
            return value[:at] + value[at + 1 :]
        if act < 0.1:
            return [*value, value[at]]
        return [*value[:at], changed_value(value[at], chance), *value[at + 1 :]]
    if isinstance(value, str) and chance.random() < 0.5:
        return changed_bytes(value.encode(errors="replace"), chance).decode(errors="replace")
    if isinstance(value, int | float) and not isinstance(value, bool) and chance.random() < 0.5:
        return chance.choice([-value, value * 1000, value + 0.5, str(value), value - 1e6])
    return chance.choice(_ODD)


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """A copy with a piece flipped, removed, doubled, spliced in, or cut off."""
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 200)))
    act = chance.randrange(6)
    if act == 0:
        return data[:at] + bytes(chance.randrange(256) for _ in range(end - at)) + data[end:]
    if act == 1:
        return data[:at] + data[end:]
    if act == 2:
        return data[:end] + data[at:]
    if act == 3:
        return data[:at]
    if act == 4 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    return data[:at] + chance.choice(_SPLICES) + data[at:]


def changed_zip(data: bytes, chance: random.Random) -> bytes:
    """A zip file one of whose members was changed, so that the change gets past the checksum."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        names = source.namelist()
        chosen = "word/document.xml" if chance.random() < 0.7 else chance.choice(names)
        for name in names:
            content = source.read(name)
            if name == chosen:
                content = changed_bytes(content, chance)
            target.writestr(name, content)
    return out.getvalue()


def inputs(name: str, bases: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Changed copies without end."""
    kind = "media" if name == MEDIA else READERS[name].kind
    while True:
        data = chance.choice(bases)
        if kind == "json" and chance.random() < 0.85:
            value = json.loads(data)
            for _ in range(chance.randint(1, 4)):
                value = changed_value(value, chance)
            yield json.dumps(value).encode()
            continue
        if kind == "zip" and chance.random() < 0.8:
            yield changed_zip(data, chance)
            continue
        for _ in range(chance.randint(1, 6)):
            data = changed_bytes(data, chance)
        yield data


def read_media(path: Path) -> None:
    """Decode; nothing more, because what follows gets well-formed samples."""
    from pipeline.audio import load_audio

    audio = load_audio(path, max_hours=0.2)
    assert all(abs(float(audio.read(channel).max(initial=0.0))) <= 1.0 for channel in range(audio.channels))


def read_text(path: Path) -> None:
    """Sniff, read, and write in every format."""
    form = sniff(path)
    assert form is None or form in READERS
    transcript = read_transcript(path)
    for writer in WRITERS:
        write_transcript(transcript, writer).encode()


def media_bases(folder: Path) -> list[bytes]:
    """A second of sound in every container and codec that can be written here."""
    import numpy as np

    sys.path.insert(0, str(TESTS))
    from hearing_samples import write

    time_s = np.arange(16_000) / 16_000
    tone = (0.3 * np.sin(2 * np.pi * 220 * time_s) * (1 + np.sin(2 * np.pi * 3 * time_s)))[None].astype(np.float32)
    kinds = (
        ("a.wav", "pcm_s16le", 16_000), ("u.wav", "pcm_mulaw", 8_000), ("l.wav", "pcm_alaw", 8_000),
        ("a.mp3", "libmp3lame", 16_000), ("a.m4a", "aac", 16_000), ("a.ogg", "libopus", 16_000),
        ("a.opus", "libopus", 16_000), ("a.flac", "flac", 16_000), ("a.mkv", "pcm_s16le", 16_000),
        ("a.amr", "libopencore_amrnb", 8_000), ("a.au", "pcm_mulaw", 8_000), ("a.webm", "libopus", 16_000),
    )  # fmt: skip
    return [write(folder / name, tone, codec=codec, rate=rate).read_bytes() for name, codec, rate in kinds]


def child(name: str, seconds: float, seed: int, keep: str, out: Any) -> None:
    """Try inputs until the time is up; sends (tried, read, findings) at the end."""
    faulthandler.enable()
    folder = Path(keep)
    if name == MEDIA:
        bases = media_bases(folder)
    else:
        sys.path.insert(0, str(TESTS))
        from formats_samples import SAMPLES

        bases = [SAMPLES[name]().data]
    run: Callable[[Path], None] = read_media if name == MEDIA else read_text

    def hung(signum: int, frame: FrameType | None) -> None:
        raise Hung

    signal.signal(signal.SIGALRM, hung)
    path = folder / f"{name}.current"
    tried = read = 0
    findings: dict[str, str] = {}
    until = time.monotonic() + seconds
    for data in inputs(name, bases, random.Random(f"{name} {seed}")):
        if time.monotonic() > until:
            break
        path.write_bytes(data)
        tried += 1
        try:
            signal.setitimer(signal.ITIMER_REAL, HANG_S)
            run(path)
            read += 1
        except DebriefError as error:
            if "\n" in str(error):
                _keep(findings, path, "an error of more than one line", str(error))
        except (Exception, Hung) as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            _keep(findings, path, what, traceback.format_exc())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    path.unlink(missing_ok=True)
    out.send((tried, read, findings))


def _keep(findings: dict[str, str], path: Path, what: str, detail: str) -> None:
    if what not in findings:
        kept = path.with_name(f"{path.stem}.{len(findings)}.input")
        kept.write_bytes(path.read_bytes())
        kept.with_suffix(".txt").write_text(detail, encoding="utf-8", errors="replace")
        findings[what] = str(kept)


def fuzz(name: str, *, seconds: float, seed: int, keep: Path) -> list[str]:
    """Fuzz one importer and print its line; what was found, one line each."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(name, seconds, seed, str(keep), theirs))
    process.start()
    theirs.close()
    tried, read, findings = 0, 0, {}
    try:
        if mine.poll(seconds + 60):
            tried, read, findings = mine.recv()
        else:
            process.kill()
            findings = {"a hang that no signal ends": str(keep / f"{name}.current")}
    except EOFError:
        findings = {"a crash of the process": str(keep / f"{name}.current")}
    process.join()
    print(f"{name:20s} {seconds:6.0f} s {tried:9,} tried {read:9,} read {len(findings):3d} found", flush=True)
    return [f"{name}: {what}: {file}" for what, file in findings.items()]


def main() -> None:
    """Fuzz every importer, or those named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="FORMAT", help="importers; else all and 'media'")
    parser.add_argument("--seconds", type=float, default=600, help="per importer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    asked = parser.parse_args()
    asked.keep.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, findings in {asked.keep}")
    found = []
    for name in asked.names or [*READERS, MEDIA]:
        found += fuzz(name, seconds=asked.seconds, seed=asked.seed, keep=asked.keep)
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
