"""Which questions of the interviews are closed, so that reports may count their answers.

A question is closed if many people give the same few answers. Whatever is not proven closed counts as open: its answers may
say who somebody is, and never leave `ats`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from syncd.store import leases
from syncd.store.single_answers import SINGLE_ANSWERS

# The newest applications with a name or an address, by which a rule decides.
_SAMPLE = 5000
APPLICATIONS = 20
# A question that fewer have answered is not even listed: it may address its applicant by name.
_LISTED = 5
_CELL = 5
_MAX_VALUES, _MIN_SHARED = 60, 0.95
# Somebody is called like a common answer. What fewer than five have answered is not shown anyway.
_PERSONAL = 0.02
# Postgres indexes no longer text.
_MAX_LENGTH = 2000
# A closed question stays closed a little longer, so that it does not change each day.
_MAX_VALUES_KEPT, _MIN_SHARED_KEPT = 80, 0.90


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a client, and why reports count its answers or not. `decided_by` is `rule` or an account."""

    client_id: str
    question: str
    is_closed: bool
    reason: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Answered:
    """How a question was answered in the sample.

    Attributes:
        values: the number of different answers.
        given: how many answers were given; each value of a list counts.
        shared: how many of these at least five applicants have given alike.
        personal: how many applicants have answered with their own name, address or number.
    """

    question: str
    applications: int
    values: int
    given: int
    shared: int
    personal: int


def decide(answered: Answered, *, was_closed: bool) -> tuple[bool, str]:
    """Returns whether the question counts as closed, and why."""
    most = _MAX_VALUES_KEPT if was_closed else _MAX_VALUES
    least = _MIN_SHARED_KEPT if was_closed else _MIN_SHARED
    share = answered.shared / answered.given
    if answered.personal >= _CELL and answered.personal >= _PERSONAL * answered.applications:
        return False, f"{answered.personal} applicants have answered with their own name, address or number"
    if answered.applications < APPLICATIONS:
        # A question that is not asked any more stays what it was.
        return (
            was_closed,
            f"{answered.applications} of the newest applicants have answered, fewer than {APPLICATIONS}",
        )
    if answered.values > most:
        return False, f"{answered.values} different answers, more than {most}"
    if share < least:
        return False, f"{share:.0%} of the answers come from five applicants or more, less than {least:.0%}"
    return True, f"{answered.values} different answers; {share:.0%} of them come from five applicants or more"


_ANSWERED = text(
    f"""
    WITH recent AS (
        SELECT
            a.profile_id,
            nullif(' ' || btrim(regexp_replace(lower(k.first_name), '\\W+', ' ', 'g')) || ' ', '  ') AS first_name,
            nullif(' ' || btrim(regexp_replace(lower(k.last_name), '\\W+', ' ', 'g')) || ' ', '  ') AS last_name,
            nullif(lower(btrim(k.email)), '') AS email,
            regexp_replace(k.phone, '[^0-9]', '', 'g') AS phone
        FROM (
            SELECT profile_id FROM ats.application
            WHERE client_id = :client_id AND erased_at IS NULL
            ORDER BY applied_at DESC NULLS LAST LIMIT :sample
        ) AS a
        CROSS JOIN LATERAL (
            SELECT first_name, last_name, email, phone FROM ats.application_contact
            WHERE client_id = :client_id AND profile_id = a.profile_id LIMIT 1
        ) AS k
        WHERE coalesce(k.first_name, k.last_name, k.email, k.phone) IS NOT NULL
    ), piece AS (
        SELECT
            r.profile_id,
            x.question,
            p.option,
            length(p.option) > 80 AS is_long,
            coalesce(
                strpos(p.words, r.last_name) > 0
                OR strpos(p.words, r.first_name) > 0
                OR strpos(lower(p.option), r.email) > 0
                OR length(r.phone) > 6 AND strpos(regexp_replace(p.option, '[^0-9]', '', 'g'), right(r.phone, 7)) > 0,
                false
            ) AS is_personal
        FROM recent r
        CROSS JOIN LATERAL (
            SELECT question, answer, answer_json FROM ats.answer
            WHERE client_id = :client_id AND profile_id = r.profile_id AND octet_length(question) <= :length
            OFFSET 0
        ) AS x
        CROSS JOIN LATERAL (
            SELECT option, ' ' || regexp_replace(lower(option), '\\W+', ' ', 'g') || ' ' AS words
            FROM {SINGLE_ANSWERS} AS single
        ) AS p
        WHERE p.option <> ''
    ), cell AS (
        SELECT
            question,
            CASE WHEN is_long THEN profile_id ELSE option END AS option,
            count(*) AS given,
            count(DISTINCT profile_id) AS people
        FROM piece
        GROUP BY question, is_long, 2
    ), applicants AS (
        SELECT
            question,
            count(DISTINCT profile_id) AS applications,
            count(DISTINCT profile_id) FILTER (WHERE is_personal) AS personal
        FROM piece GROUP BY question
    )
    SELECT
        question,
        applications,
        count(*) AS values,
        CAST(sum(given) AS integer) AS given,
        CAST(coalesce(sum(given) FILTER (WHERE people >= :cell), 0) AS integer) AS shared,
        personal
    FROM cell JOIN applicants USING (question)
    WHERE applications >= :listed
    GROUP BY question, applications, personal
    ORDER BY question
    """
)
_KNOWN = text(
    "SELECT client_id, question, is_closed, reason, decided_by FROM report_data.question WHERE client_id = :client_id ORDER BY question"
)
_NOTE_CHECK = (
    text("UPDATE report_data.question SET checked_at = now() WHERE client_id = :client_id"),
    # For a client that has no question yet, too.
    text(
        """
        INSERT INTO report_data.question_check (client_id) VALUES (:client_id)
        ON CONFLICT (client_id) DO UPDATE SET checked_at = excluded.checked_at
        """
    ),
)


