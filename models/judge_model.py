"""The trained judge as the product uses it: turns in, one verdict per criterion out.

Two files in `models/heads/`: `judge.safetensors` (the network) and `judge.json` (names, calibration, thresholds, and
the hash of the data they were trained on). Both are small enough to live in the repository; `models/heads/README.md`
is their card.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.call_reader import average
from models.confidence import confidence, signs_of
from models.judge_card import card_revision
from models.judge_net import JudgeNet, Window, batch_windows, turn_features, turn_windows
from models.minilm import WIDTH
from models.objections import objecting, second_look
from models.remembered import Batch, Encode, Remembered
from models.sides import makes_sense
from pipeline.errors import ModelUnavailable
from pipeline.types import Handled, Objection, ObjectionKind, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.call_reader import Reading

HEADS = Path(__file__).resolve().parent / "heads"
HANDLED: tuple[Handled, ...] = ("no", "partly", "yes")
DECIMALS = 4
"""Probabilities are rounded before any decision, so that the last bits of a sum cannot move a score."""
WINDOWS_PER_BATCH = 2
"""Few, so that the last batches leave no core idle for long."""
THREADS = min(4, os.cpu_count() or 1)
"""Batches, then readers, at work side by side; the result does not depend on it."""
_ONE_CALL = RLock()
SURELY = 0.5
OBJECTS = {"object": 1.0}
"""The move of a turn that raises an objection."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network heard, as float64 arrays rounded to four decimals.

    `moves` (turns, M), `evidence` (turns, C), `objections` (turns, 4 kinds), `handled` (turns, 3),
    `levels` (C, 5) probabilities given that the criterion applies, `na` (C,).
    """

    moves: NDArray[np.float64]
    evidence: NDArray[np.float64]
    objections: NDArray[np.float64]
    handled: NDArray[np.float64]
    levels: NDArray[np.float64]
    na: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CriterionView:
    """The judge's view of one criterion: `level` 0-4, its calibrated `confidence`, the abstention `threshold`, the
    turns that bear most on it, and whether the call gave no occasion (`na`): then the confidence is that of n/a, and
    `if_due` (0-1) that of the level."""

    level: int
    na: bool
    confidence: float
    threshold: float
    evidence: tuple[int, ...]
    probabilities: tuple[float, ...]
    if_due: float = 0.0

    def due(self) -> CriterionView:
        """The view where the criterion applies, whatever was heard: its level, as sure as the judge is of that."""
        return replace(self, na=False, confidence=self.if_due) if self.na else self


@dataclass(frozen=True, slots=True)
class Verdict:
    """A whole call: moves per turn (name -> probability, likeliest first), objections, a view per criterion, and how
    many kinds of moves were heard at all (at 0.5 and more)."""

    moves: tuple[Mapping[str, float], ...]
    objections: tuple[Objection, ...]
    criteria: Mapping[str, CriterionView]
    kinds_heard: int


class JudgeModel:
    """The network and its calibration."""

    def __init__(self, net: JudgeNet, config: Mapping[str, Any], *, revision: str) -> None:
        """Put together loaded parts; `load_judge` reads the shipped ones."""
        self.net = net.eval()
        self.config = config
        self.revision = revision
        self._encode = Remembered(partial(encoded, self.net))

    @property
    def move_names(self) -> list[str]:
        """Names of the moves, in the order of the network's outputs."""
        return cast("list[str]", self.config["moves"])

    @property
    def criteria(self) -> list[str]:
        """Names of the criteria, in the order of the network's outputs."""
        return cast("list[str]", self.config["criteria"])

    def hear(self, turns: Sequence[Turn]) -> Heard:
        """Run the network over a call. What it read of late is not read again."""
        return hear(self.net, turns, encode=self._encode)

    def read(self, turns: Sequence[Turn], *, expected_wer: float = 0.0) -> Verdict:
        """Judge a call; the same turns give the same verdict, whatever the number of threads.

        `expected_wer` (0-1) is the word error rate that the recogniser owns up to: it costs confidence.
        """
        heard = self.hear(turns)
        views = {name: self._view(name, row, heard, expected_wer) for row, name in enumerate(self.criteria)}
        objections = self._objections(heard, turns, applies=not views["objection_handling"].na)
        objected = {objection.turn for objection in objections}
        views["objection_handling"] = self._with_objections(views["objection_handling"], objections)
        return Verdict(
            moves=tuple(
                OBJECTS | self._moves(row) if index in objected else self._moves(row)
                for index, row in enumerate(heard.moves)
            ),
            objections=objections,
            criteria=views,
            kinds_heard=int((heard.moves >= SURELY).any(axis=0).sum()),
        )

    def makes_sense(self, turns: Sequence[Turn]) -> float:
        """Log-odds of the sides that the turns have, up to a term that all ways of splitting the speakers share."""
        return makes_sense(self.hear(turns), self.config["sides"])

    def _moves(self, row: NDArray[np.float64]) -> dict[str, float]:
        found = [
            (float(p), name) for p, name in zip(row, self.move_names, strict=True) if p >= self.config["move_threshold"]
        ]
        return {name: p for p, name in sorted(found, key=lambda item: (-item[0], item[1]))}

    def _view(self, name: str, row: int, heard: Heard, expected_wer: float) -> CriterionView:
        given, edges = heard.levels[row], self.config["edges"][name]
        decision = decide(given, float(heard.na[row]), edges, na_threshold=self.config["na_threshold"][name])

        def sure(decided: Decision) -> float:
            signs = signs_of(decided, given, edges, criterion=name, expected_wer=expected_wer)
            return confidence(self.config["confidence"], signs)

        return CriterionView(
            level=decision.level,
            na=decision.na,
            confidence=sure(decision),
            threshold=self.config["threshold"],
            evidence=strongest(heard.evidence[:, row], self.config["evidence_threshold"]),
            probabilities=tuple(float(p) for p in given),
            if_due=sure(replace(decision, na=False)),
        )

    def _objections(self, heard: Heard, turns: Sequence[Turn], *, applies: bool) -> tuple[Objection, ...]:
        """The objections; where their handling is scored (`applies`), a less certain one rather than none."""
        kinds = cast("list[ObjectionKind]", self.config["objection_kinds"])
        chance = second_look(heard, turns, self.config["second_look"])
        least = self.config["objection_threshold_if_any"] if applies else None
        kept = objecting(chance, self.config["objection_threshold"], at_least_one=least)
        return tuple(
            Objection(
                i,
                kinds[int(np.argmax(heard.objections[i]))],
                HANDLED[int(np.argmax(heard.handled[i]))],
                kind_p=share_of_most(heard.objections[i]),
            )
            for i in kept
        )

    def _with_objections(self, view: CriterionView, objections: Sequence[Objection]) -> CriterionView:
        """An objection that is reported makes the criterion apply: the two must not contradict each other."""
        return view.due() if objections else view


