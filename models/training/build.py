"""Building the judge: the parts (cross-fitted hearings, the network), the calibration, and the files that ship."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.confidence import confidence, fit_confidence, signs_of
from models.judge_model import DECIMALS, Heard, decide, hear
from models.judge_net import JudgeNet
from models.sides import side_signs, told_as
from models.training.corpus import (
    CRITERIA,
    LEVEL_READINGS,
    MOVES,
    OBJECTION_KINDS,
    OBJECTION_READINGS,
    LabelledCall,
    agreed_level,
    read_corpus,
)
from models.training.data import data_hash, example
from models.training.fit import Recipe, add_readers, fit
from models.training.noise import noisy
from models.training.objections import second_look_of
from models.training.sides import fit_sides, splits
from pipeline.types import Turn

NEVER_NA = frozenset({"discovery", "decision_makers", "business_case", "positioning", "ask_for_sale"})
ABSTAIN_SHARE = 0.05
"""Share of the decisions on calls as written that are left to people."""
MISHEARD_RATE = 0.15
"""Word error rate of the wordings that the confidence also learns from."""
NA_LEVEL = 5
Levels = NDArray[np.int64]
Floats = NDArray[np.float64]


class Parts:
    """The fits that make a judge, each kept in a file once it is done.

    `fold0`, `fold1`, ...: what a network hears in the calls it was not fitted to. `net`: the network fitted to all.
    Each has a file more, `.joint`: the encoder with its first reader, before the others are added.
    """

    def __init__(
        self, corpus: Path, work: Path, *, recipe: Recipe, folds: int, device: str, say: Callable[[str], None]
    ) -> None:
        """Read the corpus; `work` gets a folder for these very training calls and this recipe."""
        self.corpus = corpus
        self.train, self.tune = read_corpus(corpus / "train"), read_corpus(corpus / "tune")
        self.recipe, self.folds, self.device, self.say = recipe, folds, device, say
        self.data_sha256 = data_hash([corpus / "train", corpus / "tune"])
        self.readings_sha256 = data_hash([corpus / OBJECTION_READINGS, corpus / LEVEL_READINGS])
        known = [data_hash([corpus / "train"]), self.readings_sha256]
        made_of = json.dumps([*known, dataclasses.asdict(recipe), folds], sort_keys=True)
        self.folder = work / hashlib.sha256(made_of.encode()).hexdigest()[:12]

    @property
    def names(self) -> list[str]:
        """Every part."""
        return [*(f"fold{fold}" for fold in range(self.folds)), "net"]

    def make(self, name: str) -> Path:
        """The part's file, made now where it is missing."""
        from safetensors.numpy import save_file as save_arrays
        from safetensors.torch import save_file

        path = self.folder / f"{name}.safetensors"
        if path.is_file():
            return path
        self.folder.mkdir(parents=True, exist_ok=True)
        if name == "net":
            save_file(self._fit(self.train, name).packed(), path)
        else:
            fold = int(name.removeprefix("fold"))
            held = self.train[fold :: self.folds]
            net = self._fit([call for call in self.train if call not in held], name)
            arrays: dict[str, NDArray[Any]] = {}
            for call in held:
                turns = call.transcript.turns
                misheard = noisy(turns, rate=MISHEARD_RATE, seed=f"confidence/{call.call_id}")
                written = hear(net, turns)
                arrays[f"{call.call_id}/sides"] = np.stack([side_signs(written), *wrong_sides(net, turns)])
                for wording, heard in (("written", written), ("misheard", hear(net, misheard))):
                    for field in dataclasses.fields(Heard):
                        value = np.rint(getattr(heard, field.name) * 10**DECIMALS).astype(np.uint16)
                        arrays[f"{call.call_id}/{wording}/{field.name}"] = value
            save_arrays(arrays, path)
        return path

    def hearings(self, wording: str) -> list[Heard]:
        """Every training call as heard by a network that never saw it; `wording` is `written` or `misheard`."""
        arrays = self._heard()
        fields = [field.name for field in dataclasses.fields(Heard)]
        return [
            Heard(**{field: arrays[f"{call.call_id}/{wording}/{field}"] / 10**DECIMALS for field in fields})
            for call in self.train
        ]

    def sides(self) -> list[Floats]:
        """Of every training call (splits, signs) in the order of its `splits`, by a network that never saw it."""
        arrays = self._heard()
        return [arrays[f"{call.call_id}/sides"] for call in self.train]

    def _heard(self) -> dict[str, NDArray[Any]]:
        from safetensors.numpy import load_file

        return {key: value for name in self.names[:-1] for key, value in load_file(self.make(name)).items()}

    def net(self) -> tuple[bytes, JudgeNet]:
        """The network's file and the network."""
        from safetensors.torch import load

        data = self.make("net").read_bytes()
        return data, JudgeNet.unpack(load(data), moves=len(MOVES), criteria=len(CRITERIA))

    def _fit(self, calls: Sequence[LabelledCall], name: str) -> JudgeNet:
        """The network with all its readers, as it will be read back from its file."""
        from safetensors.torch import load_file, save_file

        def tell(epoch: int, value: float) -> None:
            self.say(f"{name}: epoch {epoch + 1}: loss {value:.3f}")

        examples = [example(call, augment=True, device=self.device) for call in calls]
        joint = self.folder / f"{name}.joint.safetensors"
        if not joint.is_file():
            save_file(fit(examples, self.recipe, each_epoch=tell).packed(), joint)
        net = JudgeNet.unpack(load_file(joint), moves=len(MOVES), criteria=len(CRITERIA)).to(self.device)
        net = add_readers(net, examples, self.recipe, each_epoch=tell)
        net.load_packed(net.packed())
        return net.eval()


