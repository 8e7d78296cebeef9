"""The training library: modules per criterion and level, read from `rubrics/training/*.yaml` and checked.

A trainer's own files in another folder add modules, or replace shipped ones by carrying the same id. Texts may speak of
`{product}`, `{market}` and the other `WORDS` of `pipeline/coach/profile.py`; a company's profile says what these are,
and what it adds of its own stands in each module's `local`.
"""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import yaml

from pipeline.coach.profile import WORDS, Profile
from pipeline.errors import RubricError
from pipeline.keep import write_atomically
from pipeline.rubric import RUBRICS
from pipeline.types import ObjectionKind
from pipeline.yaml_text import UnreadableYaml, is_text, loaded

LIBRARY = RUBRICS / "training"
MIN_DRILLS = 2
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C where PyYAML has it: ten times as fast."""
_TOP_LEVEL = 4
_MODULE_KEYS = {
    "id", "title", "levels", "objection", "why", "good", "note", "drills", "role_play", "observe", "done_when",
}  # fmt: skip
_TEXTS = ("id", "title", "why", "note", "done_when")


@dataclass(frozen=True, slots=True)
class Drill:
    """Something the rep does alone: `do` says what, `minutes` how long."""

    title: str
    minutes: int
    do: str


@dataclass(frozen=True, slots=True)
class RolePlay:
    """A rehearsal for two: the `setup`, the brief of whoever plays the `buyer`, what they hide, and what winning is."""

    setup: str
    buyer: str
    hidden: str
    win: str


@dataclass(frozen=True, slots=True)
class Module:
    """One training module for reps at levels `low` to `high` of a criterion; `objection` narrows it to one kind.

    `good` is a short example dialogue as (who, says) pairs and `note` says what makes it good; `look_for` and
    `warning_signs` are the manager's observation sheet; `done_when` is how both know that it worked. `local` is what
    the company's profile adds.
    """

    id: str
    criterion: str
    title: str
    low: int
    high: int
    why: str
    good: tuple[tuple[str, str], ...]
    note: str
    drills: tuple[Drill, ...]
    role_play: RolePlay
    look_for: tuple[str, ...]
    warning_signs: tuple[str, ...]
    done_when: str
    objection: str | None = None
    local: tuple[str, ...] = ()

    @property
    def minutes(self) -> int:
        """Minutes of all drills together."""
        return sum(drill.minutes for drill in self.drills)

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-ready, with `minutes`."""
        row = dataclasses.asdict(self)
        lists = {name: list(row[name]) for name in ("drills", "look_for", "warning_signs", "local")}
        good = [{"who": who, "says": says} for who, says in self.good]
        return {**row, **lists, "good": good, "minutes": self.minutes}


@dataclass(frozen=True, slots=True)
class Library:
    """All modules by id, in reading order."""

    modules: Mapping[str, Module] = field(default_factory=dict)

    def of(self, criterion: str) -> list[Module]:
        """The criterion's modules in reading order."""
        return [module for module in self.modules.values() if module.criterion == criterion]

    def pick(self, criterion: str, level: int, *, kind: str | None = None, done: Collection[str] = ()) -> Module | None:
        """The module for a rep at `level`; None where the library has none for the criterion.

        For objections, one for the `kind` the rep has most trouble with comes first. A module in `done` is not given
        again while another fits; when all that fit are done, one of the next levels above comes, and when these are
        done too the first again: what the levels beyond teach rests on what the rep does not do yet.
        """
        mine = [module for module in self.of(criterion) if module.objection in (None, kind)]
        fits = [module for module in mine if module.low <= level <= module.high]
        fits.sort(key=lambda module: module.objection is None)
        above = sorted((module for module in mine if module.low > level), key=lambda module: module.low)
        below = sorted((module for module in mine if module.high < level), key=lambda module: -module.high)
        ordered = [*fits, *(module for module in above if module.low == above[0].low)] or below
        return next((module for module in ordered if module.id not in done), ordered[0] if ordered else None)


def load_library(*folders: Path, profile: Profile | None = None) -> Library:
    """The shipped library, with the modules of each folder added or, by id, replaced.

    Placeholders are filled in from `profile`. Raises `RubricError` naming the file, the module and what is wrong.
    """
    modules: dict[str, Module] = {}
    for folder in (LIBRARY, *folders):
        here: dict[str, Module] = {}
        for path in sorted(folder.glob("*.yaml")):
            for module in read_modules(path, profile=profile or Profile()):
                if module.id in here:
                    raise RubricError(f"{path}: module '{module.id}' appears twice; give each its own id")
                here[module.id] = module
        modules.update(here)
    return Library(modules)