def share_of_most(chances: NDArray[np.float64]) -> float:
    """What part (0-1) of the chances falls to the greatest; an even part where all are 0."""
    total = float(chances.sum())
    return round(float(chances.max()) / total, DECIMALS) if total else round(1.0 / len(chances), DECIMALS)


def hear(net: JudgeNet, turns: Sequence[Turn], *, encode: Encode | None = None) -> Heard:
    """What `net` hears in a call: batches of a fixed size, then the readers, each on one thread, added up in order.

    `encode` stands for the network's own `encoded`, where batches were read before."""
    device = next(net.parameters()).device
    windows = turn_windows(turns)
    batches = [
        _counted(windows[start : start + WINDOWS_PER_BATCH]) for start in range(0, len(windows), WINDOWS_PER_BATCH)
    ]

    with one_thread(), torch.inference_mode():
        pool = _pool()
        sums, counts = torch.zeros(len(turns), WIDTH, device=device), torch.zeros(len(turns), device=device)
        parts = pool.map(encode or partial(encoded, net), (batch for _, batch in batches))
        for (first, _), (part, number) in zip(batches, parts, strict=True):
            sums[first : first + len(part)] += part.to(device)
            counts[first : first + len(part)] += number.to(device)
        vectors, features = sums / counts.clamp(min=1.0)[:, None], turn_features(turns).to(device)

        def listen(reader: nn.Module) -> Reading:
            with torch.inference_mode():
                return cast("Reading", reader(vectors, features))

        reading = average(list(pool.map(listen, net.readers)))
        values = {
            "moves": torch.sigmoid(reading.moves),
            "evidence": torch.sigmoid(reading.evidence),
            "objections": torch.sigmoid(reading.objections),
            "handled": torch.softmax(reading.handled, dim=1),
            "levels": reading.level_probabilities(),
            "na": torch.sigmoid(reading.na),
        }
    return Heard(**{name: np.round(value.double().cpu().numpy(), DECIMALS) for name, value in values.items()})


