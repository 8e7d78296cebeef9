"""Who may say who speaks on a call, and whose it is: it decides what others come to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pipeline.access.people import LEADERS
from pipeline.assigned_reps import with_assigned_rep
from pipeline.assigned_roles import renamed
from pipeline.errors import NotAllowed
from pipeline.types import Transcript
from pipeline.web.ask import Ask

_SPELT = """
SELECT {kind} AS name FROM calls WHERE lower({kind}) = lower($name) AND call_id <> $call_id
GROUP BY {kind} ORDER BY {kind} = $name DESC, count(*) DESC, {kind} LIMIT 1
"""
_CARRIED = "SELECT 1 FROM calls WHERE rep = $rep LIMIT 1"


def may_name(ask: Ask, record: Mapping[str, Any]) -> bool:
    """Whether the user may say who speaks: leaders always, a rep where nobody could tell yet."""
    return ask.is_a(LEADERS) or record["status"] == "review"


def as_on_calls(ask: Ask, call: Mapping[str, Any], kind: Literal["rep", "team"], typed: str) -> str:
    """A name without needless blanks, in the capitals that other calls carry it in: `tom becker` is nobody new. What
    the call itself has stays as it is, and may be corrected where no other has it."""
    name = " ".join(typed.split())
    if name == call[kind]:
        return name
    found = ask.store.query(_SPELT.format(kind=kind), {"name": name, "call_id": call["call_id"]})
    return str(found[0]["name"]) if found else name


def require_may_give(ask: Ask, rep: str, team: str, now: str | None) -> None:
    """Raises `NotAllowed` where a manager would give a call to somebody that they do not see.

    A rep belongs to the team of their newest call, so a call given away could bring its new rep into the manager's
    sight with all that they ever said. Another team than the call has `now`, or a new rep's, is one of the manager's.
    """
    mine = ask.scope.everything or (team or now) in ask.scope.teams
    if not (ask.scope.sees_rep(rep) or (mine and not ask.store.query(_CARRIED, {"rep": rep}))):
        raise NotAllowed(f"{rep} is in none of your teams; name one of your reps, or your team with a new one")
    if team not in ("", now) and not mine:
        raise NotAllowed(f"{team} is none of your teams; leave the call in its own, or name one of yours")


def require_may_name(ask: Ask, call: Mapping[str, Any], transcript: Transcript, said: Mapping[str, str]) -> None:
    """Raises `NotAllowed` where naming the speakers would give a call away like that: whoever is made the rep brings
    the call with their name.

    `call` has `rep`, `team` and `sha256`. A rep who names speakers comes to see nothing by it.
    """
    named = with_assigned_rep(renamed(transcript, said), ask.settings.data, call["sha256"]).meta.rep
    if named and named != call["rep"] and ask.is_a(LEADERS):
        require_may_give(ask, named, "", call["team"])
