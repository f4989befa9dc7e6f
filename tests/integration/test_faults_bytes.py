"""The bytes of an answer decide, not its header (ADR 18): error messages in place of files, and compressed answers."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from syncd.errors import ApiUnavailable
from syncd.media.vault import Vault
from syncd.model import MediaKey, Outcome
from syncd.pitchyou import Gathered, PitchYou
from tests.integration.exact_answers import PAGE, PDF, TOKEN, chunked, serving
from tests.integration.listener import Heard, Listener, reply
from tests.integration.settling import CONFIRM, LIST
from tests.integration.test_bad_profiles import file

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
# What older programs for offices, and some makers of CVs, save as .doc and .xls.
WORD_2003 = (
    b'<?xml version="1.0"?>\r\n<?mso-application progid="Word.Document"?>\r\n'
    b'<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:body/></w:wordDocument>'
)
EXCEL_2003 = b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
FLAT_ODT = (
    b'<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>'
)


def with_files(*files: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"profileId": f"P{number}", "steps": [], "cv": each} for number, each in enumerate(files)]


ERROR_MESSAGES = {
    "page": PAGE,
    "page after blanks and a comment": b"\n\n <!-- proxy --><HTML><head>",
    "page with a byte order mark": b"\xef\xbb\xbf<html>",
    "page in UTF-16": PAGE.decode().encode("utf-16"),
    "page without a head": b"<h1>502 Bad Gateway</h1>",
    "XHTML": b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">\n<html xmlns="x">',
    "JSON": b'{"error":"internal"}',
    "JSON list": b'[{"code":17}]',
    "XML": b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    "XML without a declaration": b"<Error><Message>An error has occurred.</Message></Error>",
    "page in Latin-1": "<html><body>Zugriff verweigert f\xfcr Sie</body></html>".encode("latin-1"),
    "page in the code page of Windows": "<html><body>\u201eKein Zugriff\u201c</body></html>".encode("cp1252"),
    "JSON in Latin-1": '{"message": "Zugriff verweigert f\xfcr Sie"}'.encode("latin-1"),
    "text": b"upstream connect error or disconnect/reset before headers",
}


def test_an_error_message_in_place_of_a_file_is_not_the_file_and_is_tried_again(
    database_url: str, tmp_path: Path
) -> None:
    photos = [file(mediaId=name, mimeType="image/jpeg", fileName="foto.jpg") for name in ERROR_MESSAGES]
    good = f"P{len(photos)}"
    down = True

    def media(path: str) -> bytes:
        name = unquote(path.rpartition("/")[2])
        content = PDF if name == "good" else ERROR_MESSAGES[name] if down else JPEG
        return reply(content, Content_Type="application/octet-stream")

    with serving(database_url, tmp_path, with_files(*photos, file(mediaId="good")), media=media) as (
        s,
        server,
    ):
        ended = s.cycle()
        assert (ended.outcome, ended.error, ended.tally.confirmed) == (Outcome.PARTIAL, None, 1)
        rows = s.rows(
            "SELECT media_id, state, last_error, storage_path FROM ats.media WHERE state <> 'stored'"
        )
        assert {row.pop("media_id"): tuple(row.values()) for row in rows} == dict.fromkeys(
            ERROR_MESSAGES, ("pending", "not_the_file", None)
        )
        assert s.files() == {f"acme/{good}/good"}
        asked = Counter(unquote(each.path.rpartition("/")[2]) for each in server.heard)
        assert {name: asked[name] for name in ERROR_MESSAGES} == dict.fromkeys(ERROR_MESSAGES, 3)
        down = False
        s.execute("UPDATE ats.media SET next_attempt_at = now()")
        assert s.cycle().outcome is Outcome.OK
        sniffed = s.rows("SELECT DISTINCT mime_sniffed FROM ats.media WHERE media_id <> 'good'")
        assert sniffed == [{"mime_sniffed": "image/jpeg"}]
        first, *later = [json.loads(each.body) for each in server.requests(CONFIRM)]
        assert first == [good]
        assert sorted(chain.from_iterable(later)) == sorted(f"P{number}" for number in range(len(photos)))


MAY_BE: list[tuple[bytes, dict[str, Any]]] = [
    (PAGE, {"mimeType": "text/html", "fileName": "seite.html"}),
    (PAGE, {"mimeType": "application/octet-stream", "fileName": "seite.HTM"}),
    (b'{"a":1}', {"mimeType": "application/json", "fileName": "a.json"}),
    (b'{"a":1}', {"mimeType": "text/plain; charset=utf-8", "fileName": "a.txt"}),
    (b'<?xml version="1.0"?><Europass/>', {"mimeType": "application/xml", "fileName": "cv.xml"}),
    (b'<?xml version="1.0"?><svg xmlns="x"/>', {"mimeType": "image/svg+xml", "fileName": "a.svg"}),
    (b"Hallo", {"mimeType": "text/plain", "fileName": "a.txt"}),
    ("Gr\xfc\xdfe".encode("latin-1"), {"mimeType": "text/plain", "fileName": "a.txt"}),
    (b"MIME-Version: 1.0\r\n\r\n", {"mimeType": "application/msword", "fileName": "cv.doc"}),
    (WORD_2003, {"mimeType": "application/msword", "fileName": "cv.doc"}),
    (EXCEL_2003, {"mimeType": "application/vnd.ms-excel", "fileName": "zeugnisse.xls"}),
    (FLAT_ODT, {"mimeType": "application/vnd.oasis.opendocument.text-flat-xml", "fileName": "cv.fodt"}),
    (b"Hallo", {"mimeType": None, "fileName": None}),
    (b"a;b;c\n1;2;3\n", {"mimeType": "application/vnd.ms-excel", "fileName": "a.csv"}),
    (b"BEGIN:VCARD\nVERSION:3.0", {"mimeType": "application/pdf", "fileName": "a.pdf"}),
    (b'<html xmlns:o="urn:schemas-microsoft-com:office:office">', {"mimeType": "application/msword"}),
    (JPEG, {"mimeType": "application/pdf", "fileName": "a.pdf"}),
    (b"\x00\x01\x02", {"mimeType": "application/pdf", "fileName": "a.pdf"}),
    (b"\n\n%PDF-1.4", {"mimeType": "application/pdf", "fileName": "a.pdf"}),
]


def test_a_file_that_may_be_what_it_is_called_is_stored(database_url: str, tmp_path: Path) -> None:
    profiles = with_files(*(file(mediaId=str(number), **names) for number, (_, names) in enumerate(MAY_BE)))

    def media(path: str) -> bytes:
        return reply(MAY_BE[int(path.rpartition("/")[2])][0])

    with serving(database_url, tmp_path, profiles, media=media) as (s, _):
        assert s.cycle().outcome is Outcome.OK
        for number, (body, names) in enumerate(MAY_BE):
            assert (s.media_root / f"acme/P{number}/{number}").read_bytes() == body, names


def test_a_file_that_is_served_as_a_web_page_is_stored_if_it_is_none(
    database_url: str, tmp_path: Path
) -> None:
    """The default type of some servers."""
    answer = reply(PDF, Content_Type="text/html")
    with serving(database_url, tmp_path, with_files(file(mediaId="m")), media=lambda path: answer) as (s, _):
        assert s.cycle().outcome is Outcome.OK


@pytest.mark.parametrize(
    "answer",
    [chunked(), chunked(gzip.compress(b""), Content_Encoding="gzip"), reply(b"")],
    ids=["chunks", "compressed", "length"],
)
def test_an_empty_file_is_stored_if_its_end_is_certain(
    answer: bytes, database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, with_files(file(mediaId="m")), media=lambda path: answer) as (s, _):
        assert (s.cycle().outcome, s.cycle().outcome) == (Outcome.OK, Outcome.OK)
        assert s.value("SELECT size_bytes FROM ats.media WHERE state = 'stored'") == 0
        assert (s.media_root / "acme/P0/m").read_bytes() == b""


@pytest.mark.parametrize(
    "answer",
    [reply(length=-1), reply(b"", length=-1, Transfer_Encoding="chunked"), chunked(b"abc")[:-9]],
    ids=["until closed", "no last chunk", "half a chunk"],
)
def test_an_empty_file_whose_end_is_not_certain_is_fetched_again(
    answer: bytes, database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, with_files(file(mediaId="m")), media=lambda path: answer) as (s, _):
        assert s.cycle().outcome is Outcome.PARTIAL
        assert s.value("SELECT last_error FROM ats.media") == "truncated"


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_every_answer_may_come_compressed_though_nobody_asked(coding: str) -> None:
    pack = CODINGS[coding]
    bodies = {
        "/token": TOKEN,
        LIST: b'[{"profileId":"P"}]',
        CONFIRM: b'{"confirmed":1}',
        "/api/jobtemplates/v1/gettemplates": b'[{"templateKey":"k"}]',
        "/api/chattoken/v1": b'"abcdefgh"',
    }

    def answers(heard: Heard) -> Iterable[bytes]:
        return [reply(pack(bodies.get(heard.path, PDF)), Content_Encoding=coding)]

    file_body = Gathered(1000)
    with Listener(answers) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with api.profiles() as found:
            assert len(found) == 1
        api.media("P", "M", file_body)
        api.confirm(['"P"'])
        assert len(api.templates().templates) == 1
        assert api.chat_token('"P"') == "abcdefgh"
        assert api.retries == 0
    assert bytes(file_body.received) == PDF


def test_an_answer_in_a_coding_that_nobody_can_read_is_no_confirm() -> None:
    def answers(heard: Heard) -> Iterable[bytes]:
        return [reply(TOKEN)] if heard.path == "/token" else [reply(b"\x8b\x02", Content_Encoding="br")]

    with (
        Listener(answers) as server,
        PitchYou("acme", "s", base_url=server.url) as api,
        pytest.raises(ApiUnavailable, match="compressed"),
    ):
        api.confirm(['"P"'], attempts=1)


def test_what_was_stored_before_stays_when_an_error_message_comes(tmp_path: Path) -> None:
    """The check comes before the file gets its name."""
    vault = Vault(tmp_path, max_bytes=1000)
    vault.prepare("acme")
    vault.take_over("acme", 1)
    for body in (PDF, PAGE):
        with vault.incoming("acme", MediaKey("P", "M"), 1) as incoming:
            incoming.begin(None)
            incoming.write(body)
            if incoming.sniffed != "text/html":
                incoming.keep()
    assert (tmp_path / "acme/P/M").read_bytes() == PDF
