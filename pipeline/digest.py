"""The digest: what happened, as a few sections of plain lines, and what they look like as text, Markdown and HTML.

`nightly_digest` says what the night's batch did; a digest of other content (a rep's week) is a `Digest` too, and is
written and sent by the same functions (`pipeline/deliver.py`).
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.wording import counted, tallied

if TYPE_CHECKING:
    from pipeline.store import Store

LISTED = 20
"""Lines of a section at most; a further one says how many more there are."""
LINKED = 12
"""Calls that a line leads to at most."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines: plain text, one fact each, and for each the ids of the calls it rests on (`calls` may be
    shorter)."""

    title: str
    lines: tuple[str, ...]
    calls: tuple[tuple[str, ...], ...] = ()

    def pairs(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each line with its calls."""
        return [(line, self.calls[place] if place < len(self.calls) else ()) for place, line in enumerate(self.lines)]

    def told(self, base: str) -> list[str]:
        """Each line with its calls, as text."""
        return [f"{line} {reference(ids, base)}" if ids else line for line, ids in self.pairs()]


@dataclass(frozen=True, slots=True)
class Digest:
    """What is written and sent: `name` is the file's (`nightly-2026-10-06`), `title` what readers see, `base` the web
    app's address where lines lead to calls."""

    name: str
    title: str
    sections: tuple[Section, ...]
    base: str = ""


def reference(call_ids: Sequence[str], base: str) -> str:
    """`[9 calls: e43a6f55, da870b50 and 7 more]`; with the address of the web app the link of the first."""
    shown = [f"{base}/calls/{c}" if base else c[:8] for c in call_ids[: 1 if base else 4]]
    more = len(call_ids) - len(shown)
    return f"[{counted(len(call_ids), 'call')}: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}]"


def section(title: str, lines: list[str], *, none: str = "", calls: Sequence[tuple[str, ...]] = ()) -> Section:
    """A section of at most `LISTED` lines, each cleaned of control characters; `none` where there are none."""
    shown = [plain(line) for line in lines[:LISTED]]
    if len(lines) > LISTED:
        shown.append(f"and {len(lines) - LISTED} more")
    return Section(title, tuple(shown or ([none] if none else [])), tuple(calls[:LISTED]))


def plain(text: object) -> str:
    """Text of files and names as one line without control characters."""
    return " ".join(_CONTROL.sub(" ", str(text).encode("utf-8", "replace").decode("utf-8")).split())


def nightly_digest(store: Store, report: Mapping[str, Any], *, day: dt.date) -> Digest:
    """What the night did (`report` of the nightly flow) and what waits for a person. Raises `StoreError`."""
    return Digest(
        name=f"nightly-{day.isoformat()}",
        title=f"debrief: last night, {day.isoformat()}",
        sections=tuple(
            item
            for item in (
                _done(report),
                _training(report),
                section(
                    "Training due",
                    [f"{row['rep']}: {row['title']}, {row['reminder']}" for row in report.get("reminders", [])],
                ),
                section("Failed", [f"{Path(row['path']).name}: {row['reason']}" for row in _failed(report)]),
                _waiting(store),
                _reps(store),
            )
            if item.lines
        ),
    )


