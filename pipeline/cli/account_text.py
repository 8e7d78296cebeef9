"""An account and the plan for its next call as a person reads them: what to do first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline.cli.render import asked_text, overall_text, quoted, wrapped
from pipeline.cli.shared import spaced
from pipeline.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

Row = dict[str, Any]

FACTS = {
    "decides": "Who decides, and how",
    "impact": "The problem and what it causes",
    "numbers": "Numbers of the case, as stated",
    "price": "Prices stated",
    "terms": "Terms stated",
    "recommended": "Recommended",
    "open_objections": "Objections open",
    "answered_objections": "Objections answered",
}
SHOWN = 6
"""Statements of one sort that are shown, the newest; `--json` has them all."""


def account_text(row: Row) -> RenderableType:
    """One account: where it stands, the play, risks, the next step, promises, and what calls established."""
    from rich.console import Group

    calls = row["calls"]
    lines = _head(row["account"], counted(len(calls), "call") + _silence(row["silent_days"]))
    for call in calls:
        about = " · ".join(str(part) for part in (call["date"], call["rep"], call["type"]) if part)
        lines += wrapped(f"{about}: {overall_text(call)} (call {call['call'][:8]})", indent=2)
    for play in row["strategy"]:
        lines += _head(f"Play: {play['kind']}. {play['because']}")
        for step in play["play"]:
            lines += wrapped(f"- {step}", indent=2)
        lines += _grounds(play["rests_on"])
    lines += _risks(row["risks"])
    lines += _next(row["next_step_agreed"])
    lines += _promises(row["commitments"])
    lines += _statements("Met", row["met"])
    lines += _statements("Named as having a say", row["named"])
    if row["competitors"]:
        lines += _head("Competitors named")
        for rival in row["competitors"]:
            lines += wrapped(f"{rival['name']}, on {counted(rival['calls'], 'call')}", indent=2)
            lines += _grounds([rival["rests_on"]])
    for fact, title in FACTS.items():
        lines += _statements(title, row[fact])
    lines += _head("How far")
    for stage in row["stages"]:
        best = "not scored" if stage["best_level"] is None else f"level {stage['best_level']}"
        lines += wrapped(f"{stage['stage']}: {stage['criterion']}, {best}", indent=2)
    states = ", ".join(f"{item['stage']} {item['state']}" for item in row["how_far"])
    lines += wrapped(states, indent=2, style="dim")
    return Group(*lines)


def plan_text(row: Row) -> RenderableType:
    """The plan for the next call with an account: the ask, three questions, the objection to expect."""
    from rich.console import Group

    from pipeline.coach.pushback import named

    lines = _head(row["account"], f"{counted(row['calls'], 'call')}, the last on {row['last'] or 'an unknown day'}")
    if row.get("silence"):
        lines += wrapped(row["silence"], indent=2)
    lines += _head(f"Ask for: {row['ask']['for']}")
    lines += wrapped(f"because {row['ask']['because']}", indent=2)
    lines += _grounds([row["ask"]["rests_on"]])
    lines += _head("Ask") if row["questions"] else []
    for number, item in enumerate(row["questions"], start=1):
        lines += wrapped(f"{number}. {item['question']}", indent=2)
        lines += wrapped(f"because {item['because']}", indent=5, style="dim")
        lines += _grounds([item["rests_on"]])
    if row["expect"]:
        expect = row["expect"]
        lines += _head(f"Expect: {named(expect['objection'], expect['sure'])}, {expect['because']}")
        lines += _grounds([expect["rests_on"]])
        if expect["came_up"]:
            lines += wrapped(f"calls {_ids(expect['came_up'])}", indent=4, style="dim")
        if expect["others"]:
            lines += wrapped(f"another objection on calls {_ids(expect['others'])}", indent=4, style="dim")
        worked = expect["answer_that_worked"]
        if worked:
            told = f"worked before ({worked['rep']}, call {worked['call_id'][:8]}): {quoted(worked['quote'])}"
            lines += wrapped(told, indent=4)
    if row["last_next_step"]:
        ended = row["last_next_step"]
        # how a later call ended may not be known
        which = "last call" if ended["date"] == row["last"] else f"call of {ended['date'] or 'an unknown day'}"
        lines += _head(f"How the {which} ended")
        lines += wrapped(ended["text"], indent=2)
        lines += _grounds([ended])
    lines += _head("Promised, and still to come") if row["promised"] else []
    for made in row["promised"]:
        day = made["moved_to"] or made["due"]
        lines += wrapped(f"- {made['owner']}{f', {day}' if day else ''}: {quoted(made['quote'])}", indent=2)
    lines += _head("Still missing") if row["missing"] else []
    for item in row["missing"]:
        lines += wrapped(f"- {item}", indent=2)
    return Group(*lines)


def _risks(risks: list[Row]) -> list[Text]:
    lines = _head("Risks") if risks else []
    for risk in risks:
        lines += wrapped(f"- {risk['text']}", indent=2)
        lines += _grounds(risk["rests_on"][:2])
    return lines


def _next(step: Row | None) -> list[Text]:
    if step is None:
        return [*_head("Next step"), *wrapped("none agreed that is still open", indent=2)]
    when = step["due"] or step["due_words"] or "no day"
    late = ", overdue" if step["overdue"] else ""
    told = f"{step['owner']}, {when}{late}: {quoted(step['what'])} (call {step['call'][:8]})"
    return [*_head("Next step"), *wrapped(told, indent=2)]


def _promises(made: list[Row]) -> list[Text]:
    lines = _head("Promises") if made else []
    for item in made:
        due = f", for {item['due']}" if item["due"] else ""
        now = f", now for {item['moved_to']}" if item["moved_to"] else ""
        said = f"{quoted(item['quote'])}{asked_text(item)} (call {item['call_id'][:8]})"
        lines += wrapped(f"{item['owner']}{due}, {item['status']}{now}: {said}", indent=2)
    return lines


def _statements(title: str, rows: list[Row]) -> list[Text]:
    older = f", the newest {SHOWN} here and all with --json" if len(rows) > SHOWN else ""
    lines = _head(f"{title} ({len(rows)}{older})") if rows else []
    for row in rows[-SHOWN:]:
        lines += wrapped(row["text"], indent=2)
        lines += _grounds([row])
    return lines


def _ids(rows: Iterable[Row]) -> str:
    return ", ".join(row["call"][:8] for row in rows)


def _grounds(rows: Iterable[Row | None]) -> list[Text]:
    lines = []
    for row in rows:
        if row:
            parts = (row["date"], row.get("speaker"), f"call {row['call'][:8]}")
            about = " · ".join(str(part) for part in parts if part)
            said = f": {quoted(row['quote'])}" if row.get("quote") else ""
            lines += wrapped(f"{about}{said}", indent=4, style="dim")
    return lines


def _head(*parts: str) -> list[Text]:
    from rich.text import Text

    return [Text(""), Text(spaced(*parts), style="bold")]


def _silence(days: int | None) -> str:
    return "" if days is None else f", {counted(days, 'day')} since the last"
