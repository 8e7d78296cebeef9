"""Is debrief well on this machine: `python -m pipeline.health` exits with 0 or says why not. For health checks.

Well means that a watcher of this host has lately said that it lives, or that the web app answers.
"""

from __future__ import annotations

import datetime as dt
import socket
import sys
import urllib.request

from pipeline.errors import DebriefError
from pipeline.settings import Settings, load_settings, local_address
from pipeline.status import STALE_S, watchers

TIMEOUT_S = 5.0


def illness(settings: Settings) -> str:
    """Why debrief is not well here, empty when it is."""
    mine = [row for row in watchers(settings.data) if row["host"] == socket.gethostname()]
    now = dt.datetime.now(dt.UTC)
    # a watcher that lives and says nothing hangs; a clock set back must not make it look so for hours
    if any(abs((now - dt.datetime.fromisoformat(row["at"])).total_seconds()) < STALE_S for row in mine):
        return ""
    hangs = f"watcher {mine[0]['pid']} has said nothing since {mine[0]['at']}; " if mine else "no watcher; "
    try:
        # a proxy for the world outside (`http_proxy`) knows nothing of this machine
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{local_address(settings)}/healthz", timeout=TIMEOUT_S) as answer:
            return "" if answer.status == 200 else f"{hangs}the web app answers {answer.status}"
    except OSError as error:
        return f"{hangs}no web app on port {settings.port} ({error})"


def main() -> int:
    """0 when well; else 1 and one line."""
    try:
        problem = illness(load_settings())
    except DebriefError as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
