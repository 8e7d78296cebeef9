"""Transcripts for the load test: the project's written calls with other people, accounts, numbers and days.

Four of five, unless told otherwise, are whole calls of 60 turns and more, the others are cut off after 6 to 30 turns (a
call that ended early, an answering machine). Which rep, account, day, names and numbers a call has follows from its
number, so that a second run makes the same files. 40 reps in five teams; an account is spoken to by one rep, four times
on average.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from models.training.corpus import read_corpus
from pipeline.formats import write_transcript
from pipeline.types import CallMeta, Transcript, Turn

ROOT = Path(__file__).parents[1]
WHOLE_TURNS = 60
SHORT_TURNS = (6, 30)
WHOLE_OF_FIVE = 4
TEAMS = ("North", "South", "East", "West", "Partners")
FORMS = ("vtt", "vtt", "srt", "txt", "json")
REPS = 40
CALLS_AN_ACCOUNT = 4
DAYS = 730

FIRST = """Ana Bruno Carla Dario Elsie Farid Greta Hamish Ines Jonas Katya Liam Marta Nadir Olga Pavel Quentin Rosa
Sven Tilda Umar Vera Wanda Xavier Yusuf Zelda Arlo Bettina Cyril Dunja""".split()
LAST = """Abbott Brandt Castro Dalby Ekström Faro Grieve Haldane Ivers Janssen Kerr Lund Moretti Nakata Olsen Parry
Quirke Rossi Sato Tamm""".split()
PLACES = """Ashdown Birkett Calder Danbury Elmore Fenwick Garside Holbeck Ingleby Jarrow Kelso Langdale Marden Norwell
Ossett Penrith Quorn Ripley Selby Thirsk Ulverston Verwood Wetherby Yarm Zeal""".split()
TRADES = """Pumps Castings Packaging Freight Bearings Dairies Plastics Systems Forgings Paints Fasteners Cranes Optics
Textiles Valves Boilers Fixings Motors Tooling Labels""".split()
CLASSES = tuple(
    words.split()
    for words in (
        "two three four five six seven eight nine",
        "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "Monday Tuesday Wednesday Thursday Friday",
        "January February April June July August September October November December",
    )
)
_DIGITS = re.compile(r"\d{2,}")
_WORD = re.compile(r"[^\W\d_]+")


def write_calls(inbox: Path, calls: int, *, whole: int = WHOLE_OF_FIVE) -> dict[str, str]:
    """Files by team and rep, made where they are not there yet; the name of each by the SHA-256 of its content. `whole`
    of each five are not cut off."""
    corpus = [call.transcript for call in read_corpus(ROOT / "models" / "corpus" / "train")]
    long = [transcript for transcript in corpus if len(transcript.turns) >= WHOLE_TURNS]
    dropped: dict[str, str] = {}
    for number in range(calls):
        chance = random.Random(number)
        short = is_short(number, whole)
        source = chance.choice(corpus if short else long)
        made = varied(source, number, calls, chance, short=short)
        meta, form = made.meta, FORMS[number % len(FORMS)]
        file = inbox / str(meta.team) / str(meta.rep) / f"{meta.date}_{meta.account}.{form}"
        content = write_transcript(made, form).encode()
        dropped[hashlib.sha256(content).hexdigest()] = file.relative_to(inbox).as_posix()
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return dropped


def is_short(number: int, whole: int) -> bool:
    """Whether the call of that number is cut off, where `whole` of each five are not."""
    return number % 5 < 5 - whole


def varied(source: Transcript, number: int, calls: int, chance: random.Random, *, short: bool) -> Transcript:
    """The call as another rep's with another account, cut off if `short`."""
    accounts = max(1, calls // CALLS_AN_ACCOUNT)
    visit, account = divmod(number, accounts)
    at = account % REPS
    rep = f"{FIRST[at % len(FIRST)]} {LAST[at % len(LAST)]}"
    firm = f"{PLACES[account % len(PLACES)]} {TRADES[account // len(PLACES) % len(TRADES)]} {account}"
    day = dt.date(2024, 10, 1) + dt.timedelta(days=(account * 37 + visit * 97) % DAYS)
    turns = source.turns[: chance.randint(*SHORT_TURNS)] if short else source.turns
    reword, names = rewording(source, rep, firm, chance)
    return Transcript(
        "",
        CallMeta(rep=rep, team=TEAMS[at % len(TEAMS)], account=firm, date=day),
        tuple(
            Turn(turn.t0, turn.t1, names[turn.speaker.partition(":")[2] or source.meta.rep or ""], reword(turn.text))
            for turn in turns
        ),
        dataclasses.replace(source.hearing),
    )


def rewording(
    source: Transcript, rep: str, firm: str, chance: random.Random
) -> tuple[Callable[[str], str], dict[str, str]]:
    """What puts other people, numbers and days into a text of `source`; and its speakers' new names by their old."""
    seller = source.meta.rep or ""
    heard = sorted({turn.speaker.partition(":")[2] for turn in source.turns} - {""})
    fresh = chance.sample([name for name in FIRST if name not in rep], len(heard))
    names = {**dict(zip(heard, fresh, strict=True)), seller: rep}
    words = {old: new for old, new in names.items() if old != seller}
    words |= dict(zip(seller.split(), rep.split(), strict=False))
    for group in CLASSES:
        words |= turned(group, chance.randrange(1, len(group)))
    step, before = chance.randrange(3, 40), source.meta.account or firm

    def reword(text: str) -> str:
        moved = _DIGITS.sub(lambda found: str(int(found[0]) + step), text.replace(before, firm))
        return _WORD.sub(lambda found: words.get(found[0], found[0]), moved)

    return reword, names


def turned(group: Sequence[str], by: int) -> dict[str, str]:
    """Each word of a group for the one `by` places on, also where it begins a sentence."""
    on = [*group[by:], *group[:by]]
    return {
        **dict(zip(group, on, strict=True)),
        **{old.capitalize(): new.capitalize() for old, new in zip(group, on, strict=True)},
    }
