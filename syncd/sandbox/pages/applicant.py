"""Acts as an applicant: follows an apply link to this sandbox, whatever its host, and fills in the form."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import unquote, urlencode, urlsplit

from syncd.sandbox.pages.interview import PROFILE_HEADER


class ApplyRefused(Exception):
    """The link led to no interview, or the interview could not be finished; `status` and `page` say why."""

    def __init__(self, status: int, page: str) -> None:
        super().__init__(f"the apply link was answered with {status}")
        self.status, self.page = status, page


def send_application(sandbox_url: str, link: str, form: Mapping[str, str]) -> tuple[str, str]:
    """Opens the link and sends the form. Returns the link's host and the new profile's id as text.

    Raises ApplyRefused if the sandbox has no such interview, OSError if the sandbox does not answer.
    """
    parts = urlsplit(link)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = HTTPConnection(urlsplit(sandbox_url).netloc, timeout=30)
    try:
        connection.request("GET", target, headers={"Host": parts.netloc})
        _read(connection.getresponse(), 200)
        kind = "application/x-www-form-urlencoded"
        connection.request(
            "POST", target, urlencode(form), headers={"Host": parts.netloc, "Content-Type": kind}
        )
        answer = connection.getresponse()
        _read(answer, 303)
        return parts.netloc, unquote(answer.headers[PROFILE_HEADER])
    finally:
        connection.close()


def _read(answer: HTTPResponse, wanted: int) -> None:
    page = answer.read().decode()
    if answer.status != wanted:
        raise ApplyRefused(answer.status, page)
