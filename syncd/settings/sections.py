"""The settings as the rest of syncd holds them: frozen, checked, with every default. Nothing here reads anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.errors import ConfigurationError
from syncd.settings.addresses import without_password
from syncd.settings.schedule import Cron, Every

FieldMap = Mapping[str, str]
"""Our name of a field → the dotted path at which the payload keeps it."""

DEFAULT_FIELDS: FieldMap = MappingProxyType(
    {
        "question": "question",
        "answer": "answer",
        "first_name": "firstName",
        "last_name": "lastName",
        "email": "email",
        "phone": "phone",
        "language": "language",
        "applied_at": "createdAt",
    }
)

_EVERY_MINUTE = Every(60.0)
_BERLIN = ZoneInfo("Europe/Berlin")


class Secret:
    """A text that shows itself as `***` wherever it is printed. It guards against accidents, not against attackers."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        """`None` is a secret that was not read, because the command at hand does without clients."""
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Raises ConfigurationError when it was not read."""
        if self._text is None:
            raise ConfigurationError(["client_secret was not read: this command was started without clients"])
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseSettings:
    """`url` is complete, with its password, for SQLAlchemy and psycopg; only `shown_url` may be printed."""

    url: str

    @property
    def shown_url(self) -> str:
        """The URL with `***` for the password."""
        return without_password(self.url)

    def __repr__(self) -> str:
        return f"DatabaseSettings(url={self.shown_url!r})"


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Where files go, the largest file taken (bytes), and how many are downloaded at once."""

    root: Path = Path("/var/lib/syncd/media")
    max_bytes: int = 200_000_000
    concurrency: int = 16


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a cycle works. Times in seconds, sizes in bytes."""

    batch_size: int = 500
    cycle_deadline: float = 1800.0
    max_response_bytes: int = 2_000_000_000
    media_gone_after: float = 86400.0
    media_retry: float = 30.0
    lease_ttl: float = 60.0
    max_polls_per_cycle: int = 20
    confirm_batch: int = 100


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`format` is json or console; `level` is debug, info, warning or error."""

    format: str = "json"
    level: str = "info"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the status page listens (`""`: nowhere), and the file with the token that opens it."""

    bind: str = "127.0.0.1:8080"
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One PitchYou tenant. Days are whole days, None means kept for ever; rates are per second, None is unlimited."""

    client_id: str
    client_secret: Secret
    base_url: str = "https://api.pitchyou.de"
    apply_url: str = "https://{client_id}.pitchyou.de"
    chat_url: str = "https://chat.pitchyou.de"
    chat_widget_css: str | None = None
    chat_widget_js: str | None = None
    schedule: Every | Cron = _EVERY_MINUTE
    timezone: ZoneInfo = _BERLIN
    retention_days: int | None = 183
    raw_retention_days: int | None = None
    label: str | None = None
    token_auth: str = "post"
    token_format: str = "form"
    confirm_wrapper: str | None = None
    chat_format: str = "json"
    max_requests_per_second: float | None = None
    ca_file: Path | None = None
    preferred_language: str = "de"
    fields: FieldMap = field(default_factory=lambda: DEFAULT_FIELDS, hash=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured, where it came from, and what the operator should know about it."""

    database: DatabaseSettings
    media: MediaSettings = MediaSettings()
    sync: SyncSettings = SyncSettings()
    log: LogSettings = LogSettings()
    web: WebSettings = WebSettings()
    clients: tuple[ClientSettings, ...] = ()
    source: Path | None = None
    warnings: tuple[str, ...] = ()
