"""Takes what waits in the outbox to its addresses: in a thread beside a long-running process, or once."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from pipeline.claims import alone
from pipeline.errors import DebriefError
from pipeline.rounds import rounds
from pipeline.webhooks.news import collect
from pipeline.webhooks.outbox import Outbox, address_id
from pipeline.webhooks.send import addresses, secret, send

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

EVERY_S = 5.0
log = logging.getLogger("debrief.webhooks")


def deliver(
    settings: Settings, outbox: Outbox, *, stop: threading.Event | None = None, within_s: float = 60.0
) -> dict[str, int]:
    """Send what is due, for `within_s` at most; counts by what came of it. One process at a time.

    An address that fails is left alone until the next round: one that hangs does not hold up the others.
    Raises `SettingsError` where addresses or secret are not right, `StoreError`.
    """
    urls = {address_id(url): url for url in addresses(settings)}
    counts: Counter[str] = Counter()
    if not urls:
        return {}
    key = secret()
    with alone(settings.data / "webhooks.lock") as first:
        if not first:
            return {}
        outbox.give_up(urls)
        end = time.monotonic() + within_s
        failing: set[str] = set()
        for delivery, body in outbox.due():
            if (stop and stop.is_set()) or time.monotonic() > end:
                break
            if delivery.address in failing or delivery.address not in urls:
                continue
            sent = send(urls[delivery.address], delivery.event_id, body, key=key)
            counts[outbox.settle(delivery, sent)] += 1
            if not sent.ok:
                failing.add(delivery.address)
    return dict(counts)


def courier(
    settings: Settings, *, store: Store | None = None, every_s: float = EVERY_S
) -> AbstractContextManager[None]:
    """Rounds that look for news (where they are given a store) and send what is due, as long as the context lasts; none
    where the settings name no address. What is not sent in time comes again."""
    if not settings.webhook_urls.strip():
        return nullcontext()

    def go(stop: threading.Event) -> None:
        with Outbox(settings.data) as outbox:
            if store is not None:
                collect(store, settings, outbox=outbox)
            deliver(settings, outbox, stop=stop)

    return rounds(go, name="courier", every_s=every_s, warn=lambda line: log.warning("webhooks: %s", line))


def note_news(store: Store, settings: Settings) -> None:
    """`collect` after a batch. A batch never fails by its news: what goes wrong is a line in the log."""
    if not settings.webhook_urls.strip():
        return
    try:
        with Outbox(settings.data) as outbox:
            collect(store, settings, outbox=outbox)
    except DebriefError as error:
        log.warning("webhooks: %s", error)


def tell_all(store: Store, settings: Settings, gaps: Callable[[], list[dict[str, object]]]) -> list[str]:
    """News with the gaps of today, sent at once; lines about what went wrong. For the nightly run."""
    if not settings.webhook_urls.strip():
        return []
    try:
        with Outbox(settings.data) as outbox:
            collect(store, settings, outbox=outbox, gaps=gaps())
            counts = deliver(settings, outbox)
            outbox.tidy(settings.keep_logs_days)
    except DebriefError as error:
        return [f"webhooks: {error}"]
    failed = counts.get("failed", 0) + counts.get("waiting", 0)
    return [f"webhooks: {failed} not delivered; `debrief webhooks list` says why"] if failed else []
