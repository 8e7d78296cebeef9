"""A criterion by example sentences, written into a rubric's YAML without touching a line of the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import yaml

from pipeline.errors import RubricError
from pipeline.rubric import DEFAULT_ANCHORS, LEVELS, RESERVED
from pipeline.yaml_text import NO_VALUE


def with_criterion(
    text: str,
    *,
    title: str,
    question: str,
    shows: Sequence[str],
    occasion: Sequence[str] = (),
    confirms: Sequence[str] = (),
    stage: str = "",
) -> str:
    """The rubric's text with one more criterion at the end of its `criteria`, judged by its sentences alone.

    Raises `RubricError` where the text has no list of criteria to add to, or something is missing.
    """
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain)[:40].strip("_") or "criterion"
    if not title.strip() or not question.strip():
        raise RubricError("give the criterion a title, and say in a sentence what it asks of the rep")
    if len(shows) < 2:
        raise RubricError("give at least two sentences that a rep might say to show it, each on its own line")
    node, table = _composed(text)
    rows = next((value for key, value in node.value if key.value == "criteria"), None)
    if not isinstance(rows, yaml.SequenceNode) or rows.flow_style or not rows.value:
        raise RubricError("the rubric has no list under 'criteria' to add to; correct it first")
    taken = {*RESERVED, *(str(row.get("id")) for row in table["criteria"] if isinstance(row, dict))}
    stages = [str(row.get("stage")) for row in table["criteria"] if isinstance(row, dict) and row.get("stage")]
    row = {
        "id": next(each for each in (name, *(f"{name}_{n}" for n in range(2, 1000))) if each not in taken),
        "title": title.strip(),
        "stage": stage or (stages[-1] if stages else "close"),
        "question": question.strip(),
        "weight": 1.0,
        "target": 3.0,
        "applies": "when the buyer brings it up" if occasion else "always",
        "judge": "examples",
        "missed": f"the moment for it, and it passes: {question.strip()}",
        **{
            key: list(found)
            for key, found in (("occasion", occasion), ("shows", shows), ("confirms", confirms))
            if found
        },
        "levels": dict(zip(LEVELS, DEFAULT_ANCHORS, strict=True)),
    }
    made = yaml.safe_dump([row], sort_keys=False, allow_unicode=True, width=110)
    column = rows.start_mark.column
    block = "".join(f"{' ' * column}{line}\n" for line in made.splitlines())
    lines = text.splitlines(keepends=True)
    at = _after(rows, text, len(lines))
    before = "".join(lines[:at])
    return f"{before}{'' if before.endswith(chr(10)) else chr(10)}\n{block}{''.join(lines[at:])}"


def _composed(text: str) -> tuple[yaml.MappingNode, dict[str, list[object]]]:
    try:
        node, table = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, *NO_VALUE):
        raise RubricError("the rubric cannot be read as YAML; check it first") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(table.get("criteria"), list):
        raise RubricError("the rubric has no list under 'criteria' to add to; correct it first")
    return node, table


def _after(rows: yaml.SequenceNode, text: str, lines: int) -> int:
    """The line (from 0) after the last one that belongs to the list: blank lines and comments behind it are not.

    Told by the events of the text, not by its nodes: an alias's node lies where its anchor is.
    """
    last = rows.start_mark
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        start, end = event.start_mark, event.end_mark
        if start and end and rows.start_mark.index <= start.index < end.index <= rows.end_mark.index:
            last = end
    return min(lines, last.line + (1 if last.column else 0))
