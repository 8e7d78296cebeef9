"""The settings: what is set, from where and what for; some are changed here; what is installed; webhooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pipeline import keep
from pipeline.access.people import ADMINS
from pipeline.doctor import checkup
from pipeline.errors import DebriefError, NotThere, SettingsError
from pipeline.settings_file import Setting, change_settings, checked, described
from pipeline.store import Store
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.errands import Errand
from pipeline.web.jobs import UnreadJob
from pipeline.webhooks.outbox import FILE, Outbox

DELIVERIES = 30
UNREAD_WAIT_S = 0.02
"""How long health waits for a count; over a small store it is there by then."""

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Calls and their names", ("inbox", "path_pattern", "max_hours", "max_attempts", "timeout_s", "workers")),
    ("Hearing", ("engine", "whisper_model", "language", "glossary", "max_expected_wer")),
    ("Who speaks", ("diarizer", "pyannote_model", "speakers", "min_roles_confidence")),
    ("Judging", ("rubric", "target_level", "min_confidence", "quality_floor", "judge*")),
    ("What leaves, and how long things are kept", ("redact*", "require_*", "keep_*")),
    ("What is sent", ("digest*", "smtp*", "webhook*", "crm*")),
    ("The web app", ("host", "port", "public_url")),
    ("Signing in with the company's provider", ("oidc*",)),
)
"""Headings and the settings under them; one that no heading names stands under the last one of its own."""


def overview(ask: Ask) -> Html:
    """All of it."""
    return _page(ask)


def _page(ask: Ask, *, problems: Mapping[str, str] | None = None, status: int = 200) -> Html:
    rows = described(ask.settings)
    return ask.show(
        "settings.html",
        status=status,
        groups=grouped(rows),
        problems=problems or {},
        given=ask.form,
        data=str(ask.settings.data.absolute()),
        errand=ask.desk.errands.get("webhooks"),
        **deliveries(ask),
    )


def grouped(rows: list[Setting]) -> list[tuple[str, list[Setting]]]:
    """The settings under their headings; those that no heading names come last, so that a new one shows by itself."""
    left = {row.name: row for row in rows}
    found = []
    for title, names in GROUPS:
        mine = [
            name
            for name in left
            if any(name == each or (each[-1] == "*" and name.startswith(each[:-1])) for each in names)
        ]
        found.append((title, [left.pop(name) for name in mine]))
    return [*found, *([("Others", list(left.values()))] if left else [])]


def deliveries(ask: Ask) -> dict[str, Any]:
    """The newest webhook deliveries, and how many there are by status."""
    on = bool(ask.settings.webhook_urls.strip())
    if not (ask.settings.data / FILE).is_file():
        return {"deliveries": [], "delivered": {}, "hooks_on": on}
    with Outbox(ask.settings.data) as outbox:
        return {"deliveries": outbox.newest(limit=DELIVERIES), "delivered": outbox.counts(), "hooks_on": on}


def change(ask: Ask) -> Html | Go:
    """Check what was changed, and write it into debrief.toml."""
    before = {row.name: row for row in described(ask.settings) if row.changeable}
    wanted = {name: ask.form[name].strip() for name, row in before.items() if _changed(ask, name, shown(row.value))}
    problems: dict[str, str] = {}
    for name, text in wanted.items():
        try:
            checked(name, text, environ=os.environ)
        except SettingsError as error:
            problems[name] = str(error).partition(": ")[2] or str(error)
    if problems:
        return _page(ask, problems=problems, status=400)
    if not wanted:
        return Go("/settings", "Nothing was changed")
    fresh = change_settings(ask.settings.data, wanted)
    ask.desk.take_settings(fresh, wanted)
    ask.detail = ", ".join(f"{name} {shown(before[name].value)!r} -> {text!r}" for name, text in wanted.items())
    return Go("/settings", f"Kept: {', '.join(wanted)}")


def _changed(ask: Ask, name: str, now: str) -> bool:
    """Whether the form says something new of a setting. A field left as the page had it (`was-NAME`) says nothing: the
    setting may have been changed since by somebody else."""
    said = ask.form.get(name)
    return said is not None and said.strip() not in (now, ask.form.get(f"was-{name}", now).strip())


def shown(value: Any) -> str:
    """A value as a form's field holds it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def health(ask: Ask) -> Html:
    """What is installed here and whether it works: as `debrief doctor`."""
    try:
        rows = checkup(ask.settings, unread=lambda store: _never_read(ask, store))
    except DebriefError as error:
        rows = [{"what": "doctor", "found": str(error), "ok": False, "remedy": "run `debrief doctor` on the machine"}]
    mine = [row for row in rows if not row["what"].startswith("setting ")]
    return ask.show(
        "settings_health.html",
        rows=mine,
        problems=[row for row in mine if not row["ok"]],
        advice=[row for row in mine if row["ok"] and row["remedy"]],
    )


def _never_read(ask: Ask, store: Store) -> int | None:
    """`never_read` of the folder as it is now; None until a large one was looked through."""
    folder = keep.results_folder(store.data)
    written = folder.stat().st_mtime_ns if folder.is_dir() else 0
    version = f"{written} {store.version('calls')}"
    known = ask.desk.backroom.take("never read", version, lambda: ask.desk.aside.run(UnreadJob()), wait_s=UNREAD_WAIT_S)
    return known.value if known and known.fresh else None


def trial(ask: Ask) -> Go:
    """Send a test event to every address."""
    settings = ask.settings

    def work(errand: Errand) -> str:
        from pipeline.webhooks.trial import send_trial

        rows = send_trial(settings)
        line = "; ".join(f"{row['host']} {row['outcome']}" for row in rows)
        if not all(row["ok"] for row in rows):
            raise SettingsError(line)
        return line

    if not settings.webhook_urls.strip():
        raise SettingsError("webhook_urls: none set; name an address in debrief.toml and start the app again")
    ask.desk.errands.send("Testing the webhooks", work, who=ask.user.name, key="webhooks")
    ask.detail = "tested the webhooks"
    return Go("/settings#webhooks", "A test event is on its way")


def again(ask: Ask) -> Go:
    """Send a failed event again."""
    with Outbox(ask.settings.data) as outbox:
        if not outbox.again(ask.form.get("event", "")):
            raise NotThere("this event is no longer there to send")
    ask.detail = f"webhook {ask.form['event']} again"
    return Go("/settings#webhooks", "It is sent again with the next round")


ROUTES: tuple[Any, ...] = (
    get("/settings", overview, who=ADMINS),
    post("/settings", change, who=ADMINS),
    get("/settings/health", health, who=ADMINS),
    post("/settings/webhooks/test", trial, who=ADMINS),
    post("/settings/webhooks/again", again, who=ADMINS),
)
