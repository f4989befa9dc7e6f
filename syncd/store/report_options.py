"""The answers to closed questions, each with a number of its own."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# Answers that are too long to be one of a few are not counted.
_ADD_OPTIONS = text(
    """
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
    CROSS JOIN LATERAL (
        SELECT x.answer AS option WHERE jsonb_typeof(x.answer_json) IS DISTINCT FROM 'array'
        UNION ALL
        SELECT e #>> '{}' FROM jsonb_array_elements(
            CASE jsonb_typeof(x.answer_json) WHEN 'array' THEN x.answer_json ELSE '[]' END
        ) AS e
    ) AS p
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
