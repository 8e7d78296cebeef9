"""What hearing costs: two cores against one, and the memory of a worker, up to a six-hour recording."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hearing.cases import Case, decoded, piece, sample_cases, write_wav
from pipeline.audio import Audio, require_speech
from pipeline.settings import Settings
from pipeline.types import CallMeta, Word
from pipeline.workers import WorkerPool

Row = dict[str, Any]


def hear_one(job: tuple[str, Settings, bool]) -> Row:
    """A worker's task: hear a recording, or say why not, and this process's peak memory in MiB and CPU seconds.

    The third of the job says whether a stand-in takes the recogniser's place.
    """
    import resource

    from models.recognisers import RECOGNISERS
    from pipeline.errors import DebriefError
    from pipeline.hear import choose_engine, transcribe

    path, settings, stand_in = job
    if stand_in:
        name = choose_engine(settings)[0]
        RECOGNISERS[name] = dataclasses.replace(RECOGNISERS[name], transcribe=words_at_once)
    started = time.process_time()
    problem = ""
    try:
        turns = len(transcribe(Path(path), settings=settings).turns)
    except DebriefError as error:
        turns, problem = 0, str(error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"turns": turns, "peak_mb": peak, "cpu_s": time.process_time() - started, "problem": problem}


def words_at_once(read: Any, speech: list[tuple[float, float]], **_: Any) -> list[Word]:
    """Reads all speech, as an engine does, and says a word every 0.4 s: as many words and turns as a real call."""
    words = []
    for t0, t1 in speech:
        level = float(np.abs(read(t0, t1)).max(initial=0.0))
        words += [Word(float(t), float(t) + 0.3, "word", min(0.9, level)) for t in np.arange(t0, t1 - 0.3, 0.4)]
    return words


def scaling_row(settings: Settings, *, seconds: float, calls: int = 4) -> Row:
    """Wall seconds for the same calls by one worker and by two (each warmed up by a call of its own first)."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = []
        for case in [*sample_cases()][:calls]:
            audio = decoded(case)
            jobs.append((str(write_wav(Path(folder, f"{case.name}.wav"), piece(audio, seconds))), settings, False))
        spent = {}
        for workers in (1, 2):
            with WorkerPool("benchmarks.hearing.cost:hear_one", workers=workers, timeout_s=3600) as pool:
                _all(pool, jobs[:1] * workers, workers)
                started = time.monotonic()
                results = _all(pool, jobs, workers)
                spent[workers] = time.monotonic() - started
    return {
        "calls": len(jobs),
        "seconds": seconds,
        "one_s": spent[1],
        "two_s": spent[2],
        "scaling": spent[1] / spent[2],
        "peak_mb": max(row["peak_mb"] for row in results),
        "load": os.getloadavg()[0],
    }


def _all(pool: WorkerPool, jobs: list[tuple[str, Settings, bool]], workers: int) -> list[Row]:
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(lambda job: pool.submit(job).result(), jobs))


WHISPER_SAYS = """thanks for making time today before we start could you walk me through how orders reach your floor
right now who touches each one what goes wrong most weeks and roughly where that hurts money customers or sleep because
last month another plant told us they lost nine days chasing papers between two shifts nobody owned and when we sat down
with their planner it turned out that most of it came from three machines which were never entered so every evening
somebody wrote a list by hand then read it out over the phone to the night crew before they could even begin their first
job of that shift"""


def whisper_rows(settings: Settings, *, calls: Collection[str] = ()) -> Iterator[Row]:
    """What the stage costs over faster-whisper with a model as large as Whisper small, on whole sample calls (all, or
    those named).

    Its weights are made up and it says the same of each chunk of speech, whatever it hears, but as many tokens in all
    as the call has words and marks of punctuation: it computes what the real one does for as many.
    """
    from benchmarks.hearing.made_whisper import SMALL, build
    from benchmarks.hearing.words import clocked, warm_up

    for case in sample_cases(calls):
        audio = decoded(case)
        said = len(re.findall(r"[\w']+|[.,?!;:-]", case.words(audio.duration_s)))
        script = WHISPER_SAYS.split()[: round(said / _chunks(case, audio, settings))]
        with tempfile.TemporaryDirectory() as folder:
            model = build(Path(folder, case.name), " ".join(script), SMALL)
            mine = dataclasses.replace(settings, engine="faster-whisper", whisper_model=str(model))
            warm_up(mine)
            before = before_recognition(case.audio, audio.channels)
            # names would be hotwords, whose tokens come before the script's and put it out of step
            _, cost = clocked(dataclasses.replace(case, meta=CallMeta()), case.audio, mine)
        yield {
            "call": case.name,
            "kind": case.audio.suffix[1:],
            "channels": audio.channels,
            "seconds": audio.duration_s,
            "tokens": said,
            **before,
            **cost,
        }


def _chunks(case: Case, audio: Audio, settings: Settings) -> int:
    """Into how many pieces the speech of all channels is packed for Whisper."""
    from models.whisper import pack
    from pipeline.diarize import diarize
    from pipeline.hear import utterances

    found = diarize(audio, require_speech(case.audio, audio), settings=settings)
    return sum(len(pack(utterances(found, channel))) for channel in range(found.audio.channels))


def before_recognition(path: Path, channels: int) -> Row:
    """CPU and wall seconds that faster-whisper takes on a file before it recognises: decoding and voice activity.

    Of two channels each is detected by itself, as each is recognised by itself.
    """
    from faster_whisper.audio import decode_audio
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    started, began = time.process_time(), time.monotonic()
    sound = decode_audio(str(path), split_stereo=channels == 2)
    for row in sound if channels == 2 else (sound,):
        get_speech_timestamps(row, VadOptions(min_silence_duration_ms=500, speech_pad_ms=200))
    return {"before_s": time.process_time() - started, "before_wall_s": time.monotonic() - began}


def long_rows(settings: Settings, *, hours: float, spoken_share: float = 1 / 3) -> list[Row]:
    """Peak memory of a worker that hears a recording of `hours`, once of one channel and once of two.

    A third of each hour is a sample call over and over, the rest faint noise. Everything but the recogniser is the real
    thing and goes through all of it; a stand-in gives the words, since recognising hours of speech would only take
    hours. What the recogniser itself needs is in the rows of `scaling`.
    """
    rows = []
    for name in ("rec-03", "rec-01"):
        case = next(sample_cases([name]))
        with tempfile.TemporaryDirectory() as folder:
            path, channels = _long(case, Path(folder, "long.wav"), hours, spoken_share)
            with WorkerPool("benchmarks.hearing.cost:hear_one", workers=1, timeout_s=7200) as pool:
                row = pool.submit((str(path), settings, True)).result()
        rows.append({"hours": hours, "channels": channels, "spoken_share": spoken_share, **row})
    return rows


def _long(case: Case, path: Path, hours: float, spoken_share: float) -> tuple[Path, int]:
    import wave

    audio = decoded(case)
    said = np.stack([audio.read(channel) for channel in range(audio.channels)])
    rng = np.random.default_rng(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(audio.channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for minute in range(round(hours * 60)):
            block = 1e-3 * rng.standard_normal((audio.channels, 60 * 16_000))
            if minute % 60 < 60 * spoken_share:
                start = minute * block.shape[1] % (said.shape[1] - block.shape[1])
                block += said[:, start : start + block.shape[1]]
            file.writeframes((np.clip(block.T, -1, 1) * 32767).astype("<i2").tobytes())
    return path, audio.channels
