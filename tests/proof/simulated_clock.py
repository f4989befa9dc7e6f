"""Simulates a clock for processes: hours pass at once, the clock is set, or the machine is suspended.

libfaketime cannot do this. It runs at one speed: at 2,000 times the real speed, a timeout of 30 s would last 15 ms, too
short for any answer; and a wait that has begun does not notice a change of the speed. Here, time passes at its real speed
while any process works, and leaps while all of them wait. The network, files and Postgres have their real speed.
"""

from __future__ import annotations

import mmap
import os
import platform
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from syncd.embedded.machine import environment

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000LL
#define SLICE 2000000LL /* so soon a wait notices that time has leapt */
#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

static const long long nothing[2];
static const long long *shifts = nothing; /* nanoseconds: of the time of day, of the clock that counts seconds */

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SIMULATED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof nothing, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) abort();
    shifts = page;
}

static long long shift(clockid_t id) {
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) return __atomic_load_n(shifts, __ATOMIC_ACQUIRE);
    if (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID) return 0;
    return __atomic_load_n(shifts + 1, __ATOMIC_ACQUIRE);
}

static long long from(const struct timespec *t) { return t->tv_sec * SECOND + t->tv_nsec; }

static struct timespec to(long long ns) { return (struct timespec){ns / SECOND, ns % SECOND}; }

static long long real_now(clockid_t id) {
    struct timespec now;
    REAL(clock_gettime)(id, &now);
    return from(&now);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = REAL(clock_gettime)(id, now);
    if (!failed) *now = to(from(now) + shift(id));
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    long long ns = real_now(CLOCK_REALTIME) + shift(CLOCK_REALTIME);
    *now = (struct timeval){ns / SECOND, ns % SECOND / 1000};
    return 0;
}

time_t time(time_t *where) {
    time_t now = (real_now(CLOCK_REALTIME) + shift(CLOCK_REALTIME)) / SECOND;
    if (where) *where = now;
    return now;
}

/* The moment by the real clock at which to look again; 0 when the simulated one has come. */
static struct timespec next_look(clockid_t id, const struct timespec *until) {
    long long now = real_now(id), ends = from(until) - shift(id);
    return to(ends <= now ? 0 : ends < now + SLICE ? ends : now + SLICE);
}

int sem_clockwait(sem_t *sem, clockid_t id, const struct timespec *until) {
    for (;;) {
        struct timespec look = next_look(id, until);
        if (!REAL(sem_clockwait)(sem, id, &look)) return 0;
        if (errno != ETIMEDOUT || !from(&look)) return -1;
    }
}

int sem_timedwait(sem_t *sem, const struct timespec *until) { return sem_clockwait(sem, CLOCK_REALTIME, until); }

int clock_nanosleep(clockid_t id, int flags, const struct timespec *asked, struct timespec *left) {
    if (!(flags & TIMER_ABSTIME)) return REAL(clock_nanosleep)(id, flags, asked, left);
    for (;;) {
        struct timespec look = next_look(id, asked);
        int failed = from(&look) ? REAL(clock_nanosleep)(id, flags, &look, NULL) : 0;
        if (failed || !from(&look)) return failed;
    }
}

/* Python waits here for its turn, for 5 ms; which clock a condition goes by can be told by the size of the number alone. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
    clockid_t id = until->tv_sec > 1000000000 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    struct timespec ends = to(from(until) - shift(id));
    return REAL(pthread_cond_clockwait)(cond, mutex, id, &ends);
}
"""
# The system call of a thread that waits for another thread or for the time (futex); and read(2).
_WAITING, _READING = {"x86_64": ("202", "0"), "aarch64": ("98", "63")}.get(platform.machine(), ("", ""))
_SNAPSHOTS = (
    3  # looks that must all find every thread waiting, since each look visits the threads one after the other
)
_POLL = 0.002
_LONGEST = 120.0


TOOLS = {"cc": "gcc libc6-dev"}  # to build it


def missing() -> str | None:
    """Says what this machine lacks to use the clock."""
    if not _WAITING or not Path("/proc/self/task").is_dir():
        return "The simulated clock knows Linux on x86_64 and aarch64 alone."
    return None


class SimulatedClock:
    """Controls the time of every process that starts with `environ`. Builds a library in `folder`; the processes share a page."""

    def __init__(self, folder: Path, start: datetime) -> None:
        source, library, page = folder / "clock.c", folder / "clock.so", folder / "clock.page"
        source.write_text(_SOURCE)
        options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
        subprocess.run(["cc", *options, "-o", library, source, "-ldl", "-pthread"], check=True)
        page.write_bytes(bytes(16))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 16)
        self._time_of_day, self._seconds, self._suspended = start.timestamp() - time.time(), 0.0, 0.0
        self._show()
        self.environ = {"LD_PRELOAD": str(library), "SIMULATED_CLOCK": str(page)}

    def now(self) -> datetime:
        """Returns the time of day."""
        return datetime.fromtimestamp(time.time() + self._time_of_day, UTC)

    def monotonic(self) -> float:
        """Returns the seconds of the outside world, which neither changes of the clock nor a suspension affect."""
        return time.monotonic() + self._seconds + self._suspended

    def leap(self, seconds: float) -> None:
        """Lets this number of seconds pass at once."""
        self._seconds += seconds
        self._time_of_day += seconds
        self._show()

    def set(self, seconds: float) -> None:
        """Sets the time of day this number of seconds forward, or back."""
        self._time_of_day += seconds
        self._show()

    def suspend(self, seconds: float) -> None:
        """Suspends the machine for this number of seconds: the time of day goes on, the monotonic clock stands still."""
        self._suspended += seconds
        self.set(seconds)

    def _show(self) -> None:
        self._page[:] = struct.pack(
            "=qq", *(round(each * 1e9) for each in (self._time_of_day, self._seconds))
        )

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Makes an embedded Postgres that starts inside the `with`, and the sandbox's tokens, use this clock."""
        with (
            patch("syncd.embedded.server.environment", lambda: {**environment(), **self.environ}),
            patch("syncd.sandbox.api.tokens.time", self),
        ):
            yield


def let_it_notice(pid: int) -> None:
    """Waits until the process has done everything that the leap of the clock made due, and waits again."""
    ends_at = time.monotonic() + _LONGEST
    before = {task: _sleeps(task) for task in _tasks(pid)}
    while not (
        all(_has_looked(task, before.get(task, 0)) for task in _tasks(pid))
        and all(_all_wait(pid) for _ in range(_SNAPSHOTS))
    ):
        assert time.monotonic() < ends_at, f"process {pid} still works after {_LONGEST} s"
        time.sleep(_POLL)


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _sleeps(task: Path) -> int:
    """Returns how often the thread has gone to sleep."""
    try:
        status = (task / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split(maxsplit=1)[0])


def _has_looked(task: Path, sleeps: int) -> bool:
    """Says whether a thread that waits for the time has read the clock: it has slept twice since, once certainly after reading."""
    try:
        number, *arguments = (task / "syscall").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    timed = number == _WAITING and int(arguments[3], 16) != 0
    return not timed or _sleeps(task) >= sleeps + 2


def _all_wait(pid: int) -> bool:
    return all(_waits(pid, task) for task in _tasks(pid))


def _waits(pid: int, task: Path) -> bool:
    try:
        number, *arguments = (task / "syscall").read_text().split()
        if number == _READING:  # the thread that receives signals
            return os.readlink(f"/proc/{pid}/fd/{int(arguments[0], 16)}").startswith("pipe:")  # noqa: PTH115 - no path
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has just ended; the next look will show
    return number == _WAITING
