"""Labelled calls: the text format of `models/corpus/` read into transcripts with labels.

A call is one file: `@key value` lines, then a line per turn (`R: ... {moves *D obj:stall=partly}`), then the levels
(`= D3 M1 B2 P4 R- O- H2 A2`). `models/corpus/README.md` is the labelling guide. Labels
of a call `x.txt` by an independent labeller stand in `x.second.txt`, by another in `x.third.txt`: a line
`turn moves...` per labelled turn and the same line of levels. Readings for one thing alone stand beside the calls'
folders, a file per reader and a line per call: in `objections/` as `id turn:kind:handled ...`, with `?` behind an
objection that the reader was in two minds about; in `levels/` as `id D3 M1.5 ...`, where `.5` lies between two levels.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pipeline.errors import TranscriptError
from pipeline.types import CallMeta, Handled, Objection, ObjectionKind, Transcript, Turn

LETTERS: Mapping[str, str] = {
    "D": "discovery",
    "M": "decision_makers",
    "B": "business_case",
    "P": "positioning",
    "R": "recommendation",
    "O": "proposal",
    "H": "objection_handling",
    "A": "ask_for_sale",
}
CRITERIA = tuple(LETTERS.values())

REP_MOVES = tuple(
    """ask_situation ask_problem ask_impact ask_outcome follow_up summarise ask_decider ask_process ask_right_person
    involve claim_value state_impact quantify link_value payback boilerplate state_value tie_need differentiate contrast
    proof generic_proof recommend recommend_reason recommend_against menu price scope terms offer_options dodge check
    acknowledge explore stock_answer answer confirm_resolved concede trade argue vague_next ask_step ask_commitment
    dated_step isolate""".split()
)
BUYER_MOVES = tuple(
    """tell_situation tell_problem tell_impact give_number tell_outcome name_decider tell_process ask_offer confirm
    accept_answer acknowledge_value commit soft_yes resist""".split()
)
OBJECTION_KINDS: tuple[ObjectionKind, ...] = ("stall", "competition", "price_terms", "other")
MOVES = REP_MOVES + BUYER_MOVES

OTHERS = ("second", "third")
_TAGS = re.compile(r"\s*\{([^{}]*)\}\s*$")
_LEVEL = re.compile(r"([DMBPROHA])([0-4-])")
_OBJECTION = re.compile(r"obj:(stall|competition|price_terms|other)=(yes|partly|no)$")
_READ = re.compile(r"(\d+):(stall|competition|price_terms|other):(yes|partly|no)(\??)$")
_READ_LEVEL = re.compile(r"([DMBPROHA])(-|[0-3](?:\.5)?|4)$")
OBJECTION_READINGS = "objections"
LEVEL_READINGS = "levels"
OBJECTION_READING_WEIGHT = 2.0
"""A reading for objections alone, by their own guide, counts as much as two labellings of everything."""
LEVEL_READING_WEIGHT = 2.0
"""A reading for levels alone counts twice as much as all labellings together: readers agree better among themselves."""


@dataclass(frozen=True, slots=True)
class Labels:
    """One labeller's view of a call: levels (None is n/a), moves and evidence per turn, objections."""

    levels: Mapping[str, int | None]
    moves: Mapping[int, frozenset[str]]
    evidence: Mapping[str, tuple[int, ...]]
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """An objection as one reader marked it; not `sure` where the reader was in two minds."""

    objection: Objection
    sure: bool = True


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A transcript with its labellings, the writer's or first labeller's first, its readings for objections and those
    for levels (0-4 in halves per criterion, None is n/a)."""

    transcript: Transcript
    labels: tuple[Labels, ...]
    objection_readings: tuple[tuple[Marked, ...], ...] = ()
    level_readings: tuple[Mapping[str, float | None], ...] = ()

    @property
    def call_id(self) -> str:
        """The file's stem."""
        return self.transcript.call_id


def read_corpus(folder: Path) -> list[LabelledCall]:
    """All calls of a folder, in the order of their ids, with the readings that stand beside it."""
    paths = sorted(path for path in folder.glob("*.txt") if path.stem.count(".") == 0)
    readings = [read_objections(path) for path in sorted((folder.parent / OBJECTION_READINGS).glob("*.txt"))]
    levels = [read_levels(path) for path in sorted((folder.parent / LEVEL_READINGS).glob("*.txt"))]
    return [
        dataclasses.replace(
            call,
            objection_readings=tuple(read[call.call_id] for read in readings if call.call_id in read),
            level_readings=tuple(read[call.call_id] for read in levels if call.call_id in read),
        )
        for call in map(read_call, paths)
    ]


