"""Captions, plain text and Word: who speaks, when, and what happens to damaged files."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from test_formats import holds, put, refused

from pipeline.errors import TranscriptError
from pipeline.formats import read_transcript, sniff
from pipeline.formats.captions import CARRIED_ON
from pipeline.formats.text import read_lines
from pipeline.types import Transcript

CAPTIONS = Path(__file__).parents[2] / "shared" / "data" / "broken" / "captions"


def read(folder: Path, text: str, form: str) -> Transcript:
    path = put(folder, text)
    assert sniff(path) == form
    transcript = read_transcript(path)
    holds(transcript)
    return transcript


def spoken(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in transcript.turns]


def test_teams_voices_and_entities(tmp_path: Path) -> None:
    text = """WEBVTT

1f6b/11-0
00:00:01.000 --> 00:00:02.000
<v Ann &amp; Bo Lee>Q&amp;A is <b>next</b>,
Tom: he said.</v>

1f6b/12-0
00:00:02.000 --> 00:00:04.000
<v.loud Dana Fox>Hi.</v> <v Ann &amp; Bo Lee>Hello &lt;all&gt;.</v>
"""
    transcript = read(tmp_path, text, "webvtt")
    assert spoken(transcript) == [
        ("Ann & Bo Lee", "Q&A is next, Tom: he said."),
        ("Dana Fox", "Hi."),
        ("Ann & Bo Lee", "Hello <all>."),
    ]
    assert 2.0 <= transcript.turns[1].t0 < transcript.turns[2].t0 < transcript.turns[2].t1 == 4.0


def test_names_above_the_times_as_webex_writes_them(tmp_path: Path) -> None:
    said = [("Ann Lee", "Note: two things."), ("Dana Fox", "Go on."), ("Ann Lee", "Price &amp; date.")]
    body = "".join(
        f'{i} "{name}" (249056{i})\n00:00:0{i}.000 --> 00:00:0{i}.900\n{text}\n\n'
        for i, (name, text) in enumerate(said, 1)
    )
    transcript = read(tmp_path, f"WEBVTT\n\n{body}", "webvtt")
    assert spoken(transcript) == [(name, text.replace("&amp;", "&")) for name, text in said]


def test_blank_lines_before_the_signature(tmp_path: Path) -> None:
    text = "\r\n \n" + cues("Ann: One.", "Dana: Two.") + "\n00:00:x9.000 --> 00:00:10.000\nAnn: lost\n"
    transcript = read(tmp_path, text, "webvtt")
    assert spoken(transcript) == [("Ann", "One."), ("Dana", "Two.")]
    assert "(line 11)" in transcript.hearing.notes[0]


def test_two_people_in_one_cue(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:03.000\n- Ann: Hello\nthere.\n- Dana: Hi.\n\n00:03.000 --> 00:04.000\nAnn: So.\n"
    assert spoken(read(tmp_path, text, "webvtt")) == [("Ann", "Hello there."), ("Dana", "Hi."), ("Ann", "So.")]


def cues(*texts: str) -> str:
    stamped = (f"00:00:{k:02}.000 --> 00:00:{k:02}.900\n{text}\n" for k, text in enumerate(texts))
    return "\n".join(["WEBVTT\n", *stamped])


def test_names_only_at_changes_carry_on(tmp_path: Path) -> None:
    transcript = read(tmp_path, cues("Ann: One", "two.", "Dana: Three", "four.", "Ann: Five.", "Six."), "webvtt")
    assert spoken(transcript) == [("Ann", "One two."), ("Dana", "Three four."), ("Ann", "Five. Six.")]
    assert transcript.hearing.notes == (CARRIED_ON,)


def test_where_every_cue_is_named_one_without_is_unknown(tmp_path: Path) -> None:
    transcript = read(tmp_path, cues("Ann: One", "Ann: two.", "Three.", "Dana: Four."), "webvtt")
    assert spoken(transcript) == [("Ann", "One two."), ("unknown", "Three."), ("Dana", "Four.")]
    assert transcript.hearing.notes == ()


@pytest.mark.parametrize(("box", "names"), [("({})", ("speaker 0", "speaker 1")), ("[{}]", ("SPEAKER_00", "Ann Lee"))])
def test_names_in_brackets_without_a_colon(box: str, names: tuple[str, str], tmp_path: Path) -> None:
    said = [(names[0], "Hi (all)."), (names[1], "Yes."), (names[1], "Go on: now."), (names[0], "Well.")]
    texts = [f"{box.format(name)} {text}" for name, text in said]
    expected = [said[0], (names[1], "Yes. Go on: now."), said[3]]
    assert spoken(read(tmp_path, cues(*texts), "webvtt")) == expected
    if names[0] == "speaker 0":
        unsure = spoken(read(tmp_path, cues(*texts, "(speaker ?) Mm."), "webvtt"))
        assert unsure == [*expected, ("unknown", "Mm.")]


def test_sounds_in_brackets_are_nobodys_name(tmp_path: Path) -> None:
    body = cues("[Music] Ann: Hello.", "(laughs) Bob: Hi.", "Ann: Well.")
    assert "Music" not in {name for name, _ in spoken(read(tmp_path, body, "webvtt"))}


def test_captions_that_roll_up_are_said_once(tmp_path: Path) -> None:
    said = ["so what does", "that cost <you>", "a lot", "a lot", "and who decides"]
    shown = [" \nso what<00:00:00.500><c> does</c>", "so what does\n "]
    for old, new in itertools.pairwise(line.replace("<", "&lt;").replace(">", "&gt;") for line in said):
        shown += [f"{old}\n{new}", f"{new}\n "]
    body = "".join(f"00:{k:02d}.000 --> 00:{k:02d}.990\n{text}\n\n" for k, text in enumerate(shown))
    assert spoken(read(tmp_path, f"WEBVTT\n\n{body}", "webvtt")) == [("unknown", " ".join(said))]


def test_what_is_said_twice_stays(tmp_path: Path) -> None:
    body = cues("Ann: Yes.", "Ann: Yes.", "Bob: Yes.\nAnn: No.", "Ann: No.", "Bob: Well.", "Bob: Well.")
    assert spoken(read(tmp_path, body, "webvtt")) == [
        ("Ann", "Yes. Yes."), ("Bob", "Yes."), ("Ann", "No. No."), ("Bob", "Well. Well."),
    ]  # fmt: skip


def test_captions_without_names_are_unknown(tmp_path: Path) -> None:
    transcript = read(tmp_path, cues("One thing.", "Really: two.", "Three.", "Four."), "webvtt")
    assert spoken(transcript) == [("unknown", "One thing. Really: two. Three. Four.")]


def test_damaged_cues_are_left_out_and_noted(tmp_path: Path) -> None:
    text = (
        cues("Ann: One.", "Dana: Two.")
        + "\n00:00:61.000 --> 00:00:62.000\nAnn: lost\n\n00:01:01.000 --> 00:01:02.000\nAnn: Kept.\n"
    )
    transcript = read(tmp_path, text, "webvtt")
    assert spoken(transcript) == [("Ann", "One."), ("Dana", "Two."), ("Ann", "Kept.")]
    assert transcript.hearing.notes == ("1 cue(s) left out: their times cannot be read (line 9)",)


def test_captions_without_one_good_cue_are_refused(tmp_path: Path) -> None:
    assert "line 3: cue times cannot be read" in refused(
        put(tmp_path, "WEBVTT\n\n00:00:x1.000 --> 00:00:02.000\nAnn: hi\n")
    )
    assert "line 1: WebVTT without a single cue" in refused(put(tmp_path, "WEBVTT"))
    assert "no words in it" in refused(put(tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\n<i></i>\n"))
    assert "line 2: cue times cannot be read" in refused(put(tmp_path, "1\n00:00:x1,000 --> 00:00:02,000\nAnn: hi\n"))
    assert "without any text" in refused(put(tmp_path, "1\n00:00:01,000 --> 00:00:02,000"))


ONE, TWO, THREE = "00:00:00,000 --> 00:00:01,000", "00:00:01,000 --> 00:00:02,000", "00:00:02,000 --> 00:00:03,000"


@pytest.mark.parametrize(
    "text",
    [
        f"1\n{ONE}\nAnn: a\n2\n{TWO}\nBob: b\n",
        f"{ONE}\nAnn: a\n{TWO}\nBob: b\n",
        f"1\r{ONE}\rAnn: a\r\r2\r{TWO}\rBob: b\r",
        f"1\r\n{ONE}\r\nAnn: a\r\n \r\n2\r\n{TWO}\r\nBob: b",
        f"Call of Monday\n\n1\n{ONE}\nAnn: a\n\n2\n{TWO}\nBob: b\n",
        f"A1\n{ONE}\nAnn: a\n\nA2\n{TWO}\nBob: b\n",
        "1\n00:00,000 --> 00:01,000\nAnn: a\n\n2\n00:01.0 --> 00:02.0\nBob: b\n",
        "1\n0:0:0,0 –> 0:0:1,0\nAnn: a\n\n2\n00:00:01:000 -> 00:00:02:000 X1:0\nBob: b\n",
        f"\n\n1\n\n{ONE}\n<i>Ann:</i> {{\\an8}}a\n\n\n2\n{TWO}\n<font color='red'>Bob: b</font>\n",
    ],
)  # fmt: skip
def test_srt_as_it_is_found(text: str, tmp_path: Path) -> None:
    transcript = read(tmp_path, text, "srt")
    assert spoken(transcript) == [("Ann", "a"), ("Bob", "b")]
    assert [(turn.t0, turn.t1) for turn in transcript.turns] == [(0.0, 1.0), (1.0, 2.0)]


def test_a_damaged_srt_cue_is_not_swallowed_by_the_one_before(tmp_path: Path) -> None:
    """The srt package gives Ann all three lines here."""
    transcript = read(
        tmp_path, f"1\n{ONE}\nAnn: a\n\n2\n00:00:xx,000 --> 00:00:02,000\nBob: b\n\n3\n{THREE}\nCat: c\n", "srt"
    )
    assert spoken(transcript) == [("Ann", "a"), ("Cat", "c")]
    assert transcript.hearing.notes == ("1 cue(s) left out: their times cannot be read (line 6)",)


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 200_000 + "x",
        f"1\n{ONE}\n" + "\n" * 200_000 + "x",
        "1" * 400_000,
        f"1\n{ONE}\n" + "1" * 400_000,
        "00:00:00" * 40_000,
        f"1\n{ONE}\n" + "a\n" * 30_000,
        f"1\n{ONE}\n" + "<v " * 100_000,
        "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<" * 300_000 + "&" * 100_000,
        "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v a" * 100_000,
        "Ann: hi\nBob: " + "\x1b]" * 100_000,
        "Ann: hi.\nBob: " + " " * 300_000 + ".",
        "Ann  0:12\nBob: " + "0:12 " * 60_000 + "\nAnn  0:14\nhi\n",
        "A" * 300_000 + ": hi\n" * 2,
        "{" * 300_000,
        '{"turns": [' + '{"text": "a"},' * 10_000,
    ],
)  # fmt: skip
def test_shapes_that_hang_careless_parsers_come_to_an_end(text: str, tmp_path: Path) -> None:
    """The srt package alone takes 20 s for the first of these at a tenth of the size, and minutes for the third."""
    path = put(tmp_path, text)
    sniff(path)
    try:
        read_transcript(path)
    except TranscriptError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("Ann: a b.\nBob: c.\nAnn: d.\n", None),
        ("[00:00:01] Ann: a b.\n[00:00:03] Bob: c.\n[00:00:05] Ann: d.\n", [1, 3, 5]),
        ("[00h00m01s] Ann: a b.\n[00h00m03s] Bob: c.\n[00h00m05s] Ann: d.\n", [1, 3, 5]),
        ("(0:01) Ann: a b.\n(0:03) Bob: c.\n(0:05) Ann: d.\n", [1, 3, 5]),
        ("0:01 Ann: a b.\n0:03 Bob: c.\n0:05 Ann: d.\n", [1, 3, 5]),
        ("0:01 - 0:02 Ann: a b.\n0:03 - 0:04 Bob: c.\n0:05 - 0:06 Ann: d.\n", [1, 3, 5]),
        ("Ann: [0:01] a b.\nBob: [0:03] c.\nAnn: [0:05] d.\n", [1, 3, 5]),
        ("Ann: [00:00:01] a b.\nBob: [00:00:03] c.\nAnn: [00:00:05] d.\n", [1, 3, 5]),
        ("Ann - 00:01\na b.\n\nBob - 00:03\nc.\n\nAnn - 00:05\nd.\n", [1, 3, 5]),
        ("Ann | 00:01\na b.\n\nBob | 00:03\nc.\n\nAnn | 00:05\nd.\n", [1, 3, 5]),
        ("\u200fAnn:  a b.\n\u200fBob:  c.\n\u200fAnn:  d.\n", None),
        ("Ann (0:01): a b.\nBob (0:03): c.\nAnn (0:05): d.\n", [1, 3, 5]),
        ("Ann [00:00:01]:\na b.\nBob [00:00:03]:\nc.\nAnn [00:00:05]:\nd.\n", [1, 3, 5]),
        ("Ann  0:01\na b.\n\nBob  0:03\nc.\n\nAnn  0:05\nd.\n\nTranscribed by https://otter.ai\n", [1, 3, 5]),
        ("Ann    00:00:01    a b.\nBob    00:00:03    c.\nAnn    00:00:05    d.\n", [1, 3, 5]),
        ("Ann\t0:01\ta b.\nBob\t0:03\tc.\nAnn\t0:05\td.\n", [1, 3, 5]),
        ("00:00:01\n\nAnn: a\nb.\n\n00:00:03\n\nBob: c.\n\n00:00:05\n\nAnn: d.\n", [1, 3, 5]),
        ("0:0:1.0 --> 0:0:2.0\nAnn\na b.\n0:0:3.0 --> 0:0:4.0\nBob\nc.\n0:0:5.0 --> 0:0:6.0\nAnn\nd.\n", [1, 3, 5]),
        ("Acme call, transcript\nMarch 5\n\nAnn: a\n  b.\n\nBob: c.\n\nAnn: d.\n", None),
    ],
)  # fmt: skip
def test_text_in_its_many_layouts(text: str, times: list[float] | None, tmp_path: Path) -> None:
    path = put(tmp_path, text)
    assert sniff(path) in ("text", "srt")
    transcript = read_transcript(path)
    holds(transcript)
    assert spoken(transcript) == [("Ann", "a b."), ("Bob", "c."), ("Ann", "d.")]
    if times:
        assert [turn.t0 for turn in transcript.turns] == times
    else:
        assert "the file has no times" in transcript.hearing.notes[0]


def test_otter_paragraphs_with_colons_stay_whole(tmp_path: Path) -> None:
    text = "Ann  0:01\nOptions: one, two.\n\nBob  0:05\nRight: Price: 10.\n\nAnn  0:09\nAt 10:30 then.\n"
    assert [turn.text for turn in read(tmp_path, text, "text").turns] == [
        "Options: one, two.",
        "Right: Price: 10.",
        "At 10:30 then.",
    ]


def test_headings_become_facts_not_speakers(tmp_path: Path) -> None:
    head = "Title: Acme, first call\nDate: 2026-03-05\nAccount: Acme\n\n"
    text = head + "Ann: Hello there.\nDana: Hi. The date: 2026.\nAnn: Good.\n"
    transcript = read(tmp_path, text, "text")
    assert {turn.speaker for turn in transcript.turns} == {"Ann", "Dana"}
    assert (transcript.meta.title, str(transcript.meta.date), transcript.meta.account) == (
        "Acme, first call",
        "2026-03-05",
        "Acme",
    )


@pytest.mark.parametrize("title", ["\U0001f4d6 Transcript", "Calder x Acme - Transcript", "TRANSCRIPT:"])
def test_notes_above_a_transcript_are_said_by_nobody(title: str, tmp_path: Path) -> None:
    notes = (
        "Oct 6, 2026\nCalder x Acme\nDetails\nPlanning Process: Tom Okafor explained that it takes two hours.\n"
        "Budget And Timing: Dana Reyes said there are funds.\nSuggested next steps\nDana Reyes: will write.\n\n"
    )
    body = "00:00:00\n" + "".join(f"{name}: {text}\n" for name, text in TALK)
    transcript = read(tmp_path, f"{notes}{title}\n\n{body}", "text")
    assert spoken(transcript) == list(TALK)
    assert str(transcript.meta.date) == "2026-10-06"
    untimed = read(tmp_path, f"{notes.replace('Dana Reyes:', 'She')}{title}\n{body.removeprefix('00:00:00')}", "text")
    assert spoken(untimed) == list(TALK)
    said = read(tmp_path, f"{body}Transcript.\n{body}", "text")
    assert [turn.speaker for turn in said.turns].count("Tom Okafor") == 2


def test_a_call_with_something_behind_it_under_that_title_is_said(tmp_path: Path) -> None:
    talk = [("Ann Lee", "What does it cost you?"), ("Dana Fox", "A lot."), ("Ann Lee", "How much?")]
    text = "".join(f"{name}: {said}\n" for name, said in talk)
    for behind in ("Owner: Mel will send it.\n", "Tom Okafor: We go on here.\nBea Hall: Yes.\n"):
        found = spoken(read(tmp_path, f"{text}\nPart 2 - Transcript\n\n{behind}", "text"))
        assert [(name, words.split(" Part 2")[0]) for name, words in found[:3]] == talk


def test_word_tables_and_the_older_teams_layout(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    table = document.add_table(rows=2, cols=1)
    table.cell(0, 0).text = "0:0:1.0 --> 0:0:2.0\nAnn Lee\nHello."
    table.cell(1, 0).text = "0:0:3.0 --> 0:0:4.5\nDana Fox\nHi."
    saved = io.BytesIO()
    document.save(saved)
    transcript = read_transcript(put(tmp_path, saved.getvalue()))
    assert spoken(transcript) == [("Ann Lee", "Hello."), ("Dana Fox", "Hi.")]
    assert [turn.t1 for turn in transcript.turns] == [2.0, 4.5]


def test_a_word_document_that_is_no_transcript(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("Our offer is attached.")
    saved = io.BytesIO()
    document.save(saved)
    assert "no line names a speaker" in refused(put(tmp_path, saved.getvalue()))


def test_the_web_platforms_odd_captions() -> None:
    """Every file is a transcript or one line; no cue that its valid neighbours' parser sees is lost."""
    if not CAPTIONS.is_dir():
        pytest.skip("the web platform's caption tests are not here: they are not part of the project")
    found = {}
    for path in sorted(CAPTIONS.glob("*.vtt")):
        assert sniff(path) == "webvtt"
        try:
            found[path.stem] = read_transcript(path)
            holds(found[path.stem])
        except TranscriptError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert path.stem.startswith("signature-") or path.stem == "timings-eof"
    texts = {name: " ".join(turn.text for turn in transcript.turns) for name, transcript in found.items()}
    assert texts["arrows"] == "text0 text1 text2 text3 text4 text5"
    assert texts["newlines"] == "text0 text1 text2 text3"
    assert texts["settings-align"].split() == [f"text{k}" for k in range(13)]
    assert texts["timings-60"] == "text1 text2"
    assert texts["text"] == "text text1 text2 foobar ✓ text1"
    assert len(found) == 34


