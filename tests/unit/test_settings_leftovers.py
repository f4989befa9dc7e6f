"""What shells, env files and editors leave in a value does not become part of a path or a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import ConfigurationError
from syncd.settings import load_settings


@pytest.mark.parametrize("name", ["MEDIA__ROOT", "CLIENT_SECRET_FILE", "CA_FILE", "WEB__TOKEN_FILE", "LABEL"])
@pytest.mark.parametrize("wrong", ["{}\r", "{}\n", " {}", "{} ", '"{}"', "'{}'", "{}\u200b", "\ufeff{}"])
def test_what_a_shell_or_an_env_file_leaves_behind_is_refused(name: str, wrong: str, tmp_path: Path) -> None:
    """Such a media root would be a new folder beside the volume, and the files in it would be lost with the container."""
    value = wrong.format(tmp_path / "value")
    environ = {
        "SYNCD_DATABASE__URL": "postgresql://u@h/d",
        "SYNCD_CLIENT_ID": "acme",
        "SYNCD_CLIENT_SECRET": "s",
    }
    if name == "CLIENT_SECRET_FILE":
        del environ["SYNCD_CLIENT_SECRET"]
    (tmp_path / "value").write_text("secret")
    (tmp_path / "value").chmod(0o600)
    load_settings(None, environ | {f"SYNCD_{name}": str(tmp_path / "value")}, need_media=False)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, environ | {f"SYNCD_{name}": value})
    assert f"SYNCD_{name}" in str(caught.value)
    assert all(problem.isprintable() for problem in caught.value.problems)
    assert list(tmp_path.iterdir()) == [tmp_path / "value"]


@pytest.mark.parametrize(
    "root", ["~/media", "$HOME/media", "${STATE_DIRECTORY}", "file:///srv/media", "s3://a/b"]
)
def test_a_media_root_that_only_a_shell_or_another_program_understands_is_refused(root: str) -> None:
    environ = {"SYNCD_DATABASE__URL": "postgresql://u@h/d", "SYNCD_MEDIA__ROOT": root}
    with pytest.raises(ConfigurationError, match="not a plain path"):
        load_settings(None, environ, need_clients=False)


@pytest.mark.parametrize(
    "name", ["DATABASE__URL", "BASE_URL", "CLIENT_SECRET", "SCHEDULE", "CONFIRM_WRAPPER", "CONFIG"]
)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_variable_that_an_env_file_has_put_in_quotes_is_refused_without_showing_it(
    name: str, quote: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, {f"SYNCD_{name}": f"{quote}hidden{quote}"}, need_media=False)
    assert all(problem.isprintable() for problem in caught.value.problems)
    assert f"SYNCD_{name} (environment): has quotes around its value" in str(caught.value)
    assert name == "CONFIG" or "hidden" not in str(caught.value)
