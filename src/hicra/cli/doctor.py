"""The verb `hicra doctor` shows what is installed, what each engine needs, and how to repair what is missing or broken."""

from __future__ import annotations

import importlib
import importlib.util
import platform
from typing import Any

from hicra.cli.common import UNDRAWN, Undrawn
from hicra.engines.trl import versions
from hicra.version import __version__, installed

BASE = (
    "numpy",
    "polars",
    "scipy",
    "scikit-learn",
    "pydantic",
    "cyclopts",
    "rich",
    "jinja2",
    "tokenizers",
)


def doctor(*, common: Undrawn = UNDRAWN) -> int:
    """Show what is installed, which engines are ready, and how to repair what is broken."""
    result = examine()
    lines = [f"{name:16} {version or 'not installed'}" for name, version in result["versions"].items()]
    lines += [f"engine {name:9} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    common.give(result, "\n".join(lines))
    return 1 if result["problems"] else 0


def examine() -> dict[str, Any]:
    """Examines the installation.

    An absent engine is no problem, but a missing base package is one, and so is an installed engine that cannot work.

    Returns:
        {versions {package: version or None}, engines {name: {version, note}}, verl_plugin_registered, problems [{what, fix}]}.
    """
    found = {"hicra": __version__, "python": platform.python_version(), **{name: installed(name) for name in BASE}}
    problems = [
        {"what": f"package {name} is missing", "fix": f"pip install {name}"} for name in BASE if found[name] is None
    ]
    engines = {
        "trl": _trl(problems),
        "verl": {"version": installed("verl"), "note": "this version of hicra has no adapter for it"},
    }
    for name in ("torch", "transformers", "accelerate", "datasets", "peft"):
        found[name] = installed(name)
    return {"versions": found, "engines": engines, "verl_plugin_registered": False, "problems": problems}


def _trl(problems: list[dict[str, str]]) -> dict[str, Any]:
    version = installed("trl")
    if version is None:
        return {"version": None, "note": "not installed: pip install 'hicra[train]'"}
    if not versions.is_known(version):
        problems.append({
            "what": f"trl {version} is installed, but hicra works with TRL {versions.RANGE}", "fix": versions.INSTALL
        })  # fmt: skip
        return {"version": version, "note": f"untested version; hicra works with TRL {versions.RANGE}"}
    try:
        importlib.import_module("hicra.engines.trl.mixin")
    except Exception as error:  # whatever breaks the import, the user must see it
        problems.append({
            "what": f"hicra.engines.trl cannot be imported: {error}", "fix": "pip install 'hicra[train]'"
        })  # fmt: skip
        return {"version": version, "note": "the adapter cannot be imported"}
    return {"version": version, "note": "ready: hicra.engines.trl.HicraGRPOTrainer"}
