"""A call judged by a chat model: asked once, verified, remembered.

An accepted answer is kept as it came, under the hash of everything that was asked (words of the call, rubric version,
judge, prompt), in the data folder; the same question is never asked twice, so a batch that was cut off goes on where
it stopped and the same input has the same score. Each use verifies the kept answer anew.

    judge/<hash of the call's words>/<hash of the question>.json   answers; `forget` removes a call's
    judge/spent.json                                               requests sent today (UTC)

Where there is no answer every criterion is abstained with the reason, and the opinion's revision says so, which makes
the scoring stale: the next batch asks again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.chat_judge import Answer, Complete, Question, Unanswered, abstained, messages, read_answer, schema
from models.judge_card import judge_identity
from pipeline.errors import StoreError
from pipeline.keep import encode, write_atomically
from pipeline.settings import Settings
from pipeline.types import CriterionScore, Objection, Turn

if TYPE_CHECKING:
    from pipeline.rubric import Criterion, Rubric

LONGEST_WAIT_S = 60.0
"""The most that a server's `Retry-After` is heeded."""
NO_ANSWER = "without an answer"

log = logging.getLogger("debrief.chat")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a chat model says of a call, verified: a score per criterion of the rubric, the objections, who said it."""

    criteria: Mapping[str, CriterionScore]
    objections: tuple[Objection, ...]
    engine: str
    revision: str


@dataclass(frozen=True, slots=True)
class Door:
    """How to reach a chat model: `open` binds settings and answer schema, `waits_s` lie between attempts, and
    `metered` ones are held to the budget."""

    open: Callable[[Settings, Mapping[str, Any]], Complete]
    waits_s: tuple[float, ...] = ()
    metered: bool = False


def _open_endpoint(settings: Settings, form: Mapping[str, Any]) -> Complete:
    return partial(_endpoint(settings.judge_url, settings.judge_model, settings.judge_timeout_s).complete, schema=form)


@lru_cache(maxsize=4)
def _endpoint(url: str, model: str, timeout_s: float) -> Any:
    from models.chat_endpoint import Endpoint

    return Endpoint(url, model, timeout_s=timeout_s)


def _open_local(settings: Settings, form: Mapping[str, Any]) -> Complete:
    from models.chat_local import checked_folder, complete

    return partial(complete, folder=checked_folder(settings.judge_model), timeout_s=settings.judge_timeout_s)


DOORS: dict[str, Door] = {
    "endpoint": Door(_open_endpoint, waits_s=(1.0, 4.0, 15.0), metered=True),
    # greedy decoding says the same again: one attempt
    "transformers": Door(_open_local),
}


def ask_about(
    turns: Sequence[Turn], rubric: Rubric, settings: Settings, *, sleep: Callable[[float], None] | None = None
) -> Opinion:
    """A chat model's opinion of a call whose roles are resolved.

    `sleep` waits between attempts (`time.sleep` unless a test says otherwise). Raises `SettingsError` when the judge
    is not set up; whatever the model or its server does becomes `abstained` with the reason.
    """
    engine, revision = judge_identity(settings)
    questions = [question_of(criterion) for criterion in rubric.criteria]
    try:
        answer = _answer(questions, turns, rubric, settings, revision=revision, sleep=sleep or time.sleep)
    except Unanswered as problem:
        nothing = abstained(f"the judge gave no score: {problem}")
        return Opinion({q.id: nothing for q in questions}, (), engine, f"{revision} {NO_ANSWER}")
    scores = {
        criterion.id: _settled(answer.criteria[criterion.id], criterion, answer, floor=settings.min_confidence)
        for criterion in rubric.criteria
    }
    return Opinion(scores, answer.objections, engine, revision)


def question_of(criterion: Criterion) -> Question:
    """What a chat model is asked of a criterion."""
    return Question(
        id=criterion.id,
        title=criterion.title,
        question=criterion.question,
        levels=criterion.levels,
        applies="when a buyer says something like: " + " / ".join(criterion.occasion)
        if criterion.occasion
        else criterion.applies,
        examples=criterion.shows,
        missed=criterion.missed,
    )


def _settled(score: CriterionScore, criterion: Criterion, answer: Answer, *, floor: float) -> CriterionScore:
    if score.status == "na" and answer.objections and criterion.same_as == "objection_handling":
        return abstained("the answer says not applicable and reports an objection")
    if score.status == "scored" and score.confidence < floor:
        reason = f"too few of its quotes hold ({score.confidence:.2f} < {floor:.2f})"
        return CriterionScore(None, "abstained", score.confidence, score.evidence, score.missed, reason=reason)
    return score


def _answer(
    questions: Sequence[Question],
    turns: Sequence[Turn],
    rubric: Rubric,
    settings: Settings,
    *,
    revision: str,
    sleep: Callable[[float], None],
) -> Answer:
    door, form, asked = DOORS[settings.judge], schema(questions), messages(questions, turns)
    identity = [settings.judge, revision, rubric.id, rubric.version, asked]
    path = answers_folder(settings.data, turns) / f"{_digest(identity)}.json"
    try:
        return read_answer(_kept(path), questions, turns)
    except Unanswered:
        pass
    complete = door.open(settings, form)
    for wait in (*door.waits_s, None):
        try:
            if door.metered:
                spend(settings)
            text = complete(asked)
            answer = read_answer(text, questions, turns)
        except Unanswered as problem:
            if wait is None or not problem.again:
                raise
            sleep(min(LONGEST_WAIT_S, max(wait, problem.after_s)))
        else:
            _keep(path, {"judge": settings.judge, "revision": revision, "rubric": rubric.version, "answer": text})
            return answer
    raise AssertionError("the last attempt returns or raises")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode("ascii")).hexdigest()


def answers_folder(data: Path, turns: Sequence[Turn]) -> Path:
    """Where the answers about a call are kept: named by what is said in it, whoever is taken to say it, so that those
    from before a person named its speakers are found too."""
    return data / "judge" / _digest([turn.text for turn in turns])


def forget(data: Path, turns: Sequence[Turn]) -> None:
    """Remove every kept answer about a call: they quote it."""
    shutil.rmtree(answers_folder(data, turns), ignore_errors=True)


@contextlib.contextmanager
def keeping_no_answer(data: Path, turns: Sequence[Turn]) -> Iterator[None]:
    """What is answered about a call inside is forgotten at the end, but for a call of which answers are kept already:
    nobody would erase what no record tells of."""
    known = answers_folder(data, turns).exists()
    try:
        yield
    finally:
        if not known:
            forget(data, turns)


def _kept(path: Path) -> str:
    """A kept answer, or nothing where there is none or it is damaged."""
    try:
        row = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    text = row.get("answer") if isinstance(row, dict) else None
    return text if isinstance(text, str) else ""


def _keep(path: Path, row: Mapping[str, Any]) -> None:
    try:
        write_atomically(path, encode(row))
    except StoreError as error:
        # the score stands; only asking again would cost again
        log.warning("a judge's answer is not kept: %s", error)


def spend(settings: Settings, *, today: dt.date | None = None) -> None:
    """Count one request against the day's budget, before it is sent, over all processes of the data folder.

    Raises `Unanswered` when the budget is used up or cannot be counted.
    """
    if settings.judge_budget <= 0:
        return
    from filelock import FileLock, Timeout

    day = (today or dt.datetime.now(dt.UTC).date()).isoformat()
    path = settings.data / "judge" / "spent.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=30):
            spent = _spent(path, day)
            if spent < settings.judge_budget:
                write_atomically(path, encode({"day": day, "requests": spent + 1}))
                return
    except (OSError, ValueError, StoreError, Timeout) as error:
        raise Unanswered(f"requests cannot be counted in {path} ({error})", again=False) from error
    raise Unanswered(f"today's budget of {settings.judge_budget} requests is used up (judge_budget)", again=False)


def _spent(path: Path, day: str) -> int:
    if not path.exists():
        return 0
    row = json.loads(path.read_bytes())
    if not isinstance(row, dict) or type(row.get("requests")) is not int:
        raise ValueError("damaged; delete it")
    return int(row["requests"]) if row.get("day") == day else 0
