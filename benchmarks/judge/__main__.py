"""Measure the judge on the test calls: `python -m benchmarks.judge` prints the tables and writes QUALITY.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.judge.curve import RESULT
from benchmarks.judge.data import SETS, read_test, set_of
from benchmarks.judge.designs import design_table
from benchmarks.judge.load import RESULT as LOAD
from benchmarks.judge.measure import Report, measure
from benchmarks.judge.raters import level_reader_agreement, rater_agreement, reader_agreement
from benchmarks.judge.report import quality_page
from benchmarks.judge.stress import INVARIANT, NOISE, ORDER, Change
from models.judge_card import QUALITY
from models.judge_model import JudgeModel, Verdict, load_judge
from models.training.corpus import CRITERIA, LabelledCall
from pipeline.judge import scorecard
from pipeline.rubric import load_rubric
from pipeline.types import Scorecard, Turn

PAGE = Path(__file__).resolve().parents[2] / "QUALITY.md"
Levels = dict[str, int | None]


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("--no-stress", action="store_true", help="agreement only")
    parser.add_argument("--no-write", action="store_true", help="print, leave QUALITY.md as it is")
    options = parser.parse_args()
    calls, model = read_test(), load_judge()
    start = time.perf_counter()
    levels, cards = judge_all(calls, model)
    seconds = time.perf_counter() - start
    report = measure(calls, cards, levels)
    stress = {} if options.no_stress else stress_table(calls, model, report, levels)
    page = quality_page(
        report,
        raters=rater_agreement(calls),
        level_readers=level_reader_agreement(calls),
        readers=reader_agreement(calls),
        sets=by_set(calls, cards, levels),
        stress=stress,
        designs=design_table(calls, model),
        calls=len(calls),
        turns_per_second=sum(len(call.transcript.turns) for call in calls) / seconds,
        hour_s=seconds_of_an_hour(calls, model),
        curve=json.loads(RESULT.read_text(encoding="utf-8")),
        load=json.loads(LOAD.read_text(encoding="utf-8")),
        config=model.config,
        revision=model.revision,
    )
    print(page)
    if not options.no_write:
        PAGE.write_text(page, encoding="utf-8")
        publish(report, model.revision)


def by_set(
    calls: Sequence[LabelledCall], cards: Sequence[Scorecard], levels: Sequence[Levels]
) -> dict[str, tuple[int, Report]]:
    """How many calls each set of test calls has, and what was measured on them alone."""
    sets: dict[str, tuple[int, Report]] = {}
    for name in SETS:
        mine = [at for at, call in enumerate(calls) if set_of(call.call_id) == name]
        report = measure([calls[at] for at in mine], [cards[at] for at in mine], [levels[at] for at in mine])
        sets[name] = len(mine), report
    return sets


def publish(report: Report, revision: str) -> None:
    """Write what the product reads of this: agreement per criterion, for the judge of this revision."""
    rows = {
        name: {
            key: None if (number := getattr(value, key)) is None else round(number, 3)
            for key in ("n", "qwk", "low", "high")
        }
        for name, value in report.criteria.items()
    }
    QUALITY.write_text(
        json.dumps({"revision": revision, "criteria": rows}, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


def seconds_of_an_hour(calls: Sequence[LabelledCall], model: JudgeModel) -> float:
    """Seconds that a call of one hour takes: test calls one after the other until 3,600 s of talk are full."""
    turns: list[Turn] = []
    spoken = 0.0
    for call in calls:
        turns += call.transcript.turns
        spoken += call.transcript.duration_s
        if spoken >= 3600:
            break
    start = time.perf_counter()
    model.read(turns)
    return (time.perf_counter() - start) * 3600 / spoken


def judge_all(calls: Sequence[LabelledCall], model: JudgeModel) -> tuple[list[Levels], list[Scorecard]]:
    """Levels before abstention, and scorecards, of all calls."""
    rubric = load_rubric("sales_call")
    verdicts = [model.read(call.transcript.turns) for call in calls]
    cards = [
        scorecard(call.transcript, rubric, verdict, revision=model.revision)
        for call, verdict in zip(calls, verdicts, strict=True)
    ]
    return [raw_levels(verdict) for verdict in verdicts], cards


def raw_levels(verdict: Verdict) -> Levels:
    """Level or n/a per criterion, whether or not it would be published."""
    return {name: None if verdict.criteria[name].na else verdict.criteria[name].level for name in CRITERIA}


def changed(calls: Sequence[LabelledCall], change: Change) -> list[LabelledCall]:
    """The calls with every transcript changed."""
    return [
        dataclasses.replace(
            call, transcript=dataclasses.replace(call.transcript, turns=change(call.transcript.turns, call.call_id))
        )
        for call in calls
    ]


def stress_table(
    calls: Sequence[LabelledCall], model: JudgeModel, report: Report, before: Sequence[Levels]
) -> dict[str, dict[str, float]]:
    """Per change: the share of levels that flip, and what kappa over all criteria becomes."""
    table: dict[str, dict[str, float]] = {}
    for name, change in {**INVARIANT, **NOISE, **ORDER}.items():
        variants = changed(calls, change)
        levels, cards = judge_all(variants, model)
        flips = [old[c] != new[c] for old, new in zip(before, levels, strict=True) for c in CRITERIA]
        after = measure(variants, cards, levels).overall.qwk or 0.0
        table[name] = {
            "flipped": sum(flips) / len(flips),
            "qwk": after,
            "lost": (report.overall.qwk or 0.0) - after,
        }
    return table


if __name__ == "__main__":
    main()
