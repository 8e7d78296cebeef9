"""Somebody who reads the web app while calls come in: signed in over HTTP, a page after the other at a steady pace."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

KNOWN = 200
"""Calls that a reader has seen in lists and may open."""
TIMEOUT_S = 60.0
READY_S = 600.0

SHARES: dict[str, int] = {
    "/team": 6,
    "/reps/{rep}": 6,
    "/reps/{rep}/criteria/{criterion}": 2,
    "/calls": 5,
    "/calls?q={rep}": 2,
    "/calls?page=3": 1,
    "/calls/{call_id}": 8,
    "/accounts": 4,
    "/accounts/{account}": 4,
    "/snippets": 3,
    "/snippets?words=price": 2,
    "/snippets/queue": 1,
    "/training": 2,
    "/inbox": 4,
    "/calibration": 1,
    "/api/v1/calls?limit=100&offset={offset}": 6,
    "/api/v1/calls/{call_id}": 3,
    "/api/v1/calls/{call_id}/transcript": 1,
    "/api/v1/reps": 2,
    "/api/v1/reps/{rep}": 2,
    "/api/v1/gaps": 1,
    "/api/v1/accounts": 1,
    "/api/v1/moments": 1,
    "/api/v1/inbox": 1,
}
"""Pages, and how often each is read among the others."""
CRITERIA = ("discovery", "business_case", "proposal", "ask_for_sale")
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Read:
    """One page read: `at` seconds since the start, how long it took in ms, and its status (0: no answer)."""

    at: float
    who: str
    page: str
    ms: float
    status: int
    size: int
    said: str = ""


class Reader(threading.Thread):
    """Reads a page every `every_s`, after `first_s`, the next at once where one took longer, until `stop` is set; `log`
    keeps each read as a line of JSON. Raises `RuntimeError` where it cannot sign in."""

    def __init__(
        self,
        address: str,
        name: str,
        password: str,
        *,
        every_s: float,
        first_s: float,
        stop: threading.Event,
        log: Path,
    ) -> None:
        super().__init__(name=f"reader-{name}", daemon=True)
        self.reads: list[Read] = []
        self._who, self._every_s, self._first_s, self._stop_reading, self._log = name, every_s, first_s, stop, log
        self._chance = random.Random(name)
        self._known: list[dict[str, str]] = []
        self._total = 0
        # a browser: it keeps its connection, and goes where it is sent
        self._at = httpx.Client(base_url=address, follow_redirects=False, timeout=TIMEOUT_S)
        form = self._at.get("/sign-in")
        token = _CSRF.search(form.text)
        fields = {"name": name, "password": password, "next": "/", "csrf": token[1] if token else ""}
        answer = self._at.post("/sign-in", data=fields)
        if answer.status_code != 303:
            raise RuntimeError(f"{name} cannot sign in: {answer.status_code} {answer.text[:300]}")

    def wait_until_ready(self) -> None:
        """Until the standings are there: over calls of a run before, they are worked out when the web app starts."""
        until = time.monotonic() + READY_S
        while self._at.get("/team").status_code == 503 and time.monotonic() < until:
            time.sleep(1)

    def run(self) -> None:
        start = time.monotonic()
        due = start + self._first_s
        with self._log.open("a", encoding="utf-8") as log:
            while not self._stop_reading.wait(max(0.0, due - time.monotonic())):
                read = self._read(start)
                self.reads.append(read)
                log.write(json.dumps([getattr(read, name) for name in Read.__slots__]) + "\n")
                log.flush()
                due = max(due + self._every_s, time.monotonic())

    def _read(self, start: float) -> Read:
        page = self._chance.choices(list(SHARES), list(SHARES.values()))[0]
        if not self._known and "{" in page:
            page = "/api/v1/calls?limit=100&offset={offset}"
        began = time.monotonic()
        try:
            answer = self._at.get(self._filled(page))
            took = 1000 * (time.monotonic() - began)
            status, size = answer.status_code, len(answer.content)
            said = "" if status == 200 else re.sub(r"\s+", " ", answer.text)[-300:]
            if status == 200 and page.startswith("/api/v1/calls?"):
                self._learn(answer.json())
        except Exception as error:  # an answer that breaks off or makes no sense counts, and the next page is read
            took, status, size, said = 1000 * (time.monotonic() - began), 0, 0, f"{type(error).__name__}: {error}"
        return Read(round(began - start, 2), self._who, page, round(took, 1), status, size, said)

    def _filled(self, page: str) -> str:
        call = self._chance.choice(self._known) if self._known else {}
        values = {
            **call,
            "criterion": self._chance.choice(CRITERIA),
            "offset": str(self._chance.randint(0, self._total)),
        }
        return _PART.sub(lambda found: quote(values[found[1]], safe=""), page)

    def _learn(self, rows: list[dict[str, str]]) -> None:
        """Remember calls that a list showed, so that later pages are of old and new ones."""
        self._total = max(self._total + (50 if len(rows) == 100 else -50), 0)
        named = [row for row in rows if row["rep"] and row["account"]]
        self._known = [*self._known, *self._chance.sample(named, min(len(named), 20))][-KNOWN:]
