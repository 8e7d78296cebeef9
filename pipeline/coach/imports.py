"""Coaching sessions, quotas and activity from CSV files, as any calendar, CRM or dialler writes them.

Column names are matched without case, blanks and underscores, by the names in `KINDS`; of several for one field the
first in `KINDS` counts. A row that cannot be read is
said with its line and left out; the others are kept. The same row again changes nothing: its id is a hash of what
identifies it, so that a later file with new results replaces the older ones.
"""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.coach.rows import ActivityRow, QuotaRow, SessionRow
from pipeline.coach.when import MONTHS
from pipeline.encodings import decode
from pipeline.errors import InputError
from pipeline.written_days import read_day, read_time

_STATUSES = {
    "held": "held", "done": "held", "completed": "held", "yes": "held", "planned": "planned", "scheduled": "planned",
    "open": "planned", "missed": "missed", "cancelled": "missed", "canceled": "missed", "no show": "missed",
    "no": "missed",
}  # fmt: skip
_QUARTER = re.compile(r"(?:(\d{4})[ /-]?Q([1-4])|Q([1-4])[ /-]?(\d{4}))$", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d{1,2})$")
_NAMED_MONTH = re.compile(r"([a-z]{3,9})\.?[ -](\d{4})$", re.IGNORECASE)
_TIME = re.compile(
    r"(?:(\d+(?:[.,]\d+)?) ?h(?:rs?|ours?)?\.?)?,?(?: and)? ?(?:(\d+) ?(?:m(?:in(?:ute)?s?)?)?\.?)?$", re.IGNORECASE
)
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d):[0-5]\d$")
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6,
    "mil": 1e6, "mln": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "billion": 1e9, "billions": 1e9, "trillion": 1e12,
    "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5, "cr": 1e7, "crore": 1e7, "crores": 1e7,
}  # fmt: skip
_DIGITS = re.compile(
    rf"^\D*?(?P<sign>-?)[^\d-]{{0,3}}(?P<digits>\d[\d.,]*+)(?:\s*(?P<scale>{'|'.join(_SCALES)})(?!\w))?(?P<runs_on>\w)?",
    re.IGNORECASE,
)

Fact = SessionRow | QuotaRow | ActivityRow


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave: `kind` is the store's table, `problems` one line for each row that was left out, `lines` how
    many of its rows were taken (a row of activity with several measures gives several `rows`), `unheard` the reps of
    them who have no calls: perhaps a name spelt in another way."""

    kind: str
    rows: tuple[Fact, ...]
    problems: tuple[str, ...]
    lines: int = 0
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: its table, the names that each column may have, which are needed, and how a row is read.

    `key` is the field that two rows about the same thing share, `same` what that thing is called, and `apart` says how
    two are told apart.
    """

    table: str
    columns: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    read: Callable[[Mapping[str, str]], Sequence[Fact]]
    key: str
    same: str
    apart: str


def read_csv(path: Path, kind: str, *, reps: Iterable[str] = ()) -> Imported:
    """Read a file of `KINDS`; names of `reps` are spelled as these are, whatever their case in the file. Raises
    `InputError` where it is no such table at all."""
    form, known = KINDS[kind], tuple(reps)
    spelling = {rep.casefold(): rep for rep in known} | {rep: rep for rep in known}
    try:
        text = re.sub(r"\r\n?", "\n", decode(path.read_bytes()))  # Excel's CSV (Macintosh) has carriage returns alone
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if "\0" in text or text.startswith("PK"):
        raise InputError(f"{path}: not a CSV file; save it as CSV (UTF-8)")
    lines = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        head = next(lines, [])
        names = _columns(head, form)
        missing = [name for name in form.needed if name not in names.values()]
        if missing:
            raise InputError(
                f"{path}: no column '{missing[0]}'; it needs {', '.join(form.needed)} and has "
                f"{', '.join(part for part in head if part) or 'no heading'}"
            )
        rows: dict[str, tuple[Fact, int]] = {}
        problems: list[str] = []
        taken = 0
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                row = _named(cells, names)
                rep = " ".join(row.get("rep", "").split())
                spelled = spelling.get(rep) or spelling.get(rep.casefold(), rep)
                read = form.read({**row, "rep": spelled} if rep else row)
                _require_new(read, rows, form)
                rows |= {getattr(fact, form.key): (fact, lines.line_num) for fact in read}
                taken += 1
            except ValueError as error:
                problems.append(f"{path}: line {lines.line_num}: {error}; the row is left out")
    except csv.Error as error:
        raise InputError(f"{path}: line {lines.line_num}: not readable as CSV ({error})") from error
    return Imported(form.table, tuple(fact for fact, _ in rows.values()), tuple(problems), taken)


def _require_new(read: Iterable[Fact], rows: Mapping[str, tuple[Fact, int]], form: Kind) -> None:
    """Raise `ValueError` where another line of the file says otherwise of the same thing: one would be lost."""
    for fact in read:
        known, line = rows.get(getattr(fact, form.key), (fact, 0))
        if known != fact:
            raise ValueError(f"line {line} has {form.same} already, with something else; {form.apart}")


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).lower()


