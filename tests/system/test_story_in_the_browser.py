"""One application from its job ad to the chat, with the commands on one side and a real browser on the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncd.sandbox import SandboxConfig
from tests.browser import PageServer, Served, visit
from tests.system.processes import Site, site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REFERENCE = "Ä/ö? #1%+ 🚲"
STRICT = "default-src 'none'; style-src 'self'"


def said(here: Site, *arguments: str) -> str:
    port = here.sandbox.url.rpartition(":")[2]
    result = here.run(
        *arguments,
        APPLY_URL="http://{client_id}.localhost:" + port,
        CHAT_URL=f"http://127.0.0.1:{port}/chat",
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.browser
def test_an_applicant_clicks_the_button_and_a_recruiter_answers_in_the_chat(
    database_url: str, tmp_path: Path, browser: Browser
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here, PageServer() as pages:
        (tmp_path / "jobs.csv").write_text(f"reference,title\n{REFERENCE},Fahrradkurier (m/w/d)\n")
        assert "  fahrer  " in said(here, "templates")
        said(here, "jobs", "import", "jobs.csv")
        button = said(
            here, "apply-link", "--job", REFERENCE, "--template", "fahrer", "--title", "Fahrradkurier (m/w/d)",
            "--utm-source", "seite", "--css", "button.css",
        )  # fmt: skip
        head = '<!doctype html><html lang="de"><title>Anzeige</title>'
        pages.pages["/ad"] = Served(
            f'{head}<link rel="stylesheet" href="/button.css"><main>{button}</main>',
            headers={"Content-Security-Policy": STRICT},
        )
        pages.pages["/button.css"] = Served((tmp_path / "button.css").read_text(), "text/css")

        with visit(browser, f"{pages.url}/ad") as ad:
            ad.page.get_by_role("link", name="Jetzt einfach per WhatsApp bewerben").click()
            ad.page.wait_for_url("**/go/**")
            assert "Fahrradkurier (m/w/d)" in ad.page.inner_text("body")
            ad.page.fill("[name=firstName]", "Ayşe")
            ad.page.fill("[name=lastName]", "Groß")
            ad.page.check("[name=cv]")
            ad.page.click("button")
            ad.page.wait_for_url("**/danke")
            assert (ad.complaints, ad.dialogs) == ([], [])

        said(here, "sync")
        jobs = json.loads(said(here, "jobs", "list", "--json"))["jobs"]
        [job] = [job for job in jobs if job["external_reference_id"] == REFERENCE]
        assert (job["title"], job["applications"], job["origin"]) == ("Fahrradkurier (m/w/d)", 1, "import")
        [(profile, template, source, files)] = here.rows(
            "SELECT profile_id, job_template_key, utm_source, (SELECT count(*) FROM ats.media m "
            "WHERE m.profile_id = a.profile_id AND state = 'stored') FROM ats.application a "
            "WHERE external_reference_id = %s",
            REFERENCE,
        )
        assert (template, source, files) == ("fahrer", "seite", 1)

        element, policy = (
            said(here, "chat", profile, "--recruiter", "Frau Jäger", "--iframe").strip().split("\n\n")
        )
        name, _, value = policy.partition(": ")
        pages.pages["/ats"] = Served(f"{head}<main>{element}</main>", headers={name: value})
        with visit(browser, f"{pages.url}/ats") as ats:
            chat = ats.page.frame_locator("iframe")
            assert "Frau Jäger" in chat.locator("body").inner_text()
            assert "Ayşe" in chat.locator("body").inner_text()
            chat.get_by_role("textbox").fill("Wann passt es Ihnen?")
            chat.get_by_role("button").click()
            chat.get_by_text("Wann passt es Ihnen?").wait_for()
            assert ats.complaints == []
        assert [message.text for message in here.sandbox.ledger.messages] == ["Wann passt es Ihnen?"]
        here.assert_complete()
