"""What the settings say about signing in through a provider, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pipeline.access.people import ROLES
from pipeline.errors import SettingsError
from pipeline.settings import LOOPBACK

if TYPE_CHECKING:
    from pipeline.access.book import AccessBook
    from pipeline.settings import Settings

SECRET_NAME = "DEBRIEF_OIDC_CLIENT_SECRET"
MATCHES = ("email", "name")
BY_REACH = ("admin", "trainer", "manager", "rep")
"""The roles, the one that sees most first: it counts where somebody's groups give several."""

_RULE = re.compile(rf"^(?P<group>.+?)\s*=\s*(?P<role>{'|'.join(ROLES)})\s*(?::\s*(?P<teams>[^=]*))?$")
_LONGEST_SECRET = 4096


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Members of the provider's `group` have this role, a manager with these teams."""

    group: str
    role: str
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """How people sign in through the provider; the fields are the settings `oidc_...`, checked."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    match: str = "email"
    groups_claim: str = "groups"
    groups: tuple[GroupRule, ...] = ()
    create: bool = False
    rep_claim: str = ""

    def reach_of(self, mine: Iterable[str]) -> tuple[str, tuple[str, ...]] | None:
        """The role and a manager's teams that these groups give; None where none of them gives any."""
        held = set(mine)
        rules = [rule for rule in self.groups if rule.group in held]
        if not rules:
            return None
        role = min((rule.role for rule in rules), key=BY_REACH.index)
        return role, tuple(sorted({team for rule in rules if rule.role == role for team in rule.teams}))


def is_on(settings: Settings) -> bool:
    """Whether a provider is named at all; nothing leaves the machine for this while none is."""
    return bool(settings.oidc_issuer.strip())


def passwords_count(settings: Settings) -> bool:
    """Whether people sign in with passwords too: not with `oidc_only`."""
    return not (settings.oidc_only and is_on(settings))


def anyone_can_sign_in(book: AccessBook, settings: Settings) -> bool:
    """Whether any user can, by what the settings take; somebody yet to be made by their groups can too."""
    on = is_on(settings)
    return (on and settings.oidc_create) or book.anyone_can_sign_in(passwords=passwords_count(settings), provider=on)


def plan_of(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Plan:
    """The settings of a provider that is named. Raises `SettingsError` with the setting and what to give."""
    issuer = settings.oidc_issuer.strip()
    if address(issuer) is None or urlsplit(issuer).query:
        raise SettingsError("oidc_issuer: expected an https address such as https://login.example.com")
    if not settings.oidc_client_id.strip():
        raise SettingsError("oidc_client_id: none set; the provider gives one when you register debrief there")
    if settings.oidc_match not in MATCHES:
        raise SettingsError(f"oidc_match: expected {' or '.join(MATCHES)}, found {settings.oidc_match!r}")
    groups = group_rules(settings.oidc_groups)
    if settings.oidc_create and not groups:
        raise SettingsError("oidc_create: needs oidc_groups, which say who is let in as what")
    return Plan(
        issuer=issuer,
        client_id=settings.oidc_client_id.strip(),
        secret=client_secret(settings, environ=environ),
        scopes=tuple(dict.fromkeys(("openid", *settings.oidc_scopes.split()))),
        match=settings.oidc_match,
        groups_claim=settings.oidc_groups_claim.strip(),
        groups=groups,
        create=settings.oidc_create,
        rep_claim=settings.oidc_rep_claim.strip(),
    )


def client_secret(settings: Settings, *, environ: Mapping[str, str] | None = None) -> str:
    """The client's secret from the environment, else from the file that the settings name; empty where neither is
    there: a public client. Raises `SettingsError`, which repeats nothing of it."""
    text = (os.environ if environ is None else environ).get(SECRET_NAME, "")
    if not text and settings.oidc_client_secret_file:
        path = secret_file(settings)
        try:
            with path.open("rb") as file:
                text = file.read(_LONGEST_SECRET + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not text"
            raise SettingsError(f"oidc_client_secret_file: {path}: cannot be read ({why})") from None
        if not text.strip():
            raise SettingsError(f"oidc_client_secret_file: {path}: is empty")
    text = text.strip()
    if len(text) > _LONGEST_SECRET or not text.isprintable():
        raise SettingsError(f"{SECRET_NAME} or oidc_client_secret_file: expected one line")
    return text


def secret_file(settings: Settings) -> Path:
    """Where the file of the secret lies; a relative path counts from the data folder."""
    return settings.data / Path(settings.oidc_client_secret_file).expanduser()


def group_rules(text: str) -> tuple[GroupRule, ...]:
    """The rules of `oidc_groups`: `GROUP = ROLE` or `GROUP = manager: TEAM, TEAM`, one a line or between semicolons.

    Raises `SettingsError` naming the rule that is none.
    """
    rules = []
    for line in re.split(r"[\n;]", text):
        if not line.strip():
            continue
        found = _RULE.match(line.strip())
        teams = tuple(team.strip() for team in ((found and found["teams"]) or "").split(",") if team.strip())
        if found is None or bool(teams) != (found["role"] == "manager"):
            raise SettingsError(
                f"oidc_groups: {line.strip()[:60]!r}: expected GROUP = ROLE (one of {', '.join(ROLES)}), "
                "for managers with their teams: GROUP = manager: North, South"
            )
        rules.append(GroupRule(found["group"], found["role"], teams))
    return tuple(rules)


def address(text: str) -> SplitResult | None:
    """An address that secrets may be sent to: https, or http on this machine; None for any other."""
    try:
        parts = urlsplit(text)
        sound = parts.hostname and (parts.port or 1) and text.isprintable() and " " not in text
    except ValueError:
        return None
    if not sound or parts.username is not None or parts.password is not None or parts.fragment or "\\" in text:
        return None
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return parts if safe else None
