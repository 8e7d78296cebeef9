"""What the store and the records tell of an account: its deal, the plan for its next call, a line for the list.

Read from the records of its newest calls, those that the user may see and no others, in the background, and kept until
one of them changes.
"""

from __future__ import annotations

import hashlib
from typing import Any

from pipeline.coach.load import answers_to_objections
from pipeline.coach.rows import Rows
from pipeline.errors import NotThere, StoreError
from pipeline.web.ask import Ask
from pipeline.web.jobs import AccountJob

READ = 40
"""Calls of an account, the newest ones, whose words are read."""
MOMENT_S = 0.04
"""How long a page waits for what can come later."""
WAITED_FOR = 5
"""Lines of the list that a page waits for a moment; where more are missing it is shown at once without them."""

Row = dict[str, Any]

_CALLS = """
SELECT account, call_id AS call, record_file, seq, kept_at, CASE WHEN call_date <= $today THEN call_date END AS date,
       call_type AS type, rep, status, reason, overall
FROM calls c
WHERE account IN (SELECT unnest($accounts::VARCHAR[])) AND ({where})
QUALIFY row_number() OVER (PARTITION BY account ORDER BY call_date DESC NULLS LAST, call_id DESC) <= $limit
ORDER BY call_date NULLS FIRST, call_id
"""


def calls_of(ask: Ask, account: str) -> list[Row]:
    """The newest calls with an account that the user sees, the oldest first: `call` (its id), `date` (None in the
    future), `type`, `rep`, `status`, `reason`, `overall`.

    Raises `NotThere` where the user sees none, `NotAllowed` where there may be others.
    """
    calls = _calls_of(ask, [account])[account]
    if not calls:
        # told apart by nobody but those who see everything
        ask.scope.require_call(None, "account")
        raise NotThere(f"{account}: no account of that name has calls")
    return calls


def deal(ask: Ask, account: str, calls: list[Row], *, wait_s: float | None = None) -> Row | None:
    """`{"deal": ..., "plan": ...}` of an account as of today, read from `calls` (of `calls_of`); None where it is not
    there within `wait_s` (unstated: as long as any page may take).

    Raises `StoreError` where no record of them can be read.
    """
    desk, key = ask.desk, _version(ask, calls)
    where, params = ask.scope.where("c"), ask.scope.params
    today = desk.today()

    def make() -> Row:
        others: Rows = desk.remember(
            ("answers", key["scope"]), lambda: answers_to_objections(desk.store, where, params), of=("calls",)
        )
        found = desk.aside.run(_job(ask, account, calls, others))
        return {"deal": found[0], "plan": found[1]} if found else {}

    # by the very records that are read: what was erased, or is another rep's now, is not shown however long it takes
    name = ("account", account, key["scope"], key["records"], today)
    known = desk.backroom.take(name, key["version"], make, wait_s=wait_s)
    if known and not known.fresh:
        # what somebody has just corrected is not shown as it was
        known = desk.backroom.take(name, key["version"], make)
    if known and not known.value:
        raise StoreError(f"{account}: the records of its calls cannot be read; `debrief doctor` names them")
    return known.value if known else None


def lines_of(ask: Ask, accounts: list[str]) -> dict[str, Row | None]:
    """What the list says of each account beside dates; None for one that is still being read."""
    desk, today, calls = ask.desk, ask.desk.today(), _calls_of(ask, accounts)

    def maker(account: str) -> Any:
        def make() -> Row:
            found = desk.aside.run(_job(ask, account, calls[account]))
            if not found:
                return {"unread": True}
            deal = found[0]
            return {
                "unread": False,
                "stages": stages_of(deal),
                "next": deal["next_step_agreed"],
                "risks": [risk["kind"] for risk in deal["risks"]],
                "play": deal["strategy"][0]["kind"],
            }

        return make

    found: dict[str, Row | None] = {}
    for wait_s in (0.0, MOMENT_S):
        missing = [account for account in accounts if found.get(account) is None]
        if wait_s and len(missing) > WAITED_FOR:
            break
        for account in missing:
            key = _version(ask, calls[account])
            name = ("line", account, key["scope"], today)
            taken = desk.backroom.take(name, key["version"], maker(account), wait_s=wait_s)
            found[account] = taken.value if taken else None
            if wait_s and taken is None:
                # one wait a page: whatever is not there by then comes later
                break
    return {account: found.get(account) for account in accounts}


def _job(ask: Ask, account: str, calls: list[Row], answers: Rows | None = None) -> AccountJob:
    desk, ids = ask.desk, tuple(call["call"] for call in calls)
    return AccountJob(
        account, ids, desk.rubric, desk.firms, desk.today(), desk.for_people, desk.settings.max_expected_wer, answers
    )


def stages_of(deal: Row) -> list[Row]:
    """The stages of the deal in order, `done` or not; `now` is the first that is not done, `in_hand` where all that is
    left of it is the order."""
    made: list[Row] = []
    for item in deal["how_far"]:
        state = item["state"]
        made.append({"stage": item["stage"], "done": state == "done", "in_hand": state == "in hand", "now": False})
    current = next((item for item in made if not item["done"]), None)
    if current:
        current["now"] = True
    return made


def _calls_of(ask: Ask, accounts: list[str]) -> dict[str, list[Row]]:
    """The newest calls of each account that the user sees, the oldest first."""
    asked = {**ask.scope.params, "accounts": accounts, "limit": READ, "today": ask.desk.today()}
    found: dict[str, list[Row]] = {account: [] for account in accounts}
    for row in ask.desk.rows(_CALLS.format(where=ask.scope.where("c")), asked):
        found[row["account"]].append(row)
    return found


def _version(ask: Ask, calls: list[Row]) -> dict[str, str]:
    """What a deal is kept by: which records it was read from, and by whom it may be seen."""
    params = ask.scope.params
    # corrected, a record keeps its file's name and gets another number; of a call erased and taken in again even that
    # is the same
    files = repr([(call["record_file"], call["seq"], call["kept_at"]) for call in calls])
    records = hashlib.sha256(files.encode()).hexdigest()[:16]
    return {
        "scope": hashlib.sha256(repr(sorted(params.items())).encode()).hexdigest()[:16],
        "records": records,
        "version": f"{records}-{ask.desk.version('reviews')}",
    }
