"""The weekly digest of a manager or a rep: what happened, what is due, what is not fair; as text or HTML.

A pure function of the reports. Every item carries the number of calls it rests on and their ids, and the texts link to
them; a section with nothing to say is left out. `to_send` makes it what `pipeline/deliver.py` writes and sends.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.coach.accounts import account_view, by_account
from pipeline.coach.assign import as_they_were, reminders
from pipeline.coach.commitments import Commitment
from pipeline.coach.deals import deal_of, risks
from pipeline.coach.effect import effect_of
from pipeline.coach.gaps import find_gaps, rubric_targets
from pipeline.coach.moves import moves_of
from pipeline.coach.rows import Rows
from pipeline.coach.snippets import BEST_LEVEL, find_snippets
from pipeline.coach.standings import standings
from pipeline.coach.support import support_report
from pipeline.digest import Digest, as_html, reference, section
from pipeline.redact import shortened
from pipeline.rubric import Rubric
from pipeline.wording import change_text, counted, signed

WEEK = 7
MOST = 6
WIDTH = 78


@dataclass(frozen=True, slots=True)
class Item:
    """One line and the calls it rests on."""

    text: str
    call_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`{"text", "calls", "call_ids"}`."""
        return {"text": self.text, "calls": len(self.call_ids), "call_ids": list(self.call_ids)}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class WeeklyDigest:
    """The week up to and with `to`, for a manager (of `team`, or of all) or, with `rep`, for that rep."""

    title: str
    start: dt.date
    to: dt.date
    rep: str | None
    team: str | None
    sections: tuple[Section, ...]

    def cleaned(self, clean: Callable[[str], str]) -> WeeklyDigest:
        """The same, each line as `clean` leaves it."""
        parts = (
            dataclasses.replace(part, items=tuple(dataclasses.replace(i, text=clean(i.text)) for i in part.items))
            for part in self.sections
        )
        return dataclasses.replace(self, sections=tuple(parts))

    def to_json(self) -> dict[str, Any]:
        """`{"title", "from", "to", "rep", "team", "sections": [{"title", "items": [...]}]}`."""
        return {
            "title": self.title,
            "from": self.start.isoformat(),
            "to": self.to.isoformat(),
            "rep": self.rep,
            "team": self.team,
            "sections": [{"title": s.title, "items": [i.to_json() for i in s.items]} for s in self.sections],
        }


@dataclass(frozen=True, slots=True)
class _Week:
    """What the sections are made from: rows of the people addressed, and everybody's for what is compared."""

    rows: Rows
    everybody: Rows
    rubric: Rubric
    made: tuple[Commitment, ...]
    reps: frozenset[str]
    start: dt.date
    to: dt.date
    own: bool
    target: float | None
    competitors: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()

    def this_week(self, day: dt.date | None) -> bool:
        return day is not None and self.start <= day <= self.to


def weekly_digest(
    rows: Rows,
    rubric: Rubric,
    made: Sequence[Commitment],
    *,
    as_of: dt.date,
    rep: str | None = None,
    team: str | None = None,
    target: float | None = None,
    competitors: Sequence[str] = (),
    customers: Sequence[str] = (),
) -> WeeklyDigest:
    """The digest of the seven days up to `as_of`.

    `made` are the commitments of the calls in `rows`; `rows.turns` of recent calls let deals show their risks.
    `target` is that of `find_gaps`, `competitors` are names to listen for, `customers` accounts that are known to buy.
    """
    rows = dataclasses.replace(rows, assignments=as_they_were(rows.assignments, on=as_of))
    # calls come oldest first: a rep is of the team of their newest one, as in `access.scope`
    teams = {c.rep: c.team for c in rows.calls if c.rep and c.team}
    names = frozenset(
        c.rep for c in rows.calls if c.rep and rep in (None, c.rep) and (team is None or teams.get(c.rep) == team)
    ) | ({rep} if rep else frozenset())
    week = _Week(
        rows=_of(rows, names),
        everybody=rows,
        rubric=rubric,
        made=tuple(c for c in made if c.rep in names),
        reps=names,
        start=as_of - dt.timedelta(WEEK - 1),
        to=as_of,
        own=rep is not None,
        target=target,
        competitors=tuple(competitors),
        customers=tuple(customers),
    )
    parts = REP_SECTIONS if rep else MANAGER_SECTIONS
    sections = [Section(title, _first(items)) for title, part in parts.items() if (items := part(week))]
    who = rep or (f"team {team}" if team else "all teams")
    return WeeklyDigest(f"The week of {who}", week.start, as_of, rep, team, tuple(sections))


