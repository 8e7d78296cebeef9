"""Whatever bytes lie in the inbox: a transcript that keeps its promises, or one line. Bounded; longer runs by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from formats_samples import SAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_formats import holds

from pipeline.errors import TranscriptError
from pipeline.formats import READERS, WRITERS, read_transcript, sniff, write_transcript
from pipeline.formats.assemble import Draft, Piece, assemble

BOUNDED = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Prefect's threads of other tests draw random numbers meanwhile, which hypothesis takes for a strategy that does
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")
JSON_READERS = [name for name, reader in READERS.items() if reader.kind == "json"]
BASES = {name: sample().data for name, sample in SAMPLES.items()}

scalars = (
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["1.2s", "PT1S", "0:12", "\x1b[31m", "rep", "Ann: hi", "\ud800", "1e999", "-->"])
)  # fmt: skip
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def survives(path: Path, data: bytes) -> None:
    """Sniffing never raises; reading raises one line or gives a transcript that every writer can write."""
    path.write_bytes(data)
    form = sniff(path)
    assert form is None or form in READERS
    try:
        transcript = read_transcript(path)
    except TranscriptError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert form is not None
    if form != "debrief":
        holds(transcript)
    for name in WRITERS:
        write_transcript(transcript, name).encode()


def changed(value: Any, draw: st.DrawFn) -> Any:
    """JSON with one value somewhere replaced, removed or doubled."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: changed(value[key], draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], changed(value[at], draw), *value[at + draw(st.integers(0, 1)) :]]
    return draw(trees)


@pytest.mark.parametrize("name", JSON_READERS)
@BOUNDED
@given(data=st.data())
def test_changed_json(name: str, data: st.DataObject, tmp_path: Path) -> None:
    value = json.loads(BASES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(st.composite(lambda draw, value=value: changed(value, draw))())
    survives(tmp_path / "f", json.dumps(value).encode())


@pytest.mark.parametrize("name", ["webvtt", "srt", "text", "docx"])
@BOUNDED
@given(
    at=st.integers(0, 10**6),
    drop=st.integers(0, 20),
    extra=st.binary(max_size=12) | st.sampled_from([b"-->", b"\n\n", b": ", b"\0"]),
)
def test_changed_bytes(name: str, at: int, drop: int, extra: bytes, tmp_path: Path) -> None:
    base = BASES[name]
    at %= len(base)
    survives(tmp_path / "f", base[:at] + extra + base[at + drop :])


@BOUNDED
@given(data=st.binary(max_size=300))
def test_random_bytes(data: bytes, tmp_path: Path) -> None:
    survives(tmp_path / "f", data)


@BOUNDED
@given(value=trees)
def test_random_json(value: Any, tmp_path: Path) -> None:
    survives(tmp_path / "f", json.dumps(value).encode())


@BOUNDED
@given(
    text=st.text(max_size=200),
    mark=st.sampled_from(
        ["", "WEBVTT\n\n00:01.000 --> 00:02.000\n", "1\n00:00:01,000 --> 00:00:02,000\n", "Ann: a.\nBob: b.\n"]
    ),
)
def test_random_text(text: str, mark: str, tmp_path: Path) -> None:
    survives(tmp_path / "f", (mark + text).encode(errors="replace"))


labels = st.sampled_from(["rep", "buyer:Dana", "Ann Lee", "SPEAKER_00"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
pieces = st.builds(
    Piece, labels, st.lists(words, min_size=1, max_size=5).map(" ".join),
    st.none() | st.floats(0, 1e5), st.none() | st.floats(0, 1e5)
)  # fmt: skip


@BOUNDED
@given(found=st.lists(pieces, min_size=1, max_size=12))
def test_assembling_keeps_every_word(found: list[Piece]) -> None:
    transcript = assemble(Draft(found), form="x", where="f")
    holds(transcript)
    for label in {piece.speaker for piece in found}:
        given_words = sorted(" ".join(piece.text for piece in found if piece.speaker == label).split())
        kept = sorted(" ".join(turn.text for turn in transcript.turns if turn.speaker == label).split())
        assert kept == given_words


@BOUNDED
@given(found=st.lists(pieces, min_size=1, max_size=8))
def test_vtt_and_json_come_back(found: list[Piece], tmp_path: Path) -> None:
    transcript = assemble(Draft(found), form="x", where="f")
    path = tmp_path / "f"
    for name in ("json", "vtt"):
        path.write_text(write_transcript(transcript, name), encoding="utf-8")
        back = read_transcript(path)
        assert (
            " ".join(turn.text for turn in back.turns).split()
            == " ".join(turn.text for turn in transcript.turns).split()
        )
        assert {turn.speaker for turn in back.turns} == {turn.speaker for turn in transcript.turns}
