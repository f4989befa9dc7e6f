"""syncd brings PitchYou's applications into Postgres and onto disk, and confirms only what is safe there."""

__version__ = "0.1.0"
