"""Make the recorded sample calls from the dialogues: `python sample_calls/make_recordings.py [ID...]`.

Reads `dialogues/rec-*.txt`, speaks every turn with flite, lays the turns on one or two channels with natural
gaps, interruptions and back-channels, and writes the audio to `inbox/` and what was really said when to
`reference/ID.json` (the transcript) and `reference/ID.rttm` (the speech segments). The same dialogues and the
same tools give the same bytes: nothing here is drawn from anything but the recording's id.

Needs flite, sox and ffmpeg (Debian packages) beside numpy and soundfile. In a dialogue, `R:` is the rep and any
other name a buyer; a text in brackets is a back-channel, spoken while the other side goes on; a turn that ends in
`--` is interrupted by the next one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
RATE = 16_000
LEVEL_DB = -21.0  # RMS of speech, each voice, before the layout's own changes
FLOOR_DB = -75.0  # room noise of a mono recording
BLEED_DB = -20.0  # how much of one side the other side's microphone hears
PHONE_SNR_DB = 6.0  # speech over noise on the telephone line
PAUSE = 0.18  # silence inside a turn that ends one speech segment and starts the next

# person: (flite voice, how much slower than its default, sox effects)
VOICES = {
    "Priya Nair": ("slt", 1.06, "pitch -60"),
    "Tom Becker": ("rms", 1.04, "pitch 100"),
    "Alice Moreau": ("slt", 1.08, "pitch -180"),
    "Daniel Osei": ("rms", 1.04, ""),
    "Kate Lindqvist": ("slt", 1.05, "speed 0.93"),
    "Owen": ("rms", 1.02, ""),
    "Linda": ("slt", 1.08, "pitch -120"),
    "Frank": ("rms", 1.06, "speed 1.04"),
    "Susan": ("slt", 1.08, "pitch -150"),
    "Ray": ("rms", 1.04, "pitch 60"),
    "Victor": ("rms", 1.06, "speed 1.06"),
    "Jim": ("kal16", 1.12, ""),
}

# how ffmpeg writes each kind of file; wav (16-bit) and flac are written by soundfile
CODECS = {
    ".m4a": ["-c:a", "aac", "-b:a", "64k"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "48k"],
    ".ogg": ["-c:a", "libopus", "-b:a", "40k"],
    ".wav": ["-c:a", "pcm_mulaw"],
}


@dataclass
class Turn:
    speaker: str  # "rep:Name" or "buyer:Name"
    text: str
    backchannel: bool
    t0: float = 0.0
    audio: np.ndarray | None = None  # without outer silence
    words: tuple[tuple[str, float, float], ...] = ()  # with times from the turn's start

    @property
    def t1(self) -> float:
        return self.t0 + len(self.audio) / RATE


def read_dialogue(path: Path) -> tuple[dict[str, str], list[Turn]]:
    """The file's `@key value` lines and its turns; `#` lines are comments."""
    meta, turns = {}, []
    for line in filter(None, map(str.strip, path.read_text(encoding="utf-8").splitlines())):
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            meta[key] = value.strip()
        elif not line.startswith("#"):
            who, _, text = line.partition(": ")
            speaker = f"rep:{meta['rep']}" if who == "R" else f"buyer:{who}"
            backchannel = text.startswith("(") and text.endswith(")")
            turns.append(Turn(speaker, text.strip("()"), backchannel))
    return meta, turns


def flite(voice: str, stretch: float, text: str, wav: str = "none") -> list[tuple[str, float]]:
    """Speak one sentence into `wav`; the phones with their end times ("pau" is silence)."""
    command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-psdur", "-t", f"{text} ", "-o", wav]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [(phone, float(end)) for phone, _, end in (item.partition(":") for item in out.split())]


@cache
def phones_in(voice: str, word: str) -> int:
    return sum(phone != "pau" for phone, _ in flite(voice, 1.0, word))


