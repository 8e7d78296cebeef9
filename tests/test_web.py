"""The web app through its own door: every route as every role, sign-in, forged forms, what each role sees."""

from __future__ import annotations

import datetime as dt
import html
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from coach_story import DAY, keep_story
from fastapi.testclient import TestClient
from visitor import browser
from whole_page import whole

from pipeline.access.people import ROLES
from pipeline.coach.playlists import KeptSnippet
from pipeline.coach.rows import Assignment
from pipeline.errors import SettingsError
from pipeline.rubric import load_rubric
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.web.app import _listen, all_routes, build_app, serve
from pipeline.web.ask import ANYBODY, SAFE, Route
from pipeline.web.desk import Desk
from pipeline.web.gate import HEADERS, LARGEST, SESSION, csrf_token
from pipeline.web.pages import PAGES

PASSWORD = "a long enough phrase"
ROUTES = [pytest.param(route, id=f"{route.method} {route.path}") for route in all_routes()]
GUARDED = [given for given in ROUTES if given.values[0].who is not ANYBODY]
FILL = {
    "rep": "Ann",
    "criterion": "discovery",
    "account": "Acme",
    "rest": "nothing/here",
    "name": "app.css",
    "span": "0-4",
    "kind": "vtt",
    "comment_id": "none",
    "module": "discovery-ask-before-you-tell",
    "assignment_id": "0123456789abcdef",
    "what": "done",
    "snippet_id": "0123-abc",
    "playlist": "none",
    "version": load_rubric("sales_call").version,
}


@contextmanager
def opened(data: Path) -> Iterator[Desk]:
    keep_story(data)
    desk = Desk(Settings(data=data))
    desk.store.ingest()
    FILL["call_id"] = desk.store.query("SELECT min(call_id) AS call_id FROM calls WHERE rep = 'Ann'")[0]["call_id"]
    given = Assignment(
        FILL["assignment_id"], "Ann", "discovery", 1, FILL["module"], "Ask first", "a gap", DAY, DAY, "North"
    )
    desk.store.put_fact("assignments", given.to_row())
    kept = KeptSnippet(FILL["snippet_id"], FILL["call_id"], 0.0, 9.0, "Ask first", "Tess", dt.datetime(2026, 11, 1))
    desk.store.put_fact("snippets", kept.to_row())
    desk.book.add_user("Ada", "admin", password=PASSWORD)
    desk.book.add_user("Mo", "manager", teams=("North",), password=PASSWORD)
    desk.book.add_user("Tess", "trainer", password=PASSWORD)
    desk.book.add_user("Ann", "rep", rep="Ann", password=PASSWORD)
    with closing(desk):
        yield desk


@pytest.fixture(scope="module")
def app(desk: Desk) -> Any:
    return build_app(desk)


USERS = {"admin": "Ada", "manager": "Mo", "trainer": "Tess", "rep": "Ann"}


def client(app: Any, desk: Desk, role: str = "") -> TestClient:
    return browser(app, desk, USERS[role] if role else "")


def send(at: TestClient, route: Route, **options: Any) -> Any:
    path = re.sub(r"\{(\w+)(?::path)?\}", lambda found: FILL.get(found.group(1), "x"), route.path)
    return at.request(route.method, path, **options)


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_in_without_signing_in(app: Any, desk: Desk, route: Route) -> None:
    answer = send(client(app, desk), route)
    if route.who is ANYBODY:
        assert answer.status_code in (200, 400, 401, 403, 404, 410, 429)
    elif route.is_api:
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", GUARDED)
def test_each_route_lets_in_its_roles_and_no_other(app: Any, desk: Desk, route: Route, role: str) -> None:
    answer = send(client(app, desk, role), route)
    if role not in route.who:
        assert answer.status_code == 403
    elif route.method in SAFE:
        assert answer.status_code in (200, 303, 404)
    else:
        # without the form's token even the right role changes nothing
        assert answer.status_code in (403, 404)


