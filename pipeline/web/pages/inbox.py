"""The inbox: what waits, what runs, what failed and why, and calls that wait for a person's word on who is who."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline import keep
from pipeline.access.people import LEADERS, TRAINERS
from pipeline.assigned_reps import assign_rep
from pipeline.assigned_roles import BY_PERSON, assign_roles, roles_by_rep, speakers_of
from pipeline.errors import DebriefError, InputError, NotAllowed, NotThere
from pipeline.status import watchers
from pipeline.types import Transcript
from pipeline.web import naming
from pipeline.web.ask import Ask, Go, Html, get, page_at, post
from pipeline.web.errand_work import retry_files, score_again
from pipeline.web.render import path_part
from pipeline.wording import counted

SHOWN = 50
FIRST_TURNS = 14
STATUSES = ("quarantined", "retry", "refused")
"""What follows from a failure, what needs a person first."""
KEPT = "Kept. The call is being scored again."

_PEOPLE = """
SELECT call_id, call_date, rep, account, path, status, reason FROM calls c
WHERE ({where}) AND (status = 'review' OR rep IS NULL)
ORDER BY status = 'review' DESC, call_date DESC NULLS LAST, call_id LIMIT $limit
"""
_HOW_MANY = """
SELECT count(*) AS calls, count(*) FILTER (status = 'review') AS roles, count(*) FILTER (rep IS NULL) AS reps
FROM calls c
WHERE ({where}) AND (status = 'review' OR rep IS NULL)
"""
_FAILED = """
SELECT path, kind, reason, attempts, status, next_at, last_at FROM failures
WHERE ($status = '' OR status = $status)
ORDER BY status = 'quarantined' DESC, status = 'retry' DESC, last_at DESC, path LIMIT $limit OFFSET $offset
"""
_COUNTS = "SELECT status, count(*) AS n FROM failures GROUP BY status"


def listing(ask: Ask, *, status: str = "", page: int = 1) -> Html:
    """Everything on its way, and everything that is stuck."""
    return ask.show("inbox.html", **state_of(ask, status=status, page=page), problem="")


def state_of(ask: Ask, *, status: str = "", page: int = 1) -> dict[str, Any]:
    """What the page and the API show. Files belong to no team: only those who see everything see them."""
    whole, where = ask.scope.everything, ask.scope.where("c")
    people = ask.store.query(_PEOPLE.format(where=where), {**ask.scope.params, "limit": SHOWN})
    counts = ask.store.query(_HOW_MANY.format(where=where), ask.scope.params)[0]
    at = page_at(page)
    values = {"status": status if status in STATUSES else "", "limit": SHOWN + 1, "offset": (at - 1) * SHOWN}
    failed = ask.store.query(_FAILED, values) if whole else []
    counted = {row["status"]: row["n"] for row in ask.store.query(_COUNTS)} if whole else {}
    now = watchers(ask.settings.data) if whole else []
    return {
        "people": people,
        # of one call both may be open
        "people_open": counts["calls"],
        "roles_open": counts["roles"],
        "reps_open": counts["reps"],
        "failed": failed[:SHOWN],
        "more": len(failed) > SHOWN,
        "page": at,
        "only": values["status"],
        "failed_counts": {name: counted[name] for name in STATUSES if name in counted},
        "watchers": now,
        "errands": ask.desk.errands.all() if whole else [e for e in ask.desk.errands.all() if e.who == ask.user.name],
        "claims": _claims(ask) if whole else 0,
        "waiting": ask.desk.glance.waiting() if whole else None,
        "inbox": str(ask.settings.inbox_folder.absolute()),
        "whole": whole,
    }


def _claims(ask: Ask) -> int:
    return len(list((ask.settings.data / "claims").glob("*.claim")))


def retry(ask: Ask) -> Go | Html:
    """Try failed files again: the one named, or all of a status."""
    path, status = ask.form.get("path", ""), ask.form.get("status", "")
    if path:
        rows = ask.store.query("SELECT path FROM failures WHERE path = $path", {"path": path})
        title, key = f"Trying {Path(path).name} again", f"retry/{path}"
    elif status in ("quarantined", "retry"):
        rows = ask.store.query("SELECT path FROM failures WHERE status = $status", {"status": status})
        title, key = f"Trying {counted(len(rows), 'file')} again", f"retry/{status}"
    else:
        rows = []
    if not rows:
        raise NotThere("no such file failed; it may have been tried again meanwhile")
    files = [Path(row["path"]) for row in rows]
    ask.desk.errands.send(title, retry_files(files, ask.settings, ask.store), who=ask.user.name, key=key)
    ask.detail = f"retry {path or status}"
    return Go("/inbox", f"{title}.")


def who(ask: Ask, *, call_id: str) -> Html:
    """A call whose speakers or rep are not known: who says what, and the form to say who is who."""
    return _who(ask, call_id)


def say_who(ask: Ask, *, call_id: str) -> Html | Go:
    """Keep who sells and whose call it is, and score the call again by that."""
    row, record = _call(ask, call_id)
    transcript = Transcript.from_json(record["transcript"], where=row["path"])
    # names as they are kept: what is checked must be that
    rep = naming.as_on_calls(ask, row, "rep", ask.form.get("rep", ""))
    team = naming.as_on_calls(ask, row, "team", ask.form.get("team", ""))
    sells = ask.forms.get("sells", [])
    said, key = (sells, rep, team), f"score/{row['call_id']}"
    try:
        under_way = ask.desk.errands.get(key)
        if under_way and under_way.under_way:
            if under_way.about == said:
                return Go("/inbox", KEPT)
            # it may have been read already, and the labels that this is said of are about to change
            raise InputError("the call is being scored by what was said before; say it again when that is done")
        if not transcript.resolved and not sells:
            raise NotThere("tick the speaker who sells")
        if not rep and not sells:
            raise NotThere("nothing was said; tick who sells, or name the rep")
        roles = roles_by_rep(transcript, sells, {}) if sells else {}
        if rep and (rep != row["rep"] or team not in ("", row["team"])):
            naming.require_may_give(ask, rep, team, row["team"])
            assign_rep(ask.settings.data, row["sha256"], rep, team=team, who=ask.user.name)
            # kept, whatever becomes of the rest
            ask.detail = f"rep {rep}"
        elif roles:
            naming.require_may_name(ask, row, transcript, roles)
        corrected = bool(roles) and _is_named(ask, row["sha256"], transcript)
        if corrected:
            ask.desk.rejudging.begin(record, roles)
        elif roles:
            assign_roles(ask.settings.data, row["sha256"], transcript, roles)
    except (NotAllowed, NotThere, DebriefError) as error:
        return _who(ask, call_id, problem=str(error), status=400)
    ask.detail = f"rep {rep or '-'}, sells {', '.join(sells) or '-'}"
    if corrected:
        return Go("/inbox", KEPT)
    again = score_again([row["sha256"]], ask.settings, ask.store)
    title = f"Scoring the call with {row['account'] or 'an unknown account'} again"
    ask.desk.errands.send(title, again, who=ask.user.name, key=key, about=said)
    return Go("/inbox", KEPT)


def _is_named(ask: Ask, sha256: str, transcript: Transcript) -> bool:
    """Whether a person named the speakers before, or is just doing so: to score the call again by what is kept of it
    would pass over a second word, since the labels in its record are not those of the first hearing any more."""
    progress = ask.desk.rejudging.progress(sha256)
    return transcript.hearing.roles_method == BY_PERSON or (progress is not None and progress.under_way)


def _call(ask: Ask, call_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    sql = "SELECT call_id, sha256, rep, team, account, call_date, path, status, reason FROM calls WHERE call_id = $id"
    rows = ask.store.query(sql, {"id": call_id})
    ask.scope.require_call(rows[0] if rows else None)
    record = keep.latest_record(ask.settings.data, rows[0]["sha256"]) if rows else None
    if record is None or not record.get("transcript"):
        raise NotThere(f"{call_id}: no such call")
    return rows[0], record


def _who(ask: Ask, call_id: str, *, problem: str = "", status: int = 200) -> Html:
    row, record = _call(ask, call_id)
    transcript = Transcript.from_json(record["transcript"], where=row["path"])
    reps = ask.store.query("SELECT DISTINCT rep, team FROM rep_totals WHERE rep IS NOT NULL ORDER BY rep")
    mine = [item for item in reps if ask.scope.sees_rep(item["rep"])]
    return ask.show(
        "inbox_who.html",
        status=status,
        call=row,
        resolved=transcript.resolved,
        speakers=sorted(speakers_of(transcript), key=lambda item: -float(item["share"])),
        turns=transcript.turns[:FIRST_TURNS],
        left=max(0, len(transcript.turns) - FIRST_TURNS),
        reps=sorted({item["rep"] for item in mine}),
        teams=sorted({item["team"] for item in mine if item["team"]}),
        problem=problem,
        sells=ask.forms.get("sells", []),
        rep=ask.form.get("rep", row["rep"] or ""),
        team=ask.form.get("team", row["team"] or ""),
        errand=ask.desk.errands.get(f"score/{call_id}"),
        path=path_part(call_id),
    )


ROUTES: tuple[Any, ...] = (
    get("/inbox", listing, who=LEADERS, logged=True),
    post("/inbox/retry", retry, who=TRAINERS),
    get("/inbox/{call_id}", who, who=LEADERS, logged=True),
    post("/inbox/{call_id}", say_who, who=LEADERS),
)
