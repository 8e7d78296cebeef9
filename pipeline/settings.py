"""Settings: `debrief.toml` in the data folder, overridden by `DEBRIEF_*` environment variables.

Every field's environment name is `DEBRIEF_` + the field in capitals (`DEBRIEF_ENGINE=pocketsphinx`).
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.settings_check import home_problem, problem_of

DEFAULT_DATA_FOLDER = "debrief-data"

_TRUTH = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}

_KINDS: dict[type[Any], str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""What this machine calls itself: what listens there, or is asked there, is not on a network."""

SECRETS = ("judge_key", "smtp_password", "crm_key", "webhook_secret", "oidc_client_secret")
"""Taken from the environment only (`DEBRIEF_JUDGE_KEY`, `DEBRIEF_SMTP_PASSWORD`, `DEBRIEF_CRM_KEY`,
`DEBRIEF_WEBHOOK_SECRET`, `DEBRIEF_OIDC_CLIENT_SECRET`), the last one also from a file of its own."""

HIDDEN = ("digest_webhook", "webhook_urls")
"""Settings whose value lets others in: shown as set, never as they are, and repeated in no message."""

OTHERS = ("data", "models", "beam", "compute_type")
"""What else is said in the environment, as `DEBRIEF_DATA`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose; the defaults need no file."""

    data: Path = Path(DEFAULT_DATA_FOLDER)
    inbox: str = ""
    """Watched folder; empty means `inbox/` inside the data folder."""
    path_pattern: str = "{team}/{rep}/{date}_{account}"
    """What folders and file names say, from the right; a file beside the recording wins."""
    rubric: str = "sales_call"
    """Name of a shipped rubric, or path of a YAML file (a relative one from here, else from the data folder)."""
    engine: str = "auto"
    """Recogniser: `auto`, `faster-whisper` or `pocketsphinx`."""
    whisper_model: str = "auto"
    """Catalogue name or folder of a CTranslate2 Whisper model; `auto` picks by hardware."""
    language: str = "en"
    """Language that is spoken, as Whisper calls it; `auto` lets a model of many languages tell, call by call."""
    glossary: str = ""
    """Comma-separated names and products the recogniser should expect."""
    diarizer: str = "auto"
    """Mono diarizer: `auto`, `pyannote` or `embedded`."""
    pyannote_model: str = ""
    """Local folder of a pyannote pipeline."""
    speakers: int = 0
    """Speaker count when known; 0 means estimate."""
    max_hours: float = 6.0
    """Longer recordings are refused."""
    max_expected_wer: float = 0.35
    """Calls whose expected word error rate is above this are not scored."""
    min_roles_confidence: float = 0.8
    """Calls on which it is less certain (0-1) who sells wait for a person's word."""
    min_confidence: float = 0.0
    """Criteria below this confidence abstain; 0 means the judge's own calibrated thresholds."""
    quality_floor: float = 0.5
    """A criterion whose published agreement may be below this (the lower end of its interval, 0-1) is for people to
    review: it enters no standing and assigns no training."""
    judge: str = "embedded"
    """Who judges: `embedded`, `endpoint` (an OpenAI-compatible server: every transcript is sent to it) or
    `transformers` (a chat model in a folder of this machine). An endpoint's key is in `DEBRIEF_JUDGE_KEY` only."""
    judge_url: str = ""
    """Base address of the endpoint, such as `http://127.0.0.1:8000/v1`."""
    judge_model: str = ""
    """Name of the model at the endpoint, or the folder of a transformers model."""
    judge_timeout_s: float = 120.0
    """Limit for one request to the endpoint, or for one answer of a transformers model."""
    judge_budget: int = 1000
    """Requests to the endpoint in a day (UTC), retries counted; 0 means no limit."""
    workers: int = 0
    """Worker processes; 0 means one per core."""
    timeout_s: float = 3600.0
    """Hard limit for one call in a worker."""
    max_attempts: int = 3
    """Tries of a file on which an engine fails, crashes or hangs, before it is quarantined."""
    digest_to: str = ""
    """Comma-separated addresses that the nightly digest is mailed to, and what `debrief digest --send` quotes of calls;
    empty means none."""
    digest_from: str = "debrief@localhost"
    """Sender of the digest's mail."""
    digest_webhook: str = ""
    """Address of a Slack or Teams webhook that the same is posted to; empty means none."""
    webhook_urls: str = ""
    """Comma-separated addresses that new scorecards, gaps and assignments are posted to, signed with
    `DEBRIEF_WEBHOOK_SECRET`; empty means that nothing is sent."""
    smtp_host: str = ""
    """Mail server of the digest; empty means that nothing is mailed."""
    smtp_port: int = 587
    """Port of the mail server."""
    smtp_security: str = "starttls"
    """`starttls`, `tls` or `none`."""
    smtp_user: str = ""
    """Name at the mail server. The password is in `DEBRIEF_SMTP_PASSWORD` only."""
    redact: str = "all"
    """What is taken out of everything that leaves (exports, clips, CRM, digests): `all`, `none`, or some of `card`,
    `bank`, `ssn`, `email`, `phone`, `number`, with commas."""
    redact_kept: bool = False
    """Take the same out of the kept transcripts too: nobody can read it any more, and the judge does not see it."""
    require_consent: bool = False
    """Hear and keep only calls with `consent: yes`; calls with `consent: no` are never heard or kept."""
    keep_recordings_days: int = 0
    """Days after which a recording is deleted from the inbox. Such settings count from the call's date; 0: for ever."""
    keep_transcripts_days: int = 0
    """Days after which a call's words go (clips, quotes, captions and exports with them); scores and metrics stay."""
    keep_scores_days: int = 0
    """Days after which all that is kept of a call goes."""
    keep_clips_days: int = 0
    """Days that clips of recordings stay after they were last played; they are made again for whoever plays them."""
    keep_exports_days: int = 0
    """Days that exported files stay, wherever they were written, unless they were changed since."""
    keep_cache_days: int = 90
    """Days that entries of caches stay."""
    keep_audit_days: int = 0
    """Days that lines of the audit log stay."""
    keep_logs_days: int = 30
    """Days that logs, digests and Prefect's runs are kept; 0 means for ever."""
    target_level: float = 3.0
    """Level (0-4) that every rep should reach on every criterion; other than 3 it wins over the rubric's targets."""
    crm: str = "hubspot"
    """Whose field names `debrief crm` uses: `hubspot` or `salesforce`."""
    crm_url: str = ""
    """Where `debrief crm push` sends accounts to; empty means that nothing is ever sent. The key is in
    `DEBRIEF_CRM_KEY` only."""
    port: int = 8321
    """Port of the web app."""
    host: str = "127.0.0.1"
    """Address the web app listens on; anything but loopback belongs behind a reverse proxy with TLS."""
    public_url: str = ""
    """Address people reach the web app by, such as `https://debrief.example.com`; empty means this machine only."""
    oidc_issuer: str = ""
    """Address of the company's OpenID Connect provider, by which people sign in; empty means passwords only, and that
    nothing is ever sent there."""
    oidc_client_id: str = ""
    """Name that the provider gave debrief when it was registered there."""
    oidc_client_secret_file: str = ""
    """File that holds the client's secret alone (a relative path from the data folder); `DEBRIEF_OIDC_CLIENT_SECRET` in
    the environment wins. Without either debrief is a public client."""
    oidc_name: str = "your company account"
    """What the sign-in page calls the provider: "Sign in with ...". """
    oidc_only: bool = False
    """No passwords: people sign in with the provider only. Sessions that run go on, API tokens count as before."""
    oidc_match: str = "email"
    """How a person is found the first time: `email` (verified by the provider, the same as the user's) or `name` (their
    `preferred_username` is the user's name or e-mail: only where people cannot choose it themselves). From then on the
    subject counts."""
    oidc_scopes: str = "openid email profile"
    """What is asked of the provider, with blanks; some want `groups` here before they tell groups."""
    oidc_groups_claim: str = "groups"
    """Claim that holds a person's groups; a path with dots such as `realm_access.roles` reaches into one."""
    oidc_groups: str = ""
    """Roles by group, one a line: `GROUP = ROLE`, for managers with their teams: `GROUP = manager: North, South`. Where
    it is set, role and teams follow the groups at each sign-in with the provider, and nobody without one gets in."""
    oidc_create: bool = False
    """Make a user for whoever comes with one of these groups; else an admin adds each one first."""
    oidc_rep_claim: str = ""
    """Claim that holds a rep's name as on the calls: only one that people cannot change themselves. Empty means that an
    admin says it."""
    oidc_contact: str = ""
    """Whom people ask who are not let in, such as `Ada, extension 12`; empty means an admin of debrief."""

    @property
    def inbox_folder(self) -> Path:
        """The watched folder."""
        return Path(self.inbox).expanduser() if self.inbox else self.data / "inbox"


