"""`syncd apply-link` (S1.2, S1.3): checked, stored once, in every form; and many at a time from a file."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.pitchyou import PITCHYOU_APPLY_URL
from syncd.recruiting.links import Wanted, issue_links
from syncd.recruiting.templates import sync_templates
from syncd.sandbox import SandboxConfig, Tenant
from syncd.shown import cell
from tests.integration.test_commands_terminal import HOSTILE, STEERING, on_a_terminal
from tests.scene import Scene, scene
from tests.starter import CLEAN, run
from tests.system.processes import Site, site

REFERENCE = "Ä/ö? #1%+ 🚲"
NONE = SandboxConfig(profiles=0)


def issued(s: Scene, *wanted: Wanted) -> list[str]:
    links = issue_links(
        s.outsides.database, "acme", wanted, apply_url=PITCHYOU_APPLY_URL, deadline=Deadline(30)
    )
    return [link.url for link in links]


def with_input(here: Site, content: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(arguments, env=CLEAN | dict(here.environ), cwd=here.folder, input=content)


def test_a_reference_comes_back_unchanged_through_link_interview_and_sync(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        sync_templates(s.client.api, s.outsides.database, Deadline(30))
        references = [REFERENCE, " a b ", "...", "%2e%2e", "x\r\ny", "\u202eabc", "a" * 1024, "<b>&amp;</b>"]
        for reference in references:
            wanted = Wanted(reference, "azubi", "Köchin <b>", "s+ &", "m/=", "c?#", "x%20")
            [url] = issued(s, wanted)
            s.sandbox.apply(url)
        assert s.cycle().error is None
        s.assert_complete()
        rows = s.rows(
            "SELECT j.external_reference_id, a.job_template_key, a.utm_source, a.utm_medium, a.utm_campaign, "
            "a.utm_content, l.link_id, j.origin FROM ats.application a JOIN ats.apply_link l ON l.client_id = a.client_id "
            "AND l.job = a.external_reference_id JOIN ats.job j ON j.client_id = l.client_id "
            "AND j.external_reference_id = l.job ORDER BY l.link_id"
        )
        assert [row.pop("external_reference_id") for row in rows] == references
        for row in rows:
            assert list(row.values())[:5] == ["azubi", "s+ &", "m/=", "c?#", "x%20"]
            assert row["origin"] == "link"


def test_a_link_is_stored_once_and_names_its_job(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        first = issued(
            s, Wanted("1", title="Koch"), Wanted("1", title="Koch", utm_source="x"), Wanted("1", title="Koch")
        )
        assert (
            first
            == issued(s, Wanted("1", title="Koch"), Wanted("1", title="Koch", utm_source="x")) + first[:1]
        )
        assert s.value("SELECT count(*) FROM ats.apply_link") == 2
        assert s.rows("SELECT external_reference_id, title, origin FROM ats.job") == [
            {"external_reference_id": "1", "title": "Koch", "origin": "link"}
        ]


def test_a_stub_gets_the_links_title_and_an_imported_job_keeps_its_own(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=20, media_per_profile=0.0)) as s:
        s.cycle()
        stub, imported = [
            row["r"] for row in s.rows("SELECT external_reference_id AS r FROM ats.job ORDER BY 1 LIMIT 2")
        ]
        s.execute(
            "UPDATE ats.job SET origin = 'import', title = 'ours' WHERE external_reference_id = :r",
            r=imported,
        )
        issued(s, Wanted(stub, title="new"), Wanted(imported, title="new"))
        found = s.rows("SELECT title, origin FROM ats.job ORDER BY external_reference_id LIMIT 2")
        assert [tuple(row.values()) for row in found] == [("new", "link"), ("ours", "import")]


def test_the_first_link_with_a_title_names_the_job(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        issued(s, Wanted("1"))
        issued(s, Wanted("1", title="z", utm_source="2"), Wanted("1", title="a", utm_source="1"))
        issued(s, Wanted("1", title="b"))
        assert s.value("SELECT title FROM ats.job") == "z"


def test_an_unknown_or_removed_template_is_refused_with_the_nearest_names(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        with pytest.raises(BadInput, match="no templates are known yet"):
            issued(s, Wanted("1", "azubi"))
        sync_templates(s.client.api, s.outsides.database, Deadline(30))
        with pytest.raises(BadInput, match="'pflege-standart' is unknown; did you mean 'pflege-standard'"):
            issued(s, Wanted("1", "pflege-standart"))
        s.sandbox.withdraw_template("azubi")
        sync_templates(s.client.api, s.outsides.database, Deadline(30))
        with pytest.raises(BadInput, match="'azubi' was removed at PitchYou"):
            issued(s, Wanted("1", "azubi"))
        assert s.value("SELECT count(*) FROM ats.apply_link") == s.value("SELECT count(*) FROM ats.job") == 0


def test_one_mistake_among_many_stores_nothing_and_all_are_told(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=NONE) as s:
        with pytest.raises(BadInput) as caught:
            issued(s, Wanted("1"), Wanted("..", line_no=3), Wanted("2", title="\0", line_no=4))
        assert [problem.partition(": ")[0] for problem in caught.value.problems] == ["line 3", "line 4"]
        assert s.value("SELECT count(*) FROM ats.apply_link") == 0


def test_the_command_prints_the_link_and_writes_every_form(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, NONE) as here:
        options = ("apply-link", "--job", REFERENCE, "--title", "Kurier", "--utm-source", "plakat")
        link = "https://acme.pitchyou.de/go/%C3%84%2F%C3%B6%3F%20%231%25%2B%20%F0%9F%9A%B2?title=Kurier&utm_source=plakat"
        files = ("--qr", "a.svg", "--sheet", "a.pdf")
        assert here.run(*options, *files).stdout == f"{link}\n"
        more = here.run(
            *options, "--css", "a.css", "--language", "en", "--qr", "b.PNG", "--sheet", "b.html", "--json"
        )
        facts = json.loads(more.stdout)
        assert (facts["url"], facts["job"]) == (link, REFERENCE)
        assert "Apply now by WhatsApp" in facts["html"]
        assert "style=" not in facts["html"]
        assert (tmp_path / "a.svg").read_bytes().lstrip().startswith(b"<")
        assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
        assert (tmp_path / "b.PNG").read_bytes().startswith(b"\x89PNG")
        assert "Scan the code" in (tmp_path / "b.html").read_text()
        assert ".whatsapp-apply" in (tmp_path / "a.css").read_text()
        inline = here.run(*options, "--html", "--text", "Los geht's").stdout
        assert inline.startswith("<a ")
        assert "style=" in inline
        assert "Los geht&#x27;s" in inline
        assert here.value("SELECT count(*) FROM ats.apply_link") == 1


@pytest.mark.long
def test_wrong_use_is_told_before_anything_is_stored(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=0, tenants=(Tenant("beta", "s", 0),))
    with site(database_url, tmp_path, config) as here:
        for arguments, told in (
            (["--job", "1"], "choose a client with --client: acme, beta"),
            (["--client", "acme"], "give either --job or --csv"),
            (
                ["--client", "acme", "--job", "1", "--qr", "a.gif"],
                "--qr: the file name must end in .svg or .png",
            ),
            (["--client", "acme", "--job", "1", "--sheet", "a.pdf"], "--sheet needs --title"),
            (["--client", "acme", "--csv", "x.csv", "--html"], "work with --job only"),
            (
                ["--client", "acme", "--job", "1", "--qr", "no/folder/a.svg"],
                "the folder no/folder does not exist",
            ),
            (["--client", "acme", "--job", "1", "--text", ""], "text is empty"),
            (["--client", "acme", "--job", "1", "--title", "x" * 1001, "--html"], "at most 1000"),
            (["--client", "acme", "--job", "1", "--title", "\u200b", "--sheet", "a.html"], "title is empty"),
            (["--client", "acme", "--job", " "], "job is empty"),
        ):
            result = here.run("apply-link", *arguments)
            assert (result.returncode, result.stdout) == (2, "")
            assert told in result.stderr
        assert (
            here.value("SELECT count(*) FROM ats.apply_link")
            == here.value("SELECT count(*) FROM ats.job")
            == 0
        )


def test_a_file_of_jobs_becomes_a_file_of_links(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, NONE) as here:
        content = f'Referenz;Titel;utm_source\n"{REFERENCE}";Köchin;\n2;;indeed\n'
        result = with_input(here, content, "apply-link", "--csv", "-", "--utm-source", "seite")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("\ufeffReferenz;Titel;utm_source;url\n")
        rows = list(csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff")), delimiter=";"))
        assert [row["Referenz"] for row in rows] == [REFERENCE, "2"]
        assert rows[0]["url"].endswith("?title=K%C3%B6chin&utm_source=seite")
        assert rows[1]["url"].endswith("/go/2?utm_source=indeed")
        links = json.loads(with_input(here, content, "apply-link", "--csv", "-", "--json").stdout)["links"]
        assert [link["utm_source"] for link in links] == [None, "indeed"]


def test_mistakes_in_a_file_are_told_by_line_all_at_once(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, NONE) as here:
        result = with_input(here, "reference,template\n1,azubi\n..,\n,\n3,4,5\n", "apply-link", "--csv", "-")
        assert (result.returncode, result.stdout) == (2, "")
        assert [line.split(":")[1] for line in result.stderr.splitlines()] == [
            " line 2",
            " line 3",
            " line 5",
        ]
        assert here.value("SELECT count(*) FROM ats.apply_link") == 0


def test_a_dense_code_is_written_with_a_warning(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, NONE) as here:
        for form in (("--qr", "a.svg"), ("--sheet", "a.html")):
            result = here.run("apply-link", "--job", "1", "--title", "x" * 900, *form, "--json")
            assert (result.returncode, result.stderr.count("\n")) == (0, 1)
            assert result.stderr.startswith("syncd: the QR code is dense: ")
            assert (tmp_path / form[1]).exists()


def test_a_file_of_links_keeps_all_columns_and_opens_in_a_spreadsheet(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        content = '\ufeffJob-ID,Stellentitel,Gehalt,=1+1,URL\n1,"Koch; =2+2",-5,"two\nlines",https://x.example\n2,Bäcker,,,\n'
        result = with_input(here, content, "apply-link", "--csv", "-")
        assert (result.returncode, result.stderr.count("\n")) == (0, 1)
        assert "3 columns are unknown and were ignored" in result.stderr
        assert result.stdout.removeprefix("\ufeff").splitlines()[:2] == [
            "Job-ID;Stellentitel;Gehalt;'=1+1;URL;apply_link",
            "1;\"Koch;' =2+2\";'-5;two\\nlines;https://x.example;https://acme.pitchyou.de/go/1?title=Koch%3B%20%3D2%2B2",
        ]
        for name, delimiter in ((",", ","), ("tab", "\t")):
            other = with_input(here, content, "apply-link", "--csv", "-", "--delimiter", name)
            rows = list(csv.reader(io.StringIO(other.stdout.removeprefix("\ufeff")), delimiter=delimiter))
            assert [len(row) for row in rows] == [6, 6, 6]
        wrong = here.run("apply-link", "--job", "1", "--delimiter", ",")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        # What it printed can be given to it again.
        again = with_input(here, result.stdout, "apply-link", "--csv", "-")
        assert again.stdout.splitlines()[-1].endswith(
            ";https://acme.pitchyou.de/go/2?title=B%C3%A4cker;https://acme.pitchyou.de/go/2?title=B%C3%A4cker"
        )


def test_references_that_a_spreadsheet_has_changed_are_noted_by_line(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        assert here.run("apply-link", "--job", "00123").returncode == 0
        result = with_input(here, "reference\n123\n#NV\n00123\n", "apply-link", "--csv", "-")
        assert result.returncode == 0
        similar, damaged = result.stderr.splitlines()
        assert similar.startswith("syncd: line 2: the reference '123' is new, but '00123' is known.")
        assert damaged.startswith("syncd: line 3: the reference '#NV' is an error value of a spreadsheet")
        assert "'123' is new, but '00123' is known" not in here.run("apply-link", "--job", "123").stderr


@pytest.mark.parametrize(
    "text", ["K\u00a07", "👩\u200d🚒", "Donau\u00addampf", "Ä/ö? #1%+ 🚲", " a ", "a=b", "x\u3000y"]
)
def test_a_reference_in_a_file_of_links_can_be_found_again(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_a_formula_reaches_no_spreadsheet(formula: str) -> None:
    assert cell(formula)[0] not in "=+-@\t\r ＝＋－＠"


def test_hostile_texts_can_steer_neither_the_terminal_nor_a_spreadsheet(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        (tmp_path / "jobs.csv").write_text(f'reference,title\n1,"={HOSTILE.replace(chr(10), "")}"\n')
        code, written = on_a_terminal(here, "apply-link", "--csv", "jobs.csv")
        assert code == 0
        assert not STEERING.search(written.replace("\r\n", "\n"))
        assert "reference;title;url\n1;\"'=" in written.replace("\r\n", "\n")
        code, written = on_a_terminal(here, "apply-link", "--job", HOSTILE, "--title", HOSTILE, "--html")
        assert code == 0
        assert not STEERING.search(written.replace("\r\n", "\n"))
        code, written = on_a_terminal(here, "apply-link", "--job", "1", "--template", HOSTILE)
        assert code == 2
        assert not STEERING.search(written.replace("\r\n", "\n"))
