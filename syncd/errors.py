"""The errors that syncd raises on purpose. The text of each is a sentence for the operator.

A message never holds an applicant's data, only ids, counts, HTTP statuses and SQLSTATEs. So syncd may log these
messages, unlike those of other libraries' exceptions.
"""

NO_THREAD = "This machine lets syncd start no more threads. Raise TasksMax of the service, or lower media.concurrency."


class SyncdError(Exception):
    """A failure that syncd can name. The message says what failed, for which id, and what to do."""


class ConfigurationError(SyncdError):
    """The configuration is wrong. `problems` lists every mistake found, not only the first."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class BadInput(SyncdError):
    """A value from the command line or from a file is not valid. `problems` lists every mistake found."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Refused(SyncdError):
    """syncd refuses to work under these conditions (exit code 4): old schema, unsafe Postgres, lease held."""


class LeaseHeld(Refused):
    """Another syncd process is working for this client."""


class AnotherServer(Refused):
    """`base_url` leads to another server than before, whose applications may belong to other people."""


class NotOurPair(Refused):
    """The database and the media root do not belong together: one of them is older, or of another store."""


class LeaseLost(SyncdError):
    """Another syncd process has taken over this client, so this process may not write for it any more."""


class Stopped(SyncdError):
    """A stop was requested (SIGTERM, SIGINT). The current step was finished or undone."""


class DeadlineExceeded(SyncdError):
    """The cycle took longer than `sync.cycle_deadline`. The next cycle continues where it ended."""


class ListTooOld(SyncdError):
    """The list is older than a cycle may take, so PitchYou may have newer versions of the listed profiles."""


class ApiError(SyncdError):
    """A request to the PitchYou API failed. `status` is the HTTP status, or None if no response came.

    `kind` is a short code for a failure without a status.
    """

    def __init__(self, message: str, *, status: int | None = None, kind: str = "refused") -> None:
        self.status, self.kind = status, kind
        super().__init__(message)

    @property
    def code(self) -> str:
        """The short code that the database keeps: `http_404` and the like, or `kind`."""
        return f"http_{self.status}" if self.status else self.kind


class ApiUnavailable(ApiError):
    """A failure that may pass by itself: no connection, a timeout, 429 or 5xx, after all retries.

    `retry_after` is how many seconds the server asked to wait, if it did. `kind` is a short code for why no usable
    response came: connection, timeout, truncated, compressed, web_page, unclear, not_the_file, tls or invalid.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        kind: str = "connection",
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status, kind=kind)


class ApiRefused(ApiError):
    """PitchYou answered with a 4xx or a redirect. Sending the same request again would not help."""


class AuthenticationFailed(ApiError):
    """PitchYou refuses to issue a token for this client, or refuses the token that it has just issued."""


class BadAnswer(ApiError):
    """The response is not what the API promises, such as a web page or a truncated array. syncd uses nothing of it."""


class DatabaseUnavailable(SyncdError):
    """Postgres is unreachable, full or read-only, or it refuses syncd. `sqlstate` is its code, if Postgres sent one.

    `logged` says whether the log already names this outage, once for all clients.
    """

    def __init__(self, message: str, *, sqlstate: str | None = None, logged: bool = False) -> None:
        self.sqlstate, self.logged = sqlstate, logged
        super().__init__(message)

    @property
    def refused(self) -> bool:
        """Whether Postgres refuses syncd (login, grants, schema). Such a refusal does not pass by itself."""
        return (self.sqlstate or "")[:2] in ("28", "3D", "42")


class DataRefused(SyncdError):
    """Postgres refuses what syncd writes: a type, a constraint, or a trigger or policy of yours. Nothing was written.

    `sqlstate` is Postgres' code; it is empty if the driver refused a value.
    """

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(
            f"Postgres refuses what syncd writes (SQLSTATE {sqlstate or 'none'}). "
            "Check the constraints, triggers and policies that were added to syncd's tables."
        )


class MediaStoreFailed(SyncdError):
    """The media root cannot be written: the disk is full, read-only or failing. syncd confirms nothing until it can."""


class PathRefused(MediaStoreFailed):
    """The disk refuses the path of one file. It may take other files. `code` names the error: `disk_eisdir` and the like."""

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(message)


class TooManyOpenFiles(MediaStoreFailed):
    """The process or the machine has as many open files as it may have. With fewer downloads at a time, it may go on."""
