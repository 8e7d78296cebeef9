"""Rubrics: what a call is scored on, read from YAML and checked line by line.

A rubric never changes once used: its `version` is a hash of its content, and every scorecard carries it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.errors import RubricError
from pipeline.yaml_text import NO_VALUE

RUBRICS = Path(__file__).resolve().parent.parent / "rubrics"
LEVELS = (0, 1, 2, 3, 4)
TRAINED = (
    "discovery",
    "decision_makers",
    "business_case",
    "positioning",
    "recommendation",
    "proposal",
    "objection_handling",
    "ask_for_sale",
)
"""Criteria that the shipped judge was trained to score; any other is judged by its examples."""

DEFAULT_ANCHORS = (
    "it was due and nothing like it was said",
    "something near it",
    "said, but not quite clearly, or without an occasion",
    "said clearly when it was due",
    "as 3, and the buyer takes it up",
)
"""What the levels of a criterion by examples are scored by (`pipeline/custom.py`), in words."""

WEAK_MOVES = frozenset(
    "boilerplate claim_value menu generic_proof ask_right_person dodge stock_answer argue concede vague_next".split()
)
"""Moves that count against the one who makes them."""

MAX_NODES = 50_000
"""Values in a rubric's YAML, aliases counted as often as they stand; the shipped ones have a few hundred."""

RESERVED = ("all", "overall")
"""Names that reports have for all criteria together."""

_CRITERION_KEYS = {
    "id", "title", "stage", "question", "weight", "target", "applies", "judge", "missed", "moves", "levels",
    "occasion", "shows", "confirms", "same_as",
}  # fmt: skip
_RUBRIC_KEYS = {"id", "title", "stages", "criteria", "moves"}
_MOVE_KEYS = ("means", "side")
_MERGE = "tag:yaml.org,2002:merge"
_TEXTS = ("id", "title", "stage", "question", "applies", "judge", "missed", "same_as")
_LISTS = ("moves", "occasion", "shows", "confirms")


@dataclass(frozen=True, slots=True)
class Move:
    """Something a turn does: which `side` can do it (`rep` or `buyer`) and what it `means`, in plain words."""

    id: str
    side: Literal["rep", "buyer"]
    means: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a call is scored on.

    `levels` are the five anchors 0-4, of an `examples` criterion `DEFAULT_ANCHORS` unless stated. A `trained` criterion
    is scored by the shipped judge under the name `same_as` (its own id unless stated); an `examples` criterion by its
    own sentences: `occasion` (what a buyer says that calls for it; none given means it is always due), `shows` (what
    the rep says to earn it) and `confirms` (how a buyer takes it up).
    """

    id: str
    title: str
    stage: str
    question: str
    levels: tuple[str, ...]
    weight: float = 1.0
    target: float = 3.0
    applies: str = "always"
    judge: Literal["trained", "examples"] = "trained"
    same_as: str = ""
    missed: str = ""
    moves: tuple[str, ...] = ()
    occasion: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    confirms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rubric:
    """Criteria in reading order, with the moves they speak of; `version` is the first 12 hex digits of its hash."""

    id: str
    title: str
    criteria: tuple[Criterion, ...]
    moves: Mapping[str, Move] = field(default_factory=dict)
    version: str = ""

    @property
    def titles(self) -> dict[str, str]:
        """The criteria's titles by their ids."""
        return {criterion.id: criterion.title for criterion in self.criteria}

    def criterion(self, name: str) -> Criterion:
        """The criterion called `name`; raises `KeyError` for an unknown one."""
        for criterion in self.criteria:
            if criterion.id == name:
                return criterion
        raise KeyError(name)


def shipped_rubrics() -> list[str]:
    """Names of the rubrics that come with debrief."""
    return sorted(path.stem for path in RUBRICS.glob("*.yaml"))


