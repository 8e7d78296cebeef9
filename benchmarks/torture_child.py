"""A process that a scenario hurts: `python -m benchmarks.torture_child ROLE DATA INBOX [ARGUMENT]`.

Roles: `flow` (plan, workers, database), `prefect` (the same under Prefect), `watch`, `ingester` (database only),
`server` (has the store open and serves it), `facts` (writes facts through whoever has it open), `claims` (holds some).
What it says was done (`ack {...}`) must be there whatever happens next.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes

from pipeline.settings import Settings

_SAYING = threading.Lock()


def say(text: str) -> None:
    with _SAYING:
        os.write(1, f"{text}\n".encode())


def ack(row: dict[str, Any]) -> None:
    say(f"ack {json.dumps(row)}")


def settings_of(data: Path, inbox: Path) -> Settings:
    limit = float(os.environ.get("TORTURE_TIMEOUT_S", "60"))
    return Settings(data=data, inbox=str(inbox), workers=2, timeout_s=limit, max_attempts=3)


def outcome(item: Any) -> None:
    ack({"path": str(item.path), "status": item.status, "sha256": item.sha256, "reason": item.reason})


def flow(settings: Settings, argument: str) -> None:
    from pipeline import batch, plan
    from pipeline.ingest import discover

    made = plan.plan(discover([settings.inbox_folder]), settings, max_attempts=3 if argument == "limited" else None)
    say("go")
    batch.run(made.jobs, settings, on_outcome=outcome, task="fakes:work")
    say("processed")
    batch.update_store(settings, wait_s=60.0)


def prefect(settings: Settings, argument: str) -> None:
    from flows.local import use_data_folder

    use_data_folder(settings.data)
    from flows.process import Caller, run_process
    from pipeline import batch

    begin = batch.Batch.__init__

    def with_stand_ins(self: batch.Batch, *args: Any, **options: Any) -> None:
        begin(self, *args, **{**options, "task": "fakes:work"})

    batch.Batch.__init__ = with_stand_ins  # type: ignore[method-assign]
    say("go")
    run_process([settings.inbox_folder], Caller(settings=settings, on_outcome=outcome))


def watch(settings: Settings, argument: str) -> None:
    import signal

    from flows.local import use_data_folder

    use_data_folder(settings.data)
    import flows.watch
    from flows.process import Caller
    from pipeline import batch

    begin = batch.Batch.__init__

    def with_stand_ins(self: batch.Batch, *args: Any, **options: Any) -> None:
        begin(self, *args, **{**options, "task": "fakes:work"})

    batch.Batch.__init__ = with_stand_ins  # type: ignore[method-assign]
    flows.watch.SETTLE_S, flows.watch.RESCAN_S = 0.5, 3.0
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    say("go")
    flows.watch.watch(
        settings, stop=stop, caller=Caller(settings=settings, on_outcome=outcome, stop=stop), on_problem=say
    )
    say("stopped")


def ingester(settings: Settings, argument: str) -> None:
    from pipeline.store import Store

    chance = random.Random(argument)
    say("go")
    while True:
        with Store(settings.data, wait_s=60.0) as store:
            (store.rebuild if chance.random() < 0.4 else store.ingest)()
            fact(store, f"{argument}-{chance.getrandbits(40)}")


def server(settings: Settings, argument: str) -> None:
    from pipeline.store import Store

    with Store(settings.data, wait_s=60.0) as store:
        store.catch_up()
        store.serve()
        say("go")
        while True:
            store.catch_up()
            time.sleep(0.05)


def facts(settings: Settings, argument: str) -> None:
    from pipeline.store import Store

    say("go")
    with Store(settings.data, wait_s=60.0) as store:
        for number in range(int(argument)):
            fact(store, f"{os.getpid()}-{number}")
            store.query("SELECT count(*) FROM calls")


def fact(store: Any, name: str) -> None:
    store.put_fact(
        "assignments",
        {
            "assignment_id": name,
            "rep": "Ann",
            "criterion": "discovery",
            "status": "open",
            "assigned_on": dt.date(2026, 1, 1),
        },
    )
    ack({"fact": name})


def claims(settings: Settings, argument: str) -> None:
    from pipeline.claims import Claims

    with Claims(settings.data / "claims") as held:
        for name in argument.split(","):
            held.take(name)
        say("go")
        time.sleep(3600)


ROLES: dict[str, Callable[[Settings, str], None]] = {
    "flow": flow,
    "prefect": prefect,
    "watch": watch,
    "ingester": ingester,
    "server": server,
    "facts": facts,
    "claims": claims,
}


def main() -> int:
    from pipeline.errors import DebriefError

    role, data, inbox, *rest = sys.argv[1:]
    sys.modules.update(fakes.modules())
    try:
        ROLES[role](settings_of(Path(data), Path(inbox)), rest[0] if rest else "")
    except DebriefError as error:
        say(f"error {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
