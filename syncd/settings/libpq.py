"""What libpq makes of a database URL: the parameters that it knows, the hosts that it leads to, and how they prove who they are."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from syncd.settings.values import nearest

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS without what would make another kind of
# session (replication), and without passwords, which have keys of their own. A test compares it with libpq's own list.
PARAMETERS = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "passfile",
        "port",
        "require_auth",
        "requirepeer",
        "scram_client_key",
        "scram_server_key",
        "service",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "sslsni",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    ]
)
# SQLAlchemy joins the values of these. Of any other parameter, two values would contradict each other.
_MAY_REPEAT = frozenset({"host", "port"})


def check_parameters(parts: SplitResult) -> None:
    """Raise ValueError for a parameter after the '?' that libpq does not know, or that comes twice."""
    names = [name for name, _ in _parameters(parts)]
    for name in names:
        if "password" in name:
            raise ValueError("contains a password after the '?'; write database.password_file")
        if name not in PARAMETERS:
            near = nearest(name.lower(), sorted(PARAMETERS))
            hint = f"; did you mean '{near}'?" if near else "; remove it"
            raise ValueError(f"contains '{name}' after the '?', which is not a parameter of libpq{hint}")
        if names.count(name) > 1 and name not in _MAY_REPEAT:
            raise ValueError(f"contains '{name}' twice; keep one of them")


def verified(url: str, environ: Mapping[str, str]) -> str:
    """Return a URL whose server must prove who it is if it is beyond this host: by its certificate and by SCRAM.

    Without this, libpq sends the password to any server that answers at the address and says that it has no TLS.

    Raises ValueError if the URL asks for less.
    """
    parts = urlsplit(url)
    if not _leads_beyond_this_host(parts, environ):
        return url
    given = dict(_parameters(parts))
    mode = given.get("sslmode") or "verify-full"
    if mode != "verify-full":
        raise ValueError(
            f"has sslmode={mode}, with which the server need not prove who it is; write sslmode=verify-full, "
            'or database.tls = "unverified"'
        )
    added = "" if given.get("sslmode") else "&sslmode=verify-full"
    if not given.get("require_auth"):
        # A server that knows the client by its certificate asks for nothing else.
        added += f"&require_auth=scram-sha-256{',none' if given.get('sslcert') else ''}"
    return f"{url}{added}" if parts.query else f"{url}?{added.removeprefix('&')}"


def _leads_beyond_this_host(parts: SplitResult, environ: Mapping[str, str]) -> bool:
    given = dict(_parameters(parts))
    # A service is a set of parameters in a file that syncd does not read.
    if given.get("service") or environ.get("PGSERVICE"):
        return True
    addresses = given.get("hostaddr") or environ.get("PGHOSTADDR")
    if addresses:
        return not all(_is_this_host(each) for each in addresses.split(","))
    hosts = [value for name, value in _parameters(parts) if name == "host"]
    hosts += [parts.hostname] if parts.hostname else []
    names = ",".join(hosts) or environ.get("PGHOST", "")
    return not all(_is_this_host(each) for each in names.split(","))


def _is_this_host(host: str) -> bool:
    """Whether the host, or host and port, is a loopback address or a Unix socket: a path, an abstract name or nothing."""
    names = (host, re.sub(r":[0-9]*$", "", host))
    return any(
        name in ("", "localhost") or name[0] in "/@" or _is_loopback(name.strip("[]")) for name in names
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _parameters(parts: SplitResult) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(parts.query, keep_blank_values=True)
