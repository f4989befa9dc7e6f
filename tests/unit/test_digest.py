"""The hourly summary of a client's cycles in the log."""

import io
import json
import time

from syncd.model import Outcome
from syncd.sync.digest import Digest
from tests.unit.log_lines import logging_to


def test_a_summary_counts_the_cycles_since_the_one_before_and_comes_when_its_time_has_passed() -> None:
    stream = io.StringIO()
    with logging_to(stream, "json", "info"):
        digest = Digest(every=0.05)
        digest.add("acme", Outcome.OK)
        assert stream.getvalue() == ""
        time.sleep(0.05)
        digest.add("acme", Outcome.FAILED)
        digest.add("acme", Outcome.PARTIAL)
        (line,) = stream.getvalue().splitlines()
        time.sleep(0.05)
        digest.add("acme", Outcome.ABORTED)
    first, second = json.loads(line), json.loads(stream.getvalue().splitlines()[1])
    names = ("client_id", "cycles", "ok", "partial", "failed", "aborted")
    assert (first["event"], first["level"]) == ("cycles_summary", "info")
    assert [first[name] for name in names] == ["acme", 2, 1, 0, 1, 0]
    assert [second[name] for name in names] == ["acme", 2, 0, 1, 0, 1]
