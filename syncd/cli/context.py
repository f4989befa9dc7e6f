"""The options that every command shares, and the settings they lead to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class Globals:
    """The options given before the name of a command."""

    config: Path | None

    def daemon_settings(self) -> Settings:
        """Load the settings and configure logging for the daemon, also again while it runs.

        Raises ConfigurationError with every mistake; nothing has changed then.
        """
        return self.settings(daemon=True)

    def settings(
        self, *, need_clients: bool = True, need_media: bool = True, daemon: bool = False
    ) -> Settings:
        """Load the settings and configure logging.

        The daemon logs as configured. Other commands print their results themselves and log only warnings,
        in a readable format on a terminal.
        """
        # Imported here because `syncd --help` needs neither.
        from syncd.logs import configure_logging, get_logger
        from syncd.settings import load_settings

        settings = load_settings(self.config, need_clients=need_clients, need_media=need_media)
        if daemon:
            configure_logging(settings.log.format, settings.log.level)
        else:
            level = settings.log.level if settings.log.level in ("debug", "error") else "warning"
            configure_logging("console" if sys.stderr.isatty() else settings.log.format, level)
        log = get_logger(__name__)
        for warning in settings.warnings:
            log.warning("configuration_warning", warning=warning)
        return settings


pass_globals = click.make_pass_decorator(Globals)
client_option = click.option("--client", "client_id", metavar="ID", help="Only this client. Default: all.")
one_client_option = click.option(
    "--client", "client_id", metavar="ID", help="The client. Required if more than one is configured."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
