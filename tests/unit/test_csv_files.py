"""CSV files as people save them: what is read, what is said, and what is refused by line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import BadInput
from syncd.recruiting.csv_files import MAX_MISTAKES, MAX_RECORD, Column, Mistakes, open_csv

COLUMNS = (
    Column("reference", ("external_reference_id", "Referenz"), required=True),
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
        (b"titel;Ort\nKoch;Ulm\n", "the header has no column reference"),
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


def test_a_stray_pair_of_quotation_marks_swallows_no_line(tmp_path: Path) -> None:
    [problem] = problems(b'reference;title;opened\nA;"x;offen\nB;y";offen\n', tmp_path)
    assert problem.startswith("line 2: a field spans several lines")
    rows, _ = read(b'reference;title\nA;"two\nlines"\n', tmp_path)
    assert rows == [(2, {"reference": "A", "title": "two\nlines"})]
