"""Around signing in with a provider: limits, signing out, passwords off, users, the doctor, settings."""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from oidc_house import PASSWORD, USERS, House, name_of, sign_in, the_link
from oidc_provider import (
    CLIENT,
    SECRET,
)

from pipeline import doctor
from pipeline.access.book import LIMITS
from pipeline.access.people import ROLES
from pipeline.oidc.plan import SECRET_NAME
from pipeline.web.app import all_routes, build_app, welcome
from pipeline.web.gate import SESSION, VISIT, csrf_token


def test_failures_are_limited_with_those_of_passwords(house: House) -> None:
    house.monkeypatch.setitem(LIMITS, "address", (3, 900.0))
    with house.browser() as browser:
        for _ in range(3):
            browser.get("/sign-in/back?code=x&state=y")
        asked = len(house.company.asked)
        answer = browser.get(the_link(browser.get("/sign-in").text))
        assert answer.status_code == 429
        assert "Wait 15 minutes" in answer.text
        assert len(house.company.asked) == asked
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get("/sign-in").text)
        assert token
        form = {"csrf": token.group(1), "name": "Ann", "password": PASSWORD}
        assert browser.post("/sign-in", data=form).status_code == 429


def test_a_provider_that_is_down_locks_nobody_out(house: House) -> None:
    house.monkeypatch.setitem(LIMITS, "address", (2, 900.0))
    house.company.lies = {"wrong nonce"}
    for _ in range(3):
        with house.browser() as browser:
            assert sign_in(browser).status_code == 502
    house.company.lies = set()
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


def test_signing_out_ends_the_session_and_shows_the_way_out_of_the_provider(house: House) -> None:
    with house.browser() as browser:
        sign_in(browser)
        secret = browser.cookies[SESSION]
        out = browser.post("/sign-out", data={"csrf": csrf_token(secret)})
        assert house.desk.book.session_user(secret) is None
        asked = len(house.company.asked)
        page = browser.get(out.headers["location"]).text
        assert f'href="{house.company.issuer}/logout?client_id={CLIENT}&amp;post_logout_redirect_uri=' in page
        assert len(house.company.asked) == asked


def test_passwords_can_be_turned_off(house: House) -> None:
    invitation = house.desk.book.invite("Ann")
    house.set(oidc_only=True)
    with house.browser() as browser:
        page = browser.get("/sign-in")
        assert 'name="password"' not in page.text
        the_link(page.text)
        visit = csrf_token(browser.cookies[VISIT])
        form = {"csrf": visit, "name": "Ann", "password": PASSWORD}
        assert browser.post("/sign-in", data=form).status_code == 403
        assert SESSION not in browser.cookies
        assert browser.get("/welcome", params={"link": invitation}).status_code == 403
        form = {"csrf": visit, "link": invitation, "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/welcome", data=form).status_code == 403
        sign_in(browser)
        assert browser.get("/password").status_code == 403
        assert 'href="/password"' not in browser.get("/training").text
    house.company.person |= {"sub": "0012", "email": "ada@example.com"}
    with house.browser() as browser:
        sign_in(browser)
        csrf = csrf_token(browser.cookies[SESSION])
        form = {"csrf": csrf, "name": "Eve", "role": "rep", "email": "eve@example.com"}
        added = browser.post("/settings/users", data=form)
        assert added.status_code == 200
        assert "/welcome" not in added.text
        form = {"csrf": csrf, "name": "Eve", "do": "invite"}
        assert browser.post("/settings/users/change", data=form).status_code == 400
    house.desk.book.remove_user("Eve")


def test_an_admin_says_who_is_found_by_which_address_and_unlinks(house: House) -> None:
    house.company.person |= {"sub": "0013", "email": "new.ann@example.com"}
    with house.browser() as admin, house.browser() as rep:
        assert sign_in(rep).status_code == 403
        admin.cookies.set(SESSION, house.desk.book.start_session(house.desk.book.user("Ada")))
        csrf = csrf_token(admin.cookies[SESSION])
        change = {"csrf": csrf, "name": "Ann", "do": "email", "email": "ada@example.com"}
        refused = admin.post("/settings/users/change", data=change)
        assert "Ada&#39;s e-mail already" in refused.text
        assert admin.post("/settings/users/change", data=change | {"email": "New.Ann@example.com"}).status_code == 303
        assert sign_in(rep).status_code == 303
        assert "Unlink from Calder account" in admin.get("/settings/users").text
        assert (
            admin.post("/settings/users/change", data={"csrf": csrf, "name": "Ann", "do": "unlink"}).status_code == 303
        )
        assert name_of(rep) == ""
    kept = [line.detail for line in house.desk.book.log(name="Ada", kind="changed")]
    assert any("unlink Ann" in line for line in kept)


