from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hearing_samples import piece, recording, reference, write
from typer.testing import CliRunner

from pipeline import cli
from pipeline.audio import Audio
from pipeline.diarize import Diarization, Span
from pipeline.errors import AudioError
from pipeline.hear import with_known_voices
from pipeline.roles import resolve_roles
from pipeline.settings import Settings
from pipeline.types import CallMeta, Transcript, Turn
from pipeline.voices import MARGIN, alone, best_matches, enrol, forget, known_voices, line_of, matches


def diarized(call: str, t0: float, t1: float) -> Diarization:
    """A part of a sample call with its true spans, labelled A (the rep) and B."""
    spans = tuple(
        Span(turn["t0"] - t0, turn["t1"] - t0, "A" if turn["speaker"].startswith("rep") else "B")
        for turn in reference(call)["turns"]
        if turn["t0"] >= t0 and turn["t1"] <= t1
    )
    return Diarization(spans, "embedded", Audio.of(piece(call, t0, t1)), ())


def unit(*values: float) -> np.ndarray:
    return np.array(values) / np.linalg.norm(values)


def test_a_voice_is_known_again_in_the_rest_of_the_call(tmp_path: Path) -> None:
    voice = enrol(tmp_path, "Alice Moreau", diarized("rec-03", 0, 90), "A", consent="signed form", source="a.wav")
    assert voice.line == "wideband"
    rest = diarized("rec-03", 90, 186)
    assert [match.label for match in matches(rest, known_voices(tmp_path), rep="Alice Moreau")] == ["A"]
    assert matches(rest, known_voices(tmp_path), rep="Tom Becker") == [], "another rep's voice proves nothing"
    meta, notes = with_known_voices(CallMeta(), rest, Settings(data=tmp_path))
    assert meta.extra["voices"] == {"A": "Alice Moreau"}
    assert "A sounds like Alice Moreau" in notes[0]
    telephone = diarized("rec-05", 90, 180)
    assert matches(telephone, known_voices(tmp_path)) == [], "never compared over another kind of line"


def test_a_rep_with_a_headset_is_known_beside_a_buyer_on_the_telephone(tmp_path: Path) -> None:
    from scipy.signal import butter, sosfilt

    rep, buyer = piece("rec-01", 0, 70)
    by_telephone = sosfilt(butter(8, 3400, fs=16_000, output="sos"), buyer)
    audio = Audio.of(np.stack([by_telephone, rep]))
    spans = tuple(
        Span(turn["t0"], turn["t1"], f"channel {channel}", channel)
        for turn in reference("rec-01")["turns"]
        if turn["t1"] <= 70
        for channel in [int(turn["speaker"].startswith("rep"))]
    )
    found = Diarization(spans, "channels", audio, ())
    assert enrol(tmp_path, "Priya Nair", found, "channel 1", consent="signed form", source="a.wav").line == "wideband"
    assert [match.label for match in matches(found, known_voices(tmp_path))] == ["channel 1"]
    enrol(tmp_path, "Dana Reed", found, "channel 0", consent="signed form", source="a.wav")
    both = {match.label: match.rep for match in matches(found, known_voices(tmp_path))}
    assert both == {"channel 0": "Dana Reed", "channel 1": "Priya Nair"}


def test_the_margin_rule() -> None:
    rep, other = unit(1, 0, 0), unit(0, 1, 0)
    near = unit(1, 0.1, 0)
    assert [m.label for m in best_matches({"A": near, "B": other}, {"R": rep})] == ["A"]
    # two speakers of the call alike, two reps alike, nobody alike: unknown
    assert best_matches({"A": near, "B": unit(1, 0.2, 0)}, {"R": rep}) == []
    assert best_matches({"A": near, "B": other}, {"R": rep, "Q": unit(1, 0.2, 0)}) == []
    assert best_matches({"A": unit(1, 1, 0), "B": other}, {"R": rep}) == []
    assert best_matches({"A": near}, {"R": rep}) == []
    found = best_matches({"A": near, "B": other}, {"R": rep})[0]
    assert found.margin >= MARGIN


