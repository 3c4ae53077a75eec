"""Versions: that of hicra, where every module can read it without importing the package, and those of what is installed."""

from __future__ import annotations

import importlib.metadata

__version__ = "0.1.0"


def installed(package: str) -> str | None:
    """The version of an installed package; None where it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