TALK = (
    ("Dana Reyes", "Hi Tom, how do you plan the routes?"),
    ("Tom Okafor", "By hand, every night."),
    ("Dana Reyes", "What does that cost you?"),
)


def test_what_heads_otters_export_is_no_speaker_and_says_the_day(tmp_path: Path) -> None:
    head = (
        "Discovery call with Tom\nTue, Oct 6, 2026 10:01AM \u2022 2:05\n\nSUMMARY KEYWORDS\nplanner, vans\n\n"
        "SPEAKERS\nDana Reyes, Tom Okafor\n\n"
    )
    body = "".join(f"{name}  00:{i:02d}\n{text}\n\n" for i, (name, text) in enumerate(TALK))
    transcript = read(tmp_path, head + body + "Transcribed by https://otter.ai\n", "text")
    assert spoken(transcript) == list(TALK)
    assert (transcript.meta.title, str(transcript.meta.date)) == ("Discovery call with Tom", "2026-10-06")


def test_zooms_saved_captions_are_text_and_no_json(tmp_path: Path) -> None:
    body = "".join(f"[{name}] 23:59:{58 + i}\n{text}\n\n" for i, (name, text) in enumerate(TALK[:2]))
    transcript = read(tmp_path, body + f"[Dana Reyes] 00:00:04\n{TALK[2][1]}\n", "text")
    assert spoken(transcript) == list(TALK)
    assert [turn.t0 for turn in transcript.turns] == [0.0, 1.0, 6.0]


