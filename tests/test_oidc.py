"""Signing in with the company's provider, as a person does it: from the sign-in page over the provider and back."""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from oidc_provider import (
    CLIENT,
    LIES_OF_CLAIMS,
    LIES_OF_METADATA,
    LIES_OF_SIGNING,
    MISBEHAVIOURS,
    SECRET,
    Company,
    Handler,
    company,
    rsa,
)

from pipeline import doctor
from pipeline.access.book import LIMITS
from pipeline.access.identities import Identities
from pipeline.access.people import ROLES
from pipeline.oidc import fetch
from pipeline.oidc.plan import SECRET_NAME, plan_of
from pipeline.oidc.provider import Provider
from pipeline.settings import Settings
from pipeline.web.app import all_routes, build_app, running, welcome
from pipeline.web.desk import Desk
from pipeline.web.gate import SESSION, VISIT, csrf_token

PASSWORD = "a long enough phrase"
USERS = {"admin": "Ada", "manager": "Mo", "trainer": "Tess", "rep": "Ann"}


@dataclass
class House:
    """The app at `url` over `desk`, and the provider of the company."""

    desk: Desk
    url: str
    company: Company
    monkeypatch: pytest.MonkeyPatch
    before: Settings

    def set(self, *, deadline_s: float = 20.0, **changes: Any) -> None:
        """Settings as if the app had been started with them."""
        self.desk.settings = dataclasses.replace(self.desk.settings, **changes)
        self.desk._provider = Provider(plan_of(self.desk.settings), deadline_s=deadline_s)

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, verify=False)

    def reasons(self) -> list[str]:
        return [line.detail for line in self.desk.book.log(kind="failed sign-in", words="/sign-in/")]


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


def the_link(page: str) -> str:
    found = re.search(r'href="([^"]+)">Sign in with Calder account</a>', page)
    assert found, page
    return found.group(1).replace("&amp;", "&")


def there(browser: httpx.Client, path: str = "/") -> str:
    """From a page to the provider and signed in there: the address that the provider sends the browser back to."""
    page = browser.get(path, follow_redirects=True)
    gone = browser.get(the_link(page.text))
    assert gone.status_code == 303, gone.text
    back = httpx.get(gone.headers["location"], timeout=30, verify=False)
    assert back.status_code == 302, back.text
    return back.headers["location"]


def sign_in(browser: httpx.Client, path: str = "/") -> httpx.Response:
    return browser.get(there(browser, path))


def name_of(browser: httpx.Client) -> str:
    page = browser.get("/", follow_redirects=True)
    found = re.search(r'<div class="me">\s*<div><strong>([^<]+)', page.text)
    return found.group(1) if found else ""


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
        assert answer.status_code == 403
        assert "Ask Ada, extension 12 to let you in" in answer.text
        assert SESSION not in browser.cookies
        assert name_of(browser) == ""
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


GROUPS = """
CN=Leads, OU=a=b = manager: North, South
sellers = rep
coaches = trainer; north = manager: North
"""


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


@pytest.mark.parametrize("lie", [*LIES_OF_CLAIMS, *LIES_OF_SIGNING, "no ID token", "no keys"])
def test_a_token_that_does_not_hold_lets_nobody_in(house: House, lie: str) -> None:
    house.company.keys = [rsa(), rsa(1)]
    house.company.lies = {lie}
    with house.browser() as browser:
        answer = sign_in(browser)
        assert answer.status_code == 502
        assert "Signing in with Calder account does not work right now." in answer.text
        assert SESSION not in browser.cookies
        assert name_of(browser) == ""
    assert re.search(r"ID token|key set", house.reasons()[0])
    assert not house.desk.book.user("Ann").linked


@pytest.mark.parametrize("lie", [*LIES_OF_METADATA, *(f"openid-configuration: {how}" for how in MISBEHAVIOURS)])
def test_a_provider_that_cannot_be_used_is_one_plain_line(house: House, lie: str) -> None:
    house.company.lies = {lie}
    house.set(deadline_s=0.4 if lie.endswith(("slow", "drips")) else 20.0)
    with house.browser() as browser:
        page = browser.get("/sign-in")
        answer = browser.get(the_link(page.text))
        assert answer.status_code == 502
        assert "does not work right now" in answer.text
        assert "Traceback" not in answer.text
        assert "location" not in answer.headers
        # the password works as before
        assert 'name="password"' in browser.get("/sign-in").text
    assert len(house.reasons()) == 1
    assert ("longer than" in house.reasons()[0]) is lie.endswith("floods")
    assert SECRET not in house.reasons()[0]


@pytest.mark.parametrize("where", ["/token", "/jwks"])
@pytest.mark.parametrize("how", MISBEHAVIOURS)
def test_a_provider_that_fails_half_way_is_one_plain_line(house: House, where: str, how: str) -> None:
    house.company.lies = {f"{where}: {how}"}
    # what is known already needs no patience
    house.set(deadline_s=20.0)
    with house.browser() as browser:
        back = there(browser)
        if how in ("slow", "drips"):
            assert house.desk._provider is not None
            house.desk._provider._line.deadline_s = 0.4
        answer = browser.get(back)
        assert answer.status_code == 502
        assert SESSION not in browser.cookies
    assert len(house.reasons()) == 1


