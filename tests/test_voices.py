from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hearing_samples import piece, reference

from models import catalogue
from models.dvector import SIZE, embed, mel_frames
from models.segmentation import FRAME_S, WINDOW_S, activities, frame_times, read_state
from pipeline.errors import ModelUnavailable


def turns_of(side: str, count: int) -> list[np.ndarray]:
    turns = [t for t in reference("rec-03")["turns"] if t["speaker"].startswith(side) and t["t1"] - t["t0"] > 3]
    return [piece("rec-03", t["t0"], t["t0"] + 3)[0] for t in turns[:count]]


def test_same_voice_is_closer_than_another() -> None:
    reps, buyers = turns_of("rep", 3), turns_of("buyer", 3)
    vectors = embed([mel_frames(samples) for samples in reps + buyers])
    assert vectors.shape == (6, SIZE)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    alike = vectors @ vectors.T
    same = [alike[0, 1], alike[0, 2], alike[1, 2], alike[3, 4], alike[3, 5], alike[4, 5]]
    assert min(same) > alike[:3, 3:].max()


def test_order_and_batch_do_not_change_a_vector() -> None:
    mel = [mel_frames(samples) for samples in turns_of("rep", 2)]
    pieces = [mel[0][:120], mel[1], mel[0]]
    together = embed(pieces)
    for row, alone in zip(together, pieces, strict=True):
        np.testing.assert_allclose(row, embed([alone])[0], atol=1e-5)


def test_segmentation_follows_speech_and_silence() -> None:
    turn = next(t for t in reference("rec-03")["turns"] if t["t1"] - t["t0"] > 4)
    samples = np.zeros(round(WINDOW_S * 16_000), np.float32)
    speech = piece("rec-03", turn["t0"], turn["t0"] + 2.5)[0]
    samples[: len(speech)] = speech
    activity = activities(samples, [0])
    assert activity.shape[2] == 3
    spoken = (activity[0] > 0.5).any(axis=1)
    times = frame_times(len(spoken))
    assert spoken[(times > 0.5) & (times < 2.0)].mean() > 0.8
    assert spoken[times > 3.2].mean() < 0.1
    assert times[1] - times[0] == pytest.approx(FRAME_S)


def test_windows_that_overlap_are_heard_as_each_alone() -> None:
    sound = piece("rec-03", 0.0, 12.0)[0]
    starts = [0, 32_000, 64_000]
    together = activities(sound, starts)
    for start, row in zip([*starts, 140_000], activities(sound, [*starts, 140_000]), strict=True):
        np.testing.assert_allclose(row, activities(sound[start:], [0])[0], atol=2e-3)
    # each window is brought to mean 0 and variance 1
    np.testing.assert_allclose(together, activities(0.5 * sound + np.float32(0.1), starts), atol=2e-3)
    assert activities(sound, []).shape[0] == 0


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.PACKAGED["dvector"]
    changed = catalogue.Packaged(entry.package, entry.file, entry.requirement, "0" * 64, entry.licence, entry.use)
    monkeypatch.setitem(catalogue.PACKAGED, "changed", changed)
    monkeypatch.setitem(
        catalogue.PACKAGED, "absent", catalogue.Packaged("no_such_package", "x.bin", "nothing==1", "", "", "nothing")
    )
    for name, word in (("changed", "not the file"), ("absent", "missing")):
        with pytest.raises(ModelUnavailable, match=word) as error:
            catalogue.packaged_weights(name)
        assert "\n" not in str(error.value)


def test_the_checkpoint_reader_runs_nothing(tmp_path: Path) -> None:
    import torch

    class Harmful:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "weights.bin"
    torch.save({"state_dict": {"a": torch.ones(2), "b": Harmful()}}, path, pickle_module=pickle)
    state = read_state(path)
    assert list(state) == ["a"]
    assert not (tmp_path / "ran").exists()
    assert io.BytesIO(path.read_bytes()).read(2) == b"PK"