def test_no_consent_or_too_little_speech_enrols_nobody(tmp_path: Path) -> None:
    found = diarized("rec-03", 0, 90)
    for label, consent, reason in (("A", " ", "no consent"), ("Z", "yes", "no speaker 'Z'; there are A, B")):
        with pytest.raises(AudioError, match=reason):
            enrol(tmp_path, "Alice", found, label, consent=consent, source="a.wav")
    with pytest.raises(AudioError, match="20 s are needed"):
        enrol(tmp_path, "Alice", diarized("rec-03", 0, 20), "A", consent="yes", source="a.wav")
    assert known_voices(tmp_path) == []


def test_forgetting_leaves_no_byte(tmp_path: Path) -> None:
    enrol(tmp_path, "Alice Moreau", diarized("rec-03", 0, 90), "A", consent="signed form", source="a.wav")
    assert forget(tmp_path, "alice  moreau") == 1
    assert [*(tmp_path / "voices").iterdir()] == []
    assert forget(tmp_path, "Alice Moreau") == 0


def test_overlapping_speech_is_nobodys_voice() -> None:
    spans = [Span(0, 10, "A"), Span(2, 3, "B"), Span(9, 12, "B"), Span(20, 21, "A")]
    assert alone(spans, "A") == [(0, 2), (3, 9), (20, 21)]
    assert alone(spans, "B") == [(10, 12)]


def test_kinds_of_line() -> None:
    for call, line in (("rec-03", "wideband"), ("rec-05", "telephone"), ("rec-01", "wideband")):
        assert line_of(recording(call), [Span(0, 30, "A")], 0) == line, call


def test_a_recognised_voice_weighs_like_an_introduction_not_like_a_fact() -> None:
    turns = tuple(
        Turn(float(k), k + 0.9, label, text)
        for k, (label, text) in enumerate([("S0", "Hello, how are you?"), ("S1", "Fine, and you?")] * 2)
    )
    blind = Transcript("c", CallMeta(), turns)
    before = resolve_roles(blind, threshold=0.9)
    assert not before.resolved
    for label, names in (("S0", {"rep", "buyer:Buyer"}), ("S1", {"rep", "buyer:Buyer"})):
        heard = Transcript("c", CallMeta(extra={"voices": {label: "Priya Nair"}}), turns)
        found = resolve_roles(heard, threshold=0.9)
        assert {turn.speaker for turn in found.turns} == names
        assert found.turns[int(label[1])].speaker == "rep"
        assert (found.hearing.roles_method, found.meta.rep) == ("known voice", "Priya Nair")
        assert 0.9 <= (found.hearing.roles_confidence or 0) < 1.0
        assert "voices" not in found.meta.extra


def test_the_commands(tmp_path: Path) -> None:
    one_side = write(tmp_path / "rep.wav", piece("rec-01", 0, 90)[:1], codec="pcm_s16le")
    both = write(tmp_path / "call.wav", piece("rec-01", 0, 90), codec="pcm_s16le")

    def run(*args: str) -> tuple[int, list[dict[str, object]]]:
        made = CliRunner().invoke(cli.app, ["--data", str(tmp_path), "voices", *args, "--json"])
        if made.exception and not isinstance(made.exception, SystemExit):
            raise made.exception
        return made.exit_code, [json.loads(line) for line in made.stdout.splitlines()]

    with pytest.raises(AudioError, match=r"2 speakers \(channel 0, channel 1\); say which with --speaker"):
        run("enrol", "Priya Nair", str(both), "--consent", "signed form")
    assert run("enrol", "Priya Nair", str(both))[0] == 2
    for recorded, choice in ((both, ["--speaker", "channel 0"]), (one_side, [])):
        code, rows = run("enrol", "Priya Nair", str(recorded), "--consent", "signed form", *choice)
        assert (code, rows[0]["rep"], rows[0]["consent"]) == (0, "Priya Nair", "signed form")
    code, rows = run("list")
    assert [row["source"] for row in rows] == ["rep.wav"], "the second replaced the first: same rep, same line"
    assert "vector" not in rows[0]
    assert run("forget", "Priya Nair") == (0, [{"rep": "Priya Nair", "deleted": 1}])
    assert run("forget", "Priya Nair")[0] == 1