def _first(items: Sequence[Item]) -> tuple[Item, ...]:
    """The first of a section's lines, and how many more there are."""
    more = len(items) - MOST
    return (*items[:MOST], *([Item(f"and {more} more")] if more > 0 else ()))


def _of(rows: Rows, names: frozenset[str]) -> Rows:
    calls = tuple(c for c in rows.calls if c.rep in names)
    ids = {c.call_id for c in calls}
    return dataclasses.replace(
        rows,
        calls=calls,
        scores=tuple(s for s in rows.scores if s.rep in names),
        moments=tuple(m for m in rows.moments if m.call_id in ids),
        objections=tuple(o for o in rows.objections if o.call_id in ids),
        turns=tuple(t for t in rows.turns if t.call_id in ids),
        moves=tuple(m for m in rows.moves if m.call_id in ids),
        assignments=tuple(a for a in rows.assignments if a.rep in names),
        sessions=tuple(s for s in rows.sessions if s.rep in names),
    )


def _calls(week: _Week) -> list[Item]:
    found = []
    for name in sorted(week.reps):
        mine = [c for c in week.rows.calls if c.rep == name and week.this_week(c.date)]
        if not mine:
            continue
        overall = [c.overall for c in mine if c.overall is not None]
        mean = f", mean {sum(overall) / len(overall):.0f} of 100" if overall else ""
        text = f"{name}: {counted(len(mine), 'call')}, {sum(c.status == 'scored' for c in mine)} scored{mean}"
        found.append(Item(text, tuple(c.call_id for c in mine)))
    return found


def _moved(week: _Week) -> list[Item]:
    """The largest moves first."""
    titles = week.rubric.titles
    found: list[tuple[float, Item]] = []
    for s in standings(week.everybody.scores, as_of=week.to):
        if s.rep in week.reps and s.criterion in titles and s.trend and s.trend.word != "no clear change":
            text = (
                f"{s.rep}, {titles[s.criterion].lower()}: {s.trend.word} by {abs(s.trend.per_30_days):.1f} a month "
                f"({signed(s.trend.low)} to {signed(s.trend.high)}), now {s.estimate:.1f} over {s.n} calls"
            )
            found.append((abs(s.trend.per_30_days), Item(text, s.call_ids)))
    return [item for _, item in sorted(found, key=lambda pair: -pair[0])]


def _gaps(week: _Week) -> list[Item]:
    gaps = find_gaps(week.everybody.scores, week.rubric, as_of=week.to, target=week.target)
    return [Item(f"{g.rep}: {g.reason}", g.standing.call_ids) for g in gaps if g.rep in week.reps]


def _training(week: _Week) -> list[Item]:
    """What is due, what is new, and what the trainings done last did: older effects were told in their weeks."""
    found = [
        Item(f"{_whose(week, r.assignment.rep)}{r.assignment.title}: {r.text}")
        for r in reminders(week.rows.assignments, as_of=week.to, within=WEEK)
    ]
    for a in week.rows.assignments:
        if a.status == "open" and week.this_week(a.assigned_on):
            found.append(Item(f"{_whose(week, a.rep)}new: {a.title}. {a.reason}", tuple(a.detail.get("calls", ()))))
    for a in sorted(week.rows.assignments, key=lambda a: a.completed_on or a.assigned_on, reverse=True):
        if a.status == "done":
            effect = effect_of(a, week.everybody.scores, week.everybody.assignments, as_of=week.to)
            number = change_text(effect.effect, effect.low, effect.high)
            if week.this_week(a.completed_on) or effect.effect is not None:
                text = f"{_whose(week, a.rep)}{a.title}: {effect.verdict}{number}; {effect.reason}"
                found.append(Item(text, (*effect.calls_before, *effect.calls_after)))
    return found


