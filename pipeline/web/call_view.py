"""A call as its page shows it: turns with their marks, the speakers' lanes, metrics, what was promised."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.clips import KINDS, clip_cues
from pipeline.coach.commitments import Commitment
from pipeline.coach.load import HEARD, heard
from pipeline.comments import Comment, sent_before, taken_back
from pipeline.errors import NotThere, ReviewError
from pipeline.keep import read_json
from pipeline.listening import browser_type
from pipeline.metrics import EXPLAINED
from pipeline.redact import ALL
from pipeline.timing import said_words
from pipeline.types import Transcript, Turn
from pipeline.web.ask import Ask
from pipeline.web.jobs import Record, StepsJob
from pipeline.web.render import clock, path_part, speaker

Row = dict[str, Any]

LANE_WIDTH = 1000
"""Width of the lanes' drawing: the whole call."""
_CLOCK = re.compile(r"(?:\d{1,2}:)?(?:\d{1,3}:)?\d{1,6}(?:\.\d{1,3})?")
MOST_LANES = 6
SHORT = 140
_AS = re.compile(r"as (\d)[,;:]? (?:plus |and )?", re.IGNORECASE)
LATER_CALLS = 5
STEPS_WAIT_S = 0.03
"""How long a page waits for what later calls say; without it the rest of the call is there at once."""

_LATER = f"""
SELECT call_id, record_file, seq, ({{where}}) AS seen FROM calls c
WHERE account = $account AND call_date > $date AND {HEARD} ORDER BY call_date, call_id LIMIT $most
"""
_OF_THE_DAY = "SELECT count(*) AS n FROM calls WHERE account = $account AND call_date = $date AND call_id <> $call"
_COMMENTS_NOW = "SELECT * FROM comments WHERE call_id = $call AND who = $who AND removed_at IS NULL"
_COMMENT = "SELECT * FROM comments WHERE call_id = $call AND comment_id = $comment AND removed_at IS NULL"

_KEEPING = threading.Lock()

METRICS: dict[str, Callable[[float], str]] = {
    "talk_share": lambda value: f"{100 * value:.0f} %",
    "longest_monologue_s": clock,
    "questions": lambda value: f"{value:.0f}",
    "switches_per_min": lambda value: f"{value:.1f}",
    "patience_s": lambda value: f"{value:.1f} s",
    "wpm": lambda value: f"{value:.0f}",
    "fillers_per_min": lambda value: f"{value:.1f}",
}
"""How a call's page writes each metric."""


def seen(ask: Ask, call_id: str) -> tuple[Row, Row]:
    """A call's row of the table `calls` and its record. Raises `NotAllowed` for a call outside the user's scope and
    `NotThere` for one that is not there."""
    rows = ask.store.query("SELECT * FROM calls WHERE call_id = $id", {"id": call_id})
    ask.scope.require_call(rows[0] if rows else None)
    record = ask.store.record(call_id) if rows else None
    if record is None:
        raise NotThere(f"{call_id}: no such call")
    return rows[0], record


def calls_open_to(ask: Ask, call_ids: Iterable[str]) -> set[str]:
    """Those of the calls that the user may open."""
    where = ask.scope.where("c")
    rows = ask.store.query(
        f"SELECT call_id FROM calls c WHERE call_id IN (SELECT unnest($ids::VARCHAR[])) AND {where}",
        {**ask.scope.params, "ids": sorted(set(call_ids))},
    )
    return {row["call_id"] for row in rows}


def keep_comment(ask: Ask, made: Comment) -> str:
    """Keep a comment, once where it was sent twice; its id."""
    # a double click is two requests at the same time: who comes second has to see what the first one kept
    with _KEEPING:
        rows = ask.store.query(_COMMENTS_NOW, {"call": made.call_id, "who": made.who})
        known = sent_before(made, rows)
        if known is None:
            ask.store.put_fact("comments", made.to_row())
    ask.detail = f"commented {known or made.comment_id}"
    return known or made.comment_id


