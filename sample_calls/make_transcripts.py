"""Make the transcript-only sample calls: `python sample_calls/make_transcripts.py [--out DIR]`.

Reads `dialogues/tr-*.txt`, gives every turn and word a plausible time, and writes each call the way the tool named
in its `@format` exports it, to `inbox/TEAM/REP/DATE_ACCOUNT.EXT`. The same dialogues give the same bytes: every
"random" choice is a hash of the call's id. A format is one function, named in `WRITERS`.

In a dialogue, `R:` is the rep, `R+Name:` a colleague of the rep and any other name a buyer; the last line, `= D3 M1
...`, holds the levels the call was written to earn and goes into no transcript. Vendors that number the speakers lose
the names, as they do in life: in those calls the rep says who is calling.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from docx import Document

HERE = Path(__file__).resolve().parent
HEADERS = ("id", "industry", "type", "team", "rep", "account", "date", "format", "noise")
TURN = re.compile(r"(?P<who>[^@=:]+): (?P<text>.+)")
CUE_WORDS = 22  # a caption holds about this many words


class Word(NamedTuple):
    text: str
    t0: float
    t1: float


class Said(NamedTuple):
    """Words in a row by one speaker: a turn, a sentence of it, or a caption."""

    who: str  # as in the dialogue: R, R+Name, Name
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(w.text for w in self.words)

    @property
    def t0(self) -> float:
        return self.words[0].t0

    @property
    def t1(self) -> float:
        return self.words[-1].t1

    def sentences(self, room: int = 0) -> list[Said]:
        """One by one; with `room`, several together while they fit into that many words."""
        parts: list[Said] = []
        begin = 0
        for k, word in enumerate(self.words, 1):
            if word.text.rstrip("\"'")[-1:] in (".", "?", "!") or k == len(self.words):
                before = parts.pop().words if parts and len(parts[-1].words) + k - begin <= room else ()
                parts.append(Said(self.who, before + self.words[begin:k]))
                begin = k
        return parts


class Call(NamedTuple):
    id: str
    meta: dict[str, str]
    turns: list[Said]

    @property
    def started(self) -> datetime:
        return datetime.fromisoformat(f"{self.meta['date']}T{8 + int(8 * chance(self.id, 'time')):02}:00:00+00:00")

    def name(self, said: Said) -> str:
        return self.meta["rep"] if said.who == "R" else said.who.removeprefix("R+")

    def number(self, said: Said) -> int:
        return list(dict.fromkeys(t.who for t in self.turns)).index(said.who)


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts and on nothing else."""
    return int(hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:12], 16) / 16**12


