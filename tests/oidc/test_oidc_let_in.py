"""Signing in with the company's provider, as a person does it: from the sign-in page over the provider and back."""

from __future__ import annotations

from typing import Any

import pytest
from oidc_house import House, name_of, sign_in, stays_out
from oidc_provider import (
    LIES_OF_CLAIMS,
    LIES_OF_METADATA,
    Handler,
    rsa,
)

from pipeline.access.identities import Identities
from pipeline.oidc.plan import SECRET_NAME
from pipeline.web.gate import SESSION

GROUPS = """
CN=Leads, OU=a=b = manager: North, South
sellers = rep
coaches = trainer; north = manager: North
"""


def test_a_person_signs_in_and_comes_to_the_page_they_wanted(house: House) -> None:
    with house.browser() as browser:
        answer = sign_in(browser, "/training")
        assert (answer.status_code, answer.headers["location"]) == (303, "/training")
        cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION))
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert name_of(browser) == "Ann"
        assert browser.get("/settings/users").status_code == 403
    lines = [(line.kind, line.what) for line in house.desk.book.log(name="Ann")]
    assert ("signed in", "/sign-in/back") in lines
    assert Identities(house.desk.book).subject_of(house.desk.book.user("Ann"), house.company.issuer) == "0001"
    assert [line.detail for line in house.desk.book.log(kind="changed", words="linked to 0001")] != []


def test_afterwards_the_subject_counts_whatever_the_email_is(house: House) -> None:
    with house.browser() as browser:
        sign_in(browser)
    house.company.person |= {"email": "ada@example.com"}
    with house.browser() as browser:
        sign_in(browser)
        assert name_of(browser) == "Ann"


def test_an_address_that_went_to_somebody_new_opens_nothing(house: House) -> None:
    with house.browser() as browser:
        sign_in(browser)
    house.company.person |= {"sub": "0002"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
        assert name_of(browser) == ""
    assert "Ann signs in as somebody else there" in house.reasons()[0]
    Identities(house.desk.book).unlink("Ann")
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


@pytest.mark.parametrize(
    "person",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "yes"},
        {"email_verified": 1.5},
        {"email": "nobody@example.com"},
        {"email": None},
        {"email": ["ann@example.com"]},
        {"email": "ann@example.com\u212a"},
        {"email": "%"},
    ],
)
def test_whoever_is_not_known_is_told_whom_to_ask_and_is_nobody(house: House, person: dict[str, Any]) -> None:
    house.set(oidc_contact="Ada, extension 12")
    house.company.person |= person
    before = len(house.desk.book.users())
    with house.browser() as browser:
        answer = sign_in(browser)
        stays_out(browser, answer, 403)
        assert "Ask Ada, extension 12 to let you in" in answer.text
    assert len(house.desk.book.users()) == before
    assert "no user has this verified e-mail" in house.reasons()[0]


def test_a_disabled_user_stays_out(house: House) -> None:
    with house.browser() as browser:
        sign_in(browser)
        house.desk.book.set_disabled("Ann", True)
        assert name_of(browser) == ""
        assert sign_in(browser).status_code == 403


def test_by_name_where_the_settings_say_so(house: House) -> None:
    house.set(oidc_match="name")
    house.company.person = {"sub": "0003", "preferred_username": "mo"}
    with house.browser() as browser:
        sign_in(browser)
        assert name_of(browser) == "Mo"
    house.company.person = {"sub": "0004", "preferred_username": "Tess@Example.com"}
    with house.browser() as browser:
        sign_in(browser)
        assert name_of(browser) == "Tess"


def test_nobody_becomes_the_operator_by_being_called_so(house: House) -> None:
    house.desk.book.operator_link()
    house.set(oidc_match="name", oidc_groups="all = rep", oidc_create=True)
    house.company.person = {"sub": "0005", "preferred_username": "operator", "groups": ["all"]}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
    house.desk.book.remove_user("operator")


