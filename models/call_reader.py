"""The call as a whole: turn vectors in, moves per turn and levels per criterion out.

A reader is a bidirectional GRU over the turn vectors; from its states come moves, evidence and objections per turn, and
from the turns pooled by evidence and by learned queries plus the pooled moves an ordinal distribution over the levels
0-4 per criterion (cumulative link, McCullagh 1980). The judge has several readers (`models/judge_net.py`), which differ
in where they began and in the order of the calls that taught them; `average` is what they hear together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.minilm import WIDTH

FEATURES = 6
QUERIES = 2
"""Learned poolings of the turns per criterion, beside the one by evidence."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Logits for one call: `moves` (turns, M), `evidence` (turns, C), `objections` (turns, kinds), `handled`
    (turns, 3), `levels` (C, 4) cumulative, `na` (C,)."""

    moves: Tensor
    evidence: Tensor
    objections: Tensor
    handled: Tensor
    levels: Tensor
    na: Tensor

    def level_probabilities(self) -> Tensor:
        """(C, 5): probability of each level given that the criterion applies."""
        above = torch.sigmoid(self.levels)
        edges = torch.cat([torch.ones_like(above[:, :1]), above, torch.zeros_like(above[:, :1])], dim=1)
        return (edges[:, :-1] - edges[:, 1:]).clamp(min=1e-6)


def average(readings: Sequence[Reading]) -> Reading:
    """The mean of the logits of one or several readings of the same call."""
    if len(readings) == 1:
        return readings[0]
    names = [field.name for field in fields(Reading)]
    return Reading(**{name: torch.stack([getattr(reading, name) for reading in readings]).mean(0) for name in names})


class CallReader(nn.Module):
    """The heads over a call's turn vectors; see the module's text."""

    def __init__(self, *, moves: int, criteria: int, width: int = 144, reduced: int = 48) -> None:
        """Random weights; `width` is the GRU's per direction, `reduced` that of each criterion's last layer."""
        super().__init__()
        self.criteria = criteria
        self.project = nn.Linear(WIDTH + FEATURES, 2 * width)
        self.norm = nn.LayerNorm(2 * width)
        self.gru = nn.GRU(2 * width, width, num_layers=2, batch_first=True, bidirectional=True)
        hidden = 4 * width
        self.moves = nn.Linear(hidden, moves)
        self.evidence = nn.Linear(hidden, criteria)
        self.objections = nn.Linear(hidden, 4)
        self.handled = nn.Linear(hidden, 3)
        self.queries = nn.Linear(hidden, criteria * QUERIES)
        pooled = hidden * (1 + QUERIES) + 2 * (moves + 4)
        self.reduce = nn.Parameter(torch.randn(criteria, pooled, reduced) / pooled**0.5)
        self.reduce_bias = nn.Parameter(torch.zeros(criteria, reduced))
        self.score = nn.Parameter(torch.randn(criteria, reduced) / reduced**0.5)
        self.na_score = nn.Parameter(torch.zeros(criteria, reduced))
        self.na_bias = nn.Parameter(torch.full((criteria,), -2.0))
        for head, rate in ((self.moves, 0.015), (self.evidence, 0.05), (self.objections, 0.01)):
            nn.init.constant_(head.bias, math.log(rate / (1 - rate)))
        self.first_edge = nn.Parameter(torch.full((criteria,), 1.5))
        self.edge_gaps = nn.Parameter(torch.full((criteria, 3), 0.5))

    def forward(self, vectors: Tensor, features: Tensor, dropout: float = 0.0) -> Reading:
        """One call: turn vectors (turns, 384) and features (turns, 6) to logits."""

        def drop(values: Tensor) -> Tensor:
            return functional.dropout(values, dropout, self.training)

        x = functional.gelu(self.norm(self.project(drop(torch.cat([vectors, features], dim=1)))))
        context, _ = self.gru(x[None])
        h = drop(torch.cat([x, context[0]], dim=1))
        moves, evidence, objections = self.moves(h), self.evidence(h), self.objections(h)
        chance = torch.sigmoid(torch.cat([moves, objections], dim=1))
        totals = torch.cat([torch.log1p(chance.sum(0)), chance.max(0).values])
        by_evidence = torch.softmax(evidence, dim=0).T @ h
        by_query = (torch.softmax(self.queries(h), dim=0).T @ h).reshape(self.criteria, -1)
        pooled = torch.cat([by_evidence, by_query, totals.expand(self.criteria, -1)], dim=1)
        hidden = drop(torch.relu(torch.einsum("cp,cpk->ck", drop(pooled), self.reduce) + self.reduce_bias))
        score = (hidden * self.score).sum(1)
        steps = torch.cat([self.first_edge[:, None], -functional.softplus(self.edge_gaps)], dim=1)
        edges = steps @ torch.ones(4, 4, device=steps.device).triu()
        return Reading(
            moves=moves,
            evidence=evidence,
            objections=objections,
            handled=self.handled(h),
            levels=score[:, None] + edges,
            na=(hidden * self.na_score).sum(1) + self.na_bias,
        )
