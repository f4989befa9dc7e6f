"""Why no usable response came: a sentence for the operator, and a short code that `ats.media.last_error` keeps.

No sentence holds an address, since addresses hold ids of applicants.
"""

from syncd.errors import ApiUnavailable

RETRY_REASONS = (
    "http_408",
    "http_425",
    "http_429",
    "http_5xx",
    "connection",
    "timeout",
    "truncated",
    "compressed",
    "web_page",
    "unclear",
    "not_the_file",
    "tls",
    "invalid",
)
"""Why a request may be sent again: its HTTP status, or why no usable response came."""


def retry_reason(error: ApiUnavailable) -> str:
    """Return which of `RETRY_REASONS` this is."""
    return "http_5xx" if (error.status or 0) >= 500 else error.code


def unreachable(*, timed_out: bool) -> ApiUnavailable:
    """Nothing answers at the address, or not in time."""
    message = "PitchYou cannot be reached. Check the network, proxy and base_url."
    return ApiUnavailable(message, kind="timeout" if timed_out else "connection")


def not_started() -> ApiUnavailable:
    """libcurl could not be set up, for want of file descriptors or memory."""
    message = "No connection to PitchYou could be set up on this machine. Raise LimitNOFILE of the service."
    return ApiUnavailable(message, kind="connection")


def proxy_refused(status: int) -> ApiUnavailable:
    """The proxy answered in place of PitchYou."""
    message = (
        f"The proxy refuses to connect to PitchYou (HTTP {status}). Check proxy and proxy_credentials_file."
    )
    return ApiUnavailable(message, kind="connection")


def dropped() -> ApiUnavailable:
    """The connection ended after the request was sent and before a response came."""
    return ApiUnavailable("PitchYou closed the connection without a response.", kind="connection")


def untrusted() -> ApiUnavailable:
    """TLS failed."""
    message = "No trusted TLS connection to PitchYou. Check base_url, ca_file and the clock of this machine."
    return ApiUnavailable(message, kind="tls")


def too_slow(how: str) -> ApiUnavailable:
    """A limit of `Limits` or of a short exchange has passed."""
    return ApiUnavailable(f"PitchYou {how}.", kind="timeout")


def truncated() -> ApiUnavailable:
    """The connection ended in the middle of a response."""
    return ApiUnavailable("PitchYou's response ended early. Check the network.", kind="truncated")


def endless() -> ApiUnavailable:
    """A response over TLS does not announce its length, so a truncated one would look complete."""
    message = "PitchYou's response does not say where it ends. Check proxies in between."
    return ApiUnavailable(message, kind="truncated")


def invalid(why: str) -> ApiUnavailable:
    """What came is not HTTP/1.x."""
    return ApiUnavailable(f"PitchYou's response is not valid HTTP: {why}. Check base_url.", kind="invalid")


def compressed(how: str) -> ApiUnavailable:
    """The body has a Content-Encoding that cannot be decoded."""
    message = (
        f"PitchYou's response came compressed, which was not asked for, {how}. Check proxies in between."
    )
    return ApiUnavailable(message, kind="compressed")


def web_page(what: str, status: int) -> ApiUnavailable:
    """A page for people came, as proxies and captive portals send them."""
    message = f"A web page came (HTTP {status}) instead of {what}. Check base_url and proxies in between."
    return ApiUnavailable(message, kind="web_page")