def read(path: Path) -> Call:
    meta: dict[str, str] = {}
    said: list[tuple[str, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            meta[key] = value.strip()
        elif match := TURN.fullmatch(line):
            said.append((match["who"], match["text"].strip()))
        elif line.strip() and not line.startswith("="):
            raise ValueError(f"{path.name}:{number}: neither a header nor a turn: {line!r}")
    if not all(map(meta.get, HEADERS)) or meta["format"] not in FORMATS:
        raise ValueError(f"{path.name}: needs {', '.join(HEADERS)}, and a @format of {', '.join(FORMATS)}")
    return Call(meta["id"], meta, timed(meta["id"], said))


def timed(call: str, said: list[tuple[str, str]]) -> list[Said]:
    """Lay the turns out in time: a pace for each speaker, jitter for each turn, gaps, and now and then an overlap."""
    turns: list[Said] = []
    clock = 0.4 + 2.0 * chance(call, "start")
    for i, (who, text) in enumerate(said):
        pace = (140 + 60 * chance(call, who, "wpm")) * (0.9 + 0.2 * chance(call, i, "pace"))
        turns.append(Said(who, spread(call, i, text.split(), clock, 60 / pace)))
        answer = said[i + 1][1] if i + 1 < len(said) else ""
        clock = max(turns[-1].t1 + gap(call, i, text, answer), turns[-1].t0 + 0.1)
    return turns


def gap(call: str, i: int, text: str, answer: str) -> float:
    """Seconds from the end of turn i to the start of the next; negative where the next one comes in early."""
    if text.endswith("--") or chance(call, i, "overlap") < 0.07:
        return -0.1 - 0.4 * chance(call, i, "early")
    if len(answer.split()) <= 3:
        return 0.15 + 0.35 * chance(call, i, "quick")
    return 0.2 + (1.6 if text.endswith("?") else 0.9) * chance(call, i, "gap")


def spread(call: str, i: int, words: list[str], start: float, mean: float) -> tuple[Word, ...]:
    """Give each word a share of the turn by its length, and a breath after commas and full stops."""
    weights = [0.45 + 0.11 * len(re.sub(r"\W", "", w)) for w in words]
    unit = mean * len(words) / sum(weights)
    out, clock = [], start
    for k, (word, weight) in enumerate(zip(words, weights, strict=True)):
        length = 0.86 * unit * weight * (0.9 + 0.2 * chance(call, i, k))
        out.append(Word(word, round(clock, 3), round(clock + length, 3)))
        pause = 0.28 if word[-1] in ".?!" else 0.12 if word[-1] in ",-" else 0.02
        clock += length + pause * (0.6 + 0.8 * chance(call, i, k, "pause"))
    return tuple(out)


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def stamp(seconds: float) -> str:
    return f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{seconds % 60:06.3f}"


def captions(call: Call, mark: str = ".") -> list[tuple[str, str, str]]:
    cues = [cue for turn in call.turns for cue in turn.sentences(CUE_WORDS)]
    return [(f"{stamp(c.t0)} --> {stamp(c.t1)}".replace(".", mark), call.name(c), c.text) for c in cues]


def confidence(call: Call, *parts: object) -> float:
    return round(0.999 - 0.3 * chance(call.id, "confidence", *parts) ** 4, 4)


def as_json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def debrief(call: Call) -> bytes:
    meta = {k: call.meta[k] for k in ("rep", "team", "account", "date", "industry")} | {"call_type": call.meta["type"]}
    turns = []
    for t in call.turns:
        speaker = "rep" if t.who == "R" else f"rep:{t.who[2:]}" if t.who.startswith("R+") else f"buyer:{t.who}"
        turns.append({"t0": round(t.t0, 1), "t1": round(t.t1, 1), "speaker": speaker, "text": t.text})
    return as_json({"call_id": call.id, "meta": meta, "turns": turns})


def zoom_vtt(call: Call) -> bytes:
    cues = [f"{n}\n{t}\n{who}: {text}\n" for n, (t, who, text) in enumerate(captions(call), 1)]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def teams_vtt(call: Call) -> bytes:
    guid = uuid.uuid5(uuid.NAMESPACE_OID, call.id)
    cues = [f"{guid}/{n}-0\n{t}\n<v {who}>{text}</v>\n" for n, (t, who, text) in enumerate(captions(call), 11)]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def srt(call: Call) -> bytes:
    cues = enumerate(captions(call, ","), 1)
    return "\n".join(f"{n}\n{t}\n{who}: {text}\n" for n, (t, who, text) in cues).encode()


def txt(call: Call) -> bytes:
    return "".join(f"{call.name(t)}: {t.text}\n" for t in call.turns).encode()


def otter(call: Call) -> bytes:
    return "\n".join(f"{call.name(t)}  {minutes(t.t0)}\n{t.text}\n" for t in call.turns).encode()


def whisperx(call: Call) -> bytes:
    """Segments are sentences; the aligner gives no time to a word with a digit in it; who is 00 is a matter of luck."""
    flip = chance(call.id, "flip") < 0.5
    segments: list[dict[str, Any]] = []
    for s in [s for t in call.turns for s in t.sentences()]:
        label = {"speaker": f"SPEAKER_{call.number(s) ^ flip:02}"}
        words: list[dict[str, Any]] = []
        for w in s.words:
            times = {"start": w.t0, "end": w.t1, "score": confidence(call, w.t0)}
            words.append({"word": w.text} | ({} if re.search(r"\d", w.text) else times) | label)
        segments.append({"start": s.t0, "end": s.t1, "text": " " + s.text, "words": words} | label)
    return as_json({"segments": segments, "language": "en"})


def deepgram(call: Call) -> bytes:
    def item(part: Said | Word, who: dict[str, int]) -> dict[str, Any]:
        return {"start": part.t0, "end": part.t1, "confidence": confidence(call, part.t0, part.t1)} | who

    utterances, words = [], []
    for t in call.turns:
        who = {"speaker": call.number(t)}
        plain = [re.sub(r"[^\w']", "", w.text).lower() for w in t.words]
        said = [{"word": p, "punctuated_word": w.text} | item(w, who) for p, w in zip(plain, t.words, strict=True)]
        utterances.append({"transcript": t.text, "channel": 0} | item(t, who) | {"words": said})
        words += said
    whole = {"transcript": " ".join(t.text for t in call.turns), "confidence": confidence(call), "words": words}
    meta = {"created": call.started.isoformat(), "duration": call.turns[-1].t1, "channels": 1}
    return as_json({"metadata": meta, "results": {"channels": [{"alternatives": [whole]}], "utterances": utterances}})


def assemblyai(call: Call) -> bytes:
    def item(part: Said | Word, who: str) -> dict[str, Any]:
        span = {"text": part.text, "start": round(1000 * part.t0), "end": round(1000 * part.t1), "speaker": who}
        return span | {"confidence": confidence(call, part.t0, part.t1)}

    turns = [(t, "AB"[call.number(t)]) for t in call.turns]
    utterances = [item(t, who) | {"words": [item(w, who) for w in t.words]} for t, who in turns]
    top = {"id": call.id, "status": "completed", "text": " ".join(t.text for t in call.turns)}
    return as_json(top | {"audio_duration": round(call.turns[-1].t1), "utterances": utterances})


def gong(call: Call) -> bytes:
    """The transcript and the extensive call data of Gong's API in one file."""

    def key(*parts: object) -> str:
        return str(10**18 + int(8 * 10**18 * chance(call.id, *parts)))

    title, started = f"{call.meta['account']}: {call.meta['type']}", call.started.isoformat()
    meta = {"id": key(), "title": title, "started": started, "duration": round(call.turns[-1].t1)}
    parties: dict[str, dict[str, str]] = {}
    transcript = []
    for i, t in enumerate(call.turns):
        side = "Internal" if t.who.split("+")[0] == "R" else "External"
        parties[t.who] = {"speakerId": key(t.who), "name": call.name(t), "affiliation": side}
        topic = "Call Setup" if i < 2 else "Wrap-up" if i >= len(call.turns) - 2 else None
        said = [{"start": round(1000 * s.t0), "end": round(1000 * s.t1), "text": s.text} for s in t.sentences()]
        transcript.append({"speakerId": key(t.who), "topic": topic, "sentences": said})
    data = {"metaData": meta, "parties": list(parties.values())}
    return as_json(data | {"callTranscripts": [{"callId": key(), "transcript": transcript}]})


def docx(call: Call) -> bytes:
    """A Teams transcript as Word saves it; zipped again with a fixed date, so that it is the same file every time."""
    rep, when = call.meta["rep"], call.started
    document = Document()
    document.core_properties.created = document.core_properties.modified = when.replace(tzinfo=None)
    title = f"{call.meta['account']}-{when:%Y%m%d_%H%M%S}-Meeting Recording"
    for line in (title, f"{when:%B} {when.day}, {when:%Y, %I:%M%p}", f"{rep} started transcription"):
        document.add_paragraph(line)
    for t in call.turns:
        paragraph = document.add_paragraph()
        paragraph.add_run(call.name(t)).bold = True
        paragraph.add_run(f"   {minutes(t.t0)}").add_break()
        paragraph.add_run(t.text)
    document.add_paragraph(f"{rep} stopped transcription")
    saved, out = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


WRITERS: dict[str, tuple[Callable[[Call], bytes], ...]] = {
    "json": (debrief, whisperx, deepgram, assemblyai, gong),
    "vtt": (zoom_vtt, teams_vtt),
    "srt": (srt,),
    "txt": (txt, otter),
    "docx": (docx,),
}
FORMATS = {write.__name__: (extension, write) for extension, writers in WRITERS.items() for write in writers}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the transcript-only sample calls.")
    parser.add_argument("--out", type=Path, default=HERE / "inbox", help="the inbox to write to")
    out = parser.parse_args().out
    for call in map(read, sorted((HERE / "dialogues").glob("tr-*.txt"))):
        extension, write = FORMATS[call.meta["format"]]
        folder = out / call.meta["team"] / call.meta["rep"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{call.meta['date']}_{call.meta['account']}.{extension}").write_bytes(write(call))


if __name__ == "__main__":
    main()
