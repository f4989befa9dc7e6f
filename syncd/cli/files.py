"""Writes the files that a command makes."""

from pathlib import Path

from syncd.errors import SyncdError


def write_all(files: dict[Path, bytes]) -> None:
    """Write the files.

    Raises:
        SyncdError: a file cannot be written; the message says which and why.
    """
    for path, content in files.items():
        try:
            path.write_bytes(content)
        except OSError as error:
            raise SyncdError(
                f"{path} cannot be written ({error.strerror}). Correct the path or its permissions."
            ) from None
