"""What a CRM is told of accounts, from the store."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from test_store import keep_call

from pipeline.coach.commands import account_rows, crm_records
from pipeline.coach.crm import push
from pipeline.errors import SettingsError
from pipeline.settings import Settings
from pipeline.store import Store


def test_a_crm_is_told_of_as_many_calls_and_accounts_as_the_list_of_accounts(
    stages: None, tmp_path: Path, settings: Settings
) -> None:
    for days, account in ((900, "Acme"), (30, "Acme"), (900, "Dale")):
        day = dt.date.today() - dt.timedelta(days)
        keep_call(tmp_path, settings, "Ann", f"{day.isoformat()}_{account}", f"hello {days} {account}")
    with Store(settings.data) as store:
        store.ingest()
        records, fields = crm_records(store, settings=settings)
        listed = account_rows(store, settings=settings)
    told = {row[fields["account"]]: row[fields["calls"]] for row in records}
    assert told == {row["account"]: row["calls"] for row in listed} == {"Acme": 2, "Dale": 1}


@pytest.mark.parametrize("key", ["abc\u2013def", "abc\ndef"])
def test_a_key_that_cannot_be_sent_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("DEBRIEF_CRM_KEY", key)
    with pytest.raises(SettingsError, match="DEBRIEF_CRM_KEY: holds a character") as caught:
        push("http://127.0.0.1:9/x", "hubspot", [{}])
    assert "abc" not in str(caught.value)


def test_an_address_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(SettingsError, match="crm_url: not an address"):
        push("https://\u00fc..example/x", "hubspot", [{}])
