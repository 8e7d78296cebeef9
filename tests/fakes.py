"""Stand-ins for hearing, formats, roles and judge: small, instant and the same every time.

A recording is a text file ending in `.wav`: its first word says how it is heard. A transcript is the documented JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline import rubric
from pipeline.errors import AudioError, EngineError
from pipeline.formats import WRITERS, write_transcript
from pipeline.types import (
    CallMeta,
    CriterionScore,
    Evidence,
    Hearing,
    Metrics,
    Missed,
    Objection,
    Scorecard,
    Transcript,
    Turn,
)

TURNS = (
    Turn(0.0, 4.0, "rep", "Hello, what made you look at this now?"),
    Turn(4.0, 9.0, "buyer:Ann", "We lose two days a month on it."),
    Turn(9.0, 12.0, "rep", "What does that cost you?"),
)
REVISION = ["1"]
RUBRIC_VERSION = ["aaaa"]


def sniff(path: Path) -> str | None:
    if path.suffix != ".json":
        return None
    try:
        return "debrief" if "turns" in json.loads(path.read_text()) else None
    except (ValueError, OSError):
        return None


def read_transcript(path: Path) -> Transcript:
    return Transcript.from_json(json.loads(path.read_text()), where=str(path))


def transcribe(path: Path, *, meta: CallMeta, settings: Any) -> Transcript:
    word, *rest = path.read_text().split()
    if word == "silence":
        raise AudioError(f"{path}: no speech found; check that the right file was exported")
    if word == "engine":
        raise EngineError(f"{path}: the recogniser failed; try again")
    if word == "bug":
        raise ValueError("an index\nthat is out of range")
    if word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "hangs":
        time.sleep(3600)
    if word == "hungry":
        eat_all_memory()
    turns = TURNS if word != "strangers" else tuple(dataclasses.replace(t, speaker="SPEAKER_00") for t in TURNS)
    engine = "faster-whisper" if rest == ["whisper"] else "fake"
    heard = Hearing(engine=engine, revision="r1", diarizer="channels", expected_wer=0.6 if word == "noisy" else 0.1)
    return Transcript("", meta, turns, heard)


def eat_all_memory() -> None:
    """Ask for more memory than this process may have."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, before[1]))
    try:
        bytearray(1 << 31)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def choose_engine(settings: Any) -> tuple[str, str, tuple[str, ...]]:
    return ("fake" if settings.engine == "auto" else settings.engine), "", ()


def resolve_roles(transcript: Transcript, *, threshold: float) -> Transcript:
    heard = dataclasses.replace(transcript.hearing, notes=("both ask questions",))
    return dataclasses.replace(transcript, hearing=heard)


def judge_identity(settings: Any) -> tuple[str, str]:
    return "fake", REVISION[0]


@dataclasses.dataclass(frozen=True)
class Rubric:
    id: str = "sales_call"
    title: str = "Sales call"
    version: str = "aaaa"
    criteria: tuple[Any, ...] = ()

    @property
    def titles(self) -> dict[str, str]:
        return {criterion.id: criterion.title for criterion in self.criteria}


def load_rubric(name: str) -> Rubric:
    return Rubric(version=RUBRIC_VERSION[0])


def score_call(transcript: Transcript, rubric: Rubric, *, settings: Any) -> Scorecard:
    if transcript.meta.account == "Judge Fails":
        raise EngineError("the judge failed; try again")
    quote = transcript.turns[0].text[:12]
    evidence = Evidence(0, 0.0, 4.0, transcript.turns[0].speaker, quote, "asks")
    criteria = {
        "discovery": CriterionScore(3, "scored", 0.8, (evidence,), ()),
        "proposal": CriterionScore(None, "na", 0.9),
        "ask_for_sale": CriterionScore(1, "scored", 0.7, (), (Missed(2, "no ask"),)),
    }
    objections = (Objection(1, "stall", "partly", 0.7),)
    metrics = Metrics(talk_share=0.5, questions=2)
    return Scorecard(
        transcript.call_id, rubric.id, rubric.version, "fake", REVISION[0], 50.0, criteria, objections, metrics
    )


MODULES = {
    "pipeline.formats": {
        "sniff": sniff,
        "read_transcript": read_transcript,
        "WRITERS": WRITERS,
        "write_transcript": write_transcript,
    },
    "pipeline.hear": {"transcribe": transcribe, "choose_engine": choose_engine},
    "pipeline.roles": {"resolve_roles": resolve_roles},
    "pipeline.judge": {"score_call": score_call},
    "models.judge_card": {"judge_identity": judge_identity, "low_agreement": lambda settings: frozenset()},
    "pipeline.rubric": {**vars(rubric), "load_rubric": load_rubric, "Rubric": Rubric},
}


def modules() -> dict[str, ModuleType]:
    made = {}
    for name, contents in MODULES.items():
        module = ModuleType(name)
        vars(module).update(contents)
        made[name] = module
    return made


def work(order: Any) -> dict[str, Any]:
    """`batch.work` with the stand-ins, for a worker process."""
    from pipeline.batch import work as real

    sys.modules.update(modules())
    return real(order)


def judge_again(order: Any) -> str:
    """`rejudging.judge_again` with the stand-ins, for a worker process."""
    from pipeline.web.rejudging import judge_again as real

    sys.modules.update(modules())
    return real(order)


def transcript_row(call_id: str = "c1", **meta: str) -> dict[str, Any]:
    return {"call_id": call_id, "meta": meta, "turns": [turn.to_json() for turn in TURNS]}
