"""A chat model in a folder of this machine, through `transformers`: the same door as an endpoint, and nothing is sent.

Any causal language model with a chat template and weights as safetensors. Decoding is greedy and on one thread, so
that the same question has the same answer. No code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.chat_judge import Messages, Unanswered
from pipeline.errors import SettingsError

MAX_NEW_TOKENS = 4096
SAMPLES, SAMPLE_BYTES = 64, 4096


def checked_folder(folder: str) -> Path:
    """The model's folder. Raises `SettingsError` when there is none."""
    path = Path(folder).expanduser()
    if not folder or not (path / "config.json").is_file():
        raise SettingsError("judge_model: expected a folder with a transformers model (config.json, *.safetensors)")
    return path


def folder_revision(path: Path) -> str:
    """First 12 hex digits of a hash over the names and sizes of a model's files, and samples of what is in them.

    Raises `SettingsError` when one cannot be read.
    """
    try:
        rows = sorted((file.name, file.stat().st_size, _sampled(file)) for file in path.iterdir() if file.is_file())
    except OSError as error:
        raise SettingsError(f"judge_model: {path.name} cannot be read ({error.strerror or error})") from error
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:12]


def _sampled(file: Path) -> str:
    """Hash of `SAMPLES` pieces all over a file (of all of a small one): weights that were trained on have the size of
    those before, and reading gigabytes would hold up every batch."""
    size, found = file.stat().st_size, hashlib.sha256()
    with file.open("rb") as opened:
        for at in sorted({max(0, (size - SAMPLE_BYTES) * n // (SAMPLES - 1)) for n in range(SAMPLES)}):
            opened.seek(at)
            found.update(opened.read(SAMPLE_BYTES))
    return found.hexdigest()


def complete(messages: Messages, *, folder: Path, timeout_s: float) -> str:
    """The model's answer; generation ends at `timeout_s`. Raises `Unanswered`, whatever the model does."""
    try:
        return _generate(messages, folder, timeout_s)
    except Exception as error:
        raise Unanswered(f"the model in {folder.name} failed ({type(error).__name__})", again=False) from error


def _generate(messages: Messages, folder: Path, timeout_s: float) -> str:
    import torch

    from models.judge_model import one_thread

    tokenizer, model = _load(folder)
    # words of the call that look like the tokenizer's control tokens stay words
    asked = tokenizer.apply_chat_template(
        [dict(message) for message in messages],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
        sanitize_control_tokens=True,
    )
    with one_thread(), torch.inference_mode():
        made = model.generate(**asked, do_sample=False, max_new_tokens=MAX_NEW_TOKENS, max_time=timeout_s)
    text: str = tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return text


@lru_cache(maxsize=1)
def _load(folder: Path) -> tuple[Any, Any]:
    from models.torchaudio_shim import import_torchaudio

    import_torchaudio()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return tokenizer, model.eval()
