"""The settings as the rest of syncd uses them: frozen and checked. Each key's default and check stand here only.

To add a key, add a field here and a row in docs/configuration.md and config/syncd.example.toml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.bind import parse_bind
from syncd.errors import ConfigurationError
from syncd.model import CLIENT_ID, CLIENT_ID_RULE, FieldMap
from syncd.settings.addresses import (
    parse_apply_url,
    parse_asset_url,
    parse_base_url,
    parse_database_url,
    parse_heartbeat_url,
    parse_proxy,
    without_password,
)
from syncd.settings.fields import SECRET, checked, key, table
from syncd.settings.schedule import Cron, Every, parse_schedule
from syncd.settings.values import Kind, choice, duration, parse_timezone, path, rate, size, text, whole_number

_AGE = duration("1s", "365d", word="never")
_ASSET = Kind("URL or empty", parse_asset_url)
_BY_SCHEDULE = duration("1s", "365d", word="schedule")
_CLIENT_ID = text("DNS label", CLIENT_ID, f"the client_id from PitchYou: it has {CLIENT_ID_RULE}")
_CONFIRM_WRAPPER = 'the key that wraps the array of ids, such as "profileIds", or ""'
_COUNT = whole_number(1, 1_000_000, unlimited="never")
_DAYS = whole_number(1, 36_500, unlimited="never")
_PROXY = Kind("URL or empty", parse_proxy)
_LANGUAGE = text("language", r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", 'a language tag, such as "de" or "en"')
_REGION = text("country code", r"[A-Z]{2}", 'a country code of two capital letters, such as "DE" or "AT"')
_NO_ERASURE = "syncd erases nothing"
_NO_PAGE = "syncd has no status page"
_PLACES = {
    each.name: text(
        "dotted path",
        r"[^.\s]+(?:\.[^.\s]+)*",
        f'the place in the payload as a dotted path, such as "{each.default}"',
    )
    for each in fields(FieldMap)
}


class Secret:
    """A text that prints as `***`. It prevents accidents, not attacks."""

    __slots__ = ("_read_again", "_text")

    def __init__(self, text: str | None, read_again: Callable[[], str] | None = None) -> None:
        """Keep the secret. None means that it was not read, because the command does not need clients.

        Args:
            read_again: reads the file that the secret came from; None if it did not come from a file.
        """
        self._text, self._read_again = text, read_again

    def reveal(self) -> str:
        """Return the secret itself. Raises ConfigurationError if it was not read."""
        if self._text is None:
            raise ConfigurationError(["client_secret was not read: this command was started without clients"])
        return self._text

    def again(self) -> str | None:
        """Return what the secret's file contains now. None if there is no file, or if it does not count any more."""
        try:
            return self._read_again() if self._read_again else None
        except ValueError:
            return None

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _parse_hidden_url(value: object) -> Secret | None:
    # Who knows the URL can send heartbeats in our name.
    return None if value == "" else Secret(parse_heartbeat_url(value))