def test_groups_give_role_and_teams_at_each_sign_in(house: House) -> None:
    house.set(oidc_groups=GROUPS, oidc_groups_claim="realm_access.roles")
    person = house.company.person | {"sub": "0006", "email": "mo@example.com"}

    def come(*groups: str) -> tuple[int, str, tuple[str, ...]]:
        house.company.person = person | {"realm_access": {"roles": [*groups, 7, None]}}
        with house.browser() as browser:
            status = sign_in(browser).status_code
        user = house.desk.book.user("Mo")
        return status, user.role, user.teams

    assert come("CN=Leads, OU=a=b") == (303, "manager", ("North", "South"))
    assert come("north", "others") == (303, "manager", ("North",))
    assert come("sellers", "coaches") == (303, "trainer", ())
    # whoever is in none of them any more does not get in, and keeps nothing open
    assert come("others")[0] == 403
    assert come("CN=Leads, OU=a=b")[0] == 303
    assert any("role trainer" in line.detail for line in house.desk.book.log(kind="changed"))


def test_groups_never_take_the_last_admin_away(house: House) -> None:
    house.set(oidc_groups=GROUPS)
    house.company.person |= {"sub": "0007", "email": "ada@example.com", "groups": "sellers"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
    assert house.desk.book.user("Ada").role == "admin"


def test_users_are_made_by_their_groups_only_where_the_settings_say_so(house: House) -> None:
    new = {"sub": "0008", "email": "New@example.com", "email_verified": True, "name": "Ann", "groups": ["sellers"]}
    house.company.person = new
    house.set(oidc_groups=GROUPS)
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
    house.set(oidc_create=True)
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303
        assert name_of(browser) == "new@example.com"
    made = house.desk.book.user("new@example.com")
    # what they may call themselves at the provider opens nobody's calls
    assert (made.role, made.rep, made.email) == ("rep", "new@example.com", "new@example.com")
    house.set(oidc_rep_claim="crm_name")
    house.company.person = new | {"crm_name": "Neil Ewing"}
    with house.browser() as browser:
        sign_in(browser)
    assert house.desk.book.user("new@example.com").rep == "Neil Ewing"
    house.company.person = new | {"sub": "0009", "email_verified": False}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
    house.desk.book.remove_user("new@example.com")


def test_what_only_userinfo_tells_is_asked_there(house: House) -> None:
    house.company.person = {"sub": "0010"}
    house.company.extra = {"email": "ann@example.com", "email_verified": True}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303
    assert "/userinfo" in house.company.asked
    # an address of the ID token is never taken for verified because another one is
    house.company.person = {"sub": "0011", "email": "ada@example.com"}
    house.set(oidc_groups="all = admin")
    house.company.extra |= {"groups": ["all"]}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 403
    house.company.lies = {"userinfo of somebody else"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 502


def test_a_public_client_needs_no_secret(house: House) -> None:
    house.monkeypatch.delenv(SECRET_NAME)
    house.company.public = True
    house.set()
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


def test_the_secret_goes_in_the_body_where_the_provider_wants_it_there(house: House) -> None:
    house.monkeypatch.setitem(
        LIES_OF_METADATA, "post only", {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    )
    house.company.lies = {"post only"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


def test_keys_may_change_and_may_be_of_other_kinds(house: House) -> None:
    from joserfc.jwk import ECKey

    with house.browser() as browser:
        sign_in(browser)
    fetched = house.company.asked.count("/jwks")
    house.company.keys = [ECKey.generate_key("P-256", {"kid": "new", "use": "sig"}), rsa()]
    for _ in range(2):
        with house.browser() as browser:
            assert sign_in(browser).status_code == 303
    assert house.company.asked.count("/jwks") == fetched + 1
    # the same name for another key
    house.company.keys = [ECKey.generate_key("P-256", {"kid": "new", "use": "sig"})]
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


def test_a_token_that_does_not_name_its_key_counts_where_there_is_one_key(house: House) -> None:
    house.monkeypatch.setattr(Handler, "key_set", lambda self: {"keys": [rsa().as_dict(private=False)]})
    house.company.lies = {"no kid among several keys"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303


def test_a_clock_may_be_a_minute_off(house: House) -> None:
    house.monkeypatch.setitem(LIES_OF_CLAIMS, "slow clock", lambda c: {"exp": c["iat"] - 40, "iat": c["iat"] - 340})
    house.company.lies = {"slow clock"}
    with house.browser() as browser:
        assert sign_in(browser).status_code == 303
