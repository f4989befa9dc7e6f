"""A clock of its own for a process: what it takes for the time of day is shifted, as if an operator had set the clock.

Only the time of day: what counts seconds (CLOCK_MONOTONIC) goes on as before, as the kernel sees to it.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/time.h>

static long long shift(void) {
    long long seconds = 0;
    const char *path = getenv("CLOCK_SHIFT");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (file) {
        if (fscanf(file, "%lld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    if (!failed && id == CLOCK_REALTIME) now->tv_sec += shift();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (where) *where = precise.tv_sec;
    return precise.tv_sec;
}
"""


class Clock:
    """The time of day of each process that is started with `environ`; built into `folder`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler here to build a clock that can be set")
        source, library, self._shift = folder / "clock.c", folder / "clock.so", folder / "clock.shift"
        source.write_text(_SOURCE)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._set(0)
        self.environ = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._shift)}

    def _set(self, seconds: int) -> None:
        new = self._shift.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.rename(self._shift)  # at once: whoever reads it meanwhile sees the old time or the new one

    def jump(self, seconds: int) -> None:
        """Set the clock that many seconds ahead of the real one, or behind it."""
        self._set(seconds)

    def show(self, moment: datetime) -> None:
        """Set the clock to a moment; it goes on from there."""
        self._set(round(moment.timestamp() - time.time()))
