"""Commands about webhooks: what was sent where and what came of it, a test, and sending now."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.shared import Data, Json, console, emit, one_line, open_store, require_data, settings_of, show_table
from pipeline.errors import SettingsError, StoreError
from pipeline.wording import tallied

if TYPE_CHECKING:
    from pipeline.webhooks.outbox import Delivery

app = typer.Typer(help="New scorecards, gaps and assignments, told to addresses of yours.", no_args_is_help=True)

SHOWN = 12
"""Characters of an event's id that tell it from others."""
_HEADS = {
    "id": "Id",
    "made": "Made",
    "kind": "Event",
    "host": "To",
    "status": "Status",
    "attempts": "Tries",
    "outcome": "Outcome",
}


@app.command("list")
def list_deliveries(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="The newest N.")] = 20,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """The newest deliveries, each with what came of it."""
    from pipeline.webhooks.outbox import Outbox

    settings = settings_of(data)
    with Outbox(require_data(settings)) as outbox:
        rows = [_row(item) for item in outbox.newest(limit=limit)]
    shown = [row | {"id": row["event_id"][:SHOWN], "made": row["made_at"][:16].replace("T", " ")} for row in rows]
    none = "nothing was told yet" if settings.webhook_urls.strip() else "off: no `webhook_urls` in debrief.toml"
    show_table("Webhooks", _HEADS, rows if as_json else shown, none, as_json=as_json)


@app.command("test")
def trial(as_json: Json = False, data: Data = None) -> None:
    """Send a signed test event to every address of the settings now, and say what each answered."""
    from pipeline.webhooks.trial import send_trial

    results = send_trial(settings_of(data))
    if not results:
        raise SettingsError("webhook_urls: none set; name an address in debrief.toml first")
    for row in results:
        if as_json:
            emit(row)
        else:
            console().print(one_line(f"{'ok' if row['ok'] else 'FAIL'} {row['host']}: {row['outcome']}"))
    if not all(row["ok"] for row in results):
        raise typer.Exit(1)


@app.command("send")
def send_now(as_json: Json = False, data: Data = None) -> None:
    """Look for news and send what is due now: what `serve`, `watch` and `nightly` do by themselves."""
    from pipeline.webhooks.courier import deliver
    from pipeline.webhooks.news import collect
    from pipeline.webhooks.outbox import Outbox

    settings = settings_of(data)
    with open_store(settings) as store, Outbox(settings.data) as outbox:
        found = collect(store, settings, outbox=outbox)
        counts = deliver(settings, outbox)
    if as_json:
        emit({"new": found, **counts})
    else:
        console().print(f"{found} new; {tallied(counts, 'nothing was due')}")
    if counts.get("failed") or counts.get("waiting"):
        raise typer.Exit(1)


@app.command("retry")
def retry(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its id, as `webhooks list` shows it.")],
    data: Data = None,
) -> None:
    """Send a failed event again, with the next round."""
    from pipeline.webhooks.outbox import Outbox

    with Outbox(require_data(settings_of(data))) as outbox:
        if not outbox.again(outbox.called(event)):
            raise StoreError(f"{event}: no such event is left to send; `debrief webhooks list` shows them")
    console().print(one_line(f"{event}: is sent again with the next round"))


def _row(item: Delivery) -> dict[str, Any]:
    times = {name: _time(getattr(item, name)) for name in ("made_at", "next_at", "last_at")}
    return item.to_json() | times | ({} if item.status == "waiting" else {"next_at": None})


def _time(at: float | None) -> str | None:
    return None if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")
