"""CSV files as people save them: what is read, what is said, and what is refused by line."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import BadInput
from syncd.recruiting.columns import OF_A_JOB, OF_A_LINK
from syncd.recruiting.csv_files import MAX_MISTAKES, MAX_RECORD, Column, Mistakes, open_csv

COLUMNS = (
    Column("reference", ("Referenz", "external_reference_id"), required=True),
    Column("title", ("Titel",)),
    Column("opened", ("Geöffnet",)),
)
Rows = list[tuple[int, dict[str, str]]]


def read(data: bytes, tmp_path: Path) -> tuple[Rows, list[str]]:
    """The rows of a file and the notes about it."""
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    mistakes = Mistakes()
    with open_csv(path, COLUMNS) as file:
        rows = list(file.rows(mistakes))
        mistakes.raise_any()
        assert list(file.rows(mistakes)) == rows  # it can be read again
        return rows, file.notes


def problems(data: bytes, tmp_path: Path) -> list[str]:
    """Everything that is wrong with a file."""
    with pytest.raises(BadInput) as caught:
        read(data, tmp_path)
    return list(caught.value.problems)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiter_bom_and_line_ends_are_told_from_the_file(
    delimiter: str, encoding: str, line_end: str, tmp_path: Path
) -> None:
    lines = [("Titel", "Referenz"), ("Köchin", "1"), ("Koch", "2")]
    data = line_end.join(delimiter.join(line) for line in lines).encode(encoding)
    assert read(data, tmp_path) == (
        [(2, {"title": "Köchin", "reference": "1"}), (3, {"title": "Koch", "reference": "2"})],
        [],
    )


def test_delimiter_is_the_one_that_finds_the_known_columns(tmp_path: Path) -> None:
    rows, _ = read(b"reference;a,b,c;title\n1;x,y,z;Koch, Bar\n", tmp_path)
    assert rows == [(2, {"reference": "1", "title": "Koch, Bar"})]
    rows, _ = read(b'"reference";"title"\n1;2\n', tmp_path)
    assert rows == [(2, {"reference": "1", "title": "2"})]


@pytest.mark.parametrize(
    "header",
    ["REFERENCE", " Reference ", "referenz", "External Reference-ID", "externalReferenceId", '"reference"'],
)
def test_columns_are_known_by_any_spelling(header: str, tmp_path: Path) -> None:
    assert read(f"{header}\n1\n".encode(), tmp_path)[0] == [(2, {"reference": "1"})]


def test_umlauts_in_a_header_count_in_either_unicode_form(tmp_path: Path) -> None:
    for header in ("Ge\u00f6ffnet", "Geo\u0308ffnet"):
        assert read(f"Referenz;{header}\n1;2\n".encode(), tmp_path)[0] == [
            (2, {"reference": "1", "opened": "2"})
        ]


def test_windows_1252_is_read_and_said(tmp_path: Path) -> None:
    rows, notes = read("Referenz;Titel\n1;„Köchin“ – 2.000 €\n".encode("cp1252"), tmp_path)
    assert rows == [(2, {"reference": "1", "title": "„Köchin“ – 2.000 €"})]
    assert notes == ["the file is not UTF-8; it was read as Windows-1252"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("Referenz\n1\n".encode("utf-16"), "the file is UTF-16 or UTF-32"),
        ("Referenz\n1\n".encode("utf-16-be"), "line 1: a NUL byte"),
        ("Referenz\n1\n".encode("utf-32"), "the file is UTF-16 or UTF-32"),
        (b"\x00\x00\xfe\xff" + "Referenz\n1\n".encode("utf-32-be"), "the file is UTF-16 or UTF-32"),
        (b"Referenz\n1\n2\x00\n", "line 3: a NUL byte"),
        (b"Referenz\n\xfc\n\x81\n", "line 3: the byte 0x81 is not Windows-1252, and line 2 is not UTF-8"),
        ("Referenz\nä\nü\n".encode() + b"\xfc\n", "line 2 is UTF-8, but line 4 is not"),
        (b"\xef\xbb\xbfReferenz\n1\n\xfc\n", "line 3: not UTF-8, although the file begins with a UTF-8 BOM"),
    ],
)
def test_other_encodings_are_refused_with_the_place_and_what_to_do(
    data: bytes, said: str, tmp_path: Path
) -> None:
    (problem,) = problems(data, tmp_path)
    assert problem.startswith(said)
    assert problem.endswith("save the file again as CSV in UTF-8")


def test_faults_of_encoding_are_found_across_the_chunks_of_a_large_file(tmp_path: Path) -> None:
    line = "4711;Köchin\n".encode()
    many = b"Referenz;Titel\n" + line * 200_000  # 2.6 MB: chunk borders cut lines and letters
    assert len(read(many, tmp_path)[0]) == 200_000
    (problem,) = problems(many + b"1;\x00\n", tmp_path)
    assert problem.startswith("line 200002: a NUL byte")
    (problem,) = problems(many + b"1;\xfc\n", tmp_path)
    assert problem.startswith("line 2 is UTF-8, but line 200002 is not")


def test_line_numbers_are_those_of_the_file_where_a_record_begins(tmp_path: Path) -> None:
    rows, _ = read(b'\nReferenz;Titel\n1;"two\r\nlines"\n\n;\n2;"a ""b"""\n', tmp_path)
    assert rows == [
        (3, {"reference": "1", "title": "two\r\nlines"}),
        (7, {"reference": "2", "title": 'a "b"'}),
    ]


