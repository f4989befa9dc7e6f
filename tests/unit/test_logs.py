"""Logs: whatever fails or speaks, at every level and in both formats, no personal text comes out."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
import sqlalchemy as sa
import structlog

from syncd.errors import ConfigurationError, SyncdError
from syncd.logs import EventLogger
from tests.unit.log_lines import CANARY, FORMATS, LEVELS, lines, logging_to, one


class CanaryError(Exception):
    """An exception of a foreign library, whose text quotes an applicant."""


def raise_with_locals_and_causes() -> None:
    answer = f"local {CANARY}"
    try:
        json.loads(f'"{answer}')
    except ValueError:
        try:
            dict[str, str]()[CANARY]
        except KeyError as error:
            error.add_note(f"note {CANARY}")
            group = ExceptionGroup(f"group {CANARY}", [CanaryError(CANARY), ValueError(CANARY)])
            group.__cause__ = error
            raise CanaryError(f"outer {CANARY}") from group


def integrity_error() -> Exception:
    engine = sa.create_engine("sqlite://")
    people = sa.Table("people", sa.MetaData(), sa.Column("name", sa.Text, primary_key=True))
    try:
        with engine.begin() as connection:
            people.create(connection)
            connection.execute(people.insert(), {"name": CANARY})
            connection.execute(people.insert(), {"name": CANARY})
    except sa.exc.IntegrityError as error:
        return error
    finally:
        engine.dispose()
    raise AssertionError("the second row was taken")


def handled(raising: Callable[[], object], say: Callable[[], object]) -> None:
    try:
        raising()
    except Exception:
        say()


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_text_of_an_exception_its_causes_or_locals_is_logged(log_format: str, level: str) -> None:
    def do(log: EventLogger) -> None:
        handled(raise_with_locals_and_causes, lambda: log.exception("cycle_failed", client_id="acme"))
        handled(
            raise_with_locals_and_causes, lambda: log.error("cycle_failed", exc_info=True, stack_info=True)
        )
        handled(raise_with_locals_and_causes, lambda: log.error("cycle_failed", exc_info=sys.exc_info()))
        log.error("landing_failed", error=integrity_error())
        log.error("landing_failed", error=str(integrity_error()))
        log.error("landing_failed", exception=CANARY, stack=CANARY)

    written = lines(log_format, level, do)
    assert len(written) == 6
    assert CANARY not in "\n".join(written)


def test_an_exception_is_told_by_its_classes_and_places() -> None:
    event = one(lambda log: handled(raise_with_locals_and_causes, lambda: log.exception("cycle_failed")))
    assert event["error"][:2] == ["tests.unit.test_logs.CanaryError", "ExceptionGroup"]
    assert set(event["error"][2:]) >= {"KeyError", "ValueError", "json.decoder.JSONDecodeError"}
    # In a checkout that is called syncd, the path begins there.
    assert event["error_frames"][0].removeprefix("syncd/tests/").startswith("unit/test_logs.py:")
    assert any(
        frame.startswith("cause: ") and "raise_with_locals_and_causes" in frame
        for frame in event["error_frames"]
    )
    assert (event["event"], event["level"], event["logger_name"]) == ("cycle_failed", "error", "syncd.test")
    assert datetime.fromisoformat(event["timestamp"]).tzinfo == UTC


def test_a_circular_chain_of_causes_ends() -> None:
    first, second = CanaryError(), CanaryError()
    first.__cause__, second.__cause__ = second, first
    assert len(one(lambda log: log.error("cycle_failed", error=first))["error"]) == 2


def test_only_an_error_of_our_own_is_quoted_also_when_it_lies_deeper() -> None:
    try:
        try:
            raise ConfigurationError(["media.root: is missing", "write one"])
        except SyncdError as error:
            raise CanaryError(CANARY) from error
    except CanaryError as error:
        wrapped = error
    event = one(lambda log: log.error("check_failed", error=wrapped))
    assert event["error_message"] == "media.root: is missing\\nwrite one"
    assert CANARY not in str(event)


def test_a_database_error_is_told_by_sqlstate_and_constraint() -> None:
    class Diagnostics:
        constraint_name = "pk_application"
        message_detail = CANARY

    class DriverError(Exception):
        sqlstate = "23505"
        diag = Diagnostics()

    error = sa.exc.IntegrityError(f"INSERT {CANARY}", {"name": CANARY}, DriverError(CANARY))
    error.__cause__ = error.orig
    event = one(lambda log: log.error("landing_failed", error=error))
    assert (event["sqlstate"], event["constraint"]) == ("23505", "pk_application")
    assert CANARY not in str(event)


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_that_a_library_says_is_logged(log_format: str, level: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200)

    def do(_log: EventLogger) -> None:
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            client.get(f"https://api.example/{CANARY}?token={CANARY}")
        engine = sa.create_engine("sqlite://", echo="debug")
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT :name"), {"name": CANARY}).all()
        engine.dispose()
        for name in (
            "httpx",
            "httpcore.http11",
            "apscheduler.scheduler",
            "alembic",
            "psycopg.pool",
            "some.library",
        ):
            library = logging.getLogger(name)
            for number in (10, 20, 30, 40, 50):
                library.log(number, "said %s", CANARY, extra={"name_of": CANARY}, stack_info=True)
            handled(raise_with_locals_and_causes, partial(library.exception, "failed: %s", CANARY))
        warnings.warn(CANARY, sa.exc.SAWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        written = lines(log_format, level, do)
    assert CANARY not in "\n".join(written)
    assert sum("library_message" in line for line in written) >= 6
    if level != "error":
        assert any("python_warning" in line for line in written)


def test_no_chatter_of_the_http_client_or_the_database_is_logged_at_debug() -> None:
    def do(_log: EventLogger) -> None:
        for name in ("httpx", "httpcore", "apscheduler", "sqlalchemy.engine", "alembic", "psycopg"):
            logging.getLogger(name).info("said")

    assert lines("json", "debug", do) == []


@pytest.mark.parametrize("level", LEVELS)
def test_events_below_the_level_are_not_written(level: str) -> None:
    def do(log: EventLogger) -> None:
        for name in (*LEVELS, "critical"):
            getattr(log, name)(f"at_{name}")

    expected = [*LEVELS, "critical"][LEVELS.index(level) :]
    assert [json.loads(line)["level"] for line in lines("json", level, do)] == expected


def test_what_a_thread_has_bound_is_in_each_of_its_events() -> None:
    def do(log: EventLogger) -> None:
        with structlog.contextvars.bound_contextvars(client_id="acme", cycle_id=5):
            log.bind(profile_id="p1").info("landed")

    event = one(do)
    assert (event["client_id"], event["cycle_id"], event["profile_id"]) == ("acme", 5, "p1")


def test_a_log_that_cannot_be_written_does_not_stop_the_work() -> None:
    stream = io.StringIO()
    with logging_to(stream, "json", "info") as log:
        stream.close()
        log.info("landed")


def test_a_stream_that_knows_no_umlaut_gets_an_escape() -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with logging_to(narrow, "console", "info") as log:
        log.info("landed", profile_id="Zoë")
    narrow.seek(0)
    assert "Zo\\xeb" in narrow.read()
    narrow.close()


class PipeInPieces(io.StringIO):
    """A stream that takes a line in two pieces and lets other threads run between them, as a pipe may."""

    def write(self, text: str) -> int:
        half = len(text) // 2
        written = super().write(text[:half])
        time.sleep(0.0001)
        return written + super().write(text[half:])


def test_lines_of_many_threads_do_not_mix() -> None:
    stream = PipeInPieces()
    with logging_to(stream, "json", "info") as log:

        def write() -> None:
            for _ in range(50):
                log.info("landed", profile_id="p" * 200)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum(json.loads(line)["event"] == "landed" for line in stream.getvalue().splitlines()) == 200


CRASHES = {
    "main": "raise ValueError(CANARY)",
    "cause": "try:\n 1/0\nexcept ZeroDivisionError as e:\n raise ValueError(CANARY) from e",
    "thread": "t = threading.Thread(target=lambda: int(CANARY))\nt.start()\nt.join()",
    "destructor": "class D:\n def __del__(self): int(CANARY)\nD()",
    "warning": "warnings.warn(CANARY)",
    "syncd": "raise SyncdError('the disk is full')",
}


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("crash", CRASHES)
def test_what_nobody_caught_is_one_line_without_its_text(log_format: str, crash: str) -> None:
    code = (
        "import sys, threading, warnings\nfrom syncd.errors import SyncdError\nfrom syncd.logs import configure_logging\n"
        f"CANARY = 'Kanarien' + 'vogel'\nconfigure_logging({log_format!r}, 'info')\n{CRASHES[crash]}\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (line,) = run.stderr.splitlines()
    assert CANARY not in run.stderr + run.stdout
    assert run.returncode == (0 if crash in ("thread", "destructor", "warning") else 1)
    names = {"destructor": "exception_ignored", "warning": "python_warning"}
    assert names.get(crash, "crashed") in line
    assert ("the disk is full" in line) == (crash == "syncd")


def test_a_line_before_logging_is_configured_is_redacted_too() -> None:
    code = (
        "import structlog\nfrom syncd.logs import get_logger\n"
        f"try:\n int('{CANARY}')\nexcept ValueError:\n get_logger('x').exception('failed', name='{CANARY}')\n"
        f" structlog.get_logger().error('failed', name='{CANARY}', exc_info=True)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(run.stderr.splitlines()) == 2
    assert CANARY not in run.stderr + run.stdout
