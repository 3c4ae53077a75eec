"""The versions that hicra is tested with, from its own package metadata, so that they stand nowhere twice."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from typing import NamedTuple

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*([^;]*)(?:;.*extra == ['\"]([^'\"]+)['\"])?")
_SPECIFIER = re.compile(r"(==|!=|>=|<=|<|>|~=)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")
_ORDER = (">=", ">", "~=", "==", "!=", "<=", "<")  # in which a reader expects them
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_COMPARED: dict[str, Callable[[list[int], list[int]], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


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
    """Returns what hicra's metadata asks for; nothing where hicra runs from a folder that is not installed."""
    try:
        lines = importlib.metadata.requires("hicra") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        if matched := _REQUIREMENT.match(line):
            ordered = sorted(_SPECIFIER.finditer(matched[2]), key=lambda one: _ORDER.index(one[1]))
            found.append(Requirement(matched[1], ",".join(one[0] for one in ordered), matched[3] or ""))
    return found


def fits(version: str, versions: str) -> bool:
    """Says whether a version is one of those; what stands behind its release (rc1, +cpu) is not looked at.

    >>> fits("2.13.0+cpu", ">=2.10"), fits("1.15.2", "!=1.15.*,<1.17,>=1.8"), fits("3.0", "<3"), fits("0.1.25", "==0.1.25")
    (True, False, False, True)
    """
    release = _numbers(version)
    return all(_one(release, *found) for found in _SPECIFIER.findall(versions))


def _one(release: list[int], operator: str, wanted: str, star: str) -> bool:
    other = _numbers(wanted)
    if operator == "~=":
        return release >= other and release[: len(other) - 1] == other[:-1]
    if operator in ("==", "!="):
        width = len(other) if star else max(len(release), len(other))
        return (_wide(release, width) == _wide(other, width)) == (operator == "==")
    width = max(len(release), len(other))
    return _COMPARED[operator](_wide(release, width), _wide(other, width))


def _numbers(version: str) -> list[int]:
    found = _RELEASE.match(version)
    return [int(part) for part in found[0].split(".")] if found else []


def _wide(release: list[int], width: int) -> list[int]:
    return [*release, *[0] * width][:width]