def load_rubric(name_or_path: str | Path) -> Rubric:
    """A shipped rubric by name, or one from a file.

    Raises `RubricError` listing each mistake with its line and what to do about it.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = RUBRICS / f"{name_or_path}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RubricError(
            f"{name_or_path}: no such rubric; give a YAML file or one of: {', '.join(shipped_rubrics())}"
        ) from error
    except UnicodeDecodeError:
        raise RubricError(f"{name_or_path}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise RubricError(f"{name_or_path}: cannot be read ({error.strerror or error})") from error
    mistakes = _mistakes(text)
    if mistakes:
        raise RubricError(f"{path}: " + "; ".join(mistakes))
    return rubric_of_text(text)


@lru_cache(maxsize=16)
def _mistakes(text: str) -> tuple[str, ...]:
    return tuple(check_text(text))


@lru_cache(maxsize=16)
def rubric_of_text(text: str) -> Rubric:
    """The rubric of a YAML text that `check_text` finds sound."""
    return _build(yaml.safe_load(text))


def check_text(text: str) -> list[str]:
    """Every mistake in a rubric's YAML as `line N: what is wrong; what to do` (empty: it is sound)."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        table = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return [f"line {line}: not readable as YAML ({getattr(error, 'problem', error)}); check indentation and quotes"]
    except RecursionError:
        return ["line 1: nested too deeply to be a rubric; see rubrics/sales_call.yaml"]
    except NO_VALUE:
        return [
            f"line {line}: looks like a date or a number and is none; put it in quotes" for line in _no_values(node)
        ]
    if not isinstance(table, dict) or not isinstance(node, yaml.MappingNode):
        return ["line 1: a rubric is a mapping with 'id', 'title' and 'criteria'; see rubrics/sales_call.yaml"]
    mistakes = [f"line 1: '{key}' is missing; add it" for key in ("id", "title", "criteria") if not table.get(key)]
    mistakes += [
        f"line {line}: unknown key '{key}'; known: {', '.join(sorted(_RUBRIC_KEYS))}"
        for key, line in _keys(node)
        if key not in _RUBRIC_KEYS
    ]
    mistakes += [f"line {line}: '{key}' appears twice; keep one" for key, line in _twice(node)]
    rows = table.get("criteria") or []
    if not isinstance(rows, list):
        return [*mistakes, "line 1: 'criteria' must be a list of criteria, each starting with '- id:'"]
    kinds = _check_kinds(table, node)
    if kinds:
        return mistakes + kinds
    nodes: list[yaml.Node] = next((value.value for key, value in node.value if key.value == "criteria"), [])
    moves = table.get("moves") or {}
    seen: set[str] = set()
    for row, row_node in zip(rows, nodes, strict=False):
        mistakes += _check_criterion(row, row_node, moves=moves, seen=seen)
    if not mistakes and _expanded(node) > MAX_NODES:
        return [f"line 1: its aliases ('*name') stand for more than {MAX_NODES:,} values; write it out"]
    return mistakes


def _expanded(root: yaml.Node) -> float:
    """How many values a node stands for once its aliases are written out; infinite where one leads back to itself."""
    sizes: dict[int, float] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> float:
        if id(node) in open_nodes:
            return math.inf
        if id(node) not in sizes:
            open_nodes.add(id(node))
            inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
            sizes[id(node)] = 1 + sum(map(size, inner if isinstance(node, yaml.CollectionNode) else ()))
            open_nodes.discard(id(node))
        return sizes[id(node)]

    return size(root)


def _check_kinds(table: Mapping[str, Any], node: yaml.MappingNode) -> list[str]:
    """Values of the wrong kind: text that YAML reads as a number or as yes/no, no list, a move without a side."""
    found = [
        f"line {_line(node, key)}: '{key}' must be text; put it in quotes"
        for key in ("id", "title")
        if table.get(key) and not isinstance(table[key], str)
    ]
    stages = table.get("stages")
    if stages is not None and not _texts(stages):
        found.append(f"line {_line(node, 'stages')}: 'stages' must be a list of names, as in [survey, close]")
        stages = None
    moves = table.get("moves") or {}
    if not isinstance(moves, dict):
        return [*found, f"line {_line(node, 'moves')}: 'moves' must map each move to its 'side' and 'means'"]
    found += [
        f"line {_line(node, 'moves', name)}: move '{name}' needs 'side: rep' or 'side: buyer', and 'means' in words"
        for name, row in moves.items()
        if not (isinstance(row, dict) and row.get("side") in ("rep", "buyer") and isinstance(row.get("means"), str))
    ]
    found += [
        f"line {line}: move '{name}': its name must be text; put it in quotes (YAML reads a bare no as false)"
        for name, line in _untexted(next((value for key, value in node.value if key.value == "moves"), None))
    ]
    found += [
        f"line {_line(node, 'moves', name)}: move '{name}': unknown key '{key}'; known: {', '.join(_MOVE_KEYS)} "
        "(example sentences stand under a criterion's 'occasion', 'shows' and 'confirms')"
        for name, row in moves.items()
        for key in (row if isinstance(row, dict) else ())
        if key not in _MOVE_KEYS
    ]
    for number, row in enumerate(table.get("criteria") or []):
        if isinstance(row, dict):
            found += _check_row_kinds(row, node, number, stages)
    return found


