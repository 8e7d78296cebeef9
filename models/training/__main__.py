"""Train the judge: `python -m models.training` writes `models/heads/` from `models/corpus/`.

The network is fitted once per fold so that every training call is heard by a network that never saw it; the
calibration learns from those hearings. The network that ships is fitted to all training calls. Each of these fits is a
part whose result is kept in the work folder: a run that was cut off goes on with the parts that are missing, and
`--part` makes one alone, so that several can run side by side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models.training.build import Parts, train
from models.training.fit import Recipe

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
HEADS = Path(__file__).resolve().parent.parent / "heads"


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with train/ and tune/")
    parser.add_argument("--out", type=Path, default=HEADS, help="where judge.safetensors and judge.json go")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where finished parts are kept")
    parser.add_argument("--device", default="cpu", help="cpu (an hour and more) or cuda (minutes)")
    parser.add_argument("--part", help="make this part only: net, or fold0, fold1, ...")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--folds", type=int, default=2)
    options = parser.parse_args()
    parts = Parts(
        options.corpus,
        options.work,
        recipe=Recipe(epochs=options.epochs),
        folds=options.folds,
        device=options.device,
        say=print,
    )
    if options.part:
        parts.make(options.part)
    else:
        train(parts, options.out)


if __name__ == "__main__":
    main()
