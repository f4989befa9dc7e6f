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
from syncd.store.tables.offers import apply_link, chat_request, job_template
from syncd.store.tables.operation import cycle, lease, media_removal, quarantine, secret
from syncd.store.tables.reports import due, option, option_count, placeholder_cv, question, reported

__all__ = [
    "answer",
    "application",
    "application_contact",
    "application_raw",
    "apply_link",
    "attachment",
    "chat_request",
    "client",
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
    "placeholder_cv",
    "quarantine",
    "question",
    "reported",
    "secret",
]