def test_unknown_columns_are_ignored_with_a_note_but_misspelled_ones_refused(tmp_path: Path) -> None:
    rows, notes = read(b"reference;Gehalt;\n1;2;3\n", tmp_path)
    assert (rows, notes) == (
        [(2, {"reference": "1"})],
        ["the column 'Gehalt' is unknown and was ignored"],
    )
    assert problems(b"Refernz;Titl\n1;2\n", tmp_path) == [
        "the header has 'Refernz'; did you mean reference?",
        "the header has 'Titl'; did you mean title?",
        "the header has no column reference",
    ]
    # Beside the column that it resembles it is another one.
    assert read(b"reference;title;title 2\n1;2;3\n", tmp_path)[0] == [(2, {"reference": "1", "title": "2"})]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"\xef\xbb\xbf\n\n", "the file is empty; its first line must name the columns"),
        (b"reference;title\n", "line 1: the file has no lines below the header"),
        (b"reference;title\n;\n\n", "line 1: the file has no lines below the header"),
        (b"reference;title;Titel\n1;2;3\n", "the header has two columns for title: 2 and 3"),
    ],
)
def test_a_file_without_usable_header_or_rows_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    assert problems(data, tmp_path) == [said]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    data = b'reference;title\n1;"der "beste" Job"\n2\n3;a;b\n4;fine\n5;"open\n6;x\n'
    assert problems(data, tmp_path) == [
        'line 2: a quote inside a quoted field must be doubled: "the ""best"" job"',
        "line 3: the header has 2 fields, but this line has 1",
        "line 4: the header has 2 fields, but this line has 3",
        f"line 6: a quote opened here is not closed, or the record is longer than {MAX_RECORD:,} characters; "
        "the lines below were not read",
    ]


@pytest.mark.parametrize("place", ["header", "record"])
def test_an_open_quote_or_endless_line_is_refused_before_it_fills_the_memory(
    place: str, tmp_path: Path
) -> None:
    for swallowing in (b'"' + b"x\n" * 200_000, b"x" * 400_000, b'"",' * 200_000):
        data = swallowing if place == "header" else b"reference;title\n1;" + swallowing
        (problem,) = problems(data, tmp_path)
        line = 1 if place == "header" else 2
        assert problem.startswith(f"line {line}: a quote opened here is not closed, or the record is longer")


def test_mistakes_beyond_a_thousand_are_counted(tmp_path: Path) -> None:
    found = problems(b"reference;title\n" + b"1\n" * (MAX_MISTAKES + 234), tmp_path)
    assert len(found) == MAX_MISTAKES + 1
    assert found[-2:] == ["line 1001: the header has 2 fields, but this line has 1", "and 234 more errors"]


