"""The stylesheet, the script and the icon: read once, named with their version, open to anybody."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from pipeline.errors import NotThere
from pipeline.web.ask import ANYBODY, Ask, File, get

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
YEAR_S = 31_536_000


@cache
def files() -> dict[str, bytes]:
    """Name -> content of everything in `static/`."""
    return {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES}


@cache
def version_of(name: str) -> str:
    """A few digits of the content's hash."""
    return hashlib.sha256(files()[name]).hexdigest()[:10]


def static(ask: Ask, *, name: str, v: str = "") -> File:
    """One file; kept by browsers for a year where its version was asked for."""
    content = files().get(name)
    if content is None:
        raise NotThere("there is no such file")
    return File(content, TYPES[Path(name).suffix], cache_s=YEAR_S if v == version_of(name) else 60)


ROUTES = (get("/static/{name}", static, who=ANYBODY),)
