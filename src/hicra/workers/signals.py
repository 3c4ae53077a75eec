"""Sets what this process does on a signal while a block runs. Only the main thread may set it; elsewhere nothing changes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def ignored(number: int) -> Iterator[None]:
    """Ignores a signal, and lets processes started meanwhile inherit that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def kept(number: int) -> Iterator[None]:
    """Leaves what this process does on a signal as it was, whatever a library of the block puts in its place."""
    before = signal.getsignal(number)
    try:
        yield
    finally:  # where it is None, another language than Python has set it
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


@contextlib.contextmanager
def cleans_up_on_sigint() -> Iterator[None]:
    """Ends the block on SIGINT with KeyboardInterrupt, as Python does; a second SIGINT does not disturb the cleaning up.

    A third one ends that, too. After an interrupt the handler stays, for what Python does at its end; else it is put back, and a
    handler of the caller's own is never replaced.
    """
    own = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or own:
        yield
        return
    came = 0

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal came
        came += 1
        if came != 2:
            raise KeyboardInterrupt
        with contextlib.suppress(OSError):  # print may be what was interrupted
            os.write(2, b"cleaning up; press Ctrl-C once more to end at once\n")

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if not came:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Ends the block on SIGTERM with SystemExit(143), so that what it holds is cleaned up; the caller's own handler stays."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one does not disturb the cleaning up
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
