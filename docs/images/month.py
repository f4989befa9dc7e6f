"""Renders month-de.png, month-en.png and month-pdf.png, the pages of `syncd report month`: `.venv/bin/python -m docs.images.month`.

Run it after a change to these pages. It spreads applications of the sandbox over two years, syncs them into an embedded
Postgres as the daemon would, and makes the pages with the command itself. It takes half a minute on an idle machine.
"""

import json
import random
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import sync_playwright

from syncd.embedded import start_postgres
from syncd.sandbox import SandboxConfig
from syncd.sandbox.content.profiles import build_profile
from syncd.sandbox.content.vocabulary import JOBS
from syncd.store import migrate
from tests.browser import chromium, visit
from tests.database import sqlalchemy_url
from tests.system.processes import Site, site

FOLDER = Path(__file__).parent
MONTH = "2026-10"
# Of 1,600 applications, as many as the first share of their source come, and the second share of these has a CV.
SHARES = {
    "indeed": (1.0, 0.5),
    "stepstone": (0.8, 0.8),
    "karriereseite": (0.7, 0.7),
    "facebook": (0.4, 0.3),
    "instagram": (0.3, 0.2),
}
OTHERS = (0.2, 0.5)
APPLICATIONS, DAYS = 1_600, 440


def pages(here: Site) -> None:
    """Fill the installation, and write month.de.html, month.en.html and month.pdf into its folder."""
    rng = random.Random(7)  # noqa: S311 - invented applications
    config = here.sandbox.config
    for index in range(APPLICATIONS):
        profile = build_profile(config, config.client_id, index, here.sandbox.url)
        # More of them lately: a year that goes well.
        ago = timedelta(days=DAYS * rng.random() ** 1.25, minutes=rng.randrange(1_440))
        profile["createdAt"] = (datetime(2026, 11, 1) - ago).isoformat()  # noqa: DTZ001 - as PitchYou writes it
        if index % 12 == 0:
            profile["phone"] = "+49 151 2345678" + str(index % 7)
        comes, has_cv = SHARES.get(profile["utmSource"], OTHERS)
        if rng.random() < has_cv:
            profile["cv"] = {
                "mediaId": f"CV-{index}",
                "mimeType": "application/pdf",
                "fileName": "Lebenslauf.pdf",
            }
        if rng.random() < comes:
            here.sandbox.put_raw_profile(json.dumps(profile).encode())
    known = [f"{job.reference};{job.title};2026-06-01" for job in JOBS[:-1]]
    jobs = [
        "reference;title;opened",
        *known,
        "RA-7;Radiologieassistenz (m/w/d);2026-08-17",
        "HM-2;Hausmeister (m/w/d);2026-10-05",
    ]
    (here.folder / "jobs.csv").write_text("\n".join(jobs))
    typed(here, "jobs", "import", "jobs.csv")
    typed(here, "templates")
    typed(here, "apply-link", "--job", "HM-2", "--utm-source", "plakat", "--utm-medium", "qr")
    typed(here, "sync")
    typed(here, "questions", "open", "Ab wann könntest du anfangen?")
    typed(here, "sync")
    # Links are of today. This one has hung there since the summer.
    here.execute("UPDATE ats.apply_link SET created_at = '2026-08-20'")
    here.execute("UPDATE ats.client SET label = 'Klinik am Park gGmbH'")
    for language in ("de", "en"):
        typed(here, "report", "month", MONTH, "--language", language, "--html", f"month.{language}.html")
    typed(here, "report", "month", MONTH, "--language", "de", "--pdf", "month.pdf")


def typed(here: Site, *command: str) -> None:
    """Run a command of syncd to its end."""
    result = here.run(*command)
    if result.returncode:
        raise SystemExit(f"{command}: {result.stderr}")


def pictures(folder: Path) -> None:
    """Render the pages of a folder, in few colours, so that the files stay small."""
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for language in ("de", "en"):
            address = (folder / f"month.{language}.html").as_uri()
            with visit(browser, address, viewport={"width": 1000, "height": 800}) as visited:
                picture = folder / f"{language}.png"
                visited.page.screenshot(path=picture, full_page=True)
                save(Image.open(picture), f"month-{language}.png")
    save(pypdfium2.PdfDocument(folder / "month.pdf")[0].render(scale=1.4).to_pil(), "month-pdf.png")


def save(picture: Image.Image, name: str) -> None:
    picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, start_postgres() as server:
        url = sqlalchemy_url(
            host="127.0.0.1", port=server.port, user="postgres", dbname="postgres", password=server.password
        )
        migrate.upgrade(url)
        with site(
            url, Path(name), SandboxConfig(profiles=0, media_per_profile=0.0, media_size=2_000)
        ) as here:
            pages(here)
        pictures(Path(name))


if __name__ == "__main__":
    main()