_HEARTBEAT = Kind("URL or empty", _parse_hidden_url)


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseSettings:
    """Where Postgres is. `url` includes the password, for SQLAlchemy and psycopg; print only `shown_url`.

    `password` is the password that was configured apart from the URL. `tls` says whether a server beyond this host must
    prove who it is; `url` already contains what libpq needs for that.
    """

    url: str = field(metadata=checked(Kind("URL", parse_database_url)))
    password: Secret | None = key(None, SECRET)
    tls: str = key("verified", choice("verified", "unverified"))

    @property
    def shown_url(self) -> str:
        """The URL with `***` for the password."""
        return without_password(self.url)

    def __repr__(self) -> str:
        return f"DatabaseSettings(url={self.shown_url!r})"


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Where files go, the largest file to accept (bytes), and the number of simultaneous downloads."""

    root: Path = key(Path("/var/lib/syncd/media"), path("a folder, such as /var/lib/syncd/media"))
    max_bytes: int = key(200_000_000, size("1KB", "100GB"))
    concurrency: int = key(16, whole_number(1, 64))


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a cycle works. Times are in seconds, sizes in bytes."""

    batch_size: int = key(500, whole_number(1, 10_000))
    cycle_deadline: float = key(1800.0, duration("1s", "7d"))
    max_response_bytes: int = key(2_000_000_000, size("1KB", "100GB"))
    media_gone_after: float = key(86400.0, duration("0s", "365d"))
    media_retry: float = key(30.0, duration("10ms", "1h"))
    lease_ttl: float = key(60.0, duration("1s", "1h"))
    max_polls_per_cycle: int = key(20, whole_number(1, 1000))
    confirm_batch: int = key(100, whole_number(1, 10_000))
    history_days: int = key(90, whole_number(1, 36_500))
    proxy: str | None = key(None, _PROXY)
    proxy_credentials: Secret | None = key(None, SECRET)
    heartbeat_url: Secret | None = key(None, _HEARTBEAT)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How syncd writes its log, and the lowest level that it writes."""

    format: str = key("json", choice("json", "console"))
    level: str = key("info", choice("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """When `syncd status --check` warns, and when it calls a state critical. Times are in seconds.

    None means "schedule" for the age of the last good cycle, and "never" for all others.
    """

    good_warning: float | None = key(None, _BY_SCHEDULE)
    good_critical: float | None = key(None, _BY_SCHEDULE)
    unconfirmed_warning: float | None = key(6 * 3600.0, _AGE)
    unconfirmed_critical: float | None = key(2 * 86400.0, _AGE)
    media_warning: float | None = key(12 * 3600.0, _AGE)
    media_critical: float | None = key(None, _AGE)
    quarantine_warning: int | None = key(1, _COUNT)
    quarantine_critical: int | None = key(None, _COUNT)
    failures_warning: int | None = key(3, _COUNT)
    failures_critical: int | None = key(None, _COUNT)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the web server listens (`""`: nowhere), and the file with the token that will open the status page.

    `token` is what the file contains; None if there is no file, or if it was not read.
    """

    bind: str = key("127.0.0.1:8080", Kind("HOST:PORT or empty", parse_bind))
    token_file: Path | None = key(
        None,
        path('the name of a file that contains only the token, or ""', may_be_empty=True, secret=True),
        reserved=_NO_PAGE,
    )
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One PitchYou tenant. `retention_days` None means for ever; a rate of None means unlimited."""

    client_id: str = field(metadata=checked(_CLIENT_ID))
    client_secret: Secret = field(metadata=checked(SECRET))
    base_url: str = key("https://api.pitchyou.de", Kind("URL", parse_base_url))
    apply_url: str = key("https://{client_id}.pitchyou.de", Kind("URL", parse_apply_url))
    chat_url: str = key("https://chat.pitchyou.de", Kind("URL", parse_base_url))
    chat_widget_css: str | None = key(None, _ASSET)
    chat_widget_js: str | None = key(None, _ASSET)
    schedule: Every | Cron = key(Every(60.0), Kind("schedule", parse_schedule))
    schedule_timezone: ZoneInfo = key(ZoneInfo("UTC"), Kind("time zone", parse_timezone))
    timezone: ZoneInfo = key(ZoneInfo("Europe/Berlin"), Kind("time zone", parse_timezone))
    retention_days: int | None = key(183, _DAYS, reserved=_NO_ERASURE)
    raw_retention_days: int | None = key(None, _DAYS, reserved=_NO_ERASURE)
    label: str | None = key(
        None, text("text", r".{1,200}", "a short name for people, at most 200 characters", may_be_empty=True)
    )
    token_auth: str = key("post", choice("post", "basic", "basic_raw"))
    token_format: str = key("form", choice("form", "json"))
    confirm_wrapper: str | None = key(None, text("text", r"\S{1,100}", _CONFIRM_WRAPPER, may_be_empty=True))
    chat_format: str = key("json", choice("json", "form"))
    max_requests_per_second: float | None = key(None, rate(10_000, unlimited="unlimited"))
    ca_file: Path | None = key(
        None, path('the name of a file with CA certificates in PEM, or ""', may_be_empty=True)
    )
    proxy: str | None = key(None, _PROXY)
    proxy_credentials: Secret | None = key(None, SECRET)
    heartbeat_url: Secret | None = key(None, _HEARTBEAT)
    preferred_language: str = key("de", _LANGUAGE)
    phone_region: str = key("DE", _REGION)
    fields: FieldMap = table(FieldMap(), _PLACES)


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, and the file it came from.

    `warnings` are sentences about files that other users can read or change, which every command logs. `unused`
    are sentences about keys that were set but do nothing yet, `advice` about what a systemd unit needs. Without
    `strict_modes`, a media root counts even if other users can change it.
    """

    database: DatabaseSettings
    media: MediaSettings = MediaSettings()
    sync: SyncSettings = SyncSettings()
    log: LogSettings = LogSettings()
    status: StatusSettings = StatusSettings()
    web: WebSettings = WebSettings()
    clients: tuple[ClientSettings, ...] = ()
    source: Path | None = None
    strict_modes: bool = True
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