def read_objections(path: Path) -> dict[str, tuple[Marked, ...]]:
    """One reader's objections by call; raises `TranscriptError` naming file, line and mistake."""
    found: dict[str, tuple[Marked, ...]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        call_id, *items = line.split() or [""]
        marks = [_READ.match(item) for item in items]
        if None in marks or call_id in found:
            raise TranscriptError(f"{path}: line {number}: expected 'id turn:kind:handled ...', found {line[:60]!r}")
        found[call_id] = tuple(
            Marked(Objection(int(turn), cast(ObjectionKind, kind), cast(Handled, handled)), not doubt)
            for turn, kind, handled, doubt in (mark.groups() for mark in marks if mark)
        )
    return found


def read_levels(path: Path) -> dict[str, Mapping[str, float | None]]:
    """One reader's levels by call; raises `TranscriptError` naming file, line and mistake."""
    found: dict[str, Mapping[str, float | None]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        call_id, *items = line.split() or [""]
        marks = [mark.groups() for item in items if (mark := _READ_LEVEL.match(item))]
        levels = {LETTERS[letter]: None if level == "-" else float(level) for letter, level in marks}
        if set(levels) != set(CRITERIA) or len(items) != len(CRITERIA) or call_id in found:
            raise TranscriptError(f"{path}: line {number}: expected 'id D3 M1.5 ... A-', found {line[:60]!r}")
        found[call_id] = levels
    return found


def read_call(path: Path) -> LabelledCall:
    """One call with all its labellings; raises `TranscriptError` naming file, line and mistake."""
    meta: dict[str, str] = {}
    rows: list[tuple[str, str]] = []
    tags: dict[int, list[str]] = {}
    levels = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            meta[key] = value.strip()
        elif line.startswith("="):
            levels = line
        else:
            speaker, colon, text = line.partition(":")
            if not colon or len(speaker) > 40:
                raise TranscriptError(f"{path}: line {number}: expected 'Speaker: text', found {line[:40]!r}")
            found = _TAGS.search(text)
            if found:
                tags[len(rows)] = found.group(1).split()
                text = text[: found.start()]
            rows.append((_speaker(speaker.strip()), text.strip()))
    first = read_labels(tags, levels, where=str(path))
    labels = (first, *_others(path))
    transcript = Transcript(
        call_id=path.stem,
        meta=CallMeta(
            rep=meta.get("rep"),
            account=meta.get("account"),
            industry=meta.get("industry"),
            call_type=meta.get("type"),
            team=meta.get("team"),
            extra={"noise": meta.get("noise", "none")},
        ),
        turns=timed(rows, seed=path.stem),
    )
    return LabelledCall(transcript=transcript, labels=labels)


def read_labels(tags: Mapping[int, list[str]], levels: str, *, where: str) -> Labels:
    """Labels from the tags per turn and the line of levels; raises `TranscriptError` on an unknown tag or level."""
    found = {LETTERS[letter]: None if digit == "-" else int(digit) for letter, digit in _LEVEL.findall(levels)}
    if set(found) != set(CRITERIA):
        raise TranscriptError(f"{where}: the line of levels must name all of {' '.join(LETTERS)}, found {levels!r}")
    moves: dict[int, frozenset[str]] = {}
    evidence: dict[str, list[int]] = {criterion: [] for criterion in CRITERIA}
    objections: list[Objection] = []
    for turn, items in sorted(tags.items()):
        names = set()
        for item in items:
            objection = _OBJECTION.match(item)
            if objection:
                kind, handled = objection.groups()
                objections.append(Objection(turn, cast(ObjectionKind, kind), cast(Handled, handled)))
            elif item.startswith("*") and item[1:] in LETTERS:
                evidence[LETTERS[item[1:]]].append(turn)
            elif item in MOVES:
                names.add(item)
            else:
                raise TranscriptError(f"{where}: turn {turn}: unknown tag {item!r}")
        moves[turn] = frozenset(names)
    return Labels(
        levels=found,
        moves=moves,
        evidence={criterion: tuple(turns) for criterion, turns in evidence.items()},
        objections=tuple(objections),
    )


def agreed_level(call: LabelledCall, criterion: str) -> float | None:
    """The level (0-4) of a criterion: the mean of what the labellers of everything gave on average (once) and of what
    each reader for levels gave (`LEVEL_READING_WEIGHT` times); None where most of these votes say that it is n/a."""
    labelled = [label.levels[criterion] for label in call.labels]
    given = [float(level) for level in labelled if level is not None]
    votes = [(sum(given) / len(given), len(given) / len(labelled))] if given else []
    votes += [(level, LEVEL_READING_WEIGHT) for read in call.level_readings if (level := read[criterion]) is not None]
    applies = sum(weight for _, weight in votes)
    if not votes or applies < 0.5 * (1.0 + LEVEL_READING_WEIGHT * len(call.level_readings)):
        return None
    return sum(weight * level for level, weight in votes) / applies


def objection_votes(call: LabelledCall) -> dict[int, tuple[float, str]]:
    """Per turn that anyone marks: the share (0-1) of the votes for an objection there, and the kind most of them name.

    A labelling has one vote, a reading for objections alone `OBJECTION_READING_WEIGHT`, half of it where the reader
    was not sure.
    """
    everyone = len(call.labels) + OBJECTION_READING_WEIGHT * len(call.objection_readings)
    votes: dict[int, dict[str, float]] = {}
    for objection, weight in _votes(call):
        kinds = votes.setdefault(objection.turn, {})
        kinds[objection.kind] = kinds.get(objection.kind, 0.0) + weight
    return {
        turn: (sum(kinds.values()) / everyone, max(sorted(kinds), key=kinds.__getitem__))
        for turn, kinds in sorted(votes.items())
    }


def handling_votes(call: LabelledCall) -> dict[int, str]:
    """Per turn that anyone marks as an objection: how it was handled, as most of the votes say."""
    votes: dict[int, dict[str, float]] = {}
    for objection, weight in _votes(call):
        handled = votes.setdefault(objection.turn, {})
        handled[objection.handled] = handled.get(objection.handled, 0.0) + weight
    return {turn: max(sorted(handled), key=handled.__getitem__) for turn, handled in votes.items()}


def agreed_handling(call: LabelledCall) -> dict[int, str]:
    """Per turn of `agreed_objections`: how it was handled, as most of the votes say."""
    agreed = agreed_objections(call)
    return {turn: how for turn, how in handling_votes(call).items() if turn in agreed}


def _votes(call: LabelledCall) -> Iterator[tuple[Objection, float]]:
    """Every voter's objections, one a turn, with the weight of the vote."""
    for label in call.labels:
        yield from {item.turn: (item, 1.0) for item in label.objections}.values()
    for reading in call.objection_readings:
        for mark in {mark.objection.turn: mark for mark in reading}.values():
            yield mark.objection, OBJECTION_READING_WEIGHT * (1.0 if mark.sure else 0.5)


def agreed_objections(call: LabelledCall) -> dict[int, str]:
    """Turns for which at least half of the votes hear an objection, with its kind."""
    return {turn: kind for turn, (share, kind) in objection_votes(call).items() if share >= 0.5}


def _others(path: Path) -> list[Labels]:
    return [_other(other) for name in OTHERS if (other := path.with_suffix(f".{name}.txt")).is_file()]


def _other(other: Path) -> Labels:
    tags: dict[int, list[str]] = {}
    levels = ""
    for line in other.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("="):
            levels = line
        elif line and line.split()[0].isdigit():
            turn, *items = line.split()
            tags[int(turn)] = items
    return read_labels(tags, levels, where=str(other))


def _speaker(label: str) -> str:
    if label == "R":
        return "rep"
    if label.startswith("R+"):
        return f"rep:{label[2:].strip()}"
    return f"buyer:{label}"


def timed(rows: list[tuple[str, str]], *, seed: str) -> tuple[Turn, ...]:
    """Turns with plausible times: each speaker's pace (125-185 words a minute) and the gaps follow from `seed`."""
    turns: list[Turn] = []
    now = 0.6
    for index, (speaker, text) in enumerate(rows):
        pace = 125 + _hash(f"{seed}/{speaker}") % 61
        length = max(0.4, 60.0 * len(text.split()) / pace)
        gap = -0.2 if turns and turns[-1].text.endswith("--") else 0.2 + (_hash(f"{seed}/{index}") % 70) / 100
        t0 = max(0.0, now + gap)
        turns.append(Turn(t0=round(t0, 1), t1=round(t0 + length, 1), speaker=speaker, text=text))
        now = t0 + length
    return tuple(turns)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
