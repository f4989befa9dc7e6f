"""The parts of the web server that need no database: routes, looks at what may stand still, the clock of the stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from syncd.errors import MediaStoreFailed
from syncd.model import Outcome
from syncd.store.cycles import Tally
from syncd.sync.client_cycle import Ended
from syncd.sync.stage_clock import StageClock
from syncd.web.app import Request, Response, Route, app, plain
from syncd.web.counts import Counts
from syncd.web.look import Look
from tests.unit.log_lines import one


def call(method: str, path: str) -> tuple[str, dict[str, str], bytes]:
    def crash(request: Request) -> Response:
        raise RuntimeError(request.arguments["name"])

    serve = app(
        [
            Route("GET", "/hello", lambda request: plain(200, "hello")),
            Route("POST", "/to/{name}", lambda request: plain(202, request.arguments["name"])),
            Route("GET", "/crash/{name}", crash),
        ],
        (("Who", "me"),),
    )
    started: list[Any] = []
    body = serve({"REQUEST_METHOD": method, "PATH_INFO": path}, lambda *head: started.extend(head))
    return started[0], dict(started[1]), b"".join(body)


def test_a_request_gets_its_route_and_what_is_no_route_a_404_or_a_405() -> None:
    status, headers, body = call("GET", "/hello")
    assert (status, body) == ("200 OK", b"hello\n")
    assert headers == {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "6",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Who": "me",
    }
    assert call("HEAD", "/hello") == (status, headers, b"")
    assert call("POST", "/to/acme")[::2] == ("202 Accepted", b"acme\n")
    for path in ("/", "/hello/", "/to/", "/to/a/b", "//hello"):
        assert call("GET", path)[0] == "404 Not Found", path
    assert [call(*request)[1]["Allow"] for request in (("PUT", "/hello"), ("GET", "/to/a"))] == [
        "GET, HEAD",
        "POST",
    ]
    assert call("PUT", "/hello")[0] == "405 Method Not Allowed"


def test_a_bug_in_a_handler_is_a_500_that_tells_nothing() -> None:
    answers: list[tuple[str, dict[str, str], bytes]] = []
    event = one(lambda log: answers.append(call("GET", "/crash/Kanarienvogel")))
    assert event["event"] == "web_request_crashed"
    assert answers[0][0] == "500 Internal Server Error"
    assert "Kanarienvogel" not in f"{answers}{event}"


def test_a_look_that_stands_still_delays_one_answer_and_no_other_look_begins() -> None:
    began, go_on = [], threading.Event()

    def look(asks: Callable[[str], None]) -> int:
        asks("The disk")
        began.append(1)
        if len(began) == 2:
            go_on.wait()
        if len(began) == 4:
            raise MediaStoreFailed("the disk\nis gone")
        return len(began)

    looks = Look(look, every=0.0, limit=0.2)
    assert (looks.newest().value, looks.newest().problem) == (1, "The disk has not answered for 0 s.")
    before = time.monotonic()
    seen = [looks.newest() for _ in range(100)][-1]
    assert time.monotonic() - before < 0.2
    assert (seen.value, len(began)) == (1, 2)
    go_on.set()
    while looks.newest().value != 3:
        time.sleep(0.01)
    seen = looks.newest()
    assert (seen.value, seen.problem) == (3, "the disk is gone")


def test_a_look_counts_for_a_while_and_a_bug_in_it_is_logged_once() -> None:
    def look(asks: Callable[[str], None]) -> int:
        raise RuntimeError("Kanarienvogel")

    assert Look(lambda asks: time.monotonic(), every=60.0).newest().problem is None
    broken = Look(look, every=0.0)
    problems: list[str | None] = []
    event = one(lambda log: problems.extend(broken.newest().problem for _ in range(3)))
    assert event["event"] == "web_look_crashed"
    assert "Kanarienvogel" not in f"{event}{problems}"
    assert all(problems)
    kept = Look(lambda asks: time.monotonic(), every=60.0)
    assert kept.newest().value == kept.newest().value


def test_a_stage_inside_another_one_counts_once() -> None:
    now = [0.0]
    clock = StageClock(lambda: now[0])
    with clock.measure("fetch"):
        now[0] = 1.0
        with clock.measure("confirm"):
            now[0] = 3.0
        now[0] = 7.0
    now[0] = 20.0
    with clock.measure("land"):
        now[0] = 30.0
    assert clock.seconds == {"fetch": 5.0, "confirm": 2.0, "land": 10.0}


def test_counters_of_clients_that_are_gone_go_and_unknown_reasons_have_one_name() -> None:
    counts = Counts()
    ended = Ended(Outcome.OK, Tally(new=3, media_bytes=9), retries={"timeout": 2, "Kanarienvogel": 1})
    for client_id in ("acme", "gone"):
        counts.add(client_id, ended)
    counts.keep(["acme", "idle"])
    assert counts.media_bytes == {"acme": 9, "idle": 0}
    assert {client for client, _ in counts.cycles} == {client for client, _ in counts.profiles}
    assert {client for client, _ in counts.cycles} == {"acme", "idle"}
    assert counts.profiles["acme", "new"] == 3
    assert (counts.retries["timeout"], counts.retries["other"]) == (4, 2)
    assert "Kanarienvogel" not in counts.retries
