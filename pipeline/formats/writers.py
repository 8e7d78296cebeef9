"""Transcripts out: captions, text, and the label files that speech tools and audio editors read."""

from __future__ import annotations

import datetime as dt
import json

from pipeline.formats.clean import clean_label, clean_text
from pipeline.types import Transcript, Turn


def to_json(transcript: Transcript) -> str:
    """The documented transcript object, indented."""
    return json.dumps(transcript.to_json(), ensure_ascii=False, indent=1, default=str) + "\n"


def to_vtt(transcript: Transcript) -> str:
    """WebVTT, one cue per turn, the speaker as its voice."""
    cues = [
        f"{_stamp(turn.t0)} --> {_stamp(_after(turn))}\n"
        f"<v {_escaped(_who(turn))}>{_escaped(clean_text(turn.text))}</v>\n"
        for turn in transcript.turns
    ]
    return "\n".join(["WEBVTT\n", *cues])


def to_srt(transcript: Transcript) -> str:
    """SubRip captions, one per turn, `speaker: text`."""
    import srt

    captions = [
        srt.Subtitle(
            number,
            _delta(turn.t0),
            _delta(_after(turn)),
            f"{_who(turn)}: {clean_text(turn.text).replace('-->', '->')}",
        )
        for number, turn in enumerate(transcript.turns, 1)
    ]
    return str(srt.compose(captions, reindex=False))


def to_txt(transcript: Transcript) -> str:
    """One line per turn: `[0:01:20] speaker: text`."""
    lines = [f"[{_clock(turn.t0)}] {_who(turn)}: {clean_text(turn.text)}\n" for turn in transcript.turns]
    return "".join(lines)


def to_rttm(transcript: Transcript) -> str:
    """NIST's rich transcription time marks: who spoke when. Blanks in names become underscores."""
    name = _field(transcript.call_id or "call")
    return "".join(
        f"SPEAKER {name} 1 {turn.t0:.3f} {turn.duration_s:.3f} <NA> <NA> {_field(_who(turn))} <NA> <NA>\n"
        for turn in transcript.turns
    )


def to_ctm(transcript: Transcript) -> str:
    """NIST's time-marked conversation: one word per line in order of time, also where turns overlap; without word
    times a turn's words share its time evenly."""
    name = _field(transcript.call_id or "call")
    lines: list[tuple[float, str]] = []
    for turn in transcript.turns:
        plain = clean_text(turn.text).split()
        step = turn.duration_s / max(1, len(plain))
        spoken = [(w.t0, w.t1 - w.t0, w.text, w.prob) for w in turn.words] or [
            (turn.t0 + k * step, step, word, None) for k, word in enumerate(plain)
        ]
        for t0, length, text, prob in spoken:
            mark = "" if prob is None else f" {prob:.3f}"
            lines.append((round(t0, 3), f"{name} 1 {t0:.3f} {max(0.0, length):.3f} {_field(text)}{mark}\n"))
    return "".join(line for _, line in sorted(lines, key=lambda line: line[0]))


def to_audacity(transcript: Transcript) -> str:
    """Audacity's label track: start, end and `speaker: text`, separated by tabs."""
    return "".join(f"{t.t0:.6f}\t{t.t1:.6f}\t{_who(t)}: {clean_text(t.text)}\n" for t in transcript.turns)


def _who(turn: Turn) -> str:
    return clean_label(turn.speaker) or "unknown"


def _field(text: str) -> str:
    return "_".join(clean_text(text).split()) or "_"


def _after(turn: Turn) -> float:
    """Where a turn's caption ends: captions must end later than they begin, turns of no known length need not."""
    return max(turn.t1, turn.t0 + 0.001)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _delta(seconds: float) -> dt.timedelta:
    return dt.timedelta(milliseconds=round(seconds * 1000))


def _stamp(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{_clock(whole, hours=2)}.{milliseconds:03d}"


def _clock(seconds: float, *, hours: int = 1) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:0{hours}d}:{minutes % 60:02d}:{rest:02d}"
