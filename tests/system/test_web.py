"""The daemon's web server: what it answers while all is well, while the disk is gone, and to whom it gives way."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGHUP

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from syncd import __version__
from syncd.sandbox import Fault, SandboxConfig, Tenant
from tests.integration.listener import Listener, reply
from tests.system.processes import Running, eventually, site
from tests.system.test_reload import configure, reload

CONFIG = Path(__file__).parents[2] / "config"
FREE_PORT = "127.0.0.1:0"
Labels = tuple[tuple[str, str], ...]


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def port_of(daemon: Running) -> int:
    return int(daemon.wait_for("web_started")[0]["port"])


def metrics(port: int) -> dict[tuple[str, Labels], float]:
    """Each series and its value. Both formats have the same."""
    status, headers, text = get(port, "/metrics")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in prometheus(text)
        for sample in family.samples
    }
    _, headers, other = get(port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    families = openmetrics(other)  # type: ignore[no-untyped-call]  # the library has no types there
    series = {(s.name, tuple(sorted(s.labels.items()))) for family in families for s in family.samples}
    assert series == set(found)
    return found


def of_client(found: Mapping[tuple[str, Labels], float], client_id: str) -> dict[str, float]:
    """The series of a client, as `name` or `name:label`."""
    return {
        ":".join([name, *(value for key, value in labels if key != "client_id")]): number
        for (name, labels), number in found.items()
        if ("client_id", client_id) in labels
    }


def test_health_and_metrics_say_what_is_true(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=4, tenants=(Tenant("beta", "beta-secret", 3),))
    with (
        site(database_url, tmp_path, config) as here,
        Listener(lambda heard: [reply()]) as heart,
    ):
        here.sandbox.inject(Fault("media", "status", status=503, times=1))
        more = f'[sync]\nmedia_retry = "10ms"\nheartbeat_url = "{heart.url}/hidden/{{client_id}}"'
        often = 'schedule = "every 1s"'
        configure(here, {"acme": often, "beta": often}, more=more)
        with here.start("run", WEB__BIND=FREE_PORT) as daemon:
            port = port_of(daemon)
            for client_id in ("acme", "beta"):
                daemon.wait_for("cycle_finished", 2, client_id=client_id)
            eventually(lambda: not here.outstanding(), "all is confirmed")
            eventually(lambda: get(port, "/readyz")[0] == 200, "it is ready")
            assert get(port, "/healthz")[::2] == (200, "Every cycle moves.\n")
            assert get(port, "/nothing")[0] == 404
            status, headers, _ = get(port, "/healthz", "POST")
            assert (status, headers["Allow"], headers["Server"]) == (405, "GET, HEAD", "syncd")
            assert get(port, "/healthz", "HEAD")[::2] == (200, "")

            # The numbers are those of the database.
            def settled() -> bool:
                now = of_client(metrics(port), "acme")
                return now["syncd_unconfirmed_applications"] == 0 and now["syncd_cycles_total:ok"] > 1

            eventually(settled, "the state that is kept for 10 s is renewed")
            found = metrics(port)
            exported = {name for name, _ in found}
            for file in ("alerts.yaml", "grafana.json"):
                wanted = set(re.findall(r"\bsyncd_\w+", (CONFIG / file).read_text()))
                assert len(wanted) > 8
                assert wanted - exported == set()
            acme, beta = of_client(found, "acme"), of_client(found, "beta")
            for client_id, shown in (("acme", acme), ("beta", beta)):
                rows, size = here.rows(
                    "SELECT (SELECT count(*) FROM ats.application WHERE client_id = %s), "
                    "(SELECT sum(size_bytes) FROM ats.media WHERE client_id = %s)",
                    client_id,
                    client_id,
                )[0]
                assert shown["syncd_profiles_total:new"] == rows
                assert shown["syncd_profiles_total:confirmed"] == rows
                assert shown["syncd_media_bytes_total"] == size
                assert shown["syncd_lease_held"] == 1
                assert 0 <= shown["syncd_last_good_cycle_age_seconds"] < 60
                zero = (
                    "unconfirmed_applications oldest_unconfirmed_age_seconds pending_media "
                    "oldest_pending_media_age_seconds quarantined_profiles consecutive_failures cycle_stalled "
                    "cycle_overdue cycles_total:failed cycles_total:aborted profiles_total:quarantined"
                )
                assert {name: shown[f"syncd_{name}"] for name in zero.split()} == dict.fromkeys(
                    zero.split(), 0
                )
            assert (
                found["syncd_retries_total", (("reason", "http_5xx"),)]
                + sum(event.get("http_retries", 0) for event in daemon.events("cycle_finished"))
                == 2 * found["syncd_retries_total", (("reason", "http_5xx"),)]
            )
            stages = {dict(labels)["stage"]: n for (name, labels), n in found.items() if "stage_sec" in name}
            assert set(stages) == {"recover", "land", "fetch", "confirm", "report"}
            assert all(seconds > 0 for seconds in stages.values())
            assert found["syncd_build_info", (("version", __version__),)] == 1
            assert found["syncd_database_up", ()] == 1
            assert 0 < found["syncd_scrape_query_seconds", ()] < 5
            assert min(found["syncd_media_free_bytes", ()], found["syncd_tmp_free_bytes", ()]) > 1e6
            assert found["process_resident_memory_bytes", ()] > 1e6
            names = {key for _, labels in found for key, _ in labels}
            assert names == {"client_id", "outcome", "result", "stage", "reason", "version"}

            # Commands find the daemon, and tell it from another one.
            bind = f"127.0.0.1:{port}"
            asked = here.run("health", WEB__BIND=bind)
            assert (asked.returncode, asked.stdout) == (0, "Every cycle moves.\n")
            warnings = json.loads(here.run("check", "--json", WEB__BIND=bind).stdout)["warnings"]
            assert not [each for each in warnings if "web.bind" in each]

            # A removed client's series go. What the server needs a restart for is named.
            more = f"[web]\nbind = '{bind}'\n{more}"
            configure(here, {"acme": often}, more=more)
            reload(daemon)
            assert {dict(labels).get("client_id") for _, labels in metrics(port)} == {None, "acme"}
            assert {each.path for each in heart.heard} == {"/hidden/acme", "/hidden/beta"}
            assert len(heart.heard) <= 4
            assert "hidden" not in daemon.log_path.read_text()

            # The media root is gone, and comes back.
            here.media_root.rename(tmp_path / "aside")
            eventually(lambda: get(port, "/readyz")[0] == 503, "it is not ready", 10)
            assert "mount its disk" in get(port, "/readyz")[2]
            assert get(port, "/healthz")[0] == 200
            if here.media_root.exists():
                here.media_root.rename(tmp_path / "other")
            (tmp_path / "aside").rename(here.media_root)
            eventually(lambda: get(port, "/readyz")[0] == 200, "it is ready again", 10)

            # A second daemon finds the port taken, and works all the same.
            with here.start("run", WEB__BIND=bind) as second:
                [event] = second.wait_for("web_not_started")
                assert (event["level"], event["reason"]) == (
                    "error",
                    "web.bind cannot be listened on: Address already in use",
                )
                second.wait_for("client_synced_elsewhere")
                assert second.stop() == 0
            daemon.send(SIGHUP)
            assert daemon.stop() == 0
        assert not daemon.events("web_request_crashed")


def test_health_and_check_say_so_if_something_else_listens_or_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with (
        site(database_url, tmp_path, SandboxConfig(profiles=1)) as here,
        Listener(lambda heard: [reply(b"hello")]) as other,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        bind = other.url.removeprefix("http://")
        warnings = json.loads(here.run("check", "--json", WEB__BIND=bind).stdout)["warnings"]
        assert [each for each in warnings if each.startswith("web.bind: something else")]
        (tmp_path / "broken.toml").write_text('[web]\nbind = "Kanarienvogel')
        nobody = f"127.0.0.1:{silent.getsockname()[1]}"
        silent.close()
        here.environ = {}
        for environ, code, said in (
            ({"WEB__BIND": nobody}, 1, f"No daemon answers at {nobody} (Connection refused)."),
            ({"WEB__BIND": ""}, 1, "web.bind names no port"),
            ({"WEB__BIND": FREE_PORT}, 1, "web.bind names no port"),
            ({"WEB__BIND": "nonsense"}, 2, "web.bind cannot be read: run `syncd check`"),
            ({"CONFIG": str(tmp_path / "broken.toml")}, 2, "web.bind cannot be read: run `syncd check`"),
            ({"CONFIG": str(tmp_path / "none.toml")}, 2, "web.bind cannot be read: No such file"),
        ):
            result = here.run("health", **environ)
            assert (result.returncode, said in result.stdout + result.stderr) == (code, True), result
            assert "Kanarienvogel" not in result.stderr
