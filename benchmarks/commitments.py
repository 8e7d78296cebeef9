"""How many promises are found, how many of those found are promises, and how many are rightly told kept or not.

    python benchmarks/commitments.py [-v]

Eight calls are labelled line by line for what is promised: four sample calls on which the rules were written, and four
corpus calls that were read only after. For what later calls say, the accounts of the sample calls were labelled (the
rules for it were written on them), and the accounts in `promises/`, each file of which says when it was written and
what was seen of it. A promise counts as found where a rule finds one of the same side at most one turn away (of an
agreed day, of either side). What became of it is rightly told where the very word is (`kept`, `kept late`, `moved`,
`not kept`); the wrong way round is done for not done or the other way, anything between is told in part. `-v` prints
every miss, `-vv` those of the accounts that are kept back as well.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from pipeline.coach.commitments import Commitment, commitments, commitments_of  # noqa: E402
from pipeline.coach.rows import CallRow, Rows, TurnRow  # noqa: E402

SAMPLES = ROOT / "sample_calls" / "dialogues"
TRAIN = ROOT / "models" / "corpus" / "train"
STORIES = ROOT / "benchmarks" / "promises"
DAY = dt.date(2026, 9, 1)
DONE = ("kept", "kept late")
TOLD = (*DONE, "moved", "not kept")
MARKS = {"kept": "kept", "late": "kept late", "moved": "moved", "not": "not kept"}
KEPT_BACK = "@kept back\n"

LABELS: dict[str, dict[Path, tuple[tuple[int, str], ...]]] = {
    "rules written on them": {
        SAMPLES / "tr-01.txt": ((31, "day"), (32, "day"), (37, "rep")),
        SAMPLES / "tr-32.txt": ((39, "rep"), (40, "buyer"), (41, "rep")),
        SAMPLES / "tr-33.txt": ((39, "rep"), (41, "rep")),
        SAMPLES / "tr-34.txt": ((19, "buyer"), (29, "day"), (32, "rep"), (33, "buyer")),
    },
    "not seen before": {
        TRAIN / "w7-02.txt": (),
        TRAIN / "w7-09.txt": ((46, "day"), (50, "buyer")),
        TRAIN / "w7-16.txt": ((42, "rep"), (43, "buyer")),
        TRAIN / "w7-23.txt": (),
    },
}
"""Per call the turns (0-based) that hold a promise, and whose it is; `day` is a day to meet or start."""

Told = tuple[str, int, str, str]
SAMPLES_TOLD: tuple[Told, ...] = (
    ("tr-01", 32, "day", "kept"),
    ("tr-01", 37, "rep", ""),
    ("tr-02", 33, "rep", ""),
    ("tr-02", 34, "buyer", "not kept"),
    ("tr-04", 28, "rep", ""),
    ("tr-04", 36, "day", "kept"),
    ("tr-04", 38, "rep", ""),
    ("tr-09", 28, "rep", "kept"),
    ("tr-09", 31, "buyer", "kept"),
    ("tr-11", 22, "rep", ""),
    ("tr-11", 26, "rep", "kept"),
    ("tr-11", 28, "day", "kept"),
    ("tr-11", 29, "buyer", "kept"),
    ("tr-12", 32, "rep", "kept"),
    ("tr-17", 34, "rep", "kept"),
    ("tr-17", 35, "buyer", "kept"),
    ("tr-20", 34, "rep", ""),
    ("tr-20", 38, "buyer", "kept"),
    ("tr-29", 34, "day", "kept"),
    ("tr-32", 39, "rep", "kept"),
    ("tr-32", 40, "buyer", "kept"),
    ("tr-32", 41, "rep", ""),
    ("tr-33", 39, "rep", "kept"),
    ("tr-35", 33, "buyer", "kept"),
    ("tr-35", 34, "rep", "kept"),
    ("tr-35", 38, "rep", "kept"),
)
"""Promises of the sample calls that have a later call: call, turn, whose, what a later call tells (`` nothing)."""


def spoken(lines: list[str], call_id: str) -> tuple[list[TurnRow], list[tuple[int, str]]]:
    """The turns of a dialogue, and its labels with their turn: what stands in braces at a line's end."""
    rows: list[TurnRow] = []
    labels = []
    for line in lines:
        who, mark, text = line.partition(": ")
        if mark and not line.startswith(("@", "=", "#")):
            side = "rep" if who.split("+")[0] == "R" else "buyer"
            labels += [(len(rows), label) for label in re.findall(r"\{([^}]*)\}", text)]
            text = re.sub(r"(?:\s*\{[^}]*\})+\s*$", "", text)
            rows.append(TurnRow(call_id, len(rows), 0.0, 0.0, side, side if side == "rep" else who, text))
    return rows, labels


def turns_of(path: Path) -> list[TurnRow]:
    return spoken(path.read_text(encoding="utf-8").splitlines(), path.stem)[0]


def fits(label: tuple[int, str], one: tuple[int, str]) -> bool:
    return abs(label[0] - one[0]) <= 1 and ("day" in (label[1], one[1]) or label[1] == one[1])


