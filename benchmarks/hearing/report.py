"""HEARING.md from the rows that were measured."""
from typing import Any
def written(kept: dict[str, list[dict[str, Any]]]) -> str:
    return "\n"
