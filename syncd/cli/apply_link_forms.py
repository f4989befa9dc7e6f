"""Creates the other forms of an apply link: button, stylesheet, QR code and printable sheet."""

from dataclasses import dataclass
from pathlib import Path

from syncd.errors import BadInput
from syncd.publishing.button import Styles, button_css, button_html
from syncd.publishing.languages import Language
from syncd.publishing.qr import qr_png, qr_svg, qr_warning
from syncd.publishing.sheet import sheet_html, sheet_pdf

SUFFIXES = {"qr": (".svg", ".png"), "sheet": (".pdf", ".html")}


@dataclass(frozen=True, slots=True)
class Forms:
    """The requested forms. The paths are the files to write."""

    language: Language
    html: bool = False
    text: str | None = None
    css: Path | None = None
    qr: Path | None = None
    sheet: Path | None = None

    @property
    def any(self) -> bool:
        """Whether any form besides the link itself was requested."""
        return bool(self.html or self.text is not None or self.css or self.qr or self.sheet)

    def check(self, title: str | None) -> None:
        """Raise BadInput if a form cannot be created. Call this before creating any."""
        folders = {
            path.parent for path in (self.css, self.qr, self.sheet) if path and not path.parent.is_dir()
        }
        problems = [f"the folder {folder} does not exist" for folder in sorted(folders)]
        paths = [path.resolve() for path in (self.css, self.qr, self.sheet) if path]
        if len(set(paths)) < len(paths):
            problems.append("--css, --qr and --sheet must each write to a different file")
        problems += [
            f"--{option}: the file name must end in {' or '.join(suffixes)}"
            for option, suffixes in SUFFIXES.items()
            if (path := getattr(self, option)) and path.suffix.lower() not in suffixes
        ]
        if self.sheet and not title:
            problems.append("--sheet needs --title, because the sheet shows the job title")
        if problems:
            raise BadInput(*problems)

    def button(self, url: str, title: str | None) -> str | None:
        """Return the HTML of the button, if one was requested."""
        if not self.html and self.text is None and not self.css:
            return None
        styles: Styles = "classes" if self.css else "inline"
        html = button_html(url, language=self.language, text=self.text, job_title=title, styles=styles)
        return html.rstrip("\n")

    def warning(self, url: str) -> str | None:
        """Return what the user should know about the forms, or None."""
        return qr_warning(url) if self.qr or self.sheet else None

    def files(self, url: str, title: str | None) -> dict[Path, bytes]:
        """Return the content of each requested file."""
        files: dict[Path, bytes] = {}
        if self.css:
            files[self.css] = button_css().encode()
        if self.qr:
            files[self.qr] = (qr_svg if self.qr.suffix.lower() == ".svg" else qr_png)(url)
        if self.sheet and title and self.sheet.suffix.lower() == ".pdf":
            files[self.sheet] = sheet_pdf(url, title=title, language=self.language)
        elif self.sheet and title:
            files[self.sheet] = sheet_html(url, title=title, language=self.language).encode()
        return files
