"""The judge's network: tokens of a whole call in, moves per turn and levels per criterion out.

Reading a call takes three steps. *Windows*: the turns, each led by its side, run as one token stream that is cut
into overlapping windows, so every token is encoded once with its neighbourhood in view. *Turn vectors*: the first
four layers of MiniLM, all trained here, mean-pooled per turn (its last two are left out: they measured no better, and
a third of the time goes with them). *Call*: several readers over the turn vectors (`models/call_reader.py`), whose
logits are averaged: they share the encoder, which takes nearly all of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.call_reader import FEATURES, CallReader, Reading, average
from models.minilm import Layer, load_encoder, load_tokenizer
from models.questions import begins_as_question

if TYPE_CHECKING:
    from pipeline.types import Turn

LAYERS = 4
WINDOW = 320
CONTEXT = 32
MAX_TURN_TOKENS = 320

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


class JudgeNet(nn.Module):
    """Encoder layers and readers; see the module's text."""

    def __init__(self, *, moves: int, criteria: int, readers: int = 1) -> None:
        """The encoder's layers start from the pretrained ones, the readers from random weights."""
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        for mine, pretrained in zip(self.layers, list(load_encoder().layers)[:LAYERS], strict=True):
            mine.load_state_dict(pretrained.state_dict())
        self.readers = nn.ModuleList(CallReader(moves=moves, criteria=criteria) for _ in range(readers))

    @classmethod
    def unpack(cls, saved: Mapping[str, Tensor], *, moves: int, criteria: int) -> JudgeNet:
        """The network whose `packed` weights these are, with as many readers, ready to judge."""
        readers = {name.split(".")[1] for name in saved if name.startswith("readers.")}
        net = cls(moves=moves, criteria=criteria, readers=len(readers))
        net.load_packed(saved)
        return net.eval()

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
        """One call: turn vectors (turns, 384) and features (turns, 6) to logits, averaged over the readers."""
        return average([reader(vectors, features, dropout) for reader in self.readers])