def test_one_that_is_down_is_left_alone_for_a_moment(house: House) -> None:
    house.company.lies = {"openid-configuration: 500"}
    with house.browser() as browser:
        link = the_link(browser.get("/sign-in").text)
        assert [browser.get(link).status_code for _ in range(5)] == [502] * 5
    assert len(house.company.asked) == 1


def test_slow_answers_do_not_take_all_threads(house: House) -> None:
    turns = [fetch._TURN.acquire(blocking=False) for _ in range(4)]
    try:
        house.set(deadline_s=0.2)
        with house.browser() as browser:
            assert browser.get(the_link(browser.get("/sign-in").text)).status_code == 502
            assert browser.get("/sign-in").status_code == 200
    finally:
        assert all(turns)
        for _ in turns:
            fetch._TURN.release()
    assert "too many sign-ins wait" in house.reasons()[0]


@pytest.mark.parametrize(
    ("lie", "status"),
    [("access denied", 400), ("server error", 502), ("another issuer answers", 502), ("no issuer in the answer", 502)],
)
def test_what_the_provider_answers_instead_of_a_code(house: House, lie: str, status: int) -> None:
    house.company.lies = {lie}
    with house.browser() as browser:
        answer = sign_in(browser)
        assert answer.status_code == status
        assert "\x1b" not in answer.text
        assert "<b>no</b>" not in answer.text
    assert "\x1b" not in house.reasons()[0]


def test_a_code_counts_once_even_where_the_provider_takes_it_again(house: House) -> None:
    house.company.lies = {"takes codes again"}
    with house.browser() as browser:
        back = there(browser)
        visit = browser.cookies[VISIT]
        assert browser.get(back).status_code == 303
        browser.cookies.clear()
        browser.cookies.set(VISIT, visit)
        answer = browser.get(back)
        assert answer.status_code == 400
        assert "begin again" in answer.text
        assert SESSION not in browser.cookies
    assert "it is finished already" in house.reasons()[0]


def test_a_made_up_code_is_refused(house: House) -> None:
    with house.browser() as browser:
        back = there(browser)
        code = parse_qs(urlsplit(back).query)["code"][0]
        assert browser.get(back.replace(code, "made-up")).status_code == 400
    assert "does not take the code: invalid_grant (Code not valid)" in house.reasons()[0]


def test_nobody_can_finish_what_another_browser_began(house: House) -> None:
    """Neither be signed in as somebody else by a link of theirs, nor take over a code that was seen."""
    with house.browser() as mine, house.browser() as theirs:
        back = there(theirs)
        there(mine)
        assert mine.get(back).status_code == 400
        assert SESSION not in mine.cookies
        # their code with a state of one's own: PKCE says no
        code = parse_qs(urlsplit(back).query)["code"][0]
        own = there(mine)
        mixed = own.replace(parse_qs(urlsplit(own).query)["code"][0], code)
        assert mine.get(mixed).status_code == 400
        assert SESSION not in mine.cookies
    with house.browser() as stranger:
        assert stranger.get("/sign-in/back?code=x&state=y").status_code == 400
        assert stranger.get("/sign-in/back").status_code == 400


def test_a_session_that_was_put_into_the_browser_before_is_not_the_one_after(house: House) -> None:
    with house.browser() as browser:
        browser.cookies.set(SESSION, "chosen-by-somebody-else-chosen-by-somebody-else")
        answer = sign_in(browser)
        assert answer.status_code == 303
        fresh = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION))
    assert "chosen-by" not in fresh
    assert house.desk.book.session_user("chosen-by-somebody-else-chosen-by-somebody-else") is None
    secret = fresh.partition("=")[2].partition(";")[0]
    found = house.desk.book.session_user(secret)
    assert found is not None
    assert found.name == "Ann"


def test_whoever_is_signed_in_already_stays_who_they_are(house: House) -> None:
    with house.browser() as browser:
        back = there(browser)
        link = the_link(browser.get("/sign-in").text)
        browser.cookies.set(SESSION, house.desk.book.start_session(house.desk.book.user("Tess")))
        for address in (back, link):
            assert browser.get(address).headers["location"] == "/"
        assert name_of(browser) == "Tess"


@pytest.mark.parametrize(
    "goal",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "x" * 900,
    ],
)
def test_nothing_leads_to_another_site(house: House, goal: str) -> None:
    with house.browser() as browser:
        gone = browser.get("/sign-in/provider", params={"next": goal})
        assert gone.headers["location"].startswith(f"{house.company.issuer}/authorize?tenant=a&")
        back = httpx.get(gone.headers["location"], timeout=30, verify=False)
        assert browser.get(back.headers["location"]).headers["location"] == "/"


def test_a_state_with_another_goal_is_no_state(house: House) -> None:
    with house.browser() as browser:
        back = there(browser)
        state = parse_qs(urlsplit(back).query)["state"][0]
        first, until, _, mac = state.split(".")
        forged = f"{first}.{until}.Ly9ldmlsLmV4YW1wbGU.{mac}"
        assert browser.get(back.replace(state, forged)).status_code == 400


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
