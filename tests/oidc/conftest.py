"""The company's app and provider, as new for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oidc_house import PASSWORD, USERS, House
from oidc_provider import (
    CLIENT,
    SECRET,
    Company,
    company,
    rsa,
)

from pipeline.access.identities import Identities
from pipeline.oidc.plan import SECRET_NAME
from pipeline.settings import Settings
from pipeline.web.app import running
from pipeline.web.desk import Desk


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, str, Company]]:
    with company() as made, running(Settings(data=tmp_path_factory.mktemp("oidc"))) as (desk, url):
        for role, name in USERS.items():
            desk.book.add_user(name, role, teams=("North",) if role == "manager" else (), password=PASSWORD)
        yield desk, url, made


@pytest.fixture
def house(built: tuple[Desk, str, Company], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    desk, url, made = built
    monkeypatch.setenv(SECRET_NAME, SECRET)
    for name in USERS.values():
        Identities(desk.book).unlink(name)
        Identities(desk.book).set_email(name, f"{name}@example.com")
        desk.book.set_disabled(name, False)
    with desk.book.rows.writing():
        desk.book.rows.run("DELETE FROM attempts")
        desk.book.rows.run("DELETE FROM audit")
    made.person = {"sub": "0001", "email": "ann@example.com", "email_verified": True, "preferred_username": "ann"}
    made.extra, made.keys, made.lies, made.public, made.asked = {}, [rsa()], set(), False, []
    made.redirect_uri = f"{url}/sign-in/back"
    before = desk.settings
    found = House(desk, url, made, monkeypatch, before)
    found.set(public_url=url, oidc_issuer=made.issuer, oidc_client_id=CLIENT, oidc_name="Calder account")
    yield found
    desk.settings, desk._provider = before, None
