"""Does it still learn from more calls? `python -m benchmarks.judge.curve` fits the network to some of the training
calls and measures it on the test calls; `curve.json` beside this file keeps the result for QUALITY.md.

Each size is a fit of its own (minutes on a GPU, hours on a CPU), kept in the work folder once it is made; `--size`
makes one alone, so that several can run side by side. Levels are the rounded expected level, without calibration, so
that the sizes differ in nothing but the calls.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

from benchmarks.judge.data import consensus, read_test
from models.judge_model import hear
from models.judge_net import JudgeNet
from models.training.corpus import CRITERIA, MOVES, read_corpus
from models.training.data import example
from models.training.fit import Recipe, add_readers, fit
from pipeline.agreement import Agreement, agreement

TRAIN = Path(__file__).resolve().parents[2] / "models" / "corpus" / "train"
RESULT = Path(__file__).with_name("curve.json")
SIZES = (100, 200)


def main() -> None:
    """Fit the missing sizes, measure all, write the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge.curve", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/curve"), help="where finished fits are kept")
    parser.add_argument("--device", default="cpu", help="cpu (hours) or cuda (minutes)")
    parser.add_argument("--size", type=int, help="fit this size only")
    options = parser.parse_args()
    if options.size:
        made(options.work, options.size, options.device)
        return
    rows = []
    for size in SIZES:
        value = measured(made(options.work, size, options.device))
        rows.append({"calls": size, "qwk": value.qwk, "low": value.low, "high": value.high})
        print(f"{size} calls: QWK {value.qwk:.3f} ({value.low:.3f}-{value.high:.3f})")
    RESULT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


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


def measured(path: Path) -> Agreement:
    """Agreement over all criteria of the network in `path` with the test calls' labels."""
    net = JudgeNet.unpack(load_file(path), moves=len(MOVES), criteria=len(CRITERIA))
    groups = []
    for call in read_test():
        levels = hear(net, call.transcript.turns).levels
        expected = np.rint(levels @ np.arange(5) / levels.sum(axis=1)).astype(int)
        wanted = [consensus(call, criterion) for criterion in CRITERIA]
        groups.append([(level, int(mine)) for level, mine in zip(wanted, expected, strict=True) if level is not None])
    return agreement(groups)


if __name__ == "__main__":
    main()
