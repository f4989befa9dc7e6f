"""Addresses: PitchYou's origin, the database's URL, the status page's socket. No error here shows a password."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from syncd.settings.values import shown

_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_DATABASE_EXAMPLE = "write postgresql://USER@HOST/DATABASE"
_WEB = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")  # RFC 3986
_APPLY_URL_EXAMPLE = "write https://{client_id}.HOST, such as https://{client_id}.pitchyou.de"
_ASSET_EXAMPLE = 'write the https address of the file, or ""'
_BASE_URL_EXAMPLE = "write https://HOST, such as https://api.pitchyou.de"


def parse_base_url(value: object) -> str:
    """PitchYou's origin, with a path prefix if need be, without the trailing slash. https, or http on loopback."""
    parts = _split(value, _BASE_URL_EXAMPLE)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(f"is not a web address; {_BASE_URL_EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError(f"carries a user or password before the '@'; {_BASE_URL_EXAMPLE}")
    if parts.query or parts.fragment or "?" in str(value) or "#" in str(value):
        raise ValueError(f"carries a '?' or '#'; {_BASE_URL_EXAMPLE}")
    if not _WEB.fullmatch(str(value)):
        raise ValueError(f"has a character that no address may hold; {_BASE_URL_EXAMPLE}")
    if ".." in parts.path.split("/") or "//" in parts.path:
        raise ValueError(f"has a path with '..' or '//'; {_BASE_URL_EXAMPLE}")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            f"would send the secret unencrypted; {_BASE_URL_EXAMPLE} (http is for this machine only)"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def parse_apply_url(value: object) -> str:
    """Where apply links lead: an origin like `parse_base_url`'s, with `{client_id}` once in its host where the tenant goes."""
    parts = _split(value, _APPLY_URL_EXAMPLE)
    if str(value).count("{client_id}") != 1 or "{client_id}" not in parts.netloc:
        raise ValueError(f"does not have {{client_id}} once in its host; {_APPLY_URL_EXAMPLE}")
    parse_base_url(str(value).replace("{client_id}", "a"))
    return str(value).rstrip("/")


def parse_asset_url(value: object) -> str | None:
    """The address of one file that pages load: https, or http on loopback. The empty text stands for None."""
    if value == "":
        return None
    parts = _split(value, _ASSET_EXAMPLE)
    if "@" in parts.netloc or parts.fragment or parts.path in ("", "/") or not _WEB.fullmatch(str(value)):
        raise ValueError(f"is not the address of a file; {_ASSET_EXAMPLE}")
    origin = parse_base_url(f"{parts.scheme}://{parts.netloc}")
    return f"{origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def parse_database_url(value: object) -> str:
    """A libpq URL, normalised to SQLAlchemy's `postgresql+psycopg://`, with the password it came with, if any."""
    parts = _split(value, _DATABASE_EXAMPLE)
    if parts.scheme not in _DATABASE_SCHEMES:
        raise ValueError(f"does not begin with postgresql://; {_DATABASE_EXAMPLE}")
    if "," in parts.netloc:
        raise ValueError(
            "names several hosts; write them in the query: postgresql://USER@/DATABASE?host=A:5432&host=B:5432"
        )
    if parts.fragment:
        raise ValueError("has a '#' in it; write %23 for a '#' in a password or name")
    if parts.netloc.count("@") > 1:
        raise ValueError("has two '@' in it; write %40 for an '@' in a password or name")
    if parts.path in ("", "/") or "/" in parts.path[1:]:
        raise ValueError(f"names no database; {_DATABASE_EXAMPLE}")
    if any("password" in name for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ValueError("carries a password behind the '?'; write database.password_file")
    return _join(parts._replace(scheme="postgresql+psycopg"))


def has_user(url: str) -> bool:
    """Whether the URL names a user."""
    return bool(urlsplit(url).username)


def has_password(url: str) -> bool:
    """Whether the URL carries a password."""
    return urlsplit(url).password is not None


def with_password(url: str, password: str) -> str:
    """The URL with this password, percent-encoded, in place of the one it has."""
    parts = urlsplit(url)
    user_info, _, host = parts.netloc.rpartition("@")
    user = user_info.partition(":")[0]
    return _join(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def without_password(url: str) -> str:
    """The URL as it may be shown: `***` for the password."""
    return with_password(url, "").replace(":@", ":***@", 1) if has_password(url) else url


def parse_bind(value: object) -> str:
    """`HOST:PORT`, `[IPV6]:PORT`, or the empty text for off."""
    if value == "":
        return ""
    expected = 'write HOST:PORT, such as "127.0.0.1:8080", or "" to turn the page off'
    host, _, port = value.rpartition(":") if isinstance(value, str) and value.isprintable() else ("", "", "")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or " " in bare or not port.isdecimal() or not port.isascii() or int(port[:6]) > 65535:
        raise ValueError(f"{shown(value)} is not an address to listen on; {expected}")
    if ":" in bare and bare == host:
        raise ValueError(f'{shown(value)} has an IPv6 address without brackets; write "[::1]:8080"')
    return str(value)


def is_loopback(host: str) -> bool:
    """Whether the host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _split(value: object, example: str) -> SplitResult:
    """Split a URL. Python's own errors quote the address, with its password, so they are replaced by our own."""
    if not isinstance(value, str):
        raise ValueError(f"is not a text; {example}")
    if not value.isprintable() or " " in value or not value.isascii():
        raise ValueError(f"has a blank or a character outside ASCII; percent-encode it, or {example}")
    try:
        parts = urlsplit(value)
        if "," not in parts.netloc:
            _ = parts.port
    except ValueError:
        raise ValueError(f"is not a valid address; {example}") from None
    return parts


def _join(parts: SplitResult) -> str:
    # urlunsplit drops the "//" of an empty host, which means a Unix socket here.
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"
