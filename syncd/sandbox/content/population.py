"""Keeps one client's applications: their versions, and which of these were listed and confirmed."""

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from syncd.sandbox.config import SandboxConfig, Tenant
from syncd.sandbox.content import profiles as content
from syncd.sandbox.content.media_files import file_bytes
from syncd.sandbox.content.profiles import Profile

# The index of the first profile from an interview, above those of all generated profiles.
_INTERVIEWS = 2 * 10**8


@dataclass(slots=True, eq=False)
class Entry:
    """An element of the list.

    Version 0 is generated from the index, or comes from an interview, or is the raw bytes. `changes` holds later versions.
    """

    index: int
    profile_id: Any  # of any JSON type; None for raw bytes without a readable id
    raw: bytes | None = None
    interview: Profile | None = None
    changes: list[Profile] = field(default_factory=list)
    listed: int = 0  # bit n is set once an answer contained version n
    taken: int = -1  # the newest version that a complete answer contained
    confirmed: int = -1  # the newest version listed when a confirm came
    withdrawn: bool = False

    @property
    def version(self) -> int:
        """The number of the newest version."""
        return len(self.changes)


class Population:
    """The entries of one client. Safe to share between threads."""

    def __init__(self, config: SandboxConfig, tenant: Tenant, base_url: Callable[[], str]) -> None:
        self.config, self.tenant, self._base_url = config, tenant, base_url
        self._lock = threading.RLock()
        self._entries: list[Entry] = []
        self._by_text: dict[str, list[Entry]] = {}
        self._cursor = 0
        self._added_media = self._interviews = 0
        self._base = lru_cache(maxsize=256)(self._build)
        self.add(tenant.profiles)

    def _build(self, index: int) -> Profile:
        return content.build_profile(self.config, self.tenant.client_id, index, self._base_url())

    # what exists

    def add(self, count: int) -> None:
        """Adds `count` generated applications."""
        with self._lock:
            made = sum(entry.raw is None and entry.interview is None for entry in self._entries)
            for index in range(made, made + count):
                self._keep(Entry(index, content.profile_id(self.config, index)))

    def take_in(self, profile: Profile, *, with_cv: bool) -> Any:
        """Adds an application from an interview, with an id and, if asked for, a generated CV. Returns the id."""
        with self._lock:
            index = _INTERVIEWS + self._interviews
            self._interviews += 1
            profile = {"profileId": content.profile_id(self.config, index), **profile}
            if with_cv:
                content.attach_cv(self.config, profile, index, self._base_url())
            self._keep(Entry(index, profile["profileId"], interview=profile))
            return profile["profileId"]

    def add_raw(self, element: bytes) -> None:
        """Adds an element of arbitrary bytes to the list."""
        try:
            parsed = json.loads(element)
        except (ValueError, RecursionError):
            parsed = None
        with self._lock:
            self._keep(Entry(-1, parsed.get("profileId") if isinstance(parsed, dict) else None, raw=element))

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._by_text.setdefault(str(entry.profile_id), []).append(entry)

    def entries(self) -> list[Entry]:
        """Returns all entries, including raw ones, in the order of their arrival."""
        with self._lock:
            return list(self._entries)

    def find(self, profile_id: Any) -> list[Entry]:
        """Returns the entries with this id, by value and JSON type. The last one is current."""
        return [
            entry
            for entry in self.find_text(str(profile_id))
            if entry.profile_id == profile_id and type(entry.profile_id) is type(profile_id)
        ]

    def find_text(self, profile_id: str) -> list[Entry]:
        """Returns the entries whose id reads like this in an address."""
        with self._lock:
            return list(self._by_text.get(profile_id, ()))

    def at(self, entry: Entry, version: int) -> Profile | None:
        """Returns this version of the profile, or None if raw bytes are not a JSON object. Do not change the result."""
        if version:
            return entry.changes[version - 1]
        if entry.raw is None:
            return entry.interview or self._base(entry.index)
        try:
            parsed = json.loads(entry.raw)
        except (ValueError, RecursionError):
            return None
        return parsed if isinstance(parsed, dict) else None

    def expected(self) -> Iterator[Profile]:
        """Yields the newest version of each application, without raw elements."""
        for entry in self.entries():
            if entry.raw is None and not entry.withdrawn:
                yield self.newest(entry)

    def newest(self, entry: Entry) -> Profile:
        """Returns the newest version of an application, as a client reads it."""
        profile: Profile = json.loads(self.encode(entry, entry.version, "expected"))
        return profile

    # what changes

    def change(
        self,
        profile_id: Any,
        answers: Mapping[int, Any] | None,
        add_media: int,
        drop_media: Sequence[Any],
        fields: Mapping[str, Any] | None,
    ) -> Profile:
        """Makes a new version of an application. Raises KeyError if there is no application with this id."""
        with self._lock:
            entry = next((each for each in self.find(profile_id) if each.raw is None), None)
            if entry is None:
                raise KeyError(f"{self.tenant.client_id} has no profile {profile_id!r}")
            profile = copy.deepcopy(self.at(entry, entry.version) or {})
            if not (answers or add_media or drop_media or fields):
                answers = {0: f"Geänderte Antwort {entry.version + 1}"}
            for step, answer in (answers or {}).items():
                profile["steps"][step]["answer"] = answer
            profile.update(fields or {})
            for media in drop_media:
                _drop(profile, media)
            for _ in range(add_media):
                self._attach(entry, profile)
            entry.changes.append(profile)
            return copy.deepcopy(profile)

    def _attach(self, entry: Entry, profile: Profile) -> None:
        self._added_media += 1
        rng = content.seeded(self.config.seed, self.tenant.client_id, "added", self._added_media)
        media = content.media_id(self.config, 10**6 + self._added_media, 0)
        added = content.media_entry(self.config, entry.profile_id, media, self._base_url())
        name = {"mimeType": "application/pdf", "fileName": f"Nachgereicht {self._added_media}.pdf"}
        content.attach(self.config, profile, "step", {**name, **added}, rng)

    def withdraw(self, profile_id: Any) -> None:
        """Removes an application from the list, as if PitchYou had deleted it."""
        for entry in self.find(profile_id):
            entry.withdrawn = True

    # what is listed and confirmed

    def to_list(self) -> list[tuple[Entry, int]]:
        """Returns the entries of the next answer and the version of each, as the options of the reading demand."""
        with self._lock:
            there = [entry for entry in self._entries if not entry.withdrawn]
            if self.config.after_confirm == "leave":
                there = [entry for entry in there if entry.confirmed < entry.version]
            elif self.config.after_confirm == "once":
                there = [entry for entry in there if entry.taken < entry.version]
            cap = self.config.list_cap
            if cap is not None and len(there) > cap:
                there = self._capped(there, cap)
            return [(entry, entry.version) for entry in there]

    def _capped(self, there: list[Entry], cap: int) -> list[Entry]:
        unconfirmed = [entry for entry in there if entry.confirmed < entry.version]
        rest = [entry for entry in there if entry.confirmed >= entry.version]
        room = max(0, cap - len(unconfirmed))
        start = self._cursor % len(rest) if rest else 0
        self._cursor = start + room
        return (unconfirmed + rest[start:] + rest[:start])[:cap]

    def mark_listed(self, entry: Entry, version: int) -> None:
        """Notes that an answer contains this version, whether or not the answer arrives."""
        # Two concurrent answers must not undo each other's bits.
        with self._lock:
            entry.listed |= 1 << version

    def mark_taken(self, answer: list[tuple[Entry, int]]) -> None:
        """Notes that an answer with these versions was sent completely."""
        with self._lock:
            for entry, version in answer:
                entry.taken = max(entry.taken, version)

    def confirm(self, profile_id: Any) -> None:
        """Notes that the client has confirmed all versions listed so far under this id."""
        with self._lock:
            for entry in self.find(profile_id):
                entry.confirmed = max(entry.confirmed, entry.listed.bit_length() - 1)

    def encode(self, entry: Entry, version: int, signature: str) -> bytes:
        """Returns the bytes of one element of the list."""
        if entry.raw is not None and not version:
            return entry.raw
        text = json.dumps(self.at(entry, version), ensure_ascii=False, separators=(",", ":"))
        return text.replace(content.SIGNATURE_MARK, signature).encode("utf-8", "surrogatepass")

    # files

    def media(self, profile_id: str, media_id: str) -> bytes | None:
        """Returns the bytes of a file that any version of any entry with this id names, or None."""
        for entry in self.find_text(profile_id):
            for version in range(entry.version, -1, -1):
                profile = self.at(entry, version)
                for _, _, named in content.attachments(profile or {}):
                    if str(named["mediaId"]) == media_id:
                        # Later changes to the profile do not change its files.
                        origin = self.at(entry, 0) or {}
                        key = f"{self.config.seed}/{self.tenant.client_id}/{profile_id}/{media_id}"
                        return file_bytes(origin, named, key, self.config.media_size)
        return None


def _drop(profile: Profile, media_id: Any) -> None:
    for key in ("cv", "profileImage"):
        held = profile.get(key)
        if isinstance(held, list):
            profile[key] = [entry for entry in held if entry["mediaId"] != media_id]
        elif held and held["mediaId"] == media_id:
            profile[key] = None
    for step in profile["steps"]:
        if "attachments" in step:
            step["attachments"] = [entry for entry in step["attachments"] if entry["mediaId"] != media_id]