def _failed(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [row for part in ("backlog", "rescored") for row in report[part]["failed"]]


def _done(report: Mapping[str, Any]) -> Section:
    lines = []
    for part, words in (("backlog", "new calls"), ("rescored", "scored again")):
        lines.append(f"{words}: {part_of_night(report[part])}")
    if report["store"]:
        lines.append(str(report["store"]))
    tidied = {what: n for what, n in report.get("tidied", {}).items() if n}
    if tidied:
        lines.append("cleared away: " + ", ".join(f"{n} {what}" for what, n in tidied.items()))
    return section("Done", lines)


def part_of_night(part: Mapping[str, Any]) -> str:
    """What a part of the night did, in numbers: what was done or failed on an earlier night is no news of this one."""
    new = dict(part["counts"])
    known = {"done": new.get("done", 0), "failed": new.get("failed", 0) - len(part["failed"])}
    new = {status: n - known.get(status, 0) for status, n in new.items() if n > known.get(status, 0)}
    before = ", ".join(f"{n} {status}" for status, n in known.items() if n > 0)
    return f"{tallied(new)} ({before} before)" if before else tallied(new)


def _training(report: Mapping[str, Any]) -> Section:
    lines = [f"{row['rep']}: {row['title']} ({row['criterion']}), due {row['due_on']}" for row in report["assigned"]]
    return section(f"Training assigned: {len(lines)}", lines, none="no new gap")


def _waiting(store: Store) -> Section:
    """What a person has to look at: quarantined files, calls to review, reps that nobody named."""
    lines = [
        f"{counted(row['n'], 'file')} {row['status']} ({row['kind']}), the latest: {row['reason']}"
        for row in store.query(
            "SELECT status, kind, count(*) AS n, arg_max(reason, last_at) AS reason FROM failures "
            "WHERE status <> 'retry' GROUP BY status, kind ORDER BY status, kind"
        )
    ]
    for row in store.query(
        "SELECT status, count(*) AS n, arg_max(reason, kept_at) AS reason FROM calls "
        "WHERE status IN ('review', 'abstained') GROUP BY status ORDER BY status DESC"
    ):
        lines.append(f"{counted(row['n'], 'call')} in {row['status']}, the latest: {row['reason']}")
    unknown = store.query("SELECT count(*) AS n, min(path) AS path, any_value(reason) AS reason FROM unknown_reps")[0]
    if unknown["n"]:
        lines.append(
            f"{counted(unknown['n'], 'call')} with an {unknown['reason']} (such as {Path(unknown['path']).name})"
        )
    return section("Waiting for you", lines)


def _reps(store: Store) -> Section:
    """A line per rep, in the team of their newest call, over the calls of every team they were in."""
    from pipeline.coach.load import load_heads

    heads = [head for head in load_heads(store) if head["overall"] is not None]
    heads.sort(key=lambda head: (head["team"] is None, head["team"] or "", head["rep"]))
    lines = [
        f"{', '.join(filter(None, (head['rep'], head['team'])))}: {counted(head['calls']['scored'], 'scored call')}, "
        f"mean {head['overall']:.0f} of 100"
        for head in heads
    ]
    return section("Reps", lines)


def as_text(digest: Digest) -> str:
    """Plain text."""
    parts = [digest.title, "=" * len(digest.title)]
    for item in digest.sections:
        parts += ["", item.title, *(f"- {line}" for line in item.told(digest.base))]
    return "\n".join(parts) + "\n"


def as_markdown(digest: Digest) -> str:
    """Markdown, what would be markup in names and reasons taken literally."""
    parts = [f"# {_literal(digest.title)}"]
    for item in digest.sections:
        parts += ["", f"## {_literal(item.title)}", "", *(f"- {_literal(line)}" for line in item.lines)]
    return "\n".join(parts) + "\n"


def _literal(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|~!])", r"\\\1", text)


def as_html(digest: Digest) -> str:
    """One HTML file that loads nothing."""
    body = "".join(
        f"<h2>{html.escape(item.title)}</h2>"
        f"<ul>{''.join(_item(line, ids, digest.base) for line, ids in item.pairs())}</ul>"
        for item in digest.sections
    )
    title = html.escape(digest.title)
    style = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1d2330}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{style}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )


def _item(line: str, call_ids: Sequence[str], base: str) -> str:
    """A line as HTML, leading to its calls."""
    if not call_ids or not base:
        told = f"{line} {reference(call_ids, base)}" if call_ids else line
        return f"<li>{html.escape(told)}</li>"
    links = (
        f'<a href="{html.escape(base)}/calls/{html.escape(c)}">{html.escape(c[:8])}</a>' for c in call_ids[:LINKED]
    )
    more = f" and {len(call_ids) - LINKED} more" if len(call_ids) > LINKED else ""
    label = counted(len(call_ids), "call")
    return f"<li>{html.escape(line)}<br><small>{label}: {', '.join(links)}{more}</small></li>"
