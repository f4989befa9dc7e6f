"""Says how to connect to a sample store."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleStore:
    """A filled store. `reader_url` logs in as a member of `syncd_reader`, `database_url` as the superuser."""

    applications: int
    seconds: float
    reader_url: str
    database_url: str
    psql: str
    stop: str
    folder: str


def sample_text(store: SampleStore, *, keep: bool) -> str:
    """Say how to connect, and how to end it."""
    lines = [
        f"{store.applications:,} invented applications of two years, in {store.seconds:.0f} s. No file is on disk.",
        "",
        f"  read      {store.reader_url}",
        f"  connect   {shlex.join([store.psql, store.reader_url])}",
        f"  superuser {store.database_url}",
        "",
        "docs/reports.md has questions to ask, and says how to connect BI tools.",
    ]
    if keep:
        lines += ["The database keeps running:", f"  stop      {store.stop}"]
        lines += [f"  remove    {shlex.join(['rm', '-r', store.folder])}"]
    else:
        lines += ["Press Ctrl-C to stop the database and remove everything."]
    return "\n".join(lines)
