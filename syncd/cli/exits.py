"""The exit codes of all commands, as listed in docs/operating.md. 0 means success."""

from syncd.errors import BadInput, ConfigurationError, Refused, SyncdError

FAILED = 1
"""The work failed. Everything done before the failure stays done."""

WRONG_USE = 2
"""Wrong arguments, an invalid configuration or an unusable input file. Nothing was done."""

PARTLY = 3
"""The work is done, except for items that need attention, such as a profile in quarantine."""

REFUSED = 4
"""syncd refused to work: the schema is at another revision, Postgres is unsafe, or another process holds the lease."""

INTERRUPTED = 130
"""Ctrl-C ended the command: 128 and the number of SIGINT, as shells have it. The daemon ends with 0 instead."""


def exit_code_of(error: SyncdError) -> int:
    """Return the exit code of a command that ends with this error."""
    if isinstance(error, ConfigurationError | BadInput):
        return WRONG_USE
    return REFUSED if isinstance(error, Refused) else FAILED
