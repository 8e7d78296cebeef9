"""Which reps and calls a user sees: a rep themselves, a manager their teams, trainers and admins all.

A manager sees a rep whose newest call belongs to one of their teams, with all of that rep's calls, and the calls of
their teams by anybody: a rep who left keeps nothing open to the old manager but the calls made there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.access.people import TRAINERS, User
from pipeline.days import latest
from pipeline.errors import NotAllowed

if TYPE_CHECKING:
    from pipeline.store import Store

_REPS_OF_TEAMS = """
SELECT rep FROM (
    SELECT rep,
           arg_max(team, (CASE WHEN call_date <= $latest THEN call_date ELSE DATE '0001-01-01' END, call_id)) AS team
    FROM calls WHERE rep IS NOT NULL AND team IS NOT NULL GROUP BY rep
) WHERE team IN (SELECT unnest($teams::VARCHAR[]))
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one user reaches: `everything`, or the named reps, and calls of the named teams."""

    everything: bool = False
    reps: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()

    def sees_rep(self, rep: str | None) -> bool:
        """Whether a rep's page, standings and training are open to this user."""
        return self.everything or (rep is not None and rep in self.reps)

    def sees_call(self, row: Mapping[str, Any]) -> bool:
        """Whether a call is open to this user; `row` has its `rep` and `team` (either may be None)."""
        return self.sees_rep(row.get("rep")) or (row.get("team") is not None and row["team"] in self.teams)

    def require_rep(self, rep: str) -> None:
        """Raises `NotAllowed` for a rep outside, in the same words whether there is such a rep or not."""
        if not self.sees_rep(rep):
            raise NotAllowed("this rep is not one that you may see")

    def require_call(self, row: Mapping[str, Any] | None, what: str = "call") -> None:
        """Raises `NotAllowed` for a call outside; None is a call that is not there, told apart by nobody but those who
        see everything. `what` is the user's word for what was asked for: an account is its calls."""
        if not (self.everything if row is None else self.sees_call(row)):
            raise NotAllowed(f"this {what} is not one that you may see")

    def where(self, alias: str = "c") -> str:
        """A condition for SQL over rows with `rep` and `team`; its values are `params`."""
        return (
            f"($scope_all OR {alias}.rep IN (SELECT unnest($scope_reps::VARCHAR[])) "
            f"OR {alias}.team IN (SELECT unnest($scope_teams::VARCHAR[])))"
        )

    @property
    def params(self) -> dict[str, Any]:
        """The named parameters of `where`."""
        return {
            "scope_all": self.everything,
            "scope_reps": sorted(self.reps),
            "scope_teams": sorted(self.teams),
        }


def scope_of(user: User, store: Store) -> Scope:
    """What a user reaches now. Raises `StoreError`."""
    if user.role in TRAINERS:
        return Scope(everything=True)
    if user.role == "manager" and user.teams:
        found = store.query(_REPS_OF_TEAMS, {"teams": list(user.teams), "latest": latest()})
        return Scope(reps=frozenset(row["rep"] for row in found), teams=frozenset(user.teams))
    if user.role == "rep" and user.rep:
        return Scope(reps=frozenset({user.rep}))
    return Scope()


def visible_reps(user: User, store: Store) -> list[str]:
    """Names of the reps with calls that a user sees, in order. Raises `StoreError`."""
    scope = scope_of(user, store)
    return [rep for rep in store.reps() if scope.sees_rep(rep)]
