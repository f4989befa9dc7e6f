"""Tests whether a folder tells names apart that differ in case or by a dot at the end.

If it does not, the files of two ids overwrite each other. Our names are ASCII, so no other folding can join them.
"""

from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed


def require_distinct_names(folder: Path, name: str) -> None:
    """Raise `MediaStoreFailed` if the file system takes two names in this folder for one.

    Creates an empty folder of this name for a moment. The name contains letters.
    """
    probe = folder / name
    probe.mkdir(mode=0o700, exist_ok=True)
    try:
        twins = [twin for twin in (name.swapcase(), f"{name}.") if (folder / twin).exists()]
    finally:
        with suppress(OSError):
            probe.rmdir()
    if twins:
        raise MediaStoreFailed(
            f"the file system of the media root does not tell apart '{name}' and '{twins[0]}', so two applications "
            "would share one file. Move the media root to a file system that does, such as ext4 or XFS."
        )
