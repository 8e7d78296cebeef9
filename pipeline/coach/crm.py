"""What a CRM should know of each account: as CSV to import, or sent to an address that the user names.

WARNING. `push` sends account names, people's names and sentences from calls to `crm_url`. Nothing is sent unless that
is set. The key comes from the environment variable `DEBRIEF_CRM_KEY` at the moment of sending, is kept nowhere, and
redirects are not followed.

`FIELDS` maps what debrief knows to field names of HubSpot (deal properties) and Salesforce (Opportunity). Standard
fields are used where there are any; the others are custom ones of the name given, which an administrator adds once.
`crm.yaml` in the data folder (`account: Name`, ...) changes names, or leaves a field out with `null`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import EngineError, SettingsError
from pipeline.leaving import FORMULA_STARTS
from pipeline.settings import LOOPBACK
from pipeline.yaml_text import UnreadableYaml, loaded

KEY_NAME = "DEBRIEF_CRM_KEY"
FILE = "crm.yaml"
TIMEOUT_S = 30.0

FIELDS: dict[str, dict[str, str]] = {
    "hubspot": {
        "account": "dealname",
        "rep": "debrief_rep",
        "next_step": "hs_next_step",
        "next_step_due": "debrief_next_step_due",
        "next_step_owner": "debrief_next_step_owner",
        "last_call": "debrief_last_call",
        "calls": "debrief_calls",
        "stage": "debrief_stage",
        "risks": "debrief_risks",
        "competitors": "debrief_competitors",
        "open_objections": "debrief_open_objections",
        "strategy": "debrief_strategy",
        "call_ids": "debrief_call_ids",
    },
    "salesforce": {
        "account": "Name",
        "rep": "Debrief_Rep__c",
        "next_step": "NextStep",
        "next_step_due": "Debrief_Next_Step_Due__c",
        "next_step_owner": "Debrief_Next_Step_Owner__c",
        "last_call": "Debrief_Last_Call__c",
        "calls": "Debrief_Calls__c",
        "stage": "Debrief_Stage__c",
        "risks": "Debrief_Risks__c",
        "competitors": "Debrief_Competitors__c",
        "open_objections": "Debrief_Open_Objections__c",
        "strategy": "Debrief_Strategy__c",
        "call_ids": "Debrief_Call_Ids__c",
    },
}
"""Per system: what debrief knows, and the field it goes to."""

TYPES = {
    "next_step_due": "date",
    "last_call": "date",
    "calls": "number",
    "open_objections": "number",
    "risks": "long text",
    "competitors": "long text",
    "call_ids": "long text",
}
"""What a custom field must be to hold a fact; text where nothing is said. An account's calls outgrow the 255 characters
of a text field in Salesforce."""

TEXTS = ("account", "next_step", "next_step_owner", "risks", "competitors")
"""What holds words of people: it leaves without private details. Ids, days, counts and fixed words stay as they are:
half of an id would be taken for a number."""

_LIMITS = {"NextStep": 255, "Name": 120}
"""Lengths at which Salesforce refuses a standard field."""

Row = dict[str, Any]


def crm_rows(
    views: Sequence[Mapping[str, Any]], fields: Mapping[str, str], *, clean: Callable[[str], str] = str
) -> list[Row]:
    """One record per account view (`account_report` of one account each), under the CRM's field names.

    `clean` takes private details out of `TEXTS`.
    """
    rows = []
    for view in views:
        facts = {name: clean(value) if name in TEXTS and value else value for name, value in _facts(view).items()}
        rows.append({field: _cut(field, facts[name]) for name, field in fields.items()})
    return rows


def _facts(view: Mapping[str, Any]) -> Row:
    step = view["next_step_agreed"] or {}
    calls = view["calls"]
    return {
        "account": view["account"],
        "rep": calls[-1]["rep"],
        "next_step": step.get("what"),
        "next_step_due": step.get("due"),
        "next_step_owner": step.get("owner"),
        "last_call": calls[-1]["date"],
        "calls": len(calls),
        "stage": stage_of(view),
        "risks": "; ".join(f"{risk['kind']}: {risk['text']}" for risk in view["risks"]) or None,
        "competitors": "; ".join(item["name"] for item in view["competitors"]) or None,
        "open_objections": len(view["open_objections"]),
        "strategy": "; ".join(item["kind"] for item in view["strategy"]),
        "call_ids": " ".join(call["call"] for call in calls),
    }


def stage_of(view: Mapping[str, Any]) -> str | None:
    """The last stage of the rubric, in order, that is done, as `AccountView.stages` says; None: none."""
    reached: str | None = None
    for item in view["how_far"]:
        if item["state"] != "done":
            break
        reached = item["stage"]
    return reached


def _cut(field: str, value: Any) -> Any:
    limit = _LIMITS.get(field)
    return (
        value[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
        if limit and isinstance(value, str) and len(value) > limit
        else value
    )


def fields_for(system: str, data: Path) -> dict[str, str]:
    """The field names of a system, with the changes of `crm.yaml`. Raises `SettingsError`."""
    if system not in FIELDS:
        raise SettingsError(f"crm: unknown system '{system}'; known: {', '.join(FIELDS)}")
    fields: dict[str, str] = dict(FIELDS[system])
    path = data / FILE
    if not path.is_file():
        return fields
    try:
        table = loaded(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read; it must be UTF-8 YAML") from error
    except UnreadableYaml as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: expected lines like 'account: Name'")
    for name, field in table.items():
        if name not in fields:
            raise SettingsError(f"{path}: unknown fact '{name}'; known: {', '.join(fields)}")
        if field is None:
            del fields[name]
        elif isinstance(field, str) and field.strip():
            fields[name] = field.strip()
        else:
            raise SettingsError(f"{path}: {name}: expected a field name, or null to leave it out")
    return fields


def field_rows(fields: Mapping[str, str]) -> list[Row]:
    """One row per field that is written: its name, the fact that it holds, and its type."""
    return [{"field": field, "fact": name, "type": TYPES.get(name, "text")} for name, field in fields.items()]


def to_csv(rows: Sequence[Mapping[str, Any]], fields: Mapping[str, str]) -> str:
    """The records as CSV with a heading. A cell that a spreadsheet would run as a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(fields.values()), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def checked_url(url: str) -> str:
    """The address to send to; it must be https, or http on this machine. Raises `SettingsError`."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        host = ""
    local = host in LOOPBACK
    if not host or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not local):
        raise SettingsError("crm_url: expected an https address, such as https://hooks.example.com/debrief")
    if parts.username or parts.password:
        raise SettingsError(f"crm_url: leave out user and password; a key goes into {KEY_NAME}")
    return parts.geturl()


def push(url: str, system: str, rows: Sequence[Row]) -> int:
    """POST `{"system", "records"}` to the address; the number of records it took.

    The same records carry the same `Idempotency-Key`. Raises `SettingsError` without an address, `EngineError` with one
    line where it is not reached or refuses.
    """
    import httpx

    if not url:
        raise SettingsError(
            "crm_url is not set, so nothing is sent; set it in debrief.toml, or use `debrief crm export`"
        )
    address = checked_url(url)
    body = json.dumps({"system": system, "records": list(rows)}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": hashlib.sha256(body).hexdigest()}
    key = os.environ.get(KEY_NAME)
    if key:
        if not (key.isascii() and key.isprintable()):
            raise SettingsError(f"{KEY_NAME}: holds a character that no key has, such as a dash from a document")
        headers["Authorization"] = f"Bearer {key}"
    try:
        answer = httpx.post(address, content=body, headers=headers, timeout=TIMEOUT_S, follow_redirects=False)
    except httpx.InvalidURL:
        raise SettingsError("crm_url: not an address that can be, such as https://hooks.example.com/debrief") from None
    except httpx.HTTPError as error:
        raise EngineError(
            f"{urlsplit(address).hostname}: not reached ({type(error).__name__}); nothing was taken"
        ) from None
    if answer.status_code >= 300:
        remedy = f"; check {KEY_NAME}" if answer.status_code in (401, 403) else ""
        raise EngineError(f"{urlsplit(address).hostname}: refused with {answer.status_code}{remedy}")
    return len(rows)
