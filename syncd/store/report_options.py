"""The answers to closed questions, each with a number of its own."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from syncd.store.single_answers import SINGLE_ANSWERS

# Answers that are too long to be one of a few are not counted.
_ADD_OPTIONS = text(
    f"""
    INSERT INTO report_data.option (question_id, option)
    SELECT DISTINCT q.question_id, p.option
    FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT question, answer, answer_json FROM ats.answer
        WHERE client_id = :client_id AND profile_id = asked.id AND question IS NOT NULL OFFSET 0
    ) AS x
    CROSS JOIN LATERAL (
        SELECT question_id FROM report_data.question
        WHERE client_id = :client_id AND question = x.question AND is_closed LIMIT 1
    ) AS q
    CROSS JOIN LATERAL {SINGLE_ANSWERS} AS p
    WHERE p.option <> '' AND length(p.option) <= 80
    AND NOT EXISTS (
        SELECT FROM report_data.option o WHERE o.question_id = q.question_id AND o.option = p.option OFFSET 0
    )
    ON CONFLICT DO NOTHING
    """
)


def add(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    """Adds the answers of these applications that nobody has given before."""
    connection.execute(_ADD_OPTIONS, {"client_id": client_id, "ids": list(ids)})
