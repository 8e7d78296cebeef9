"""The judge's network: tokens of a whole call in, moves per turn and levels per criterion out.

Reading a call takes three steps. *Windows*: the turns, each led by its side, run as one token stream that is cut
into overlapping windows, so every token is encoded once with its neighbourhood in view. *Turn vectors*: the first
four layers of MiniLM, all trained here, mean-pooled per turn (its last two are left out: they measured no better, and
a third of the time goes with them). *Call*: a bidirectional GRU over the turn vectors; from its states come moves,
evidence and objections per turn, and from the turns pooled by evidence and by learned queries plus the pooled moves
an ordinal distribution over the levels 0-4 per criterion (cumulative link, McCullagh 1980).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.minilm import WIDTH, Layer, load_encoder, load_tokenizer
from models.questions import begins_as_question

if TYPE_CHECKING:
    from pipeline.types import Turn

LAYERS = 4
WINDOW = 320
CONTEXT = 32
MAX_TURN_TOKENS = 320
FEATURES = 6
QUERIES = 2
"""Learned poolings of the turns per criterion, beside the one by evidence."""

_TYPED = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u2026": "..."}
)
"""Word processors' marks, as the network learned to read them."""
_FILLERS = re.compile(r"\b(?:um+|uh+|er+|erm|hmm+|mm+|mhm|ah+|eh|you know|i mean)\b[,.]?\s*", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_PUNCTUATION = re.compile(r"--|[.,!?;:\"()]")
_TO_A_JUDGE = re.compile(
    r"\b(?:(?:ignore|disregard|forget) (?:(?:all|any|previous|prior|above|earlier)(?: the| your| of)* )+"
    r"(?:instructions|rubric)"
    r"|(?:score|rate|grade|give|mark) (?:every|each|all)(?: of the)? (?:criterion|criteria|levels?|scores?)"
    r"|system prompt|you are (?:an? )?(?:ai|language model|grader|evaluator))\b",
    re.IGNORECASE,
)
_SENTENCE_REST = re.compile(r"[^.!?]*[.!?]*")
_DIGITS = re.compile(r"\d")
_NUMBER_WORDS = re.compile(
    r"\b(?:hundred|thousand|million|percent|dollars?|euros?|pounds?|grand|k|twenty|thirty|forty|fifty|sixty|seventy"
    r"|eighty|ninety|dozen|half|third|quarter)\b",
    re.IGNORECASE,
)


def normalise(text: str, names: Sequence[str] = ()) -> str:
    """The text as the network reads it: fillers, punctuation and words to a judge out, speakers' names made neutral,
    word processors' marks plain.

    Who speaks, how often they hesitate, and how a recogniser punctuates must not move a level; nor must a sentence
    that addresses whoever scores the call instead of the people on it. Case is dropped by the tokenizer.
    """
    text = _without_words_to_a_judge(text.translate(_TYPED))
    text = _any_of(tuple(names)).sub("Alex", text) if names else text
    return _SPACES.sub(" ", _PUNCTUATION.sub(" ", _FILLERS.sub("", text))).strip()


@lru_cache(maxsize=8)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the names, an earlier one first; to look for each of hundreds in each turn takes minutes."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)


def _without_words_to_a_judge(text: str) -> str:
    """The text without the sentences that address whoever scores it; in one pass, however long a sentence is."""
    kept, at = [], 0
    for found in _TO_A_JUDGE.finditer(text):
        if found.start() >= at:
            start = max(at, *(text.rfind(mark, at, found.start()) + 1 for mark in ".!?"))
            kept.append(text[at:start])
            at = _SENTENCE_REST.match(text, found.end()).end()  # type: ignore[union-attr]
    return " ".join([*kept, text[at:]])


def speaker_names(turns: Sequence[Turn]) -> list[str]:
    """Names in the speaker labels, each part of three letters or more, longest first."""
    parts = {part for turn in turns if ":" in turn.speaker for part in turn.name.split() if len(part) > 2}
    return sorted(parts, key=lambda part: (-len(part), part))


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids of one window and, per token, the turn it counts for (-1: context only)."""

    ids: tuple[int, ...]
    turns: tuple[int, ...]


def turn_windows(turns: Sequence[Turn]) -> list[Window]:
    """Cut the call's token stream into windows of `WINDOW` tokens that overlap by `CONTEXT`."""
    tokenizer = load_tokenizer()
    names = speaker_names(turns)
    ids: list[int] = []
    owner: list[int] = []
    for index, turn in enumerate(turns):
        side = "seller" if turn.side == "rep" else "customer"
        tokens = tokenizer.encode(f"{side}: {normalise(turn.text, names)}", add_special_tokens=False).ids
        tokens = tokens[:MAX_TURN_TOKENS]
        ids += tokens
        owner += [index] * len(tokens)
    start_id, end_id = (int(tokenizer.token_to_id(mark) or 0) for mark in ("[CLS]", "[SEP]"))
    windows = []
    for start in range(0, len(ids), WINDOW - CONTEXT):
        core = ids[start : start + WINDOW - CONTEXT]
        before = ids[max(0, start - CONTEXT) : start]
        windows.append(
            Window(
                ids=(start_id, *before, *core, end_id),
                turns=(-1, *[-1] * len(before), *owner[start : start + len(core)], -1),
            )
        )
    return windows


def batch_windows(windows: Sequence[Window]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and owners, each (windows, tokens) int64; padding has mask 0 and owner -1."""
    width = max((len(window.ids) for window in windows), default=1)
    ids = torch.zeros(len(windows), width, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    owner = torch.full_like(ids, -1)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        mask[row, : len(window.ids)] = 1
        owner[row, : len(window.ids)] = torch.tensor(window.turns)
    return ids, mask, owner


def embed(ids: Tensor) -> Tensor:
    """Input states (windows, tokens, 384) of token ids (windows, tokens): MiniLM's embeddings, never trained here."""
    encoder = load_encoder().to(ids.device)
    with torch.no_grad():
        return encoder.embed(ids, torch.zeros_like(ids))


def turn_features(turns: Sequence[Turn]) -> Tensor:
    """(turns, 6): side, log length in words, place in the call, digits or number words, question, one-word turn."""
    rows = []
    for index, turn in enumerate(turns):
        said = normalise(turn.text)
        count = len(said.split())
        rows.append(
            [
                1.0 if turn.side == "rep" else 0.0,
                float(torch.log1p(torch.tensor(float(count)))) / 4,
                index / max(1, len(turns) - 1),
                float(bool(_DIGITS.search(turn.text) or _NUMBER_WORDS.search(turn.text))),
                float(begins_as_question(said)),
                float(count <= 2),
            ]
        )
    return torch.tensor(rows, dtype=torch.float32).reshape(len(rows), FEATURES)


def sum_turns(states: Tensor, owner: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Per turn the sum (count, 384) of its tokens' states and their number (count,), from (windows, tokens, 384)."""
    flat, own = states.reshape(-1, states.shape[-1]), owner.reshape(-1)
    row = torch.where(own >= 0, own, count)
    sums = torch.zeros(count + 1, states.shape[-1], device=states.device).index_add(0, row, flat)
    numbers = torch.zeros(count + 1, device=states.device).index_add(0, row, torch.ones_like(flat[:, 0]))
    return sums[:count], numbers[:count]


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


class JudgeNet(nn.Module):
    """Encoder layers and the heads; see the module's text."""

    def __init__(self, *, moves: int, criteria: int, width: int = 144, reduced: int = 48) -> None:
        """The encoder's layers start from the pretrained ones."""
        super().__init__()
        self.criteria = criteria
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        for mine, pretrained in zip(self.layers, list(load_encoder().layers)[:LAYERS], strict=True):
            mine.load_state_dict(pretrained.state_dict())
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

    def turn_sums(
        self, ids: Tensor, mask: Tensor, owner: Tensor, count: int, dropout: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Sum of the states of each turn's tokens (count, 384) and how many they are (count,); `ids`, `mask` and
        `owner` as `batch_windows` gives them."""
        states, keep = embed(ids), mask[:, None, None, :].bool()
        for layer in self.layers:
            states = layer(states, keep, dropout)
        return sum_turns(states.float(), owner, count)

    def turn_vectors(self, ids: Tensor, mask: Tensor, owner: Tensor, count: int, dropout: float = 0.0) -> Tensor:
        """(count, 384): mean state of each turn's tokens."""
        sums, numbers = self.turn_sums(ids, mask, owner, count, dropout)
        return sums / numbers.clamp(min=1.0)[:, None]

    def packed(self) -> dict[str, Tensor]:
        """Every weight in a quarter of its size: matrices as int8 with a float32 `.scale` per row, the rest float16."""
        saved: dict[str, Tensor] = {}
        for name, value in self.state_dict().items():
            value = value.detach().float().cpu()
            if value.dim() >= 2:
                scale = value.abs().amax(dim=-1, keepdim=True).clamp(min=1e-12) / 127
                saved[name] = torch.round(value / scale).to(torch.int8)
                saved[f"{name}.scale"] = scale
            else:
                saved[name] = value.half()
        return saved

    def load_packed(self, saved: Mapping[str, Tensor]) -> None:
        """Restore what `packed` gave."""
        scales = {name: saved.get(f"{name}.scale") for name in self.state_dict()}
        self.load_state_dict(
            {name: saved[name].float() * (1.0 if scale is None else scale) for name, scale in scales.items()}
        )

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
