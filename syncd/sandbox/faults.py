"""Describes faults: what goes wrong, at which endpoint, how often. `replies` and `http_server` carry them out."""

import random
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

ENDPOINTS = ("token", "templates", "profiles", "media", "confirm", "chat", "any")

KINDS = {
    # Instead of the effect: the call changes nothing in the sandbox.
    "status": "answers with `status` (503) and, when given, `Retry-After: retry_after`",
    "drop_before": "closes the connection before the effect",
    "hang": "takes the request and never answers",
    "redirect": "answers `status` (302) with a Location at `target` (another origin of the sandbox)",
    "html": "answers 200 with an HTML page",
    "garbage": "answers 200 with bytes that are no JSON, no text and no media file",
    "object": "answers 200 with a JSON object",
    "nested": "answers 200 with 100,000 nested JSON arrays",
    "endless": "answers 200 with a body that never ends, or ends after `size` bytes",
    "endless_headers": "sends headers that never end, one byte every `seconds_per_byte`",
    "gzip_bomb": "answers 200 with a gzip body that unpacks to `size` bytes (4 GiB)",
    # After the effect: it has happened, but the answer is damaged.
    "drop_after": "closes the connection without an answer after the effect has happened",
    "truncate": "closes the connection half way through the body",
    "slow": "sends the body with `seconds_per_byte` (1.0) between two bytes",
    "short": "sends half the body as if it were all of it",
    "trailing": "sends something more behind the body",
    "empty": "sends an empty body, with Content-Length 0",
    "wrong_type": "media: bytes of another file type; elsewhere: the right body as text/html",
}
AFTER_EFFECT = frozenset({"drop_after", "truncate", "slow", "short", "trailing", "empty", "wrong_type"})


@dataclass(frozen=True)
class Fault:
    """Makes calls of the endpoint `on` fail in the way that `kind` describes.

    Counts only calls whose path contains `match`. Lets `after` calls pass, then lets `times` calls fail (None: all), each
    with probability `share`. Raises ValueError for an unknown endpoint or kind, or a share outside 0 to 1.
    """

    on: str
    kind: str
    status: int | None = None
    retry_after: str | None = None
    times: int | None = 1
    after: int = 0
    share: float = 1.0
    match: str = ""
    target: str | None = None
    seconds_per_byte: float = 1.0
    size: int | None = None

    def __post_init__(self) -> None:
        if self.on not in ENDPOINTS:
            raise ValueError(f"a fault can be on {', '.join(ENDPOINTS)}, not on {self.on!r}")
        if self.kind not in KINDS:
            raise ValueError(f"the kinds of fault are {', '.join(KINDS)}, not {self.kind!r}")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share is a probability, from 0.0 to 1.0")

    @property
    def answer_status(self) -> int:
        """The HTTP status that this fault answers with."""
        return self.status or {"status": 503, "redirect": 302}.get(self.kind, 200)


_SHORTHAND = {
    "status": "status",
    "redirect": "target",
    "slow": "seconds_per_byte",
    "endless_headers": "seconds_per_byte",
    "gzip_bomb": "size",
    "endless": "size",
}
_CONVERT = {
    "status": int,
    "retry_after": str,
    "after": int,
    "share": float,
    "match": str,
    "target": str,
    "seconds_per_byte": float,
    "size": int,
}


def parse_fault(text: str) -> Fault:
    """Parses a fault as the command line takes it, such as `profiles:status=503,times=3` or `confirm:drop_after`.

    `times=always` never ends. Raises ValueError, which names the allowed values, for anything else.
    """
    on, colon, rest = text.strip().partition(":")
    if not colon:
        raise ValueError(f"a fault is spelled endpoint:kind[=value][,key=value…], not {text!r}")
    first, *others = rest.split(",")
    kind, equals, value = first.partition("=")
    values: dict[str, Any] = {}
    if equals:
        if kind not in _SHORTHAND:
            raise ValueError(f"the fault {kind!r} takes no value of its own; write {on}:{kind},key=value")
        others.insert(0, f"{_SHORTHAND[kind]}={value}")
    for pair in others:
        key, _, given = pair.partition("=")
        values[key] = _value(key, given)
    return Fault(on=on, kind=kind, **values)


def _value(key: str, given: str) -> Any:
    if key != "times" and key not in _CONVERT:
        raise ValueError(f"a fault has the keys times, {', '.join(_CONVERT)}, not {key!r}")
    if key == "times" and given == "always":
        return None
    try:
        return int(given) if key == "times" else _CONVERT[key](given)
    except ValueError:
        raise ValueError(f"a fault's {key} is a number, not {given!r}") from None


def fault_from_mapping(values: dict[str, Any]) -> Fault:
    """Builds a fault from a JSON object. Raises ValueError for keys that a fault does not have."""
    unknown = set(values) - {field.name for field in fields(Fault)}
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    try:
        return Fault(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error


class FaultBook:
    """Holds the active faults and counts their calls. Safe to share between threads."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - decides which test request fails, not a secret
        self._orders: list[list[Any]] = []  # [fault, calls that still pass, calls that still fail]

    def add(self, fault: Fault) -> None:
        """Activates a fault, after those that are active already."""
        with self._lock:
            self._orders.append([fault, fault.after, fault.times])

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._orders.clear()

    def active(self) -> list[dict[str, Any]]:
        """Returns the active faults, with the number of calls that each still makes fail."""
        with self._lock:
            return [{**asdict(fault), "times": left} for fault, _, left in self._orders if left != 0]

    def pick(self, on: str, path: str) -> Fault | None:
        """Returns the fault for this call, if any, and counts the call for each fault that matches it."""
        with self._lock:
            for order in self._orders:
                fault, waiting, left = order
                if fault.on not in (on, "any") or fault.match not in path or left == 0:
                    continue
                if waiting:
                    order[1] -= 1
                    continue
                if fault.share < 1.0 and self._random.random() >= fault.share:
                    continue
                order[2] = None if left is None else left - 1
                found: Fault = fault
                return found
        return None
