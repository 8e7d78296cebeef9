"""One training as a person reads it: why, what to do, the rep's own moments, colleagues' best ones, the notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.cli.render import quoted, wrapped
from pipeline.cli.shared import spaced
from pipeline.wording import clock

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

Row = dict[str, Any]


def training_text(row: Row) -> RenderableType:
    """A row of `training_rows`, with its module in full where the library has it still."""
    from rich.console import Group

    module = row["content"]
    lines = _head(f"{row['rep']}: {row['title']}", row["state"], row["effect"])
    if row["measured"]["effect"] is not None:
        lines += wrapped(row["measured"]["reason"], indent=2)
    about = "" if row["reason"].startswith(row["criterion_title"]) else f"{row['criterion_title']}: "
    lines += wrapped(f"{about}{row['reason']}", indent=2)
    lines += _moments("Where it starts from", row["detail"].get("low_moments", []))
    lines += _moments("How colleagues did it", row["detail"].get("best_moments", []))
    lines += _module(module) if module else wrapped("the library has this module no longer", indent=2)
    if row["notes"]:
        lines += _head("Notes")
        lines += [line for note in row["notes"] for line in wrapped(f"{note['on']}: {note['text']}", indent=2)]
    return Group(*lines)


def _module(module: Mapping[str, Any]) -> list[Text]:
    lines = [*_head("Why it matters"), *wrapped(module["why"], indent=2)]
    if module["local"]:
        lines += [*_head("In your company"), *_list(module["local"])]
    lines += _head("What good sounds like")
    lines += [line for said in module["good"] for line in wrapped(f"{said['who']}: {said['says']}", indent=2)]
    lines += wrapped(module["note"], indent=2, style="dim")
    lines += _head("Drills")
    for drill in module["drills"]:
        lines += wrapped(f"{drill['title']} ({drill['minutes']} min): {drill['do']}", indent=2)
    play = module["role_play"]
    lines += _head("Role play")
    for title, key in {"": "setup", "The buyer: ": "buyer", "Hidden: ": "hidden", "Won when: ": "win"}.items():
        lines += wrapped(f"{title}{play[key]}", indent=2)
    lines += [*_head("Look for"), *_list(module["look_for"])]
    lines += [*_head("Warning signs"), *_list(module["warning_signs"])]
    return [*lines, *_head("Done when"), *wrapped(module["done_when"], indent=2)]


def _moments(title: str, moments: Iterable[Row]) -> list[Text]:
    lines: list[Text] = []
    for moment in moments:
        of = (moment["rep"] or moment["speaker"], moment["account"], moment["date"])
        where = f"call {moment['call_id'][:8]} at {clock(moment['t0'])}"
        lines += wrapped(quoted(moment["quote"]), indent=2)
        missed = "where it should have happened; " if moment["kind"] == "missed" else ""
        lines += wrapped(missed + ", ".join(filter(None, (*of, where))), indent=4, style="dim")
    return [*_head(title), *lines] if lines else []


def _list(items: Iterable[str]) -> list[Text]:
    return [line for item in items for line in wrapped(f"- {item}", indent=2)]


def _head(*parts: str) -> list[Text]:
    from rich.text import Text

    return [Text(""), Text(spaced(*parts), style="bold")]
