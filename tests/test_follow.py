"""Following a call while it is made: lines and samples that arrive bit by bit."""

from __future__ import annotations

import dataclasses
import itertools
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import judge_model, recognisers
from models.sphinx import SphinxStream
from pipeline import follow, follow_sound, hear
from pipeline.errors import AudioError, InputError, ModelUnavailable
from pipeline.follow import Lines, Roles
from pipeline.follow_sound import Recording, Voices, Wave
from pipeline.settings import Settings
from pipeline.types import Turn, Word

SAMPLE = Path(__file__).parents[1] / "sample_calls/inbox/North/Alice Moreau/2026-10-14_Lakeside Linen.wav"


def more(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_lines_come_once_they_are_finished(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("Ann: Hello.\nMia: Hel", encoding="utf-8")
    lines = Lines(path)
    assert [(t.speaker, t.text) for t in lines.poll()] == [("Ann", "Hello.")]
    assert lines.poll() == []
    more(path, "lo, h\u00e9.\n\n00:01:05 Ann: How are you?\n")
    found = lines.poll()
    assert [(t.speaker, t.text) for t in found] == [("Mia", "Hello, h\u00e9."), ("Ann", "How are you?")]
    assert found[1].t0 == 65


def test_a_last_line_that_nothing_ends_is_read_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("Ann: Hello.\nMia: That is too expensive", encoding="utf-8")
    lines = Lines(path)
    lines.poll()
    assert [(t.speaker, t.text) for t in lines.rest()] == [("Mia", "That is too expensive")]
    assert lines.rest() == []


def test_lines_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:03.500\n<v Ann Lee>Good morning.</v>\n\n"
        "2\n00:00:04.000 --> 00:00:06.000\nand how is it?\n"
        '{"speaker": "buyer:Mia", "text": "Busy.", "t0": 7, "t1": 8}\n{"broken\n{"speaker": "x"}\n[00:12] Mia: Very.\n',
        encoding="utf-8",
    )
    found = Lines(path).poll()
    assert [(t.t0, t.t1, t.speaker, t.text) for t in found[:3]] == [
        (1.0, 3.5, "Ann Lee", "Good morning."),
        (4.0, 6.0, "Ann Lee", "and how is it?"),
        (7.0, 8.0, "buyer:Mia", "Busy."),
    ]
    assert (found[3].t0, found[3].speaker) == (12.0, "Mia")


@pytest.mark.parametrize(
    "stamps", [("[12:59 PM]", "[1:00 PM]"), ("10:01:02", "10:02:02"), ("(11:59:30 p.m.)", "(12:00:30 a.m.)")]
)
def test_times_of_the_day_count_from_the_first_of_them(tmp_path: Path, stamps: tuple[str, str]) -> None:
    path = tmp_path / "call.txt"
    path.write_text(f"{stamps[0]} Priya Nair: Hello.\n{stamps[1]} Dana Reed: Hi.\n{stamps[1]} Dana Reed: So.\n")
    found = Lines(path).poll()
    assert [(t.speaker, t.t0) for t in found] == [("Priya Nair", 0.0), ("Dana Reed", 60.0), ("Dana Reed", 60.0)]


def test_a_time_that_a_line_goes_on_with_is_said(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("[0:05] Mia: Thursday.\n2:30 works for us.\n[0:12] Or later.\n")
    assert [(t.speaker, t.text) for t in Lines(path).poll()] == [
        ("Mia", "Thursday."),
        ("Mia", "2:30 works for us."),
        ("Mia", "Or later."),
    ]
    assert [t.t0 for t in Lines(path).poll()] == pytest.approx([5.0, 5.4, 12.0])


def test_captions_say_what_stands_under_a_time_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(
        "WEBVTT\nKind: captions\nLanguage: en\n\nNOTE\nMade by: a tool\n\nSTYLE\n::cue(b) {\n  color: red;\n}\n\n"
        "7f2a9c1e-1111-4222-8333-abcdefabcdef/15-0\n00:00:01.000 --> 00:00:03.000\n<v Dana Reed>Hello there.</v>\n\n"
        "7f2a9c1e-1111-4222-8333-abcdefabcdef/16-0\n00:00:03.000 --> 00:00:05.000 align:start\n<v Priya>Hi.</v>\n\n"
    )
    assert [(t.speaker, t.text) for t in Lines(path).poll()] == [("Dana Reed", "Hello there."), ("Priya", "Hi.")]


def test_all_that_stands_in_a_caption_is_said_and_only_that(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:03.000\n<v Ann Lee>How many\ndo you run?</v>\n\n"
        "2\n00:00:03.000 --> 00:00:05.000\n40\n\n3\n00:00:05.000 --> 00:00:07.000\n<v Mia>#3 is down.</v>\n\n"
        "4\n00:00:07.000 --> 00:00:09.000\n#4 too.\n\n"
    )
    assert [turn.text for turn in Lines(path).poll()] == ["How many", "do you run?", "40", "#3 is down.", "#4 too."]


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_a_time_that_is_none_leaves_the_clock_going(tmp_path: Path, time: str) -> None:
    path = tmp_path / "call.jsonl"
    first = f'{{"speaker": "Ann", "text": "Hello.", "t0": {time}}}'
    path.write_text(first + '\n{"speaker": "Mia", "text": "Hi."}\n')
    assert [turn.t0 for turn in Lines(path).poll()] == pytest.approx([0.0, 0.4])


def test_a_colon_in_a_sentence_makes_no_speaker(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("Dana: I want one thing\nand that is: a good price.\nPriya Nair:\nNo problem.\n")
    assert [(t.speaker, t.text) for t in Lines(path).poll()] == [
        ("Dana", "I want one thing"), ("Dana", "and that is: a good price."), ("Priya Nair", "No problem."),
    ]  # fmt: skip


def test_names_are_those_that_people_write_themselves(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    names = ["dana reyes", "Sam Lee", "dana reyes", "Meeting room 4 at Acme", "dana reyes", "Meeting room 4 at Acme"]
    cues = [f"00:00:{n:02d}.000 --> 00:00:{n + 1:02d}.000\n{name}: words {n}\n" for n, name in enumerate(names)]
    path.write_text("WEBVTT\n\n" + "\n".join(cues))
    turns = Lines(path).poll()
    assert [turn.speaker for turn in turns if turn.text == f"words {round(turn.t0)}"] == [*names[:3], *names[4:]]


def test_lines_without_times_get_the_clocks(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("Ann: one two three four five\n", encoding="utf-8")
    now = [100.0]
    lines = Lines(path, clock=lambda: now[0])
    (first,) = lines.poll()
    assert (first.t0, first.t1) == (98.0, 100.0)
    more(path, "Mia: yes\n")
    (second,) = lines.poll()
    assert second.t0 >= first.t1  # never before the words that came before it


def test_a_file_that_was_begun_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text("Ann: Hello there, a long line.\n", encoding="utf-8")
    lines = Lines(path)
    lines.poll()
    path.write_text("Ann: Again.\n", encoding="utf-8")
    assert [t.text for t in lines.poll()] == ["Again."]
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        lines.poll()


def test_what_cannot_be_followed_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        follow.follow(tmp_path / "gone.txt", Settings())
    (tmp_path / "a.mp3").write_bytes(b"x")
    with pytest.raises(InputError, match=r"use a \.wav that grows"):
        follow.follow(tmp_path / "a.mp3", Settings())
    (tmp_path / "a.txt").write_text("")
    assert isinstance(follow.follow(tmp_path / "a.txt", Settings()), Lines)


def head(code: int, channels: int, rate: int, bits: int, *, extra: bytes = b"") -> bytes:
    """A WAV header as a recorder leaves it while it records: without lengths."""
    width = channels * bits // 8
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * width, width, bits)
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + fmt + extra + b"data\0\0\0\0"


def tone(seconds: float, rate: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize(
    ("code", "bits", "encode"),
    [
        (1, 16, lambda x: (x * 32767).astype("<i2").tobytes()),
        (1, 32, lambda x: (x * 2147483647).astype("<i4").tobytes()),
        (3, 32, lambda x: x.astype("<f4").tobytes()),
    ],
)
def test_samples_arrive_as_they_are_written(tmp_path: Path, code: int, bits: int, encode: Any) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"")
    wave = Wave(path)
    assert wave.fresh() == []
    whole = head(code, 1, 16_000, bits, extra=b"LIST" + struct.pack("<I", 3) + b"abc\0")
    path.write_bytes(whole[:20])
    assert wave.fresh() == []
    data = encode(tone(0.5, 16_000))
    path.write_bytes(whole + data[:1001])
    (first,) = wave.fresh()
    path.write_bytes(whole + data)
    (rest,) = wave.fresh()
    np.testing.assert_allclose(np.concatenate([first, rest]), tone(0.5, 16_000), atol=2e-4)
    assert wave.fresh() == []


def test_channels_are_apart_and_rates_become_one(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    rate = 8_000
    both = np.stack([tone(1.0, rate), np.zeros(rate)], axis=1)
    data = (both * 32767).astype("<i2").tobytes()
    wave = Wave(path)
    got: list[list[Any]] = [[], []]
    for end in range(0, len(data) + 1, len(data) // 10):
        path.write_bytes(head(1, 2, rate, 16) + data[:end])
        for channel, samples in enumerate(wave.fresh()):
            got[channel].append(samples)
    left, right = (np.concatenate(parts) for parts in got)
    assert wave.channels == 2
    assert abs(len(left) - 16_000) < 800
    spectrum = np.abs(np.fft.rfft(left[1000:15000]))
    assert abs(np.argmax(spectrum) * 16_000 / 14_000 - 440) < 3
    assert np.abs(right).max() < 1e-3


def test_telephone_samples_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(head(7, 1, 16_000, 8) + bytes([0xFF, 0x7F, 0x80, 0x00]))
    np.testing.assert_allclose(Wave(path).fresh()[0], [0, 0, 32124 / 32768, -32124 / 32768], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ID3 this is an mp3, not a wav file", "not a WAV file"),
        (head(1, 6, 48_000, 16), "mono or stereo"),
        (head(1, 1, 16_000, 24), "16-bit PCM"),
    ],
)
def test_other_recordings_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=says):
        Wave(path).fresh()


def fake_engine(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """A recogniser that says `words` for every span; the spans it was given, in samples' seconds."""
    spans: list[tuple[float, float]] = []

    def transcribe(read: Any, speech: list[tuple[float, float]], **options: Any) -> list[Word]:
        spans.extend(speech)
        return [Word(t0, t1, "words") for t0, t1 in speech if len(read(t0, t1))]

    engine = recognisers.Recogniser(transcribe, lambda model: "1", lambda words: None, punctuated=True)
    monkeypatch.setitem(recognisers.RECOGNISERS, "fake", engine)
    monkeypatch.setattr(hear, "choose_engine", lambda settings: ("fake", "", ()))
    return spans


def test_a_recording_is_heard_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(monkeypatch)
    whole = SAMPLE.read_bytes()
    start = whole.index(b"data") + 8
    data = whole[start : start + 16_000 * 2 * 14]
    path = tmp_path / "call.wav"
    recording = Recording(path, Settings())
    turns: list[Turn] = []
    came: list[float] = []
    for end in range(0, len(data) + 1, 32_000):  # a second at a time
        path.write_bytes(whole[:start] + data[:end])
        fresh = recording.poll()
        turns += fresh
        came += [end / 32_000] * len(fresh)
    assert len(turns) >= 3
    assert all(a.t1 <= b.t0 + 0.25 for a, b in itertools.pairwise(turns))
    assert max(turn.duration_s for turn in turns) <= follow_sound.MAX_PIECE_S + 0.5
    late = [at - turn.t1 for at, turn in zip(came, turns, strict=True)]
    assert max(late) <= follow_sound.MAX_PIECE_S / 2 + 1.5
    assert {turn.speaker for turn in turns} == {"voice 1", "voice 2"}


@pytest.mark.parametrize("streams", [False, True])
def test_a_recording_that_ends_amid_speech_or_is_followed_late_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    spans = fake_engine(monkeypatch)
    if streams:
        fake = dataclasses.replace(recognisers.RECOGNISERS["fake"], stream=Ear)
        monkeypatch.setitem(recognisers.RECOGNISERS, "fake", fake)
    whole = SAMPLE.read_bytes()
    start = whole.index(b"data") + 8
    words = whole[start + 32_000 * 7 : start + 32_000 * 11]
    path = tmp_path / "call.wav"
    path.write_bytes(whole[:start] + words * 10)  # 40 s of speech with hardly a pause, and no silence behind it
    recording = Recording(path, Settings())
    turns = recording.poll()
    assert 33 < turns[-1].t1 <= 40
    assert recording.poll() == []
    turns += recording.rest()
    assert 39 < turns[-1].t1 <= 40.5
    assert all(a.t1 <= b.t0 + 0.25 for a, b in itertools.pairwise(turns))
    assert sum(turn.duration_s for turn in turns) > 32
    assert streams or all(t1 - t0 <= 2 * follow_sound.MAX_PIECE_S for t0, t1 in spans)


class Ear:
    """Hears a word per second of sound, each a second long."""

    def __init__(self, language: str) -> None:
        self.seconds, self.pieces = 0.0, 0

    def begin(self) -> None:
        self.seconds, self.pieces = 0.0, self.pieces + 1

    def feed(self, samples: Any) -> None:
        self.seconds += len(samples) / 16_000

    def words(self) -> list[Word]:
        return [Word(float(n), n + 1.0, f"word{n}") for n in range(int(self.seconds))]

    def end(self) -> list[Word]:
        return self.words()


def test_an_engine_that_can_is_heard_while_somebody_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(monkeypatch)
    engine = recognisers.RECOGNISERS["fake"]
    monkeypatch.setitem(recognisers.RECOGNISERS, "fake", dataclasses.replace(engine, stream=Ear))
    whole = SAMPLE.read_bytes()
    start = whole.index(b"data") + 8
    data = whole[start : start + 16_000 * 2 * 14]
    path = tmp_path / "call.wav"
    path.write_bytes(b"")
    recording = Recording(path, Settings())
    turns: list[Turn] = []
    late: list[float] = []
    for end in range(0, len(data) + 1, 8_000):  # a quarter of a second at a time
        path.write_bytes(whole[:start] + data[:end])
        fresh = recording.poll()
        turns += fresh
        late += [end / 32_000 - turn.t1 for turn in fresh]
    assert len(turns) >= 4
    assert all(a.t1 <= b.t0 + 0.01 for a, b in itertools.pairwise(turns))  # no word twice
    said = [word for turn in turns for word in turn.text.split()]
    assert said.count("word0") >= 2  # pieces begin anew after pauses
    assert max(late) <= follow_sound.UNSURE_S + 1.3  # the words of this ear are a second long
    assert max(turn.duration_s for turn in turns) <= follow_sound.GIVE_S + 2.0


def test_the_built_in_recogniser_gives_words_before_the_end() -> None:
    whole = SAMPLE.read_bytes()
    samples = np.frombuffer(whole[whole.index(b"data") + 8 :][: 2 * 16_000 * 4], "<i2").astype(np.float32) / 32768
    stream = SphinxStream("en")
    stream.begin()
    stream.feed(samples[:0])
    for piece in np.array_split(samples, 8):
        stream.feed(piece)
    early = [word.text for word in stream.words()]
    words = stream.end()
    assert early[:2] == [word.text for word in words][:2]
    assert {"hello", "frank"} <= {word.text for word in words}
    assert all(0 <= word.t0 <= word.t1 <= 4.0 for word in words)
    with pytest.raises(ModelUnavailable, match="English only"):
        SphinxStream("de")


def test_two_channels_are_two_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(monkeypatch)
    whole = SAMPLE.read_bytes()
    speech = np.frombuffer(whole[whole.index(b"data") + 8 :][: 16_000 * 2 * 6], "<i2")
    both = np.stack([speech, np.zeros_like(speech)], axis=1)
    path = tmp_path / "call.wav"
    path.write_bytes(head(1, 2, 16_000, 16) + both.tobytes() + bytes(4 * 16_000))
    turns = Recording(path, Settings()).poll()
    assert {turn.speaker for turn in turns} == {"channel 0"}


def test_short_utterances_are_the_last_speakers() -> None:
    voices = Voices()
    assert voices.of(np.zeros(1000, np.float32)) == "voice 1"


def roles_for(*lines: tuple[str, str], rep: str | None = None) -> Roles:
    roles = Roles(rep)
    for who, text in lines:
        roles.hear(Turn(0, 1, who, text))
    return roles


def test_roles_are_as_told_or_as_the_labels_say() -> None:
    told = roles_for(("Ann Lee", "Hi"), ("Mia", "Hi"), rep="ann lee")
    assert (told.name("Ann Lee"), told.name("Mia")) == ("rep", "buyer:Mia")
    named = roles_for(("rep", "Hi"), ("Mia", "Hi"))
    assert (named.name("rep"), named.name("Mia"), named.name("buyer:Owen"), named.name("buyer")) == (
        "rep", "buyer:Mia", "buyer:Owen", "buyer",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rep", "label"), [("Ann", "Ann Lee"), ("Ann Lee", "Ann"), ("Ann Lee", "Ann Lee (Calder)"), ("ANN LEE", "Ann Lee")]
)
def test_the_rep_may_be_named_in_part(rep: str, label: str) -> None:
    told = roles_for((label, "Hi"), ("Mia", "Hi"), rep=rep)
    assert (told.name(label), told.name("Mia"), told.missing()) == ("rep", "buyer:Mia", [])


def test_a_part_of_two_names_and_another_channel_are_not_the_rep() -> None:
    both = roles_for(("Ann Lee", "Hi"), ("Ann Ode", "Hi"), rep="Ann")
    assert (both.name("Ann Lee"), both.name("Ann Ode")) == ("buyer:Ann Lee", "buyer:Ann Ode")
    channels = roles_for(("channel 0", "Hi"), ("channel 1", "Hi"), rep="channel 1")
    assert (channels.name("channel 1"), channels.name("channel 0")) == ("rep", "buyer:channel 0")


def test_a_rep_who_is_not_there_is_missed_once_others_have_said_enough() -> None:
    much = "we plan the rounds on paper and lose forty orders a month " * 3
    assert roles_for(("Ann Lee", "Hi"), ("Mia", much), rep="Anne").missing() == []
    assert roles_for(("Ann Lee", much), ("Mia", much), rep="Anne").missing() == ["Ann Lee", "Mia"]
    assert roles_for(("Ann Lee", much), ("Mia", much), rep="Ann").missing() == []


def test_who_answers_the_buyer_is_the_reps_colleague() -> None:
    talk = [
        ("Ann Lee", "I brought Nils, our engineer. How do you plan the rounds today?"),
        ("Mia", "On paper, and we lose forty orders a month. How would you read the meters?"),
        ("Nils", "With a camera on the lamp."),
        ("Mia", "Okay. And in the rain?"),
        ("Nils", "It has a wiper."),
        ("Mia", "Good."),
        ("Ann Lee", "What does a lost order cost you?"),
        ("Mia", "Two hundred, about. How long does the camera last?"),
        ("Nils", "Ten years."),
    ]
    told = roles_for(*talk, rep="Ann Lee")
    assert [told.name(who) for who in ("Ann Lee", "Nils", "Mia")] == ["rep", "rep", "buyer:Mia"]
    early = roles_for(("Mia", "Hello."), ("Nils", "Hello."), rep="Ann Lee")
    assert early.name("Nils") == "buyer:Nils"


def test_who_sells_is_told_during_a_call_without_reading_it_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> None:
        raise AssertionError("the judge reads the call so far, for each turn of it")

    monkeypatch.setattr(judge_model, "load_judge", read)
    said = "It was the blue one that they had on the shelf there, and we go on with that. "
    told = roles_for(("Ann Lee", said), ("Mia", said), ("Nils", said), rep="Ann Lee")
    assert told.name("Ann Lee") == "rep"
    assert told.name("Mia").startswith(("rep", "buyer"))
    both = roles_for(("voice 1", said * 2), ("voice 2", said * 2))
    assert {both.name("voice 1")[:3], both.name("voice 2")[:3]} == {"rep", "buy"}


def test_roles_are_heard_from_the_words_once_there_are_enough() -> None:
    few = roles_for(("voice 1", "Hello."), ("voice 2", "Hi."))
    assert few.name("voice 1") == "voice 1"
    seller = "How do you plan the rounds today, and what does it cost you when one goes wrong? " * 3
    buyer = "We do it on paper and we lose forty orders a month, my driver never sees the list, it is a mess. " * 3
    known = roles_for(("voice 1", buyer), ("voice 2", seller))
    assert (known.name("voice 2"), known.name("voice 1")) == ("rep", "buyer:voice 1")


def test_json_lines_survive_odd_values(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text(
        json.dumps({"speaker": None, "text": " ok ", "t0": "soon"}) + "\n[]\n" + json.dumps({"text": 3}) + "\n"
    )
    assert [(t.speaker, t.text) for t in Lines(path).poll()][:1] == [("unknown", "ok")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_text_is_refused_with_a_word_about_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffMia Holt: Hello there.\nAnn: Hi.\n".encode(encoding))
    with pytest.raises(InputError, match="UTF-8"):
        Lines(tmp_path / "a.txt").poll()
