"""Speaker encoder ("d-vector"): 40 mel bands, three LSTM layers of 256, one unit vector of 256 per utterance.

Weights: `pretrained.pt` inside the Resemblyzer package (Apache-2.0), whose code is never imported. Network and features
follow Wan et al. 2018, "Generalized end-to-end loss for speaker verification"; mel bands are Slaney's, power, no
logarithm.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 16_000
HOP_S = 0.01
BANDS = 40
SIZE = 256
_WINDOW = 400
_HOP = 160
_BATCH = 128

Array = npt.NDArray[np.float32]


def mel_frames(samples: Array) -> Array:
    """Mel power spectra of 16 kHz samples (n,), 10 ms apart; shape (1 + n // 160, 40).

    There is no logarithm, so level matters: bring speech to about -25 dBFS first, as the encoder was trained.
    """
    import torch

    wave = torch.from_numpy(np.pad(samples, _WINDOW // 2).astype(np.float32))
    spectrum = torch.stft(
        wave, _WINDOW, _HOP, window=torch.hann_window(_WINDOW), center=False, return_complex=True
    ).abs()
    mel: Array = (torch.from_numpy(_mel_filters()) @ spectrum.square()).T.numpy()
    return mel


def embed(pieces: list[Array]) -> Array:
    """Unit vectors of mel pieces (frames, 40) of any lengths; shape (len(pieces), 256).

    Raises `ModelUnavailable` when the packaged weights are missing or altered.
    """
    import torch

    lstm, linear = _network()
    result = np.zeros((len(pieces), SIZE), np.float32)
    order = sorted(range(len(pieces)), key=lambda index: -len(pieces[index]))
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            packed = torch.nn.utils.rnn.pack_sequence([torch.from_numpy(pieces[row]) for row in rows])
            _, (hidden, _) = lstm(packed)
            raw = torch.relu(linear(hidden[-1]))
            result[rows] = torch.nn.functional.normalize(raw, dim=1).numpy()
    return result


@lru_cache(maxsize=1)
def _network() -> tuple[Any, Any]:
    import torch

    from models.catalogue import packaged_weights

    state = torch.load(packaged_weights("dvector"), map_location="cpu", weights_only=True)["model_state"]
    lstm = torch.nn.LSTM(BANDS, SIZE, 3, batch_first=True)
    linear = torch.nn.Linear(SIZE, SIZE)
    lstm.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("lstm.")})
    linear.load_state_dict({key[7:]: value for key, value in state.items() if key.startswith("linear.")})
    return lstm.eval(), linear.eval()


@lru_cache(maxsize=1)
def _mel_filters() -> Array:
    """Slaney's triangular mel filters with unit area, 0-8 kHz; shape (40, 201)."""

    def to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    top = 15 + np.log(8000 / 1000) / (np.log(6.4) / 27)
    edges = to_hz(np.linspace(0, top, BANDS + 2))
    bins = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)
