"""Opens a backend by name."""

from __future__ import annotations

from hicra.errors import ConfigError, did_you_mean
from hicra.mining.counting.interface import Backend
from hicra.mining.counting.local import LocalBackend

BACKENDS = ("local", "ray")


def open_backend(name: str = "local", workers: int = 1, segmenter: str | None = None) -> Backend:
    """Opens a backend by name.

    Args:
        workers: number of processes that count. Any number gives the same counts.
        segmenter: what cuts scripts without spaces into words, by name; None takes each letter.

    Raises:
        ConfigError: the name is unknown, there is no worker, or Ray is not installed.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}", "give 1 or more")
    if name == "local":
        return LocalBackend(workers, segmenter=segmenter)
    if name == "ray":
        from hicra.mining.counting.ray.backend import RayBackend

        return RayBackend(workers, segmenter)
    raise ConfigError(f"no backend {name!r}", did_you_mean(name, BACKENDS))
