"""What every command gets from the options before its name."""

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
    """The options that stand before a command."""

    config: Path | None

    def settings(
        self, *, need_clients: bool = True, need_media: bool = True, daemon: bool = False
    ) -> Settings:
        """Load the settings and set up logging by them.

        The daemon logs as configured. Other commands print their result themselves, so that their log is for
        warnings only, readable on a terminal.
        """
        from syncd.logs import configure_logging, get_logger  # here, since `syncd --help` does without both
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
client_option = click.option("--client", "client_id", metavar="ID", help="This client only.")
one_client_option = click.option(
    "--client", "client_id", metavar="ID", help="Which client; may be left out where there is only one."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
