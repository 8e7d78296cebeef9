"""faster-whisper (CTranslate2 Whisper): batched decoding of packed speech, guarded against loops and invented text.

The model is a local folder, verified against the catalogue. The batched pipeline ignores every quality threshold, so
segments are judged here and doubtful ones decoded again one by one, with the temperature ladder. Radford et al. 2022,
"Robust speech recognition via large-scale weak supervision" is the source of the thresholds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalogue import english_only, local_model, verify_model
from pipeline.errors import EngineError, ModelUnavailable
from pipeline.types import Word

NAME = "faster-whisper"

Span = tuple[float, float]
Read = Callable[[float, float], npt.NDArray[np.float32]]

_CHUNK_S = 28.0
_BLOCK_S = 600.0
_MAX_GAP_S = 2.0
_BATCH = 4
_NO_SPEECH = 0.6
_LOG_PROB = -1.0
_COMPRESSION = 2.4
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MAX_TERM_TOKENS = 150
_LANGUAGE_CHUNKS = 3


def transcribe(
    read: Read,
    speech: list[Span],
    *,
    language: str = "en",
    terms: tuple[str, ...] = (),
    model: str = "",
) -> list[Word]:
    """Words inside the `speech` spans, with times and probabilities.

    `terms` (names, products) are given as hotwords; `model` is a catalogue name, a folder, or "" / `auto`. Raises
    `ModelUnavailable` when the model is not on this machine, altered, or does not know the language, `EngineError` when
    it cannot decode.
    """
    whisper = _load(str(local_model(model, language)))
    hotwords = _hotwords(whisper, terms)
    known = None if language in ("", "auto") else language
    if language not in ("", "en") and not whisper.model.is_multilingual:
        raise english_only(model, language)
    words: list[Word] = []
    for chunks in _blocks(pack(speech)):
        offset = chunks[0][0]
        samples = read(offset, chunks[-1][1])
        try:
            segments = _batched(whisper, samples, [(t0 - offset, t1 - offset) for t0, t1 in chunks], known, hotwords)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"faster-whisper: cannot decode ({str(error).splitlines()[0][:120]})") from None
        for segment in segments:
            words.extend(
                Word(offset + float(word.start), offset + float(word.end), word.word.strip(), float(word.probability))
                for word in segment.words or ()
            )
    return words


def spoken_language(channels: Sequence[tuple[Read, list[Span]]], *, model: str = "") -> str:
    """The one language of a call, such as `de`: what the model makes of each channel's longest stretches of speech,
    longer ones counting for more. Told piece by piece, a short "mm-hm" would be taken for any language.

    Raises `ModelUnavailable` as `transcribe` does.
    """
    whisper = _load(str(local_model(model, "auto")))
    if not whisper.model.is_multilingual:
        raise english_only(model, "auto")
    weights: Counter[str] = Counter()
    for read, speech in channels:
        for t0, t1 in sorted(pack(speech), key=lambda chunk: chunk[0] - chunk[1])[:_LANGUAGE_CHUNKS]:
            for language, probability in whisper.detect_language(read(t0, t1))[2]:
                weights[language] += probability * (t1 - t0)
    return weights.most_common(1)[0][0] if weights else "en"


def revision(model: str = "") -> str:
    """Folder name and, where the catalogue knows it, the pinned revision."""
    folder = local_model(model)
    return verify_model(folder)


def expected_wer(words: list[Word]) -> float | None:
    """One minus the mean word probability: Whisper's are close to calibrated on what it does write; None without
    words.
    """
    if not words:
        return None
    return float(1.0 - np.mean([word.prob if word.prob is not None else 1.0 for word in words]))


def pack(speech: Iterable[Span]) -> list[Span]:
    """Consecutive spans joined into chunks of at most 28 s, never across a pause of 2 s; longer ones are cut."""
    chunks: list[Span] = []
    for t0, t1 in speech:
        while t1 - t0 > _CHUNK_S:
            chunks.append((t0, t0 + _CHUNK_S))
            t0 += _CHUNK_S
        if chunks and t0 - chunks[-1][1] < _MAX_GAP_S and t1 - chunks[-1][0] <= _CHUNK_S:
            chunks[-1] = (chunks[-1][0], t1)
        else:
            chunks.append((t0, t1))
    return chunks


def _blocks(chunks: list[Span]) -> list[list[Span]]:
    """Chunks in groups that cover at most ten minutes, so that a six-hour call never lies in memory at once."""
    blocks: list[list[Span]] = []
    for chunk in chunks:
        if blocks and chunk[1] - blocks[-1][0][0] <= _BLOCK_S:
            blocks[-1].append(chunk)
        else:
            blocks.append([chunk])
    return blocks


def _batched(
    whisper: Any, samples: npt.NDArray[np.float32], chunks: list[Span], language: str | None, hotwords: str | None
) -> list[Any]:
    from faster_whisper import BatchedInferencePipeline

    found, _ = BatchedInferencePipeline(whisper).transcribe(
        samples,
        language=language,
        beam_size=beam_size(),
        word_timestamps=True,
        vad_filter=False,
        clip_timestamps=[{"start": t0, "end": t1} for t0, t1 in chunks],
        hotwords=hotwords,
        batch_size=_BATCH,
    )
    segments = []
    for segment in found:
        if is_trustworthy(segment):
            segments.append(segment)
        elif not is_silence(segment):
            segments.extend(_again(whisper, samples, (segment.start, segment.end), language, hotwords))
    return segments


def _again(
    whisper: Any, samples: npt.NDArray[np.float32], span: Span, language: str | None, hotwords: str | None
) -> list[Any]:
    """Decode one span on its own with the temperature ladder; what stays doubtful is dropped."""
    found, _ = whisper.transcribe(
        samples,
        language=language,
        beam_size=beam_size(),
        temperature=list(_TEMPERATURES),
        condition_on_previous_text=False,
        word_timestamps=True,
        hallucination_silence_threshold=2.0,
        vad_filter=False,
        clip_timestamps=[max(0.0, span[0]), min(len(samples) / 16_000, max(span[1], span[0] + 0.5))],
        hotwords=hotwords,
    )
    return [segment for segment in found if is_trustworthy(segment)]


def is_silence(segment: Any) -> bool:
    """Text invented where nobody speaks: the model itself doubts both the speech and the words."""
    return bool(segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _LOG_PROB)


def is_trustworthy(segment: Any) -> bool:
    """False for silence, improbable text and repetition loops (text that compresses too well)."""
    return not (is_silence(segment) or segment.avg_logprob < _LOG_PROB or segment.compression_ratio > _COMPRESSION)


def beam_size() -> int:
    """Beam width: `DEBRIEF_BEAM`, else 5. Raises `EngineError` for what is no width."""
    text = os.environ.get("DEBRIEF_BEAM") or "5"
    if not text.isdecimal() or int(text) < 1:
        raise EngineError(f"DEBRIEF_BEAM={text}: give a whole number from 1; without it, it is 5")
    return int(text)


def compute(device: str) -> str:
    """Number format: `DEBRIEF_COMPUTE_TYPE`, else float16 on a GPU and int8 on a CPU. Raises `EngineError` for one that
    the device does not have."""
    import ctranslate2

    chosen = os.environ.get("DEBRIEF_COMPUTE_TYPE")
    known = sorted(ctranslate2.get_supported_compute_types(device)) if chosen else []
    if chosen and chosen not in (*known, "auto", "default"):
        raise EngineError(f"DEBRIEF_COMPUTE_TYPE={chosen}: this machine knows {', '.join(known)}")
    return chosen or ("float16" if device == "cuda" else "int8")


def _hotwords(whisper: Any, terms: tuple[str, ...]) -> str | None:
    """As many terms as fit 150 tokens: hotwords and prompt together must stay far below the decoder's 448 positions."""
    kept: list[str] = []
    for term in terms:
        if len(whisper.hf_tokenizer.encode(" " + ", ".join([*kept, term])).ids) > _MAX_TERM_TOKENS:
            break
        kept.append(term)
    return ", ".join(kept) or None


@lru_cache(maxsize=2)
def _load(folder: str) -> Any:
    verify_model(Path(folder))
    import ctranslate2
    from faster_whisper import WhisperModel

    device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    threads = int(os.environ.get("OMP_NUM_THREADS") or 1)
    try:
        return WhisperModel(
            folder, device=device, compute_type=compute(device), cpu_threads=threads, local_files_only=True
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelUnavailable(
            f"{folder}: not a Whisper model for CTranslate2 ({str(error).splitlines()[0][:120]})"
        ) from None
