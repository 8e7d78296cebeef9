"""Training as a user may read it: what it quotes of calls that the user may not open leaves them as a clip does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.redact import redact_text
from pipeline.web.ask import Ask
from pipeline.web.call_view import calls_open_to

Row = dict[str, Any]

_MOMENTS = ("low_moments", "best_moments")
"""What an assignment quotes of calls."""


def training_as_seen(ask: Ask, rows: Iterable[Row]) -> tuple[list[Row], set[str]]:
    """Rows of training as the user may read them, and the calls of their moments that the user may open.

    Of any other call the quote alone is shown: it leaves that call without private details, as a clip does.
    """
    known = list(rows)
    quoted = [moment for row in known for name in _MOMENTS for moment in row["detail"].get(name, [])]
    reached = calls_open_to(ask, (moment["call_id"] for moment in quoted))

    def seen(moment: Row) -> Row:
        inside = moment["call_id"] in reached
        return moment if inside else {**moment, "quote": redact_text(moment["quote"], kinds=ask.redacts).text}

    def shown(detail: Row) -> Row:
        return {**detail, **{name: [seen(moment) for moment in detail[name]] for name in _MOMENTS if name in detail}}

    return [{**row, "detail": shown(row["detail"])} for row in known], reached
