"""Every reader on a documented sample and, where the files are here, on real exports; what all of them promise."""

from __future__ import annotations

import codecs
import dataclasses
import datetime as dt
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formats_samples import ENDS, ORDER, SAMPLES, STARTS, TEXTS, as_bytes, holds, said

from pipeline import formats
from pipeline.errors import TranscriptError
from pipeline.formats import READERS, document, docx, read_transcript, sniff
from pipeline.formats.assemble import Draft, Piece, Token, assemble, from_words, timed_words
from pipeline.formats.clean import clean_text, clean_tree
from pipeline.formats.dates import date_of
from pipeline.formats.names import split_name
from pipeline.formats.values import probability, seconds


def put(folder: Path, data: Any, name: str = "file.bin") -> Path:
    """A file with a name that says nothing about its content."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else as_bytes(data))
    return path


def refused(path: Path) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(TranscriptError) as caught:
        read_transcript(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_every_reader_has_a_sample() -> None:
    assert list(SAMPLES) == list(READERS)


@pytest.mark.parametrize("name", READERS)
def test_contract(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]()
    path = put(tmp_path, sample.data)
    assert sniff(path) == name
    transcript = read_transcript(path)
    holds(transcript)
    assert transcript.hearing.engine == "import"
    assert transcript.hearing.language == "en"
    if sample.labels[0] == sample.labels[1]:
        assert " ".join(turn.text for turn in transcript.turns) == " ".join(TEXTS)
        assert {turn.speaker for turn in transcript.turns} == {"unknown"}
        return
    assert [turn.speaker for turn in transcript.turns] == [sample.labels[who] for who in ORDER]
    texts = TEXTS if sample.exact else [" ".join(w.strip(".,?").lower() for w in text.split()) for text in TEXTS]
    assert [turn.text for turn in transcript.turns] == list(texts)
    if sample.timed:
        assert [turn.t0 for turn in transcript.turns] == pytest.approx(STARTS, abs=0.1)
        assert [turn.t1 for turn in transcript.turns] == pytest.approx(ENDS, abs=0.1)
        assert transcript.hearing.notes == ()
    else:
        assert any("150 words per minute" in note for note in transcript.hearing.notes)
    for turn, (_, _, text, _, _, words) in zip(transcript.turns, said(), strict=True):
        assert len(turn.words) == (len(text.split()) if sample.words else 0)
        for got, (_, t0, t1) in zip(turn.words, words, strict=False):
            assert (got.t0, got.t1) == pytest.approx((t0, t1), abs=0.01)


@pytest.mark.parametrize("name", READERS)
def test_cut_off_files_are_refused_or_read(name: str, tmp_path: Path) -> None:
    data = SAMPLES[name]().data
    for size in {1, 5, len(data) // 3, len(data) // 2, len(data) - 1}:
        path = put(tmp_path, data[:size])
        sniff(path)
        try:
            holds(read_transcript(path))
        except TranscriptError as error:
            assert str(path) in str(error) and "\n" not in str(error)  # noqa: PT017, PT018


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if reader.kind == "json"])
def test_cut_off_json_is_still_told_from_audio(name: str, tmp_path: Path) -> None:
    path = put(tmp_path, SAMPLES[name]().data[:-20])
    assert sniff(path) is not None
    assert "line 1: not valid JSON" in refused(path)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE),
     ("utf-16-le", b""), ("utf-16-be", b""), ("cp1252", b"")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "webvtt", "srt", "fireflies"])
def test_encodings(encoding: str, mark: bytes, kind: str, tmp_path: Path) -> None:
    words = SAMPLES[kind]().data.decode().replace("Dana", "Zoë").replace("Hi.", "Café – “naïve”, £5.")
    transcript = read_transcript(put(tmp_path, mark + words.encode(encoding)))
    assert transcript.turns[1].speaker == "Zoë Fox"
    assert transcript.turns[1].text == "Café – “naïve”, £5. We lose two days."


def test_one_damaged_byte_does_not_change_the_encoding(tmp_path: Path) -> None:
    text = "Zoë: Café, naïve, déjà vu.\nAnn: Größe und Maß.\n".encode() + b"Ann: odd \xff byte.\n"
    assert read_transcript(put(tmp_path, text)).turns[0].speaker == "Zoë"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 500, b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x10\x00" * 300, b"ID3\x04" + bytes(range(256)) * 4,
     bytes(range(256)) * 40, b"{}", b"[]", b'{"rep": "Ann", "account": "Acme"}', b"Just a note about nothing.\n",
     b"name: debrief\nversion: 1\ndepends: none\n", b"# Title\n\nSome *markdown* here: yes.\n- a\n- b\n",
     b"a,b,c\n1,2,3\n", b"2026-01-01 10:00:00 INFO: started\n2026-01-01 10:00:01 INFO: done\n"],
)  # fmt: skip
def test_what_is_no_transcript(data: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, data, "call.vtt")
    assert sniff(path) is None
    refused(path)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    assert sniff(tmp_path / "none") is None
    assert sniff(tmp_path) is None
    assert "cannot be read" in refused(tmp_path / "none")
    assert "cannot be read" in refused(tmp_path)


def test_size_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 100)
    monkeypatch.setattr(formats, "MAX_BYTES", 100)
    for name in ("deepgram", "webvtt"):
        path = put(tmp_path, SAMPLES[name]().data)
        assert sniff(path) == name
        assert "too large for a transcript" in refused(path)


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if reader.kind == "json"])
def test_nothing_said_is_an_error(name: str, tmp_path: Path) -> None:
    blank = {
        "text",
        "word",
        "punctuated_word",
        "content",
        "Content",
        "value",
        "transcript",
        "display",
        "lexical",
        "raw_text",
    }

    def emptied(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: " " if k in blank and isinstance(v, str) else emptied(v) for k, v in value.items()}
        if name == "ibm" and isinstance(value, list) and value and isinstance(value[0], str):
            return ["", *value[1:]]
        return [emptied(item) for item in value] if isinstance(value, list) else value

    assert "no words in it" in refused(put(tmp_path, emptied(json.loads(SAMPLES[name]().data))))


def test_controls_and_escapes_are_stripped(tmp_path: Path) -> None:
    evil = "A\x1b[31mnn\x1b[0m\x1b]0;title\x07\u202e\x00"
    rows = [{"speaker_name": evil, "text": "Hi\x1b[2J\x9b31m the\rre\u200b \ud800.", "start_time": 0, "end_time": 1}]
    data = {"data": {"transcript": {"title": evil, "sentences": rows}}}
    transcript = read_transcript(put(tmp_path, data))
    assert transcript.turns[0].speaker == transcript.meta.title == "Ann"
    assert transcript.turns[0].text == "Hi the re ."
    native = {"meta": {"rep": evil, "note": [{"x": evil}]}, "turns": [{"speaker": evil, "text": f"Hi {evil}.\n  So"}]}
    transcript = read_transcript(put(tmp_path, native))
    assert transcript.meta.rep == transcript.turns[0].speaker == "Ann"
    assert transcript.meta.extra["note"] == [{"x": "Ann"}]
    assert transcript.turns[0].text == "Hi Ann.\n  So"


def test_native_turns_keep_their_index_and_roles(tmp_path: Path) -> None:
    turns = [
        {"t0": 0.0, "t1": 1.0, "speaker": "rep", "text": "One."},
        {"t0": 1.1, "t1": 2.0, "speaker": "rep", "text": "Two."},
        {"t0": 1.5, "t1": 2.0, "speaker": "buyer:Dana", "text": ""},
        {"t0": 1.0, "t1": 3.0, "speaker": "SPEAKER_02", "text": "Three."},
    ]
    hearing = {
        "engine": "pocketsphinx",
        "expected_wer": 0.2,
        "notes": ["n", 3],
        "roles_confidence": "x",
        "language": "en",
    }
    transcript = read_transcript(put(tmp_path, {"call_id": "c", "turns": turns, "hearing": hearing}))
    assert [turn.to_json() for turn in transcript.turns] == turns
    assert (transcript.hearing.engine, transcript.hearing.expected_wer, transcript.hearing.notes) == (
        "pocketsphinx",
        0.2,
        ("n",),
    )
    assert transcript.hearing.roles_confidence is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"turns": [{"text": "a", "t0": -1}]}, "turn 0: 't0' must be a time in seconds"),
        ({"turns": [{"text": "a", "t0": 0}, {"speaker": "x"}]}, "turn 1 has no 'text'"),
        ({"turns": [{"text": "a"}, 5]}, "turn 1 is not an object"),
        ({"turns": [{"text": "a", "t0": 1e9}]}, "beyond 1000 hours"),
        ({"turns": []}, "no words in it"),
        ({"turns": [{"text": "a"}], "meta": 5}, "'meta' must be an object"),
    ],
)
def test_native_errors_name_the_turn(data: Any, reason: str, tmp_path: Path) -> None:
    assert reason in refused(put(tmp_path, data))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"turns": [\n{"text": "a",}\n]}', "line 2: not valid JSON"),
        ('{"turns": [{"text": "a"}]}\n{"turns": []}', "line 2: more follows"),
        ('{"turns": [{"text": "a", "t0": NaN}]}', "NaN is no JSON number"),
        ('{"turns": [{"text": "a", "t0": 1' + "0" * 5000 + "}]}", "numbers too long"),
        ('{"turns": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_broken_json_says_where(text: str, reason: str, tmp_path: Path) -> None:
    assert reason in refused(put(tmp_path, text))


def test_plausible_times(tmp_path: Path) -> None:
    transcript = read_transcript(
        put(tmp_path, {"turns": [{"speaker": "a", "text": "w " * 5}, {"speaker": "b", "text": "w " * 10}]})
    )
    assert [(turn.t0, turn.t1) for turn in transcript.turns] == [(0.0, 2.0), (2.0, 6.0)]
    pieces = [Piece("a", "w " * 50, 1.0), Piece("b", "w " * 5, 11.0), Piece("a", "w " * 5), Piece("b", "w w", 14.0)]
    turns = assemble(Draft(pieces), form="x", where="f").turns
    assert [(turn.t0, turn.t1) for turn in turns] == [(1.0, 11.0), (11.0, 12.5), (12.5, 14.0), (14.0, 14.8)]


def test_one_speaker_in_a_row_is_one_turn_up_to_two_seconds() -> None:
    pieces = [
        Piece("a", "x", 0.0, 1.0),
        Piece("a", "y", 2.9, 3.0),
        Piece("a", "z", 5.0, 6.0),
        Piece("b", "u", 6.0, 7.0),
    ]
    turns = assemble(Draft(pieces), form="x", where="f").turns
    assert [(turn.speaker, turn.text) for turn in turns] == [("a", "x y"), ("a", "z"), ("b", "u")]


def test_words_are_grouped_by_speaker_and_pause() -> None:
    tokens = [Token("a", 0, 1, speaker="A"), Token(",", glued=True), Token("b", 1, 2, speaker="A"),
              Token("c", 4, 5, speaker="A"), Token("d", 5, 6, speaker="B")]  # fmt: skip
    assert [(piece.speaker, piece.text) for piece in from_words(tokens)] == [("A", "a, b"), ("A", "c"), ("B", "d")]
    assert timed_words([Token("a"), Token("b")]) == ()
    spread = timed_words([Token("a"), Token("b", 2.0, 3.0), Token("c")], t0=0.0, t1=5.0)
    assert [(word.t0, word.t1) for word in spread] == [(0.0, 2.0), (2.0, 3.0), (3.0, 5.0)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 1.5), ("1.5", 1.5), ("1.200s", 1.2), ("PT1H2M3.5S", 3723.5), ("1:02:03,5", 3723.5), ("0:12", 12.0),
     ({"seconds": "1", "nanos": 5e8}, 1.5), (-1, None), (True, None), (None, None), ("x", None), (float("inf"), None),
     (10**400, None), ("9" * 5000, None), (1e12, None), ([], None), ("PT", 0.0)],
)  # fmt: skip
def test_times_as_vendors_write_them(value: Any, expected: float | None) -> None:
    assert seconds(value) == expected


def test_dates_as_vendors_write_them(zone: Callable[[str], None]) -> None:
    zone("UTC")
    given = ("2026-03-05T17:20:00-08:00", 1772726400000, "1772726400", 1772726400.5, "soon", 5, None, True)
    day = dt.date(2026, 3, 5)
    assert [date_of(value) for value in given] == [day, day, day, day, None, None, None, None]
    zone("Asia/Tokyo")
    assert [date_of(value).isoformat() for value in (1772726400000, "2026-03-05T16:00:00Z")] == ["2026-03-06"] * 2  # type: ignore[union-attr]


def test_small_values() -> None:
    assert [probability(value) for value in (0.5, "0.25", 2, True, "x", None)] == [0.5, 0.25, None, None, None, None]
    deep: Any = "x"
    for _ in range(50):
        deep = [deep]
    assert "x" not in str(clean_tree(deep))
    assert clean_text("a\tb\u2028c") == "a b c"


@pytest.mark.parametrize(
    ("line", "label"),
    [("Ann: hi", "Ann"), ("Ana de la Cruz: hi", "Ana de la Cruz"), ("rep:Ann: hi", "rep:Ann"),
     ("buyer:Ann Lee: hi", "buyer:Ann Lee"), ("Speaker 1: hi", "Speaker 1"),
     ("SPEAKER_00: hi", "SPEAKER_00"), ("channel 0 speaker 1: hi", "channel 0 speaker 1"),
     ("O'Neil, Pat (Acme): hi", "O'Neil, Pat (Acme)"),
     ("李雷：你好", "李雷"), ("- Ann: hi", "Ann"), ("here is the thing: we", None), ("Note: bring it", None),
     ("at 10:30 we met", None),
     ("https://x.example: y", None), ("no colon", None), (": hi", None), ("So it is: yes", None), ("", None)],
)  # fmt: skip
def test_names_before_colons(line: str, label: str | None) -> None:
    found = split_name(line)
    assert (found[0] if found else None) == label


def test_docx_zip_bomb_and_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx, "MAX_UNPACKED", 1_000_000)
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("word/document.xml", b" " * 1_100_000)
    assert sniff(path) == "docx"
    assert "too large for a transcript" in refused(path)
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("word/document.xml", "<w:document/>")
    assert "not readable as a Word document" in refused(path)
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("other.txt", "x")
    assert sniff(path) is None
    data = SAMPLES["docx"]().data
    assert "not a whole Word document" in refused(put(tmp_path, data[: len(data) // 2]))


def test_readers_and_drafts_are_values() -> None:
    assert all(dataclasses.is_dataclass(reader) for reader in READERS.values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        READERS["srt"].label = "x"  # type: ignore[misc]