def speak_sentence(person: str, text: str) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """One sentence in a person's voice, cut to where the speech is, and when each word is said."""
    voice, stretch, effects = VOICES[person]
    with tempfile.TemporaryDirectory() as folder:
        raw, done = f"{folder}/raw.wav", f"{folder}/done.wav"
        phones = flite(voice, stretch, text, raw)
        change = ["gain", "-6", *effects.split(), "rate", str(RATE)]
        subprocess.run(["sox", "-R", "-D", raw, "-b", "24", done, *change], check=True)
        audio, length = sf.read(done)[0], sf.info(raw).duration
    scale = len(audio) / RATE / length  # sox may have changed the speed
    starts = [0.0, *(end for _, end in phones[:-1])]
    spans = [(a * scale, b * scale) for a, (phone, b) in zip(starts, phones, strict=True) if phone != "pau"]
    begin, finish = spans[0][0], min(spans[-1][1], len(audio) / RATE)
    spans = [(start - begin, min(end, finish) - begin) for start, end in spans]
    tokens = text.split()
    counts = np.cumsum([0] + [phones_in(voice, token) for token in tokens])
    at = np.round(counts * len(spans) / counts[-1]).astype(int)  # exact where the words' phones add up
    words = [(token, spans[i][0], spans[max(i, j - 1)][1]) for token, i, j in zip(tokens, at, at[1:], strict=False)]
    audio = audio[round(begin * RATE) : round(finish * RATE)].copy()
    audio[:80] *= np.linspace(0, 1, 80)
    audio[-80:] *= np.linspace(1, 0, 80)
    return audio, words


def speak(turn: Turn, rng: np.random.Generator) -> None:
    """Give a turn its audio, sentence by sentence with a short breath between them, at the common level."""
    pieces, words, at = [], [], 0
    for sentence in re.findall(r"[^.?!]+[.?!]*", turn.text.removesuffix("--")):
        audio, said = speak_sentence(turn.speaker.partition(":")[2], sentence.strip())
        words += [(word, at / RATE + start, at / RATE + end) for word, start, end in said]
        pieces += [audio, np.zeros(round(rng.uniform(0.2, 0.45) * RATE))]
        at += sum(map(len, pieces[-2:]))
    audio = np.concatenate(pieces[:-1])
    voiced = audio[np.abs(audio) > 0.01 * np.abs(audio).max()]
    level = LEVEL_DB + rng.uniform(-1.5, 1.5) - (5 if turn.backchannel else 0)
    turn.audio, turn.words = audio * 10 ** (level / 20) / np.sqrt(np.mean(voiced**2)), tuple(words)


def place(turns: list[Turn], rng: np.random.Generator) -> None:
    """Speak the turns and give each its start: gaps, interruptions, back-channels."""
    end, interrupted, after_backchannel = 0.6, False, False
    for turn in turns:
        speak(turn, rng)
        gap = rng.uniform(0.2, 0.9)
        if turn.backchannel:
            turn.t0, after_backchannel = end - 0.15, True
            continue
        gap = -0.35 if interrupted else 0.3 if after_backchannel else gap  # nobody stops for a back-channel
        turn.t0 = round(end + gap, 3)
        end, interrupted, after_backchannel = turn.t1, turn.text.endswith("--"), False


