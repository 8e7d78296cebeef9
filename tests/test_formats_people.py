"""People are called as they call themselves, and what they say stays theirs: names, times, sums and notices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.formats import read_transcript, sniff


def spoken_of(folder: Path, text: str) -> list[tuple[str, str]]:
    path = folder / "x"
    path.write_text(text)
    return [(turn.speaker, turn.text) for turn in read_transcript(path).turns]


NAMES = [
    "Dana Reyes (she/her)",
    "+14155550134",
    "+1 (415) ***-**34",
    "dana reyes",
    "Meeting room at Acme",
    'Robert "Bob" Smith',
    "Robert “Bob” Smith",
    "Dr. med. Dana Reyes, MBA",
]


@pytest.mark.parametrize("name", NAMES)
def test_people_are_called_as_they_call_themselves(tmp_path: Path, name: str) -> None:
    said = [("Priya Nair", "Budget?"), (name, "Forty thousand."), ("Priya Nair", "When?"), (name, "In March.")]
    cues = "".join(f"00:0{i}.000 --> 00:0{i}.900\n{who}: {text}\n\n" for i, (who, text) in enumerate(said))
    assert spoken_of(tmp_path, f"WEBVTT\n\n{cues}") == said
    assert spoken_of(tmp_path, "".join(f"{who}  0:0{i}\n{text}\n\n" for i, (who, text) in enumerate(said))) == said
    assert spoken_of(tmp_path, "".join(f"{who}: {text}\n" for who, text in said)) == said
    assert spoken_of(tmp_path, "".join(f"[0:0{i}] {who}: {text}\n" for i, (who, text) in enumerate(said))) == said


@pytest.mark.parametrize(("mark", "stop"), [("：", "。"), (": ", "！")])
def test_sentences_without_blanks_are_said_too(tmp_path: Path, mark: str, stop: str) -> None:
    said = [
        ("田中 太郎", f"お時間をありがとうございます{stop}"),
        ("鈴木", "予算はいくらですか？"),
        ("田中 太郎", f"四万です{stop}"),
    ]
    assert spoken_of(tmp_path, "".join(f"{who}{mark}{text}\n" for who, text in said)) == said


@pytest.mark.parametrize(
    "text",
    [
        "Question: What is it?\nAnswer: A pump.\n",
        "Next steps: Dana sends it.\nOpen questions: The price.\n",
        "Account: Acme.\nDeal name: Acme pumps.\nNext step: Call them.\n",
        "10:00:01 audio device: opened.\n10:00:02 video device: none there.\n",
    ],
)
def test_notes_exports_and_logs_are_no_people(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text * 3)
    assert sniff(path) is None


def test_what_is_said_is_no_furniture(tmp_path: Path) -> None:
    said = [("Ann", "When?"), ("Bob", "End of March."), ("Ann", "On what?"), ("Bob", "We use otter.ai.")]
    text = "".join(f"{who}  0:0{i}\n{words}\n\n" for i, (who, words) in enumerate(said))
    assert spoken_of(tmp_path, text + "Transcribed by https://otter.ai\n") == said
    meet = "Transcription ended after 00:06:12\n\nThis editable transcript was computer generated and has errors.\n"
    for end in (meet, "Meeting ended after 00:06:12 \U0001f44b\n\n" + meet):
        assert spoken_of(tmp_path, "Ann: Bye.\nBob: Bye.\n" + end) == [("Ann", "Bye."), ("Bob", "Bye.")]


def test_a_time_that_is_said_is_no_time_of_the_transcript(tmp_path: Path) -> None:
    said = [("Ann", "Thursday?"), ("Bob", "2:30 works for us."), ("Ann", "Good.")]
    assert spoken_of(tmp_path, "".join(f"{who}  0:0{i}\n{words}\n\n" for i, (who, words) in enumerate(said))) == said


@pytest.mark.parametrize("stamp", ["", "[0:0{i}] ", "(0:0{i}) "])
def test_a_time_that_a_line_goes_on_with_is_said_too(tmp_path: Path, stamp: str) -> None:
    said = [("Ann", "Thursday?"), ("Bob", "Yes.\n2:30 works for us."), ("Ann", "Good.")]
    text = "".join(f"{stamp.format(i=i)}{who}: {words}\n" for i, (who, words) in enumerate(said))
    assert spoken_of(tmp_path, text) == [(who, words.replace("\n", " ")) for who, words in said]


def test_a_number_without_time_is_said_by_who_speaks_around_it(tmp_path: Path) -> None:
    def word(text: str, at: float, who: str) -> dict[str, Any]:
        return {"word": text, "start": at, "end": at + 0.2, "score": 0.9, "speaker": who}

    words = [word("Much?", 0.0, "A"), {"word": "$45,000"}, word("It", 0.5, "B"), word("is", 0.8, "B"), {"word": "9"}]
    segment = {"start": 0.0, "end": 2.0, "text": "Much? $45,000 It is 9", "speaker": "A", "words": words}
    (tmp_path / "x").write_text(json.dumps({"segments": [segment], "word_segments": []}))
    transcript = read_transcript(tmp_path / "x")
    assert [(turn.speaker, turn.text) for turn in transcript.turns] == [("A", "Much? $45,000"), ("B", "It is 9")]
    assert transcript.hearing.notes == ()


@pytest.mark.parametrize(
    "start", ["[Recording starts]\nMZ: Hello there.\n", "[MZ]: Hello there.\n", "MZ: Hello there.\n"]
)
def test_text_that_begins_like_json_or_a_program(tmp_path: Path, start: str) -> None:
    assert spoken_of(tmp_path, start + "Dana: Hi.\n") == [("MZ", "Hello there."), ("Dana", "Hi.")]


def test_openais_words_without_segments(tmp_path: Path) -> None:
    words = [{"word": "Hello", "start": 0.0, "end": 0.4}, {"word": "there", "start": 0.5, "end": 0.9}]
    (tmp_path / "x").write_text(json.dumps({"task": "transcribe", "text": "Hello, there.", "words": words}))
    assert sniff(tmp_path / "x") == "openai"
    assert read_transcript(tmp_path / "x").turns[0].text == "Hello, there."