def _deals(week: _Week) -> list[Item]:
    """Accounts with the most risks, of those that the people addressed had the last call with."""
    found: list[tuple[int, Item]] = []
    last = _last_met(week)
    for account, part in by_account(week.rows).items():
        view = account_view(part, account, week.rubric, as_of=week.to)
        # who took an account over is told of it: of the calls of one who had it before, it only looks forgotten
        if view is None or last[account] not in week.reps:
            continue
        made = [c for c in week.made if c.account == account]
        moves = moves_of(part, week.rubric)
        hits = risks(deal_of(part, view, moves, made, known=week.competitors, customers=week.customers))
        ids = tuple(call.call_id for call in view.calls)
        if hits:
            found.append((len(hits), Item(f"{account}: " + "; ".join(risk.text for risk in hits[:3]), ids)))
    return [item for _, item in sorted(found, key=lambda pair: -pair[0])]


def _last_met(week: _Week) -> dict[str, str | None]:
    """Account -> who had the last call with it up to the end of the week."""
    calls = week.everybody.calls  # oldest first
    return {c.account: c.rep for c in calls if c.account and (c.date is None or c.date <= week.to)}


def _promises(week: _Week) -> list[Item]:
    """What is due and what is late; a day to meet that is over is neither: it may have been kept in person."""
    ahead = week.to + dt.timedelta(WEEK)
    due = [c for c in week.made if c.day and c.ahead and week.to <= c.day <= ahead]
    late = [
        c
        for c in week.made
        if c.status in ("overdue", "not kept", "moved")
        and (c.kind, c.status) != ("meeting", "overdue")
        and c not in due
        and (c.due or c.made_on or week.to) >= week.to - dt.timedelta(30)
    ]
    late.sort(key=lambda c: c.due or week.to, reverse=True)
    return [
        Item(
            f'{c.account or "no account"}: {c.owner}, {_standing(c, late)}: "{shortened(c.quote, 110)}"{_asked(c)}',
            (c.call_id,),
        )
        for c in [*due, *late]
    ]


def _standing(made: Commitment, late: Sequence[Commitment]) -> str:
    """Where a promise stands and its day: `due 2026-10-02`, `not kept 2026-09-25, now for 2026-10-09`."""
    if made not in late:
        return "due" + (f" {made.day.isoformat()}" if made.day else "") + (", moved" if made.status == "moved" else "")
    day = f" {made.due.isoformat()}" if made.due else ""
    return f"{made.status}{day}{f', now for {made.moved_to.isoformat()}' if made.moved_to else ''}"


def _asked(made: Commitment) -> str:
    return f' (asked: "{shortened(made.asked, 80)}")' if made.asked else ""


def _sessions(week: _Week) -> list[Item]:
    ahead = week.to + dt.timedelta(WEEK)
    return [
        Item(
            f"{' '.join((s.held_on.isoformat(), s.starts_at or '')).strip()}: "
            f"{', '.join(part for part in (s.rep, s.coach, s.topic) if part)}"
        )
        for s in week.rows.sessions
        if s.status == "planned" and week.to <= s.held_on <= ahead
    ]


def _fairness(week: _Week) -> list[Item]:
    """A line per rep who is here, whoever has most warnings first."""
    found = support_report(week.everybody, week.rubric, week.made, as_of=week.to, target=week.target)
    unfair = [row for row in found if row["rep"] in week.reps and row["warnings"] and _here(row)]
    return [
        Item(
            f"{row['rep']}: {'; '.join(warning['text'] for warning in row['warnings'])}",
            tuple(row["results"]["call_ids"]),
        )
        for row in sorted(unfair, key=lambda row: -len(row["warnings"]))
    ]


