"""The `process` flow over an inbox in a process of its own, two workers: what `benchmarks/load.py` starts and watches.

    python -m benchmarks.load_flow DATA INBOX

Says how many calls are done, a line each time it asks for one, and at its end the flow's report as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from flows.local import use_data_folder

EVERY_S = 1.0
WORKERS = 2


def main(data: Path, inbox: Path) -> int:
    use_data_folder(data)
    from flows.process import Caller, run_process
    from pipeline.plan import Outcome, Plan
    from pipeline.settings import Settings

    done, told = 0, 0.0

    def say(**row: object) -> None:
        print(json.dumps(row), flush=True)

    def planned(plan: Plan) -> None:
        say(jobs=len(plan.jobs), settled=len(plan.settled))

    def finished(outcome: Outcome) -> None:
        nonlocal done, told
        done += outcome.status != "stopped"
        if time.monotonic() - told > EVERY_S:
            told = time.monotonic()
            say(done=done)

    settings = Settings(data=data, inbox=str(inbox), workers=WORKERS)
    report = run_process([inbox], Caller(settings=settings, on_plan=planned, on_outcome=finished))
    say(done=done, counts=report["counts"], failed=report["failed"][:20], store=report["store"])
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
