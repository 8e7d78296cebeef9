"""Words that begin with a capital letter in English and are nobody's name: what every rule that looks for names leaves
out, whatever it leaves out besides."""

from __future__ import annotations

NO_NAMES = frozenset(
    """I He She They It We You There That This These Those And But So My Our Your Her Who What When Where Why How Which
    Well Now Yes No Yeah Okay Right Because If Not One Two Everybody Somebody Someone Nobody Anyone Everyone Also Maybe
    Only Then Just God Christmas Easter Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March
    April May June July August September October November December""".split()
)
