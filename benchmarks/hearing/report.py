"""HEARING.md from the rows that were measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]

HEAD = """# How well are recordings heard?

Measured by `python -m benchmarks.hearing` (parts: words, whisper, speakers, roles, scaling, long), which rewrites this
page. The sample calls are synthetic voices reading: far easier than a real call. Real recordings are not part of this
repository; their rows are from the machine where they were at hand. What has no row here was not measured.
"""


def percent(value: float | None) -> str:
    """`8.6`, or a dash."""
    return "-" if value is None else f"{100 * value:.1f}"


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def words(rows: list[Row]) -> str:
    """Error rates, roles, judging by ear, and the cost over the bare engine."""
    good = [row for row in rows if "wer" in row]
    by = [
        [
            row["call"], row["condition"], f"{row['seconds']:.0f}", percent(row["wer"]), percent(row["expected_wer"]),
            "-" if row["roles_right"] is None else f"{100 * row['roles_right']:.0f}",
            *_cost(row),
        ]
        for row in good
    ]  # fmt: skip
    heads = (
        "call", "condition", "seconds", "WER %", "expected %", "side right %", "CPU-s per s", "over engine %: CPU",
        "wall",
    )  # fmt: skip
    text = (
        f"## Words ({good[0]['engine'] if good else 'none'})\n\n"
        "WER by jiwer: lower case, no punctuation, figures as spoken. Expected: the estimate from the recogniser's\n"
        "own confidences, which decides whether a call is scored (limit 35 %). Over engine: CPU and wall time of the\n"
        "whole stage (decoding, voice activity, speakers, turns, roles) over those of the bare recogniser in the same\n"
        "run on the same recording, by one process with its models loaded.\n\n" + table(heads, by)
    )
    text += "".join(f"\n{row['call']}, {row['condition']}: {row['problem']}\n" for row in rows if "problem" in row)
    judged = [row for row in good if row.get("overall_text") is not None]
    if judged:
        text += "\n### The same call judged by ear and by text\n\n" + table(
            ("call", "WER %", "overall by ear", "by text", "criteria that differ"),
            (
                [
                    row["call"], percent(row["wer"]), _score(row["overall_ear"]), _score(row["overall_text"]),
                    ", ".join(
                        f"{name} {_level(ear)} for {_level(text)}"
                        for name, (ear, text) in row["levels"].items() if ear != text
                    ) or "none",
                ]
                for row in judged
            ),
        )  # fmt: skip
    return text


def whisper(rows: list[Row]) -> str:
    """The cost over a Whisper of the usual size."""
    return (
        "## What the stage costs over Whisper\n\n"
        "A model of the shape of Whisper small, int8, by faster-whisper on one thread, over whole calls. Its weights\n"
        "are made up and it says the same of each chunk of speech, but as many tokens in all as the call has words\n"
        "and marks of punctuation, so it computes what the real one does for as many. Over recognition: over the\n"
        "engine with samples and speech in hand, as above. Over its call: over what faster-whisper needs when it is\n"
        "given the file, with its own decoding and voice activity detection, measured in the same run.\n\n"
        + table(
            ("call", "kind", "channels", "seconds", "tokens", "CPU-s per s", "over recognition %: CPU", "wall",
             "over its call %: CPU", "wall"),
            (
                [row["call"], row["kind"], row["channels"], f"{row['seconds']:.0f}", row["tokens"],
                 *_cost(row), *_over(row, row["before_s"], row["before_wall_s"])]
                for row in rows if "cpu_s" in row
            ),
        )
    )  # fmt: skip


def _cost(row: Row) -> tuple[str, str, str]:
    """CPU seconds a second, and in per cent what CPU and wall time are over the engine's."""
    return f"{row['cpu_s'] / row['seconds']:.2f}", *_over(row, 0.0, 0.0)


def _over(row: Row, before: float, before_wall: float) -> tuple[str, str]:
    """In per cent what CPU and wall time are over the engine's and what comes `before` it."""
    return (
        f"{100 * (row['cpu_s'] / (row['engine_s'] + before) - 1):.1f}",
        f"{100 * (row['wall_s'] / (row['engine_wall_s'] + before_wall) - 1):.1f}",
    )


