"""Sets up the installation of one point with its daemons, and the model: the number of changes of each application."""

from __future__ import annotations

import random

from tests.proof import replicas_witness as witness
from tests.proof.replicas_fleet import Fleet, Replica
from tests.system.processes import Site, eventually

_PATIENCE = 40.0  # seconds; a lease whose holder is frozen in a transaction takes ten


class Scene:
    """What the acts work with. The model is `changes`: the number of changes by (client, profileId)."""

    def __init__(self, here: Site, daemons: Fleet, rng: random.Random) -> None:
        self.here, self.daemons, self.rng = here, daemons, rng
        self.changes: dict[tuple[str, str], int] = {}
        self.ambushes = self.sprung = 0
        for client in daemons.clients:
            self._take_note(client)

    def meets(self, victim: Replica, seconds: float) -> bool:
        """Says whether the victim runs into its ambush within this number of seconds, and counts it."""
        self.ambushes += 1
        met = victim.springs(seconds)
        self.sprung += met
        return met

    def _take_note(self, client: str) -> None:
        for profile in self.here.sandbox.expected(client):
            self.changes.setdefault((client, profile["profileId"]), 0)

    def news(self, client: str) -> str:
        """Adds applications, and changes one. Returns the changed one."""
        profile = self.rng.choice([profile for of, profile in self.changes if of == client])
        self.applications(client)
        self.change(client, profile, add=self.rng.randint(0, 3), drop=self.rng.random() < 0.3)
        return profile

    def applications(self, client: str) -> None:
        """Adds one or two applications."""
        self.here.sandbox.add_profiles(self.rng.randint(1, 2), client)
        self._take_note(client)
        self._perhaps_hurry()

    def change(self, client: str, profile: str, *, add: int = 0, drop: bool = False) -> None:
        """Makes a new version of an application, whose last version must be stored, since syncd may skip versions.

        Args:
            add: the number of files to add.
            drop: whether to remove all of its files.
        """
        files = self.here.rows(
            "SELECT media_id FROM ats.media WHERE client_id = %s AND profile_id = %s", client, profile
        )
        self.here.sandbox.change_profile(
            profile,
            client=client,
            answers={0: str(self.rng.random())},
            add_media=add,
            drop_media=[media for (media,) in files] if drop else (),
        )
        self.changes[client, profile] += 1
        self._perhaps_hurry()

    def _perhaps_hurry(self) -> None:
        if self.rng.random() < 0.9:
            self.daemons.hurry()

    def converge(self) -> None:
        """Waits until the newest version of everything is stored and confirmed, and lets the oracle audit it."""
        wanted = {key: (1 + changes, 1 + changes) for key, changes in self.changes.items()}
        try:
            eventually(lambda: self._revisions() == wanted, "all is stored and confirmed", _PATIENCE)
        except AssertionError as late:
            found = self._revisions()
            differ = {
                key: (found.get(key), value) for key, value in wanted.items() if found.get(key) != value
            }
            raise AssertionError(f"{late}; (revision, confirmed) as found and as wanted: {differ}") from None
        assert not self.here.sandbox.findings, self.here.sandbox.findings
        # A file that no version names any more vanishes shortly after its row.
        try:
            eventually(lambda: not self.here.sandbox.audit().findings, "the oracle finds nothing", 5)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.here.sandbox.audit().findings}") from None
        witness.require_no_stale_write(self.here)

    def _revisions(self) -> dict[tuple[str, str], tuple[int, int]]:
        rows = self.here.rows(
            "SELECT client_id, profile_id, revision, confirmed_revision FROM ats.application"
        )
        return {(client, profile): (revision, confirmed) for client, profile, revision, confirmed in rows}
