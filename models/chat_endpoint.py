"""A chat model behind an OpenAI-compatible server: one request, one answer, or one line why not.

WARNING. The whole transcript (speaker labels and words) is sent to the server that the user names in `judge_url`. With
a hosted service the call leaves this machine and the company. Nothing is sent unless `judge = "endpoint"` and a URL
are set. The key comes from the environment variable `DEBRIEF_JUDGE_KEY` at each request; it is kept in no object,
file or message, and redirects are not followed, so that it reaches no other host.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from models.chat_judge import Messages, Unanswered
from pipeline.errors import SettingsError
from pipeline.wire import Wire, within

KEY_NAME = "DEBRIEF_JUDGE_KEY"
MAX_ANSWER_BYTES = 2_000_000
TELLING_KEY = 8
"""Characters from which a key is looked for in what the server sends back."""

AGAIN = {408, 409, 425, 429}
"""Statuses below 500 that another attempt may get past."""
REMEDIES = {
    401: f"; check {KEY_NAME}",
    403: f"; check {KEY_NAME}",
    404: "; check judge_url and judge_model",
    413: "; the call is too long for this model",
}


def checked_url(url: str) -> str:
    """The address that requests go to: `url` is the base (`http://127.0.0.1:8000/v1`). Raises `SettingsError`."""
    try:
        parts = urlsplit(url.strip())
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        sound = False
    if not sound:
        raise SettingsError("judge_url: expected the server's base address, such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"judge_url: leave out user, password and anything after '?'; a key goes into {KEY_NAME}")
    return parts.geturl().rstrip("/") + "/chat/completions"


class Endpoint:
    """An OpenAI-compatible server and a model on it; `complete` asks it once.

    `timeout_s` is the limit of a whole request. A server that refuses a schema for its answer and answers without one
    is asked without from then on.
    """

    def __init__(self, url: str, model: str, *, timeout_s: float) -> None:
        self._url = checked_url(url)
        self._model = model
        self._timeout_s = timeout_s
        self._takes_schema = True

    def complete(self, messages: Messages, *, schema: Mapping[str, Any]) -> str:
        """The text of the model's answer, at temperature 0. Raises `Unanswered`, whatever the server does."""
        body: dict[str, Any] = {"model": self._model, "messages": list(messages), "temperature": 0, "stream": False}
        if self._takes_schema:
            form = {"name": "scorecard", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        key = os.environ.get(KEY_NAME, "").strip()
        status, answer, after_s = self._post(json.dumps(body).encode("ascii"), key)
        if status in (400, 422):
            # refused with a schema, it is tried without; refused either way, the schema was not the reason
            self._takes_schema = not self._takes_schema
            raise Unanswered(f"it answered HTTP {status}: it refuses the request", again=not self._takes_schema)
        if status != 200:
            again = status in AGAIN or status >= 500
            raise Unanswered(f"it answered HTTP {status}{REMEDIES.get(status, '')}", again=again, after_s=after_s)
        text = _content(answer)
        if len(key) >= TELLING_KEY and key in text:
            raise Unanswered("its answer repeats the key that it was given", again=False)
        return text

    def _post(self, body: bytes, key: str) -> tuple[int, bytes, float]:
        """(status, body, seconds that the server asks to wait), or `Unanswered`, within the limit in any case."""

        def ask(wire: Wire) -> tuple[int, bytes, float] | Unanswered:
            try:
                return self._sent(body, key, wire)
            except Unanswered as problem:
                return problem

        found = within(self._timeout_s, ask, name="judge")
        if found is None:
            raise Unanswered(f"it did not answer within {self._timeout_s:g} s", again=True)
        if isinstance(found, Unanswered):
            raise found
        return found

    def _sent(self, body: bytes, key: str, wire: Wire) -> tuple[int, bytes, float]:
        import httpx

        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            # a proxy that the environment names is for the world outside, not for a server on this machine
            with (
                httpx.Client(timeout=self._timeout_s, trust_env=not _is_here(self._url)) as client,
                client.stream("POST", self._url, content=body, headers=headers, extensions=wire.extensions) as response,
            ):
                received = bytearray()
                for part in response.iter_bytes():
                    received += part
                    if len(received) > MAX_ANSWER_BYTES:
                        raise Unanswered("its answer has no end", again=False)
                return response.status_code, bytes(received), _seconds(response.headers.get("Retry-After", ""))
        except httpx.TimeoutException:
            raise Unanswered(f"it did not answer within {self._timeout_s:g} s", again=True) from None
        except httpx.HTTPError as error:
            # the name of the error alone: its text may hold what was sent
            raise Unanswered(f"it could not be reached or broke off ({type(error).__name__})", again=True) from None
        except UnicodeEncodeError:
            raise Unanswered(f"{KEY_NAME} holds characters that cannot be sent", again=False) from None
        except (httpx.InvalidURL, ValueError, OSError, ImportError) as error:
            # an address, a proxy or a certificate file, named in the settings or the environment, that makes no sense
            raise Unanswered(f"no request could be made ({type(error).__name__})", again=False) from None


def _content(answer: bytes) -> str:
    try:
        choice = json.loads(answer)["choices"][0]
        text, finish = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise Unanswered("what it sent is not a chat completion", again=True) from None
    if finish == "length":
        raise Unanswered("its answer was cut off at its length limit", again=False)
    if not isinstance(text, str) or not text.strip():
        raise Unanswered("its answer is empty", again=True)
    return text


def _seconds(text: str) -> float:
    """`Retry-After` in seconds; 0 where there is none, or a date."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
