"""Combines the parts of the sandbox into one object: start it, point a client at its URL, read its ledger, stop it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from syncd.sandbox.api.endpoints import World
from syncd.sandbox.api.templates import Templates
from syncd.sandbox.audit.store_audit import AuditReport, audit_store
from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content.population import Population
from syncd.sandbox.content.profiles import Profile
from syncd.sandbox.faults import Fault, FaultBook
from syncd.sandbox.http_server import SandboxServer
from syncd.sandbox.ledger import Ledger
from syncd.sandbox.pages.applicant import send_application
from syncd.sandbox.pages.apply_link import tenant_of


class Sandbox:
    """A simulated PitchYou on a loopback port. In every method, `client=None` means the first client."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self.ledger = Ledger()
        self._faults = FaultBook(self.config.seed)
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None
        self._populations = {
            tenant.client_id: Population(self.config, tenant, lambda: self.url)
            for tenant in self.config.all_tenants
        }
        self._world = World(self.config, self._populations, self.ledger)

    def start(self) -> Self:
        """Starts to listen. Raises OSError if the port is in use."""
        self._server = SandboxServer(self._world, self._faults)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops listening and closes every connection. The ledger stays readable. Does nothing if the sandbox is not running."""
        if self._server is None or self._thread is None:
            return
        self._server.stop()
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. Raises RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("the sandbox has no URL before it is started")
        return f"http://{self.config.host}:{self._server.server_port}"

    def apply_url(self, client: str | None = None) -> str:
        """Returns the start of a client's apply links: the sandbox's counterpart of `https://{client_id}.pitchyou.de`."""
        port = self.url.rpartition(":")[2]
        return f"http://{client or self.config.client_id}.localhost:{port}"

    @property
    def findings(self) -> list[str]:
        """The findings of the audits and traps so far; empty if the client has made no mistake."""
        return list(self.ledger.findings)

    def expected(self, client: str | None = None) -> Iterator[Profile]:
        """Yields the newest version of every application of a client, including confirmed ones."""
        return self._population(client).expected()

    def media_bytes(self, client: str | None, profile_id: Any, media_id: Any) -> bytes:
        """Returns the exact bytes of a file. Raises KeyError if no profile names the file."""
        body = self._population(client).media(str(profile_id), str(media_id))
        if body is None:
            raise KeyError(f"no file {media_id!r} of profile {profile_id!r}")
        return body

    def add_profiles(self, count: int, client: str | None = None) -> None:
        """Adds `count` applications."""
        self._population(client).add(count)

    def change_profile(
        self,
        profile_id: Any,
        *,
        client: str | None = None,
        answers: Mapping[int, Any] | None = None,
        add_media: int = 0,
        drop_media: Sequence[Any] = (),
        fields: Mapping[str, Any] | None = None,
    ) -> Profile:
        """Makes and returns a new version of an application. Every reading of the article lists it again.

        `answers` maps step numbers to new answers, `add_media` is the number of new PDFs to attach to steps,
        `drop_media` removes the files with these ids, `fields` replaces top-level values. Without any of these, the
        first answer changes. Raises KeyError if there is no such profile.
        """
        return self._population(client).change(profile_id, answers, add_media, drop_media, fields)

    def put_raw_profile(self, element: bytes, client: str | None = None) -> None:
        """Adds an element of arbitrary bytes to the list. The sandbox serves the files that the element names as usual."""
        self._population(client).add_raw(element)

    def withdraw_profile(self, profile_id: Any, client: str | None = None) -> None:
        """Removes an application from the list, as if PitchYou had deleted it."""
        self._population(client).withdraw(profile_id)

    def set_templates(self, elements: Sequence[Any] | None, client: str | None = None) -> None:
        """Sets the elements of the template list, of any shape; None restores the built-in templates."""
        self._templates(client).replace(elements)

    def withdraw_template(self, key: str, client: str | None = None) -> None:
        """Removes a template from the list and from apply links. Raises KeyError if there is no such template."""
        self._templates(client).withdraw(key)

    def restore_template(self, key: str, client: str | None = None) -> None:
        """Restores a withdrawn template. Raises KeyError if it was not withdrawn."""
        self._templates(client).restore(key)

    def apply(
        self,
        url: str,
        *,
        first_name: str = "Zoë",
        last_name: str = "Öztürk",
        phone: str = "+49 1522 4711000",
        email: str = "zoe.oeztuerk@example.org",
        free: str = "Eure Anzeige hat mich angesprochen.",
        with_cv: bool = True,
    ) -> Profile:
        """Follows an apply link over HTTP, as an applicant does, and returns the resulting profile (S1.2).

        The request always goes to this sandbox. The host in the link only decides which client gets the application.
        Raises ApplyRefused, with the status and the page, if the link leads to no interview.
        """
        form = {"firstName": first_name, "lastName": last_name, "phone": phone, "email": email, "free": free}
        ticked = {"confirmed": "on"} | ({"cv": "on"} if with_cv else {})
        host, profile_id = send_application(self.url, url, form | ticked)
        population = self._populations[tenant_of(host, self._populations)]
        (entry,) = population.find_text(profile_id)
        return population.newest(entry)

    def revoke_tokens(self) -> None:
        """Revokes every access token."""
        self._world.tokens.revoke()

    def rotate_secret(self, client_id: str, secret: str) -> None:
        """Gives a client another secret, and revokes every access token. The former secret is refused from now on."""
        self._world.tokens.rotate(client_id, secret)

    def inject(self, fault: Fault) -> None:
        """Activates a fault, after those that are active already."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._faults.clear()

    def audit(self, *, confirmed_once: bool = False) -> AuditReport:
        """Audits the whole store of each client at the end of a scenario; see `audit_store`."""
        return audit_store(self.config, self._populations, self.ledger, confirmed_once=confirmed_once)

    def _templates(self, client: str | None) -> Templates:
        return self._world.templates[client or self.config.client_id]

    def _population(self, client: str | None) -> Population:
        return self._populations[client or self.config.client_id]
