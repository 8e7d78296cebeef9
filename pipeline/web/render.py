"""Jinja templates: all that comes from files is escaped; a few filters say numbers and dates alike everywhere."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline import wording
from pipeline.access.people import ROLES
from pipeline.coach.gaps import SURE
from pipeline.coach.pushback import HANDLED
from pipeline.coach.support import coached_words
from pipeline.types import NEUTRAL, surely
from pipeline.web.static import version_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"
LEVELS = ("absent or harmful", "attempted, weak", "partial", "good", "excellent")
STATUS_WORDS = {"na": "n/a", "abstained": "not scored", "review": "needs a person"}
_UNNAMED = re.compile(r"SPEAKER_(\d+)")
_TYPED = re.compile(r"\S+: |[^:]+: (?:no such|there is no) ")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The Jinja environment, one for the process: a template is compiled once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "day": day,
        "when": when,
        "moment": moment,
        "clock": clock,
        "one": one,
        "pct": pct,
        "q": path_part,
        "sentence": sentence,
        "nearest": nearest,
        "signed": signed,
        "coached": coached_words,
        "objection": objection,
        "surely": surely,
        "coded": coded,
        "speaker": speaker,
        "weeks_line": weeks_line,
        "weeks_dots": weeks_dots,
    }
    made.globals |= {"LEVELS": LEVELS, "STATUS_WORDS": STATUS_WORDS, "HANDLED": HANDLED}
    made.globals |= {"ROLES": ROLES, "NEUTRAL": NEUTRAL, "SURE": SURE, "static": static}
    return made


def compile_templates() -> None:
    """Compile every template, so that nobody's first page waits for it."""
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)


def static(name: str) -> str:
    """Address of a file in `static/`, another one whenever the file is."""
    return f"/static/{name}?v={version_of(name)}"


def day(value: dt.date | str | None) -> str:
    """`6 Oct 2026`; a dash for none."""
    if not value:
        return "–"
    found = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{found.day} {found:%b %Y}"


def when(at: float | None) -> str:
    """Seconds since 1970 as `6 Oct 2026, 14:05 UTC`; a dash for none."""
    return "–" if at is None else f"{moment(dt.datetime.fromtimestamp(at, dt.UTC))} UTC"


def moment(at: dt.datetime | str) -> str:
    """A kept time (UTC) as `6 Oct 2026, 14:05`."""
    found = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{found.day} {found:%b %Y, %H:%M}"


def clock(seconds: float | None) -> str:
    """Seconds from the start of a call as `4:05` or `1:02:03`."""
    return "–" if seconds is None else wording.clock(seconds)


def one(value: float | None) -> str:
    """A number with one decimal; a dash for none."""
    return "–" if value is None else f"{value:.1f}"


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign, `+0.8` or `−0.6`; one that rounds to nothing has none."""
    return wording.signed(value, digits).replace("-", "−")


def objection(kind: str) -> str:
    """A kind of objection in words."""
    return kind.replace("_", " or ")


def speaker(label: str) -> str:
    """A speaker as a person reads it: `SPEAKER_00`, of whom only the voice is known, is `Speaker 1`."""
    found = _UNNAMED.fullmatch(label)
    return f"Speaker {int(found[1]) + 1}" if found else label


def weeks_line(weeks: Sequence[Mapping[str, Any]]) -> str:
    """Weekly means (`x`, `mean_level` of 0-4) as the points of a line, 8.5 a level upwards from 37."""
    return " ".join(",".join(_place(week)) for week in weeks)


def weeks_dots(weeks: Sequence[Mapping[str, Any]]) -> Markup:
    """A dot for each of the weeks, larger where more calls (`n`) are behind it; one piece, as a page has hundreds."""
    from markupsafe import Markup

    sizes = ((_place(week), 1.4 if week["n"] < 2 else 2 if week["n"] < 4 else 2.6) for week in weeks)
    return Markup("".join(f'<circle class="dot" cx="{x}" cy="{y}" r="{radius}"/>' for (x, y), radius in sizes))


def _place(week: Mapping[str, Any]) -> tuple[str, str]:
    return f"{week['x']:.1f}", f"{37 - week['mean_level'] * 8.5:.1f}"


def coded(text: str) -> Markup:
    """Escaped text in which what stands between backticks is shown as code."""
    from markupsafe import Markup

    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>" if n % 2 else "{}").format(part) for n, part in enumerate(parts))


def pct(value: float | None) -> str:
    """A share as `42 %`, an overall score (0-100) being one already; a dash for none."""
    return "–" if value is None else f"{value:.0f}"


def nearest(value: float) -> int:
    """The level (0-4) nearest to a standing, for its colour."""
    return min(4, max(0, int(value + 0.5)))


def sentence(line: str) -> str:
    """An error's line as a sentence. What somebody typed stays as it is where it comes first: `abc: no such call`."""
    said = line if _TYPED.match(line) else line[:1].upper() + line[1:]
    return said if said.endswith((".", "?", "!")) else f"{said}."


def path_part(value: Any) -> str:
    """A name as one part of a path."""
    return quote(str(value), safe="")