def noise(shape: int | tuple[int, ...], db: float, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(shape) * 10 ** (db / 20)


def telephone(line: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A bad mobile call: 300-3,400 Hz at 8 kHz, road noise, other voices, drop-outs."""
    spectrum = np.fft.rfft(line)
    hertz = np.fft.rfftfreq(len(line), 1 / RATE)
    road = np.fft.rfft(noise(len(line), 0, rng)) / np.sqrt(1 + (hertz / 700) ** 2)
    babble = np.fft.rfft(sum(np.roll(line, round(RATE * s)) for s in rng.uniform(5, 100, 6)))
    band = (hertz > 300) & (hertz < 3400)
    voice, road, babble = (part * band / np.linalg.norm(part * band) for part in (spectrum, road, babble))
    din = (road + 0.6 * babble) / np.linalg.norm(road + 0.6 * babble)
    sound = np.fft.irfft(voice + 10 ** (-PHONE_SNR_DB / 20) * din, len(line))
    for start in rng.uniform(0, len(line) / RATE - 1, len(line) // RATE // 6):
        sound[round(start * RATE) : round((start + rng.uniform(0.06, 0.2)) * RATE)] *= 0.05
    return sound * 0.07 / np.sqrt(np.mean(sound**2))


def mix(turns: list[Turn], layout: str, rng: np.random.Generator) -> np.ndarray:
    """Lay the spoken turns on the channels that `@layout` names: samples x channels."""
    sides = np.zeros((round((max(turn.t1 for turn in turns) + 0.8) * RATE), 2))
    for turn in turns:
        start = round(turn.t0 * RATE)
        sides[start : start + len(turn.audio), 0 if turn.speaker.startswith("rep") else 1] += turn.audio
    if layout == "stereo":
        return sides
    if layout == "stereo-bleed":
        bleed = sides + 10 ** (BLEED_DB / 20) * sides[:, ::-1]
        return bleed + noise(bleed.shape, FLOOR_DB, rng)
    mono = sides.sum(axis=1, keepdims=True)
    if layout == "mono":
        return mono + noise(mono.shape, FLOOR_DB, rng)
    if layout == "telephone":
        return telephone(mono[:, 0], rng)[:, None]
    raise ValueError(f"unknown layout {layout!r}")


def write_audio(path: Path, audio: np.ndarray, rate: int = RATE) -> None:
    """Write the kind of file the name says; `rate` 8000 makes a .wav a mu-law one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = np.clip(audio, -0.98, 0.98)
    if path.suffix == ".flac" or (path.suffix == ".wav" and rate == RATE):
        sf.write(path, audio, RATE, subtype="PCM_16")
        return
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    source = ["-f", "f32le", "-ar", str(RATE), "-ac", str(audio.shape[1]), "-i", "-", "-ar", str(rate)]
    command = ["ffmpeg", "-v", "error", "-y", *source, *CODECS[path.suffix], *exact, str(path)]
    subprocess.run(command, input=audio.astype("<f4").tobytes(), check=True)


def write_reference(meta: dict[str, str], turns: list[Turn], seconds: float) -> None:
    """What was said when: the transcript with word times as JSON, the speech segments as RTTM."""
    known = {key: value for key, value in meta.items() if key not in ("id", "type")}
    known |= {"call_type": meta["type"], "duration_s": round(seconds, 2)}
    rows, segments = [], []
    for turn in turns:
        words = [{"t0": round(turn.t0 + a, 3), "t1": round(turn.t0 + b, 3), "text": w} for w, a, b in turn.words]
        t0, t1 = round(turn.t0, 3), round(turn.t1, 3)
        rows.append({"t0": t0, "t1": t1, "speaker": turn.speaker, "text": turn.text, "words": words})
        for index, word in enumerate(words):
            if index == 0 or word["t0"] - segments[-1][1] >= PAUSE:
                segments.append([word["t0"], word["t1"], turn.speaker.replace(" ", "_")])
            segments[-1][1] = word["t1"]
    body = json.dumps({"call_id": meta["id"], "meta": known, "turns": rows}, indent=1)
    body = re.sub(r'\{\s+("t0": .+),\s+("t1": .+),\s+("text": ".+")\s+\}', r"{\1, \2, \3}", body)  # a word a line
    rttm = [f"SPEAKER {meta['id']} 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>\n" for a, b, who in sorted(segments)]
    (HERE / "reference" / f"{meta['id']}.json").write_text(body + "\n", encoding="utf-8")
    (HERE / "reference" / f"{meta['id']}.rttm").write_text("".join(rttm), encoding="utf-8")


def make(path: Path) -> None:
    meta, turns = read_dialogue(path)
    rng = np.random.default_rng(zlib.crc32(meta["id"].encode()))
    place(turns, rng)
    audio = mix(turns, meta["layout"], rng)
    target, seconds = HERE / "inbox" / meta["file"], len(audio) / RATE
    write_audio(target, audio, 8000 if meta["layout"] == "telephone" else RATE)
    write_reference(meta, turns, seconds)
    print(f"{meta['id']}  {seconds:6.1f} s  {target.stat().st_size / 1e6:5.2f} MB  {meta['file']}")


def make_broken() -> None:
    """Two files that look like calls and are not: an upload that was cut off, and a line nobody spoke on."""
    hum = np.sin(2 * np.pi * 50 * np.arange(10 * RATE) / RATE) * 0.02 + noise(10 * RATE, -60, np.random.default_rng(10))
    empty = HERE / "inbox/North/Tom Becker/2026-10-13_Union Gear.m4a"
    write_audio(empty, hum[:, None])
    cut = HERE / "inbox/South/Daniel Osei/2026-10-29_Harbor Tools.mp3"
    cut.write_bytes(empty.read_bytes()[:3000])  # the start of an .m4a, its index missing, under the wrong name


if __name__ == "__main__":
    (HERE / "reference").mkdir(exist_ok=True)
    for file in sorted((HERE / "dialogues").glob("rec-*.txt")):
        if file.stem in (sys.argv[1:] or file.stem):
            make(file)
    make_broken()
