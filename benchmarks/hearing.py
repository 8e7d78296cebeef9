"""How well recordings are heard: `python -m benchmarks.hearing [FOLDER...]` prints word and speaker error tables.

For every recorded sample call, and every audio file in the given folders that has a reference beside it (`NAME.rttm`
for speakers, `NAME.json` for words): WER by jiwer (lower case, no punctuation, figures spoken as the recogniser gave
them), DER by pyannote.metrics at collar 0 and 0.25 s (given there as 0.5: plus and minus), expected WER from the
recogniser's own confidences, seconds per second of audio.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.audio import load_audio, require_speech
from pipeline.diarize import diarize
from pipeline.errors import DebriefError
from pipeline.hear import transcribe
from pipeline.settings import Settings
from pipeline.types import CallMeta

SAMPLES = Path(__file__).resolve().parents[1] / "sample_calls"
AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"}


@dataclass(frozen=True, slots=True)
class Case:
    """A recording with what is known of it; `words` in reference order, `rttm` its speaker segments."""

    name: str
    audio: Path
    rttm: Path | None
    words: str
    meta: CallMeta


def sample_cases() -> Iterator[Case]:
    """The recorded sample calls."""
    for path in sorted((SAMPLES / "reference").glob("*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        spoken = sorted((word for turn in row["turns"] for word in turn["words"]), key=lambda word: word["t0"])
        meta = CallMeta.from_json(row["meta"])
        words = " ".join(word["text"] for word in spoken)
        yield Case(row["call_id"], SAMPLES / "inbox" / row["meta"]["file"], path.with_suffix(".rttm"), words, meta)


def folder_cases(folder: Path) -> Iterator[Case]:
    """Recordings of a folder that have an RTTM beside them or inside a shared one (`clips.rttm`)."""
    shared = list(folder.glob("*.rttm"))
    for audio in sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO):
        own = [path for path in shared if audio.stem.startswith(path.stem)]
        other = [path for path in shared if any(line.split()[1:2] == [audio.stem] for line in path.open())]
        found = (own or other or [None])[0]
        if found:
            yield Case(audio.stem, audio, found, "", CallMeta())


def plain(text: str) -> str:
    """Lower-case letters and apostrophes only."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split())


def speaker_errors(case: Case, spans: Any, seconds: float) -> tuple[float, float]:
    """DER at collar 0 and 0.25 s."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    truth, found = Annotation(), Annotation()
    assert case.rttm is not None
    for index, line in enumerate(case.rttm.read_text(encoding="utf-8").splitlines()):
        fields = line.split()
        if len(fields) > 7 and (case.rttm.stem != "clips" or fields[1] == case.name):
            truth[Segment(float(fields[3]), float(fields[3]) + float(fields[4])), index] = fields[7]
    for index, span in enumerate(spans):
        found[Segment(span.t0, span.t1), index] = span.speaker
    whole = Timeline([Segment(0, seconds)])
    zero, quarter = (float(DiarizationErrorRate(collar=collar)(truth, found, uem=whole)) for collar in (0.0, 0.5))
    return zero, quarter


def measure(case: Case, settings: Settings) -> str:
    """One line of the table."""
    import jiwer

    started = time.process_time()
    audio = load_audio(case.audio)
    found = diarize(audio, require_speech(case.audio, audio), settings=settings)
    spent = time.process_time() - started
    zero, quarter = speaker_errors(case, found.spans, audio.duration_s)
    line = f"{case.name:28s} {found.method:9s} {100 * zero:6.1f} {100 * quarter:6.1f}   {spent / audio.duration_s:5.3f}"
    if case.words:
        started = time.process_time()
        heard = transcribe(case.audio, meta=case.meta, settings=settings)
        spent = time.process_time() - started
        said = sorted((word for turn in heard.turns for word in turn.words), key=lambda word: word.t0)
        error = jiwer.wer(plain(case.words), plain(" ".join(word.text for word in said)))
        line += (
            f"   {100 * error:5.1f} {100 * (heard.hearing.expected_wer or 0):8.1f}   {spent / audio.duration_s:5.3f}"
        )
    return line


def main(folders: list[str]) -> None:
    """Print the table."""
    settings = Settings()
    print("recording                    diarizer   DER 0  0.25  CPU-RTF    WER expected  CPU-RTF (whole stage)")
    cases = [*sample_cases(), *(case for folder in folders for case in folder_cases(Path(folder)))]
    for case in cases:
        try:
            print(measure(case, settings), flush=True)
        except DebriefError as error:
            print(f"{case.name:28s} {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