def public_address(settings: Settings) -> str:
    """Where the web app is reached, without a slash at the end."""
    return settings.public_url.rstrip("/") or f"http://127.0.0.1:{settings.port}"


def local_address(settings: Settings) -> str:
    """Where the web app is reached from this machine, without a slash at the end."""
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def load_settings(
    data: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    on_problem: Callable[[SettingsError], None] | None = None,
) -> Settings:
    """Settings of a data folder (argument, else `DEBRIEF_DATA`, else `debrief-data/`).

    Raises `SettingsError` with the file, the key and what was expected. With `on_problem` each of them is told there
    instead, and the default counts: `debrief doctor` shows all that is wrong at once.
    """
    environ = os.environ if environ is None else environ
    chosen = Path(data or environ.get("DEBRIEF_DATA") or DEFAULT_DATA_FOLDER)
    if problem := home_problem(str(chosen)):
        raise SettingsError(f"data folder: {problem}, found {str(chosen)!r}")
    folder = chosen.expanduser()
    values: dict[str, Any] = {}
    fields = {f.name: f for f in dataclasses.fields(Settings) if f.name != "data"}
    for where, key, value in _given(folder, fields, environ, on_problem or _raise):
        try:
            values[key] = _cast(value, fields[key], where=where)
        except SettingsError as error:
            (on_problem or _raise)(error)
    if "rubric" in values:
        values["rubric"] = _kept_rubric(folder, values["rubric"])
    return Settings(data=folder, **values)