def _check_row_kinds(
    row: Mapping[str, Any], node: yaml.MappingNode, number: int, stages: list[str] | None
) -> list[str]:
    name = row.get("id") or "?"

    def wrong(key: str, what: str) -> str:
        return f"line {_line(node, 'criteria', number, key)}: criterion '{name}': {what}"

    found = [
        wrong(key, f"'{key}' must be text; put it in quotes")
        for key in _TEXTS
        if row.get(key) is not None and not isinstance(row[key], str)
    ]
    found += [
        wrong(key, f"'{key}' must be a list of texts, each on its own line after '- '")
        for key in _LISTS
        if row.get(key) is not None and not _texts(row[key])
    ]
    found += [
        wrong(key, f"{key} must be a finite number")
        for key in ("weight", "target")
        if isinstance(row.get(key), int | float) and not _finite(row[key])
    ]
    levels = row.get("levels")
    if isinstance(levels, dict) and not _texts(list(levels.values())):
        found.append(wrong("levels", "each anchor must be text; put it in quotes (YAML reads a bare no as false)"))
    if stages and isinstance(row.get("stage"), str) and row["stage"] not in stages:
        known = ", ".join(stages)
        found.append(wrong("stage", f"unknown stage '{row['stage']}'; use one of: {known}, or add it to 'stages'"))
    return found


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)


def _line(node: yaml.Node, *path: str | int) -> int:
    """The line (from 1) of the key or item at `path`, or of the nearest thing above it."""
    line = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == step), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
    return line


def _twice(root: yaml.Node) -> list[tuple[str, int]]:
    """Keys that a mapping under `root` has more than once: YAML would silently keep the last."""
    found: list[tuple[str, int]] = []
    for node in _nodes(root):
        if isinstance(node, yaml.MappingNode):
            names = [(str(key.value), key.start_mark.line + 1) for key, _ in node.value]
            found += [pair for place, pair in enumerate(names) if pair[0] in {name for name, _ in names[:place]}]
    return sorted(found, key=lambda pair: pair[1])


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node from `root` on, each once."""
    waiting, met = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        for child in inner if isinstance(node, yaml.CollectionNode) else ():
            # an alias may lead back to where it stands
            if id(child) not in met:
                met.add(id(child))
                waiting.append(child)


def _no_values(root: yaml.Node | None) -> list[int]:
    """The lines (from 1) of what YAML takes for a date or a number and cannot read as one: `2026-02-30`."""
    found = set()
    for node in _nodes(root) if root else ():
        try:
            if isinstance(node, yaml.ScalarNode):
                yaml.SafeLoader("").construct_object(node)
        except NO_VALUE:
            found.add(node.start_mark.line + 1)
    return sorted(found)


def _untexted(node: yaml.Node | None) -> list[tuple[str, int]]:
    """Names in a mapping that YAML does not read as text, with their lines (from 1)."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    text = yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG
    return [(str(key.value), key.start_mark.line + 1) for key, _ in pairs if key.tag not in (text, _MERGE)]


def _keys(node: yaml.MappingNode) -> list[tuple[str, int]]:
    return [(key.value, key.start_mark.line + 1) for key, _ in node.value]