def read_modules(path: Path, *, profile: Profile) -> list[Module]:
    """The modules of one file. Raises `RubricError` listing every mistake."""
    table = _table(path)
    mistakes = [mistake for row in table["modules"] for mistake in check_module(row)]
    if mistakes:
        raise RubricError(f"{path}: " + "; ".join(mistakes))
    filled = _fill(table["modules"], profile.words())
    modules = [_module(str(table["criterion"]), row) for row in filled]
    return [dataclasses.replace(module, local=local_notes(module, profile)) for module in modules]


def _table(path: Path) -> dict[str, Any]:
    """What a training file holds, its modules unchecked. Raises `RubricError`."""
    try:
        table = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(f"{path}: cannot be read; it must be UTF-8 YAML") from error
    except UnreadableYaml as error:
        raise RubricError(f"{path}: {error}") from error
    if not isinstance(table, dict) or not table.get("criterion") or not isinstance(table.get("modules"), list):
        raise RubricError(f"{path}: a training file has 'criterion' and a list of 'modules'; see rubrics/training/")
    return table


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """What a YAML text says, once for each text; shared, so nobody changes it."""
    return loaded(text, loader=_LOADER)


_PROVEN = ("positioning", "business_case", "recommendation", "objection_handling")
_ORGANISED = ("decision_makers", "recommendation", "ask_for_sale")
_PRICED = ("business_case", "proposal")


def local_notes(module: Module, profile: Profile) -> tuple[str, ...]:
    """What a company's profile adds to a module: its market, its buyers' objections, its proof, how it sells."""
    default = Profile()
    lines = list(profile.focus.get(module.criterion, ()))
    if module.criterion == "objection_handling":
        for kind, said in profile.objections.items():
            if module.objection in (None, kind):
                lines += [f'Your buyers say: "{line}"' for line in said]
    if module.criterion in _PROVEN:
        lines += [f"Proof of yours to use: {line}" for line in profile.proof]
    if module.criterion in _ORGANISED and profile.organisation != default.organisation:
        lines.append(f"How you sell: {profile.organisation}")
    if module.criterion in _PRICED and profile.deal != default.deal:
        lines.append(f"A usual deal of yours: {profile.deal}")
    return (*lines, *profile.notes.get(module.id, ()))


def save_module(folder: Path, criterion: str, row: Mapping[str, Any]) -> Path:
    """Keep a trainer's module in `folder`, where it replaces the one with its id from then on: in the file of the
    folder that it stands in already, else as `<id>.yaml`.

    Raises `RubricError` with every mistake, and keeps nothing then.
    """
    mistakes = check_module(row)
    if mistakes:
        raise RubricError("; ".join(mistakes))
    path, modules = _place_of(folder, str(row["id"]))
    # a module that stood in two files would keep the whole library from being read
    modules = [dict(row) if module["id"] == row["id"] else module for module in modules] or [dict(row)]
    text = yaml.safe_dump({"criterion": criterion, "modules": modules}, sort_keys=False, allow_unicode=True, width=100)
    write_atomically(path, text.encode())
    return path


def _place_of(folder: Path, module_id: str) -> tuple[Path, list[dict[str, Any]]]:
    """The file that a module is kept in, and all modules of it; none of a file that is still to be made."""
    for path in sorted(folder.glob("*.yaml")):
        modules = _table(path)["modules"]
        if any(isinstance(row, dict) and row.get("id") == module_id for row in modules):
            return path, modules
    path, number = folder / own_file(module_id), 1
    while path.exists():  # it holds others: `Price` is not `price`, and a file may be called after one of its modules
        number += 1
        path = folder / own_file(f"{module_id}-{number}")
    return path, []


def own_modules(folder: Path) -> dict[str, Path]:
    """The file of a folder that each module stands in; of a file that cannot be read what it is called after."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            rows = _table(path)["modules"]
        except RubricError:
            found.setdefault(path.stem, path)
            continue
        found |= {str(row["id"]): path for row in rows if isinstance(row, dict) and row.get("id")}
    return found


def drop_module(path: Path, module_id: str) -> None:
    """Take a module out of a trainer's file; the file goes with the last one, or where it cannot be read."""
    try:
        table = _table(path)
    except RubricError:
        path.unlink(missing_ok=True)
        return
    left = [row for row in table["modules"] if not (isinstance(row, dict) and row.get("id") == module_id)]
    if not left:
        path.unlink(missing_ok=True)
        return
    text = yaml.safe_dump({**table, "modules": left}, sort_keys=False, allow_unicode=True, width=100)
    write_atomically(path, text.encode())


def own_file(module_id: str) -> str:
    """The name of the file that `save_module` makes for a module."""
    return re.sub(r"[^a-z0-9-]+", "-", module_id.lower()).strip("-") + ".yaml"


