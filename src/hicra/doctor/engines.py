"""Finds the training engines, whether the adapter of each works here, and the packages of environments."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

from hicra.doctor.fault import Fault
from hicra.engines.trl import versions as trl_versions
from hicra.install import install_command
from hicra.version import __version__, installed

Entry = dict[str, str | None]
VERL = "hicra.engines.verl"
APART = "trl and verl cannot share an environment: verl takes a class out of trl that newer versions of it lack"
ASK_VERL = f"import json; from {VERL} import registered; print(json.dumps(registered()))"
SECONDS = 300
# name: (what only this engine has below its package, since some names are of other packages as well; what hicra has for it)
BY_FOLDER = {
    "slime": ("backends/megatron_utils", "--custom-advantage-function-path hicra.engines.slime.shape"),
    "rllm": ("trainer/algorithms", "traj_grouping_hook=hicra.engines.rllm.grouping_hook(...)"),
    "skyrl": ("train/trainer.py", "class Mine(hicra.engines.skyrl.HicraSkyRL, RayPPOTrainer)"),
}
# extra: (package that it installs, what that is for); docs/reference/environments.md describes the environments
ENVIRONMENTS = {
    "hcraft": ("hcraft", "the environment hcraft of the engine related"),
    "minigrid": ("minigrid", "the environments minigrid and babyai of the engine related"),
    "textworld": ("textworld", "the environment textworld of the engine related"),
    "classic": ("stable-baselines3", "the learners of PEAR and OPARL (docs/methods/classic.md)"),
    "gym": ("reasoning-gym", "the environment jugs of the engine related, and the task reasoning_gym"),
}


def examine_environments() -> dict[str, Entry]:
    """Looks for the packages that worlds of other projects need: {extra: {version, note}}; an absent one is no problem."""
    found: dict[str, Entry] = {}
    for extra, (package, use) in ENVIRONMENTS.items():
        version = installed(package)
        state = "ready" if version else f"not installed: {install_command(extra)}"
        found[extra] = {"version": version, "note": f"{state}; for {use}"}
    return found


def examine_engines(want_verl: bool = False) -> tuple[dict[str, Entry], bool, list[Fault]]:
    """Looks at each engine; one that is absent is no problem, and one that is installed and cannot work is.

    Args:
        want_verl: whether verl is meant to be used here, so that its absence is a problem.

    Returns:
        {name: {version, note}}, whether verl's plug-in is registered, and the problems.
    """
    trl, problems = _trl()
    verl, registered, more = _verl(want_verl)
    entries = {"trl": trl, "related": _related(), "verl": verl, **{name: _by_folder(name) for name in BY_FOLDER}}
    return entries, registered, [*problems, *more]


def _trl() -> tuple[Entry, list[Fault]]:
    version = installed("trl")
    if version is None:
        return {"version": None, "note": _absent("train", "verl")}, []
    if not trl_versions.is_known(version):
        problem = Fault(
            f"trl {version} is installed, but hicra works with TRL {trl_versions.RANGE}", trl_versions.right_version()
        )
        return {
            "version": version,
            "note": f"untested version; hicra works with TRL {trl_versions.RANGE}",
        }, [problem]
    try:
        importlib.import_module("hicra.engines.trl.mixin")
    except Exception as error:  # whatever breaks the import, the user must see it
        problem = Fault(f"hicra.engines.trl cannot be imported: {error}", install_command("train"))
        return {"version": version, "note": "the adapter cannot be imported"}, [problem]
    return {"version": version, "note": "ready: hicra.engines.trl.HicraGRPOTrainer"}, []


def _related() -> Entry:
    """Looks at the engine of agents and trees, which is hicra's own and needs torch and transformers; its version is hicra's."""
    missing = [package for package in ("torch", "transformers") if installed(package) is None]
    if missing:
        return {"version": None, "note": f"needs {' and '.join(missing)}: {install_command('train')}"}
    return {
        "version": __version__,
        "note": "ready: hicra train --set engine=related, for agents and trees in environments",
    }


def _verl(wanted: bool) -> tuple[Entry, bool, list[Fault]]:
    version = installed("verl")
    if importlib.util.find_spec(VERL) is None:
        return {"version": version, "note": "this version of hicra has no adapter for it"}, False, []
    if version is None:
        missing = Fault(f"verl is not installed{f', and {APART}' if installed('trl') else ''}", install_command("verl"))
        return {"version": None, "note": _absent("verl", "trl")}, False, [missing] if wanted else []
    problems = _ask_verl()
    note = (
        "ready: trainer.v1.trainer_mode=hicra_sync"
        if not problems
        else "the plug-in is not registered: see the problems"
    )
    return {"version": version, "note": note}, not problems, problems


def _absent(extra: str, beside: str) -> str:
    """Says how an engine that is absent is installed, and why not here where another one is."""
    return f"not installed: {install_command(extra)}" + (f"; {APART}" if installed(beside) else "")


def _ask_verl() -> list[Fault]:
    """Asks whether the plug-in is registered in a process of its own, as each worker of verl is one.

    verl swallows the error of a plug-in that cannot be imported, and importing it changes other packages, so that this process
    should not.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK_VERL],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [Fault(f"importing verl took more than {SECONDS} seconds", "python -X importtime -c 'import verl'")]
    if (found := _answer(done.stdout)) is not None:
        return found
    last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    if done.returncode < 0:
        last = f"it was ended by {signal.Signals(-done.returncode).name}; the last it said: {last}"
    return [Fault(f"asking verl for its plug-ins failed: {last}", f"python -c '{ASK_VERL}'")]


def _answer(printed: str) -> list[Fault] | None:
    """Returns the problems in the line that holds them, None where none does; verl and what it imports print lines, too."""
    for line in reversed(printed.splitlines()):
        with contextlib.suppress(ValueError):
            if isinstance(found := json.loads(line), list):
                return [Fault(str(one["what"]), str(one["fix"])) for one in found]
    return None


def _by_folder(name: str) -> Entry:
    inside, how = BY_FOLDER[name]
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if any((Path(folder) / inside).exists() for folder in folders):
        return {"version": installed(name), "note": f"found: {how}"}
    return {"version": None, "note": f"not found here; docs/engines/{name}.md says how hicra goes into it"}
