"""A Whisper checkpoint that says a fixed script, built here and converted to CTranslate2.

The real Whisper layout: 51,865 tokens in Whisper's order, encoder and decoder layers of any `Shape`: a few megabytes
for tests, as many as a real model's to see what one costs. The decoder's output projections are zero and position
embedding i points at script token i, so whatever it hears it says the script. The first one points at the token of
`LANGUAGE`, which it takes every call for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = "Good morning, this is Priya from Steady Line."
LANGUAGE = "de"


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the states, encoder and decoder layers (as many of each), heads of attention, size between layers."""

    width: int
    layers: int
    heads: int
    inner: int


TINY = Shape(64, 2, 2, 64)
SMALL = Shape(768, 12, 12, 3072)
"""Whisper small's (Radford et al. 2022, table 1)."""
_PROMPT = 4
_TEXT_TOKENS = 50_257
_FIRST_LANGUAGE = 50_259
_VOCABULARY = 51_865


def build(folder: Path, script: str = SCRIPT, shape: Shape = TINY) -> Path:
    """Write the checkpoint and its int8 conversion; returns the converted folder."""
    from models.torchaudio_shim import import_torchaudio

    import_torchaudio()
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperFeatureExtractor

    source, target = folder / "hf", folder / "int8"
    source.mkdir(parents=True)
    tokens = _tokenizer(source, script)
    _model(tokens, shape).save_pretrained(source)
    WhisperFeatureExtractor().save_pretrained(source)
    TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
        str(target), quantization="int8"
    )
    return target


def _languages() -> list[str]:
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    return list(LANGUAGES)[:99]


def _special() -> list[str]:
    names = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _languages())]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    return names + [f"<|{index * 0.02:.2f}|>" for index in range(1501)]


def _tokenizer(folder: Path, script: str) -> list[int]:
    """Write `tokenizer.json` (bytes, script words, fillers, special tokens); returns the script's ids."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["Ġ" + word for word in dict.fromkeys(script.split())]
    fillers = [f"filler{index}" for index in range(_TEXT_TOKENS - len(letters) - len(words) - 1)]
    # by the empty token CTranslate2 tells a model of many languages
    vocabulary = {token: index for index, token in enumerate([*letters, *words, *fillers, ""])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in _special()])
    assert tokenizer.get_vocab_size() == _VOCABULARY
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>", unk_token="<|endoftext|>"
    ).save_pretrained(folder)
    return [vocabulary["Ġ" + word] for word in script.split()] + [tokenizer.token_to_id("<|endoftext|>")]


def _model(tokens: list[int], shape: Shape) -> Any:
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=_VOCABULARY, d_model=shape.width, encoder_layers=shape.layers, decoder_layers=shape.layers,
        encoder_attention_heads=shape.heads, decoder_attention_heads=shape.heads, encoder_ffn_dim=shape.inner,
        decoder_ffn_dim=shape.inner, pad_token_id=50257, bos_token_id=50257, eos_token_id=50257,
        decoder_start_token_id=50258, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        decoder = model.model.decoder
        unit = torch.nn.functional.normalize(torch.randn(_VOCABULARY, shape.width), dim=1)
        decoder.embed_tokens.weight.copy_(unit)
        positions = torch.zeros_like(decoder.embed_positions.weight)
        positions[0] = 12 * unit[_FIRST_LANGUAGE + _languages().index(LANGUAGE)]
        for index, token in enumerate(tokens):
            positions[_PROMPT - 1 + index] = 12 * unit[token]
        decoder.embed_positions.weight.copy_(positions)
        for layer in decoder.layers:
            for projection in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                projection.weight.zero_()
                projection.bias.zero_()
        decoder.layer_norm.weight.fill_(4.0)
        decoder.layer_norm.bias.zero_()
        model.proj_out.weight = decoder.embed_tokens.weight
    model.generation_config = GenerationConfig.from_dict(
        {
            "alignment_heads": [[1, 0]], "suppress_tokens": [],
            "begin_suppress_tokens": [],
            "lang_to_id": {f"<|{code}|>": _FIRST_LANGUAGE + index for index, code in enumerate(_languages())},
            "no_timestamps_token_id": 50363, "eos_token_id": 50257, "pad_token_id": 50257, "is_multilingual": True,
            "decoder_start_token_id": 50258, "task_to_id": {"transcribe": 50359, "translate": 50358},
        }
    )  # fmt: skip
    return model
