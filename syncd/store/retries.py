"""When what has failed is to be tried again, by the clock of Postgres."""

LONGEST = 3600.0  # seconds for which anything is put off, at most


def is_due(column: str) -> str:
    """SQL: whether the moment in `column` has come, or lies so far ahead that the clock must have been set back since."""
    return f"({column} <= now() OR {column} > now() + make_interval(secs => {2 * LONGEST}))"
