from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, load_settings
from pipeline.settings_check import CHECKS, problem_of
from pipeline.settings_file import change_settings


def test_defaults_need_no_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path, environ={}) == Settings(data=tmp_path)
    assert load_settings(environ={"DEBRIEF_DATA": str(tmp_path)}).data == tmp_path
    assert load_settings(environ={}).data == Path("debrief-data")


def test_environment_wins_over_file(tmp_path: Path) -> None:
    (tmp_path / "debrief.toml").write_text('engine = "pocketsphinx"\nworkers = 3\n')
    settings = load_settings(tmp_path, environ={"DEBRIEF_WORKERS": "5"})
    assert (settings.engine, settings.workers) == ("pocketsphinx", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engin = 'x'", "unknown setting 'engin'"),
        ("workers = 'many'", "expected a whole number"),
        ("= 3", "not readable as TOML"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "debrief.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, environ={})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("DEBRIEF_REQUIRE_CONSENTS", "no setting is called that; write DEBRIEF_REQUIRE_CONSENT$"),
        ("DEBRIEF_KEEP_SCORE_DAYS", "write DEBRIEF_KEEP_SCORES_DAYS$"),
        ("DEBRIEF_SMTP_PASWORD", "write DEBRIEF_SMTP_PASSWORD$"),
    ],
)
def test_a_misspelt_name_in_the_environment_is_told(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: .*{message}"):
        load_settings(tmp_path, environ={name: "1"})
    other = {"DEBRIEF_MODELS": "/m", "DEBRIEF_BEAM": "5", "DEBRIEF_ATTEMPTS": "1", "DEBRIEF_JUDGE_KEY": "k"}
    assert load_settings(tmp_path, environ=other) == Settings(data=tmp_path)


def test_a_home_folder_that_nobody_has_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DEBRIEF_INBOX: nobody's home folder is called that; give the whole path"):
        load_settings(tmp_path, environ={"DEBRIEF_INBOX": "~nobody-here/calls"})
    with pytest.raises(SettingsError, match="data folder: nobody's home folder"):
        load_settings("~nobody-here/data", environ={})


def test_a_file_that_windows_marked_as_unicode_is_read(tmp_path: Path) -> None:
    (tmp_path / "debrief.toml").write_text("workers = 3\n", encoding="utf-8-sig")
    assert load_settings(tmp_path, environ={}).workers == 3
    assert change_settings(tmp_path, {"speakers": "2"}, environ={}).workers == 3


def test_inbox_defaults_into_the_data_folder(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).inbox_folder == tmp_path / "inbox"
    assert Settings(data=tmp_path, inbox="/calls").inbox_folder == Path("/calls")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keep_scores_days = -1", "keep_scores_days: give 0 or more; 0 keeps for ever"),
        ("workers = -3", "workers: give a number from 0 to 256; 0 means one per core"),
        ("workers = 2.5", "workers: expected a whole number"),
        ("max_hours = nan", "max_hours: give a number from 0.1 to 48"),
        ("host = ''", "host: give an address such as 127.0.0.1"),
        ("judge = 'nonsense'", "judge: one of embedded, endpoint, transformers"),
        ("crm = 'pipedrive'", "crm: one of hubspot, salesforce"),
        ("redact = 'bananas'", "redact: all, none, or some of card"),
        ("redact = 'none, card'", "redact: all, none, or some of card"),
        ("public_url = 'nonsense'", "public_url: give an address such as https://debrief.example.com"),
        ("path_pattern = '{rep}/{nope}'", "path_pattern: nothing is called {nope}; known: team, rep, date"),
        ("path_pattern = '{rep}/{rep}_{rep}'", "{rep} stands twice in '{rep}_{rep}'"),
        ("path_pattern = '{rep}/{date'", "a brace in '{date' has no other half"),
        ("port = 0", "port: give a number from 1 to 65535"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_work_is_refused_where_it_is_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "debrief.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, environ={})
    assert message in str(caught.value)
    key, _, value = text.replace("'", "").partition(" = ")
    with pytest.raises(SettingsError, match=f"DEBRIEF_{key.upper()}: "):
        load_settings(tmp_path / "none", environ={f"DEBRIEF_{key.upper()}": value})


def test_a_language_may_be_left_to_the_recogniser(tmp_path: Path) -> None:
    assert load_settings(tmp_path, environ={"DEBRIEF_LANGUAGE": "auto"}).language == "auto"
    with pytest.raises(SettingsError, match="such as en, or auto"):
        load_settings(tmp_path, environ={"DEBRIEF_LANGUAGE": "English"})


def test_an_address_that_may_hold_a_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, environ={"DEBRIEF_DIGEST_WEBHOOK": "hooks.example.com/T0/secret"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["digest_webhook", "webhook_urls"])
def test_nor_is_it_where_people_write_a_list_of_them(tmp_path: Path, key: str) -> None:
    (tmp_path / "debrief.toml").write_text(f'{key} = ["https://hooks.example.com/T0/secret"]\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, environ={})
    assert str(caught.value).endswith(f"debrief.toml: {key}: expected a text")


def test_the_defaults_of_all_settings_are_allowed() -> None:
    wrong = {name: problem_of(name, getattr(Settings(), name)) for name in CHECKS}
    assert {name: line for name, line in wrong.items() if line} == {}


def test_all_problems_at_once_for_whoever_asks_for_them(tmp_path: Path) -> None:
    (tmp_path / "debrief.toml").write_text("workers = -3\nengin = 'x'\nport = 1234\n")
    told: list[SettingsError] = []
    settings = load_settings(tmp_path, environ={"DEBRIEF_CRM": "pipedrive"}, on_problem=told.append)
    assert len(told) == 3
    assert (settings.workers, settings.crm, settings.port) == (0, "hubspot", 1234)
