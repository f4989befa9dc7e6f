"""Templates of the sandbox can be replaced, withdrawn and restored, from Python and from outside."""

from typing import Any

import pytest

from syncd.sandbox import Fault, Tenant
from tests.integration.sandbox_calls import Calls, calling


def templates(calls: Calls) -> Any:
    answer = calls.http.get("/api/jobtemplates/v1/gettemplates")
    assert answer.status_code == 200, answer.text
    return answer.json()


def keys(calls: Calls) -> list[str]:
    return [template["templateKey"] for template in templates(calls)]


def test_a_withdrawn_template_vanishes_from_the_list_and_comes_back_when_restored() -> None:
    with calling() as (sandbox, calls):
        before = keys(calls)
        sandbox.withdraw_template("azubi")
        assert keys(calls) == [key for key in before if key != "azubi"]
        sandbox.restore_template("azubi")
        assert keys(calls) == before
        for change in (sandbox.withdraw_template, sandbox.restore_template):
            with pytest.raises(KeyError):
                change("unknown")


def test_any_elements_are_answered_as_they_were_given_until_the_built_in_ones_come_back() -> None:
    with calling() as (sandbox, calls):
        built_in = templates(calls)
        given = [{"templateKey": 7, "descriptions": [None]}, "no object", {"descriptions": "no key"}, None, 7]
        sandbox.set_templates(given)
        assert templates(calls) == given
        sandbox.set_templates([])
        assert templates(calls) == []
        sandbox.set_templates(None)
        assert templates(calls) == built_in


def test_templates_belong_to_one_client() -> None:
    with calling(tenants=(Tenant("globex", "s", 1),)) as (sandbox, calls):
        sandbox.set_templates([{"templateKey": "own"}], client="globex")
        assert "own" not in keys(calls)
        other = Calls(sandbox, "globex", "s")
        assert keys(other) == ["own"]
        other.http.close()


def test_templates_are_replaced_from_outside() -> None:
    with calling(tenants=(Tenant("globex", "s", 1),)) as (_, calls):
        built_in = templates(calls)
        given = [{"templateKey": "neu", "descriptions": {"de": "Neu"}}]
        assert calls.http.put("/_sandbox/templates", json=given).json() == given
        assert templates(calls) == given
        assert calls.http.delete("/_sandbox/templates?client=globex").json() == built_in
        assert templates(calls) == given
        assert calls.http.delete("/_sandbox/templates").json() == built_in
        for nonsense in (b"", b"{}", b"7", b"\xff", b"[" * 100_000):
            assert calls.http.put("/_sandbox/templates", content=nonsense).status_code == 400
        assert calls.http.put("/_sandbox/templates?client=nobody", content=b"[]").status_code == 400
        assert templates(calls) == built_in


def test_faults_befall_templates_that_were_replaced_too() -> None:
    with calling() as (sandbox, calls):
        sandbox.set_templates([])
        sandbox.inject(Fault("templates", "status", status=503))
        assert calls.http.get("/api/jobtemplates/v1/gettemplates").status_code == 503
        assert templates(calls) == []
