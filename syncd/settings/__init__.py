"""Settings: a TOML file, overlaid by `SYNCD_*` variables, with secrets from files; all mistakes reported at once.

Only `cli` and `demo` load settings. Everything below them gets plain arguments.
"""

from syncd.settings.loading import load_settings
from syncd.settings.schedule import Cron, Every, parse_schedule
from syncd.settings.sections import (
    ClientSettings,
    DatabaseSettings,
    FieldMap,
    LogSettings,
    MediaSettings,
    Secret,
    Settings,
    SyncSettings,
    WebSettings,
)

__all__ = [
    "ClientSettings",
    "Cron",
    "DatabaseSettings",
    "Every",
    "FieldMap",
    "LogSettings",
    "MediaSettings",
    "Secret",
    "Settings",
    "SyncSettings",
    "WebSettings",
    "load_settings",
    "parse_schedule",
]
