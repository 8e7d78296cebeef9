"""Quotable moments: search over the evidence of scored calls, a rep's own low moments and colleagues' best ones."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.coach.moves import strength
from pipeline.coach.rows import Moment, ObjectionRow, Rows, ScoredCall
from pipeline.rubric import Rubric
from pipeline.wording import straight

LOW_LEVEL = 2
BEST_LEVEL = 3
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A moment with the call it is from and the level its criterion got there.

    `objection` is the one that it is about, where there is one.
    """

    moment: Moment
    score: ScoredCall
    objection: ObjectionRow | None = None

    @property
    def objection_kind(self) -> str | None:
        """The kind of the objection."""
        return self.objection.kind if self.objection else None

    def to_json(self) -> dict[str, Any]:
        """The moment's fields with `criterion`, `level`, `rep`, `account`, `date` and the objection's kind."""
        score = self.score
        return {
            **self.moment.to_json(),
            "criterion": score.criterion,
            "level": score.level,
            "rep": score.rep,
            "team": score.team,
            "account": score.account,
            "date": score.date.isoformat() if score.date else None,
            "call_type": score.call_type,
            "objection_kind": self.objection_kind,
            "handled": self.objection.handled if self.objection else None,
        }


def all_snippets(rows: Rows) -> list[Snippet]:
    """Every moment of a criterion that was scored; moments of abstained or n/a criteria are left out.

    A moment of objection handling belongs to the last objection at or before it, else to the call's first.
    """
    scores = {(score.call_id, score.criterion): score for score in rows.scores}
    objections = _by_call(rows.objections)
    found = []
    for moment in rows.moments:
        score = scores.get((moment.call_id, moment.criterion))
        if score:
            found.append(Snippet(moment, score, _answered(moment, objections)))
    return found


def find_snippets(
    rows: Rows,
    *,
    criterion: str | None = None,
    level: int | None = None,
    kind: str | None = None,
    rep: str | None = None,
    words: str = "",
    limit: int = 20,
) -> list[Snippet]:
    """Snippets that fit everything asked for: the highest level first, then the newest call.

    `kind` is an objection kind. Every word of `words` has to occur in the quote, in any order and case.
    """
    wanted = _words_of(words)
    found = [
        snippet
        for snippet in all_snippets(rows)
        if criterion in (None, snippet.score.criterion)
        and level in (None, snippet.score.level)
        and rep in (None, snippet.score.rep)
        and (kind is None or kind == snippet.objection_kind)
        and wanted <= _words_of(snippet.moment.quote)
    ]
    return _best_first(found)[:limit]


def _words_of(text: str) -> set[str]:
    """Words in small letters; recognisers write one apostrophe and meeting tools the other."""
    return {word.lower() for word in _WORD.findall(straight(text))}


def low_moments(rows: Rows, rep: str, criterion: str, *, kind: str | None = None, limit: int = 3) -> list[Snippet]:
    """A rep's weakest moments on a criterion, one per call: lowest level first, then newest; none above level 2.

    With an objection `kind`, moments about that kind come before others.
    """
    mine = [
        s
        for s in all_snippets(rows)
        if s.score.rep == rep and s.score.criterion == criterion and s.score.level <= LOW_LEVEL
    ]
    mine.sort(
        key=lambda s: (
            kind is not None and kind != s.objection_kind,
            s.score.level,
            -_day(s),
            s.moment.kind != "missed",
            s.moment.turn,
        )
    )
    return _one_per_call(mine)[:limit]


def best_moments(
    rows: Rows,
    rep: str,
    criterion: str,
    *,
    kind: str | None = None,
    limit: int = 3,
    rubric: Rubric | None = None,
) -> list[Snippet]:
    """Colleagues' best moments on a criterion, one per call: spoken by the rep's side at level 3 or 4, newest first.

    The same team comes first among equals. Where no colleague has one, the rep's own. Of a call with several the one
    that shows most of the criterion by `rubric`, without it the first.
    """
    team = next((score.team for score in reversed(rows.scores) if score.rep == rep), None)
    good = [
        s
        for s in all_snippets(rows)
        if s.score.criterion == criterion
        and s.score.level >= BEST_LEVEL
        and s.moment.kind == "evidence"
        and s.moment.side == "rep"
    ]
    colleagues = [s for s in good if s.score.rep != rep]
    ordered = _best_first(colleagues or good)
    if rubric:
        ordered.sort(key=lambda s: -strength(s.moment, rows, rubric))
        ordered.sort(key=lambda s: (-s.score.level, -_day(s), s.moment.call_id))
    ordered.sort(key=lambda s: (kind is not None and kind != s.objection_kind, -s.score.level, s.score.team != team))
    return _one_per_call(ordered)[:limit]


def weakest_kind(rows: Rows, rep: str) -> str | None:
    """The objection kind a rep handles worst: most unhandled ones (partly counts half); None below two.

    `other` is left out: no training is made for it.
    """
    mine = {call.call_id for call in rows.calls if call.rep == rep}
    missed: dict[str, float] = defaultdict(float)
    for objection in rows.objections:
        if objection.call_id in mine and objection.kind != "other":
            missed[objection.kind] += {"no": 1.0, "partly": 0.5}.get(objection.handled, 0.0)
    kind, count = max(missed.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
    return kind if count >= 2 else None


def _by_call(objections: Iterable[ObjectionRow]) -> Mapping[str, list[ObjectionRow]]:
    found: dict[str, list[ObjectionRow]] = defaultdict(list)
    for objection in sorted(objections, key=lambda row: (row.call_id, row.turn)):
        found[objection.call_id].append(objection)
    return found


def _answered(moment: Moment, objections: Mapping[str, list[ObjectionRow]]) -> ObjectionRow | None:
    of_call = objections.get(moment.call_id)
    if moment.criterion != "objection_handling" or not of_call:
        return None
    return of_call[max(0, bisect_right(of_call, moment.turn, key=lambda row: row.turn) - 1)]


def _day(snippet: Snippet) -> int:
    return snippet.score.date.toordinal() if snippet.score.date else 0


def _best_first(snippets: list[Snippet]) -> list[Snippet]:
    return sorted(
        snippets, key=lambda s: (-s.score.level, -_day(s), s.moment.call_id, s.score.criterion, s.moment.turn)
    )


def _one_per_call(snippets: list[Snippet]) -> list[Snippet]:
    first: dict[str, Snippet] = {}
    for snippet in snippets:
        first.setdefault(snippet.moment.call_id, snippet)
    return list(first.values())
