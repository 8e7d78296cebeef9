"""What debrief itself wrote, told by its own marks: a walk over somebody's folders must not take it for calls.

`debrief process ~` comes by data folders, exports and backups; the records and tables in them hold the words of calls
that are known already, perhaps to another team only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

MARKS = frozenset({"store.lock", "store.duckdb", "hashes.jsonl"})
"""A folder with one of these is a data folder."""
FOLDERS = frozenset(
    """cache captions claims clips digests erased facts failures judge logs pending prefect results rubrics status
    training voices""".split()
)
"""What a data folder holds; `inbox` is the user's."""
FILES = ("store.", "hashes.jsonl", "written.jsonl", "access.sqlite", "webhooks.sqlite")
EXPORT_FORMS = (".jsonl", ".csv", ".parquet")
EXPORT_TABLES = ("calls", "turns", "criterion_scores", "evidence")
"""Where all of these lie in one form, the folder is an export."""
_BACKUP = ("debrief-backup-", ".tar.gz")


def passed_over(folder: Path, subfolders: Collection[str], names: Collection[str]) -> tuple[set[str], set[str]]:
    """The subfolders and the files of a folder that debrief wrote.

    A data folder inside is passed over as a whole; of the one where a walk begins, the inbox and the user's own files
    are left.
    """
    folders = {name for name in subfolders if is_data_folder(folder / name)}
    files = {name for name in names if is_backup(name)}
    if MARKS & set(names):
        folders |= FOLDERS & set(subfolders)
        files |= {name for name in names if name.startswith(FILES)}
    for form in EXPORT_FORMS:
        if {table + form for table in EXPORT_TABLES} <= set(names):
            files |= {name for name in names if name.endswith(form)}
    return folders, files


def is_backup(name: str) -> bool:
    """Whether a file's name is one that backups are written under."""
    return name.startswith(_BACKUP[0]) and name.endswith(_BACKUP[1])


def is_data_folder(folder: Path) -> bool:
    """Whether a folder is one that debrief keeps calls in."""
    # os.path: a folder that may not be looked into is none, and no error
    return any(os.path.isfile(folder / name) for name in MARKS)


def walked(data: Path, onerror: Callable[[OSError], None] | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """A data folder's folders as `os.walk` gives them, with those of its own `FOLDERS` that lie behind a link, as
    `results` on a larger disk; no other link is. Folders that are taken out of the lists are passed over."""
    for folder, names, files in os.walk(data, onerror=onerror):
        yield folder, names, files
        if Path(folder) == data:
            for name in names:
                if name in FOLDERS and os.path.islink(data / name):
                    yield from os.walk(data / name, onerror=onerror)
