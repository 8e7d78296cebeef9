"""Speakers: diarization error rate by pyannote.metrics at collar 0 and 0.25 s, count given and estimated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.hearing.cases import REAL, Case, decoded, folder_cases, sample_cases, with_bleed
from pipeline.audio import Audio, require_speech
from pipeline.diarize import diarize
from pipeline.errors import DebriefError
from pipeline.settings import Settings

Row = dict[str, Any]
BLEED_DB = -12.0


def truth_of(case: Case) -> Any:
    """The reference as a pyannote annotation."""
    from pyannote.core import Annotation, Segment

    truth = Annotation()
    assert case.rttm is not None
    for index, line in enumerate(case.rttm.read_text(encoding="utf-8").splitlines()):
        fields = line.split()
        if len(fields) > 7 and (case.rttm.stem != "clips" or fields[1] == case.name):
            truth[Segment(float(fields[3]), float(fields[3]) + float(fields[4])), index] = fields[7]
    return truth


def error_seconds(case: Case, spans: Any, seconds: float) -> list[tuple[float, float]]:
    """Seconds in error and seconds of speech in the reference, at collar 0 and 0.25 s (`collar=0.5` there is plus and
    minus 0.25); the error rate is the one over the other."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    truth, found = truth_of(case), Annotation()
    for index, span in enumerate(spans):
        found[Segment(span.t0, span.t1), index] = span.speaker
    whole = Timeline([Segment(0, case.until or seconds)])
    parts = (DiarizationErrorRate(collar=collar)(truth, found, uem=whole, detailed=True) for collar in (0.0, 0.5))
    wrong = ("false alarm", "missed detection", "confusion")
    return [(sum(float(part[name]) for name in wrong), float(part["total"])) for part in parts]


def measured(case: Case, audio: Audio, count: int) -> Row:
    """One run of the diarizer: method, speakers found, both error rates, CPU seconds per second of audio."""
    started = time.process_time()
    found = diarize(audio, require_speech(case.audio, audio), settings=Settings(speakers=count))
    spent = time.process_time() - started
    errors = error_seconds(case, found.spans, audio.duration_s)
    return {
        "method": found.method,
        "speakers": len({span.speaker for span in found.spans}),
        "errors_s": errors,
        "rtf": spent / audio.duration_s,
    }


def speaker_rows(folders: list[Path]) -> Iterator[Row]:
    """Sample calls, the two-channel ones again with -12 dB of bleed, and real recordings where they are."""
    cases = [*sample_cases()]
    for folder in (REAL / "diarization", REAL / "calls", *folders):
        if folder.is_dir():
            cases += folder_cases(folder)
    for case in cases:
        truth = truth_of(case)
        audio = decoded(case)
        count = len(truth.labels())
        variants = [(case.name, audio)]
        if audio.channels == 2:
            variants.append((f"{case.name}, bleed {BLEED_DB:.0f} dB", with_bleed(audio, BLEED_DB)))
        for name, sound in variants:
            try:
                guess = measured(case, sound, 0)
                # the same count gives the same spans: told or found
                told = guess if guess["speakers"] == count else measured(case, sound, count)
                yield {"call": name, "true": count, "given": told, "estimated": guess}
            except DebriefError as error:
                yield {"call": name, "true": count, "problem": str(error).replace(str(case.audio), case.audio.name)}
