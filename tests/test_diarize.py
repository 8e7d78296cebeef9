from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hearing_samples import SHARED, piece, reference

from models.diarizers import DIARIZERS, Voice
from pipeline.audio import Audio, load_audio, require_speech
from pipeline.diarize import Diarization, Span, diarize, loudest_speaker_at
from pipeline.errors import ModelUnavailable
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pyannote.core import Annotation


def run(samples: np.ndarray, **choices: object) -> Diarization:
    audio = Audio.of(samples)
    return diarize(audio, require_speech("call.wav", audio), settings=Settings(**choices))  # type: ignore[arg-type]


def error_rate(spans: tuple[Span, ...], truth: Annotation, seconds: float, *, collar: float = 0.5) -> float:
    # loaded with scipy and matplotlib, which every worker would pay for that collects these tests
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    found = Annotation()
    for index, span in enumerate(spans):
        found[Segment(span.t0, span.t1), index] = span.speaker
    return float(DiarizationErrorRate(collar=collar)(truth, found, uem=Timeline([Segment(0, seconds)])))


def truth(call: str, t0: float, t1: float) -> Annotation:
    path = Path(__file__).resolve().parents[1] / "sample_calls" / "reference" / f"{call}.rttm"
    return shifted(annotation(path), t0, t1)


def shifted(whole: Annotation, t0: float, t1: float) -> Annotation:
    from pyannote.core import Annotation, Segment

    part = Annotation()
    for index, (segment, _, label) in enumerate(whole.crop(Segment(t0, t1)).itertracks(yield_label=True)):
        part[Segment(segment.start - t0, segment.end - t0), index] = label
    return part


def annotation(path: Path) -> Annotation:
    from pyannote.core import Annotation, Segment

    rows = Annotation()
    for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        fields = line.split()
        rows[Segment(float(fields[3]), float(fields[3]) + float(fields[4])), index] = fields[7]
    return rows


def test_two_channels_with_bleed() -> None:
    samples = piece("rec-01", 0.0, 60.0)
    bleed = 10 ** (-12 / 20)
    mixed = np.stack([samples[0] + bleed * samples[1], samples[1] + bleed * samples[0]])
    for rows in (samples, mixed):
        found = run(rows)
        assert found.method == "channels"
        assert error_rate(found.spans, truth("rec-01", 0.0, 60.0), 60.0) < 0.02


def test_hold_music_on_one_channel_moves_nobody() -> None:
    from test_audio import hold_music

    sound = piece("rec-01", 0.0, 40.0).astype(np.float64)
    music = np.zeros(sound.shape[1])
    music[10 * 16_000 : 30 * 16_000] = hold_music(20)[0]
    loud = np.sqrt(np.mean(sound[np.abs(sound) > 0.02] ** 2))
    sound[1] += music * 10 ** (-10 / 20) * loud / np.sqrt(np.mean(music[music != 0] ** 2))
    found = run(sound)
    assert found.method == "channels"
    assert error_rate(found.spans, truth("rec-01", 0.0, 40.0), 40.0) < 0.02


def two_on_one_channel() -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """The rep of rec-06 on the left, its two buyers on the right, and who says what when."""
    sound = piece("rec-06", 0.0, 190.0)[0]
    both = np.zeros((2, len(sound)), np.float32)
    said = []
    for turn in reference("rec-06")["turns"]:
        if turn["t1"] < 190.0:
            at = slice(round(turn["t0"] * 16_000), round(turn["t1"] * 16_000))
            both[0 if turn["speaker"].startswith("rep") else 1, at] += sound[at]
            said.append((turn["t0"], turn["t1"], turn["speaker"]))
    return both, said


@pytest.mark.parametrize("count", [0, 3])
def test_several_people_on_one_channel(count: int) -> None:
    sound, said = two_on_one_channel()
    found = run(sound, speakers=count)
    assert {span.speaker for span in found.spans} == {"channel 0", "channel 1", "channel 1 voice 2"}
    names = {"rep": "channel 0", "buyer:Victor": "channel 1", "buyer:Jim": "channel 1 voice 2"}
    right = [
        loudest_speaker_at(found.spans, t0, t1) == names[speaker.partition(":")[0] if "rep" in speaker else speaker]
        for t0, t1, speaker in said
        if t1 - t0 > 1.5
    ]
    assert sum(right) / len(right) >= 0.9


