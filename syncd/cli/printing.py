"""Text of others on a terminal."""


def printable(text: str) -> str:
    """Text that cannot steer a terminal: what is not printable, bidi marks too, is escaped as Python would."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
