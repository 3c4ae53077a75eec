"""Says whether verl really finds the plug-in in this environment, since verl itself would be silent about it."""

from __future__ import annotations

import importlib
import os
from importlib.metadata import entry_points

from hicra.engines.verl.versions import RANGE, is_known
from hicra.install import install_command
from hicra.version import installed

GROUP, NAME = "verl.plugins", __name__.partition(".")[0]


def registered() -> list[dict[str, str]]:
    """Looks for everything that keeps the trainer modes from being registered; imports verl, where it is installed.

    Returns:
        Problems, each {what, fix}; none where the modes are registered in each process that imports verl with this environment.
    """
    version, install = installed("verl"), install_command("verl")
    if version is None:
        return [{"what": "verl is not installed", "fix": install}]
    found = []
    if installed("trl"):
        found.append({
            "what": f"trl {installed('trl')} stands beside verl, which takes a class out of it that TRL no longer has",
            "fix": install,
        })  # fmt: skip
    if not is_known(version):
        found.append({"what": f"verl {version} is installed, and the trainer modes work with {RANGE}", "fix": install})
    policy = os.environ.get("VERL_USE_EXTERNAL_PLUGINS", "auto").strip().lower()
    if policy != "auto" and NAME not in [one.strip() for one in policy.split(",")]:
        found.append({
            "what": f"VERL_USE_EXTERNAL_PLUGINS is {policy!r}, so verl does not load the plug-in {NAME!r}",
            "fix": "unset VERL_USE_EXTERNAL_PLUGINS",
        })  # fmt: skip
    points = [point for point in entry_points(group=GROUP) if point.name == NAME]
    if not points:
        what = f"no entry point {NAME!r} of group {GROUP!r} is installed"
        return [*found, {"what": what, "fix": install_command("", "--force-reinstall", "--no-deps")}]
    try:
        modes = points[0].load().MODES
        known = importlib.import_module("verl.trainer.ppo.v1.trainer_base").TRAINER_REGISTRY
        importlib.import_module("hicra.engines.verl.trainer")
    except Exception as error:  # whatever it is, verl swallows it, so the user must see it here
        return [*found, {"what": f"the plug-in cannot be imported: {type(error).__name__}: {error}", "fix": install}]
    if missing := [mode for mode in modes if mode not in known]:
        found.append({"what": f"verl does not know the trainer mode {missing[0]}", "fix": install})
    return found
