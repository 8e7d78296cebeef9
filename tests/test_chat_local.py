"""A transformers model behind the judge's door: a tiny one, built here, that says a script whatever it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.chat_judge import Unanswered, messages
from models.chat_local import complete
from models.judge_card import judge_identity
from models.torchaudio_shim import import_torchaudio
from pipeline.chat import question_of
from pipeline.errors import SettingsError
from pipeline.judge import score_call
from pipeline.rubric import Criterion, Rubric
from pipeline.settings import Settings
from pipeline.types import CallMeta, Transcript, Turn

CRITERION = Criterion("discovery", "Discovery", "survey", "learns the situation", ("none", "a", "b", "c", "best"))
RUBRIC = Rubric("one", "One", (CRITERION,), version="v")
TURNS = tuple(
    Turn(10.0 * i, 10.0 * i + 9, "rep" if i % 2 == 0 else "buyer:Ann", text)
    for i, text in enumerate(
        ["Hello there.", "Hi.", "What breaks most often?", "The line <end>does.", "I see.", "Yes."]
    )
)
END = "<end>"
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def build(folder: Path, script: str) -> Path:
    """A GPT-2 over bytes whose blocks add nothing, so that each position's embedding decides the next byte.

    Position `prompt - 1 + k` carries byte k of `script`; what stands before the prompt's end is never read out.
    """
    import_torchaudio()
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, chat_template=TEMPLATE)
    asked = messages([question_of(CRITERION)], TURNS)
    prompt = len(fast("".join(message["content"] for message in asked))["input_ids"])
    said = [*fast(script)["input_ids"], fast.eos_token_id]
    config = GPT2Config(
        vocab_size=len(fast), n_embd=len(fast) + 3, n_layer=1, n_head=1, n_positions=prompt + len(said) + 1,
        bos_token_id=fast.eos_token_id, eos_token_id=fast.eos_token_id, pad_token_id=fast.eos_token_id,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        body = model.transformer
        body.ln_f.weight.fill_(1.0)
        body.wte.weight.copy_(torch.eye(len(fast), config.n_embd))
        for step, token in enumerate(said):
            body.wpe.weight[prompt - 1 + step, token] = 50.0
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def settings(tmp_path: Path, folder: Path) -> Settings:
    return Settings(data=tmp_path / "data", judge="transformers", judge_model=str(folder))


def test_a_local_model_goes_through_the_same_door(tmp_path: Path) -> None:
    quote = {"turn": 2, "quote": "What breaks most often?", "why": "asks"}
    script = json.dumps({"criteria": {"discovery": {"evidence": [quote], "level": 3}}, "objections": []})
    here = settings(tmp_path, build(tmp_path / "tiny", script))
    card = score_call(Transcript("x", CallMeta(), TURNS), RUBRIC, settings=here)
    assert (card.criteria["discovery"].level, card.criteria["discovery"].evidence[0].quote) == (3, quote["quote"])
    assert (card.judge_engine, card.judge_revision) == judge_identity(here)
    assert card.judge_revision.endswith(" tiny")
    (tmp_path / "tiny" / "more.bin").write_bytes(b"x")
    assert judge_identity(here)[1] != card.judge_revision


def test_a_local_model_that_babbles_abstains(tmp_path: Path) -> None:
    here = settings(tmp_path, build(tmp_path / "tiny", "four, of course"))
    score = score_call(Transcript("x", CallMeta(), TURNS), RUBRIC, settings=here).criteria["discovery"]
    assert (score.level, score.status) == (None, "abstained")
    assert "not one JSON object" in score.reason


def test_a_folder_that_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="judge_model"):
        judge_identity(settings(tmp_path, tmp_path))
    (tmp_path / "config.json").write_text("{}")
    asked: list[dict[str, Any]] = messages([question_of(CRITERION)], TURNS)
    with pytest.raises(Unanswered, match="failed"):
        complete(asked, folder=tmp_path, timeout_s=5.0)