def module_source(module_id: str, *folders: Path) -> tuple[str, dict[str, Any]]:
    """(criterion, the module's table as it stands in its file, placeholders and all): what a trainer edits.

    Raises `RubricError` for an unknown one.
    """
    found: tuple[str, dict[str, Any]] | None = None
    for folder in (LIBRARY, *folders):
        for path in sorted(folder.glob("*.yaml")):
            read_modules(path, profile=Profile())
            table = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
            found = next(((str(table["criterion"]), row) for row in table["modules"] if row["id"] == module_id), found)
    if found is None:
        raise RubricError(f"{module_id}: no such module; `debrief training modules` lists them")
    return found


def check_module(row: Any) -> list[str]:
    """Every mistake in one module of a training file (empty: it is sound)."""
    if not isinstance(row, dict) or not row.get("id"):
        return ["a module is a mapping with an 'id'"]
    found = [f"'{key}' must be text" for key in _TEXTS if not is_text(row.get(key))]
    found += [f"unknown key '{key}'" for key in row if key not in _MODULE_KEYS]
    levels = row.get("levels")
    if not _are_levels(levels):
        found.append("'levels' must be [level] or [lowest, highest] between 0 and 4")
    if row.get("objection") not in (None, *get_args(ObjectionKind)):
        found.append(f"'objection' must be one of {', '.join(get_args(ObjectionKind))}")
    found += _check_parts(row)
    found += [f"unknown placeholder {{{name}}}" for name in _placeholders(row) if name not in WORDS]
    return [f"module '{row['id']}': {mistake}" for mistake in found]


def _are_levels(levels: Any) -> bool:
    return (
        isinstance(levels, list)
        and len(levels) in (1, 2)
        and all(type(level) is int and 0 <= level <= _TOP_LEVEL for level in levels)
        and levels[0] <= levels[-1]
    )


def _check_parts(row: Mapping[str, Any]) -> list[str]:
    found = []
    good = row.get("good")
    if not isinstance(good, list) or not all(
        isinstance(line, dict) and line.get("who") in ("rep", "buyer") and is_text(line.get("says")) for line in good
    ):
        found.append("'good' must be a list of lines with 'who' (rep or buyer) and 'says'")
    elif {line["who"] for line in good} != {"rep", "buyer"}:
        found.append("'good' must have a line of the rep and one of the buyer")
    drills = row.get("drills")
    if not isinstance(drills, list) or len(drills) < MIN_DRILLS:
        found.append(f"'drills' must be a list of at least {MIN_DRILLS}")
    else:
        found += [
            f"drill {number} needs 'title', 'do' and 'minutes'"
            for number, d in enumerate(drills, 1)
            if not _is_drill(d)
        ]
    play = row.get("role_play")
    if not isinstance(play, dict) or not all(is_text(play.get(f.name)) for f in dataclasses.fields(RolePlay)):
        found.append("'role_play' needs 'setup', 'buyer', 'hidden' and 'win'")
    sheet = row.get("observe")
    for key in ("look_for", "warning_signs"):
        items = sheet.get(key) if isinstance(sheet, dict) else None
        if not isinstance(items, list) or not items or not all(is_text(item) for item in items):
            found.append(f"'observe' needs a list '{key}'")
    return found


def _is_drill(drill: Any) -> bool:
    if not isinstance(drill, dict) or not is_text(drill.get("title")) or not is_text(drill.get("do")):
        return False
    return type(drill.get("minutes")) is int and drill["minutes"] > 0


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _placeholders(row: Any) -> list[str]:
    """Names in braces, in order, with what stands behind them there; a stray brace counts as a nameless one."""
    names = []
    for text in _strings(row):
        try:
            for _, name, form, conversion in string.Formatter().parse(text):
                if name is not None:
                    names.append(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""))
        except ValueError:
            names.append("")
    return names


def _fill(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(words)
    if isinstance(value, list):
        return [_fill(item, words) for item in value]
    return {key: _fill(item, words) for key, item in value.items()} if isinstance(value, dict) else value


def _module(criterion: str, row: Mapping[str, Any]) -> Module:
    return Module(
        id=row["id"],
        criterion=criterion,
        title=row["title"],
        low=row["levels"][0],
        high=row["levels"][-1],
        why=row["why"].strip(),
        good=tuple((line["who"], line["says"]) for line in row["good"]),
        note=row["note"].strip(),
        drills=tuple(Drill(d["title"], d["minutes"], d["do"].strip()) for d in row["drills"]),
        role_play=RolePlay(**{f.name: row["role_play"][f.name].strip() for f in dataclasses.fields(RolePlay)}),
        look_for=tuple(row["observe"]["look_for"]),
        warning_signs=tuple(row["observe"]["warning_signs"]),
        done_when=row["done_when"],
        objection=row.get("objection"),
    )
