"""The real faster-whisper code on a checkpoint that the test session builds; see `made_whisper.py`."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hearing_samples import piece, write

from benchmarks.hearing import made_whisper
from models import whisper
from pipeline import hear
from pipeline.errors import EngineError, ModelUnavailable
from pipeline.settings import Settings
from pipeline.types import Word

SCRIPT = made_whisper.SCRIPT.split()


def hum(t0: float, t1: float) -> np.ndarray:
    t = np.arange(round((t1 - t0) * 16_000)) / 16_000
    return (0.1 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The converted checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers and torchcodec warn while they are imported
        return made_whisper.build(tmp_path_factory.mktemp("whisper"))


def test_says_its_script_once_per_chunk_with_times_inside(tiny: Path) -> None:
    words = whisper.transcribe(hum, [(1.0, 6.0), (20.0, 24.0)], model=str(tiny))
    assert [word.text for word in words] == SCRIPT * 2
    first, second = words[: len(SCRIPT)], words[len(SCRIPT) :]
    assert all(1.0 <= word.t0 <= word.t1 <= 6.6 for word in first)
    assert all(20.0 <= word.t0 <= word.t1 <= 24.6 for word in second)
    assert all(word.prob is not None and 0 <= word.prob <= 1 for word in words)


def test_blocks_far_apart_keep_their_times(tiny: Path) -> None:
    words = whisper.transcribe(hum, [(5.0, 8.0), (1000.0, 1003.0)], model=str(tiny))
    assert len(words) == 2 * len(SCRIPT)
    assert words[0].t0 >= 5.0
    assert words[len(SCRIPT)].t0 >= 1000.0


def test_the_language_of_a_call_is_told_once_for_all_its_channels(tiny: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", piece("rec-01", 0.0, 14.0), codec="pcm_s16le")
    settings = Settings(data=tmp_path, language="auto", whisper_model=str(tiny))
    heard = hear.transcribe(path, settings=settings).hearing
    assert (heard.engine, heard.language) == ("faster-whisper", made_whisper.LANGUAGE)


def test_an_english_model_does_not_tell_languages(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    shutil.copytree(tiny, folder)
    # it has no empty token, by which CTranslate2 tells a model of many languages
    vocabulary = folder / "vocabulary.json"
    vocabulary.write_text(vocabulary.read_text(encoding="utf-8").replace('""', '"filler"'), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="ours knows English only, not which language it is; run:"):
        whisper.spoken_language([(hum, [(0.0, 2.0)])], model=str(folder))


def test_many_terms_do_not_crash_the_decoder(tiny: Path) -> None:
    terms = tuple(f"Product{index} of Someone Important" for index in range(200))
    loaded = whisper._load(str(tiny))
    kept = whisper._hotwords(loaded, terms)
    assert kept is not None
    assert len(loaded.hf_tokenizer.encode(" " + kept).ids) <= 150
    whisper.transcribe(hum, [(0.0, 2.0)], terms=terms, model=str(tiny))


def test_the_record_names_folder_and_weights(tiny: Path) -> None:
    assert whisper.revision(str(tiny)).startswith("int8 ")
    assert whisper._load(str(tiny)) is whisper._load(str(tiny))


@pytest.mark.parametrize("gone", ["tokenizer.json", "model.bin", "config.json"])
def test_an_incomplete_folder_is_one_line(tiny: Path, tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    (folder / gone).unlink()
    with pytest.raises(ModelUnavailable, match=gone) as error:
        whisper.transcribe(hum, [(0.0, 1.0)], model=str(folder))
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_model_is_one_line(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    (folder / "model.bin").write_bytes(b"not a model")
    with pytest.raises(ModelUnavailable, match="not a Whisper model") as error:
        whisper.transcribe(hum, [(0.0, 1.0)], model=str(folder))
    assert "\n" not in str(error.value)


def test_chunks_are_packed_to_28_seconds_and_never_across_long_pauses() -> None:
    assert whisper.pack([(0, 5), (6, 20), (21, 27), (27.5, 30)]) == [(0, 27), (27.5, 30)]
    assert whisper.pack([(0, 5), (9, 12)]) == [(0, 5), (9, 12)]
    long = whisper.pack([(0, 70)])
    assert long == [(0, 28), (28, 56), (56, 70)]
    assert whisper.pack([]) == []


@pytest.mark.parametrize(
    ("no_speech", "log_prob", "compression", "trusted", "silent"),
    [
        (0.1, -0.3, 1.5, True, False),
        (0.9, -1.5, 1.5, False, True),
        (0.9, -0.3, 1.5, True, False),
        (0.1, -1.5, 1.5, False, False),
        (0.1, -0.3, 3.0, False, False),
    ],
)
def test_invented_text_and_loops_are_not_trusted(
    no_speech: float, log_prob: float, compression: float, trusted: bool, silent: bool
) -> None:
    segment = SimpleNamespace(no_speech_prob=no_speech, avg_logprob=log_prob, compression_ratio=compression)
    assert whisper.is_trustworthy(segment) is trusted
    assert whisper.is_silence(segment) is silent


def test_beam_and_compute_type_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (whisper.beam_size(), whisper.compute("cpu"), whisper.compute("cuda")) == (5, "int8", "float16")
    monkeypatch.setenv("DEBRIEF_BEAM", "")
    assert whisper.beam_size() == 5
    monkeypatch.setenv("DEBRIEF_BEAM", "1")
    monkeypatch.setenv("DEBRIEF_COMPUTE_TYPE", "float32")
    assert (whisper.beam_size(), whisper.compute("cpu")) == (1, "float32")


@pytest.mark.parametrize("beam", ["0", "wide", "2.5", "\u00b2"])
def test_a_beam_or_compute_type_that_cannot_work_is_named(monkeypatch: pytest.MonkeyPatch, beam: str) -> None:
    monkeypatch.setenv("DEBRIEF_BEAM", beam)
    monkeypatch.setenv("DEBRIEF_COMPUTE_TYPE", "int7")
    with pytest.raises(EngineError, match=f"DEBRIEF_BEAM={beam}: give a whole number"):
        whisper.beam_size()
    with pytest.raises(EngineError, match=r"DEBRIEF_COMPUTE_TYPE=int7: this machine knows .*float32.*int8"):
        whisper.compute("cpu")


def test_expected_errors_come_from_the_words() -> None:
    assert whisper.expected_wer([]) is None
    assert whisper.expected_wer([Word(0, 1, "a", 0.9), Word(1, 2, "b", 0.7)]) == pytest.approx(0.2)
