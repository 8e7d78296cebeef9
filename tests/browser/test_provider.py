"""Signing in with the company's provider in a real browser: another site, so its cookies and our policy are at work."""

from __future__ import annotations

import dataclasses
from typing import Any

from oidc_provider import CLIENT, SECRET, company

from pipeline.access.identities import Identities
from pipeline.oidc.plan import SECRET_NAME


def test_from_the_sign_in_page_over_another_site_and_back_and_out(site: Any, browser: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv(SECRET_NAME, SECRET)
    before = site.desk.settings
    with company() as made:
        made.host = "localhost"
        made.redirect_uri = f"{site.url}/sign-in/back"
        made.person = {"sub": "0001", "email": "tess@example.com", "email_verified": True}
        Identities(site.desk.book).set_email("Tess", "tess@example.com")
        named = {"oidc_issuer": made.issuer, "oidc_client_id": CLIENT, "oidc_name": "Calder account"}
        site.desk.settings = dataclasses.replace(before, public_url=site.url, **named)
        context = browser.new_context()
        try:
            page = context.new_page()
            page.goto(f"{site.url}/training")
            page.get_by_role("link", name="Sign in with Calder account").click()
            page.wait_for_url(f"{site.url}/training")
            assert page.get_by_role("heading", level=1).inner_text() == "Training"
            page.get_by_role("button", name="Sign out").first.click()
            page.get_by_role("link", name="Sign out of Calder account too").click()
            page.wait_for_url(f"{made.issuer}/logout**")
        finally:
            context.close()
            site.desk.settings, site.desk._provider = before, None
            Identities(site.desk.book).unlink("Tess")
