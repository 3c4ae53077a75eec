"""Holds the version of hicra, where every module can read it without the package, and finds those of installed packages."""

from __future__ import annotations

import importlib.metadata

__version__ = "0.1.0"


def installed(package: str) -> str | None:
    """Returns the version of an installed package; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
