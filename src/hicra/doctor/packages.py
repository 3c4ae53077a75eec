"""Compares the installed packages with the versions that hicra is tested with."""

from __future__ import annotations

import importlib.metadata
import platform

from hicra.doctor.fault import Fault
from hicra.doctor.requirements import Requirement, fits, requirements
from hicra.version import __version__, installed

SHOWN = ("trl", "torch", "transformers", "accelerate", "datasets", "peft", "verl", "ray", "vllm")
ENGINE_OF = {"train": "trl"}  # extra: the engine whose presence says that the extra is in use
OWN_CHECK = ("trl", "verl")  # whose versions are looked at with the engine
FOR_DEVELOPERS = "dev"


def versions() -> dict[str, str | None]:
    """Returns the version of Python, of hicra and of each package that it uses, None where one is not installed."""
    base = [one.package for one in requirements() if not one.extra]
    return {
        "hicra": __version__,
        "python": platform.python_version(),
        **{name: installed(name) for name in dict.fromkeys([*base, *SHOWN])},
    }


def tested() -> dict[str, str]:
    """Returns the versions that hicra is tested with: of Python, of its base packages and of those of its extras.

    Those that go with an engine are left out where it is absent, since another engine here may want others.
    """
    pythons = []
    for line in _classifiers():
        language, _, number = line.rpartition(" :: ")
        if language == "Programming Language :: Python" and "." in number:
            pythons.append(number)
    ranges = {
        one.package: one.versions
        for one in requirements()
        if one.extra != FOR_DEVELOPERS and (one.extra not in ENGINE_OF or one.package in OWN_CHECK or _in_use(one))
    }
    return {"python": ", ".join(pythons), **ranges}


def examine_packages() -> tuple[list[Fault], list[str]]:
    """Returns what is broken: a base package that is missing, or a version that does not go with an engine in use; and notes."""
    problems, notes = [], []
    for one in requirements():
        version = installed(one.package)
        if one.package in OWN_CHECK or one.extra == FOR_DEVELOPERS:
            continue
        if version is None:
            if not one.extra:
                problems.append(Fault(f"package {one.package} is missing", one.command))
        elif not fits(version, one.versions):
            said = f"{one.package} {version} is installed, and hicra is tested with {one.package} {one.versions}"
            if _in_use(one):
                problems.append(Fault(said, one.command))
            elif one.extra not in ENGINE_OF:
                notes.append(f"{said}: {one.command}")
    here = ".".join(platform.python_version_tuple()[:2])
    pythons = tested()["python"]
    if pythons and here not in pythons.split(", "):
        notes.append(f"Python {here} is untested; hicra is tested with {pythons}")
    if not requirements():
        notes.append("hicra runs from a folder and is not installed, so the versions of packages are not compared")
    return problems, notes


def _in_use(one: Requirement) -> bool:
    return not one.extra or (one.extra in ENGINE_OF and installed(ENGINE_OF[one.extra]) is not None)


def _classifiers() -> list[str]:
    try:
        return importlib.metadata.metadata("hicra").get_all("Classifier") or []
    except importlib.metadata.PackageNotFoundError:
        return []
