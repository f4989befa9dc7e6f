"""The forms in which one apply link is handed out besides its text: button, stylesheet, QR code, sheet."""

from dataclasses import dataclass
from pathlib import Path

from syncd.errors import BadInput, SyncdError
from syncd.publishing.button import Styles, button_css, button_html
from syncd.publishing.languages import Language
from syncd.publishing.qr import qr_png, qr_svg
from syncd.publishing.sheet import sheet_html, sheet_pdf

SUFFIXES = {"qr": (".svg", ".png"), "sheet": (".pdf", ".html")}


@dataclass(frozen=True, slots=True)
class Forms:
    """What was asked for; the paths are the files to write."""

    language: Language
    html: bool = False
    text: str | None = None
    css: Path | None = None
    qr: Path | None = None
    sheet: Path | None = None

    @property
    def any(self) -> bool:
        """Whether anything but the link itself was asked for."""
        return bool(self.html or self.text is not None or self.css or self.qr or self.sheet)

    def check(self, title: str | None) -> None:
        """Raise BadInput for what could not be made, before anything is."""
        folders = {
            path.parent for path in (self.css, self.qr, self.sheet) if path and not path.parent.is_dir()
        }
        problems = [f"there is no folder {folder}" for folder in sorted(folders)]
        paths = [path.resolve() for path in (self.css, self.qr, self.sheet) if path]
        if len(set(paths)) < len(paths):
            problems.append("--css, --qr and --sheet: each needs a file of its own")
        problems += [
            f"--{option}: the file must end in {' or '.join(suffixes)}"
            for option, suffixes in SUFFIXES.items()
            if (path := getattr(self, option)) and path.suffix.lower() not in suffixes
        ]
        if self.sheet and not title:
            problems.append("--sheet: a sheet shows the job's title, so --title is needed")
        if problems:
            raise BadInput(*problems)

    def button(self, url: str, title: str | None) -> str | None:
        """The button's element, if one was asked for."""
        if not self.html and self.text is None and not self.css:
            return None
        styles: Styles = "classes" if self.css else "inline"
        html = button_html(url, language=self.language, text=self.text, job_title=title, styles=styles)
        return html.rstrip("\n")

    def files(self, url: str, title: str | None) -> dict[Path, bytes]:
        """The content of each file that was asked for."""
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


def write_all(files: dict[Path, bytes]) -> None:
    """Write the files.

    Raises:
        SyncdError: one cannot be written; says which and why.
    """
    for path, content in files.items():
        try:
            path.write_bytes(content)
        except OSError as error:
            raise SyncdError(
                f"{path} cannot be written ({error.strerror}): correct the path or its permissions"
            ) from None
