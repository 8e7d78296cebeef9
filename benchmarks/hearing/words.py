"""Words: error rate as recorded and made worse, what was expected of it, what the judge makes of it, and the time."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hearing.cases import CONDITIONS, Case, decoded, made_worse, sample_cases, write_wav
from models.recognisers import RECOGNISERS, Recogniser
from pipeline.errors import DebriefError
from pipeline.hear import choose_engine, transcribe
from pipeline.roles import resolve_roles
from pipeline.settings import Settings
from pipeline.types import Transcript

Row = dict[str, Any]


def plain(text: str) -> str:
    """Lower-case letters and apostrophes only, so that figures and punctuation do not count."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split())


class Clock:
    """Stands in for a recogniser and adds up the CPU and wall seconds that the bare engine takes."""

    def __init__(self, engine: Recogniser) -> None:
        self.spent = self.wall = 0.0
        self._call: Callable[..., Any] = engine.transcribe

    def transcribe(self, *args: Any, **choices: Any) -> Any:
        started, began = time.process_time(), time.monotonic()
        try:
            return self._call(*args, **choices)
        finally:
            self.spent += time.process_time() - started
            self.wall += time.monotonic() - began


def word_rows(settings: Settings, *, seconds: float, calls: Collection[str] = ()) -> Iterator[Row]:
    """One row per sample call (all, or those named) and condition. As recorded the whole call is heard, made worse its
    first `seconds`.
    """
    warm_up(settings)
    for case in sample_cases(calls):
        audio = decoded(case)
        for condition in CONDITIONS:
            until = audio.duration_s if condition == CONDITIONS[0] else min(seconds, audio.duration_s)
            with tempfile.TemporaryDirectory() as folder:
                path = case.audio
                if condition != CONDITIONS[0]:
                    path = write_wav(Path(folder, "call.wav"), made_worse(audio, condition, until))
                yield {"call": case.name, "condition": condition, **_heard(case, path, until, settings)}


def warm_up(settings: Settings) -> None:
    """Load what is loaded once per process, so that the first row does not pay for it."""
    from models import dvector, segmentation
    from models.silero import probabilities

    with contextlib.suppress(DebriefError):
        segmentation.activities(np.zeros(round(segmentation.WINDOW_S * segmentation.RATE), np.float32), [0])
        dvector.embed([np.zeros((160, dvector.BANDS), np.float32)])
        probabilities([np.zeros(512, np.float32)])
        RECOGNISERS[choose_engine(settings)[0]].transcribe(lambda t0, t1: np.zeros(16_000, np.float32), [(0.0, 1.0)])


def _heard(case: Case, path: Path, seconds: float, settings: Settings) -> Row:
    import jiwer

    heard, cost = clocked(case, path, settings)
    if heard is None:
        return cost
    said = sorted((word for turn in heard.turns for word in turn.words), key=lambda word: word.t0)
    return {
        "engine": choose_engine(settings)[0],
        "seconds": seconds,
        "diarizer": heard.hearing.diarizer,
        "wer": jiwer.wer(plain(case.words(seconds)), plain(" ".join(word.text for word in said))),
        "expected_wer": heard.hearing.expected_wer,
        "roles": heard.hearing.roles_confidence,
        "roles_right": _roles_right(case, heard),
        **cost,
        **(_judged(case, heard, settings) if seconds > 150 and heard.resolved else {}),
    }


def clocked(case: Case, path: Path, settings: Settings) -> tuple[Transcript | None, Row]:
    """The transcript with roles, and the CPU and wall seconds of the whole stage and of the bare engine in it; or
    None and the `problem`."""
    name = choose_engine(settings)[0]
    engine = RECOGNISERS[name]
    clock = Clock(engine)
    RECOGNISERS[name] = dataclasses.replace(engine, transcribe=clock.transcribe)
    started, began = time.process_time(), time.monotonic()
    try:
        heard = transcribe(path, meta=case.meta, settings=settings)
        heard = resolve_roles(heard, threshold=settings.min_roles_confidence)
    except DebriefError as error:
        return None, {"problem": str(error).replace(str(path), path.name)}
    finally:
        RECOGNISERS[name] = engine
    spent, wall = time.process_time() - started, time.monotonic() - began
    return heard, {"cpu_s": spent, "engine_s": clock.spent, "wall_s": wall, "engine_wall_s": clock.wall}


def _roles_right(case: Case, heard: Transcript) -> float | None:
    """Share of the reference's speech whose side the transcript has right; None where roles are unresolved."""
    if not heard.resolved or case.reference is None:
        return None
    right = total = 0.0
    for turn in case.reference["turns"]:
        side = turn["speaker"].partition(":")[0]
        for other in heard.turns:
            shared = min(turn["t1"], other.t1) - max(turn["t0"], other.t0)
            if shared > 0:
                total += shared
                right += shared * (other.side == side)
    return right / total if total else None


def _judged(case: Case, heard: Transcript, settings: Settings) -> Row:
    """The overall score from the words heard, and from the words that were said."""
    from pipeline.judge import score_call
    from pipeline.rubric import load_rubric

    rubric = load_rubric(settings.rubric)
    said = Transcript.from_json({**(case.reference or {}), "hearing": None})
    by_ear, by_text = (score_call(item, rubric, settings=settings) for item in (heard, said))
    levels = {name: [card.criteria[name].level for card in (by_ear, by_text)] for name in by_text.criteria}
    return {"overall_ear": by_ear.overall, "overall_text": by_text.overall, "levels": levels}
