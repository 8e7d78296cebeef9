"""Clips: the right seconds, silence where it must be, captions in step, one line for what is wrong."""

from __future__ import annotations

import random
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from hearing_samples import SAMPLES, write

from pipeline.audio import RATE, load_audio
from pipeline.clips import KINDS, clip_captions, make_clip, write_clip
from pipeline.errors import AudioError, StoreError
from pipeline.redact import silences
from pipeline.timing import evenly, said_words
from pipeline.types import Turn, Word


def tone(hz: float, seconds: float) -> np.ndarray:
    return np.asarray(0.4 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE), np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds: 300 Hz, then from 2.0 to 3.0 s 900 Hz, then 300 Hz again."""
    sound = np.concatenate([tone(300, 2), tone(900, 1), tone(300, 2)])
    return write(
        tmp_path_factory.mktemp("clips") / "call.wav", np.stack([sound, sound]), codec="pcm_s16le", rate=44_100
    )


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


def heard(content: bytes, folder: Path, kind: str) -> np.ndarray:
    path = folder / f"clip.{kind}"
    path.write_bytes(content)
    return load_audio(path).read(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_holds_the_seconds_asked_for(source: Path, tmp_path: Path, kind: str) -> None:
    samples = heard(make_clip(source, t0=1.5, t1=3.5, container=kind), tmp_path, kind)  # type: ignore[arg-type]
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.06)
    assert pitch(samples[: int(0.45 * RATE)]) == pytest.approx(300, abs=10)
    assert pitch(samples[int(0.55 * RATE) : int(1.45 * RATE)]) == pytest.approx(900, abs=10)
    assert pitch(samples[int(1.6 * RATE) : int(1.95 * RATE)]) == pytest.approx(300, abs=10)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_silenced_is_silent(source: Path, tmp_path: Path, kind: str) -> None:
    made = make_clip(source, t0=1.0, silences=[(2.0, 3.0), (0.0, 0.2), (40.0, 50.0)], container=kind)  # type: ignore[arg-type]
    samples = heard(made, tmp_path, kind)
    # a codec's window reaches some milliseconds into the silence, with the sound beside it and nothing else
    inside, edges = samples[int(1.15 * RATE) : int(1.95 * RATE)], samples[int(1.0 * RATE) : int(2.0 * RATE)]
    assert np.abs(inside).max() < 1e-3
    assert abs(np.sum(edges * np.exp(-2j * np.pi * 900 * np.arange(len(edges)) / RATE))) / len(edges) < 1e-3
    assert np.sqrt(np.mean(samples[: int(0.9 * RATE)] ** 2)) > 0.1


def test_a_silence_to_the_end_of_time_leaves_no_sound(source: Path, tmp_path: Path) -> None:
    samples = heard(make_clip(source, silences=[(0.0, float("inf"))]), tmp_path, "m4a")
    assert np.abs(samples).max() < 1e-3


def test_times_are_those_of_the_record_in_a_compressed_call(tmp_path: Path) -> None:
    for path in sorted((SAMPLES / "inbox").rglob("*.ogg"))[:1]:
        whole = load_audio(path).read(0)
        piece = heard(make_clip(path, t0=30.0, t1=33.0), tmp_path, "m4a")
        window = whole[30 * RATE - RATE // 10 : 33 * RATE + RATE // 10]
        shift = np.argmax(np.correlate(window, piece[: 3 * RATE - 800], "valid")) / RATE - 0.1
        assert abs(shift) < 0.03


@pytest.mark.parametrize(
    ("t0", "t1", "says"),
    [(3.0, 3.0, "ends after"), (-1.0, 2.0, "starts at"), (60.0, 61.0, "no sound after 60 seconds")],
)
def test_a_clip_of_nothing_is_one_line(source: Path, t0: float, t1: float, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        make_clip(source, t0=t0, t1=t1)


def test_a_silence_that_runs_backwards_makes_no_clip(source: Path) -> None:
    for wrong in ((2.0, 1.0), (float("nan"), 2.0), (1.0, float("nan"))):
        with pytest.raises(AudioError, match="a silence runs"):
            make_clip(source, silences=[wrong])


def test_a_full_disk_is_not_the_recordings_fault(source: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        for kind in KINDS:
            with pytest.raises(StoreError, match="a clip cannot be written"):
                write_clip(source, tmp_path / f"clip.{kind}", container=kind)  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_recording_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "call.mp3").write_bytes(b"nothing to hear")
    with pytest.raises(AudioError, match="not an audio or video file"):
        make_clip(tmp_path / "call.mp3")
    with pytest.raises(AudioError, match="no such file"):
        make_clip(tmp_path / "gone.wav")


WORDS = ("my", "card", "is", "four", "two", "okay")
TIMED = Turn(
    10.0,
    13.0,
    "buyer:Dana",
    "My card is 42. Okay?",
    tuple(Word(10 + k / 2, 10.5 + k / 2, w) for k, w in enumerate(WORDS)),
)


def test_captions_hide_what_is_private_also_where_word_times_are_wrong() -> None:
    said = "my card is four two four two four two four two four two four two four two four two thanks"
    nowhere = Turn(10.0, 20.0, "buyer:Ann", said, tuple(Word(0.0, 0.0, word) for word in said.split()))

    text = clip_captions([nowhere], t0=0.0, t1=20.0, silences=silences([nowhere], t0=0.0, t1=20.0))

    assert "four" not in text
    assert "four" in clip_captions([nowhere], t0=0.0, t1=20.0, kinds=())


def test_captions_count_from_the_clips_start_and_hide_what_is_silenced() -> None:
    text = clip_captions([TIMED], t0=10.0, t1=14.0, silences=[(11.5, 12.5)])
    assert "00:00:00.000 --> 00:00:03.000\n<v Dana>My card is [redacted] Okay?</v>" in text
    assert "42" not in text


def test_a_speaker_who_dialled_in_is_not_named_by_the_number() -> None:
    text = clip_captions([Turn(5.0, 9.0, "buyer:+1 415 555 2671", "good morning")], t0=5.0, t1=9.0)
    assert "<v [phone]>good morning</v>" in text


def test_a_turn_without_word_times_is_hidden_whole() -> None:
    text = clip_captions([Turn(5.0, 9.0, "rep", "call me on 42")], t0=6.0, t1=20.0, silences=[(8.0, 8.1)])
    assert "00:00:00.000 --> 00:00:03.000\n<v rep>[redacted]</v>" in text


def test_long_turns_become_several_cues_inside_the_clip() -> None:
    long = Turn(0.0, 60.0, "rep", " ".join(f"word{k}" for k in range(120)))
    text = clip_captions([long], t0=10.0, t1=30.0)
    cues = [line for line in text.splitlines() if "-->" in line]
    assert len(cues) >= 3
    assert "word0 " not in text
    assert "word119" not in text
    assert all(line.split(" --> ")[1] <= "00:00:20.000" for line in cues)


def test_words_written_otherwise_share_the_time_of_what_was_heard() -> None:
    said = said_words(TIMED)
    assert [TIMED.text[word.start : word.end] for word in said] == ["My", "card", "is", "42.", "Okay?"]
    assert [(word.t0, word.t1) for word in said][2:] == [(11.0, 11.5), (11.5, 12.5), (12.5, 13.0)]
    assert said_words(Turn(0, 1, "rep", "no times")) == ()
    bare = evenly(Turn(0, 1, "rep", "ab cd"))
    assert [(word.t0, word.t1) for word in bare] == [(0, 0.5), (0.5, 1.0)]


def test_an_hour_of_talk_by_one_person_is_laid_over_its_words_in_a_second() -> None:
    """Before, 8,000 words took 9 s, and twice as many eight times that: for each look at the page, each clip."""
    vocabulary = [f"w{n}" for n in range(2000)]
    pick = random.Random(1).choices(vocabulary, [1 / (n + 1) for n in range(2000)], k=8000)
    heard, written, begins = [], [], []
    for n, word in enumerate(pick):
        said = ["twenty", "thousand", "dollars"] if n % 40 == 7 else [word]
        written.append("$20,000" if len(said) > 1 else word)
        begins.append(0.4 * len(heard))
        heard += said
    words = tuple(Word(0.4 * n, 0.4 * n + 0.3, word) for n, word in enumerate(heard))
    begun = time.process_time()
    found = said_words(Turn(0, words[-1].t1, "rep", " ".join(written), words))
    assert time.process_time() - begun < 3
    assert [word.t0 for word in found] == pytest.approx(begins)


def test_a_word_that_nobody_heard_stands_in_the_gap() -> None:
    turn = Turn(0.0, 2.0, "rep", "so yes well", (Word(0.0, 0.5, "so"), Word(1.5, 2.0, "well")))
    assert [(word.t0, word.t1) for word in said_words(turn)] == [(0.0, 0.5), (0.5, 1.5), (1.5, 2.0)]
