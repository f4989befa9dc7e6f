"""Lists 200,000 elements from hypothesis. Each must end in the store or in quarantine; none may block a batch or another element."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from syncd.model import Outcome
from syncd.pitchyou.json_values import rough_digest
from syncd.sandbox import SandboxConfig
from tests.proof.damage import refused
from tests.proof.elements import Element, elements
from tests.proof.summary import spelt, total
from tests.proof.world import cycle, installation
from tests.system.processes import Site

SEEDS = 420
LISTS = 20
ELEMENTS = 500  # per seed
READINGS: tuple[dict[str, Any], ...] = ({"after_confirm": "stay"}, {"after_confirm": "leave"})
BATCHES = (500, 64, 7)
_UNASKABLE = re.compile(r"[\0\ud800-\udfff]")
_FIRST_KEY = re.compile(rb'\s*\{\s*("profileId"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?\d+(?=[\s,}])))')
_BLANK = b" \t\r\n"


def points() -> Iterator[str]:
    """Lists all points: a seed for elements, or `list:seed` for whole lists."""
    yield from map(str, range(1, SEEDS + 1))
    yield from (f"list:{number}" for number in range(1, LISTS + 1))


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    found, lists = total(held, r"^([\d,]+) elements"), total(held, r"^(\d+) damaged lists")
    return f"{found:,} elements, {lists:,} damaged lists; {spelt(range(1, SEEDS + 1))}"


def prove(point: str) -> str:
    """Lists one seed's elements among good profiles, and looks for each. An error names a smallest set that fails."""
    kind, _, seed = point.rpartition(":")
    if kind == "list":
        return _prove_lists(int(seed))
    return f"{prove_elements(int(seed), ELEMENTS)} elements"


def prove_elements(number: int, count: int) -> int:
    """Lists this number of a seed's elements twice, and checks them. Returns their number."""
    built = elements(number, count)

    def attempt(those: Sequence[Element]) -> None:
        _prove(those, number)

    try:
        attempt(built)
    except Exception as error:
        fewest = smallest(built, attempt)
        shown = "\n".join(repr(each.payload[:2000]) for each in fewest)
        raise AssertionError(
            f"seed {number}: {error}\n{len(fewest)} of its elements suffice:\n{shown}"
        ) from error
    assert len(built) == count
    return count


def _prove_lists(number: int) -> str:
    chance = random.Random(number)
    those = [*elements(-number, 40), Element(b'"%b"' % (b"y" * chance.choice((0, 300_000))))]
    chance.shuffle(those)
    with installation(SandboxConfig(profiles=2, seed=number)) as here:
        count = refused(here, [each.payload for each in those], chance)
        _offer(here, those)
        _run(here, {})
        _find_each(here, those)
    return f"{count} damaged lists"


def _prove(those: Sequence[Element], number: int) -> None:
    config = SandboxConfig(profiles=3, seed=number, media_per_profile=0.5, **READINGS[number % len(READINGS)])
    plan = {"batch_size": BATCHES[number % len(BATCHES)]}
    with installation(config) as here:
        judged, rest = _divided(those)
        _offer(here, judged)
        _run(here, plan)
        _find_each(here, judged)
        findings = [*here.sandbox.findings, *here.sandbox.audit().findings]
        assert not findings, findings[:3]
        before = _rows_of_good_ones(here)
        _offer(here, rest)
        _run(here, plan)
        _find_each(here, [*judged, *rest])
        assert here.sandbox.findings == []
        assert before.items() <= _rows_of_good_ones(here).items(), "a good profile was written again"
        state = _state(here)
        _run(here, plan)
        assert _state(here) == state, "the same list once more was written down again"


def _offer(here: Site, those: Sequence[Element]) -> None:
    """Adds the elements to the list, with a good profile before every 50 elements and at the end."""
    for place, each in enumerate(those):
        if place % 50 == 0:
            here.sandbox.add_profiles(1)
        here.sandbox.put_raw_profile(each.payload)
    here.sandbox.add_profiles(1)


def _run(here: Site, plan: dict[str, Any]) -> None:
    ended = cycle(here, **plan)
    if ended.error:
        raise ended.error
    assert ended.outcome in (Outcome.OK, Outcome.PARTIAL), ended