def _score(value: float | None) -> str:
    return "abstained" if value is None else f"{value:.0f}"


def _level(value: int | None) -> str:
    return "-" if value is None else str(value)


def speakers(rows: list[Row]) -> str:
    """Diarization error rates."""
    good = [row for row in rows if "given" in row]
    return (
        "## Speakers\n\n"
        "DER % by pyannote.metrics over the whole recording, overlap counted, at collar 0 and 0.25 s.\n\n"
        + table(
            ("recording", "voices", "by", "count given: 0", "0.25", "estimated: 0", "0.25", "found", "CPU-s per s"),
            (
                [
                    row["call"], row["true"], row["given"]["method"],
                    *_error_rates([row["given"]]), *_error_rates([row["estimated"]]),
                    row["estimated"]["speakers"], f"{row['given']['rtf']:.3f}",
                ]
                for row in good
            ),
        )
        + _together([row for row in good if row["call"].startswith("rec-") and "bleed" not in row["call"]])
    )  # fmt: skip


def _error_rates(runs: list[Row]) -> list[str]:
    """Error rates at both collars over all that is spoken in some recordings."""
    sums = [[sum(run["errors_s"][collar][part] for run in runs) for part in (0, 1)] for collar in (0, 1)]
    return [percent(wrong / spoken) for wrong, spoken in sums]


def _together(rows: list[Row]) -> str:
    if not rows:
        return ""
    given, estimated = (" / ".join(_error_rates([row[way] for row in rows])) for way in ("given", "estimated"))
    return (
        "\nThe sample calls together, all seconds in error over all that are spoken, at collar 0 / 0.25 s: "
        f"count given {given}, estimated {estimated}.\n"
    )


def roles(rows: list[Row]) -> str:
    """Roles with labels hidden."""
    return (
        "## Roles\n\n"
        "Transcripts that neither the role model nor the judge ever saw, every label and all metadata hidden. Right:\n"
        "every speaker of the call is on the right side. Waiting: left to a person (`debrief roles`) under 80 %. Of\n"
        "the others, misplaced: somebody is on the wrong side; swapped: most of the text is.\n\n"
        + table(
            ("calls", "n", "right", "waiting", "misplaced", "swapped", "mean confidence", "Brier score"),
            (
                [row["set"], row["calls"], row["right"], row["waiting"], row["misplaced"], row["swapped"],
                 f"{row['mean_confidence']:.3f}", f"{row['brier']:.3f}"]
                for row in rows
            ),
        )
    )  # fmt: skip


def scaling(rows: list[Row]) -> str:
    """Two workers against one."""
    return "## Two cores\n\n" + "".join(
        f"{row['calls']} pieces of {row['seconds']:.0f} s: one worker {row['one_s']:.0f} s, "
        f"two workers {row['two_s']:.0f} s, {row['scaling']:.2f} times as fast; "
        f"{row['peak_mb']:.0f} MiB a worker at most. "
        f"Load of the machine at the end, these workers included: {row['load']:.1f}.\n"
        for row in rows
    )


def long(rows: list[Row]) -> str:
    """Memory of long recordings."""
    return (
        "## Long recordings\n\nA third of each hour is a sample call over and over, the rest faint noise. All\n"
        "stages are the real ones but the recogniser, for which a stand-in gives a word every 0.4 s of speech; what\n"
        "it needs itself is measured by the part `scaling`.\n\n"
        + table(
            ("hours", "channels", "peak MiB", "CPU seconds", "turns"),
            (
                [f"{row['hours']:g}", row["channels"], f"{row['peak_mb']:.0f}", f"{row['cpu_s']:.0f}", row["turns"]]
                for row in rows
            ),
        )
    )


PARTS: dict[str, Callable[[list[Row]], str]] = {
    "words": words,
    "whisper": whisper,
    "speakers": speakers,
    "roles": roles,
    "scaling": scaling,
    "long": long,
}


def written(kept: dict[str, list[Row]]) -> str:
    """The page, of the parts that were measured."""
    return "\n".join([HEAD, *(write(kept[part]) for part, write in PARTS.items() if kept.get(part))])
