"""`/healthz`: would a restart help? `/readyz`: can this process do its work?"""

import threading
from collections.abc import Callable

from syncd.deadline import Deadline
from syncd.liveness import Liveness, Stalled
from syncd.readiness import require_outsides
from syncd.sync.client_cycle import Outsides
from syncd.web.app import Request, Response, plain
from syncd.web.look import Look

# All in seconds.
# How old an answer about Postgres and the media root may be, with the look that follows.
EVERY = 3.0
# How long a look may take once Postgres answers. A look that takes longer than `Look` waits goes on.
LONGEST = 10.0
# For how long Postgres or the disk excuses a cycle that stands still.
EXCUSED = 900.0


class Health:
    """Answers the two questions.

    Args:
        liveness: knows which cycles stand still.
        client_ids: returns the clients that are synced now.
        stop: is set once the daemon was asked to stop.
    """

    def __init__(
        self,
        liveness: Liveness,
        client_ids: Callable[[], list[str]],
        outsides: Outsides,
        stop: threading.Event,
    ) -> None:
        self._liveness, self._stop = liveness, stop

        def look(asks: Callable[[str], None]) -> bool:
            require_outsides(client_ids(), outsides, Deadline(LONGEST, stop=stop), asks)
            return True

        self._outsides = Look(look, every=EVERY)

    def healthz(self, request: Request) -> Response:
        """200, unless a cycle stands still and a restart may help.

        A restart does not help while Postgres, its schema or the media root is at fault. But what looks like Postgres may
        be a connection that is broken, so this counts as an excuse for a limited time.
        """
        stalled = self._liveness.report()
        if not stalled:
            return plain(200, "Every cycle moves.")
        problem = self._outsides.newest().problem
        if problem and max(each.seconds for each in stalled) < EXCUSED:
            return plain(200, f"{_described(stalled)} A restart would not help: {problem}")
        return plain(503, _described(stalled))

    def readyz(self, request: Request) -> Response:
        """200 if Postgres, its schema and the media root are fine, and every cycle moves."""
        if self._stop.is_set():
            return plain(503, "syncd is stopping.")
        if problem := self._outsides.newest().problem:
            return plain(503, problem)
        if stalled := self._liveness.report():
            return plain(503, _described(stalled))
        return plain(200, "Postgres and the media root are fine, and every cycle moves.")


def _described(stalled: list[Stalled]) -> str:
    return " ".join(
        f"The cycle of client '{each.client_id}' has not moved for {each.seconds:.0f} s."
        if each.kind == "stalled"
        else f"A cycle of client '{each.client_id}' was due {each.seconds:.0f} s ago and has not begun."
        for each in stalled
    )
