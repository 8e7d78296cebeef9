"""What a page plays: the recording where it lies now, or a copy that browsers can play."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
from pathlib import Path

import fakes
import numpy as np
import pytest
from hearing_samples import write

from pipeline import batch, plan, retention
from pipeline.audio import RATE, load_audio
from pipeline.errors import AudioError
from pipeline.ingest import discover, hash_file
from pipeline.listening import browser_type, kept_copy, recording_of
from pipeline.settings import Settings
from pipeline.store import Store


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of quiet as WAV."""
    return write(tmp_path_factory.mktemp("sound") / "call.wav", np.zeros((1, RATE), np.float32), codec="pcm_s16le")


def test_what_browsers_cannot_play_is_copied_once_and_kept(tmp_path: Path, sound: Path) -> None:
    law = write(tmp_path / "call.au", np.zeros((1, RATE), np.float32) + 0.1, codec="pcm_mulaw", rate=8000)
    assert browser_type(law) is None
    assert browser_type(sound) == "audio/wav"
    made = kept_copy(tmp_path, "ab" * 32, law, "ogg")
    assert made == tmp_path / "cache" / "listen" / f"{'ab' * 32}.ogg"
    assert load_audio(made).duration_s == pytest.approx(1.0, abs=0.05)
    assert browser_type(made) == "audio/ogg"
    law.unlink()
    assert kept_copy(tmp_path, "ab" * 32, law, "ogg") == made
    assert [file.name for file in made.parent.iterdir()] == [made.name]


def test_copies_to_listen_to_go_with_the_recording_when_its_time_is_over(stages: None, settings: Settings) -> None:
    for name in ("2026-01-05_Old", "2026-10-05_New"):
        path = settings.inbox_folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"ok {name}")
    for job in plan.plan(discover([settings.inbox_folder]), settings).jobs:
        fakes.work((job, settings))
    batch.update_store(settings)
    old, new = (hash_file(path) for path in sorted(settings.inbox_folder.glob("*.wav")))
    folder = settings.data / "cache" / "listen"
    folder.mkdir(parents=True)
    for name in (f"{old}.m4a", f"{old}-00ff.ogg", f"{new}.m4a", "playlist-00ff.zip"):
        (folder / name).write_bytes(b"sound")
    brief = dataclasses.replace(settings, keep_recordings_days=90)

    with Store(settings.data) as store:
        retention.retain(brief, store, retention.due(brief, store, today=dt.date(2026, 10, 6))[0])

    assert [path.name for path in settings.inbox_folder.glob("*.wav")] == ["2026-10-05_New.wav"]
    assert [path.name for path in folder.iterdir()] == [f"{new}.m4a"]


def test_a_film_is_not_sent_for_its_sound(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "call.mp4"), "w") as film:
        picture, voice = film.add_stream("mpeg4", rate=5), film.add_stream("aac", rate=24_000, layout="mono")
        picture.width = picture.height = 32
        film.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
        film.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 24_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 24_000
        film.mux(voice.encode(frame))
        film.mux(voice.encode(None))
    assert browser_type(tmp_path / "call.mp4") is None


def test_a_recording_is_found_where_it_was_moved_and_never_mistaken(tmp_path: Path) -> None:
    first = write(tmp_path / "call.wav", np.zeros((1, RATE), np.float32), codec="pcm_s16le")
    state = first.stat()
    sha256 = hashlib.sha256(first.read_bytes()).hexdigest()
    source = {"kind": "audio", "path": str(first), "sha256": sha256, "size": state.st_size}
    made = {"source": {**source, "mtime_ns": state.st_mtime_ns}}
    assert recording_of(made, tmp_path) == first
    # the same bytes with another time are the same recording, other bytes of the same length are not
    os.utime(first, ns=(1, 1))
    assert recording_of(made, tmp_path) == first
    moved = first.rename(tmp_path / "archive.wav")
    with pytest.raises(AudioError, match=r"gone: call\.wav"):
        recording_of(made, tmp_path)
    (tmp_path / "hashes.jsonl").write_text(f'["{moved}", {state.st_size}, 1, "{sha256}"]\nnot JSON {sha256}\n')
    assert recording_of(made, tmp_path) == moved
    moved.write_bytes(b"\0" * state.st_size)
    os.utime(moved, ns=(2, 2))
    first.write_bytes(b"\0" * state.st_size)
    with pytest.raises(AudioError, match="Another file"):
        recording_of(made, tmp_path)
    with pytest.raises(AudioError, match="came as a transcript"):
        recording_of({"source": {"kind": "transcript", "path": "x"}}, tmp_path)
