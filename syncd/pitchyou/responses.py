"""An answer as the rest of the package sees it: a status, headers, and a body that is read at a pace."""

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, BadAnswer
from syncd.pitchyou.answers import Answer, BrokenAnswer
from syncd.pitchyou.pace import Pace

FAILURES = (OSError, BrokenAnswer)


def unavailable(error: Exception) -> ApiUnavailable:
    """What one of `FAILURES` is to the rest of syncd. Their texts can hold addresses, so only the class is passed on."""
    return ApiUnavailable(
        f"no complete answer from PitchYou ({type(error).__name__}): check the network and base_url"
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that end an exchange which would not end by itself."""

    connect: float = 10.0
    first_byte: float = 120.0  # a server may need long to gather years of applications
    between_chunks: float = 15.0
    rate_grace: float = 10.0  # seconds before the minimum rate counts
    minimum_rate: int = 1024  # bytes per second, averaged over the whole body


class Response:
    """An answer whose body has not been read yet. Valid only inside the `with` of `Http.send`."""

    def __init__(self, answer: Answer, deadline: Deadline, limits: Limits) -> None:
        self._answer, self._deadline, self._limits = answer, deadline, limits
        self.status = answer.status

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return self._answer.header(name.lower())

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        """The announced length of the body in bytes, if it was announced."""
        value = self.header("content-length")
        return int(value) if value.isdigit() else None

    def chunks(self) -> Iterator[bytes]:
        """The body as it came over the wire, not decompressed, in pieces of some 64 KiB to 192 KiB.

        Raises:
            ApiUnavailable: the connection ended early or was slower than the minimum rate.
        """
        limits = self._limits
        pace = Pace(
            self._deadline,
            silence=limits.between_chunks,
            rate_grace=limits.rate_grace,
            minimum_rate=limits.minimum_rate,
            received=self._answer.received,
        )
        try:
            yield from self._answer.pieces(pace)
        except FAILURES as error:
            raise unavailable(error) from None

    def read(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            BadAnswer: it is longer than `max_bytes`.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > max_bytes:
                raise BadAnswer(f"PitchYou's answer is longer than {max_bytes} bytes", status=self.status)
        return bytes(body)
