"""What a speaker's label says of side and name, and whose call it is where nothing but its speakers tells that."""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.types import BUYER, REP, CallMeta

REP_LABEL = re.compile(
    r"^(?:agent|rep|sales(?:\s?rep|person|man|woman)?|seller|account executive|(?:ae|sdr|bdr)(?!-)|vendor|host"
    r"|internal)\b",
    re.IGNORECASE,
)
BUYER_LABEL = re.compile(r"^(?:customer|client|buyer|prospect|lead|caller|external|contact|guest)\b", re.IGNORECASE)
WHO_RINGS = re.compile(r"^(?:caller|callee|recipient|called party)\b", re.IGNORECASE)
"""Who rang and who was rung: a `Caller` buys where somebody else is the agent, and may be the rep where nobody is."""
REP_HEARD = "rep_heard"
"""Mark in `meta.extra`: nothing but the call's own speakers says who its rep is."""


def with_heard_rep(meta: CallMeta, name: str) -> CallMeta:
    """The metadata with the rep as the speakers show it, nobody where `name` is empty; a rep that was given stays."""
    if meta.rep and not meta.extra.get(REP_HEARD):
        return meta
    rest = {key: value for key, value in meta.extra.items() if key != REP_HEARD}
    return replace(meta, rep=name or None, extra={**rest, REP_HEARD: True} if name else rest)


def given_anew(given: CallMeta, meta: CallMeta) -> CallMeta:
    """What path and sidecar say by now, with what is known of the call from itself: `meta`'s extras and heard rep."""
    rest = {key: value for key, value in meta.extra.items() if key != REP_HEARD}
    now = given.merged(CallMeta(extra=rest))
    return with_heard_rep(now, meta.rep or "") if meta.extra.get(REP_HEARD) else now


def name_of_label(label: str) -> str:
    """A person's name without what conference tools put behind it: `Ann Lee (Acme)`, `Ann Lee | Acme`, `buyer:Ann`."""
    head, _, tail = label.partition(":")
    name = tail if head.strip().lower() in (REP, BUYER) else label
    name = re.split(r"\s*[|(\[/]", name.strip(), maxsplit=1)[0].strip()
    return "" if any(label.match(name) for label in (REP_LABEL, BUYER_LABEL, WHO_RINGS)) else name