def test_hostile_names_of_columns_and_files_cannot_steer_a_terminal(tmp_path: Path) -> None:
    hostile = "titl\x1b[2J\u202e\x9b31m\x07" + "x" * 10_000
    _, notes = read(f"reference;{hostile}\n1;2\n".encode(), tmp_path)
    with pytest.raises(BadInput) as caught, open_csv("no\x1b[2Jfile", COLUMNS):
        pass
    for said in (*notes, *caught.value.problems):
        assert said.isprintable()
        assert len(said) < 300


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.csv", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(BadInput, match=why), open_csv(path, COLUMNS):
            pass


def test_a_pipe_can_be_read_twice(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"reference\n1\n",))
    writer.start()
    with open_csv(fifo, COLUMNS) as file:
        assert [list(file.rows(Mistakes())) for _ in range(2)] == [[(2, {"reference": "1"})]] * 2
    writer.join()


def test_standard_input_can_be_read_twice() -> None:
    program = (
        "from syncd.recruiting.csv_files import *\n"
        "with open_csv('-', [Column('reference')]) as file:\n"
        "    print([list(file.rows(Mistakes())) for _ in range(2)])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], input="reference\n1\n", capture_output=True, text=True, check=True
    )
    assert result.stdout == "[[(2, {'reference': '1'})], [(2, {'reference': '1'})]]\n"


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_bad_input_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data if data.startswith(b"\xff") else b"reference;title\n" + data)
    mistakes = Mistakes()
    problems: tuple[str, ...] = ()
    try:
        with open_csv(path, COLUMNS) as file:
            for _, fields in file.rows(mistakes):
                assert set(fields) == {"reference", "title"}
        mistakes.raise_any()
    except BadInput as error:
        problems = error.problems
    assert all(problem.isprintable() for problem in problems)


@pytest.mark.parametrize("hint", ["sep=;\n", "sep=;;\n", "SEP=;\r\n"])
def test_the_hint_that_excel_writes_first_is_no_header(hint: str, tmp_path: Path) -> None:
    rows, notes = read(f"{hint}Referenz;Titel\n1;Koch, Bar\n".encode(), tmp_path)
    assert (rows, notes) == ([(3, {"reference": "1", "title": "Koch, Bar"})], [])


@pytest.mark.parametrize("encoding", ["cp850", "mac-roman"])
def test_umlauts_of_other_systems_are_not_read_as_windows_1252(encoding: str, tmp_path: Path) -> None:
    [problem] = problems("reference;title\n1;Köln, Nägel\n".encode(encoding), tmp_path)
    assert problem.startswith("line 2: ")
    assert "save the file again as CSV in UTF-8" in problem
    read("reference;title\n1;„Köln“ – O’Neill, Dušan Šimić’s\n".replace("ć", "c").encode("cp1252"), tmp_path)


def test_a_stray_pair_of_quotation_marks_is_noted_by_its_line(tmp_path: Path) -> None:
    stray = b'reference;title;opened\nA;"x;offen\nB;y";offen\n'
    mistakes = Mistakes()
    (tmp_path / "file.csv").write_bytes(stray)
    with open_csv(tmp_path / "file.csv", COLUMNS) as file:
        assert list(file.rows(mistakes)) == [
            (2, {"reference": "A", "title": "x;offen\nB;y", "opened": "offen"})
        ]
    [note] = mistakes.notes()
    assert note.startswith("line 2: each line of this record looks like a record of its own.")


@pytest.mark.parametrize(
    "cell",
    [
        "Dear cook,\nwe look for you, now.",
        "one, two, three\r\nfour\rfive, six",
        'a ""quote"", and\n""another""',
        "\n",
        "=1+1,\n2",
    ],
)
def test_a_quoted_cell_may_hold_lines_delimiters_and_quotes(cell: str, tmp_path: Path) -> None:
    data = f'reference,title,other\n1,"{cell}",x\n2,b,y\n'
    mistakes = Mistakes()
    (tmp_path / "file.csv").write_text(data, newline="")
    with open_csv(tmp_path / "file.csv", COLUMNS) as file:
        rows = list(file.rows(mistakes))
    mistakes.raise_any()
    assert [fields["title"] for _, fields in rows] == [cell.replace('""', '"'), "b"]
    assert mistakes.notes() == []


