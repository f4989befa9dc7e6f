"""Decides which responses are worth a retry, and how long to back off before it."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from syncd.backoff import jittered_delay
from syncd.deadline import Deadline
from syncd.errors import ApiRefused, ApiUnavailable, DeadlineExceeded
from syncd.pitchyou.failures import too_slow
from syncd.pitchyou.http import Response

T = TypeVar("T")

# In seconds. If the server asks for a longer wait, the next cycle retries.
MAX_RETRY_AFTER = 120.0
BACKOFF_BASE = 0.5
BACKOFF_CAP = 30.0


def is_transient(status: int) -> bool:
    """Whether the same request may succeed later without any change."""
    return status in (408, 425, 429) or status >= 500


def require_success(response: Response, what: str) -> None:
    """Raise unless the response is a 2xx.

    Raises:
        ApiUnavailable: 408, 425, 429 and 5xx, with the time of Retry-After.
        ApiRefused: every other status. Redirects are included, since the token must not leave its origin.
    """
    status = response.status
    if 200 <= status < 300:
        return
    if is_transient(status):
        raise ApiUnavailable(
            f"PitchYou answered {what} with HTTP {status}", status=status, retry_after=_retry_after(response)
        )
    hint = "; redirects are not followed. Check base_url." if 300 <= status < 400 else ""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = "; the proxy asks for credentials. Check proxy_credentials_file."
    raise ApiRefused(f"PitchYou refused {what} with HTTP {status}{hint}", status=status)


def with_retries(
    work: Callable[[], T],
    *,
    attempts: int,
    deadline: Deadline,
    on_retry: Callable[[ApiUnavailable], object] = lambda error: None,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call `work` until it does not raise `ApiUnavailable`, at most `attempts` times.

    It backs off with full jitter (0 to 0.5 s, 1 s, 2 s … 30 s), unless the server sent a Retry-After.
    """
    for attempt in range(attempts):
        try:
            return work()
        except ApiUnavailable as error:
            wait = error.retry_after
            if wait is None:
                wait = jittered_delay(attempt, first=BACKOFF_BASE, longest=BACKOFF_CAP, jitter=jitter)
            if attempt + 1 == attempts or wait >= deadline.remaining():
                raise
            on_retry(error)
            deadline.sleep(wait)
    raise AssertionError("attempts must be at least 1")


@contextmanager
def limited(deadline: Deadline, seconds: float, what: str) -> Iterator[Deadline]:
    """Yield a separate deadline for one exchange. The caller's work ends only if its own deadline has passed as well.

    Raises:
        ApiUnavailable: the exchange took longer than `seconds`.
    """
    try:
        yield deadline.within(seconds)
    except DeadlineExceeded:
        deadline.check()
        raise too_slow(f"did not finish {what} within {seconds:g} s") from None


def _retry_after(response: Response) -> float | None:
    value = response.header("retry-after").strip()
    if not value:
        return None
    # `isdigit` would accept "²", which `float` refuses.
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait), MAX_RETRY_AFTER)
