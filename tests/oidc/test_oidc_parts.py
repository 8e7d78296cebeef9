"""The parts of signing in with a provider that need none: settings, states, users' addresses and subjects, TLS."""

from __future__ import annotations

import datetime as dt
import sqlite3
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from local_server import Quiet, Served, hangs, no_thread_is_left, serving
from test_access import Clock, debrief

from pipeline.access.book import AccessBook
from pipeline.access.identities import Identities, checked_email
from pipeline.access.schema import _FIRST
from pipeline.errors import AccessError, ProviderError, SettingsError, SignInRefused
from pipeline.oidc import fetch
from pipeline.oidc.flow import FLOW_S, goal_of, new_state, nonce_of, verifier_of
from pipeline.oidc.plan import GroupRule, Plan, address, client_secret, group_rules, plan_of
from pipeline.settings import Settings, load_settings

VISIT = "v" * 43


@pytest.fixture
def book(tmp_path: Path) -> Iterator[AccessBook]:
    with AccessBook(tmp_path, clock=Clock()) as made:
        yield made


def test_a_state_counts_in_its_browser_for_ten_minutes() -> None:
    state = new_state(VISIT, "/calls?rep=Ann", now=1000.0)
    assert goal_of(VISIT, state, now=1000.0 + FLOW_S) == "/calls?rep=Ann"
    assert new_state(VISIT, "/", now=1000.0) != new_state(VISIT, "/", now=1000.0)
    for visit, given, now in (
        ("w" * 43, state, 1000.0), ("", state, 1000.0), (VISIT, state, 1001.0 + FLOW_S), (VISIT, "", 1000.0),
        (VISIT, state[:-1], 1000.0), (VISIT, "ü.1.x.y", 1000.0), (VISIT, state + "." + state, 1000.0),
    ):  # fmt: skip
        with pytest.raises(SignInRefused):
            goal_of(visit, given, now=now)
    assert goal_of(VISIT, new_state(VISIT, "/" + "x" * 600, now=0.0), now=0.0) == "/"


def test_verifier_and_nonce_are_the_browsers_own_and_this_sign_ins() -> None:
    one, other = new_state(VISIT, "/", now=0.0), new_state(VISIT, "/", now=0.0)
    made = {f(visit, state) for f in (nonce_of, verifier_of) for visit in (VISIT, "w") for state in (one, other)}
    assert len(made) == 8
    # RFC 7636, 4.1: 43 to 128 characters
    assert all(43 <= len(text) <= 128 for text in made)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", ()),
        ("a = admin", (GroupRule("a", "admin"),)),
        ("a=rep;\n b b = manager : N ,S;", (GroupRule("a", "rep"), GroupRule("b b", "manager", ("N", "S")))),
        ("CN=x,OU=rep = trainer", (GroupRule("CN=x,OU=rep", "trainer"),)),
    ],
)  # fmt: skip
def test_rules_of_groups(text: str, rules: tuple[GroupRule, ...]) -> None:
    assert group_rules(text) == rules


@pytest.mark.parametrize("text", ["a", "a = boss", "= rep", "a = manager", "a = rep: North", "a = admin b = rep x"])
def test_a_rule_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"oidc_groups: .*expected GROUP = ROLE"):
        group_rules(text)


def test_the_group_that_sees_most_counts() -> None:
    rules = group_rules("a = rep; b = manager: North; c = manager: South; d = trainer; e = admin")
    plan = Plan("https://login.example.com", "debrief", groups=rules)
    assert plan.reach_of(["b", "c", "a"]) == ("manager", ("North", "South"))
    assert plan.reach_of(["b", "d"]) == ("trainer", ())
    assert plan.reach_of(["e", "d"]) == ("admin", ())
    assert plan.reach_of(["x"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "login.example.com", "http://login.example.com", "ftp://login.example.com", "https://", "https://a@b.example",
        "https://a.example/#x", "https://a.example\\@b.example", "https://a.example:port", "https://a b.example",
        "http://127.0.0.1.evil.example", "https://a.example/\n",
    ],
)  # fmt: skip
def test_addresses_that_no_secret_is_sent_to(text: str) -> None:
    assert address(text) is None


def test_addresses_that_may_be_used() -> None:
    for text in ("https://login.example.com/realms/a", "https://login.example.com:8443", "http://127.0.0.1:9000"):
        assert address(text) is not None


def test_the_secret_is_in_the_environment_or_a_file_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-the-file\n")
    named = Settings(
        data=tmp_path, oidc_issuer="https://a.example", oidc_client_id="x", oidc_client_secret_file="secret"
    )
    assert client_secret(named, environ={}) == "from-the-file"
    assert client_secret(named, environ={"DEBRIEF_OIDC_CLIENT_SECRET": "from-outside"}) == "from-outside"
    assert client_secret(Settings(data=tmp_path), environ={}) == ""
    assert "from-the-file" not in repr(plan_of(named, environ={}))
    for content, why in ((b"", "is empty"), (b"two\nlines", "expected one line"), (b"\xff\xfe\xff", "not text")):
        (tmp_path / "secret").write_bytes(content)
        with pytest.raises(SettingsError, match=why):
            client_secret(named, environ={})
    (tmp_path / "secret").unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        client_secret(named, environ={})
    (tmp_path / "debrief.toml").write_text('oidc_client_secret = "oops"')
    with pytest.raises(SettingsError, match="set DEBRIEF_OIDC_CLIENT_SECRET"):
        load_settings(tmp_path, environ={})