@pytest.mark.parametrize("route", ROUTES)
def test_every_answer_has_the_secure_headers(app: Any, desk: Desk, route: Route) -> None:
    answer = send(client(app, desk, "admin"), route)
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert answer.headers[name] == value
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_the_health_check_needs_no_user(app: Any, desk: Desk) -> None:
    assert client(app, desk).get("/healthz").status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_the_navigation_is_shown_to_an_admin(app: Any, desk: Desk, name: str) -> None:
    answer = client(app, desk, "admin").get(PAGES[name].path)
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(app: Any, desk: Desk) -> None:
    visitor = client(app, desk)
    form = visitor.get("/sign-in")
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
    assert token
    given = {"csrf": token.group(1), "name": "Tess", "password": PASSWORD, "next": "/team"}
    answer = visitor.post("/sign-in", data=given)
    assert (answer.status_code, answer.headers["location"]) == (303, "/team")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert visitor.get("/team").status_code == 200
    wrong = client(app, desk)
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', wrong.get("/sign-in").text)
    assert token
    assert wrong.post("/sign-in", data={"csrf": token.group(1), "name": "Tess", "password": "no"}).status_code == 401


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(app: Any, desk: Desk) -> None:
    admin = client(app, desk, "admin")
    token = csrf_token(admin.cookies[SESSION])
    new = {"name": "Eve", "role": "admin"}
    assert admin.post("/settings/users", data=new).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert admin.post("/settings/users", data={**new, "csrf": token}, headers=foreign).status_code == 403
    assert "Eve" not in [user.name for user in desk.book.users()]
    assert admin.post("/settings/users", data={**new, "csrf": token}).status_code == 200
    assert "Eve" in [user.name for user in desk.book.users()]
    assert any("Eve" in f"{entry.what} {entry.detail}" for entry in desk.book.log(name="Ada", kind="changed"))


def test_a_password_is_changed_by_whoever_knows_the_old_one(app: Any, desk: Desk) -> None:
    desk.book.add_user("Pat", "trainer", password=PASSWORD)
    at = client(app, desk)
    at.cookies.set(SESSION, desk.book.start_session(desk.book.user("Pat")))
    new = {"csrf": csrf_token(at.cookies[SESSION]), "password": f"{PASSWORD} too", "again": f"{PASSWORD} too"}
    wrong = at.post("/password", data={**new, "old": "a wrong one"})
    assert wrong.status_code == 400
    assert "That is not your password now." in wrong.text
    assert at.post("/password", data={**new, "old": PASSWORD}).status_code == 303
    assert desk.book.sign_in("Pat", f"{PASSWORD} too")


def test_who_is_shut_out_is_offered_no_link_and_no_token(app: Any, desk: Desk) -> None:
    desk.book.add_user("Out", "trainer")
    admin = client(app, desk, "admin")
    assert "<option>Out</option>" in admin.get("/settings/users").text
    desk.book.add_token("Out", label="old script")
    desk.book.add_token("Ada", label="new script")
    desk.book.set_disabled("Out", True)
    page = admin.get("/settings/users").text
    # theirs opens nothing any more
    marked = [page.partition(f"{name} script")[2].partition("</tr>")[0].count("shut out") for name in ("old", "new")]
    assert marked == [1, 0]
    assert "<option>Out</option>" not in page
    row = page.partition('<th scope="row">Out')[2].partition("</tr>")[0]
    assert "Let in again" in row
    assert "New link" not in row


