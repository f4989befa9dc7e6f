"""SQL that splits the answers of an interview into single ones, for the statements that count them."""

# The single answers of `x`, a row of `ats.answer`: the values of a list, or else the answer as it is. For a FROM clause.
SINGLE_ANSWERS = """(
    SELECT x.answer AS option WHERE jsonb_typeof(x.answer_json) IS DISTINCT FROM 'array'
    UNION ALL
    SELECT e #>> '{}' FROM jsonb_array_elements(
        CASE jsonb_typeof(x.answer_json) WHEN 'array' THEN x.answer_json ELSE '[]' END
    ) AS e
)"""
