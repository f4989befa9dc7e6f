"""The address on which the web server listens, as `web.bind` writes it. Imports little: `syncd health` must be quick."""

from syncd.shown import quoted

_EXPECTED = 'write HOST:PORT, such as "127.0.0.1:8080", or "" to turn the web server off'


def parse_bind(value: object) -> str:
    """Parse `HOST:PORT` or `[IPV6]:PORT`. The empty text means off."""
    if value == "":
        return ""
    host, _, port = value.rpartition(":") if isinstance(value, str) and value.isprintable() else ("", "", "")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or " " in bare or not port.isdecimal() or not port.isascii() or int(port[:6]) > 65535:
        raise ValueError(f"{quoted(value)} is not a valid address to listen on; {_EXPECTED}")
    if ":" in bare and bare == host:
        raise ValueError(f'{quoted(value)} contains an IPv6 address without brackets; write "[::1]:8080"')
    return str(value)


def host_and_port(bind: str) -> tuple[str, int]:
    """Split a parsed address. The host has no brackets. Port 0 means any free port."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def reachable(bind: str) -> tuple[str, int]:
    """Return where a process on this machine reaches what listens there: on loopback, if it listens on all addresses."""
    host, port = host_and_port(bind)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - not listened on
