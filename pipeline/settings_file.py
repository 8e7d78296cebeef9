"""The settings as people read and change them: what each is for, where its value is from, and `debrief.toml` edited in
place, comments kept.

Only settings of `CHANGEABLE` can be changed here: none of them sends anything anywhere, opens the app to others,
deletes anything or names a file to load. The rest belongs to whoever may write `debrief.toml` on the machine.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import settings as module
from pipeline.errors import SettingsError
from pipeline.keep import write_atomically
from pipeline.settings import HIDDEN, SECRETS, Settings, load_settings, read_toml
from pipeline.settings_check import CHOICES, problem_of

FILE = "debrief.toml"
LONGEST = 2000

CHANGEABLE = frozenset({
    "path_pattern", "engine", "language", "glossary", "diarizer", "speakers", "max_hours", "max_expected_wer",
    "min_roles_confidence", "min_confidence", "quality_floor", "judge_timeout_s", "judge_budget", "workers",
    "timeout_s", "max_attempts", "target_level", "crm",
})  # fmt: skip
"""Settings that can be changed where the whole office can reach."""


def _one_line(value: Any) -> str:
    sound = not isinstance(value, str) or (value.isprintable() and len(value) <= LONGEST)
    return "" if sound else f"one line of at most {LONGEST} characters"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `value` as it counts now, `source` (default, debrief.toml, environment, command), what it is
    `about`; `changeable` where `change_settings` takes it, `choices` where only these words count. A hidden value is
    shown as `set`."""

    name: str
    value: Any
    default: Any
    source: str
    about: str
    changeable: bool
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {**dataclasses.asdict(self), "choices": list(self.choices)}


@cache
def abouts() -> dict[str, str]:
    """What each field of `Settings` is for: the text under it in the source."""
    body = ast.parse(inspect.getsource(module)).body
    fields = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    found: dict[str, str] = {}
    for field, after in itertools.pairwise(fields):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found


def described(settings: Settings, *, environ: Mapping[str, str] | None = None) -> list[Setting]:
    """Every setting in the order of the source, and whether each secret is set. Raises `SettingsError`."""
    environ = os.environ if environ is None else environ
    written = _written(settings.data / FILE)
    kept = load_settings(settings.data, environ=environ)
    default = Settings()
    rows = []
    for field in dataclasses.fields(Settings):
        name = field.name
        if name == "data":
            continue
        value = getattr(settings, name)
        if value != getattr(kept, name):
            source = "command"
        elif f"DEBRIEF_{name.upper()}" in environ:
            source = "environment"
        else:
            source = FILE if name in written else "default"
        shown = ("set" if value else "") if name in HIDDEN else value
        changeable = name in CHANGEABLE and source in ("default", FILE)
        about = abouts().get(name, "")
        rows.append(Setting(name, shown, getattr(default, name), source, about, changeable, CHOICES.get(name, ())))
    for name in SECRETS:
        key = f"DEBRIEF_{name.upper()}"
        source = "environment" if environ.get(key) else "default"
        about = f"From the environment only ({key}), never from {FILE}."
        rows.append(Setting(name, "set" if environ.get(key) else "", "", source, about, False))
    return rows


def change_settings(data: Path, changes: Mapping[str, str], *, environ: Mapping[str, str] | None = None) -> Settings:
    """Write settings of `CHANGEABLE` into `debrief.toml` and give what counts then. A value of "" takes a number out.

    Everything is checked before anything is written. Raises `SettingsError` naming the setting and what to give.
    """
    environ = os.environ if environ is None else environ
    values = {name: checked(name, text, environ=environ) for name, text in changes.items()}
    return write_settings(data, values, environ=environ)


def checked(name: str, text: str, *, environ: Mapping[str, str]) -> Any:
    """The value that a text stands for; None for the default. Raises `SettingsError`."""
    if name not in CHANGEABLE:
        raise SettingsError(f"{name}: cannot be changed here; edit {FILE} in the data folder")
    if f"DEBRIEF_{name.upper()}" in environ:
        raise SettingsError(f"{name}: DEBRIEF_{name.upper()} in the environment wins; change it there")
    text = text.strip()
    kind = type(getattr(Settings(), name))
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        raise SettingsError(f"{name}: {text[:40]!r} is no {'whole number' if kind is int else 'number'}") from None
    problem = _one_line(value) or problem_of(name, value)
    if problem:
        raise SettingsError(f"{name}: {problem}")
    return value


def write_settings(data: Path, values: Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> Settings:
    """Put values (None: take out) into `debrief.toml`, comments and order kept, and give the settings that result.

    The file is replaced only when it can be read back. Raises `SettingsError`, `StoreError`.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = data / FILE
    try:
        table = tomlkit.parse(read_toml(path) if path.is_file() else "")
    except (TOMLKitError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as TOML: {error}") from error
    for name, value in values.items():
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    text = tomlkit.dumps(table)
    with tempfile.TemporaryDirectory() as trial:
        Path(trial, FILE).write_text(text, encoding="utf-8")
        load_settings(trial, environ={})
    write_atomically(path, text.encode("utf-8"))
    return load_settings(data, environ=environ)


def _written(path: Path) -> frozenset[str]:
    import tomllib

    try:
        return frozenset(tomllib.loads(read_toml(path)))
    except (OSError, ValueError):
        return frozenset()