def whose(made: Commitment) -> str:
    return "day" if made.kind == "meeting" else made.side


def found_on_single_calls() -> None:
    for title, calls in LABELS.items():
        hits = told = right = found_all = 0
        for path, labels in calls.items():
            made = commitments_of(CallRow(path.stem, rep="Rep", date=DAY), turns_of(path))
            found = [(c.turn, whose(c)) for c in made]
            hits += sum(any(fits(label, one) for one in found) for label in labels)
            right += sum(any(fits(label, one) for label in labels) for one in found)
            told, found_all = told + len(labels), found_all + len(found)
        print(f"{title}: {hits} of {told} promises found; {right} of {found_all} found are promises")


def sample_accounts() -> Rows:
    calls: list[CallRow] = []
    turns: list[TurnRow] = []
    for path in sorted(SAMPLES.glob("tr-*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        meta = dict(line[1:].split(" ", 1) for line in lines if line.startswith("@"))
        date = dt.date.fromisoformat(meta["date"])
        calls.append(CallRow(path.stem, rep=meta["rep"], account=meta["account"], date=date))
        turns += turns_of(path)
    return Rows(calls=tuple(calls), turns=tuple(turns))


def stories(name: str, *, kept_back: bool = False) -> tuple[Rows, tuple[Told, ...]]:
    """The accounts of a file in `promises/` and their labels: those in view while rules were made, or the others."""
    calls: list[CallRow] = []
    turns: list[TurnRow] = []
    labels: list[Told] = []
    seen, _, unseen = (STORIES / name).read_text(encoding="utf-8").partition(KEPT_BACK)
    for part in (unseen if kept_back else seen).split("@account ")[1:]:
        head, *bodies = part.split("\n== ")
        account, rep = head.splitlines()[0], head.split("@rep ")[1].split("\n")[0]
        made: dict[str, tuple[str, int, str]] = {}
        told: dict[str, str] = {}
        for body in bodies:
            day, *lines = body.splitlines()
            call_id = f"{account} {day}"
            calls.append(CallRow(call_id, rep=rep, account=account, date=dt.date.fromisoformat(day)))
            rows, marks = spoken(lines, call_id)
            turns += rows
            for turn, mark in marks:
                name, word = mark.split()
                if word in MARKS:
                    told[name] = word
                else:
                    made[name] = (call_id, turn, word)
        labels += [(*made[n], MARKS.get(told.get(n, ""), "")) for n in sorted(made)]
    return Rows(calls=tuple(calls), turns=tuple(turns)), tuple(labels)


def outcome(got: str, want: str) -> str:
    """How what is told of a promise stands to its label."""
    if got == want:
        return "right"
    if not got or not want:
        return "invented" if got else "missed"
    return "in part" if (got in DONE) == (want in DONE) else "wrong"


def told_later(title: str, rows: Rows, labels: tuple[Told, ...], *, verbose: bool) -> None:
    """Print how many labelled promises are found, and what is said to have become of them against the labels."""
    made = commitments(rows)
    count: Counter[str] = Counter()
    matched: set[Commitment] = set()
    for call_id, turn, side, want in labels:
        near = [c for c in made if c.call_id == call_id and fits((turn, side), (c.turn, whose(c)))]
        near.sort(key=lambda c: (c.turn != turn, whose(c) != side, c.status != want))
        matched.update(near)
        got = near[0].status if near and near[0].status in TOLD else ""
        result = outcome(got, want)
        count.update(["labelled", f"told {bool(want)}", f"{result} {bool(want)}", "found" if near else "unfound"])
        if verbose and (result != "right" or not near):
            print(f"  {result}: {call_id} {turn} {side}, {want or 'nothing told'}: {near[0] if near else 'not found'}")
    extra = [c for c in made if c not in matched and any(c.call_id == label[0] for label in labels)]
    others = [c for c in extra if c.status in TOLD]
    print(
        f"{title}: {count['found']} of {count['labelled']} promises found; of {count['told True']} that a later call "
        f"tells of {count['right True']} rightly told, {count['in part True']} in part, "
        f"{count['wrong True']} the wrong way round, {count['missed True']} not told; "
        f"of {count['told False']} others {count['invented False']} told wrongly; "
        f"{len(extra)} found that are not labelled, {len(others)} of them told kept or not"
    )
    if verbose:
        for c in extra:
            print(f"  extra: {c.call_id} {c.turn} {whose(c)} {c.status}: {c.quote}")


def main() -> None:
    all_of_it = "-vv" in sys.argv
    verbose = all_of_it or "-v" in sys.argv
    found_on_single_calls()
    told_later("sample accounts, rules written on them", sample_accounts(), SAMPLES_TOLD, verbose=verbose)
    told_later("first.txt, rules written on them", *stories("first.txt"), verbose=verbose)
    told_later("second.txt, written after the rules", *stories("second.txt"), verbose=verbose)
    told_later("third.txt, rules written on them", *stories("third.txt"), verbose=verbose)
    told_later(
        "third.txt, kept back until the rules were done", *stories("third.txt", kept_back=True), verbose=all_of_it
    )


if __name__ == "__main__":
    main()