@pytest.mark.parametrize("role", ["", *ROLES])
def test_the_way_in_as_every_role(house: House, role: str) -> None:
    mine = [route for route in all_routes() if route.path.startswith("/sign-in/")]
    assert len(mine) == 2
    at = TestClient(build_app(house.desk), base_url=house.url, follow_redirects=False)
    if role:
        at.cookies.set(SESSION, house.desk.book.start_session(house.desk.book.user(USERS[role])))
    assert at.get("/sign-in/provider").headers["location"].startswith("/" if role else house.company.issuer)
    assert at.get("/sign-in/back").status_code == (303 if role else 400)
    for route in mine:
        assert at.head(route.path).status_code == 404
        # an unsafe request finds no route of that method, and nobody comes in by one
        assert at.post(route.path).status_code in (303, 403, 404)


def test_nothing_is_asked_of_anybody_until_somebody_clicks(house: House) -> None:
    def watched(_: Any, address: Any) -> Any:
        raise AssertionError(f"connected to {address}")

    at = TestClient(build_app(house.desk), base_url=house.url, follow_redirects=False)
    house.monkeypatch.setattr(socket.socket, "connect", watched)
    the_link(at.get("/sign-in").text)
    assert house.company.asked == []
    house.desk.settings, house.desk._provider = house.before, None
    page = at.get("/sign-in").text
    assert "Sign in with" not in page
    assert at.get("/sign-in/provider").status_code == 404
    assert at.get("/sign-in/back?code=x&state=y").status_code == 404
    assert doctor._provider(house.before) == {"what": "sign-in provider", "found": "off", "ok": True, "remedy": ""}
    assert house.company.asked == []


def row(house: House) -> Any:
    return doctor._provider(house.desk.settings)


def test_the_doctor_asks_the_provider_and_knows_the_last_reason(house: House) -> None:
    assert row(house)["ok"]
    assert f"{house.company.issuer} answers: 1 keys" in row(house)["found"]
    assert f"{house.url}/sign-in/back" in row(house)["found"]
    house.company.lies = {"wrong audience"}
    with house.browser() as browser:
        sign_in(browser)
    assert "last failed at" in row(house)["found"]
    assert "'aud'" in row(house)["found"]
    house.company.lies = {"openid-configuration: 500"}
    assert (row(house)["ok"], "answered 500" in row(house)["found"]) == (False, True)
    assert SECRET not in str(row(house))


def misconfigure(**changes: Any) -> Callable[[House], None]:
    return lambda house: setattr(house.desk, "settings", dataclasses.replace(house.desk.settings, **changes))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (misconfigure(oidc_issuer="http://login.example.com"), "oidc_issuer: expected an https address"),
        (misconfigure(oidc_client_id=" "), "oidc_client_id: none set"),
        (misconfigure(oidc_match="any"), "oidc_match: expected email or name"),
        (misconfigure(oidc_create=True), "oidc_create: needs oidc_groups"),
        (misconfigure(oidc_groups="a = boss"), "oidc_groups: 'a = boss': expected"),
    ],
)
def test_settings_that_make_no_sense_are_one_plain_line(
    house: House, spoil: Callable[[House], None], reason: str
) -> None:
    spoil(house)
    house.desk._provider = None
    assert any(reason in line for line in welcome(house.desk))
    with house.browser() as browser:
        answer = browser.get(the_link(browser.get("/sign-in").text))
        assert answer.status_code == 502
        assert "oidc_" not in answer.text
    assert house.reasons()[0].startswith(reason)
    assert row(house)["found"].startswith(reason)
    assert not row(house)["ok"]
    assert house.company.asked == []


def test_a_wrong_secret_is_the_admins_matter_and_is_told_to_nobody(house: House) -> None:
    house.monkeypatch.setenv(SECRET_NAME, "not-the-secret")
    house.set()
    with house.browser() as browser:
        assert sign_in(browser).status_code == 502
    assert "invalid_client" in house.reasons()[0]
    assert "not-the-secret" not in house.reasons()[0]