def _raise(error: SettingsError) -> None:
    raise error


def _given(
    folder: Path, known: Collection[str], environ: Mapping[str, str], on_problem: Callable[[SettingsError], None]
) -> Iterator[tuple[str, str, Any]]:
    """(where it stands, setting, value) of the file, then of the environment, which wins."""
    path = folder / "debrief.toml"
    table: Mapping[str, Any] = {}
    if path.is_file():
        try:
            table = tomllib.loads(read_toml(path))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            on_problem(SettingsError(f"{path}: not readable as TOML: {error}"))
    for key, value in table.items():
        if key in SECRETS:
            secret = f"DEBRIEF_{key.upper()}"
            on_problem(SettingsError(f"{path}: keys are not kept in files; remove '{key}' and set {secret}"))
        elif key not in known:
            on_problem(SettingsError(f"{path}: unknown setting '{key}'; known: {', '.join(sorted(known))}"))
        else:
            yield f"{path}: {key}", key, value
    for name in environ:
        key = name.removeprefix("DEBRIEF_").lower() if name.startswith("DEBRIEF_") else ""
        names = (*known, *SECRETS, *OTHERS)
        if key and key not in names and (near := difflib.get_close_matches(key, names, n=1, cutoff=0.85)):
            # passed over in silence, a misspelt limit or demand for consent would be none
            on_problem(SettingsError(f"{name}: no setting is called that; write DEBRIEF_{near[0].upper()}"))
    for key in known:
        name = f"DEBRIEF_{key.upper()}"
        if name in environ:
            yield name, key, environ[name]


def read_toml(path: Path) -> str:
    """A settings file's text; some editors on Windows begin it with a mark that TOML does not know."""
    return path.read_text(encoding="utf-8-sig")


def _kept_rubric(folder: Path, name: str) -> str:
    """A relative path that is only there in the data folder, as a path from here: the folder may be moved."""
    path = Path(name)
    inside = folder / path
    return str(inside) if path.suffix and not path.exists() and inside.is_file() else name


def _cast(value: Any, f: dataclasses.Field[Any], *, where: str) -> Any:
    """The value as the setting's kind. Raises `SettingsError` where it is none, or not one that works."""
    kind: type[Any] = type(f.default)
    # of an address that may carry a secret also what is no address: people write lists of them
    found = "" if f.name in HIDDEN else ", found {!r}"
    try:
        if kind is bool:
            return value if isinstance(value, bool) else _TRUTH[str(value).strip().lower()]
        if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
            raise ValueError
        if kind is int and isinstance(value, float) and not value.is_integer():
            raise ValueError
        made = kind(value)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise SettingsError(f"{where}: expected {_KINDS[kind]}{found.format(value)}") from None
    problem = problem_of(f.name, made)
    if problem:
        raise SettingsError(f"{where}: {problem}{found.format(made)}")
    return made
