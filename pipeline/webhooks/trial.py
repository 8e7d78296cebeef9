"""A test event to every address, sent at once and kept nowhere."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.webhooks.send import addresses, host_of, secret, send

if TYPE_CHECKING:
    from pipeline.settings import Settings


def send_trial(settings: Settings) -> list[dict[str, Any]]:
    """Rows `{"host", "ok", "outcome"}`; none where no address is set. Raises `SettingsError` for wrong settings."""
    urls = addresses(settings)
    if not urls:
        return []
    key = secret()
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    body = json.dumps({"type": "test", "timestamp": stamp, "data": {"from": "debrief"}}).encode()
    rows = []
    for url in urls:
        sent = send(url, f"msg_{uuid.uuid4().hex}", body, key=key)
        rows.append({"host": host_of(url), "ok": sent.ok, "outcome": sent.line})
    return rows
