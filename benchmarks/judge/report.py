"""QUALITY.md: what the judge is worth, in tables."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.judge.measure import Report
from pipeline.agreement import Agreement

_HEAD = """# How good is the judge?

Measured by `make evaluate` on {calls} labelled calls that no training code reads (`benchmarks/judge/test/`). The calls
were written and labelled by this project; no human expert is claimed. The level that counts is what those who labelled
everything and those who read for levels alone agree on. "Labellers" and "readers" say how far each of them agree among
themselves: the ceiling for any judge. Intervals: 90 %, bootstrap over calls. Levels are compared before abstention, so
that abstaining cannot flatter the table. Judge {revision}, trained on {trained} calls.
"""


def quality_page(
    report: Report,
    *,
    raters: Mapping[str, Agreement],
    level_readers: Mapping[str, Agreement],
    readers: float | None,
    sets: Mapping[str, tuple[int, Report]],
    stress: Mapping[str, Mapping[str, float]],
    designs: Mapping[str, Agreement],
    calls: int,
    turns_per_second: float,
    hour_s: float,
    curve: Sequence[Mapping[str, Any]],
    load: Mapping[str, Any],
    config: Mapping[str, Any],
    revision: str,
) -> str:
    """The page as Markdown."""
    parts = [
        _HEAD.format(calls=calls, revision=revision, trained=config["trained_on"]),
        "## Agreement with the labels\n",
        agreement_table(report, raters, level_readers),
        _SETS_TEXT,
        _sets_table(sets),
        "## Other designs on the same calls\n",
        _design_table(designs),
        _CURVE_TEXT,
        _curve_table(curve, sets, config["trained_on"]),
        "## The rest of the scorecard\n",
        _measures_table(report, readers),
    ]
    if stress:
        parts += [_STRESS_TEXT, _stress_table(stress)]
    parts.append(
        f"Speed where this was measured ({os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}): "
        f"{turns_per_second:.0f} turns a second, a one-hour call in {hour_s:.1f} s, model loaded.\n"
    )
    peaks = load["peak_mb"]
    parts.append(
        f"`python -m benchmarks.judge.load`: {load['calls']} calls in one process at {load['calls_per_s']} a second, "
        f"never more than {max(peaks.values())} MB ({', '.join(f'{mb} MB after {n}' for n, mb in peaks.items())}).\n"
    )
    return "\n".join(parts)


_SETS_TEXT = """## The two sets of test calls

The first was written early and has been measured with every judge since. The second was kept apart from the judge that
was in the making when it was written: by writers of whom no judge has seen anything, most of the calls around something
that is hard to judge. Whether the second set should join the first was decided after both had been measured.
"""


def _sets_table(sets: Mapping[str, tuple[int, Report]]) -> str:
    rows = [
        "| set | calls | QWK | interval | exact | objections' F1 | interval | kind right | handling right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (count, report) in sets.items():
        whole, found = report.overall, report.objections
        levels = f"{_number(whole.qwk)} | {_number(whole.low)} - {_number(whole.high)} | {whole.exact:.2f}"
        objections = f"{found.f1:.2f} | {_number(found.low)} - {_number(found.high)}"
        shares = f"{found.kind_accuracy:.2f} | {found.handling_accuracy:.2f}"
        rows.append(f"| {name} | {count} | {levels} | {objections} | {shares} |")
    return "\n".join(rows) + "\n"


_CURVE_TEXT = """## More calls, better judge?

Quadratic weighted kappa on each set of test calls after fewer training calls (`python -m benchmarks.judge.curve`). 100
and 200: the network fitted to so many, levels rounded without calibration. The others shipped, calibrated; the last one
ships now. `-`: not measured. While this rises, more calls help.
"""


def _curve_table(curve: Sequence[Mapping[str, Any]], sets: Mapping[str, tuple[int, Report]], trained_on: int) -> str:
    rows = [f"| training calls | {' | '.join(sets)} |", f"|---|{'---|' * len(sets)}"]
    shipped = {name: dataclasses.asdict(report.overall) for name, (_, report) in sets.items()}
    for row in [*curve, {"calls": trained_on, **shipped}]:
        cells = (_with_interval(row[name]) if name in row else "-" for name in sets)
        rows.append(f"| {row['calls']} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _with_interval(value: Mapping[str, Any]) -> str:
    return f"{_number(value['qwk'])} ({_number(value['low'])} - {_number(value['high'])})"


_STRESS_TEXT = """## The same calls said differently

`flipped` is the share of levels that change; `lost` is how far quadratic weighted kappa falls. Everything down to
"prompt-like text" should change nothing; shuffling the turns should.
"""


def agreement_table(report: Report, raters: Mapping[str, Agreement], readers: Mapping[str, Agreement]) -> str:
    """Per criterion and of all: how far judge, labellers and readers agree; `-` where nobody read."""
    rows = [
        "| criterion | n | QWK | interval | exact | within one | labellers' QWK | readers' QWK |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, value in [*report.criteria.items(), ("all", report.overall)]:
        ceilings = (_number(people[name].qwk) if name in people else "-" for people in (raters, readers))
        rows.append(
            f"| {name} | {value.n} | {_number(value.qwk)} | {_number(value.low)} - {_number(value.high)} "
            f"| {value.exact:.2f} | {value.within_one:.2f} | {' | '.join(ceilings)} |"
        )
    return "\n".join(rows) + "\n"


def _design_table(designs: Mapping[str, Agreement]) -> str:
    rows = ["| design | QWK | interval | within one |", "|---|---|---|---|"]
    for name, value in designs.items():
        interval = f"{_number(value.low)} - {_number(value.high)}"
        rows.append(f"| {name} | {_number(value.qwk)} | {interval} | {value.within_one:.2f} |")
    rows.append("\n`benchmarks/judge/designs.py` says what each is.")
    return "\n".join(rows) + "\n"


def _measures_table(report: Report, readers: float | None) -> str:
    objections = report.objections
    rows = [
        ("n/a agreement", report.na_agreement),
        (f"objections found, F1 ({_number(objections.low)} - {_number(objections.high)})", objections.f1),
        ("readers for objections among themselves, F1", readers),
        ("kind right, of those found", objections.kind_accuracy),
        ("handling (yes, partly, no) right, of those found", objections.handling_accuracy),
        ("scored criteria whose evidence a labeller cited too", report.evidence_hit),
        ("quotes verbatim in the turn they cite", report.evidence_verbatim),
        ("expected calibration error of the confidence", report.calibration_error),
        ("applicable criteria abstained", report.abstained),
    ]
    return (
        "\n".join(
            [
                "| measure | value |",
                "|---|---|",
                *(f"| {name} | {_number(value)} |" for name, value in rows if value is not None),
            ]
        )
        + "\n"
    )


def _stress_table(stress: Mapping[str, Mapping[str, float]]) -> str:
    rows = ["| change | flipped | QWK | lost |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {row['flipped']:.3f} | {row['qwk']:.2f} | {row['lost']:.2f} |" for name, row in stress.items()
    ]
    return "\n".join(rows) + "\n"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
