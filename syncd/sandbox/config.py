"""The configuration of the sandbox: how many profiles, which reading of the article, which clients."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Tenant:
    """An additional client of the same sandbox. All clients have the same profile ids, but different content."""

    client_id: str
    client_secret: str
    profiles: int = 50


@dataclass(frozen=True)
class SandboxConfig:
    """Every option of the sandbox; `docs/sandbox.md` explains each. Raises ValueError for an invalid value."""

    profiles: int = 200
    seed: int = 1
    client_id: str = "acme"
    client_secret: str = "sandbox-secret"
    tenants: tuple[Tenant, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0

    # token (contract A1)
    token_lifetime: int | None = 3600
    expires_in_string: bool = False
    token_auth: Literal["post", "basic"] = "post"
    token_format: Literal["form", "json"] = "form"

    # the list (S2.1)
    after_confirm: Literal["leave", "stay", "once"] = "leave"
    list_cap: int | None = None
    list_transfer: Literal["chunked", "length"] = "chunked"
    id_type: Literal["string", "integer", "guid", "reserved"] = "string"
    answer_kinds: Literal["rich", "text"] = "rich"
    media_fields: Literal["object", "array"] = "object"
    download_uri: Literal["documented", "absolute", "elsewhere"] = "documented"
    signed_uris: bool = False

    # media (S2.2)
    media_per_profile: float = 1.6
    media_size: int | None = None
    media_late: float = 0.0
    media_late_tries: int = 2
    media_gone: float = 0.0
    media_gone_status: Literal[404, 410] = 404
    media_after_confirm: bool = True

    # confirm (S2.3)
    confirm_wrapper: str | None = None
    confirm_strict: bool = False
    bad_confirm_ids: frozenset[str] = frozenset()
    confirm_bad_status: int = 422
    confirm_again_status: int | None = None

    # templates and chat (S1.1, S3.1)
    descriptions: Literal["string", "list", "map"] = "string"
    chat_format: Literal["json", "form"] = "json"
    chat_answer: Literal["json", "text"] = "json"

    # the audit of the client's store
    database_url: str | None = None
    media_root: Path | None = None
    reject_above: int | None = None

    log_requests: bool = False

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            allowed = get_args(hints[field.name])
            value = getattr(self, field.name)
            is_choice = get_origin(hints[field.name]) is Literal
            if is_choice and value not in allowed:
                raise ValueError(f"{field.name} must be one of {', '.join(map(str, allowed))}, not {value!r}")
        for share in ("media_late", "media_gone"):
            if not 0.0 <= getattr(self, share) <= 1.0:
                raise ValueError(f"{share} is a share of the files, from 0.0 to 1.0")
        self._check_numbers()
        if (self.database_url is None) != (self.media_root is None):
            raise ValueError("the audit needs both database_url and media_root")
        if len({tenant.client_id for tenant in self.all_tenants}) != len(self.all_tenants):
            raise ValueError("two tenants have the same client_id")

    def _check_numbers(self) -> None:
        ranges: dict[str, tuple[float, float]] = {
            "profiles": (0, 10**8),
            "port": (0, 65_535),
            "token_lifetime": (1, 10**9),
            "list_cap": (1, 10**8),
            "media_per_profile": (0, 100),
            "media_size": (0, 10**10),
            "media_late_tries": (0, 10**6),
            "confirm_bad_status": (400, 599),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} must be from {low:,} to {high:,}, not {value:,}")

    @property
    def all_tenants(self) -> tuple[Tenant, ...]:
        """The first client, then the additional ones."""
        return (Tenant(self.client_id, self.client_secret, self.profiles), *self.tenants)


def choices() -> Mapping[str, tuple[object, ...]]:
    """Returns the options that take one of a few values, with these values: for the command line and the documentation."""
    hints = get_type_hints(SandboxConfig)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