def test_a_team_without_a_call_yet_stays_a_managers_and_one_without_a_team_is_told_of(app: Any, desk: Desk) -> None:
    desk.book.add_user("Wes", "manager", teams=("West",))
    admin = client(app, desk, "admin")

    def send(path: str, **fields: str) -> Any:
        return admin.post(path, data={"csrf": csrf_token(admin.cookies[SESSION]), **fields})

    row = admin.get("/settings/users").text.partition('<th scope="row">Wes')[2].partition("</tr>")[0]
    assert re.search(r'<input type="checkbox" name="team" value="West" checked>', row)
    assert "Nia has no team" in send("/settings/users", name="Nia", role="manager").text
    assert "has no team" not in send("/settings/users", name="Nat", role="manager", team="West").text


def test_a_rep_whose_name_is_on_no_call_is_told_of(app: Any, desk: Desk) -> None:
    admin = client(app, desk, "admin")

    def send(path: str, **fields: str) -> Any:
        return admin.post(path, data={"csrf": csrf_token(admin.cookies[SESSION]), **fields})

    says = "No call has a rep called Ane: Anne sees nothing until one has."
    assert says in send("/settings/users", name="Anne", role="rep", rep="Ane").text
    assert "No call has a rep" not in send("/settings/users", name="Anna", role="rep", rep="Ann").text
    assert send("/settings/users/change", name="Anna", role="rep", rep="Ane", do="role").status_code == 303
    assert "No call has a rep called Ane" in admin.get("/settings/users").text


def test_a_rep_sees_only_themselves(app: Any, desk: Desk) -> None:
    names = {row["rep"] for row in desk.store.query("SELECT DISTINCT rep FROM calls")}
    others = sorted(names - {"Ann"})
    assert "Ann" in names
    assert others
    rep = client(app, desk, "rep")
    assert rep.get("/reps/Ann").status_code == 200
    assert rep.get(f"/reps/{others[0]}").status_code == 403
    assert {row["rep"] for row in rep.get("/api/v1/reps").json()} == {"Ann"}
    calls = desk.store.query("SELECT call_id, rep FROM calls WHERE rep <> 'Ann'")
    assert rep.get(f"/api/v1/calls/{calls[0]['call_id']}").status_code == 403


def test_a_token_reads_the_api_and_writes_nothing_unless_it_may(app: Any, desk: Desk) -> None:
    token, secret = desk.book.add_token("Tess")
    at = client(app, desk)
    bearer = {"authorization": f"Bearer {secret}"}
    assert at.get("/api/v1/reps", headers=bearer).status_code == 200
    assert at.get("/reps", headers=bearer).status_code == 303
    desk.book.drop_token(token.token_id)
    assert at.get("/api/v1/reps", headers=bearer).status_code == 401


def test_a_form_sent_by_nobody_says_that_nothing_was_saved_and_leads_back(app: Any, desk: Desk) -> None:
    at = client(app, desk)
    page, text = f"/calls/{FILL['call_id']}", {"text": "a long thought"}

    def sent_from(referer: str) -> str:
        answer = at.post(f"{page}/comments", data=text, headers={"referer": referer} if referer else {})
        assert answer.status_code == 303
        return str(answer.headers["location"])

    there = sent_from(f"http://127.0.0.1:8321{page}?at=3")
    assert there == f"/sign-in?next={page}&lost=1"
    assert "You were signed out; nothing was saved." in at.get(there).text
    assert f'name="next" value="{page}"' in at.get(there).text
    for elsewhere in ("", "https://evil.example/calls", "http://127.0.0.1:8321//evil.example", "http://[", "nonsense"):
        assert sent_from(elsewhere) == "/sign-in?next=/&lost=1"
    assert "nothing was saved" not in at.get("/sign-in?next=/team").text
    assert at.post("/sign-out").headers["location"] == "/sign-in"


NOBODYS_WORDS = {
    "/", "/password", "/reps", "/calls/{call_id}/clips", "/library", "/library/{module}", "/library/{module}/edit",
    "/rubric/versions", "/rubric/edit", "/calibration/blind", "/settings", "/settings/health", "/settings/users",
    "/api/v1/openapi.json", "/api/v1/me", "/api/v1/rubric", "/api/v1/rubric/versions",
    "/api/v1/rubric/versions/{version}", "/api/v1/calibration", "/api/v1/settings", "/api/v1/users",
    "/api/v1/webhooks/deliveries", "/api/{rest:path}", "/{rest:path}",
}  # fmt: skip
"""What shows nothing that somebody said and no score of a person, or only leads on to what does."""


