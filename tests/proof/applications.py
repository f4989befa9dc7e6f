"""Simulates events at PitchYou (applications arrive, change, become unreadable or are erased) and models them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from syncd.sandbox import SandboxConfig
from syncd.sandbox.config import Tenant
from syncd.sandbox.content.profiles import attachments
from syncd.sandbox.faults import Fault
from tests.proof.world import installation
from tests.system.processes import MANY, Site

T = TypeVar("T")
CLIENTS = ("acme", "globex", "initech")  # their applications have the same ids
UNREADABLE = (
    b'{"profileId": "bad-%d", "steps": NaN}',
    b'{"profileId": "bad-%d", "steps": 7}',
    b'{"firstName": "no id %d"}',
    b'["no object", %d]',
)


@dataclass
class Model:
    """Everything that PitchYou has ever held for one client."""

    versions: dict[str, list[str | None]] = field(
        default_factory=dict
    )  # of each application, by `utmContent`
    unreadable: set[bytes] = field(default_factory=set)


CLIENT = st.sampled_from(CLIENTS)
WHICH = st.integers(0, 99)
AT = st.integers(1, 12)
CHANGE = st.sampled_from(("answer", "another file", "fewer files", "as in the beginning"))


class AtPitchYou(RuleBasedStateMachine):
    """An installation with three clients, the events at PitchYou, and the model of their applications."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.model = {client: Model() for client in CLIENTS}
        self.stored: dict[str, dict[str, int]] = {
            client: {} for client in CLIENTS
        }  # version numbers, last seen
        self.first: dict[tuple[str, str], dict[str, Any]] = {}  # each application as it arrived
        self.erased: list[Fault] = []
        self.marks = 0

    @initialize(
        number=st.integers(1, 1000),
        after_confirm=st.sampled_from(("leave", "stay")),
        media_after_confirm=st.booleans(),
        id_type=st.sampled_from(("string", "integer", "guid", "reserved")),
    )
    def begin(self, number: int, **switches: Any) -> None:
        tenants = tuple(Tenant(client, f"secret of {client}", 3) for client in CLIENTS[1:])
        config = SandboxConfig(profiles=3, seed=number, client_id=CLIENTS[0], tenants=tenants, **switches)
        self.here: Site = self.stack.enter_context(installation(config))
        for client in CLIENTS:
            self.come(client, 0)

    @rule(client=CLIENT, count=st.integers(1, 3))
    def come(self, client: str, count: int) -> None:
        self.here.sandbox.add_profiles(count, client)
        for profile in self.here.sandbox.expected(client):
            name = str(profile["profileId"])
            self.first.setdefault((client, name), profile)
            self.model[client].versions.setdefault(name, [profile["utmContent"]])

    @rule(client=CLIENT, which=WHICH, how=CHANGE)
    def change(self, client: str, which: int, how: str) -> None:
        profile = _one_of(list(self.here.sandbox.expected(client)), which)
        if profile is None:
            return
        self.marks += 1
        profile_id, mark = profile["profileId"], f"version {self.marks}"
        fields = {"utmContent": mark}
        if how == "as in the beginning":
            fields = {**self.first[client, str(profile_id)], **fields}
        files = [media["mediaId"] for _, _, media in attachments(profile)]
        self.here.sandbox.change_profile(
            profile_id,
            client=client,
            answers={0: mark},
            add_media=int(how == "another file"),
            drop_media=files[which % 2 :] if how == "fewer files" else (),
            fields=fields,
        )
        self.model[client].versions[str(profile_id)].append(mark)

    @rule(client=CLIENT, kind=st.sampled_from(UNREADABLE))
    def one_is_unreadable(self, client: str, kind: bytes) -> None:
        self.marks += 1
        self.here.sandbox.put_raw_profile(kind % self.marks, client)
        self.model[client].unreadable.add(kind % self.marks)

    @rule(client=CLIENT, which=WHICH)
    def one_becomes_readable(self, client: str, which: int) -> None:
        model = self.model[client]
        if bad := _one_of(sorted(each for each in model.unreadable if b'"bad-' in each), which):
            name = bad.split(b'"')[3].decode()
            self.here.sandbox.put_raw_profile(
                b'{"profileId": "%s", "utmContent": "readable", "steps": []}' % name.encode(), client
            )
            model.unreadable.remove(bad)
            model.versions[name] = ["readable"]

    @rule(client=CLIENT, which=WHICH)
    def one_is_erased(self, client: str, which: int) -> None:
        """Erases an application whose newest version is stored; one that was erased before that could not be stored."""
        newest = {name: len(marks) - 1 for name, marks in self.model[client].versions.items()}
        stored = [
            profile["profileId"]
            for profile in self.here.sandbox.expected(client)
            if self.stored[client].get(str(profile["profileId"])) == newest[str(profile["profileId"])]
        ]
        if profile_id := _one_of(stored, which):
            self.here.sandbox.withdraw_profile(profile_id, client)
            # The other clients have applications with the same id; those lose the files that are not fetched yet.
            path = f"/{quote(str(profile_id), safe='')}/"
            self.erased.append(Fault("media", "status", status=404, match=path, times=MANY * MANY))
            self.here.sandbox.inject(self.erased[-1])

    def all_is_well_again(self) -> None:
        self.here.sandbox.clear_faults()
        for fault in self.erased:
            self.here.sandbox.inject(fault)


def _one_of(things: Sequence[T], which: int) -> T | None:
    return things[which % len(things)] if things else None
