"""Parses addresses: PitchYou's origin, the database's URL, proxies, heartbeats. No error shows a password."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, quote, urlsplit

from syncd.settings.libpq import check_parameters

_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_DATABASE_EXAMPLE = "write postgresql://USER@HOST/DATABASE"
# RFC 3986
_WEB = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_APPLY_URL_EXAMPLE = "write https://{client_id}.HOST, such as https://{client_id}.pitchyou.de"
_ASSET_EXAMPLE = 'write the https URL of the file, or ""'
_PROXY_EXAMPLE = "write http://HOST:PORT, such as http://proxy.example:3128"
_BASE_URL_EXAMPLE = "write https://HOST, such as https://api.pitchyou.de"
_HEARTBEAT_EXAMPLE = 'write https://HOST/PATH, or ""'


def parse_base_url(value: object) -> str:
    """Parse the address of PitchYou's API: an origin, and a path if needed. Accepts https, and http on loopback.

    The result has no trailing slash.
    """
    parts = _split(value, _BASE_URL_EXAMPLE)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(f"is not a valid URL; {_BASE_URL_EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError(f"contains a user or password before the '@'; {_BASE_URL_EXAMPLE}")
    if parts.query or parts.fragment or "?" in str(value) or "#" in str(value):
        raise ValueError(f"contains a '?' or '#'; {_BASE_URL_EXAMPLE}")
    if not _WEB.fullmatch(str(value)):
        raise ValueError(f"contains a character that is not allowed in a URL; {_BASE_URL_EXAMPLE}")
    if ".." in parts.path.split("/") or "//" in parts.path:
        raise ValueError(f"contains '..' or '//' in its path; {_BASE_URL_EXAMPLE}")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            f"would send the secret unencrypted; {_BASE_URL_EXAMPLE} (http is allowed for this machine only)"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def parse_proxy(value: object) -> str | None:
    """Parse the address of an HTTP proxy: a scheme, a host and a port. The empty text means that there is none."""
    if value == "":
        return None
    parts = _split(value, _PROXY_EXAMPLE)
    if parts.scheme not in ("https", "http") or not parts.hostname or not _WEB.fullmatch(str(value)):
        raise ValueError(f"is not the URL of a proxy; {_PROXY_EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError(
            f"contains a user or password before the '@'; {_PROXY_EXAMPLE} and put USER:PASSWORD into "
            "the file that proxy_credentials_file names"
        )
    if parts.port is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"is not a scheme, a host and a port; {_PROXY_EXAMPLE}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_apply_url(value: object) -> str:
    """Parse the origin of apply links. Its host contains `{client_id}` once, where the tenant's name goes."""
    parts = _split(value, _APPLY_URL_EXAMPLE)
    if str(value).count("{client_id}") != 1 or "{client_id}" not in parts.netloc:
        raise ValueError(f"does not contain {{client_id}} exactly once, in its host; {_APPLY_URL_EXAMPLE}")
    parse_base_url(str(value).replace("{client_id}", "a"))
    return str(value).rstrip("/")


def parse_asset_url(value: object) -> str | None:
    """Parse the URL of one file that a page loads: https, or http on loopback. The empty text means None."""
    if value == "":
        return None
    parts = _split(value, _ASSET_EXAMPLE)
    if "@" in parts.netloc or parts.fragment or parts.path in ("", "/") or not _WEB.fullmatch(str(value)):
        raise ValueError(f"is not the URL of a file; {_ASSET_EXAMPLE}")
    origin = parse_base_url(f"{parts.scheme}://{parts.netloc}")
    return f"{origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def parse_heartbeat_url(value: object) -> str:
    """Parse a URL that is requested after a good cycle: https, or http on loopback. Its errors never show it.

    `{client_id}` in its path or query stands for the client.
    """
    whole = value.replace("{client_id}", "a") if isinstance(value, str) else value
    parts = _split(whole, _HEARTBEAT_EXAMPLE)
    if "{client_id}" in urlsplit(str(value)).netloc or "@" in parts.netloc or not _WEB.fullmatch(str(whole)):
        raise ValueError(f"is not a URL that can be requested; {_HEARTBEAT_EXAMPLE}")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.fragment:
        raise ValueError(f"is not a URL that can be requested; {_HEARTBEAT_EXAMPLE}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"would be sent unencrypted; {_HEARTBEAT_EXAMPLE} (http is allowed for this machine only)"
        )
    return str(value)


def parse_database_url(value: object) -> str:
    """Parse a libpq URL and convert it to SQLAlchemy's `postgresql+psycopg://`. Keeps its password."""
    parts = _split(value, _DATABASE_EXAMPLE)
    if parts.scheme not in _DATABASE_SCHEMES:
        raise ValueError(f"does not begin with postgresql://; {_DATABASE_EXAMPLE}")
    if "," in parts.netloc:
        raise ValueError(
            "names several hosts; write them in the query: postgresql://USER@/DATABASE?host=A:5432&host=B:5432"
        )
    if parts.fragment:
        raise ValueError("contains a '#'; write %23 for a '#' in a password or name")
    if parts.netloc.count("@") > 1:
        raise ValueError("contains two '@'; write %40 for an '@' in a password or name")
    if parts.path in ("", "/") or "/" in parts.path[1:]:
        raise ValueError(f"does not name a database; {_DATABASE_EXAMPLE}")
    check_parameters(parts)
    return _join(parts._replace(scheme="postgresql+psycopg"))


def has_user(url: str) -> bool:
    """Whether the URL names a user."""
    return bool(urlsplit(url).username)


def has_password(url: str) -> bool:
    """Whether the URL carries a password."""
    return urlsplit(url).password is not None


def with_password(url: str, password: str) -> str:
    """Put this password into the URL, percent-encoded. Replaces a password that is there."""
    parts = urlsplit(url)
    user_info, _, host = parts.netloc.rpartition("@")
    user = user_info.partition(":")[0]
    return _join(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def without_password(url: str) -> str:
    """Replace the password by `***`, so that the URL can be shown."""
    return with_password(url, "").replace(":@", ":***@", 1) if has_password(url) else url


def is_loopback(host: str) -> bool:
    """Whether the host is certainly this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _split(value: object, example: str) -> SplitResult:
    """Split a URL. Replaces Python's own errors, which quote the URL with its password."""
    if not isinstance(value, str):
        raise ValueError(f"is not a text; {example}")
    if not value.isprintable() or " " in value or not value.isascii():
        raise ValueError(f"contains a blank or a character outside ASCII; percent-encode it, or {example}")
    try:
        parts = urlsplit(value)
        if "," not in parts.netloc:
            _ = parts.port
    except ValueError:
        raise ValueError(f"is not a valid URL; {example}") from None
    return parts


def _join(parts: SplitResult) -> str:
    # urlunsplit drops the "//" of an empty host, which means a Unix socket here.
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"
