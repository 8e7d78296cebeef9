"""YAML that people write: what it says, or in one line where it cannot be read."""

from __future__ import annotations

from typing import Any

import yaml

NO_VALUE = (ValueError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises, beside its own errors, for text that it takes for a date or a number and that is none
(`2026-02-30`, `!!bool maybe`), and for text without an end of brackets."""


class UnreadableYaml(ValueError):
    """Text that is no YAML; the message says where and what to look at, to stand behind the file's name."""


def loaded(text: str, *, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """What a YAML text says. Raises `UnreadableYaml`."""
    try:
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, *NO_VALUE) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "somewhere"
        raise UnreadableYaml(f"{where}: not readable as YAML; check indentation, quotes and days") from error


def is_text(value: Any) -> bool:
    """Whether a value is text with something in it."""
    return isinstance(value, str) and bool(value.strip())