def wrong_sides(net: JudgeNet, turns: Sequence[Turn]) -> list[Floats]:
    """`side_signs` of a call as `net` hears it told with the sides of each of its wrong `splits`."""
    names = {turn.speaker: turn.speaker.partition(":")[2] for turn in turns}
    return [side_signs(hear(net, told_as(turns, sides, names))) for sides in splits(turns)[1:]]


def train(parts: Parts, out: Path) -> None:
    """Make the missing parts, calibrate on the cross-fitted hearings and the tune calls, write the files to `out`."""
    parts.say(f"{len(parts.train)} calls to train on, {len(parts.tune)} to tune on")
    written, misheard = parts.hearings("written"), parts.hearings("misheard")
    data, net = parts.net()
    on_tune = [hear(net, call.transcript.turns) for call in parts.tune]
    clean_levels = level_targets([*parts.train, *parts.tune])
    config = calibrate([*written, *on_tune], clean_levels, misheard, level_targets(parts.train))
    config |= {
        **second_look_of(
            [*zip(parts.train, written, strict=True), *zip(parts.train, misheard, strict=True)],
            list(zip(parts.tune, on_tune, strict=True)),
        ),
        "sides": fit_sides(parts.sides()),
        "moves": list(MOVES),
        "criteria": list(CRITERIA),
        "objection_kinds": list(OBJECTION_KINDS),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data_sha256": parts.data_sha256,
        "readings_sha256": parts.readings_sha256,
        "trained_on": len(parts.train),
        "recipe": {**dataclasses.asdict(parts.recipe), "folds": parts.folds},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "judge.safetensors").write_bytes(data)
    (out / "judge.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    parts.say(f"wrote {out.name}/judge.safetensors ({len(data) / 1e6:.1f} MB)")


def level_targets(calls: Sequence[LabelledCall]) -> Levels:
    """(calls, criteria) levels as agreed, halves rounded up; 5 is n/a."""
    agreed = [[agreed_level(call, criterion) for criterion in CRITERIA] for call in calls]
    return np.array([[NA_LEVEL if level is None else int(level + 0.5) for level in row] for row in agreed])


def calibrate(
    heard: Sequence[Heard], levels: Levels, misheard: Sequence[Heard], their_levels: Levels
) -> dict[str, Any]:
    """Edges between levels, n/a thresholds, the weights of the confidence and the confidence below which it abstains.

    The edges and the n/a thresholds come from the calls as written (`heard`), the confidence from both wordings.
    """
    given, na = np.stack([item.levels for item in heard]), np.stack([item.na for item in heard])
    edges, na_threshold = {}, {}
    for c, name in enumerate(CRITERIA):
        na_threshold[name] = 2.0 if name in NEVER_NA else best_na(na[:, c], levels[:, c] == NA_LEVEL)
        due = levels[:, c] != NA_LEVEL
        expected = given[due, c] @ np.arange(5) / given[due, c].sum(1).clip(1e-9)
        edges[name] = best_edges(expected, levels[due, c])
    signs, right = outcomes(heard, levels, edges, na_threshold, expected_wer=0.0)
    misheard_signs, misheard_right = outcomes(misheard, their_levels, edges, na_threshold, expected_wer=MISHEARD_RATE)
    weights = fit_confidence([*signs, *misheard_signs], [*right, *misheard_right])
    on_written = [confidence(weights, row) for row in signs]
    return {
        "edges": edges,
        "na_threshold": na_threshold,
        "confidence": weights,
        "threshold": round(float(np.quantile(on_written, ABSTAIN_SHARE)), 3),
        "move_threshold": 0.3,
        "evidence_threshold": 0.15,
    }


def outcomes(
    heard: Sequence[Heard],
    levels: Levels,
    edges: dict[str, list[float]],
    na_threshold: dict[str, float],
    *,
    expected_wer: float,
) -> tuple[list[dict[str, float]], list[float]]:
    """Per call and criterion the signs of the decision, and 1.0 where the decision is the labelled one."""
    signs, right = [], []
    for item, wanted in zip(heard, levels, strict=True):
        for c, name in enumerate(CRITERIA):
            decision = decide(item.levels[c], float(item.na[c]), edges[name], na_threshold=na_threshold[name])
            signs.append(signs_of(decision, item.levels[c], edges[name], criterion=name, expected_wer=expected_wer))
            right.append(float((NA_LEVEL if decision.na else decision.level) == wanted[c]))
    return signs, right


def best_na(chance: NDArray[np.float64], na: NDArray[np.bool_]) -> float:
    """The threshold that decides n/a right most often."""
    candidates = np.linspace(0.2, 0.8, 25)
    right = [float(((chance >= t) == na).mean()) for t in candidates]
    best = np.flatnonzero(np.isclose(right, max(right)))
    return round(float(candidates[best[len(best) // 2]]), 4)


def best_edges(expected: NDArray[np.float64], levels: NDArray[np.int64]) -> list[float]:
    """Four cuts of the expected level that match the labelled share of each level, pulled half-way to the midpoints.

    Averages shrink towards the middle; matching the shares undoes that, the pull keeps small samples from
    overfitting.
    """
    cuts = []
    for level in range(4):
        share = float((levels <= level).mean())
        matched = float(np.quantile(expected, min(0.999, max(0.001, share))))
        cuts.append(round((matched + level + 0.5) / 2, 4))
    return sorted(cuts)
