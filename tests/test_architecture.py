"""The rules of ARCHITECTURE.md that imports can be held to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = ("base", "models", "stages", "store", "flows", "top")
"""From the bottom up: a file imports from its own layer and those below it."""

BASE = {
    "pipeline.types", "pipeline.days", "pipeline.errors", "pipeline.settings", "pipeline.settings_check",
    "pipeline.migrations", "pipeline.wire",
}  # fmt: skip
STORE = {
    "pipeline.calibration",
    "pipeline.store",
    "pipeline.database",
    "pipeline.served",
    "pipeline.digest",
    "pipeline.deliver",
    "pipeline.plan",
    "pipeline.batch",
    "pipeline.doctor",
    "pipeline.erase",
    "pipeline.retention",
    "pipeline.tidy",
}
TOP = ("pipeline.cli", "pipeline.web")
ABOVE_STORE = ("pipeline.coach", "pipeline.access", "pipeline.oidc", "pipeline.webhooks")
"""Read through the store; belong to its layer."""

HEAVY = {
    "torch", "torchaudio", "transformers", "pyannote", "prefect", "sklearn", "faster_whisper", "duckdb", "ctranslate2",
    "pocketsphinx", "onnxruntime", "scipy", "av", "fastapi", "uvicorn", "authlib", "joserfc",
}  # fmt: skip


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def belongs(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def layer(module: str) -> int | None:
    top = module.split(".")[0]
    if top == "models":
        return LAYERS.index("models")
    if top == "flows":
        return LAYERS.index("flows")
    if top != "pipeline":
        return None
    if module in BASE or module == "pipeline":
        return LAYERS.index("base")
    if belongs(module, TOP):
        return LAYERS.index("top")
    if module in STORE or belongs(module, ABOVE_STORE):
        return LAYERS.index("store")
    return LAYERS.index("stages")


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Names that a file imports, with the statement; `from a import b` is `a.b` where that is a file of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                path = ROOT.joinpath(*full.split("."))
                yield (full if path.with_suffix(".py").is_file() or path.is_dir() else node.module), node


def files() -> list[Path]:
    return sorted(path for folder in ("pipeline", "models", "flows") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_imports_go_one_way(path: Path) -> None:
    mine = layer(module_of(path))
    assert mine is not None
    upward = [
        name for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")))
        if (theirs := layer(name)) is not None and theirs > mine
    ]  # fmt: skip
    assert upward == [], f"{module_of(path)} ({LAYERS[mine]}) imports from above"


LIGHT = [path for path in files() if path.relative_to(ROOT).parts[0] == "pipeline"]


def inside(tree: ast.AST) -> set[int]:
    """Ids of the nodes that do not run at import: inside functions, and under TYPE_CHECKING."""
    waits = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return {id(inner) for node in waits for inner in ast.walk(node)}


@pytest.mark.parametrize("path", LIGHT, ids=module_of)
def test_heavy_libraries_load_inside_the_functions_that_need_them(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waits = inside(tree)
    loaded = {name.split(".")[0] for name, node in imports(tree) if id(node) not in waits}
    assert loaded & HEAVY == set()


def test_the_rule_is_one_that_can_fail() -> None:
    assert layer("pipeline.types") < layer("models.x") < layer("pipeline.hear") < layer("pipeline.store")  # type: ignore[operator]
    assert layer("pipeline.clips") == layer("pipeline.hear")
    assert layer("pipeline.store") < layer("flows.process") < layer("pipeline.cli.run")  # type: ignore[operator]
    assert [name for name, _ in imports(ast.parse("from pipeline import store\nimport torch.nn"))] == [
        "pipeline.store",
        "torch.nn",
    ]
