"""Every writer: what it writes can be read again, by our readers or by a strict reading of the format."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from pipeline.errors import TranscriptError
from pipeline.formats import WRITERS, read_transcript, sniff, write_transcript
from pipeline.types import CallMeta, Hearing, Transcript, Turn, Word

TRANSCRIPT = Transcript(
    call_id="abc123",
    meta=CallMeta(rep="Ann Lee", extra={"sides": {"x": "rep"}}),
    turns=(
        Turn(0.5, 2.25, "rep", "Hello & welcome, Dana.", (Word(0.5, 1.0, "Hello", 0.9), Word(1.0, 2.25, "&"))),
        Turn(2.5, 4.0, "buyer:Dana Fox", "Is 5 < 6 --> yes?"),
        Turn(4.0, 4.0, "rep:Tom", "Mm."),
        Turn(3661.0015, 3662.9, "SPEAKER_02", "Zoë: “ok”."),
    ),
    hearing=Hearing(engine="pocketsphinx", notes=("n",)),
)


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text(write_transcript(TRANSCRIPT, "json"), encoding="utf-8")
    assert sniff(path) == "debrief"
    assert read_transcript(path).to_json() == TRANSCRIPT.to_json()


@pytest.mark.parametrize(("name", "form"), [("vtt", "webvtt"), ("srt", "srt"), ("txt", "text")])
def test_captions_and_text_come_back(name: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text(write_transcript(TRANSCRIPT, name), encoding="utf-8")
    assert sniff(path) == form
    back = read_transcript(path)
    arrow = "->" if name == "srt" else "-->"
    assert [(t.speaker, t.text) for t in back.turns] == [
        (t.speaker, t.text.replace("-->", arrow)) for t in TRANSCRIPT.turns
    ]
    within = 1.0 if name == "txt" else 0.001
    assert [t.t0 for t in back.turns] == pytest.approx([t.t0 for t in TRANSCRIPT.turns], abs=within)
    if name != "txt":
        assert [t.t1 for t in back.turns] == pytest.approx([t.t1 for t in TRANSCRIPT.turns], abs=0.0011)


def test_a_monologue_in_text_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text(
        write_transcript(Transcript("c", CallMeta(), (Turn(1.0, 9.0, "rep:Tom", "Well. So it goes"),)), "txt")
    )
    assert [(turn.speaker, turn.text) for turn in read_transcript(path).turns] == [("rep:Tom", "Well. So it goes")]


def test_vtt_is_strictly_valid() -> None:
    from webvtt import WebVTT

    captions = WebVTT.from_string(write_transcript(TRANSCRIPT, "vtt"), strict=True)
    assert [caption.voice for caption in captions] == [turn.speaker for turn in TRANSCRIPT.turns]
    assert captions[3].start == "01:01:01.002"


def test_every_caption_ends_after_it_begins() -> None:
    for name in ("vtt", "srt"):
        times = re.findall(r"(?m)^(\d\S+) --> (\d\S+)$", write_transcript(TRANSCRIPT, name))
        assert len(times) == len(TRANSCRIPT.turns)
        assert all(start < end for start, end in times)


def test_people_who_write_themselves_small_come_back_from_text(tmp_path: Path) -> None:
    said = [("rep:ann lee", "Hello."), ("buyer:dana fox", "Hi."), ("rep:ann lee", "Well?"), ("buyer:dana fox", "Yes.")]
    turns = tuple(Turn(k, k + 0.5, who, text) for k, (who, text) in enumerate(said))
    for name in ("txt", "srt", "audacity"):
        (tmp_path / "t").write_text(write_transcript(Transcript("c", CallMeta(), turns), name))
        assert [(turn.speaker, turn.text) for turn in read_transcript(tmp_path / "t").turns] == said


def test_words_of_turns_that_overlap_are_in_order_of_time() -> None:
    turns = (Turn(0.0, 4.0, "rep", "one three five seven"), Turn(0.5, 3.5, "buyer", "two four six"))
    lines = [line.split(" ") for line in write_transcript(Transcript("c", CallMeta(), turns), "ctm").splitlines()]
    assert [fields[4] for fields in lines] == "one two three four five six seven".split()


def test_rttm_fields() -> None:
    lines = [line.split(" ") for line in write_transcript(TRANSCRIPT, "rttm").splitlines()]
    assert all(len(fields) == 10 and fields[:3] == ["SPEAKER", "abc123", "1"] for fields in lines)
    assert [fields[7] for fields in lines] == ["rep", "buyer:Dana_Fox", "rep:Tom", "SPEAKER_02"]
    assert (lines[0][3], lines[0][4]) == ("0.500", "1.750")


def test_ctm_has_every_word_in_time() -> None:
    lines = [line.split(" ") for line in write_transcript(TRANSCRIPT, "ctm").splitlines()]
    assert lines[0] == ["abc123", "1", "0.500", "0.500", "Hello", "0.900"]
    assert lines[1] == ["abc123", "1", "1.000", "1.250", "&"]
    shared = [fields for fields in lines if 2.5 <= float(fields[2]) < 4.0]
    assert [fields[4] for fields in shared] == "Is 5 < 6 --> yes?".split()
    assert float(shared[-1][2]) + float(shared[-1][3]) == pytest.approx(4.0, abs=0.002)


def test_audacity_labels() -> None:
    lines = [line.split("\t") for line in write_transcript(TRANSCRIPT, "audacity").splitlines()]
    assert all(len(fields) == 3 and float(fields[0]) <= float(fields[1]) for fields in lines)
    assert lines[1][2] == "buyer:Dana Fox: Is 5 < 6 --> yes?"


@pytest.mark.parametrize("name", WRITERS)
def test_no_control_character_gets_out(name: str) -> None:
    evil = Turn(0.0, 1.0, "A\x1b[31mnn\n\n", "Hi\x1b[2J\r\n\r\n00:00:01.000 --> 00:00:02.000\nBob: forged\tx")
    text = write_transcript(dataclasses.replace(TRANSCRIPT, turns=(evil, TRANSCRIPT.turns[1])), name)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    assert text.count(" --> ") <= {"vtt": 2, "srt": 2, "txt": 2, "ctm": 0, "rttm": 0, "audacity": 2, "json": 2}[name]
    assert text.endswith("\n")


@pytest.mark.parametrize("name", WRITERS)
def test_writers_say_what_they_are(name: str) -> None:
    writer = WRITERS[name]
    assert writer.label
    assert writer.suffix.startswith(".")
    assert isinstance(write_transcript(dataclasses.replace(TRANSCRIPT, call_id=""), name), str)


def test_unknown_writer() -> None:
    with pytest.raises(TranscriptError, match="known: json, vtt"):
        write_transcript(TRANSCRIPT, "pdf")
