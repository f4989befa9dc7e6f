"""Heartbeats: sent after good cycles only, at most once in a while, without delay, and never named in the log."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.store.cycles import Tally
from syncd.sync.client_cycle import Ended
from syncd.web import heartbeat
from syncd.web.heartbeat import Heartbeat, Target
from tests.integration.listener import Heard, Listener, reply
from tests.system.processes import eventually
from tests.unit.log_lines import logging_to

GOOD = Ended(Outcome.PARTIAL, Tally())


def test_a_heartbeat_is_sent_after_a_good_cycle_and_its_failure_is_logged_until_it_works_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "LIMIT", 1.0)
    answers = iter([reply(), reply(status="500 No"), reply(status="301 Moved"), None, reply(), reply()])

    def answer(heard: Heard) -> Iterable[bytes]:
        if found := next(answers):
            yield found
        else:
            time.sleep(2.0)

    stream = io.StringIO()

    def events() -> list[dict[str, Any]]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    with Listener(answer) as receiver, logging_to(stream, "json", "debug"):
        hearts = Heartbeat({"acme": Target(f"{receiver.url}/Kanarienvogel?k=v")}, every=0.0)
        for outcome in (Outcome.FAILED, Outcome.ABORTED):
            hearts.observe("acme", Ended(outcome, Tally()))
        hearts.observe("other", GOOD)
        for number in range(1, 5):
            began = time.monotonic()
            hearts.observe("acme", GOOD)
            assert time.monotonic() - began < 0.5
            eventually(lambda: len(receiver.heard) == number, "it has come")  # noqa: B023 - runs at once
            if number in (2, 4):
                eventually(events, "the failure is logged")
                time.sleep(1.2 if number == 4 else 0)
        hearts.observe("acme", GOOD)
        eventually(lambda: len(events()) == 2, "it works again")
        assert [(event["event"], event["client_id"], event.get("error")) for event in events()] == [
            ("heartbeat_failed", "acme", "http_500"),
            ("heartbeat_works_again", "acme", None),
        ]
        assert "Kanarienvogel" not in stream.getvalue()
        assert {(each.method, each.path) for each in receiver.heard} == {("GET", "/Kanarienvogel?k=v")}
        assert receiver.heard[0].headers["user-agent"].startswith("syncd/")

        # Once in a while, also if cycles end more often. A reload changes where it goes.
        seldom = Heartbeat({"acme": Target(receiver.url)})
        for _ in range(3):
            seldom.observe("acme", GOOD)
        eventually(lambda: len(receiver.heard) == 6, "one has come")
        seldom.follow({})
        seldom.observe("acme", GOOD)
        time.sleep(0.1)
        assert len(receiver.heard) == 6