def _columns(head: Sequence[str], form: Kind) -> dict[int, str]:
    """Position -> the field's name; other columns keep their own heading (an activity's measures).

    Of several columns for one field the one whose heading is its name, or comes first among its other names, is the
    last: it is what counts in a row that has a value there (`target` before `amount`).
    """
    known = {
        _key(alias): (rank, name)
        for name, aliases in form.columns.items()
        for rank, alias in enumerate((name, *aliases))
    }
    found = [(place, known.get(_key(title), (0, title.strip()))) for place, title in enumerate(head) if title.strip()]
    return {place: name for place, (_, name) in sorted(found, key=lambda column: -column[1][0])}


def _named(cells: Sequence[str], names: Mapping[int, str]) -> dict[str, str]:
    """Field -> its value, where there is one."""
    return {name: cells[place].strip() for place, name in names.items() if place < len(cells) and cells[place].strip()}


def _needs(row: Mapping[str, str], name: str) -> str:
    if name not in row:
        raise ValueError(f"no {name}")
    return row[name]


def _number(text: str) -> float:
    """`1,250.50`, `1.250,50`, `1 250 000`, `$12k`, `1.2 million`: the number. `250.000` may be two numbers and is
    refused, and so is what runs on in letters that are no scale (`1.2E+11`), a share (`85 %`), which is none of what it
    is a share of, and what accounts write for less than nothing (`(1,200)`, `1,200-`)."""
    if "%" in text or re.search(r"^[^\d(]*\([^()]*\d[^()]*\)|\d\s*-$", text):
        said = "is a share; write the number" if "%" in text else "may be below 0; write it with - in front"
        raise ValueError(f"'{text}' {said}")
    text = re.sub(r"(?<=\d)[\s'\u2019](?=\d{3}(?!\d))", "", text)
    found = _DIGITS.search(text)
    if not found or found["runs_on"]:
        raise ValueError(f"'{text}' is no number")
    sign, digits, scale = found["sign"], found["digits"], found["scale"] or ""
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits):
        whole, decimal = digits.replace(".", ""), digits.rstrip("0").rstrip(".")
        told = f"{decimal}0" if decimal == digits else decimal
        raise ValueError(f"'{text}' may be {whole}{scale} or {decimal}{scale}; write {whole}{scale} or {told}{scale}")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", digits):
        digits = digits.replace(".", "")
    if re.search(r",\d{1,2}$", digits) or ("." in digits and digits.rfind(",") > digits.rfind(".")):
        digits = digits.replace(".", "").replace(",", ".")
    try:
        return float(sign + digits.replace(",", "").rstrip(".")) * _SCALES.get(scale.lower(), 1.0)
    except ValueError:
        raise ValueError(f"'{text}' is no number") from None


def _amount(row: Mapping[str, str], name: str) -> float:
    """A number of 0 or more, as whatever is counted or aimed at is. Raises `ValueError` naming the column."""
    try:
        found = _number(_needs(row, name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}" if name in row else str(error)) from None
    # no sum of money or number of calls is that long
    if not 0 <= found < 1e15:
        raise ValueError(f"{name} '{row[name]}' must be a number of 0 or more, written out")
    return found


def _minutes(row: Mapping[str, str]) -> int:
    """`45`, `45 min`, `30m`, `1h 30m`, `1.5 hours`, `0:45:00`: minutes. `1:30` may be two times and is refused, as is
    what is neither hours nor minutes."""
    text = row["minutes"]
    found = _CLOCK.match(text) or _TIME.match(text)
    if found and any(found.groups()):
        return round(60 * float((found[1] or "0").replace(",", "."))) + int(found[2] or 0)
    if ":" in text:
        raise ValueError(f"minutes '{text}' may be hours or minutes; write minutes alone")
    if re.search(r"\d\s*(?!m)[^\W\d_]", text, re.IGNORECASE):
        raise ValueError(f"minutes '{text}' is not understood; write minutes alone")
    # `about 45m`, `90 mn`: here an m after a number is no million
    plain = re.sub(r"(?<=\d)\s*m[^\W\d_]*", "", text, flags=re.IGNORECASE)
    return round(_amount({"minutes": plain}, "minutes"))


def _id(*parts: Any) -> str:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:16]


def _session(row: Mapping[str, str]) -> Sequence[Fact]:
    rep, day = _needs(row, "rep"), read_day(_needs(row, "date"))
    status = _STATUSES.get(row.get("status", "").lower()) if "status" in row else None
    if "status" in row and status is None:
        raise ValueError(f"status '{row['status']}' is none of held, planned, missed")
    minutes = _minutes(row) if "minutes" in row else None
    return [
        SessionRow(
            session_id=_id("session", rep, day, row.get("coach"), row.get("topic")),
            rep=rep,
            held_on=day,
            team=row.get("team"),
            coach=row.get("coach"),
            minutes=minutes,
            topic=row.get("topic"),
            status=status or ("planned" if day > dt.date.today() else "held"),
            starts_at=_starts_at(row),
        )
    ]


