"""Runs a command, and lists its system calls on the network, the database and the media root, or kills it at one of them.

Follows every thread with ptrace. A seccomp filter stops threads only at calls that may matter, so the rest runs at full
speed. Needs Linux on x86-64.
"""

import ctypes
import os
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

# From linux/ptrace.h, linux/seccomp.h and linux/prctl.h.
_TRACEME, _GETREGS, _CONT, _SETOPTIONS = 0, 12, 7, 0x4200
_FOLLOW = (
    0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000
)  # fork, vfork, clone, exec, seccomp; and die with the tracer
_EVENT_SECCOMP = 7
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _TRACE, _X86_64 = 0x7FFF0000, 0x7FF00000, 0xC000003E
_ALL_THREADS = 0x40000000

# The number of each call, and which argument says what it touches: a descriptor or a path.
_BY_DESCRIPTOR = {
    "read": 0,
    "write": 1,
    "close": 3,
    "pwrite64": 18,
    "readv": 19,
    "writev": 20,
    "sendfile": 40,
    "connect": 42,
    "sendto": 44,
    "recvfrom": 45,
    "sendmsg": 46,
    "recvmsg": 47,
    "shutdown": 48,
    "fsync": 74,
    "fdatasync": 75,
    "ftruncate": 77,
    "getdents64": 217,
    "pwritev": 296,
    "sendmmsg": 307,
    "copy_file_range": 326,
}
_BY_FIRST = {"open": 2, "truncate": 76, "rename": 82, "mkdir": 83, "rmdir": 84, "link": 86, "unlink": 87}
_BY_SECOND = {
    "openat": 257,
    "mkdirat": 258,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "renameat2": 316,
}
NAMES = {number: name for calls in (_BY_DESCRIPTOR, _BY_FIRST, _BY_SECOND) for name, number in calls.items()}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Tracer:
    """A traced run of a command.

    Args:
        command: a program and its arguments, or a function to run in the child of a fork.
        root: lists calls on paths below this folder.
        kill_at: kills the command just before the n-th call, counted from 1, whose name starts with this text; "" matches
            every call. None lets the command run to its end.
        kill_after: kills the command as soon as this fsync, counted from 1, has returned.
        before_kill: called before the kill, while the command stands still.
    """

    def __init__(
        self,
        command: list[str] | Callable[[], NoReturn],
        root: str,
        kill_at: tuple[str, int] | None = None,
        kill_after: int | None = None,
        before_kill: Callable[[], None] = lambda: None,
    ) -> None:
        self._command, self._root, self._before_kill = command, root, before_kill
        self._kill_like, self._kill_at = kill_at or ("", 0)
        self._seen, self._kill_after = 0, kill_after
        self._fsyncs, self._last_to_fsync = 0, 0
        self.calls: list[str] = []

    def run(self) -> int:
        """Runs the command. Returns the exit code, or minus the number of the signal that ended it."""
        self._pid = os.fork()
        if self._pid == 0:
            _become_traced(self._command)
        os.waitpid(self._pid, 0)
        _ptrace(_SETOPTIONS, self._pid, _FOLLOW)
        _ptrace(_CONT, self._pid, 0)
        while True:
            pid, status = os.waitpid(-1, _ALL_THREADS)
            if os.WIFSTOPPED(status):
                self._go_on(pid, status)
            elif pid == self._pid:
                return os.waitstatus_to_exitcode(status)

    def _go_on(self, pid: int, status: int) -> None:
        sent, event = os.WSTOPSIG(status), status >> 16
        if event == _EVENT_SECCOMP and (call := self._call(pid)):
            self.calls.append(call)
            if self._is_the_last(pid, call):
                self._before_kill()
                os.kill(self._pid, signal.SIGKILL)
                return
        # A new thread begins with SIGSTOP; events arrive as SIGTRAP.
        deliver = 0 if event or sent in (signal.SIGSTOP, signal.SIGTRAP) else sent
        with suppress(ProcessLookupError):  # it was killed meanwhile
            _ptrace(_CONT, pid, deliver)

    def _is_the_last(self, pid: int, call: str) -> bool:
        # A thread makes its next call only after its fsync has returned.
        synced = self._fsyncs == self._kill_after and pid == self._last_to_fsync
        if call.startswith(("fsync", "fdatasync")) and self._fsyncs != self._kill_after:
            self._fsyncs, self._last_to_fsync = self._fsyncs + 1, pid
        self._seen += call.startswith(self._kill_like)
        return synced or (call.startswith(self._kill_like) and self._seen == self._kill_at)

    def _call(self, pid: int) -> str | None:
        """Names a thread's next call if it touches something durable; without ids, so that runs can be compared."""
        try:
            registers = _registers(pid)
            name = NAMES[registers["orig_rax"]]
            if name in _BY_DESCRIPTOR:
                target = str(Path(f"/proc/{pid}/fd/{registers['rdi']}").readlink())
                if target.startswith("socket:"):
                    return f"{name} socket"
            else:
                target = _text(pid, registers["rdi" if name in _BY_FIRST else "rsi"])
                # A folder that is opened by its name alone is only on the way to a file.
                if name in _BY_SECOND and name != "openat" and not target.startswith("/"):
                    folder = Path(f"/proc/{pid}/fd/{registers['rdi']}").readlink()
                    target = f"{folder}/{target}"
        except OSError:
            return None
        return f"{name} {'.tmp' if '/.tmp' in target else 'media'}" if target.startswith(self._root) else None


def _become_traced(command: list[str] | Callable[[], NoReturn]) -> None:
    _ptrace(_TRACEME, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    program = _filter()
    if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(
        _SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0
    ):
        os._exit(126)
    if callable(command):
        command()
    os.execvp(command[0], command)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _filter() -> _Program:
    """Builds a classic BPF program that traces the calls in `NAMES` and allows all others."""
    load, equal, give = 0x20, 0x15, 0x06
    numbers = sorted(NAMES)
    steps = [(load, 0, 0, 4), (equal, 0, len(numbers) + 1, _X86_64), (load, 0, 0, 0)]
    steps += [(equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    steps += [(give, 0, 0, _ALLOW), (give, 0, 0, _TRACE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    program.keep = code
    return program


def _registers(pid: int) -> dict[str, int]:
    names = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs gs ds es f g"
    values = (ctypes.c_ulonglong * 27)()
    _ptrace(_GETREGS, pid, ctypes.addressof(values))
    return dict(zip(names.split(), values, strict=True))


def _text(pid: int, address: int) -> str:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(4096).partition(b"\0")[0].decode(errors="replace")


def _ptrace(request: int, pid: int, data: int) -> None:
    if _libc.ptrace(request, pid, None, data) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
