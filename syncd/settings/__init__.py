"""Settings: a TOML file, overlaid by `SYNCD_*` variables, with secrets from files. All mistakes are reported at once.

Only `cli` loads settings, and `demo` takes some defaults from them. All layers below get plain arguments.
"""

from syncd.settings.loading import load_settings
from syncd.settings.longest_gap import longest_gap
from syncd.settings.schedule import Cron, Every, parse_schedule
from syncd.settings.sections import (
    ClientSettings,
    DatabaseSettings,
    LogSettings,
    MediaSettings,
    Secret,
    Settings,
    StatusSettings,
    SyncSettings,
    WebSettings,
)

__all__ = [
    "ClientSettings",
    "Cron",
    "DatabaseSettings",
    "Every",
    "LogSettings",
    "MediaSettings",
    "Secret",
    "Settings",
    "StatusSettings",
    "SyncSettings",
    "WebSettings",
    "load_settings",
    "longest_gap",
    "parse_schedule",
]
