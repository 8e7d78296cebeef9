"""Where a digest goes: always an HTML file in the data folder; by e-mail or to a webhook only where that is configured.

Nothing is sent unless `digest_to` with `smtp_host`, or `digest_webhook`, is set. A delivery that fails is one line in
the report and stops nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import smtplib
import ssl
from dataclasses import replace
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline import keep
from pipeline.digest import Digest, as_html, as_text, plain
from pipeline.redact import chosen_kinds, redact_text
from pipeline.settings import Settings

TIMEOUT_S = 30.0
TEAMS_HOSTS = (".office.com", ".logic.azure.com", ".powerplatform.com")
"""Hosts whose webhooks take an adaptive card; all others take Slack's `{"text"}`, which most chat servers know."""
_LONGEST_MESSAGE = 20_000


def deliver(digest: Digest, settings: Settings) -> dict[str, Any]:
    """Write and send a digest: `{"file", "sent": [...], "problems": [...]}`. Raises `StoreError` for the file only."""
    digest = _redacted(digest, chosen_kinds(settings.redact))
    path = settings.data / "digests" / f"{digest.name}.html"
    keep.write_atomically(path, as_html(digest).encode("utf-8"))
    sent: list[str] = []
    problems: list[str] = []
    for name, wanted, send in (
        ("e-mail", settings.digest_to and settings.smtp_host, _mail),
        ("webhook", settings.digest_webhook, _post),
    ):
        if not wanted:
            continue
        taken, problem = send(digest, settings)
        if taken:
            sent.append(name)
        if problem:
            said = "sent to some only" if taken else "not sent"
            problems.append(f"digest {said} by {name} ({problem}); correct the settings")
    if settings.digest_to and not settings.smtp_host:
        problems.append("digest not sent by e-mail: `digest_to` is set and `smtp_host` is not")
    return {"file": str(path), "sent": sent, "problems": problems}


def unused_name(data: Path, name: str) -> str:
    """`name`, or with a number after it where a digest is called that already: another of that day replaces none."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(item for item in names if not (data / "digests" / f"{item}.html").exists())


def _redacted(digest: Digest, kinds: frozenset[str]) -> Digest:
    """The digest without private details, which promises and reasons may quote; the ids of calls are none, and half of
    one would be taken for somebody's number."""
    sections = tuple(
        replace(part, lines=tuple(redact_text(line, kinds=kinds).text for line in part.lines))
        for part in digest.sections
    )
    return replace(digest, sections=sections)


def _mail(digest: Digest, settings: Settings) -> tuple[bool, str]:
    """Send by SMTP; whether anybody gets it, and what went wrong, empty when nothing did."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        message = _message(digest, settings)
        with _smtp(settings) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, os.environ.get("DEBRIEF_SMTP_PASSWORD", ""))
            # a server that takes some of the addresses raises nothing: the others would never know
            refused = server.send_message(message)
            taken = True
    except smtplib.SMTPRecipientsRefused as error:
        taken, refused = False, error.recipients
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return False, f"{where}: {_line(error)}"
    told = (
        f"{address} refused with {code} {plain(why.decode('utf-8', 'replace'))}"
        for address, (code, why) in sorted(refused.items())
    )
    return taken, f"{where}: {', '.join(told)}" if refused else ""


def _message(digest: Digest, settings: Settings) -> EmailMessage:
    """The digest as a mail, as text and as HTML. Raises `ValueError` for an address that cannot stand in a mail."""
    message = EmailMessage()
    message["Subject"] = digest.title
    message["From"] = settings.digest_from
    message["To"] = ", ".join(part.strip() for part in settings.digest_to.split(",") if part.strip())
    # not every server adds them, and what has none is taken for spam; this machine's name stays out of it
    message["Date"] = format_datetime(dt.datetime.now().astimezone())
    message["Message-ID"] = make_msgid(domain=parseaddr(settings.digest_from)[1].rpartition("@")[2] or "localhost")
    message.set_content(as_text(digest))
    message.add_alternative(as_html(digest), subtype="html")
    return message


def _smtp(settings: Settings) -> smtplib.SMTP:
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=TIMEOUT_S, context=ssl.create_default_context())
    return smtplib.SMTP(*where, timeout=TIMEOUT_S)


def _post(digest: Digest, settings: Settings) -> tuple[bool, str]:
    """Post to the webhook, whose address is a secret: whether it was taken, and what went wrong without the address."""
    import httpx

    try:
        host = urlsplit(settings.digest_webhook).hostname or ""
        body = webhook_body(digest, host=host)
        answer = httpx.post(settings.digest_webhook, json=body, timeout=TIMEOUT_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return False, f"{type(error).__name__}: no answer from the webhook"
    return answer.is_success, "" if answer.is_success else f"{host} answered {answer.status_code}"


def webhook_body(digest: Digest, *, host: str) -> dict[str, Any]:
    """What a chat server takes: an adaptive card for Teams, `{"text"}` for Slack and all others."""
    text = as_text(digest)[:_LONGEST_MESSAGE]
    if not host.endswith(TEAMS_HOSTS):
        # Slack reads <...> as links and mentions; these three escapes are all it asks for
        return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    blocks: list[dict[str, Any]] = [{"type": "TextBlock", "text": digest.title, "weight": "bolder", "size": "large"}]
    for item in digest.sections:
        blocks.append({"type": "TextBlock", "text": item.title, "weight": "bolder"})
        blocks.extend({"type": "TextBlock", "text": line, "wrap": True} for line in item.told(digest.base))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def latest(data: Path) -> Path | None:
    """The newest digest file."""
    return max((data / "digests").glob("*.html"), key=lambda path: path.stat().st_mtime, default=None)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