def test_one_voice_a_channel_stays_one() -> None:
    assert {span.speaker for span in run(piece("rec-02", 0.0, 120.0)).spans} == {"channel 0", "channel 1"}


@pytest.mark.parametrize("make", [lambda row: np.stack([row, 0.5 * row]), lambda row: np.stack([row, 0 * row])])
def test_fake_stereo_is_mono(make: object) -> None:
    found = run(make(piece("rec-03", 0.0, 8.0)[0]))  # type: ignore[operator]
    assert found.method == "embedded"
    assert found.audio.channels == 1
    assert "treated as mono" in found.notes[0]


def test_voices_of_one_channel_are_told_apart() -> None:
    found = run(piece("rec-03", 0.0, 40.0))
    assert found.method == "embedded"
    assert len({span.speaker for span in found.spans}) == 2
    assert error_rate(found.spans, truth("rec-03", 0.0, 40.0), 40.0) < 0.05


def test_a_whole_call_in_noise() -> None:
    found = run(piece("rec-05", 0.0, 180.0))
    assert len({span.speaker for span in found.spans}) == 2
    for collar, limit in ((0.0, 0.09), (0.5, 0.025)):
        assert error_rate(found.spans, truth("rec-05", 0.0, 180.0), 180.0, collar=collar) < limit


def test_one_speaker_when_told_so() -> None:
    found = run(piece("rec-03", 0.0, 8.0), speakers=1)
    assert {span.speaker for span in found.spans} == {"SPEAKER_00"}


def test_the_real_telephone_sample() -> None:
    folder = SHARED / "data" / "diarization"
    if not folder.is_dir():
        pytest.skip("the shared recordings are not part of the project")
    audio = load_audio(folder / "sample.wav")
    found = diarize(audio, require_speech("sample.wav", audio), settings=Settings())
    expected = annotation(folder / "sample.rttm")
    assert error_rate(found.spans, expected, 30.0, collar=0.0) < 0.07
    assert error_rate(found.spans, expected, 30.0) < 0.02


def test_pyannote_asked_for_and_absent_is_one_line(tmp_path: Path) -> None:
    for folder in ("", str(tmp_path)):
        with pytest.raises(ModelUnavailable, match="pyannote") as error:
            run(piece("rec-03", 0.0, 8.0), diarizer="pyannote", pyannote_model=folder)
        assert "\n" not in str(error.value)
    with pytest.raises(ModelUnavailable, match="unknown diarizer"):
        run(piece("rec-03", 0.0, 8.0), diarizer="magic")


def test_auto_says_when_pyannote_was_configured_but_absent(tmp_path: Path) -> None:
    found = run(piece("rec-03", 0.0, 12.0), pyannote_model=str(tmp_path / "nothing"))
    assert found.method == "embedded"
    assert "pyannote" in found.notes[0]


def test_every_diarizer_is_called_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DIARIZERS:
        monkeypatch.setitem(
            DIARIZERS, name, lambda read, seconds, speakers, *, model="", speech=None: [Voice(0.0, seconds, 0)]
        )
        found = run(piece("rec-03", 0.0, 5.0), diarizer=name)
        assert found.method == name
        assert found.spans[0].t1 == pytest.approx(5.0)


def test_silence_has_no_voices() -> None:
    def read(t0: float, t1: float) -> np.ndarray:
        return np.zeros(round((t1 - t0) * 16_000), np.float32)

    assert DIARIZERS["embedded"](read, 8.0, 0) == []


def test_words_outside_every_span_go_to_the_nearest() -> None:
    spans = (Span(0.0, 1.0, "A"), Span(2.0, 3.0, "B"))
    assert loudest_speaker_at(spans, 0.2, 0.4) == "A"
    assert loudest_speaker_at(spans, 1.8, 1.9) == "B"
    assert loudest_speaker_at(spans, 9.0, 9.1) is None
