"""What each setting may be: one table for `debrief.toml`, the environment, the settings page and `debrief doctor`.

A value that cannot work is refused where it is read, before anything is done by it: `keep_scores_days = -1` would
otherwise let everything go. What only shows in use (does the server answer, is the folder there) is not asked here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], str]
"""What is wrong with a value and what is allowed, as one clause; empty where it will do."""

REDACTED = ("card", "bank", "ssn", "email", "phone", "number")
"""Kinds of private details that the setting `redact` may name."""
PATTERN_FIELDS = (
    "team", "rep", "date", "account", "call_type", "industry", "title", "consent", "external_id", "speakers",
)  # fmt: skip
"""What `path_pattern` may say in braces; `ANYTHING` besides, for a part that says nothing of the call."""
ANYTHING = "any"


def _between(low: float, high: float, zero: str = "") -> Check:
    """A number in a range; `zero` says what 0 does."""

    def check(value: Any) -> str:
        sound = isinstance(value, int | float) and math.isfinite(value) and low <= value <= high
        meaning = f"; 0 {zero}" if zero else ""
        return "" if sound else f"give a number from {low:g} to {high:g}{meaning}"

    return check


def _for_ever(value: Any) -> str:
    return "" if value >= 0 else "give 0 or more; 0 keeps for ever"


def one_of(*known: str) -> Check:
    """One of these words."""
    return lambda value: "" if value in known else f"one of {', '.join(known)}"


def _language(value: Any) -> str:
    sound = value == "auto" or re.fullmatch(r"[a-z]{2,3}", str(value))
    return "" if sound else "a language's code in small letters, such as en, or auto"


def home_problem(value: Any) -> str:
    """Whether the home folder that a path begins with (`~`, `~name`) can be told."""
    try:
        Path(str(value)).expanduser()
    except RuntimeError:
        return "nobody's home folder is called that; give the whole path"
    return ""


def _host(value: Any) -> str:
    # no name at all is every network that the machine is on
    return "" if str(value).strip() else "give an address such as 127.0.0.1, or leave it out"


def _kinds(value: Any) -> str:
    names = {name.strip().lower() for name in str(value).split(",") if name.strip()}
    sound = names in ({"all"}, {"none"}) or (names and names <= set(REDACTED))
    return "" if sound else f"all, none, or some of {', '.join(REDACTED)}"


def _address(example: str) -> Check:
    """An http address, or nothing at all."""

    def check(value: Any) -> str:
        if not value:
            return ""
        try:
            parts = urlsplit(value.strip())
            sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            sound = False
        return "" if sound else f"give an address such as {example}, or leave it out"

    return check


def _pattern(value: Any) -> str:
    if "{" not in str(value):
        return "name at least one part in braces, such as {rep}/{date}_{account}"
    known = ", ".join((*PATTERN_FIELDS, ANYTHING))
    for part in str(value).split("/"):
        names = re.findall(r"\{([^{}]*)\}", part)
        unknown = next((name for name in names if name not in (*PATTERN_FIELDS, ANYTHING)), None)
        if unknown is not None:
            return f"nothing is called {{{unknown}}}; known: {known}"
        twice = next((name for name in names if name != ANYTHING and names.count(name) > 1), None)
        if twice:
            return f"{{{twice}}} stands twice in '{part}'"
        if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", part)):
            return f"a brace in '{part}' has no other half"
    return ""


CHOICES: dict[str, tuple[str, ...]] = {
    "engine": ("auto", "faster-whisper", "pocketsphinx"),
    "diarizer": ("auto", "pyannote", "embedded"),
    "judge": ("embedded", "endpoint", "transformers"),
    "crm": ("hubspot", "salesforce"),
    "smtp_security": ("starttls", "tls", "none"),
    "oidc_match": ("email", "name"),
}
"""Settings of which only these words count."""

CHECKS: dict[str, Check] = {
    **{name: one_of(*words) for name, words in CHOICES.items()},
    "inbox": home_problem,
    "path_pattern": _pattern,
    "language": _language,
    "speakers": _between(0, 20, "estimates it"),
    "max_hours": _between(0.1, 48),
    "max_expected_wer": _between(0, 1),
    "min_roles_confidence": _between(0, 1),
    "min_confidence": _between(0, 1),
    "quality_floor": _between(0, 1),
    "judge_url": _address("http://127.0.0.1:8000/v1"),
    "judge_timeout_s": _between(1, 3600),
    "judge_budget": _between(0, 10_000_000, "means no limit"),
    "workers": _between(0, 256, "means one per core"),
    "timeout_s": _between(10, 86_400),
    "max_attempts": _between(1, 20),
    "digest_webhook": _address("https://hooks.example.com/..."),
    "smtp_port": _between(1, 65_535),
    "redact": _kinds,
    "keep_recordings_days": _for_ever,
    "keep_transcripts_days": _for_ever,
    "keep_scores_days": _for_ever,
    "keep_clips_days": _for_ever,
    "keep_exports_days": _for_ever,
    "keep_cache_days": _for_ever,
    "keep_audit_days": _for_ever,
    "keep_logs_days": _for_ever,
    "target_level": _between(0, 4),
    "crm_url": _address("https://crm.example.com/debrief"),
    "port": _between(1, 65_535),
    "host": _host,
    "public_url": _address("https://debrief.example.com"),
}
"""What is wrong with a setting's value, by its name; a setting that is not here takes anything of its kind."""


def problem_of(name: str, value: Any) -> str:
    """What is wrong with a setting's value, as one clause; empty where it will do."""
    check = CHECKS.get(name)
    return check(value) if check else ""
