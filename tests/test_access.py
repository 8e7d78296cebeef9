"""Users, sessions, links, tokens, limits and scope, without the web app."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from waiting import HANGS_S, Clock

from pipeline.access import book as book_module
from pipeline.access.book import DAY, HOUR, LIMITS, AccessBook
from pipeline.access.people import ROLES, User
from pipeline.access.scope import Scope, scope_of, visible_reps
from pipeline.cli import app
from pipeline.errors import AccessError, NotAllowed, TooManyAttempts
from pipeline.store import Store

PASSWORD = "a long enough phrase"


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000_000.0)


@pytest.fixture
def book(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccessBook]:
    # argon2's cost is for attackers; one test below goes through it
    monkeypatch.setattr(book_module, "hash_password", lambda password, *, name="": f"plain:{password}")
    monkeypatch.setattr(book_module, "password_fits", lambda password, hashed: hashed == f"plain:{password}")
    with AccessBook(tmp_path, clock=clock) as made:
        yield made


def test_passwords_are_argon2id_and_weak_ones_are_refused(tmp_path: Path) -> None:
    with AccessBook(tmp_path) as book:
        book.add_user("Ada", "admin", password=PASSWORD)
        user, _ = book.sign_in("ada", PASSWORD)
        assert user.name == "Ada"
        for wrong in ("short", "aaaaaaaaaaaa", "x" * 1001):
            with pytest.raises(AccessError):
                book.set_password("Ada", wrong)
        with pytest.raises(AccessError, match="do not belong together"):
            book.sign_in("Ada", PASSWORD + "x")
    kept = sqlite3.connect(tmp_path / "access.sqlite").execute("SELECT password FROM users").fetchone()[0]
    assert kept.startswith("$argon2id$")
    assert (tmp_path / "access.sqlite").stat().st_mode & 0o077 == 0


def test_a_wrong_name_and_a_disabled_user_are_told_apart_by_nobody(book: AccessBook) -> None:
    book.add_user("Ada", "admin", password=PASSWORD)
    book.add_user("Max", "manager", password=PASSWORD)
    book.set_disabled("Max", True)
    said = set()
    for name, password in (("Nobody", PASSWORD), ("Max", PASSWORD), ("Ada", "wrong")):
        with pytest.raises(AccessError) as error:
            book.sign_in(name, password)
        said.add(str(error.value))
    assert len(said) == 1


def test_a_session_ends_when_idle_when_old_and_when_signed_out(book: AccessBook, clock: Clock) -> None:
    user = book.add_user("Ada", "admin", password=PASSWORD)
    idle, old, out = (book.start_session(user) for _ in range(3))
    book.end_session(out)
    assert book.session_user(out) is None
    for _ in range(int(7 * DAY / (11 * HOUR))):
        clock.now += 11 * HOUR
        assert book.session_user(old) is not None
    assert book.session_user(idle) is None
    clock.now += 11 * HOUR
    assert book.session_user(old) is None
    assert book.session_user("made up") is None


def test_shutting_out_and_a_new_password_end_sessions_at_once(book: AccessBook) -> None:
    book.add_user("Ada", "admin", password=PASSWORD)
    user = book.add_user("Max", "manager", teams=("North",), password=PASSWORD)
    before, (_, token) = book.start_session(user), book.add_token("Max")
    book.set_password("Max", PASSWORD)
    assert book.session_user(before) is None
    again = book.start_session(user)
    book.set_disabled("Max", True)
    assert book.session_user(again) is None
    assert book.token_user(token) is None
    book.set_disabled("Max", False)
    assert book.session_user(again) is None


def test_too_many_failures_are_refused_for_a_while_before_the_password_is_looked_at(
    book: AccessBook, clock: Clock
) -> None:
    book.add_user("Ada", "admin", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(AccessError, match="belong"):
            book.sign_in("Ada", "wrong", address="10.0.0.1")
    with pytest.raises(TooManyAttempts, match="wait 5 min"):
        book.sign_in("Ada", PASSWORD, address="10.0.0.1")
    assert book.sign_in("Ada", PASSWORD, address="10.0.0.2")[0].name == "Ada"
    clock.now += 301
    assert book.sign_in("Ada", PASSWORD, address="10.0.0.1")[0].name == "Ada"


def test_a_clock_that_is_set_back_locks_nobody_out_and_hides_no_look(book: AccessBook, clock: Clock) -> None:
    book.add_user("Ada", "admin", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(AccessError):
            book.sign_in("Ada", "wrong", address="10.0.0.1")
    book.note("Ada", "admin", "saw", "/reps/Ann")
    clock.now -= 30 * DAY
    assert book.sign_in("Ada", PASSWORD, address="10.0.0.1")[0].name == "Ada"
    book.note("Ada", "admin", "saw", "/reps/Ann")
    assert [entry.what for entry in book.log()] == ["/reps/Ann"] * 2


def test_guesses_made_side_by_side_are_counted_like_those_made_one_by_one(
    book: AccessBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.add_user("Ann", "rep", password=PASSWORD)
    allowed = LIMITS["name and address"][0]
    looked_at: list[str] = []
    full = threading.Event()

    def slow(password: str, hashed: str | None) -> bool:
        looked_at.append(password)
        if len(looked_at) == allowed:
            full.set()
        # nobody knows yet whether it fits while the others come in
        assert full.wait(HANGS_S)
        return False

    monkeypatch.setattr("pipeline.access.book.password_fits", slow)
    with ThreadPoolExecutor(4 * allowed) as many:
        guesses = [many.submit(book.sign_in, "Ann", f"guess {n}", address="10.0.0.9") for n in range(4 * allowed)]
    kinds = Counter(type(guess.exception()) for guess in guesses)
    assert kinds == {AccessError: allowed, TooManyAttempts: 3 * allowed}
    assert len(looked_at) == allowed


def test_signing_in_often_is_no_failure(book: AccessBook) -> None:
    for name in ("Ann", "Bob"):
        book.add_user(name, "rep", password=PASSWORD)
    for _ in range(LIMITS["address"][0]):
        book.sign_in("Ann", PASSWORD, address="10.0.0.9")
    with pytest.raises(AccessError, match="do not belong together"):
        book.sign_in("Bob", "wrong", address="10.0.0.9")


def test_one_address_cannot_try_many_names(book: AccessBook) -> None:
    allowed, _ = book_module.LIMITS["address"]
    for n in range(allowed):
        with pytest.raises(AccessError, match="belong"):
            book.sign_in(f"name{n}", "wrong", address="10.0.0.1")
    with pytest.raises(TooManyAttempts):
        book.sign_in("another", "wrong", address="10.0.0.1")


def test_an_invitation_works_once_and_not_for_ever(book: AccessBook, clock: Clock) -> None:
    book.add_user("Ada", "admin")
    first, second = book.invite("Ada"), book.invite("Ada")
    assert book.invited(first) is None
    assert book.invited(second) is not None
    user, session = book.accept_invitation(second, PASSWORD)
    assert user.has_password
    assert book.session_user(session) == book.user("Ada")
    with pytest.raises(AccessError, match="used up"):
        book.accept_invitation(second, PASSWORD)
    third = book.invite("Ada")
    clock.now += 3 * DAY + 1
    assert book.invited(third) is None
    # an invitation is no operator's link and the other way round
    assert book.enter(book.invite("Ada")) is None
    assert book.invited(book.operator_link()) is None


def test_the_operators_link_works_once_within_the_hour(book: AccessBook, clock: Clock) -> None:
    link = book.operator_link()
    entered = book.enter(link)
    assert entered is not None
    assert (entered[0].name, entered[0].role) == ("operator", "admin")
    assert book.enter(link) is None
    late = book.operator_link()
    clock.now += HOUR + 1
    assert book.enter(late) is None
    assert not book.anyone_can_sign_in()


def test_the_last_admin_stays(book: AccessBook) -> None:
    book.add_user("Ada", "admin", password=PASSWORD)
    for change in (lambda: book.set_disabled("Ada", True), lambda: book.set_role("Ada", "trainer")):
        with pytest.raises(AccessError, match="last admin"):
            change()
    book.add_user("Bo", "admin", password=PASSWORD)
    assert book.set_role("Ada", "trainer").role == "trainer"


def test_a_token_ends_and_says_whether_it_may_write(book: AccessBook, clock: Clock) -> None:
    book.add_user("Ada", "admin")
    _, reads = book.add_token("Ada", days=1)
    _, writes = book.add_token("Ada", writes=True, days=None)
    assert [book.token_user(secret)[1] for secret in (reads, writes)] == [False, True]  # type: ignore[index]
    clock.now += DAY + 1
    assert book.token_user(reads) is None
    assert book.token_user(writes) is not None


def test_names_are_one_in_any_case_and_roles_are_known(book: AccessBook) -> None:
    book.add_user("Ann Lee", "rep")
    assert book.user("  ann   lee ").rep == "Ann Lee"
    with pytest.raises(AccessError, match="there is a user"):
        book.add_user("ANN LEE", "rep")
    for name, role in (("", "rep"), ("x" * 81, "rep"), ("a\x1b[31m", "rep"), ("Bo", "boss")):
        with pytest.raises(AccessError):
            book.add_user(name, role)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "access.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(AccessError, match=r"access\.sqlite: cannot be read"):
        AccessBook(tmp_path)


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    AccessBook(tmp_path).close()
    with sqlite3.connect(tmp_path / "access.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AccessError, match="newer debrief"):
        AccessBook(tmp_path)


class Calls:
    """A store that holds calls only."""

    def __init__(self, *rows: tuple[str, str | None, str | None, dt.date | None]) -> None:
        import duckdb

        self._connection = duckdb.connect()
        self._connection.execute("CREATE TABLE calls (call_id VARCHAR, rep VARCHAR, team VARCHAR, call_date DATE)")
        self._connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?)", [list(row) for row in rows])

    reps = Store.reps

    def query(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        found = self._connection.execute(sql, params)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture
def calls() -> Any:
    day = dt.date(2026, 10, 1)
    return Calls(
        ("1", "Ann", "North", day),
        ("2", "Ben", "North", day),
        ("3", "Ben", "South", day + dt.timedelta(days=9)),
        ("4", "Cy", "South", None),
        ("5", None, "North", day),
        ("6", None, None, day),
    )


SEEN = {
    "admin": {"1", "2", "3", "4", "5", "6"},
    "trainer": {"1", "2", "3", "4", "5", "6"},
    "manager": {"1", "2", "5"},
    "rep": {"2", "3"},
}


@pytest.mark.parametrize("role", ROLES)
def test_whom_a_role_sees(role: str, calls: Any) -> None:
    user = User("1", "Ben", role, rep="Ben", teams=("North",))
    scope = scope_of(user, calls)
    rows = calls.query(f"SELECT call_id, rep, team FROM calls c WHERE {scope.where('c')}", scope.params)
    assert {row["call_id"] for row in rows} == SEEN[role]
    every = calls.query("SELECT call_id, rep, team FROM calls")
    assert {row["call_id"] for row in every if scope.sees_call(row)} == SEEN[role]


def test_a_rep_who_moved_belongs_to_the_new_manager_with_all_calls(calls: Any) -> None:
    old = User("1", "Mo", "manager", teams=("North",))
    new = User("2", "Su", "manager", teams=("South",))
    assert visible_reps(old, calls) == ["Ann"]
    assert visible_reps(new, calls) == ["Ben", "Cy"]
    rows = calls.query(f"SELECT call_id FROM calls c WHERE {scope_of(new, calls).where()}", scope_of(new, calls).params)
    assert {row["call_id"] for row in rows} == {"2", "3", "4"}


def test_a_call_dated_in_the_future_does_not_decide_whose_rep_somebody_is() -> None:
    day = dt.date(2026, 10, 1)
    rows = Calls(("1", "Ann", "North", day), ("2", "Ann", "South", dt.date(2999, 1, 5)))
    assert visible_reps(User("1", "Mo", "manager", teams=("North",)), rows) == ["Ann"]  # type: ignore[arg-type]


def test_nothing_is_reached_by_default(calls: Any) -> None:
    for user in (User("1", "Mo", "manager"), User("2", "No", "rep"), User("3", "Who", "")):
        scope = scope_of(user, calls)
        assert scope == Scope()
        with pytest.raises(NotAllowed):
            scope.require_rep("Ann")
        with pytest.raises(NotAllowed):
            scope.require_call(None)


def test_a_page_that_asks_for_itself_again_is_one_look(book: AccessBook, clock: Clock) -> None:
    def looks(*paths: str, kind: str = "saw") -> list[str]:
        before = len(book.log())
        for path in paths:
            book.note("Ada", "admin", kind, path)
        return [entry.what for entry in book.log()][::-1][before:]

    assert looks("/accounts", "/accounts", "/accounts") == ["/accounts"]
    assert looks("/calls/1", "/accounts") == ["/calls/1", "/accounts"]
    clock.now += 61
    assert looks("/accounts") == ["/accounts"]
    assert looks("/calls/1", "/calls/1", kind="changed") == ["/calls/1", "/calls/1"]


def debrief(data: Path, *words: str, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, ["users", *words, "--data", str(data)], input=stdin, prog_name="debrief")


def test_nobody_is_added_with_somebody_elses_e_mail(tmp_path: Path) -> None:
    def add(name: str) -> Any:
        given = ["users", "add", name, "--role", "rep", "--email", "p@example.com", "--data", str(tmp_path)]
        return CliRunner().invoke(app, given)

    assert add("Old").exit_code == 0
    assert "is Old's e-mail already" in str(add("New").exception)
    with AccessBook(tmp_path) as book:
        assert [user.name for user in book.users()] == ["Old"]


def test_a_token_for_longer_than_there_are_days_is_refused_and_an_old_one_is_listed(tmp_path: Path) -> None:
    debrief(tmp_path, "add", "Ada", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert debrief(tmp_path, "token", "Ada", "--days", "9999999").exit_code == 2
    with AccessBook(tmp_path) as book:
        assert book.tokens() == []
        book.add_token("Ada", days=9_999_999)
    listed = debrief(tmp_path, "list", "--json")
    assert json.loads(listed.stdout)["tokens"][0]["expires"] == "9999-12-31"


def test_the_commands_add_change_and_shut_out(tmp_path: Path) -> None:
    added = debrief(tmp_path, "add", "Ada", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.exit_code == 0, added.output
    linked = debrief(tmp_path, "add", "Max", "--role", "manager", "--team", "North", "--link")
    assert "http://127.0.0.1:8321/welcome?link=" in linked.output
    assert debrief(tmp_path, "role", "Max", "rep", "--rep", "Max Muster").exit_code == 0
    token = debrief(tmp_path, "token", "Ada", "--for", "export").output.strip()
    theirs = debrief(tmp_path, "token", "Max").output.strip()
    assert debrief(tmp_path, "disable", "max").exit_code == 0
    assert debrief(tmp_path, "list").output.count("disabled") == 2  # Max, and what Max's token may do
    with AccessBook(tmp_path) as book:
        assert book.token_user(token) is not None
        assert book.token_user(theirs) is None
        assert (book.user("Max").rep, book.user("Max").disabled) == ("Max Muster", True)
        noted = [(entry.kind, entry.what, entry.name) for entry in book.log()]
        assert ("changed", "user Max", "command line") in noted
        kept = next(row.token_id for row in book.tokens() if row.user == "Ada")
    assert "May" in debrief(tmp_path, "list").output
    assert "no such token of Max" in str(debrief(tmp_path, "token", "Max", "--revoke", kept).exception)
    assert debrief(tmp_path, "token", "Ada", "--revoke", kept).exit_code == 0
    assert isinstance(debrief(tmp_path, "add", "Bo", "--role", "rep").exception, AccessError)


def test_a_login_that_is_a_word_takes_no_line_about_something_else(book: AccessBook) -> None:
    others = [("saw", "/reps/Cid Sales", ""), ("changed", "/rubric/edit", "saved rubric for inside sales 12ab")]
    for kind, what, detail in (
        *others,
        ("changed", "user sales", "added as rep"),
        ("changed", "/settings/users", "added Sales as rep"),
    ):
        book.note("Mo", "manager", kind, what, detail)
    book.note("sales", "rep", "saw", "/calls/12")
    book.forget_name("sales")
    assert [(line.name, line.what) for line in book.log()] == [
        ("erased", "/calls/12"),
        *(("Mo", what) for _, what, _ in reversed(others)),
    ]
