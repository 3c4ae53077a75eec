"""The versions that hicra is tested with, from its own package metadata, so that they stand nowhere twice."""

from __future__ import annotations

import importlib.metadata
from typing import NamedTuple

import packaging.requirements
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

_ORDER = (">=", ">", "~=", "==", "===", "!=", "<=", "<")  # in which a reader expects them


class Requirement(NamedTuple):
    """Holds a package, the versions that are taken (as in ">=2.0,<3"), and the extra that asks for it ("" for the base)."""

    package: str
    versions: str
    extra: str

    @property
    def command(self) -> str:
        """The command that installs such a version."""
        return f"pip install '{self.package}{self.versions}'"


def requirements() -> list[Requirement]:
    """Returns what hicra's metadata asks for on this Python and system; nothing where hicra runs from a folder, not installed."""
    try:
        lines = importlib.metadata.requires("hicra") or []
        extras = ["", *(importlib.metadata.metadata("hicra").get_all("Provides-Extra") or [])]
    except importlib.metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        asked = packaging.requirements.Requirement(line)
        for extra in extras:
            if asked.marker is None or asked.marker.evaluate({"extra": extra}):
                found.append(Requirement(asked.name, _ordered(asked.specifier), extra))
                break
    return found


def fits(version: str, versions: str) -> bool:
    """Says whether the release of a version is one of those; what stands behind it (rc1, +cpu) is not looked at.

    Makers of hardware ship packages that call themselves earlier than the release that they hold: torch 2.10.0a0+nv25.11.

    >>> fits("2.13.0+cpu", ">=2.10"), fits("2.10.0a0+nv25.11", ">=2.10"), fits("3.0rc1", "<3"), fits("of mine", ">=2.10")
    (True, True, False, False)
    """
    try:
        release = Version(version).base_version
    except InvalidVersion:
        return False
    return SpecifierSet(versions).contains(release)


def _ordered(specifiers: SpecifierSet) -> str:
    return ",".join(map(str, sorted(specifiers, key=lambda one: (_ORDER.index(one.operator), one.version))))