def _here(row: dict[str, Any]) -> bool:
    """Whether anything in the period of a row of `support_report` says that the rep is still one: who left was given
    nothing, and would stand before everybody with a call."""
    support, results = row["support"], row["results"]
    given = ("sessions", "missed_sessions", "next_session", "training_open", "training_done")
    return any((results["calls"], results["quotas"], results["activity"], *(support[name] for name in given)))


def _to_play(week: _Week) -> list[Item]:
    found = [
        s
        for s in find_snippets(week.rows, limit=200)
        if s.score.level >= BEST_LEVEL
        and s.moment.kind == "evidence"
        and s.moment.side == "rep"
        and week.this_week(s.score.date)
    ]
    return [
        Item(
            f"{s.score.rep}, {s.score.criterion.replace('_', ' ')} at level {s.score.level}: "
            f'"{shortened(s.moment.quote, 200)}"',
            (s.moment.call_id,),
        )
        for s in found[:2]
    ]


def _stands(week: _Week) -> list[Item]:
    """A rep's own standings, in the order of the rubric."""
    order = {c.id: place for place, c in enumerate(week.rubric.criteria)}
    targets = rubric_targets(week.rubric, target=week.target)
    mine = [
        s
        for s in standings(week.everybody.scores, targets=targets, as_of=week.to)
        if s.rep in week.reps and s.criterion in order
    ]
    mine.sort(key=lambda s: s.estimate - s.target)
    return [
        Item(
            f"{week.rubric.criterion(s.criterion).title}: {s.estimate:.1f} ({s.low:.1f} to {s.high:.1f}) over "
            f"{counted(s.n, 'call')}, target {s.target:.1f}",
            s.call_ids,
        )
        for s in mine
    ]


def _whose(week: _Week, rep: str) -> str:
    return "" if week.own else f"{rep}: "


Part = Callable[[_Week], list[Item]]

MANAGER_SECTIONS: dict[str, Part] = {
    "Calls this week": _calls,
    "Who moved": _moved,
    "Gaps": _gaps,
    "Training": _training,
    "Deals at risk": _deals,
    "Due and overdue": _promises,
    "Coaching this week": _sessions,
    "Is it fair": _fairness,
    "Worth playing to the team": _to_play,
}
REP_SECTIONS: dict[str, Part] = {
    "Your calls this week": _calls,
    "What went well": _to_play,
    "Due and overdue": _promises,
    "Your training": _training,
    "Your coaching": _sessions,
    "Your deals at risk": _deals,
    "Where you stand": _stands,
    "How you moved": _moved,
}
"""Sections in the order shown."""


def digest_text(digest: WeeklyDigest, *, base: str = "") -> str:
    """Plain text, 78 columns. `base` is the web app's address; with it, items link to their first calls."""
    lines = [digest.title, f"{digest.start.isoformat()} to {digest.to.isoformat()}", ""]
    for part in digest.sections:
        lines += [part.title, "-" * len(part.title)]
        for item in part.items:
            lines += textwrap.wrap(f"- {item.text}", WIDTH, subsequent_indent="  ")
            if item.call_ids:
                lines.append(f"  {reference(item.call_ids, base)}")
        lines.append("")
    if not digest.sections:
        lines += ["nothing to report: no calls, training or days due", ""]
    return "\n".join(lines)


def to_send(digest: WeeklyDigest, *, base: str = "") -> Digest:
    """The digest as plain lines with their calls, for `pipeline/deliver.py`."""
    who = re.sub(r"[^a-z0-9]+", "-", (digest.rep or digest.team or "all").lower()).strip("-") or "all"
    sections = tuple(
        section(part.title, [item.text for item in part.items], calls=[item.call_ids for item in part.items])
        for part in digest.sections
    ) or (section("Nothing to report", [], none="no calls, training or days due"),)
    to = digest.to.isoformat()
    return Digest(f"week-{to}-{who}", f"{digest.title}, to {to}", sections, base)


def digest_html(digest: WeeklyDigest, *, base: str = "") -> str:
    """One HTML page without anything from elsewhere, as it is sent; `base` is the web app's address, or empty."""
    return as_html(to_send(digest, base=base.rstrip("/")))