def test_an_older_file_gets_the_new_tables_and_keeps_its_users(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "access.sqlite")
    old.executescript(_FIRST + "; PRAGMA user_version = 1;")
    old.execute("INSERT INTO users (user_id, name, role, created_at) VALUES ('1', 'Ada', 'admin', 0)")
    old.commit()
    old.close()
    with AccessBook(tmp_path) as book:
        assert (book.user("Ada").email, book.user("Ada").linked) == (None, False)
        Identities(book).link(book.user("Ada"), "https://a.example", "1")
        assert book.user("Ada").linked


def test_a_subject_is_one_user_and_a_user_one_subject_of_an_issuer(book: AccessBook) -> None:
    identities = Identities(book)
    ann, bo = book.add_user("Ann", "rep"), book.add_user("Bo", "rep")
    identities.link(ann, "https://a.example", "1")
    identities.link(ann, "https://a.example", "1")
    identities.link(ann, "https://b.example", "1")
    for user, subject in ((bo, "1"), (ann, "2")):
        with pytest.raises(AccessError, match="linked to somebody else"):
            identities.link(user, "https://a.example", subject)
    found = identities.user_of("https://a.example", "1")
    assert found is not None
    assert found.name == "Ann"
    assert identities.user_of("https://a.example", "2") is None
    session = book.start_session(ann)
    identities.unlink("Ann")
    assert identities.user_of("https://a.example", "1") is None
    assert book.session_user(session) is None
    identities.link(bo, "https://a.example", "1")
    book.remove_user("Bo")
    assert identities.user_of("https://a.example", "1") is None


def test_an_address_is_one_users_in_any_case(book: AccessBook) -> None:
    identities = Identities(book)
    book.add_user("Ann", "rep")
    book.add_user("Bo", "rep")
    assert identities.set_email("Ann", " Ann@Example.com ").email == "ann@example.com"
    assert identities.set_email("Ann", "ann@example.com").email == "ann@example.com"
    with pytest.raises(AccessError, match="is Ann's e-mail already"):
        identities.set_email("Bo", "ANN@example.com")
    # the sign of Kelvin is no K
    assert identities.user_by_email("ann@e\u212a.com") is None
    assert identities.set_email("Ann", "").email is None
    for wrong in ("ann", "@example.com", "ann@", "a@b@c", "a n@example.com", "änn@example.com", "a@" + "b" * 300):
        with pytest.raises(AccessError, match="expected an e-mail"):
            checked_email(wrong)


def test_a_secret_is_spent_once(book: AccessBook) -> None:
    identities = Identities(book)
    assert identities.spend("x", seconds=10)
    assert not identities.spend("x", seconds=10)
    assert identities.spend("y", seconds=10)


def test_the_last_admin_may_be_one_who_has_no_password(book: AccessBook) -> None:
    ada, bo = book.add_user("Ada", "admin"), book.add_user("Bo", "admin")
    Identities(book).link(ada, "https://a.example", "1")
    with pytest.raises(AccessError, match="last admin"):
        book.set_disabled("Ada", True)
    Identities(book).link(bo, "https://a.example", "2")
    assert book.set_disabled("Ada", True).disabled


def test_who_can_sign_in_hangs_on_what_counts(book: AccessBook) -> None:
    book.add_user("Ada", "admin", password="a long enough phrase")
    assert book.anyone_can_sign_in()
    assert not book.anyone_can_sign_in(passwords=False, provider=True)
    Identities(book).set_email("Ada", "ada@example.com")
    assert book.anyone_can_sign_in(passwords=False, provider=True)
    Identities(book).set_email("Ada", "")
    assert not book.anyone_can_sign_in(passwords=False, provider=True)


def test_the_commands_about_addresses_and_subjects(tmp_path: Path) -> None:
    assert debrief(tmp_path, "add", "Ada", "--role", "admin", "--email", "Ada@example.com").exit_code == 0
    with AccessBook(tmp_path) as book:
        assert (book.user("Ada").email, book.user("Ada").has_password) == ("ada@example.com", False)
        Identities(book).link(book.user("Ada"), "https://a.example", "1")
    assert "ada@example.com" in debrief(tmp_path, "list").output
    assert '"linked": true' in debrief(tmp_path, "list", "--json").output
    assert debrief(tmp_path, "unlink", "ada").exit_code == 0
    assert debrief(tmp_path, "email", "ada").exit_code == 0
    with AccessBook(tmp_path) as book:
        assert (book.user("Ada").email, book.user("Ada").linked) == (None, False)
        assert {"unlinked from the sign-in provider", "e-mail taken away"} <= {line.detail for line in book.log()}
    assert isinstance(debrief(tmp_path, "add", "Bo", "--role", "rep", "--email", "bo").exception, AccessError)
    with AccessBook(tmp_path) as book:
        assert [user.name for user in book.users()] == ["Ada"]


def certificate(folder: Path) -> Path:
    """One for 127.0.0.1 that nobody vouches for, with its key, in a file."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "here.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Says(Quiet, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            hangs(self)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"said": true}')


def test_a_certificate_that_nobody_vouches_for_is_refused_and_the_companys_own_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    try:
        with serving(Says, Served(), tls=context) as served:
            url = f"https://127.0.0.1:{served.port}"
            fetch._trusted.cache_clear()
            with pytest.raises(ProviderError, match=r"127\.0\.0\.1: not reached \(.*certificate"):
                fetch.Line().get(url)
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
            fetch._trusted.cache_clear()
            assert fetch.Line().get(url) == {"said": True}
            with pytest.raises(ProviderError, match="no answer within"):
                fetch.Line(deadline_s=0.3).get(f"{url}/slow")
            no_thread_is_left("oidc")
    finally:
        fetch._trusted.cache_clear()
