"""Who runs this command, for the records of what people have decided."""

import os
import pwd


def account() -> str:
    """Return the operating system's name for the current user. Environment variables can be forged."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
