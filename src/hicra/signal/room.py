"""Tells before the work whether the gradients of all batches fit into memory, and which projection would."""

from __future__ import annotations

from pathlib import Path

from hicra.errors import ConfigError

BYTES = 4  # of a number in float32
SHARE = 0.8  # of the free memory, which may be taken
MEMINFO = Path("/proc/meminfo")
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
USED = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


def free_bytes() -> int | None:
    """Returns the bytes of memory that this process may still take, by the machine and by its container; None if unknown."""
    found = []
    try:
        line = next(line for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable"))
        found.append(int(line.split()[1]) * 1024)
    except (OSError, StopIteration, ValueError):
        pass
    for limit, used in zip(LIMITS, USED, strict=True):
        try:
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return max(0, min(found)) if found else None


def check_room(batches: int, rows: int, size: int, projected: bool, free: int | None, most_rows: int = 0) -> None:
    """Raises ConfigError if the gradients of all batches do not fit.

    Args:
        batches, rows: number of batches, and of gradients of each.
        size: numbers of a gradient.
        projected: whether they are projected to that size.
        free: bytes that are free; None refuses nothing.
        most_rows: gradients that a batch may come to have, where `rows` are the fewest; what is advised fits these too.
    """
    needed = batches * rows * size * BYTES
    if free is None or needed <= SHARE * free:
        return
    fits = int(SHARE * free / 2 // (batches * max(rows, most_rows) * BYTES))
    what = f"--project {2 ** (fits.bit_length() - 1)}" if fits >= 256 else "fewer batches"
    kept = "projected gradients" if projected else "whole gradients"
    raise ConfigError(
        f"{batches} batches of {rows} {kept} with {size} numbers each take {megabytes(needed)}, and {megabytes(free)} are free",
        f"take {what}, or the last layers alone (--parameters last:2)",
    )


def megabytes(count: int) -> str:
    """Writes a number of bytes in megabytes or gigabytes.

    >>> [megabytes(2_500_000), megabytes(16_000_000_000)]
    ['2.5 MB', '16.0 GB']
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