def test_whatever_shows_what_somebody_said_leaves_a_line_in_the_log() -> None:
    looks = [route for route in all_routes() if route.method in SAFE and route.who is not ANYBODY]

    assert {route.path for route in looks if not route.logged} == NOBODYS_WORDS


def test_the_log_says_whose_day_and_whose_training_somebody_looked_at(app: Any, desk: Desk) -> None:
    manager = client(app, desk, "manager")
    for path in ("/today", "/training", "/api/v1/gaps"):
        for rep in ("Ann", "Bob"):
            assert manager.get(path, params={"rep": rep}).status_code == 200
            assert manager.get(path, params={"rep": rep}).status_code == 200
        assert manager.get("/training", params={"rep": "Cid"}).status_code == 403
        denied, *seen = [(line.kind, line.what, line.detail) for line in desk.book.log(name="Mo", limit=3)]
        assert denied == ("denied", "/training", "rep Cid")
        assert seen == [("saw", path, "rep Bob"), ("saw", path, "rep Ann")]


def test_what_a_form_did_not_change_is_not_in_the_log_as_changed(app: Any, desk: Desk) -> None:
    admin, call_id = client(app, desk, "admin"), FILL["call_id"]
    csrf, text = csrf_token(admin.cookies[SESSION]), admin.get("/api/v1/rubric").text

    def last(path: str, status: int, **fields: str) -> tuple[str, str, str]:
        assert admin.post(path, data={"csrf": csrf, **fields}).status_code == status
        line = desk.book.log(name="Ada", limit=1)[0]
        return line.kind, line.what, line.detail

    review = f"/calls/{call_id}/review"
    assert last(review, 400, criterion="discovery", level="9", why="x") == ("saw", review, "")
    assert last("/settings/users/change", 400, name="Nobody", do="invite") == ("saw", "/settings/users/change", "")
    assert last("/settings/users/change", 400, name="Ada", do="disable") == ("saw", "/settings/users/change", "")
    assert last("/rubric/edit", 400, text=text, do="save") == ("saw", "/rubric/edit", "")
    invited = ("changed", "/settings/users/change", "invited Mo")
    assert last("/settings/users/change", 200, name="Mo", do="invite") == invited
    comments = f"/calls/{call_id}/comments"
    kind, what, detail = last(comments, 303, text="Well asked")
    assert (kind, what, detail.split()[0]) == ("changed", comments, "commented")


def test_a_page_is_come_back_to_as_it_was_asked_for(app: Any, desk: Desk) -> None:
    page = "/reps/Ann/criteria/discovery?period=30&call_type=first+call%3F"
    visitor = client(app, desk)
    there = visitor.get(page).headers["location"]
    form = re.search(r'name="csrf" value="([0-9a-f]+)".*?name="next" value="([^"]*)"', visitor.get(there).text, re.S)
    assert form
    given = {"csrf": form[1], "name": "Tess", "password": PASSWORD, "next": html.unescape(form[2])}
    assert visitor.post("/sign-in", data=given).headers["location"] == page


def test_a_form_about_a_level_begins_with_what_was_said_and_never_with_what_was_not(app: Any, desk: Desk) -> None:
    def chosen(role: str, criterion: str) -> str:
        page = client(app, desk, role).get(f"/calls/{FILL['call_id']}").text
        found = re.search(rf'<select id="l-{criterion}".*?</select>', page, re.S)
        assert found
        options = re.findall(r'<option value="(\w*)"( selected)?>', found[0])
        return next((value for value, selected in options if selected), options[0][0])

    assert chosen("manager", "ask_for_sale") == "1"
    # the judge said nothing of it: no level is a click away that nobody meant
    assert chosen("manager", "recommendation") == ""
    assert chosen("rep", "ask_for_sale") == ""


