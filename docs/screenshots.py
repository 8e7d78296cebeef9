"""Pictures of every page from the demo's data: `debrief demo`, then `python docs/screenshots.py` writes `docs/pages/`.

Needs Chromium (Debian's package `chromium`) and the development extras.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from pipeline.errors import AccessError
from pipeline.settings import Settings
from pipeline.web.app import running
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION

OUT = Path(__file__).resolve().parent / "pages"
QUALITY = 80
WIDE, PHONE = (1280, 900), (390, 844)
PAGES: dict[str, tuple[str, str, tuple[tuple[int, int], ...]]] = {
    "team": ("trainer", "/team", (WIDE, PHONE)),
    "rep": ("trainer", "/reps/{rep}", (WIDE, PHONE)),
    "behind": ("trainer", "/reps/{rep}/criteria/discovery", (WIDE,)),
    "today": ("rep", "/today", (WIDE, PHONE)),
    "calls": ("trainer", "/calls", (WIDE,)),
    "call": ("trainer", "/calls/{call}", (WIDE, PHONE)),
    "accounts": ("trainer", "/accounts", (WIDE,)),
    "account": ("trainer", "/accounts/{account}", (WIDE, PHONE)),
    "training": ("trainer", "/training", (WIDE,)),
    "assignment": ("trainer", "/training/{assignment}", (WIDE,)),
    "snippets": ("trainer", "/snippets?examples=good", (WIDE, PHONE)),
    "queue": ("trainer", "/snippets/queue", (WIDE,)),
    "library": ("trainer", "/library", (WIDE,)),
    "module": ("trainer", "/library/objections-stall", (WIDE,)),
    "rubric": ("admin", "/rubric", (WIDE,)),
    "calibration": ("admin", "/calibration", (WIDE,)),
    "inbox": ("admin", "/inbox", (WIDE,)),
    "settings": ("admin", "/settings", (WIDE,)),
    "users": ("admin", "/settings/users", (WIDE,)),
    "audit": ("admin", "/settings/audit", (WIDE,)),
    "sign-in": ("", "/sign-in", (WIDE,)),
}
"""Name -> as whom, address, sizes."""

CHOICES = """
SELECT (SELECT rep FROM assignments ORDER BY status, rep LIMIT 1) AS rep,
       (SELECT assignment_id FROM assignments ORDER BY status, rep LIMIT 1) AS assignment,
       (SELECT call_id FROM calls WHERE kind = 'audio' AND status = 'scored' ORDER BY call_date DESC LIMIT 1) AS call,
       (SELECT account FROM calls WHERE account IS NOT NULL AND status = 'scored'
        GROUP BY account ORDER BY count(*) DESC, account LIMIT 1) AS account
"""


def main() -> None:
    """Copy the data folder, show the app over the copy, take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("debrief-demo"), help="the demo's data folder")
    parser.add_argument("--only", help="this page alone")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium or not options.data.is_dir():
        raise SystemExit("needs Chromium, and the demo's data: run `debrief demo` first or name a folder with --data")
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, shown(options.data, Path(folder)) as (desk, url):
        chosen = {key: str(value) for key, value in desk.store.query(CHOICES)[0].items()}
        people = {role: someone(desk, role, chosen["rep"]) for role in ("admin", "trainer", "rep")}
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for name, (role, address, sizes) in PAGES.items():
                for size in sizes if options.only in (None, name) else ():
                    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
                    if role:
                        session = desk.book.start_session(people[role])
                        context.add_cookies([{"name": SESSION, "value": session, "url": url}])
                    picture = taken(context.new_page(), url + address.format(**chosen))
                    target = OUT / f"{name}{'' if size == WIDE else '-phone'}.webp"
                    picture.save(target, "WEBP", quality=QUALITY, method=6)
                    print(f"{target.name}: {target.stat().st_size // 1024} kB")
                    context.close()
            browser.close()


def taken(page: Any, address: str) -> Image.Image:
    """The page as it looks once everything is there."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.locator("[data-again]").first.wait_for(state="detached", timeout=60_000)
    return Image.open(io.BytesIO(page.screenshot()))


def someone(desk: Desk, role: str, rep: str) -> Any:
    """A user of that role; the rep is the one whose scorecard is shown."""
    names = {"admin": "Ada Lindqvist", "trainer": "Tess Moreno", "rep": rep}
    try:
        return desk.book.add_user(names[role], role, **({"rep": rep} if role == "rep" else {}))
    except AccessError:
        return desk.book.user(names[role])


@contextmanager
def shown(data: Path, folder: Path) -> Iterator[tuple[Desk, str]]:
    """The app over a copy of `data` in `folder`, and its address."""
    shutil.copytree(data, folder / "debrief-demo", ignore=shutil.ignore_patterns("*.lock", "store.address*", "*.sock"))
    os.chdir(folder)
    with running(Settings(data=Path("debrief-demo"))) as found:
        yield found


if __name__ == "__main__":
    main()