@pytest.mark.parametrize(
    ("stamps", "line", "times"),
    [
        (("10:01:02", "10:01:05", "10:01:09"), "{at} {name}: {text}\n", [0.0, 3.0, 7.0]),
        (("10:01:02", "10:01:05", "10:01:09"), "[{at}] {name}: {text}\n", [0.0, 3.0, 7.0]),
        (("10:01:02", "10:01:05", "10:01:09"), "{name} {at}\n{text}\n\n", [0.0, 3.0, 7.0]),
        (("10:01:02", "10:01:05", "10:01:09"), "{at}\n\n{name}: {text}\n\n", [0.0, 3.0, 7.0]),
        (("11:59 AM", "12:00 PM", "1:01 PM"), "[{at}] {name}: {text}\n", [0.0, 60.0, 3720.0]),
        (("12:59:58 p.m.", "1:00:01 p.m.", "1:00:05 p.m."), "{at} {name}: {text}\n", [0.0, 3.0, 7.0]),
        (("1:05:02 PM", "1:05:05 PM", "1:05:09 PM"), "{name}  {at}\n{text}\n\n", [0.0, 3.0, 7.0]),
        (("11:59 PM", "12:00 AM", "12:02 AM"), "{name} ({at}): {text}\n", [0.0, 60.0, 180.0]),
    ],
)
def test_times_of_the_day_count_from_the_first_of_them(
    tmp_path: Path, stamps: tuple[str, ...], line: str, times: list[float]
) -> None:
    said = [line.format(at=at, name=name, text=text) for at, (name, text) in zip(stamps, TALK, strict=True)]
    transcript = read(tmp_path, "Date: 10/26/2026 10:01 AM\n\n" + "".join(said), "text")
    assert spoken(transcript) == list(TALK)
    assert [turn.t0 for turn in transcript.turns] == times


