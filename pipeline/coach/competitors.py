"""Competitors by name on an account's calls: which, on how many calls, and what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.coach.accounts import AccountView, quoted
from pipeline.coach.moves import Moves
from pipeline.coach.rivals import (
    by_name,
    inside_names,
    names_it,
    own_names,
    rival_names,
    speaks_of_another,
    telling_names,
)
from pipeline.coach.rows import Rows, TurnRow
from pipeline.coach.statements import Statement


@dataclass(frozen=True, slots=True)
class Rival:
    """A competitor that was named, on how many calls, and the newest words that tell something of it."""

    name: str
    calls: tuple[str, ...]
    statement: Statement


def competitors(
    view: AccountView, turns: Sequence[TurnRow], moves: Moves, rows: Rows, known: Sequence[str]
) -> list[Rival]:
    """Competitors by name, the most named first: those of `known` wherever a buyer says them, names that either side
    speaks of as another supplier, and other names in talk about a rival.

    Talk about a rival is an objection of that kind, a buyer's turn that tells of another's offer, or a turn in which
    the rep compares. Names of people on the calls or named there, of the account and of the rep's side are none, nor
    of whoever is against it among the buyer's own.
    """
    about = {(o.call_id, o.turn) for o in rows.objections if o.kind == "competition"}
    about |= {at for at, made in moves.items() if "contrast" in made}
    about |= {(t.call_id, t.turn) for t in turns if t.side == "buyer" and speaks_of_another(t.text)}
    none = _no_rivals(view, turns)
    bought = [t for t in turns if t.side == "buyer"]
    inside = {part for t in bought for name in inside_names(t.text) for part in name.split()}
    names = [name for name in known if any(names_it(name, t.text, any_case=True) for t in bought)]
    for turn in turns:
        heard = telling_names(turn.text, side=turn.side)
        if turn.side == "buyer" and (turn.call_id, turn.turn) in about:
            heard += [name for name in rival_names(turn.text) if not set(name.split()) & inside]
        names += [n for n in dict.fromkeys(heard) if not set(n.split()) & none and n.lower() not in _lower(names)]
    found = {
        name: [t for t in (bought if name in known else turns) if names_it(name, t.text, any_case=name in known)]
        for name in names
    }
    return [
        Rival(name, tuple(dict.fromkeys(t.call_id for t in said)), _named(view, name, said))
        for name, said in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
        if said
    ]


def _no_rivals(view: AccountView, turns: Sequence[TurnRow]) -> set[str]:
    """Parts of the names of people, of the account and of what the rep's side calls its own."""
    people = {part for t in turns for part in t.name.split()} | set(view.account.split())
    people |= {part for call in view.calls for part in (call.rep or "").split()}
    people |= {part for person in view.named for part in person.text.partition(",")[0].split()}
    return people | {name for t in turns if t.side == "rep" for name in own_names(t.text)}


def _named(view: AccountView, name: str, said: Sequence[TurnRow]) -> Statement:
    return quoted(view, _telling(name, said), f"{name} named", show=by_name(name, any_case=True))


def _telling(name: str, turns: Sequence[TurnRow]) -> TurnRow:
    """The newest turn that tells something of a rival, else the newest that names it."""
    told = [t for t in turns if name in telling_names(t.text, side=t.side) or name in rival_names(t.text)]
    return (told or list(turns))[-1]


def _lower(names: Sequence[str]) -> set[str]:
    return {name.lower() for name in names}
