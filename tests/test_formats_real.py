"""Readers on files that were not written for them: vendors' exports, where they are here, and the sample calls."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from formats_samples import holds

from pipeline.formats import READERS, read_transcript, sniff

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT.parent / "shared" / "data" / "exports"
INBOX = ROOT / "sample_calls" / "inbox"

REAL = {
    "assemblyai_transcription.json": ("assemblyai", 1, 60),
    "assemblyai_utterances.json": ("assemblyai", 1, 60),
    "aws_transcribe_call_analytics.json": ("aws-call-analytics", 37, 462),
    "dg_speakers.json": ("deepgram", 15, 226),
    "dg_speakers_no_utterances.json": ("deepgram", 15, 226),
    "dg_transcription.json": ("deepgram", 1, 62),
    "dg_utterances.json": ("deepgram", 1, 62),
    "dg_whisper_transcription.json": ("deepgram", 1, 59),
    "whisper_timestamped.json": ("openai", 1, 60),
}


@pytest.mark.parametrize("name", REAL)
def test_real_exports(name: str) -> None:
    """As vendors' APIs returned them: nothing said is lost, whichever shape it comes in."""
    path = EXPORTS / name
    if not path.is_file():
        pytest.skip(f"{name} is not here: real exports are not part of the project")
    form, turns, words = REAL[name]
    assert sniff(path) == form
    transcript = read_transcript(path)
    holds(transcript)
    assert len(transcript.turns) == turns
    data = json.loads(path.read_text(encoding="utf-8"))
    counted = sum(len(turn.words) for turn in transcript.turns)
    assert counted == words or (form == "openai" and counted == len([w for s in data["segments"] for w in s["words"]]))
    if form == "deepgram":
        whole = data["results"]["channels"][0]["alternatives"][0]["transcript"]
        got = " ".join(turn.text for turn in transcript.turns)
        assert sorted(got.lower().split()) == sorted(whole.lower().split())
    if form == "aws-call-analytics":
        said = " ".join(row["Content"] for row in data["Transcript"])
        assert sorted(" ".join(turn.text for turn in transcript.turns).split()) == sorted(said.split())


def samples() -> list[Path]:
    """The transcript sample calls of this repository."""
    return sorted(path for path in INBOX.rglob("*") if path.suffix in (".json", ".vtt", ".srt", ".txt", ".docx"))


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_sample_calls(path: Path) -> None:
    assert sniff(path) in READERS
    transcript = read_transcript(path)
    holds(transcript)
    assert len({turn.speaker for turn in transcript.turns}) >= 2
    assert "unknown" not in {turn.speaker for turn in transcript.turns}
    assert len(transcript.turns) >= 20
    if sniff(path) != "debrief":
        assert all(
            one.speaker != two.speaker or two.t0 - one.t1 >= 2 for one, two in itertools.pairwise(transcript.turns)
        )