def _check_criterion(row: Any, node: yaml.Node, *, moves: Mapping[str, Any], seen: set[str]) -> list[str]:
    line = node.start_mark.line + 1
    if not isinstance(row, dict) or not isinstance(node, yaml.MappingNode):
        return [f"line {line}: a criterion is a mapping with 'id', 'title', 'stage' and 'levels'"]
    lines = dict(_keys(node))
    name = row.get("id") or "?"

    def at(key: str) -> int:
        return lines.get(key, line)

    found = [
        f"line {line}: criterion '{name}': '{key}' is missing; add it"
        for key in ("id", "title", "stage", "question", "levels")
        if not row.get(key) and not (key == "levels" and row.get("judge") == "examples")
    ]
    found += [
        f"line {at(key)}: criterion '{name}': unknown key '{key}'; known: {', '.join(sorted(_CRITERION_KEYS))}"
        for key in row
        if key not in _CRITERION_KEYS
    ]
    if name in RESERVED or "/" in str(name):
        found.append(f"line {at('id')}: criterion '{name}': its id must not be {' or '.join(RESERVED)}, nor hold a '/'")
    if name in seen:
        found.append(f"line {at('id')}: criterion '{name}' appears twice; give each its own id")
    seen.add(name)
    levels = row.get("levels")
    if levels is not None and (not isinstance(levels, dict) or set(levels) != set(LEVELS)):
        found.append(
            f"line {at('levels')}: criterion '{name}': levels must be exactly 0, 1, 2, 3 and 4, each with its anchor"
        )
    weight = row.get("weight", 1.0)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or weight < 0:
        found.append(f"line {at('weight')}: criterion '{name}': weight must be a number of 0 or more")
    target = row.get("target", 3.0)
    if not isinstance(target, int | float) or isinstance(target, bool) or not 0 <= target <= 4:
        found.append(f"line {at('target')}: criterion '{name}': target must be between 0 and 4")
    found += [
        f"line {at('moves')}: criterion '{name}': unknown move '{move}'; define it under 'moves' or remove it"
        for move in row.get("moves") or []
        if move not in moves
    ]
    found += _check_judge(row, name, at("judge"))
    return found


def _check_judge(row: Mapping[str, Any], name: str, line: int) -> list[str]:
    judge = row.get("judge", "trained")
    if judge == "trained":
        scored_as = row.get("same_as") or name
        if scored_as not in TRAINED:
            return [
                f"line {line}: criterion '{name}' is not one the trained judge knows ({', '.join(TRAINED)}); "
                "set 'same_as' to one of them, or 'judge: examples' with sentences under 'shows'"
            ]
        return []
    if judge != "examples":
        return [f"line {line}: criterion '{name}': judge must be 'trained' or 'examples'"]
    if len(row.get("shows") or []) < 2:
        return [f"line {line}: criterion '{name}': give at least two example sentences under 'shows'"]
    return []


def _build(table: Mapping[str, Any]) -> Rubric:
    canonical = json.dumps(table, sort_keys=True, ensure_ascii=False)
    criteria = tuple(_criterion(row) for row in table["criteria"])
    moves = {
        name: Move(id=name, side=row["side"], means=str(row["means"]))
        for name, row in (table.get("moves") or {}).items()
    }
    return Rubric(
        id=str(table["id"]),
        title=str(table["title"]),
        criteria=criteria,
        moves=moves,
        version=hashlib.sha256(canonical.encode()).hexdigest()[:12],
    )


def _applies(row: Mapping[str, Any]) -> str:
    """When a criterion applies; `Always` is `always`."""
    said = str(row.get("applies") or "always").strip()
    return "always" if said.casefold() in ("", "always") else said


def _criterion(row: Mapping[str, Any]) -> Criterion:
    levels = row.get("levels") or dict(zip(LEVELS, DEFAULT_ANCHORS, strict=True))
    lists = {key: tuple(str(item) for item in row.get(key) or ()) for key in ("moves", "occasion", "shows", "confirms")}
    return Criterion(
        id=row["id"],
        title=row["title"],
        stage=row["stage"],
        question=row["question"],
        levels=tuple(str(levels[level]) for level in LEVELS),
        weight=float(row.get("weight", 1.0)),
        target=float(row.get("target", 3.0)),
        applies=_applies(row),
        judge=row.get("judge", "trained"),
        same_as=row.get("same_as") or row["id"],
        missed=str(row.get("missed", "")),
        **lists,
    )