def test_notes_beyond_a_hundred_are_counted(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(b"reference,title\n" + b'1,"a\n2,b"\n' * 250)
    mistakes = Mistakes()
    with open_csv(tmp_path / "file.csv", COLUMNS) as file:
        assert len(list(file.rows(mistakes))) == 250
    notes = mistakes.notes()
    assert (len(notes), notes[-1]) == (101, "and 150 more notes")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            b"titel;Ort\nKoch;Ulm\n",
            "line 1 was taken for the header, and its 2 columns are 'titel' and 'Ort'.",
        ),
        (
            b"reference|title\n1|Koch\n",
            "its 1 column is 'reference|title'. Separate the columns by comma, semicolon",
        ),
        (
            b"Open jobs\n\nReferenz;Titel\n1;Koch\n",
            "Line 3 looks like the header. Remove the lines above it.",
        ),
        (
            b"Open jobs;;\nReferenz,Titel,\n1,Koch,\n",
            "Line 2 looks like the header. Remove the lines above it.",
        ),
        (b"4711;Koch\n4712;Bar\n", "its 2 columns are '4711' and 'Koch'. Name the columns in the first line"),
        (b"Nr;Name\n1;Koch\n", "its 2 columns are 'Nr' and 'Name'. Name the columns in the first line"),
    ],
)
def test_without_the_reference_it_is_said_what_was_taken_for_the_header(
    data: bytes, told: str, tmp_path: Path
) -> None:
    [problem] = problems(data, tmp_path)
    assert problem.startswith("the header has no column reference; line 1 was taken for the header")
    assert told in problem


def test_thousands_of_unknown_columns_are_one_note(tmp_path: Path) -> None:
    header = ";".join(["reference", *(f"c{number}" for number in range(5000))])
    _, notes = read(f"{header}\n{';' * 5000}\n1{';' * 5000}\n".encode(), tmp_path)
    [note] = notes
    assert note.startswith("5,000 columns are unknown and were ignored: 'c0', 'c1',")
    assert note.endswith("'c7' and 4,992 more")
    many = problems(";".join(["Refernz"] * 5000).encode(), tmp_path)
    assert len(many) < 110


def zipped(*names: str, mimetype: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"content")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx)"),
        (
            zipped("content.xml", mimetype="application/vnd.oasis.opendocument.spreadsheet"),
            "a LibreOffice spreadsheet (.ods)",
        ),
        (zipped("Index/Document.iwa"), "a Numbers document (.numbers)"),
        (zipped("word/document.xml"), "a Word document (.docx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel workbook (.xls)"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\xef\xbb\xbf\n<html><table><tr><td>reference", "a web page or an XML document"),
        (b'<?xml version="1.0"?><Workbook>', "a web page or an XML document"),
    ],
)
def test_a_workbook_is_recognised_and_the_remedy_named(data: bytes, what: str, tmp_path: Path) -> None:
    [problem] = problems(data, tmp_path)
    assert problem.startswith(f"the file is {what}")
    assert problem.endswith('save it as "CSV UTF-8", and give that file.')


@pytest.mark.parametrize(
    "data", [zipped("jobs.csv"), b"PK\x03\x04broken", gzip.compress(b"reference\n1\n", mtime=0)]
)
def test_an_archive_is_recognised(data: bytes, tmp_path: Path) -> None:
    [problem] = problems(data, tmp_path)
    assert problem.startswith("the file is a")
    assert problem.endswith("archive, not a CSV file. Unpack it first.")


def test_both_importers_know_the_same_names_of_columns(tmp_path: Path) -> None:
    header = "external_job_id;Stellentitel;jkey;Abteilung;utm_source"
    (tmp_path / "file.csv").write_text(f"{header}\n1;Koch;azubi;Küche;x\n")
    for known, others in ((OF_A_JOB, OF_A_LINK), (OF_A_LINK, OF_A_JOB)):
        with open_csv(tmp_path / "file.csv", known, unused=others) as file:
            assert {"reference", "title"} < set(file.columns)
            [note] = file.notes
            assert "not used here" in note
    for title in (
        "Job-ID",
        "job id",
        "JOB_ID",
        "externalJobId",
        "External Reference ID",
        "Kennziffer",
        "\ufeffReferenz\u00a0",
    ):
        (tmp_path / "file.csv").write_text(f"{title}\n1\n")
        for known in (OF_A_JOB, OF_A_LINK):
            with open_csv(tmp_path / "file.csv", known) as file:
                assert file.columns == ("reference",)
