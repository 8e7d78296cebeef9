"""Speaker segmentation: who of up to three local speakers is active in each 17 ms of a five-second window.

Weights: `assets/pytorch_model.bin` inside the whisperx package: pyannote's segmentation model (MIT), H. Bredin and A.
Laurent 2021, "End-to-end speaker segmentation for overlap-aware resegmentation". The network is written out here
(SincNet, four bidirectional LSTM layers, two linear ones), so pyannote.audio need not be imported to run it. The file
is a pickle: it is read with an unpickler that builds tensors and plain containers and nothing else.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 16_000
WINDOW_S = 5.0
FRAME_S = 270 / RATE
SPEAKERS = 3
_FIRST_CENTRE_S = 495 / RATE
_BATCH = 16
_STRIDE = 10

Array = npt.NDArray[np.float32]


def frame_times(count: int) -> npt.NDArray[np.float64]:
    """Centres of the first `count` output frames, in seconds from the window's start."""
    return np.asarray(_FIRST_CENTRE_S + FRAME_S * np.arange(count), np.float64)


def activities(samples: Array, starts: Sequence[int]) -> Array:
    """Activity (0-1) of three local speakers in windows of 80,000 samples; (len(starts), frames, 3).

    `starts` are indices into `samples`, in order and multiples of 10; beyond their end there is silence. Windows that
    overlap share the first convolution, which is a quarter of all work. Speakers are local: column k of one window and
    of the next may be different people. Raises `ModelUnavailable` when the packaged weights are missing or altered.
    """
    import torch

    rows = []
    with torch.inference_mode():
        for first in range(0, len(starts), _BATCH):
            rows.append(_batch(samples, starts[first : first + _BATCH]).numpy())
    return np.concatenate(rows) if rows else np.zeros((0, 0, SPEAKERS), np.float32)


def _batch(samples: Array, starts: Sequence[int]) -> Any:
    """Activities of a few windows: their sound is filtered once, from the first to the last."""
    import torch
    from torch.nn import functional

    weights = _weights()
    size = round(WINDOW_S * RATE)
    width = 1 + (size - weights["sinc"].shape[2]) // _STRIDE
    first, end = starts[0], starts[-1] + size
    stretch = samples[first:end]
    wave = torch.from_numpy(np.pad(stretch, (0, end - first - len(stretch))))
    bands = functional.conv1d(wave[None, None], weights["sinc"], stride=_STRIDE)[0]
    filtered = []
    for at in (start - first for start in starts):
        filtered.append(_scaled(bands[:, at // _STRIDE :][:, :width], wave[at : at + size], weights))
    return _forward(torch.stack(filtered), weights)


def _scaled(bands: Any, wave: Any, weights: dict[str, Any]) -> Any:
    """What the first layer gives for one window, from the filters' output for the wave as it is.

    The network filters a window brought to mean 0 and variance 1; filters are linear, so bringing their output there
    comes to the same.
    """
    from torch.nn import functional

    state = weights["state"]
    deviation = (wave.var(unbiased=False) + 1e-5).sqrt()
    factor = state["sincnet.wav_norm1d.weight"] / deviation
    shift = state["sincnet.wav_norm1d.bias"] - wave.mean() * factor
    return functional.max_pool1d((bands * factor + weights["sums"] * shift).abs_(), 3)


def _forward(pooled: Any, weights: dict[str, Any]) -> Any:
    import torch
    from torch.nn import functional

    state = weights["state"]

    def norm(x: Any, layer: int) -> Any:
        name = f"sincnet.norm1d.{layer}"
        return functional.instance_norm(x, weight=state[f"{name}.weight"], bias=state[f"{name}.bias"])

    x = functional.leaky_relu(norm(pooled, 0))
    for layer in (1, 2):
        name = f"sincnet.conv1d.{layer}"
        x = functional.conv1d(x, state[f"{name}.weight"], state[f"{name}.bias"])
        x = functional.leaky_relu(norm(functional.max_pool1d(x, 3), layer))
    x, _ = weights["lstm"](x.transpose(1, 2))
    for layer in (0, 1):
        x = functional.leaky_relu(functional.linear(x, state[f"linear.{layer}.weight"], state[f"linear.{layer}.bias"]))
    return torch.sigmoid(functional.linear(x, state["classifier.weight"], state["classifier.bias"]))


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    import torch

    from models.catalogue import packaged_weights

    state = read_state(packaged_weights("segmentation"))
    lstm = torch.nn.LSTM(60, 128, 4, batch_first=True, bidirectional=True)
    lstm.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("lstm.")})
    sinc = _sinc_filters(state)
    return {"state": state, "lstm": lstm.eval(), "sinc": sinc, "sums": sinc.sum(dim=2)}


def _sinc_filters(state: dict[str, Any]) -> Any:
    """Band-pass filters (80, 1, 251): 40 even and 40 odd ones, from their learnt low edges and widths.

    Ravanelli and Bengio 2018, "Speaker recognition from raw waveform with SincNet"; the odd half is Pariente et al.
    2020.
    """
    import torch

    prefix = "sincnet.conv1d.0.filterbank."
    n, window = state[prefix + "n_"], state[prefix + "window_"]
    low = 50 + state[prefix + "low_hz_"].abs()
    high = torch.clamp(low + 50 + state[prefix + "band_hz_"].abs(), 50, RATE / 2)
    width = 2 * (high - low)
    even = (torch.sin(high @ n) - torch.sin(low @ n)) / (n / 2) * window
    odd = (torch.cos(low @ n) - torch.cos(high @ n)) / (n / 2) * window
    filters = torch.cat(
        [
            torch.cat([even, width, even.flip(1)], dim=1) / width,
            torch.cat([odd, torch.zeros_like(width), -odd.flip(1)], dim=1) / width,
        ]
    )
    return filters[:, None]


def read_state(path: Path) -> dict[str, Any]:
    """Tensors by name from a training checkpoint, without running anything that the pickle asks for."""
    import torch

    module = ModuleType("tensors_only")
    module.Unpickler = _TensorsOnly  # type: ignore[attr-defined]
    module.load = lambda file, **options: _TensorsOnly(file, **options).load()  # type: ignore[attr-defined]
    checkpoint = torch.load(path, map_location="cpu", pickle_module=module, weights_only=False)
    return {key: value for key, value in checkpoint["state_dict"].items() if isinstance(value, torch.Tensor)}


class _Ignored:
    """Stands for every object of the checkpoint that is not a tensor or a container of tensors."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take anything, keep nothing."""

    def __setstate__(self, _: Any) -> None:
        """Take anything, keep nothing."""

    def __call__(self, *_: Any, **__: Any) -> _Ignored:
        """Stand for what a call would have given."""
        return self


class _TensorsOnly(pickle.Unpickler):
    _ALLOWED = frozenset(
        {
            ("collections", "OrderedDict"),
            ("torch._utils", "_rebuild_tensor_v2"),
            ("torch._utils", "_rebuild_parameter"),
            ("torch", "FloatStorage"),
            ("torch", "LongStorage"),
            ("torch", "DoubleStorage"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self._ALLOWED:
            return super().find_class(module, name)
        return _Ignored