def _counted(windows: Sequence[Window]) -> tuple[int, Batch]:
    """The first turn that a batch counts for, and the batch with its turns numbered from there."""
    first = min((turn for window in windows for turn in window.turns if turn >= 0), default=0)
    moved = (tuple(turn - first if turn >= 0 else turn for turn in window.turns) for window in windows)
    return first, tuple(Window(window.ids, turns) for window, turns in zip(windows, moved, strict=True))


def encoded(net: JudgeNet, batch: Batch) -> tuple[Tensor, Tensor]:
    """Per turn of a batch the sum (turns, 384) of its tokens' states and their number (turns,)."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        ids, mask, owner = (part.to(device) for part in batch_windows(batch))
        return net.turn_sums(ids, mask, owner, 1 + int(owner.max()))


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    """The same threads for every call: each new one keeps memory of torch's that its end does not give back."""
    return ThreadPoolExecutor(THREADS)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread per operation: sums are then always taken in the same order. One call at a time, since the
    number of threads is the whole process's."""
    with _ONE_CALL:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@dataclass(frozen=True, slots=True)
class Decision:
    """A level 0-4 (or n/a), the `expected` level it was cut from (0-4) and the chance of n/a (0-1)."""

    level: int
    na: bool
    expected: float
    na_chance: float


def decide(given: NDArray[np.float64], na: float, edges: Sequence[float], *, na_threshold: float) -> Decision:
    """Level from a distribution `given` over 0-4 (5,) and the chance `na` that the criterion does not apply: the
    expected level, cut at four `edges`, unless `na` reaches its threshold."""
    share = given / max(1e-9, float(given.sum()))
    expected = round(float(share @ np.arange(5)), DECIMALS)
    level = sum(expected >= edge for edge in edges)
    return Decision(level=level, na=na >= na_threshold, expected=expected, na_chance=na)


def strongest(evidence: NDArray[np.float64], threshold: float) -> tuple[int, ...]:
    """The one to three turns most likely to be cited, the likeliest first."""
    order = sorted(range(len(evidence)), key=lambda turn: (-evidence[turn], turn))
    kept = [turn for rank, turn in enumerate(order[:3]) if rank == 0 or evidence[turn] >= threshold]
    return tuple(kept)


@lru_cache(maxsize=1)
def load_judge() -> JudgeModel:
    """The shipped judge; raises `ModelUnavailable` when its files are missing or do not belong together."""
    weights, card = HEADS / "judge.safetensors", HEADS / "judge.json"
    try:
        config = json.loads(card.read_text(encoding="utf-8"))
        data = weights.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"{weights.name} is missing from {HEADS.name}/; reinstall debrief") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != config["sha256"]:
        raise ModelUnavailable(f"{weights.name} is damaged (SHA-256 differs from {card.name}); reinstall debrief")
    return build_judge(data, config, revision=card_revision(config))


def build_judge(data: bytes, config: Mapping[str, Any], *, revision: str) -> JudgeModel:
    """A judge from the bytes of its weights file and its configuration."""
    from safetensors.torch import load

    net = JudgeNet.unpack(load(data), moves=len(config["moves"]), criteria=len(config["criteria"]))
    return JudgeModel(net, config, revision=revision)
