from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, load_settings


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
    [("engin = 'x'", "unknown setting 'engin'"), ("workers = 'many'", "expected int"), ("= 3", "not readable as TOML")],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "debrief.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, environ={})


def test_inbox_defaults_into_the_data_folder(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).inbox_folder == tmp_path / "inbox"
    assert Settings(data=tmp_path, inbox="/calls").inbox_folder == Path("/calls")
