"""Train the judge: `python -m models.training` writes `models/heads/` from `models/corpus/`.

The network is fitted once per fold so that every training call is heard by a network that never saw it; the forests
and the calibration learn from those hearings. Then the network that ships is fitted to all training calls.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models.training.build import train

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
HEADS = Path(__file__).resolve().parent.parent / "heads"


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with train/ and tune/")
    parser.add_argument("--out", type=Path, default=HEADS, help="where judge.safetensors and judge.json go")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--folds", type=int, default=3)
    options = parser.parse_args()
    train(options.corpus, options.out, epochs=options.epochs, folds=options.folds, say=print)


if __name__ == "__main__":
    main()
