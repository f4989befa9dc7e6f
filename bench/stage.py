"""One stage of syncd as a process of its own: what peers that know only tables, or only files, are compared with.

Everything in it is the product's own code.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from syncd.cli.wiring import plan_of
from syncd.deadline import Deadline
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.settings import ClientSettings, DatabaseSettings, Secret, Settings
from syncd.store.database import Database
from syncd.sync.fetch import fetch_rounds
from syncd.sync.land import land_listed
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.recover import take_over
from syncd.sync.work import Work

ROOM = 8 * 10**9  # bytes; a million profiles are more than the default of sync.max_response_bytes


def main() -> None:
    """Run the stage, and print what came of it, with the seconds that it took without the start of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("land", "fetch"))
    parser.add_argument("--source", required=True)
    parser.add_argument("--database", required=True, help="an SQLAlchemy URL")
    parser.add_argument("--media", type=Path, required=True)
    chosen = parser.parse_args()
    with (
        PitchYou("bench", "secret", base_url=chosen.source, max_response_bytes=ROOM) as api,
        Database(chosen.database) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
    ):
        work = Work(
            plan=plan_of(Settings(DatabaseSettings(chosen.database)), ClientSettings("bench", Secret(None))),
            api=api,
            database=database,
            vault=Vault(chosen.media, max_bytes=200_000_000),
            lease=keeper.hold("bench"),
            deadline=Deadline(3600.0),
        )
        take_over(work)
        began, spent = time.perf_counter(), time.process_time()
        if chosen.stage == "land":
            land_listed(work)
        else:
            for _files in fetch_rounds(work):
                pass
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - spent}
    print(json.dumps(took | asdict(work.tally)))


if __name__ == "__main__":
    main()
