"""Does it still learn from more calls? `python -m benchmarks.judge.curve` fits the network to some of the training
calls and measures it on the test calls; `curve.json` beside this file keeps the result for QUALITY.md.

Each size is a fit of its own (minutes on a GPU, hours on a CPU), kept in the work folder once it is made; `--size`
makes one alone, so that several can run side by side. Levels are the rounded expected level, without calibration, so
that the sizes differ in nothing but the calls. `--judge FOLDER` measures a judge that shipped before, calibrated, from
its two files (`git show REVISION:models/heads/judge.json`, `judge.safetensors`), and leaves the other rows as they are.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file

from benchmarks.judge.data import SETS, consensus, read_test, set_of
from models.judge_model import JudgeModel, build_judge, hear
from models.judge_net import JudgeNet
from models.training.corpus import CRITERIA, MOVES, read_corpus
from models.training.data import example
from models.training.fit import Recipe, add_readers, fit
from pipeline.agreement import agreement
from pipeline.types import Turn

TRAIN = Path(__file__).resolve().parents[2] / "models" / "corpus" / "train"
RESULT = Path(__file__).with_name("curve.json")
SIZES = (100, 200)
Levels = list[int | None]


def main() -> None:
    """Fit the missing sizes, measure all, write the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge.curve", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/curve"), help="where finished fits are kept")
    parser.add_argument("--device", default="cpu", help="cpu (hours) or cuda (minutes)")
    parser.add_argument("--size", type=int, help="fit this size only")
    parser.add_argument("--judge", type=Path, help="folder of a judge that shipped before: measure this one only")
    options = parser.parse_args()
    if options.size:
        made(options.work, options.size, options.device)
        return
    rows = {row["calls"]: row for row in json.loads(RESULT.read_text(encoding="utf-8"))}
    if options.judge:
        config = json.loads((options.judge / "judge.json").read_text(encoding="utf-8"))
        judge = build_judge((options.judge / "judge.safetensors").read_bytes(), config, revision="shipped before")
        rows[config["trained_on"]] = row_of(config["trained_on"], partial(calibrated_levels, judge))
    for size in () if options.judge else SIZES:
        path = made(options.work, size, options.device)
        net = JudgeNet.unpack(load_file(path), moves=len(MOVES), criteria=len(CRITERIA))
        rows[size] = row_of(size, partial(rounded_levels, net))
    RESULT.write_text(json.dumps([rows[calls] for calls in sorted(rows)], indent=1) + "\n", encoding="utf-8")


def made(work: Path, size: int, device: str) -> Path:
    """The file of the network fitted to `size` calls, each size containing the smaller ones."""
    path = work / f"{size}.safetensors"
    if not path.is_file():
        calls = read_corpus(TRAIN)
        random.Random(0).shuffle(calls)
        examples = [example(call, augment=True, device=device) for call in calls[:size]]
        net = add_readers(fit(examples, Recipe()), examples, Recipe())
        work.mkdir(parents=True, exist_ok=True)
        save_file(net.packed(), path)
    return path


def row_of(size: int, levels_of: Callable[[Sequence[Turn]], Levels]) -> dict[str, Any]:
    """`calls` and, per set of test calls, how far the levels agree with their labels over all criteria."""
    groups: dict[str, list[list[tuple[int, int]]]] = {name: [] for name in SETS}
    for call in read_test():
        found = levels_of(call.transcript.turns)
        wanted = [consensus(call, criterion) for criterion in CRITERIA]
        pairs = zip(wanted, found, strict=True)
        groups[set_of(call.call_id)].append([(a, b) for a, b in pairs if a is not None and b is not None])
    row: dict[str, Any] = {"calls": size}
    for name, group in groups.items():
        value = agreement(group)
        row[name] = {"qwk": value.qwk, "low": value.low, "high": value.high}
        print(f"{size} calls, {name}: QWK {value.qwk:.3f} ({value.low:.3f}-{value.high:.3f})")
    return row


def rounded_levels(net: JudgeNet, turns: Sequence[Turn]) -> Levels:
    """The expected level per criterion, rounded."""
    levels = hear(net, turns).levels
    return [int(level) for level in np.rint(levels @ np.arange(5) / levels.sum(axis=1))]


def calibrated_levels(judge: JudgeModel, turns: Sequence[Turn]) -> Levels:
    """The level per criterion before abstention, None where it takes the criterion for n/a."""
    views = judge.read(turns).criteria
    return [None if views[name].na else views[name].level for name in CRITERIA]


if __name__ == "__main__":
    main()
