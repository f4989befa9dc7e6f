"""Answers in reports: those to closed questions only, in cells that tell nobody's own answer."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres
from syncd.model import Answer, Contact
from syncd.store import applications, report_questions, report_rows
from syncd.store.database import Database
from syncd.store.report_questions import Answered, Question, decide
from syncd.store.roles import ROLES_SQL
from tests.database import MIGRATED, ServerAddress, url_of
from tests.integration.report_ledger import ZONES, Entry, entries, profile_of, refresh, store
from tests.integration.test_reports_kept import erase
from tests.reused import ReusedDatabase

# One worker runs all of these, because the applications that they begin with take long to land.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("interviews")]

FEW = 5
SHIFTS = ["früh", "spät", "Nacht", "Wochenende"]
RARE = "Sonderfall"


def answers_of(number: int, rng: random.Random) -> dict[str, Any]:
    """What an applicant answers: to closed questions, and to one that asks for the name, a story and a number."""
    licence = RARE if number % 97 == 0 else rng.choice(["ja", "ja", "nein"])
    return {
        "Führerschein?": licence,
        "Schichten?": rng.sample(SHIFTS, rng.randrange(1, 4)),
        "Wie heißt du?": rng.choice(["Ayşe Groß", "Max Muster"]),
        "Warum wir?": f"Weil {number}",
        "Gehalt?": str(2_000 + number),
    }


def name_of(answers: dict[str, Any]) -> tuple[str, str]:
    first, last = answers["Wie heißt du?"].split()
    return first, last


def interview(database: Database, count: int, seed: int) -> dict[Entry, dict[str, Any]]:
    """Lands applications with their answers. Returns both."""
    rng = random.Random(seed)
    interviewed = {entry: answers_of(number, rng) for number, entry in enumerate(entries(count, seed))}
    store(database, list(interviewed))
    for client_id in ZONES:
        profiles = [
            answered_profile(entry, answers)
            for entry, answers in interviewed.items()
            if entry.client_id == client_id
        ]
        land = partial(applications.land, client_id=client_id, profiles=profiles, region="DE")
        database.transact(land, Deadline(60))
        database.transact(partial(report_questions.classify, client_id=client_id), Deadline(60))
    refresh(database)
    return interviewed


def answered_profile(entry: Entry, answers: dict[str, Any]) -> Any:
    first, last = name_of(answers)
    told = tuple(
        Answer(number, question, ", ".join(value) if isinstance(value, list) else value, value, {})
        for number, (question, value) in enumerate(answers.items())
    )
    contact = Contact(first, last, *profile_of(entry).contact[2:4], {})
    return replace(profile_of(entry), answers=told, contact=contact, payload_sha256=b"answered")


@dataclass(frozen=True)
class Interviews:
    """Applications with their answers, in the database and in memory."""

    database: Database
    url: str
    answers: dict[Entry, dict[str, Any]]

    def distribution(self) -> dict[tuple[str, date, str, str], tuple[int, int]]:
        """What the reports must show, folded here by another way than in SQL."""
        cells: dict[tuple[str, date, str], Counter[str]] = defaultdict(Counter)
        answered: Counter[tuple[str, date, str]] = Counter()
        for entry, answers in self.answers.items():
            for question in ("Führerschein?", "Schichten?"):
                value = answers[question]
                group = (entry.client_id, entry.month, question)
                cells[group].update(value if isinstance(value, list) else [value])
                answered[group] += 1
        return {
            (*group, answer): (applications, answered[group])
            for group, counts in cells.items()
            for answer, applications in folded(counts).items()
            if applications >= FEW and answered[group] >= FEW
        }


def folded(counts: Counter[str]) -> dict[str, int]:
    """Takes the smallest cells together until they hold five applications in two cells; nothing if none is small."""
    if min(counts.values()) >= FEW:
        return dict(counts)
    left = sorted(counts.items(), key=lambda cell: (cell[1], cell[0].encode()))
    taken = [left.pop(0)]
    while left and (len(taken) < 2 or sum(n for _, n in taken) < FEW or left[0][1] < FEW):
        taken.append(left.pop(0))
    return dict(left) | {"(other)": sum(n for _, n in taken)}


@pytest.fixture(scope="module")
def interviewed(
    shared_postgres: EmbeddedPostgres, postgres_address: ServerAddress
) -> dict[Entry, dict[str, Any]]:
    """What the database `interviews` holds, of which each test gets a copy."""
    template = ReusedDatabase(postgres_address, name="interviews", template=MIGRATED)
    template.take()
    with Database(url_of(shared_postgres, "interviews")) as database:
        answers = interview(database, 800, seed=7)
    template.close()
    return answers


@pytest.fixture
def interviews(
    interviewed: dict[Entry, dict[str, Any]],
    shared_postgres: EmbeddedPostgres,
    postgres_address: ServerAddress,
) -> Iterator[Interviews]:
    copy = ReusedDatabase(postgres_address, name="interviewed", template="interviews")
    copy.take()
    url = url_of(shared_postgres, "interviewed")
    with Database(url) as database:
        yield Interviews(database, url, interviewed)
    copy.close()


DISTRIBUTION = (
    "SELECT client_id, month, question, answer, applications, answered FROM report.answer_distribution"
)


def shown(database: Database) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = database.transact(lambda c: list(c.execute(text(DISTRIBUTION))), Deadline(60))
    return {tuple(row[:4]): tuple(row[4:]) for row in rows}


def test_answers_to_closed_questions_are_counted_and_small_cells_are_folded(interviews: Interviews) -> None:
    found = shown(interviews.database)
    assert found == interviews.distribution()
    assert {question for _, _, question, _ in found} == {"Führerschein?", "Schichten?"}
    assert RARE not in {answer for *_, answer in found}
    assert "(other)" in {answer for *_, answer in found}
    assert min(applications for applications, _ in found.values()) >= FEW


def test_a_rare_answer_goes_with_its_applicant_and_stays_in_the_count(interviews: Interviews) -> None:
    database, before = interviews.database, shown(interviews.database)
    for entry, answers in interviews.answers.items():
        if answers["Führerschein?"] == RARE:
            erase(database, entry.client_id, [entry.profile_id])
    refresh(database)
    kept = text("SELECT count(*) FROM report_data.option WHERE option = :rare")
    assert database.transact(lambda c: c.execute(kept, {"rare": RARE}).scalar(), Deadline(60)) == 0
    assert shown(database) == before


def test_an_operator_decides_otherwise_and_the_rule_leaves_it_so(interviews: Interviews) -> None:
    database = interviews.database
    before = shown(database)

    def put(question: str, *, is_closed: bool) -> None:
        decision = Question("acme", question, is_closed, "as an operator decided", "root")
        assert database.transact(lambda c: report_questions.overrule(c, decision), Deadline(60))
        if is_closed:
            database.transact(lambda c: report_questions.count_all(c, "acme", [question]), Deadline(60))
        database.transact(lambda c: report_questions.classify(c, "acme"), Deadline(60))
        refresh(database)

    put("Führerschein?", is_closed=False)
    others = {
        key: figures for key, figures in before.items() if (key[0], key[2]) != ("acme", "Führerschein?")
    }
    assert shown(database) == others
    assert len(others) < len(before)
    options = text(
        "SELECT count(*) FROM report_data.option JOIN report_data.question USING (question_id) WHERE option = :rare AND client_id = 'acme'"
    )
    assert database.transact(lambda c: c.execute(options, {"rare": RARE}).scalar(), Deadline(60)) == 0
    put("Führerschein?", is_closed=True)
    assert shown(database) == before


@pytest.mark.parametrize(
    ("answered", "was_closed", "is_closed"),
    [
        (Answered("?", 20, 2, 20, 19, personal=0), False, True),
        (Answered("?", 19, 2, 19, 19, personal=0), False, False),
        (Answered("?", 100, 60, 100, 95, personal=0), False, True),
        (Answered("?", 100, 61, 100, 95, personal=0), False, False),
        (Answered("?", 100, 61, 100, 95, personal=0), True, True),
        (Answered("?", 100, 2, 100, 94, personal=0), False, False),
        (Answered("?", 100, 2, 100, 94, personal=0), True, True),
        (Answered("?", 100, 2, 100, 89, personal=0), True, False),
        (Answered("?", 100, 2, 100, 100, personal=5), True, False),
        (Answered("?", 100, 2, 100, 100, personal=4), False, True),
        (Answered("?", 1_000, 2, 1_000, 1_000, personal=19), False, True),
        (Answered("?", 6, 2, 6, 6, personal=0), True, True),
    ],
)
def test_a_question_is_closed_if_many_give_the_same_few_answers(
    answered: Answered, was_closed: bool, is_closed: bool
) -> None:
    assert decide(answered, was_closed=was_closed)[0] == is_closed


def test_questions_are_looked_at_once_a_day_also_while_each_has_few_answers(database_url: str) -> None:
    some = [
        replace(entry, client_id="acme", profile_id=f"P{n}") for n, entry in enumerate(entries(20, seed=9))
    ]
    alone = [
        replace(profile_of(entry), answers=(Answer(0, f"{entry.profile_id}?", "ja", "ja", {}),))
        for entry in some
    ]
    with Database(database_url) as database:
        store(database, [])

        def is_due() -> bool:
            due = partial(report_rows.due, client_id="acme", after="", limit=1)
            return database.transact(due, Deadline(60)).questions_are_stale

        def land(profiles: list[Any]) -> None:
            database.transact(
                partial(applications.land, client_id="acme", profiles=profiles, region="DE"), Deadline(60)
            )

        land(alone[:19])
        assert not is_due()
        land(alone[19:])
        assert is_due()
        database.transact(partial(report_questions.classify, client_id="acme"), Deadline(60))
        assert database.transact(partial(report_questions.questions, client_id="acme"), Deadline(60)) == []
        assert not is_due()
        later = text("UPDATE report_data.question_check SET checked_at = now() - interval '25 hours'")
        database.transact(lambda c: c.execute(later), Deadline(60))
        assert is_due()


ATTACKS = [
    # Casts: an error message would tell the value that cannot be cast.
    "SELECT * FROM report.answer_distribution WHERE answer::int > 0",
    "SELECT * FROM report.answer_distribution WHERE answer::date > '2020-01-01'",
    "SELECT * FROM report.answer_distribution WHERE 1 / (CASE WHEN answer LIKE 'Sonder%' THEN 0 ELSE 1 END) = 1",
    "SELECT * FROM report.answer_distribution WHERE (answer || applications)::xml IS NOT NULL",
    # Functions of one's own.
    "CREATE FUNCTION pg_temp.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS "
    "$f$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $f$",
    "CREATE TEMPORARY TABLE mine AS SELECT * FROM report.answer_distribution",
    "CREATE TABLE public.mine (x int)",
    # Other ways to the tables.
    "SELECT * FROM report_data.option",
    "SELECT * FROM report_data.application",
    "SELECT * FROM ats.answer",
    "SELECT report_data.shown('x')",
    "SELECT most_common_vals FROM pg_stats WHERE schemaname IN ('ats', 'report_data')",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM report.answer_distribution WHERE answer LIKE 'S%'",
    "EXPLAIN SELECT * FROM report.answer_distribution WHERE answer > 'Sonder'",
    "UPDATE report.application SET job_reference = 'x'",
    "COPY report.application TO STDOUT",
]


def attacked(connection: psycopg.Connection) -> str:
    """All that a reader gets to see, in rows, notices, plans and errors."""
    heard: list[str] = []
    connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    for attack in ATTACKS:
        try:
            rows = connection.execute(attack.encode())
            heard += map(str, rows.fetchall() if rows.description else [])
        except psycopg.Error as error:
            heard.append(str(error))
    texts = "SELECT view_name, column_name FROM report.dictionary WHERE data_type = 'text'"
    for view, column in connection.execute(texts).fetchall():
        for condition in (
            f"{column}::int > 0",
            f"CASE WHEN {column} LIKE '%@%' THEN {column}::int ELSE 1 END > 0",
        ):
            try:
                connection.execute(f"SELECT 1 FROM report.{view} WHERE {condition}".encode())
            except psycopg.Error as error:
                heard.append(str(error).partition("\n")[0])
        heard += map(str, connection.execute(f"SELECT * FROM report.{view}".encode()).fetchall())
    return "\n".join(heard)


SECRETS = ("Ayşe", "Muster", "Weil ", "CANARY", RARE, "@", "+49")


def test_an_attacking_reader_learns_no_hidden_answer_and_no_free_text(
    interviews: Interviews, shared_postgres: EmbeddedPostgres
) -> None:
    with reader(interviews.url, shared_postgres) as connection:
        told = attacked(connection)
        assert "invalid input syntax for type integer" in told
        assert "Schichten?" in told
        assert [secret for secret in SECRETS if secret in told] == []


def test_the_same_attacks_learn_the_answers_from_a_plain_view(
    interviews: Interviews, shared_postgres: EmbeddedPostgres
) -> None:
    plain = (
        "CREATE OR REPLACE VIEW report.answer_distribution WITH (security_barrier = false) AS "
        "SELECT client_id, NULL::date AS month, question, answer, count(*) AS applications, 0::bigint AS answered "
        "FROM ats.answer GROUP BY client_id, question, answer HAVING count(*) >= 5"
    )
    interviews.database.transact(lambda c: c.execute(text(plain)), Deadline(60))
    with reader(interviews.url, shared_postgres) as connection:
        told = attacked(connection)
        assert [secret for secret in SECRETS if secret in told] != []


@contextmanager
def reader(database_url: str, server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A session of `syncd_reader`. The roles are gone afterwards."""
    url = database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(ROLES_SQL.encode())
        admin.execute("ALTER ROLE syncd_reader LOGIN PASSWORD 'reader'")
        try:
            mine = url.replace(f"postgres:{server.password}@", "syncd_reader:reader@")
            with psycopg.connect(mine, autocommit=True) as connection:
                yield connection
        finally:
            for name in ("owner", "writer", "reader", "eraser"):
                admin.execute(f"DROP OWNED BY syncd_{name}".encode())
                admin.execute(f"DROP ROLE syncd_{name}".encode())
