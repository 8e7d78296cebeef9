from __future__ import annotations

from pathlib import Path

import jiwer
import numpy as np
import pytest
from hearing_samples import piece, reference, write

from models import sphinx
from models.recognisers import RECOGNISERS
from pipeline.audio import Audio
from pipeline.diarize import Diarization, Span
from pipeline.errors import EngineError, ModelUnavailable
from pipeline.hear import choose_engine, glossary, transcribe, utterances
from pipeline.settings import Settings
from pipeline.types import CallMeta, Word


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings on a machine that has no Whisper model."""
    monkeypatch.setenv("DEBRIEF_MODELS", str(tmp_path / "none"))
    return Settings(data=tmp_path)


def said(call: str, t0: float, t1: float) -> str:
    words = [word for turn in reference(call)["turns"] for word in turn["words"] if t0 <= word["t0"] < t1]
    return " ".join(str(word["text"]) for word in sorted(words, key=lambda word: word["t0"]))


def plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha() or letter in " '")


def test_a_stereo_piece_is_heard_by_the_right_channels(tmp_path: Path, no_models: Settings) -> None:
    path = write(tmp_path / "call.wav", piece("rec-01", 0.0, 14.0), codec="pcm_s16le")
    heard = transcribe(path, meta=CallMeta(rep="Priya Nair"), settings=no_models)
    assert heard.hearing.engine == "pocketsphinx"
    assert heard.hearing.diarizer == "channels"
    assert "debrief models pull" in heard.hearing.notes[0]
    assert len(heard.call_id) == 12
    assert [turn.speaker for turn in heard.turns] == ["channel 0", "channel 1", "channel 0"]
    words = " ".join(word.text for turn in heard.turns for word in turn.words)
    error = jiwer.wer(plain(said("rec-01", 0.0, 14.0)), plain(words))
    assert error < 0.35
    assert heard.hearing.expected_wer == pytest.approx(error, abs=0.15)
    assert all(word.t1 - word.t0 <= 1.5 for turn in heard.turns for word in turn.words)


def test_noise_raises_the_expected_error_over_the_limit(tmp_path: Path, no_models: Settings) -> None:
    speech = piece("rec-01", 13.0, 18.0)
    noise = np.random.default_rng(0).standard_normal(speech.shape).astype(np.float32)
    loud = speech + noise * np.float32(0.5 * np.sqrt(np.mean(speech**2)))
    heard = transcribe(write(tmp_path / "noisy.wav", loud, codec="pcm_s16le"), meta=None, settings=no_models)
    assert (heard.hearing.expected_wer or 0.0) > no_models.max_expected_wer


def test_the_engine_is_never_a_silent_fallback(no_models: Settings, tmp_path: Path) -> None:
    assert choose_engine(no_models)[0] == "pocketsphinx"
    assert choose_engine(Settings(data=tmp_path, engine="pocketsphinx"))[2] == ()
    with pytest.raises(ModelUnavailable, match="debrief models pull"):
        choose_engine(Settings(data=tmp_path, engine="faster-whisper"))
    with pytest.raises(ModelUnavailable, match="no model"):
        choose_engine(Settings(data=tmp_path, whisper_model="missing-folder"))
    with pytest.raises(EngineError, match="unknown engine"):
        choose_engine(Settings(data=tmp_path, engine="magic"))


@pytest.mark.parametrize("language", ["de", "auto"])
def test_only_english_without_a_download(language: str) -> None:
    with pytest.raises(ModelUnavailable, match="English only"):
        sphinx.transcribe(lambda t0, t1: np.zeros(1, np.float32), [], language=language)


def test_every_recogniser_keeps_the_contract() -> None:
    for name, recogniser in RECOGNISERS.items():
        assert recogniser.expected_wer([]) is None, name
        sure = recogniser.expected_wer([Word(0, 1, "yes", 0.95)])
        doubtful = recogniser.expected_wer([Word(0, 1, "yes", 0.2)])
        assert sure is not None
        assert doubtful is not None
        assert 0 <= sure < doubtful <= 1


def test_a_words_probability_says_how_often_such_words_are_right() -> None:
    def heard(mean: float) -> list[list[Word]]:
        rest = [Word(float(at), at + 0.3, "word", mean) for at in range(20)]
        return [[Word(30.0, 30.3, "half", 0.5)], [*rest, Word(40.0, 40.3, "none", 0.0)]]

    clear, noisy = (sphinx.calibrated(heard(mean)) for mean in (0.9, 0.1))
    assert [[word.text for word in channel] for channel in clear] == [[w.text for w in c] for c in heard(0.9)]
    assert clear[0][0].prob > 0.7 > noisy[0][0].prob  # type: ignore[operator]
    assert clear[1][0].prob > clear[0][0].prob > clear[1][-1].prob > 0.0  # type: ignore[operator]
    assert sphinx.calibrated([[], []]) == [[], []]


def test_silence_gives_no_words() -> None:
    quiet = np.zeros(3 * 16_000, np.float32)
    assert sphinx.transcribe(lambda t0, t1: quiet[round(t0 * 16_000) : round(t1 * 16_000)], [(0.0, 3.0)]) == []


def test_long_speech_is_cut_where_it_is_least_likely() -> None:
    speech = np.ones(1600, np.float32)
    speech[500] = 0.1
    spans = (Span(0.0, 50.0, "channel 0", 0),)
    pieces = utterances(Diarization(spans, "channels", Audio.of(np.zeros(16)), (speech,)), 0)
    assert pieces[0] == (0.0, pytest.approx(500 * 0.032))
    assert all(t1 - t0 <= 20.0 for t0, t1 in pieces)
    assert [before[1] for before in pieces[:-1]] == [after[0] for after in pieces[1:]]


def test_the_glossary_knows_who_is_on_the_call() -> None:
    meta = CallMeta(rep="Priya Nair", account="Calder Pumps", extra={"participants": [{"name": "Owen"}, "Jim"]})
    terms = glossary(meta, Settings(glossary="Steady Line, Owen,"))
    assert terms == ("Priya", "Nair", "Owen", "Jim", "Calder Pumps", "Steady Line")


def test_participants_in_one_cell_or_without_a_name_give_names_only() -> None:
    """A CSV's cell is one text; vendors list people of whom only the e-mail is known."""
    cell = CallMeta(extra={"participants": "Ann Lee, Dana Reed; Jim"})
    assert glossary(cell, Settings()) == ("Ann Lee", "Dana Reed", "Jim")
    unnamed = CallMeta(extra={"participants": [{"email": "jo@acme.com"}, {"name": None}, None, {"name": "Owen"}]})
    assert glossary(unnamed, Settings()) == ("Owen",)
    assert glossary(CallMeta(extra={"participants": 3}), Settings()) == ()
