"""The training library: modules by criterion and level, one in full, and a trainer's own copy of one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from pipeline.access.people import EVERYONE, TRAINERS
from pipeline.coach.profile import WORDS
from pipeline.coach.training import Module, drop_module, module_source, own_modules, save_module
from pipeline.errors import NotThere, RubricError
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.render import path_part
from pipeline.yaml_text import UnreadableYaml, loaded

MAX_TEXT = 40_000
CHANGED = (
    "This module was changed since you opened it here. Yours stands below: keep it again, and it replaces the other."
)


def listing(ask: Ask, *, criterion: str = "", words: str = "") -> Html:
    """The modules, by criterion, with the levels that they are for."""
    order = ask.desk.rubric.titles
    asked = words.lower().split()
    modules = [
        module
        for module in ask.desk.library().modules.values()
        if criterion in ("", module.criterion) and _has(module, asked)
    ]
    groups = [(title, [m for m in modules if m.criterion == name]) for name, title in order.items()]
    others = [module for module in modules if module.criterion not in order]
    return ask.show(
        "library.html",
        groups=[(title, found) for title, found in [*groups, ("Other criteria", others)] if found],
        criterion=criterion,
        words=words,
        titles=order,
        own=_own_modules(ask),
        problem=ask.desk.library_problem() if ask.is_a(TRAINERS) else "",
    )


def one(ask: Ask, *, module: str) -> Html:
    """One module in full, as it is taught here."""
    found = ask.desk.library().modules.get(module)
    if found is None:
        raise NotThere(f"{module}: no such module")
    titles = ask.desk.rubric.titles
    return ask.show(
        "module.html",
        module=found.to_json(),
        criterion_title=titles.get(found.criterion, found.criterion),
        own=module in _own_modules(ask),
        edits=ask.is_a(TRAINERS),
    )


def edit(ask: Ask, *, module: str) -> Html:
    """A module's source to edit, placeholders and all."""
    criterion, row = _source(ask, module)
    return _editor(ask, module, criterion, _text(row), seen=_mark(row))


def save(ask: Ask, *, module: str) -> Html | Go:
    """Keep a trainer's version: it counts from then on, also after an update of debrief."""
    criterion, row = _source(ask, module)
    text, seen, now = ask.form.get("text", ""), ask.form.get("seen", ""), _mark(row)
    try:
        mine = _read(module, text)
        if seen not in ("", now) and mine != row:
            return _editor(ask, module, criterion, text, seen=now, status=409, problem=CHANGED)
        save_module(_folder(ask), criterion, mine)
    except RubricError as error:
        return _editor(ask, module, criterion, text, seen=seen, status=400, problem=str(error))
    ask.detail = module
    return Go(f"/library/{path_part(module)}", "Kept. This is what is taught from now on.")


def restore(ask: Ask, *, module: str) -> Go:
    """Take the trainer's version away, so that the shipped one counts again."""
    own = _own_modules(ask).get(module)
    if own is None:
        raise NotThere(f"{module}: has no version of your own")
    drop_module(own, module)
    ask.detail = module
    left = module in ask.desk.library().modules
    return Go(f"/library/{path_part(module)}" if left else "/library", "Your version is gone.")


def _editor(
    ask: Ask, module: str, criterion: str, text: str, *, seen: str, status: int = 200, problem: str = ""
) -> Html:
    words = ", ".join(f"{{{name}}}" for name in WORDS)
    return ask.show(
        "module_edit.html",
        status=status,
        module=module,
        criterion=criterion,
        text=text,
        seen=seen,
        problems=problem.split("; ") if problem else [],
        placeholders=words,
        own=module in _own_modules(ask),
    )


def _has(module: Module, words: list[str]) -> bool:
    text = f"{module.title} {module.why}".lower()
    return all(word in text for word in words)


def _source(ask: Ask, module: str) -> tuple[str, dict[str, Any]]:
    folder = _folder(ask)
    if module not in ask.desk.library().modules:
        raise NotThere(f"{module}: no such module")
    return module_source(module, *([folder] if folder.is_dir() else []))


def _read(module: str, text: str) -> dict[str, Any]:
    """The module's table from the editor's text. Raises `RubricError`."""
    if len(text) > MAX_TEXT:
        raise RubricError(f"a module is at most {MAX_TEXT} characters long")
    try:
        row = loaded(text)
    except UnreadableYaml as error:
        raise RubricError(str(error)) from None
    # a list of lists that are named again and again grows without end when it is looked through
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
        raise RubricError("'*' at the start of a text names another one; put quotes around it")
    if not isinstance(row, dict) or row.get("id") != module:
        raise RubricError(f"the first line stays 'id: {module}'")
    return row


def _text(row: dict[str, Any]) -> str:
    return yaml.safe_dump(row, sort_keys=False, allow_unicode=True, width=90)


def _mark(row: dict[str, Any]) -> str:
    """Another word for each text of a module: what an editor was opened on."""
    return hashlib.sha256(_text(row).encode()).hexdigest()[:16]


def _folder(ask: Ask) -> Path:
    return ask.settings.data / "training"


def _own_modules(ask: Ask) -> dict[str, Path]:
    """Modules of the trainer's own, each with the file that it stands in."""
    known = ask.desk.library().modules
    return {name: path for name, path in own_modules(_folder(ask)).items() if name in known}


ROUTES: tuple[Any, ...] = (
    get("/library", listing, who=EVERYONE),
    get("/library/{module}", one, who=EVERYONE),
    get("/library/{module}/edit", edit, who=TRAINERS),
    post("/library/{module}/edit", save, who=TRAINERS),
    post("/library/{module}/restore", restore, who=TRAINERS),
)
