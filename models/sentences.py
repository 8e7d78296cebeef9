"""Sentence embeddings: the whole MiniLM encoder, mean-pooled and of length one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.minilm import WIDTH, load_encoder, load_tokenizer

MAX_TOKENS = 128
BATCH = 32


def embed_sentences(sentences: Sequence[str]) -> NDArray[np.float64]:
    """Unit vectors (sentences, 384), so that a dot product is a cosine; texts beyond 128 tokens are cut."""
    tokenizer, encoder = load_tokenizer(), load_encoder()
    rows = []
    for start in range(0, len(sentences), BATCH):
        encoded = [tokenizer.encode(text).ids[:MAX_TOKENS] for text in sentences[start : start + BATCH]]
        width = max(len(ids) for ids in encoded)
        ids = torch.tensor([row + [0] * (width - len(row)) for row in encoded])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in encoded])
        with torch.inference_mode():
            states = encoder(ids, torch.zeros_like(ids), mask)
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        rows.append(torch.nn.functional.normalize(pooled, dim=1).double().numpy())
    return np.concatenate(rows) if rows else np.zeros((0, WIDTH))