def take_back(ask: Ask, call_id: str, comment_id: str) -> None:
    """Take the user's own comment back. Raises `NotThere` and `NotAllowed`."""
    rows = ask.store.query(_COMMENT, {"call": call_id, "comment": comment_id})
    if not rows:
        raise NotThere("there is no such comment on this call")
    ask.store.put_fact("comments", taken_back(rows[0], who=ask.user.name))
    ask.detail = f"took back {comment_id}"


def transcript_of(ask: Ask, call: Mapping[str, Any]) -> Transcript:
    """The transcript of a call, given its row of `calls`."""
    return words_of(ask.settings.data / call["record_file"], call["seq"]).transcript


def seconds(text: str) -> float | None:
    """`1:05`, `1:02:03` or `65.2` as seconds; None for nothing. Raises `ReviewError` for anything else."""
    given = text.strip()
    if not given:
        return None
    if not _CLOCK.fullmatch(given):
        raise ReviewError(f"{given[:20]}: a time is written 1:05, or in seconds")
    total = 0.0
    for part in given.split(":"):
        total = 60 * total + float(part)
    return total


def span(t0: float, t1: float) -> str:
    """A clip's seconds as its address has them: `12.5-34`."""
    return f"{t0:.2f}-{t1:.2f}".replace(".00", "")


def sources(record: Mapping[str, Any], path: Path) -> list[tuple[str, str]]:
    """Addresses and media types for the player, the recording itself first where browsers play it."""
    base = f"/calls/{path_part(record['source']['sha256'][:16])}/audio"
    kind = browser_type(path)
    copies = [(f"{base}/{name}", found.media_type) for name, found in KINDS.items()]
    if kind is None:
        return copies
    return [(base, kind)] if kind in ("audio/wav", "audio/mpeg") else [(base, kind), copies[0]]


def clip_words(
    transcript: Transcript, t0: float, t1: float, silent: Sequence[tuple[float, float]], *, kinds: Collection[str] = ALL
) -> list[Row]:
    """What is said in a clip: `who`, `t0` (seconds of the clip) and `text` of each speaker in turn."""
    rows: list[Row] = []
    for cue in clip_cues(named_turns(transcript), t0=t0, t1=t1, silences=silent, kinds=kinds):
        if rows and rows[-1]["who"] == cue.speaker:
            rows[-1]["text"] += f" {cue.text}"
        else:
            rows.append({"who": cue.speaker, "t0": cue.t0, "text": cue.text})
    return rows


def anchor(levels: Sequence[str], level: int) -> str:
    """What a level says, read on its own: `as 2, and the price is tied to value` has the words of 2 before its own."""
    found = _AS.match(levels[level])
    if not found or int(found.group(1)) >= level:
        return levels[level]
    return f"{anchor(levels, int(found.group(1)))}; {levels[level][found.end() :]}"


def speaker_name(turn: Turn, rep: str | None) -> str:
    """Who speaks, by name where one is known."""
    return rep if turn.speaker == "rep" and rep else speaker(turn.name)


def named_turns(transcript: Transcript) -> list[Turn]:
    """The turns with each speaker's name as their label, the rep's too."""
    return [replace(turn, speaker=speaker_name(turn, transcript.meta.rep)) for turn in transcript.turns]


@dataclass(frozen=True, slots=True)
class Words:
    """What a page needs of a call's words, whoever looks: worked out once per record."""

    transcript: Transcript
    times: tuple[str, ...]
    lanes: list[Row]
    call_id: str
    status: str


def words_of(file: Path, seq: int) -> Words:
    """The words of the call whose record is `file`; `seq` tells a record from one that it took the place of, and when
    the file was written one of a call that was erased and came again, whose records are numbered anew."""
    return _words_of(file, seq, _written(file))


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        # whoever reads it says what is wrong with it
        return 0


@lru_cache(maxsize=32)
def _words_of(file: Path, seq: int, mtime_ns: int) -> Words:
    record = read_json(file)
    transcript = Transcript.from_json(record["transcript"], where=record["source"]["path"])
    times = tuple(word_times(turn) for turn in transcript.turns)
    return Words(transcript, times, lanes(transcript), record["source"]["sha256"][:16], record["status"])


