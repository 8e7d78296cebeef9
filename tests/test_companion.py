from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hearing_samples import piece, reference, write

from pipeline.companion import hear_or_read
from pipeline.ingest import Found, Source, beside_state, discover, identify
from pipeline.process import process_source, stale
from pipeline.settings import Settings
from pipeline.types import CallMeta, Transcript

NAMED = (
    "WEBVTT\n\n00:00.000 --> 00:05.000\nPriya Nair: What does a stop cost you?\n\n"
    "00:06.000 --> 00:09.000\nOwen: A lot.\n"
)
NOT_NAMED = NAMED.replace("Priya Nair: ", "").replace("Owen: ", "")


def never(path: Path, *, meta: CallMeta, settings: Settings) -> Transcript:
    raise AssertionError("the recording was recognised although its transcript lies beside it")


def source(path: Path) -> Source:
    return identify(Found(path), pattern="{date}_{account}")


def recording(path: Path) -> Path:
    path.write_bytes(b"RIFF" + bytes(64))
    return path


def test_the_transcript_beside_a_recording_is_read_instead_of_hearing_it(tmp_path: Path) -> None:
    call = recording(tmp_path / "2026-10-06_Calder Pumps.wav")
    for name in ("2026-10-06_Calder Pumps.vtt", "2026-10-06_Calder Pumps.wav.vtt"):
        beside = tmp_path / name
        beside.write_text(NAMED)
        found = source(call)
        assert found.kind == "audio"
        assert found.companion == beside
        read = hear_or_read(found, Settings(data=tmp_path), hear=never)
        assert [turn.speaker for turn in read.turns] == ["Priya Nair", "Owen"]
        assert read.meta.account == "Calder Pumps"
        assert beside.name in read.hearing.notes[-1]
        assert read.hearing.engine == "import"
        beside.unlink()


def test_a_folder_counts_recording_and_transcript_as_one_call(tmp_path: Path) -> None:
    call = recording(tmp_path / "call.wav")
    beside = tmp_path / "call.vtt"
    beside.write_text(NAMED)
    (tmp_path / "other.vtt").write_text(NAMED)
    assert [found.path.name for found in discover([tmp_path])] == ["call.wav", "other.vtt"]
    assert [found.path.name for found in discover([beside, call])] == ["call.wav"]
    assert [found.path.name for found in discover([beside])] == ["call.vtt"]


@pytest.mark.parametrize(
    "words", ["GMT20261006-140000_Recording.transcript.vtt", "GMT20261006-140000_Recording.cc.vtt"]
)
@pytest.mark.parametrize("picture", ["", "_1920x1080", "_gallery_1280x720"])
def test_what_zoom_leaves_beside_a_recording_is_read_with_it(tmp_path: Path, picture: str, words: str) -> None:
    call = recording(tmp_path / f"GMT20261006-140000_Recording{picture}.mp4")
    before = beside_state(call)
    (tmp_path / words).write_text(NAMED)
    assert [found.path for found in discover([tmp_path])] == [call]
    assert source(call).companion == tmp_path / words
    assert beside_state(call) != before
    (tmp_path / words.replace("140000", "150000")).write_text(NAMED)
    assert len(discover([tmp_path])) == 2


def test_a_transcript_is_not_of_a_recording_that_has_a_word_more_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "2026-10-06.vtt").write_text(NAMED)
    own = recording(tmp_path / "2026-10-06_1280x720.mp4")
    others = [recording(tmp_path / f"2026-10-06_{name}_1280x720.mp4") for name in ("acme", "globex")]
    assert [source(call).companion for call in (own, *others)] == [tmp_path / "2026-10-06.vtt", None, None]


def test_a_second_format_of_the_same_transcript_is_no_second_call(tmp_path: Path) -> None:
    call = recording(tmp_path / "call.mp4")
    (tmp_path / "call.vtt").write_text(NAMED)
    (tmp_path / "call.txt").write_text("Priya Nair: What does a stop cost you?\nOwen: A lot.\nOwen: Well.\n")
    (tmp_path / "call.transcript.vtt").write_text(NAMED)
    assert [found.path for found in discover([tmp_path])] == [call]
    assert source(call).companion == tmp_path / "call.txt"


def test_notes_that_are_no_transcript_are_no_companion(tmp_path: Path) -> None:
    call = recording(tmp_path / "call.wav")
    (tmp_path / "call.txt").write_text("buy milk")
    (tmp_path / "call.json").write_text('{"rep": "Priya Nair"}')
    assert source(call).companion is None
    assert source(call).sidecar.rep == "Priya Nair"


