"""`hicra doctor`: what is installed, what each engine needs, and what to do about what is missing or broken."""

from __future__ import annotations

import importlib
import importlib.util
import platform
from typing import Any

from hicra.cli.common import COMMON, Common
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


def doctor(*, common: Common = COMMON) -> int:
    """Say what is installed, which engines are ready, and how to mend what is broken."""
    result = examine()
    lines = [f"{name:16} {version or 'not installed'}" for name, version in result["versions"].items()]
    lines += [f"engine {name:9} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    common.give(result, "\n".join(lines))
    return 1 if result["problems"] else 0


def examine() -> dict[str, Any]:
    """versions {package: version or None}, engines {name: {version, note}}, verl_plugin_registered, problems [{what, fix}].

    An absent engine is no problem; a base package that is missing, or an installed engine that cannot work, is.
    """
    found = {"hicra": __version__, "python": platform.python_version(), **{name: installed(name) for name in BASE}}
    problems = [
        {"what": f"package {name} is missing", "fix": f"pip install {name}"} for name in BASE if found[name] is None
    ]
    engines = {
        "trl": _trl(problems),
        "verl": {"version": installed("verl"), "note": "no adapter in this version of hicra"},
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
            "what": f"trl {version} is installed, and hicra works with TRL {versions.RANGE}", "fix": versions.INSTALL
        })  # fmt: skip
        return {"version": version, "note": f"another version: hicra works with TRL {versions.RANGE}"}
    try:
        importlib.import_module("hicra.engines.trl.mixin")
    except Exception as error:  # whatever breaks the import is what the user must see
        problems.append({"what": f"hicra.engines.trl does not import: {error}", "fix": "pip install 'hicra[train]'"})
        return {"version": version, "note": "the adapter does not import"}
    return {"version": version, "note": "ready: hicra.engines.trl.HicraGRPOTrainer"}