def test_lines_of_one_minute_follow_each_other(tmp_path: Path) -> None:
    body = "".join(f"[10:0{i // 3} AM] {name}: {text}\n" for i, (name, text) in enumerate(TALK * 2))
    turns = read(tmp_path, body, "text").turns
    assert [turn.speaker for turn in turns] == [name for name, _ in TALK * 2][:2] + ["Dana Reyes"] * 2 + [
        "Tom Okafor",
        "Dana Reyes",
    ]
    assert all(before.t1 <= after.t0 for before, after in itertools.pairwise(turns))
    assert turns[3].t0 == 60.0


def test_a_second_speaker_after_a_line_as_long_as_a_book_counts(tmp_path: Path) -> None:
    long = "So we plan the routes by hand. " * 70_000
    transcript = read(tmp_path, f"Dana Reyes: {long}\nTom Okafor: I see, go on then.\n", "text")
    assert [turn.speaker for turn in transcript.turns] == ["Dana Reyes", "Tom Okafor"]


@pytest.mark.parametrize("data", [b"\n \n\t\n", "\n \n".encode("utf-16")])
def test_blank_lines_only_are_an_empty_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(TranscriptError, match=r"a\.txt: empty file \(blank lines only\)"):
        read_transcript(tmp_path / "a.txt")


