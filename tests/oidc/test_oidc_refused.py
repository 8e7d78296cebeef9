"""Who is not signed in: tokens, providers and browsers that are not what they should be."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from oidc_house import House, name_of, sign_in, stays_out, the_link, there
from oidc_provider import (
    LIES_OF_CLAIMS,
    LIES_OF_METADATA,
    LIES_OF_SIGNING,
    MISBEHAVIOURS,
    SECRET,
    rsa,
)
from waiting import HANGS_S

from pipeline.oidc import fetch
from pipeline.web.gate import SESSION, VISIT


@pytest.mark.parametrize("lie", [*LIES_OF_CLAIMS, *LIES_OF_SIGNING, "no ID token", "no keys"])
def test_a_token_that_does_not_hold_lets_nobody_in(house: House, lie: str) -> None:
    house.company.keys = [rsa(), rsa(1)]
    house.company.lies = {lie}
    with house.browser() as browser:
        answer = sign_in(browser)
        stays_out(browser, answer, 502)
        assert "Signing in with Calder account does not work right now." in answer.text
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
    turns = [fetch._TURN.acquire(timeout=HANGS_S) for _ in range(4)]
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
        back = httpx.get(gone.headers["location"], timeout=HANGS_S, verify=False)
        assert browser.get(back.headers["location"]).headers["location"] == "/"


def test_a_state_with_another_goal_is_no_state(house: House) -> None:
    with house.browser() as browser:
        back = there(browser)
        state = parse_qs(urlsplit(back).query)["state"][0]
        first, until, _, mac = state.split(".")
        forged = f"{first}.{until}.Ly9ldmlsLmV4YW1wbGU.{mac}"
        assert browser.get(back.replace(state, forged)).status_code == 400