def test_a_broken_transcript_is_said_and_the_recording_heard(tmp_path: Path) -> None:
    call = recording(tmp_path / "call.wav")
    (tmp_path / "call.vtt").write_text("WEBVTT\n\n")

    def hear(path: Path, *, meta: CallMeta, settings: Settings) -> Transcript:
        return Transcript("heard", meta, ())

    heard = hear_or_read(source(call), Settings(data=tmp_path), hear=hear)
    assert heard.call_id == "heard"
    assert "call.vtt beside the recording was not used" in heard.hearing.notes[-1]


def test_words_without_names_get_their_speakers_from_the_recording(tmp_path: Path) -> None:
    call = write(tmp_path / "call.wav", piece("rec-01", 0.0, 30.0), codec="pcm_s16le")
    turns = [turn for turn in reference("rec-01")["turns"] if turn["t1"] < 30.0]
    cues = "".join(f"{stamp(t['t0'])} --> {stamp(t['t1'])}\n{t['text']}\n\n" for t in turns)
    (tmp_path / "call.vtt").write_text("WEBVTT\n\n" + cues)
    read = hear_or_read(source(call), Settings(data=tmp_path), hear=never)
    assert read.hearing.diarizer == "channels"
    sides = {"channel 0": "rep", "channel 1": "buyer"}
    assert [sides[turn.speaker] for turn in read.turns] == [turn["speaker"].partition(":")[0] for turn in turns]
    assert " ".join(turn.text for turn in read.turns) == " ".join(turn["text"] for turn in turns)


def test_timed_words_without_stops_leave_the_text_as_it_is_written(tmp_path: Path) -> None:
    """OpenAI's verbose_json: a segment over two people, its words bare."""
    call = write(tmp_path / "call.wav", piece("rec-01", 0.0, 30.0), codec="pcm_s16le")
    turns = [turn for turn in reference("rec-01")["turns"] if turn["t1"] < 30.0]
    words = []
    for turn in turns:
        bare = [word.strip(".,?!").lower() for word in turn["text"].split()]
        step = (turn["t1"] - turn["t0"]) / len(bare)
        times = [turn["t0"] + k * step for k in range(len(bare))]
        words += [{"word": word, "start": at, "end": at + step} for word, at in zip(bare, times, strict=True)]
    text = " ".join(turn["text"] for turn in turns)
    segment = {"id": 0, "start": turns[0]["t0"], "end": turns[-1]["t1"], "text": text}
    data = {"task": "transcribe", "language": "english", "text": text, "segments": [segment], "words": words}
    (tmp_path / "call.json").write_text(json.dumps(data))
    read = hear_or_read(source(call), Settings(data=tmp_path), hear=never)
    assert " ".join(turn.text for turn in read.turns) == text
    sides = {"channel 0": "rep", "channel 1": "buyer"}
    assert [sides[turn.speaker] for turn in read.turns] == [turn["speaker"].partition(":")[0] for turn in turns]
    assert sum(len(turn.words) for turn in read.turns) == len(words)


def stamp(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{seconds % 60:06.3f}"


def test_sound_that_cannot_be_decoded_costs_the_speakers_not_the_words(tmp_path: Path) -> None:
    call = recording(tmp_path / "call.wav")
    (tmp_path / "call.vtt").write_text(NOT_NAMED)
    read = hear_or_read(source(call), Settings(data=tmp_path), hear=never)
    assert [turn.text for turn in read.turns] == ["What does a stop cost you?", "A lot."]
    assert "not told apart" in read.hearing.notes[-1]
    silent = write(tmp_path / "silent.wav", np.zeros((1, 16_000), np.float32), codec="pcm_s16le")
    (tmp_path / "silent.vtt").write_text(NOT_NAMED)
    assert "no speech" in hear_or_read(source(silent), Settings(data=tmp_path), hear=never).hearing.notes[-1]


def test_a_transcript_that_comes_later_or_changes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = recording(tmp_path / "call.wav")
    beside = tmp_path / "call.vtt"
    beside.write_text(NAMED)
    settings = Settings(data=tmp_path, min_roles_confidence=1.1)
    record = process_source(source(call), settings)
    now = {key: record["provenance"][key] for key in ("rubric", "judge")}
    assert record["status"] == "review"
    assert stale(record, settings, now=now, source=source(call)) == ""
    beside.write_text(NAMED + "\n00:10.000 --> 00:12.000\nOwen: And more.\n")
    assert stale(record, settings, now=now, source=source(call)) == "hear"
    beside.unlink()
    assert stale(record, settings, now=now, source=source(call)) == "hear"