def _find_each(here: Site, those: Sequence[Element]) -> None:
    """Checks that each element is in exactly one place, the right one. Of elements with the same profileId, only the last counts."""
    stored = _payloads(here, "SELECT payload FROM ats.application_raw")
    kept = _payloads(here, "SELECT payload FROM ops.quarantine WHERE resolved_at IS NULL")
    whose_each = [identity(each.payload) for each in those]
    last = dict(zip(whose_each, those, strict=True))
    kept_but_for_addresses = {rough_digest(payload) for payload in kept}
    for each, whose in zip(those, whose_each, strict=True):
        payload = each.payload.strip(_BLANK)
        is_stored, is_kept = payload in stored, payload in kept
        shown = payload[:300]
        assert not (is_stored and is_kept), f"both stored and in quarantine: {shown!r}"
        if whose is not None and last[whose] is not each:
            sure = all(_ids(one) is not None for one in (payload, last[whose].payload))
            assert not (sure and is_stored), f"stored, although the last with its profileId counts: {shown!r}"
            continue
        # Without an id, elements that differ in nothing but the addresses of their files count as the same one again.
        is_kept = is_kept or (whose is None and rough_digest(payload) in kept_but_for_addresses)
        assert is_stored or is_kept, f"neither stored nor in quarantine: {shown!r}"
        if not sound(payload):
            assert is_kept, f"stored, although it is not sound JSON: {shown!r}"
        elif each.tame:
            assert is_stored, f"in quarantine, although the contract takes it: {shown!r}"


def _payloads(here: Site, sql: str) -> set[bytes]:
    rows = [bytes(payload) for (payload,) in here.rows(sql)]
    assert len(set(rows)) == len(rows), f"the same bytes twice: {sql}"
    return set(rows)


def sound(payload: bytes) -> bool:
    """Says whether the bytes are strict JSON (RFC 8259) that every parser reads the same, with at most 100 levels."""
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_distinct, parse_constant=_refuse)
        return _depth(value) <= 100 and "Infinity" not in json.dumps(value)
    except (ValueError, RecursionError):
        return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _depth(value: Any) -> int:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (1 + max(map(_depth, held), default=0)) if isinstance(value, dict | list) else 0


def identity(payload: bytes) -> str | None:
    """Returns the profileId, or None if it could as well belong to another profile inside."""
    ids = _ids(payload)
    if ids is None and payload.count(b'"profileId"') == 1 and (first := _FIRST_KEY.match(payload)):
        ids = _ids(b"{%b}" % first[1])
    if not ids or len(ids) > 1 or isinstance(ids[0], bool) or not isinstance(ids[0], str | int):
        return None
    text = str(ids[0])
    return text if text and not _UNASKABLE.search(text) and len(text.encode()) <= 512 else None


def _ids(payload: bytes) -> list[Any] | None:
    """Returns every value of the key `profileId` in an object, or None if even a lenient parser rejects the bytes."""
    try:
        value = json.loads(
            payload.decode(errors="surrogateescape"),
            strict=False,
            object_pairs_hook=_Pairs,
            parse_int=lambda digits: int(digits[:1000]),
        )
    except (ValueError, RecursionError):
        return None
    return [held for key, held in value if key == "profileId"] if isinstance(value, _Pairs) else []


class _Pairs(list[tuple[str, Any]]):
    """An object with all of its keys, including duplicates."""


def _divided(those: Sequence[Element]) -> tuple[list[Element], list[Element]]:
    """Splits the elements: those that the audit can check, and those whose profileId it cannot read or use in a query."""
    whose = {identity(each.payload) for each in those if _is_odd(each.payload)} - {None}
    judged: list[Element] = []
    rest: list[Element] = []
    for each in those:
        (rest if _is_odd(each.payload) or identity(each.payload) in whose else judged).append(each)
    return judged, rest


def _is_odd(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except (ValueError, RecursionError):
        return True
    ids = _ids(payload) or [None]
    return len(ids) > 1 or ids[0] != ids[0] or bool(_UNASKABLE.search(str(ids[0])))


def _rows_of_good_ones(here: Site) -> dict[tuple[str, str], str]:
    """Returns the rows of each of the sandbox's own profiles, and the transaction that wrote them."""
    ids = [str(profile["profileId"]) for profile in here.sandbox.expected()]
    rows = []
    for table in ("application", "application_contact", "application_raw", "answer", "media", "attachment"):
        rows += here.rows(
            f"SELECT '{table}', profile_id, string_agg(xmin::text || t::text, ',' ORDER BY t::text) "
            f"FROM ats.{table} t WHERE profile_id = ANY(%s) GROUP BY 2",
            ids,
        )
    return {(table, profile_id): row for table, profile_id, row in rows}


def _state(here: Site) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    tables = here.rows_as_they_are()
    del tables["ops.client_state"], tables["ops.cycle"], tables["ops.lease"]
    files = here.files_as_they_are()
    return tables, {
        path: files[path] for path in files if not path.startswith(".tmp")
    }  # each cycle has a different one


def smallest(those: Sequence[Element], attempt: Callable[[Sequence[Element]], None]) -> Sequence[Element]:
    """Returns a smallest set that still fails, by leaving out smaller and smaller parts."""
    size = len(those) // 2
    while size:
        for start in range(0, len(those), size):
            fewer = [*those[:start], *those[start + size :]]
            if fewer and _fails(fewer, attempt):
                those = fewer
                break
        else:
            size //= 2
    return those


def _fails(those: Sequence[Element], attempt: Callable[[Sequence[Element]], None]) -> bool:
    try:
        attempt(those)
    except Exception:  # any error counts as a failure
        return True
    return False