def turn_rows(words: Words, card: Mapping[str, Any], comments: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The turns: `parts` (text and the numbers of the criteria that quote it), `times` (when each word starts, in
    hundredths of a second from the one before), and what belongs to each: criteria cited, missed, objection, comments.
    """
    numbers = {name: number for number, name in enumerate(card["criteria"], 1)}
    quotes: dict[int, list[tuple[str, int]]] = {}
    missed: dict[int, list[Row]] = {}
    for name, score in card["criteria"].items():
        for item in score["evidence"]:
            quotes.setdefault(item["turn"], []).append((item["quote"], numbers[name]))
        for item in score["missed"]:
            missed.setdefault(item["turn"], []).append({"criterion": name, "why": item["why"]})
    objections = {item["turn"]: item for item in card["objections"]}
    names = list(card["criteria"])
    transcript = words.transcript
    said_of = _by_turn(transcript, comments)
    return [
        {
            "n": n,
            "t0": turn.t0,
            "t1": turn.t1,
            "side": turn.side,
            "who": speaker_name(turn, transcript.meta.rep),
            "text_start": text if len(text := turn.text) <= SHORT else f"{text[:SHORT].rsplit(' ', 1)[0]} …",
            "parts": marked(turn.text, quotes.get(n, ())),
            "times": words.times[n],
            "cited": [names[number - 1] for number in sorted({number for _, number in quotes.get(n, ())})],
            "missed": missed.get(n, []),
            "objection": objections.get(n),
            "comments": said_of.get(n, []),
        }
        for n, turn in enumerate(transcript.turns)
    ]


def _by_turn(transcript: Transcript, comments: Iterable[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    """Comments by the turn that is spoken at their moment."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in comments:
        if row["at_s"] is not None:
            begun = [n for n, turn in enumerate(transcript.turns) if turn.t0 <= row["at_s"] + 0.05]
            found.setdefault(begun[-1] if begun else 0, []).append(row)
    return found


def marked(text: str, quotes: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    """The text in parts, each with the numbers of the criteria whose quotes hold it (`1 4`; often none)."""
    spans = []
    for quote, number in quotes:
        start = text.find(quote)
        if start >= 0 and quote:
            spans.append((start, start + len(quote), number))
    edges = sorted({0, len(text), *(edge for a, b, _ in spans for edge in (a, b))})
    parts = []
    for a, b in pairwise(edges):
        inside = sorted({number for start, end, number in spans if start <= a and b <= end})
        parts.append((text[a:b], " ".join(map(str, inside))))
    return parts


def word_times(turn: Turn) -> str:
    """Starts of the text's words as a script reads them: hundredths of a second, each from the one before."""
    at, steps = round(turn.t0 * 100), []
    for word in said_words(turn):
        start = max(at, round(word.t0 * 100))
        steps.append(str(start - at))
        at = start
    return " ".join(steps)


def lanes(transcript: Transcript) -> list[Row]:
    """A lane per speaker, the one who talks most first: `who`, `side`, `seconds`, `share` of the talk, and `path`, the
    turns as an SVG path `LANE_WIDTH` wide and 10 high. Nothing where the transcript has no times.
    """
    whole = transcript.duration_s
    talk: dict[str, list[Turn]] = {}
    for turn in transcript.turns:
        talk.setdefault(speaker_name(turn, transcript.meta.rep), []).append(turn)
    seconds = {who: sum(turn.duration_s for turn in turns) for who, turns in talk.items()}
    total = sum(seconds.values())
    if not whole or not total:
        return []
    order = sorted(talk, key=lambda who: -seconds[who])[:MOST_LANES]
    return [
        {
            "who": who,
            "side": talk[who][0].side,
            "seconds": seconds[who],
            "share": seconds[who] / total,
            "path": "".join(_box(turn, LANE_WIDTH / whole) for turn in talk[who]),
        }
        for who in order
    ]


def _box(turn: Turn, scale: float) -> str:
    return f"M{turn.t0 * scale:.1f} 0h{max(0.6, turn.duration_s * scale):.1f}v10H{turn.t0 * scale:.1f}z"


def moments(transcript: Transcript, card: Mapping[str, Any], comments: Iterable[Mapping[str, Any]]) -> list[Row]:
    """What stands under the lanes: `x` (0 to `LANE_WIDTH`), `kind` and, of evidence, the criterion's `number`."""
    whole, turns = transcript.duration_s, transcript.turns
    if not whole:
        return []
    found = [
        {"kind": kind, "number": number, "t": turns[item["turn"]].t0}
        for number, score in enumerate(card["criteria"].values(), 1)
        for kind in ("evidence", "missed")
        for item in score[kind]
        if item["turn"] < len(turns)
    ]
    found += [{"kind": "objection", "number": 0, "t": turns[item["turn"]].t0} for item in card["objections"]]
    found += [{"kind": "comment", "number": 0, "t": row["at_s"]} for row in comments if row["at_s"] is not None]
    return [{**row, "x": f"{row['t'] * LANE_WIDTH / whole:.1f}"} for row in found]


def metric_rows(card: Mapping[str, Any]) -> list[Row]:
    """`title`, `formula`, `value` and `spread` (the 90 % interval, empty where none is kept) of each metric that has a
    basis."""
    spreads = card.get("metrics_intervals") or {}
    rows = []
    for key, say in METRICS.items():
        value = card["metrics"].get(key)
        if value is not None:
            low, high = spreads.get(key, (value, value))
            low, high = min(low, value), max(high, value)  # older records leave it out where mistakes go one way
            spread = f"{say(low)} to {say(high)}" if say(low) != say(high) else ""
            rows.append(
                {
                    "title": EXPLAINED[key].title,
                    "formula": EXPLAINED[key].formula,
                    "value": say(value),
                    "spread": spread,
                }
            )
    return rows


def unseen(made: Commitment, seen: Collection[str]) -> Commitment:
    """The commitment without the words of a later call that is none of those `seen`."""
    if made.seen_call is None or made.seen_call in seen:
        return made
    return replace(made, seen_call=None, seen_turn=None, seen_quote=None)


def next_steps(ask: Ask, file: Path, seq: int) -> list[Row] | None:
    """What was promised on the call of that record, and what became of it on later calls of the account, with the words
    of those that the user sees; None while these are being read."""
    words, again = words_of(file, seq), False
    later: tuple[Record, ...] = ()
    max_wer = ask.settings.max_expected_wer
    if not heard(words.status, words.transcript.hearing.expected_wer, max_wer):
        return []
    meta, seen = words.transcript.meta, {words.call_id}
    if meta.account and meta.date:
        asked = {"account": meta.account, "date": meta.date}
        most = {**asked, **ask.scope.params, "most": LATER_CALLS, "max_wer": max_wer}
        rows = ask.store.query(_LATER.format(where=ask.scope.where("c")), most)
        later = tuple(_record(ask.settings.data / row["record_file"], row["seq"]) for row in rows)
        seen |= {row["call_id"] for row in rows if row["seen"]}
        again = bool(ask.store.query(_OF_THE_DAY, {**asked, "call": words.call_id})[0]["n"])
    # where more calls may have come than are read, nothing is known of today
    today = ask.desk.today() if len(later) < LATER_CALLS else None
    job = StepsJob(_record(file, seq), later, today, again)

    def make() -> list[Row]:
        return [unseen(one, seen).to_json() for one in ask.desk.aside.run(job)]

    # kept by the very records that are read: what an erased or corrected one said is never shown again
    read = repr((job, sorted(seen)))
    known = ask.desk.backroom.take(("steps", file, ask.scope), read, make, wait_s=STEPS_WAIT_S)
    return known.value if known and known.fresh else None


def _record(file: Path, seq: int) -> Record:
    return file, seq, _written(file)
