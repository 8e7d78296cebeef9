"""Train the role head: `python -m models.training.roles FOLDER` reads labelled calls and writes
`models/heads/roles.json`.

Calls are split by the parity of their id's hash: the even half trains, the odd half is left to look
at. The temperature is fitted on cross-validated scores of the training half.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.role_model import HEAD, features, words_of
from models.role_pairs import pair_signs
from models.training.corpus import read_corpus
from pipeline.types import Transcript

_MIN_CALLS = 6
_STRENGTH = 1.0
_FOLDS = 4

Floats = npt.NDArray[np.float64]


def held_out(call_id: str) -> bool:
    """True for the half of the calls that training never sees."""
    return hashlib.sha256(call_id.encode()).digest()[0] % 2 == 1


def speakers_of(transcript: Transcript) -> list[tuple[dict[str, float], tuple[float, ...], bool, int]]:
    """(word features, shape, is seller, words) of every speaker of a labelled call."""
    texts: dict[str, list[str]] = {}
    for turn in transcript.turns:
        texts.setdefault(turn.speaker, []).append(turn.text)
    sizes = {label: sum(len(words_of(text)) for text in said) for label, said in texts.items()}
    total = sum(sizes.values())
    return [
        (*features(said, total_words=total, speakers=len(texts)), label.partition(":")[0] == "rep", sizes[label])
        for label, said in texts.items()
    ]


def train(calls: list[Transcript]) -> dict[str, Any]:
    """The head as written to JSON: vocabulary with weights and means, shape weights, bias, temperature, weights of
    pairs, revision."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    rows = [(index, *row) for index, call in enumerate(calls) for row in speakers_of(call)]
    groups = np.array([row[0] for row in rows])
    labels = np.array([row[3] for row in rows])
    weight = np.minimum(1.0, np.array([row[4] for row in rows]) / 150)
    seen: dict[str, set[int]] = {}
    for index, words, *_ in rows:
        for word in words:
            seen.setdefault(word, set()).add(index)
    vocabulary = sorted(word for word, where in seen.items() if len(where) >= _MIN_CALLS)
    matrix = np.array([[row[1].get(word, 0.0) for word in vocabulary] for row in rows])
    mean = matrix.mean(axis=0)
    shape = np.array([row[2] for row in rows])
    inputs = np.hstack([matrix - mean, shape])

    def fit(which: npt.NDArray[np.intp]) -> Any:
        model = LogisticRegression(C=_STRENGTH, max_iter=3000)
        return model.fit(inputs[which], labels[which], sample_weight=weight[which])

    scores = np.zeros(len(rows))
    for learn, check in GroupKFold(_FOLDS).split(inputs, labels, groups):
        scores[check] = fit(learn).decision_function(inputs[check])
    model = fit(np.arange(len(rows)))
    coefficients = model.coef_[0]
    return {
        "revision": f"{len(calls)} calls",
        "words": [
            [word, round(float(w), 4), round(float(m), 4)]
            for word, w, m in zip(vocabulary, coefficients, mean, strict=False)
        ],
        "shape": [round(float(w), 4) for w in coefficients[len(vocabulary) :]],
        "bias": round(float(model.intercept_[0]), 4),
        "temperature": round(_temperature(scores, labels, weight), 3),
        "pairs": train_pairs(calls),
    }


def train_pairs(calls: list[Transcript]) -> dict[str, Any]:
    """Weights of `same_side_logits`, from the calls of three and more people, each with its names and without."""
    from sklearn.linear_model import LogisticRegression

    rows, together = [], []
    for call in calls:
        names = {turn.speaker: turn.name or call.meta.rep or "" for turn in call.turns}
        for known in (names, {}) if len(names) > 2 else ():
            for (one, other), signs in pair_signs(call.turns, known).items():
                rows.append(signs)
                together.append(one.partition(":")[0] == other.partition(":")[0])
    model = LogisticRegression(C=_STRENGTH, max_iter=3000).fit(np.array(rows), np.array(together))
    return {
        "signs": [round(float(w), 4) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 4),
    }


def _temperature(scores: Floats, labels: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Factor on the log-odds that makes held-out probabilities most likely."""
    sign = np.where(labels, 1.0, -1.0)
    grid = np.linspace(0.4, 3.0, 53)
    loss = [float((weight * np.logaddexp(0, -factor * scores * sign)).sum()) for factor in grid]
    return float(grid[int(np.argmin(loss))])


def main(folder: str) -> None:
    """Train on the even half of the calls in `folder` and write the head."""
    calls = [call.transcript for call in read_corpus(Path(folder))]
    head = train([call for call in calls if not held_out(call.call_id)])
    HEAD.parent.mkdir(exist_ok=True)
    HEAD.write_text(json.dumps(head, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