def test_a_refused_user_keeps_what_was_typed_and_one_with_a_taken_e_mail_is_not_there(app: Any, desk: Desk) -> None:
    admin = client(app, desk, "admin")
    token = csrf_token(admin.cookies[SESSION])

    def add(name: str, **more: Any) -> Any:
        return admin.post("/settings/users", data={"csrf": token, "name": name, **more})

    page = add("tess", role="rep", rep="Ann <b>", team=["South"])
    assert page.status_code == 400
    form = page.text.partition("<h2>Add a user</h2>")[2].partition("</form>")[0]
    assert 'value="tess"' in form
    assert 'value="Ann &lt;b&gt;"' in form
    assert '<option value="rep" selected>' in form
    assert 'value="South" checked' in form
    assert add("Una", role="trainer", email="una@example.com").status_code == 200
    both = add("Uno", role="trainer", email="una@example.com")
    assert both.status_code == 400
    assert 'value="Uno"' in both.text
    assert "Uno" not in {user.name for user in desk.book.users()}


def test_the_log_says_whom_a_new_role_reaches(app: Any, desk: Desk) -> None:
    admin = client(app, desk, "admin")
    csrf = csrf_token(admin.cookies[SESSION])

    def said(path: str, **fields: Any) -> str:
        assert admin.post(path, data={"csrf": csrf, "name": "Lou", **fields}).status_code in (200, 303)
        return desk.book.log(name="Ada", kind="changed", limit=1)[0].detail

    users, change = "/settings/users", "/settings/users/change"
    assert said(users, role="manager", team=["North"]) == "added Lou as manager North"
    assert said(change, do="role", role="manager", team=["South", "North"]) == "role Lou manager North, South"
    assert said(change, do="role", role="rep", rep="Ann") == "role Lou rep Ann"
    assert said(change, do="role", role="trainer") == "role Lou trainer"
    assert said(change, do="disable") == "disable Lou"


def test_it_answers_only_to_its_own_names(app: Any, desk: Desk) -> None:
    assert TestClient(app, base_url="http://evil.example").get("/healthz").status_code == 400


def test_secrets_are_kept_as_hashes(desk: Desk) -> None:
    secret = desk.book.start_session(desk.book.user("Ada"))
    _, token = desk.book.add_token("Ada")
    files = [path.read_bytes() for path in Path(desk.settings.data).rglob("access.sqlite*") if path.is_file()]
    assert files
    for content in files:
        for word in (secret, token, PASSWORD):
            assert word.encode() not in content
    assert any(b"argon2id" in content for content in files)


def test_others_read_and_write_through_the_app(desk: Desk) -> None:
    with Store(desk.settings.data) as store:
        assert not store.owner
        assert store.query("SELECT count(*) AS n FROM calls")[0]["n"] > 0


