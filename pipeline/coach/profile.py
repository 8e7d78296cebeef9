"""The company profile: whom a company sells what to, in its own words, read from `company.yaml` of the data folder.

Training texts speak of `{product}` or `{market}`; the profile says what these are. Beyond single words it carries the
company's proof, the way its buyers object and what matters in its market per criterion; modules show these beside
their own text (`pipeline/coach/training.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pipeline.errors import SettingsError
from pipeline.types import ObjectionKind
from pipeline.yaml_text import UnreadableYaml, is_text, loaded

FILE = "company.yaml"

WORDS = ("company", "product", "market", "buyer", "competitor", "organisation", "deal")
"""Fields that are one text each, and placeholders in training texts."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Whom a company sells what to, each as it reads in the middle of a sentence.

    `organisation` is how selling is divided up, `deal` what a usual sale looks like. `competitors` are names to listen
    for, the first of them the `competitor` where none is named; `customers` accounts that buy already, `proof` short
    customer stories, `objections` a buyer's own words per objection kind, `focus` what matters in this market per
    criterion, `notes` what to add to single modules, by their id.
    """

    # without "your": half of the texts speak to whoever plays the buyer
    company: str = "the seller's company"
    product: str = "the product"
    market: str = "this market"
    buyer: str = "the head of operations"
    competitor: str = "another supplier"
    organisation: str = "one rep from the first call to the signature"
    deal: str = "a usual deal of yours"
    competitors: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()
    objections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    focus: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def words(self) -> dict[str, str]:
        """What the placeholders of training texts stand for."""
        return {name: getattr(self, name) for name in WORDS}


def load_profile(data: Path) -> Profile:
    """The profile of a data folder; the defaults where it has none.

    Raises `SettingsError` with the file and every mistake in it.
    """
    path = data / FILE
    if not path.is_file():
        return Profile()
    try:
        table = loaded(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read; it must be UTF-8 YAML") from error
    except UnreadableYaml as error:
        raise SettingsError(f"{path}: {error}") from error
    if table is None:
        return Profile()
    mistakes = check_profile(table)
    if mistakes:
        raise SettingsError(f"{path}: " + "; ".join(mistakes))
    return _profile(table)


def check_profile(table: Any) -> list[str]:
    """Every mistake in a profile's table (empty: it is sound)."""
    if not isinstance(table, dict):
        return ["a company profile is a mapping; see the README"]
    fields = {item.name for item in dataclasses.fields(Profile)}
    found = [f"unknown key '{key}'; known: {', '.join(sorted(fields))}" for key in table if key not in fields]
    found += [f"'{key}' must be text" for key in WORDS if key in table and not is_text(table[key])]
    found += [
        f"'{key}' must be a list of texts"
        for key in ("competitors", "customers", "proof")
        if not _are_texts(table.get(key, []))
    ]
    for key in ("objections", "focus", "notes"):
        part = table.get(key, {})
        if not isinstance(part, dict) or not all(is_text(name) and _are_texts(part[name]) for name in part):
            found.append(f"'{key}' must map names to a text or a list of texts")
        elif key == "objections":
            kinds = get_args(ObjectionKind)
            found += [f"'objections': unknown kind '{k}'; known: {', '.join(kinds)}" for k in part if k not in kinds]
    return found


def _are_texts(value: Any) -> bool:
    return is_text(value) or (isinstance(value, list) and all(is_text(item) for item in value))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item.strip() for item in ([value] if isinstance(value, str) else value))


def _profile(table: Mapping[str, Any]) -> Profile:
    given: dict[str, Any] = {key: table[key].strip() for key in WORDS if key in table}
    given |= {key: _texts(table[key]) for key in ("competitors", "customers", "proof") if key in table}
    if given.get("competitors"):
        given.setdefault("competitor", given["competitors"][0])
    for key in ("objections", "focus", "notes"):
        given[key] = {name: _texts(value) for name, value in table.get(key, {}).items()}
    return Profile(**given)
