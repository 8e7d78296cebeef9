"""The rubric: what calls are scored on, with moments of real calls; its versions; a new one, checked and tried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.access.people import EVERYONE, LEADERS, TRAINERS
from pipeline.errors import DebriefError, NotThere, RubricError
from pipeline.process import scoring
from pipeline.rubric import Rubric, load_rubric, rubric_of_text
from pipeline.rubric_diff import rubric_changes
from pipeline.rubric_edit import with_criterion
from pipeline.rubric_shelf import as_lines, checked_text, put_up, shelf, take_down, text_of
from pipeline.settings_file import write_settings
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.call_view import calls_open_to
from pipeline.web.errand_work import PREVIEW_CALLS, preview, rescore_all
from pipeline.web.render import path_part

RECENT = 1000
"""Newest calls that examples are looked for in."""
MOST_MOVED = 200

_EXAMPLES = """
WITH recent AS (
    SELECT call_id, call_date, rep, account FROM calls c WHERE status = 'scored' AND rubric_id = $rubric AND ({where})
    ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit
), doing AS (
    SELECT m.call_id, m.turn, w.criterion FROM moves m SEMI JOIN recent USING (call_id)
    JOIN (SELECT unnest($criteria::VARCHAR[]) AS criterion, unnest($moves::VARCHAR[]) AS move) w USING (move)
)
SELECT s.criterion, s.level, e.quote, e.turn, r.call_id, r.rep, r.account, r.call_date
FROM recent r JOIN criterion_scores s USING (call_id)
JOIN evidence e ON e.call_id = s.call_id AND e.criterion = s.criterion
WHERE s.status = 'scored' AND s.level IS NOT NULL AND NOT (s.level = 0 AND EXISTS (
    SELECT 1 FROM doing d WHERE d.call_id = s.call_id AND d.criterion = s.criterion AND d.turn = e.turn
))
QUALIFY row_number() OVER (PARTITION BY s.criterion, s.level ORDER BY s.confidence DESC, r.call_id, e.turn) = 1
"""
_USED = """
SELECT rubric_id, rubric_version, count(*) AS n, min(kept_at)::DATE AS first, max(kept_at)::DATE AS last
FROM calls WHERE status = 'scored' AND rubric_version IS NOT NULL GROUP BY rubric_id, rubric_version
"""
_NEWEST = """
SELECT sha256 FROM calls WHERE status = 'scored' ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit
"""


def current(ask: Ask) -> Html:
    """The rubric that counts now."""
    return _page(ask, ask.desk.rubric)


def versions(ask: Ask) -> Html:
    """Every rubric that is kept or was ever used."""
    return ask.show("rubric_versions.html", **versions_of(ask))


def versions_of(ask: Ask) -> dict[str, Any]:
    """What the page and the API show: the kept ones with how many calls each scored, and used ones not kept."""
    used = {(row["rubric_id"], row["rubric_version"]): row for row in ask.store.query(_USED)}
    kept = [
        {
            "id": item.id,
            "version": item.version,
            "title": item.title,
            "criteria": item.criteria,
            "saved_at": item.saved_at.isoformat(timespec="seconds") if item.saved_at else None,
            "calls": used.get((item.id, item.version), {}).get("n", 0),
            "active": item.version == ask.desk.rubric.version,
        }
        for item in shelf(ask.settings.data)
    ]
    here = {(row["id"], row["version"]) for row in kept}
    lost = [row for key, row in used.items() if key not in here]
    return {"kept": sorted(kept, key=lambda row: not row["active"]), "lost": lost}


def version(ask: Ask, *, version: str) -> Html:
    """One version, and how it differs from the one that counts."""
    return _page(ask, load_rubric(_file(ask, version)))


def edit(ask: Ask, *, start: str = "") -> Html:
    """The editor, over the rubric that counts or another version."""
    return _editor(ask, _text(ask, start))


def change(ask: Ask) -> Html | Go:
    """Check, try out or save what stands in the editor; or write a criterion by examples into it."""
    text, do = as_lines(ask.form.get("text", "")), ask.form.get("do", "check")
    if do == "add":
        return _add(ask, text)
    mistakes = checked_text(text)
    if mistakes or do == "check":
        return _editor(ask, text, mistakes=mistakes, checked=True, status=400 if mistakes and do != "check" else 200)
    if do == "preview":
        return _try_out(ask, text)
    rubric, _ = put_up(ask.settings.data, text)
    ask.detail = f"saved rubric {rubric.id} {rubric.version}"
    return Go(f"/rubric/versions/{rubric.version}", f"Saved as version {rubric.version}. No score has changed.")


def _add(ask: Ask, text: str) -> Html:
    def lines(name: str) -> list[str]:
        return [line.strip() for line in ask.form.get(name, "").splitlines() if line.strip()]

    try:
        made = with_criterion(
            text,
            title=ask.form.get("title", ""),
            question=ask.form.get("question", ""),
            shows=lines("shows"),
            occasion=lines("occasion"),
            confirms=lines("confirms"),
        )
    except RubricError as error:
        return _editor(ask, text, problem=str(error), status=400)
    return _editor(ask, made, mistakes=checked_text(made), checked=True, added=ask.form.get("title", "").strip())


def _try_out(ask: Ask, text: str) -> Go:
    rubric = rubric_of_text(text)
    calls = [row["sha256"] for row in ask.store.query(_NEWEST, {"limit": PREVIEW_CALLS})]
    work = preview(text_of(ask.settings.rubric), text, calls, ask.settings)
    key = f"preview/{rubric.version}"
    title = f"What version {rubric.version} would move"
    ask.desk.errands.send(title, work, who=ask.user.name, key=key, about=text)
    ask.detail = f"tried rubric {rubric.id} {rubric.version}"
    return Go(f"/rubric/preview/{rubric.version}")


def tried(ask: Ask, *, version: str) -> Html:
    """What came of trying a version out: what differs, and which scores of the newest calls would move."""
    errand = ask.desk.errands.get(f"preview/{version}")
    if errand is None:
        raise NotThere("this preview is no longer here; open the editor and try the version again")
    found = errand.result or {"moved": [], "calls": 0, "failed": []}
    mine = [row for row in found["moved"] if ask.scope.sees_rep(row["rep"])]
    fresh = rubric_of_text(errand.about)
    return ask.show(
        "rubric_preview.html",
        errand=errand.told(everything=ask.scope.everything),
        text=errand.about,
        changes=[item.to_json() for item in rubric_changes(ask.desk.rubric, fresh, engine=ask.settings.judge)],
        moved=mine[:MOST_MOVED],
        total=len(mine),
        scores=sum(row["kind"] == "score" for row in mine),
        overalls=sum(row["kind"] == "overall" for row in mine),
        calls=found["calls"],
        failed=len(found["failed"]),
        # each names a call, which may be another team's
        why_failed=found["failed"][:20] if ask.scope.everything else [],
        rubric=fresh,
        titles=ask.desk.rubric.titles | fresh.titles,
        all_calls=ask.store.query("SELECT count(*) AS n FROM calls WHERE status = 'scored'")[0]["n"],
    )


def choose(ask: Ask) -> Go:
    """Let another version count from now on: what is scored next is scored by it."""
    version = ask.form.get("version", "")
    kept = take_down(ask.settings.data, version)
    rubric, path = put_up(ask.settings.data, text_of(kept.file))
    fresh = write_settings(ask.settings.data, {"rubric": path.relative_to(ask.settings.data).as_posix()})
    if load_rubric(fresh.rubric).version != rubric.version:
        raise RubricError("DEBRIEF_RUBRIC in the environment names another rubric and wins; change it there")
    ask.desk.take_settings(fresh, ["rubric"])
    ask.detail = f"chose rubric {rubric.id} {rubric.version}"
    return Go("/rubric", f"Version {rubric.version} counts from now on.")


def rescore(ask: Ask) -> Go:
    """Score all calls again whose scores are by another rubric or judge."""
    title = f"Scoring calls again by {ask.desk.rubric.title} {ask.desk.rubric.version}"
    ask.desk.errands.send(title, rescore_all(ask.settings, ask.store), who=ask.user.name, key="rescore")
    ask.detail = f"rescore by {ask.desk.rubric.version}"
    return Go("/rubric", "The calls are being scored again.")


def outdated(ask: Ask) -> int:
    """How many scored calls carry scores by another rubric or judge than those of now."""
    now = scoring(ask.settings)
    rows = ask.store.query(
        "SELECT count(*) AS n FROM calls WHERE status = 'scored' AND (rubric_version IS DISTINCT FROM $version "
        "OR rubric_id IS DISTINCT FROM $id OR judge_engine IS DISTINCT FROM $engine "
        "OR judge_revision IS DISTINCT FROM $revision)",
        {**now["rubric"], **now["judge"]},
    )
    return int(rows[0]["n"])


def examples(ask: Ask, rubric: Rubric) -> dict[tuple[str, int], dict[str, Any]] | None:
    """Per criterion and level one quote of the newest calls that the user sees; None while they are looked for."""
    sql = _EXAMPLES.format(where=ask.scope.where("c"))
    # level 0 of what every call should have says that it is not there: no example is a turn that does some of it
    some = [(item.id, move) for item in rubric.criteria if item.applies == "always" for move in item.moves]
    values = {
        **ask.scope.params,
        "rubric": rubric.id,
        "limit": RECENT,
        "criteria": [name for name, _ in some],
        "moves": [move for _, move in some],
    }
    key = ("examples", rubric.id, ask.scope)
    store = ask.store
    rows = ask.desk.later.get(key, lambda: store.query(sql, values))
    if rows is None:
        return None
    # what was erased or given to another team meanwhile is shown to nobody any more
    seen = calls_open_to(ask, (row["call_id"] for row in rows))
    return {(row["criterion"], row["level"]): row for row in rows if row["call_id"] in seen}


def _page(ask: Ask, rubric: Rubric) -> Html:
    active = ask.desk.rubric
    try:
        stale = outdated(ask)
    except DebriefError:
        stale = 0
    found = examples(ask, rubric)
    errand = ask.desk.errands.get("rescore")
    return ask.show(
        "rubric.html",
        rubric=rubric,
        looking=found is None,
        active=rubric.version == active.version,
        examples=found or {},
        for_people=ask.desk.for_people,
        floor=ask.settings.quality_floor,
        stale=stale,
        changes=[item.to_json() for item in rubric_changes(active, rubric, engine=ask.settings.judge)],
        leads=ask.is_a(LEADERS),
        chooses=ask.is_a(TRAINERS),
        errand=errand.told(everything=ask.scope.everything) if errand else None,
        version=path_part(rubric.version),
    )


def _editor(
    ask: Ask,
    text: str,
    *,
    mistakes: Sequence[str] = (),
    checked: bool = False,
    problem: str = "",
    added: str = "",
    status: int = 200,
) -> Html:
    rows = []
    for mistake in mistakes:
        line, _, words = mistake.removeprefix("line ").partition(": ")
        rows.append({"line": int(line) if line.isdigit() else 1, "words": words or mistake})
    kept = {name: ask.form.get(name, "") for name in ("title", "question", "shows", "occasion", "confirms")}
    return ask.show(
        "rubric_edit.html",
        status=status,
        text=text,
        mistakes=rows,
        checked=checked,
        problem=problem,
        added=added,
        fields={} if added else kept,
        chooses=ask.is_a(TRAINERS),
        lines=text.count("\n") + 1,
    )


def _file(ask: Ask, version: str) -> Any:
    try:
        return take_down(ask.settings.data, version).file
    except RubricError as error:
        raise NotThere(str(error)) from None


def _text(ask: Ask, version: str) -> str:
    return text_of(_file(ask, version)) if version else text_of(ask.settings.rubric)


ROUTES: tuple[Any, ...] = (
    get("/rubric", current, who=EVERYONE, logged=True),
    get("/rubric/versions", versions, who=EVERYONE),
    get("/rubric/versions/{version}", version, who=EVERYONE, logged=True),
    get("/rubric/edit", edit, who=LEADERS),
    post("/rubric/edit", change, who=LEADERS),
    get("/rubric/preview/{version}", tried, who=LEADERS, logged=True),
    post("/rubric/choose", choose, who=TRAINERS),
    post("/rubric/rescore", rescore, who=TRAINERS),
)
