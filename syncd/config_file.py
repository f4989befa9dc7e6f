"""Where the configuration file lies. Imports little: `syncd health` must be quick."""

import os
from collections.abc import Mapping
from pathlib import Path

SEARCHED = (Path("syncd.toml"), Path("/etc/syncd/syncd.toml"))


def find_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    """Find the file to read, and tell whether the operator or syncd names it, not just the current folder.

    Returns a file that the operator named even if it is missing, so that this is reported.
    """
    if path is not None:
        return path, True
    if named := environ.get("SYNCD_CONFIG"):
        return Path(named), True
    found = next((file for file in SEARCHED if os.path.lexists(file)), None)
    return found, found is None or found.is_absolute()
