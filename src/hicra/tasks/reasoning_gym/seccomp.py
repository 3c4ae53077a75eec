"""System calls a scoring process may make: memory, time, its one pipe, its end. Everything else fails with EPERM.

Linux on x86-64 and arm64; the filter is inherited and cannot be taken off.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_NAMES = (
    "read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "brk", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "madvise", "mremap", "getpid", "exit", "exit_group", "futex", "clock_gettime", "clock_nanosleep",
    "gettimeofday", "getrandom", "sched_yield", "gettid", "sigaltstack", "restart_syscall", "getrusage", "times", "rseq",
)  # fmt: skip
_X86_64 = (
    0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 28, 25, 39, 60, 231, 202, 228, 230, 96, 318, 24, 186, 131, 219, 98, 100, 334,
)  # fmt: skip
_ARM64 = (
    63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 233, 216, 172, 93, 94, 98, 113, 115, 169, 278, 124, 178, 132, 128,
    165, 153, 293,
)  # fmt: skip
MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _ARM64)}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: load word, jump if equal, return
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2


class Unavailable(OSError):
    """This system has no such filter."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def supported() -> bool:
    """Whether this is a system that the filter is written for."""
    return sys.platform == "linux" and platform.machine() in MACHINES


def program(machine: str) -> bytes:
    """The filter for a machine, as BPF instructions of 8 bytes: kill another architecture, allow the list, else EPERM."""
    arch, numbers = MACHINES[machine]
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps += [(_EQUAL, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    steps += [(_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def restrict() -> None:
    """Puts the filter in force for this process, for good.

    Raises:
        Unavailable: the system is another one, or refuses.
    """
    if not supported():
        raise Unavailable(f"no filter for {sys.platform} on {platform.machine()}")
    library = ctypes.CDLL(None, use_errno=True)
    code = program(platform.machine())
    buffer = ctypes.create_string_buffer(code, len(code))
    wanted = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if library.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or library.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(wanted), 0, 0):
        raise Unavailable(f"the system refuses a filter (errno {ctypes.get_errno()})")


assert len(_NAMES) == len(_X86_64) == len(_ARM64)
