"""Prefect flows: the same sequence as `debrief process`, with runs, states and schedules that Prefect keeps.

Importing this package sets Prefect's environment before Prefect itself is imported: it stays on this machine and off
the terminal. Whatever the user's environment says wins. It closes what is written to other users as well: a worker of
Prefect's comes in by a flow and not by `debrief`.
"""

from __future__ import annotations

import os

from pipeline.keep import close_to_others

_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    # a server that is gone is told in one line by `local.owned_run`, not once per event
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    # the temporary server takes 13-16 s on two cores; Prefect's own limit is 20
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}

for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

close_to_others()
