"""Which answers are tried again and after how long (contract "rate limits": Retry-After capped, else full jitter)."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import httpx
import pytest

from syncd.deadline import Deadline
from syncd.errors import (
    ApiRefused,
    ApiUnavailable,
    AuthenticationFailed,
    BadAnswer,
    DeadlineExceeded,
    Stopped,
)
from syncd.pitchyou.http import Response
from syncd.pitchyou.retry import MAX_RETRY_AFTER, require_success, with_retries


class Waits(threading.Event):
    """A stop that never waits: it notes how long it was asked to, and moves the clock on by that."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waited: list[float] = []
        self.at_wait: Callable[[], None] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        self.now += timeout
        self.at_wait()
        return self.is_set()

    def deadline(self, seconds: float | None = None) -> Deadline:
        return Deadline(seconds, stop=self, clock=lambda: self.now)


def failing(*errors: Exception) -> Callable[[], str]:
    """Work that raises these errors, one at each call, and then succeeds."""
    left = list(errors)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def unavailable(count: int, retry_after: float | None = None) -> list[Exception]:
    return [ApiUnavailable(f"number {n}", retry_after=retry_after) for n in range(1, count + 1)]


def test_waits_double_up_to_their_cap_and_the_jitter_takes_a_share_of_each() -> None:
    whole, half, none = Waits(), Waits(), Waits()
    for waits, share in ((whole, 1.0), (half, 0.5), (none, 0.0)):
        work, jitter = failing(*unavailable(9)), partial(float, share)
        assert with_retries(work, attempts=10, deadline=waits.deadline(), jitter=jitter) == "done"
    assert whole.waited == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert half.waited == [each / 2 for each in whole.waited]
    assert none.waited == [0] * 9


def test_jitter_is_drawn_anew_for_each_wait() -> None:
    waits = Waits()
    for _ in range(50):
        with_retries(failing(*unavailable(1)), attempts=2, deadline=waits.deadline())
    assert len(set(waits.waited)) > 40
    assert 0 <= min(waits.waited) < 0.1
    assert 0.4 < max(waits.waited) <= 0.5


def test_what_the_server_asks_for_is_waited_to_the_second() -> None:
    waits = Waits()
    errors = [*unavailable(1, 7.0), *unavailable(1, 0.0)]
    assert with_retries(failing(*errors), attempts=3, deadline=waits.deadline()) == "done"
    assert waits.waited == [7.0, 0.0]


def test_so_many_attempts_and_not_one_more_then_the_last_error() -> None:
    waits, retries = Waits(), []
    with pytest.raises(ApiUnavailable, match="number 3"):
        with_retries(
            failing(*unavailable(5)),
            attempts=3,
            deadline=waits.deadline(),
            on_retry=lambda error: retries.append(waits.now),
        )
    assert len(waits.waited) == len(retries) == 2


@pytest.mark.parametrize(
    "error",
    [
        ApiRefused("no", status=404),
        AuthenticationFailed("no", status=401),
        BadAnswer("no"),
        Stopped("no"),
        DeadlineExceeded("no"),
        ValueError("a bug"),
    ],
)
def test_what_would_not_get_better_is_not_tried_again(error: Exception) -> None:
    waits = Waits()
    with pytest.raises(type(error)):
        with_retries(failing(error), attempts=4, deadline=waits.deadline())
    assert waits.waited == []


def test_a_wait_that_the_deadline_would_cut_off_is_not_begun() -> None:
    waits = Waits()
    with pytest.raises(ApiUnavailable, match="number 2"):
        with_retries(
            failing(*unavailable(2, 6.0)), attempts=4, deadline=waits.deadline(10), jitter=lambda: 1.0
        )
    assert waits.waited == [6.0]


def test_a_stop_ends_the_wait() -> None:
    waits = Waits()
    waits.at_wait = waits.set
    with pytest.raises(Stopped):
        with_retries(failing(*unavailable(2)), attempts=4, deadline=waits.deadline())
    assert len(waits.waited) == 1


def response(status: int, **headers: str) -> Response:
    fields = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Response(httpx.Response(status, headers=fields))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    require_success(response(status), "a call")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_by_itself_is_unavailable(status: int) -> None:
    with pytest.raises(ApiUnavailable, match=f"a call with HTTP {status}") as caught:
        require_success(response(status, Retry_After="3"), "a call")
    assert (caught.value.status, caught.value.retry_after) == (status, 3.0)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 410, 422, 451])
def test_everything_else_is_refused_and_a_redirect_says_that_it_is_not_followed(status: int) -> None:
    with pytest.raises(ApiRefused) as caught:
        require_success(response(status, Location="https://elsewhere/", Retry_After="3"), "a call")
    assert caught.value.status == status
    assert ("redirects are not followed" in str(caught.value)) is (status < 400)
    assert "elsewhere" not in str(caught.value)


def asked_for(value: str) -> float | None:
    with pytest.raises(ApiUnavailable) as caught:
        require_success(response(503, Retry_After=value), "a call")
    return caught.value.retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("120", 120.0),
        ("121", MAX_RETRY_AFTER),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Fri, 31 Dec 2100 23:59:59 GMT", MAX_RETRY_AFTER),
        ("Friday, 31-Dec-99 23:59:59 GMT", 0.0),
        ("Fri Dec 31 23:59:59 1999", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 0.0),
        ("Fri, 31 Dec 2100 99:99:99 GMT", None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("\xb2", None),  # a superscript two is a digit for Python, but no number
        ("1;2", None),
    ],
)
def test_retry_after_is_capped_and_nonsense_in_it_is_as_if_it_were_not_there(
    value: str, seconds: float | None
) -> None:
    assert asked_for(value) == seconds


def test_retry_after_as_a_date_is_the_time_until_then() -> None:
    for zone in ("usegmt", "offset"):
        moment = (datetime.now(UTC) + timedelta(seconds=60)).replace(microsecond=0)
        if zone == "offset":
            moment = moment.astimezone()
        seconds = asked_for(format_datetime(moment, usegmt=zone == "usegmt"))
        assert seconds is not None
        assert 58 < seconds <= 60


def test_without_retry_after_the_server_has_asked_for_nothing() -> None:
    with pytest.raises(ApiUnavailable) as caught:
        require_success(response(500), "a call")
    assert caught.value.retry_after is None
