"""The tables, as docs/schema.md explains them. `migrations/` creates them; a test proves that the two are equal."""

from syncd.store.tables.applications import (
    answer,
    application,
    application_contact,
    application_raw,
    attachment,
    client,
    job,
    media,
)
from syncd.store.tables.columns import metadata
from syncd.store.tables.comments import COMMENTS
from syncd.store.tables.imports import cost, outcome
from syncd.store.tables.offers import apply_link, chat_request, job_template
from syncd.store.tables.operation import (
    acceptance,
    client_state,
    cycle,
    lease,
    media_removal,
    quarantine,
    replay,
    schema_drift,
    secret,
    store_mark,
)
from syncd.store.tables.reports import (
    due,
    option,
    option_count,
    placeholder_cv,
    question,
    question_check,
    reported,
)

for _name, (_of_table, _of_columns) in COMMENTS.items():
    metadata.tables[_name].comment = _of_table
    for _column, _of_column in _of_columns.items():
        metadata.tables[_name].columns[_column].comment = _of_column

__all__ = [
    "acceptance",
    "answer",
    "application",
    "application_contact",
    "application_raw",
    "apply_link",
    "attachment",
    "chat_request",
    "client",
    "client_state",
    "cost",
    "cycle",
    "due",
    "job",
    "job_template",
    "lease",
    "media",
    "media_removal",
    "metadata",
    "option",
    "option_count",
    "outcome",
    "placeholder_cv",
    "quarantine",
    "question",
    "question_check",
    "replay",
    "reported",
    "schema_drift",
    "secret",
    "store_mark",
]
