"""syncd's first stage alone, as a process of its own: the list is read and landed; no media, no confirm.

It is what the peers that know only tables are compared with. Everything in it is the product's own code.
"""

import argparse
from pathlib import Path

from syncd.deadline import Deadline
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.store.engine import Database
from syncd.sync.keeper import LeaseKeeper
from syncd.sync.land import land_listed
from syncd.sync.recover import take_over
from syncd.sync.work import Plan, Work

ROOM = 8 * 10**9  # bytes; a million profiles are more than the default of sync.max_response_bytes


def main() -> None:
    """Land what the source lists, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
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
            plan=Plan("bench"),
            api=api,
            database=database,
            vault=Vault(chosen.media, max_bytes=200_000_000),
            lease=keeper.hold("bench"),
            deadline=Deadline(3600.0),
        )
        take_over(work)
        land_listed(work)
    print(work.tally.new, work.tally.changed, work.tally.unchanged)


if __name__ == "__main__":
    main()