def classify(connection: Connection, client_id: str) -> None:
    """Looks at the newest answers and decides which questions are closed. An operator's decision stays."""
    known = {each.question: each for each in questions(connection, client_id)}
    closed = []
    found = connection.execute(
        _ANSWERED,
        {"client_id": client_id, "sample": _SAMPLE, "cell": _CELL, "listed": _LISTED, "length": _MAX_LENGTH},
    )
    for answered in (Answered(**row._mapping) for row in found):
        before = known.get(answered.question)
        if before is not None and before.decided_by != "rule":
            continue
        is_closed, reason = decide(answered, was_closed=before is not None and before.is_closed)
        if before is None or (before.is_closed, before.reason) != (is_closed, reason):
            _put(connection, Question(client_id, answered.question, is_closed, reason, "rule"))
        if is_closed and (before is None or not before.is_closed):
            closed.append(answered.question)
    if closed:
        count_all(connection, client_id, closed)
    for statement in _NOTE_CHECK:
        connection.execute(statement, {"client_id": client_id})


def questions(connection: Connection, client_id: str) -> list[Question]:
    """Selects the client's questions that were looked at."""
    return [Question(**row._mapping) for row in connection.execute(_KNOWN, {"client_id": client_id})]


_DROP_COUNTS = (
    text("DELETE FROM report_data.option_count WHERE question_id = :question_id"),
    text("DELETE FROM report_data.option WHERE question_id = :question_id"),
)


def overrule(connection: Connection, decision: Question) -> bool:
    """Stores an operator's decision, which the rule leaves as it is. Returns whether there is such a question.

    What was counted of a question goes when an operator opens it. After closing one, call `count_all`.
    """
    # A cycle may be counting its answers now.
    leases.lock(connection, decision.client_id)
    if decision.question not in {each.question for each in questions(connection, decision.client_id)}:
        return False
    question_id = _put(connection, decision)
    if not decision.is_closed:
        for statement in _DROP_COUNTS:
            connection.execute(statement, {"question_id": question_id})
    return True


_PUT = text(
    """
    INSERT INTO report_data.question (client_id, question, is_closed, reason, decided_by)
    VALUES (:client_id, :question, :is_closed, :reason, :decided_by)
    ON CONFLICT (client_id, question) DO UPDATE SET
        is_closed = excluded.is_closed,
        reason = excluded.reason,
        decided_by = excluded.decided_by,
        decided_at = now()
    RETURNING question_id
    """
)


def _put(connection: Connection, question: Question) -> int:
    """Stores a decision. If the rule opens a question, its counts stay, and no report shows them."""
    question_id: int = connection.execute(_PUT, asdict(question)).scalar_one()
    return question_id


# Before the first row of the client's reports, all of its applications are due anyway.
_COUNT_ALL = text(
    """
    INSERT INTO report_data.due (client_id, profile_id)
    SELECT DISTINCT client_id, profile_id FROM ats.answer
    WHERE client_id = :client_id AND question = ANY(:questions)
    AND EXISTS (SELECT FROM report_data.application WHERE client_id = :client_id)
    ON CONFLICT DO NOTHING
    """
)


def count_all(connection: Connection, client_id: str, closed: Sequence[str]) -> None:
    """Makes everybody due who has answered one of these questions, which were open before. Repeating it is harmless."""
    connection.execute(_COUNT_ALL, {"client_id": client_id, "questions": list(closed)})
