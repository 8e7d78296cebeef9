"""The stand-ins themselves: they leave nothing of them behind."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import fakes

ROOT = Path(__file__).parents[1]


def takers() -> Iterator[tuple[str, set[str]]]:
    """Each module that takes names out of a replaced one when it is loaded, with those that are a stand-in's then."""
    for path in sorted(path for folder in ("pipeline", "models", "flows") for path in (ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module in fakes.MODULES and name not in fakes.MODULES:
                made = fakes.MODULES[node.module]
                yield name, {a.name for a in node.names if getattr(made.get(a.name), "__module__", "") == "fakes"}


def test_what_would_keep_a_stand_in_for_all_later_tests_is_loaded_before_them() -> None:
    found = [(name, taken) for name, taken in takers() if taken]
    assert ("pipeline.human_review", {"low_agreement"}) in found
    assert [name for name, _ in found if name not in sys.modules] == []