def test_the_ends_of_times_of_the_day_count_from_the_start_too() -> None:
    lines = ["10:1:2 --> 10:1:5", "Dana Reyes", "Hello there.", "10:1:6 --> 10:1:9", "Sam Lee", "Hello to you."]
    assert [(piece.t0, piece.t1) for piece in read_lines(lines, "call.docx").pieces] == [(0.0, 3.0), (4.0, 7.0)]


@pytest.mark.parametrize("form", ["srt", "webvtt"])
def test_captions_by_the_clock_on_the_wall_begin_at_zero(form: str, tmp_path: Path) -> None:
    def cues(*starts: str) -> str:
        shown = "".join(f"{at},000 --> {at},900\n{who}: Hi there.\n\n" for at, who in zip(starts, "ABAB", strict=False))
        return shown if form == "srt" else "WEBVTT\n\n" + shown.replace(",", ".")

    def times(*starts: str) -> list[float]:
        return [turn.t0 for turn in read(tmp_path, cues(*starts), form).turns]

    assert times("10:02:13", "10:02:15", "10:03:13") == [0, 2, 60]
    assert times("23:59:59", "00:00:01", "00:00:09") == [0, 2, 10]
    # the second part of a long recording; one damaged cue
    assert times("01:30:00", "01:30:02", "01:31:00") == [5400, 5402, 5460]
    assert times("99:00:00", "00:00:02", "00:00:09") == [2, 9, 356400]


@pytest.mark.parametrize(
    "chat",
    [
        "00:00:12\tAnn Lee:\tHello all.\n00:03:40\tDana Fox:\tHere is the link.\n00:05:02\tAnn Lee:\tThanks.\n",
        "10:01:02\t From  Ann Lee : Hello.\n10:03:40\t From  Dana Fox : Hi there.\n10:04:00\t From  Ann Lee : Ok.\n",
        "10:01:02 From Ann Lee to Everyone:\n\tHello.\n10:03:40 From Dana Fox to Ann Lee(Direct Message):\n\tHi.\n",
    ],
)
def test_what_was_typed_into_zooms_chat_is_no_call(chat: str, tmp_path: Path) -> None:
    assert sniff(put(tmp_path, chat, "GMT20261006-140000_RecordingnewChat.txt")) is None


def test_a_chat_pasted_behind_a_call_does_not_make_it_none(tmp_path: Path) -> None:
    call = "".join(
        f"{name}: This is what was said on the call, more or less.\n" for name in ("Ann Lee", "Dana Fox") * 4
    )
    assert (
        sniff(put(tmp_path, call + "\n10:03:40 From Dana Fox to Everyone: Here is the link.\n", "call.txt")) is not None
    )
