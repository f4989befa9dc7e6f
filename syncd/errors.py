"""The one family of errors that syncd raises on purpose. The text of each is a sentence for the operator.

No message ever holds an applicant's data: ids, counts, HTTP statuses and SQLSTATEs only. That is why these
messages, unlike those of foreign exceptions, may be logged.
"""


class SyncdError(Exception):
    """Something syncd can name went wrong; the message says what, with which id, and what to do."""


class ConfigurationError(SyncdError):
    """The configuration is wrong. `problems` lists every mistake found, not only the first."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class BadInput(SyncdError):
    """Something that was given on the command line or in a file cannot be used. `problems` lists every mistake found."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Refused(SyncdError):
    """syncd declines to work under these conditions (exit code 4): old schema, unsafe Postgres, lease held."""


class LeaseHeld(Refused):
    """Another syncd works for this client."""


class LeaseLost(SyncdError):
    """Another syncd has taken this client over; what this one wanted to write was refused."""


class Stopped(SyncdError):
    """A stop was asked for (SIGTERM, SIGINT); the step in hand was finished or undone."""


class DeadlineExceeded(SyncdError):
    """The cycle took longer than `sync.cycle_deadline`; the next one goes on where it ended."""


class ListTooOld(SyncdError):
    """The list is older than a cycle may take, so PitchYou may have newer versions of what it named."""


class ApiError(SyncdError):
    """The PitchYou API did not do what was asked. `status` is the HTTP status, or None without an answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class ApiUnavailable(ApiError):
    """A failure that may pass by itself: no connection, a timeout, 429 or 5xx, after all retries.

    `retry_after` is how many seconds the server asked to wait, if it did. `kind` is a short code for why no usable
    response came: connection, timeout, truncated, compressed, web_page, tls or invalid.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        kind: str = "connection",
    ) -> None:
        self.retry_after, self.kind = retry_after, kind
        super().__init__(message, status=status)


class ApiRefused(ApiError):
    """PitchYou answered with a 4xx or a redirect: sending the same again would not help."""


class AuthenticationFailed(ApiError):
    """PitchYou gives no token for this client, or does not accept the one it gave a moment ago."""


class BadAnswer(ApiError):
    """The answer is not what the API promises (truncated, a web page, an object for an array): nothing of it is used."""


class DatabaseUnavailable(SyncdError):
    """Postgres is away, full, read-only or refuses. `sqlstate` is its five-letter reason, if it gave one.

    `logged`: whether the log has it already, as an outage for all clients.
    """

    def __init__(self, message: str, *, sqlstate: str | None = None, logged: bool = False) -> None:
        self.sqlstate, self.logged = sqlstate, logged
        super().__init__(message)

    @property
    def refused(self) -> bool:
        """Whether it does not let syncd work (login, grants, schema), which does not pass by itself."""
        return (self.sqlstate or "")[:2] in ("28", "3D", "42")


class MediaStoreFailed(SyncdError):
    """The media root cannot be written: full, read-only or failing. Nothing is confirmed until it can."""