def _starts_at(row: Mapping[str, str]) -> str | None:
    """`HH:MM`, from a column of its own or from beside the day; None for midnight, which is how a day alone is
    written."""
    at = read_time(row.get("time", row["date"]))
    if at is None and "time" in row:
        raise ValueError(f"time '{row['time']}' is not understood; write it as 14:30")
    return at.isoformat("minutes") if at and at != dt.time.min else None


def _quota(row: Mapping[str, str]) -> Sequence[Fact]:
    rep, measure = _needs(row, "rep"), row.get("measure", "revenue").lower()
    starts, ends = _period(row)
    return [
        QuotaRow(
            quota_id=_id("quota", rep, measure, starts, ends),
            rep=rep,
            measure=measure,
            starts_on=starts,
            ends_on=ends,
            target=_amount(row, "target"),
            result=_number(row["result"]) if "result" in row else None,
            team=row.get("team"),
        )
    ]


def _period(row: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    """From `start` and `end`, or a `period` like `2026-Q4`, `2026-10`, `Oct 2026` or `2026`."""
    if "period" not in row:
        starts, ends = read_day(_needs(row, "start")), read_day(_needs(row, "end"))
        if ends < starts:
            raise ValueError("it ends before it starts")
        return starts, ends
    text = row["period"]
    quarter, month = _QUARTER.match(text), _MONTH.match(text)
    if quarter:
        year, number = int(quarter[1] or quarter[4]), int(quarter[2] or quarter[3])
        return dt.date(year, 3 * number - 2, 1), _last(year, 3 * number)
    if month and 1 <= int(month[2]) <= 12:
        return dt.date(int(month[1]), int(month[2]), 1), _last(int(month[1]), int(month[2]))
    named = _NAMED_MONTH.match(text)
    if named and named[1].lower() in MONTHS:
        return dt.date(int(named[2]), MONTHS[named[1].lower()], 1), _last(int(named[2]), MONTHS[named[1].lower()])
    if re.fullmatch(r"\d{4}", text):
        return dt.date(int(text), 1, 1), dt.date(int(text), 12, 31)
    raise ValueError(f"period '{text}' is none of 2026-Q4, 2026-10, 2026")


def _last(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _activity(row: Mapping[str, str]) -> Sequence[Fact]:
    """One row with `measure` and `count`, or one with a column per measure."""
    rep, day = _needs(row, "rep"), read_day(_needs(row, "date"))
    if "count" in row:
        counts = {_needs(row, "measure").lower(): row["count"]}
    else:
        counts = {k.lower(): v for k, v in row.items() if k not in ("rep", "date", "team", "measure")}
    if not counts:
        raise ValueError("no count")
    return [
        ActivityRow(_id("activity", rep, name, day), rep, name, day, _amount(counts, name), row.get("team"))
        for name in counts
    ]


_REP = (
    "rep name",
    "sales rep",
    "deal owner",
    "opportunity owner",
    "name",
    "salesperson",
    "owner",
    "seller",
    "representative",
    "user",
    "ae",
    "sdr",
)

KINDS: dict[str, Kind] = {
    "sessions": Kind(
        "sessions",
        {
            "rep": (*_REP, "coachee"),
            "date": ("held on", "day", "start", "when", "start date"),
            "time": ("start time", "starts at"),
            "coach": ("manager", "trainer", "by"),
            "minutes": ("duration", "length", "min", "mins"),
            "topic": ("subject", "title", "about", "notes"),
            "status": ("state", "outcome"),
            "team": ("group",),
        },
        ("rep", "date"),
        _session,
        "session_id",
        "a session of that rep, day, coach and topic",
        "give each a topic of its own",
    ),
    "quota": Kind(
        "quotas",
        {
            "rep": _REP,
            "measure": ("metric", "kind", "type"),
            "period": ("quarter", "month"),
            "start": ("from", "starts on", "begin"),
            "end": ("to", "until", "ends on"),
            "target": ("quota", "goal", "amount"),
            "result": ("actual", "attained", "closed", "achieved", "won"),
            "team": ("group",),
        },
        ("rep", "target"),
        _quota,
        "quota_id",
        "a quota of that rep, measure and period",
        "write it once",
    ),
    "activity": Kind(
        "activities",
        {
            "rep": _REP,
            "date": ("day", "week", "week of", "week starting", "start"),
            "measure": ("metric", "kind", "type", "activity"),
            "count": ("number", "amount", "total", "value"),
            "team": ("group",),
        },
        ("rep", "date"),
        _activity,
        "activity_id",
        "that measure of that rep and day",
        "write their sum",
    ),
}
"""What `debrief import` takes."""
