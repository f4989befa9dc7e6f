"""Exit codes of every command, as docs/operating.md lists them. 0 means that everything was done."""

from syncd.errors import BadInput, ConfigurationError, Refused, SyncdError

FAILED = 1
"""Something failed; what had been done by then stays done."""

WRONG_USE = 2
"""Wrong arguments, a faulty configuration or an unusable input file; nothing was done."""

PARTLY = 3
"""Done, except for something that needs attention, such as a profile in quarantine."""

REFUSED = 4
"""syncd declined to work under these conditions: old schema, unsafe Postgres, lease held by another process."""


def exit_code_of(error: SyncdError) -> int:
    """Return the exit code of a command that ends with this error."""
    if isinstance(error, ConfigurationError | BadInput):
        return WRONG_USE
    return REFUSED if isinstance(error, Refused) else FAILED