def test_a_manager_overrides_and_a_rep_disputes_on_the_calls_page(own: Desk) -> None:
    path = f"/calls/{FILL['call_id']}"
    rep, manager = client(build_app(own), own, "rep"), client(build_app(own), own, "manager")
    assert "What was said" in rep.get(path).text
    form = {"criterion": "discovery", "why": "I did ask <b>twice</b>", "csrf": csrf_token(rep.cookies[SESSION])}
    assert rep.post(f"{path}/review", data=form).status_code == 303
    page = manager.get(path).text
    assert "Disputed by Ann: I did ask &lt;b&gt;twice&lt;/b&gt;" in page
    form = {"criterion": "discovery", "level": "4", "why": "so it was", "csrf": csrf_token(manager.cookies[SESSION])}
    assert manager.post(f"{path}/review", data={**form, "level": "9"}).status_code == 400
    assert manager.post(f"{path}/review", data=form).status_code == 303
    page = rep.get(path).text
    assert "By Mo (the machine:" in page
    assert "Disputed by" not in page
    # Ann's calls are at 1 on asking for the sale, and it was missed at turn 2
    assert "Where it should have happened" in page.partition('id="c-ask_for_sale"')[2].partition("</article>")[0]
    assert "missed: Ask for the sale" in page
    form |= {"criterion": "ask_for_sale", "level": "3"}
    assert manager.post(f"{path}/review", data=form).status_code == 303
    page = rep.get(path).text
    shown = page.partition('id="c-ask_for_sale"')[2].partition("</article>")[0]
    assert "Where it should have happened" not in shown
    assert "The machine looked for it at" in shown
    assert "missed: Ask for the sale" not in page
    assert manager.post(f"{path}/review", data={**form, "level": "0"}).status_code == 303
    assert "missed: Ask for the sale" in rep.get(path).text
    card = rep.get(f"/api/v1/calls/{FILL['call_id']}").json()
    assert card["criteria"]["discovery"]["override"]["who"] == "Mo"


@pytest.mark.parametrize("path", ["/calls", "/accounts", "/inbox", "/snippets", "/team"])
def test_no_number_of_a_page_is_too_much_for_the_store(app: Any, desk: Desk, path: str) -> None:
    at = client(app, desk, "admin")
    for page in (LARGEST, -LARGEST):
        assert whole(at, f"{path}?page={page}")
    beyond = at.get(f"{path}?page=99999999999999999999")
    assert beyond.status_code == 400
    assert "The address says page=99999999999999999999; a smaller number belongs there." in beyond.text


def test_what_is_no_number_is_said_in_a_sentence(app: Any, desk: Desk) -> None:
    answer = client(app, desk, "admin").get("/calls?page=abc")
    assert answer.status_code == 400
    assert "The address says page=abc; a whole number belongs there." in answer.text


def test_an_error_begins_with_a_capital_and_leaves_what_was_typed(app: Any, desk: Desk) -> None:
    assert "<p>abc: no such call.</p>" in client(app, desk, "admin").get("/calls/abc").text
    assert (
        "<p>sum of it: there is no such playlist.</p>"
        in client(app, desk, "admin").get("/playlists/sum%20of%20it").text
    )
    assert "<p>Your role does not reach this page" in client(app, desk, "rep").get("/team").text


def test_an_address_takes_visitors_before_the_calls_are_read() -> None:
    with _listen(Settings(port=0)) as listener, socket.create_connection(listener.getsockname()) as visitor:
        assert visitor.getpeername() == listener.getsockname()
        # and nobody else is let onto the port, to fail there later
        with pytest.raises(SettingsError, match="choose another with --port"):
            _listen(Settings(port=listener.getsockname()[1]))


def test_the_link_that_works_once_is_told_only_when_it_is_answered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Store, "ingest", lambda _: said.append("the calls are read"))
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: said.append("visitors are answered"))
    serve(Settings(data=tmp_path, port=0), say=said.append)
    link = next(n for n, line in enumerate(said) if "/enter?link=" in line)
    assert said[0].startswith("debrief: http")
    assert 0 < said.index("the calls are read") < link < said.index("visitors are answered")


def test_the_log_is_narrowed_to_whoever_stands_in_it(app: Any, desk: Desk) -> None:
    for name in ("command line", "Ada", "command line", "erased"):
        desk.book.note(name, "admin", "changed", "user Zoe", f"by {name}")
    assert {"command line", "erased", "Ada"} <= set(desk.book.names_in_log())
    desk.book.note("", "", "failed sign-in", "/sign-in", "wrong password")
    assert "" not in desk.book.names_in_log()
    page = browser(app, desk, "Ada").get("/settings/audit?name=command+line").text
    assert "<option selected>command line</option>" in page
    assert "by command line" in page
    assert "by erased" not in page
