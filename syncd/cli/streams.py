"""Standard output and standard error of a command: in any encoding, and with a sentence if the output is lost."""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from syncd.errors import SyncdError

# Standard input, output and error.
_STANDARD = (0, 1, 2)


class OutputLost(SyncdError):
    """Standard output could not be written: its disk is full, or the reader of its pipe has ended."""

    def __init__(self, reason: str, remedy: str = "What the command did before that stays done.") -> None:
        self.reason = reason
        super().__init__(f"standard output could not be written ({reason}). {remedy}")


class _Out(io.FileIO):
    """Raises OutputLost once, and then drops everything, so that Python's own flush at the end succeeds."""

    def __init__(self, *, is_open: bool) -> None:
        super().__init__(1, "wb", closefd=False)
        self.is_open, self._lost = is_open, False

    def write(self, data: Any, /) -> int:
        if self._lost:
            return len(data)
        try:
            if self.is_open:
                return super().write(data)
            reason = "it is closed"
        except OSError as error:
            reason = error.strerror or type(error).__name__
        self._lost = True
        raise OutputLost(reason)


class _Err(io.FileIO):
    """Drops what cannot be written: the work matters more than the message, and nobody could be told."""

    def __init__(self) -> None:
        super().__init__(2, "wb", closefd=False)

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


class _Ascii(io.TextIOWrapper):
    """Text for an ASCII terminal. click would send it UTF-8, so the stream calls itself Latin-1 and writes ASCII only."""

    def write(self, text: str, /) -> int:
        super().write(text.encode("ascii", "backslashreplace").decode("ascii"))
        return len(text)


def open_streams() -> None:
    """Replace stdout and stderr by streams that escape what their encoding lacks. Call this first."""
    _fill_closed()
    sys.stdout = _text(sys.stdout, _Out(is_open=sys.stdout is not None))
    sys.stderr = _text(sys.stderr, _Err())


def require_output() -> None:
    """Raise OutputLost if standard output is closed. Call this before work whose only result is the output."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Out) and not raw.is_open:
        raise OutputLost("it is closed", "Nothing was done. Redirect it to a file or to /dev/null.")


@contextmanager
def if_lost(remedy: str) -> Iterator[None]:
    """Let OutputLost say what to do about the output of this block."""
    try:
        yield
    except OutputLost as lost:
        raise OutputLost(lost.reason, remedy) from None


def _fill_closed() -> None:
    """Open /dev/null in place of closed streams, so that no file or socket is taken for one of them."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)


def _text(replaced: TextIO | None, raw: io.FileIO) -> TextIO:
    encoding = (replaced.encoding if replaced is not None else None) or "utf-8"
    kind, encoding = (
        (_Ascii, "latin-1") if codecs.lookup(encoding).name == "ascii" else (io.TextIOWrapper, encoding)
    )
    return kind(io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=True)
