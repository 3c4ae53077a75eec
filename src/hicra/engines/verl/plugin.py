"""The entry point of group `verl.plugins`: importing it has verl know the trainer modes, and a line says so in every process.

The modes are registered right after verl has imported its own trainers, in the processes that do so. To import those here would
be too early: they ask for the device, which another plug-in may have still to register, and cost seconds in processes that
train nothing.

verl swallows whatever goes wrong while a plug-in is imported, and later only says that it does not know the trainer mode. So what
goes wrong with the modes is said here, and what keeps even this module from being imported is found by `hicra doctor --verl`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from hicra.version import __version__, installed

AFTER = "verl.trainer.ppo.v1"
MODES = ("hicra_sync", "hicra_colocate_async", "hicra_separate_async")


def _say(text: str) -> None:
    print(f"hicra {__version__}: {text}", file=sys.stderr, flush=True)


def _register() -> None:
    try:
        importlib.import_module("hicra.engines.verl.trainer")
    except Exception as error:  # a run in another trainer mode goes on without us
        _say(f"trainer modes NOT registered: {type(error).__name__}: {error}\n  fix: hicra doctor --verl")


class _AfterTrainers(MetaPathFinder):
    """Lets the other finders find verl's trainers, and registers ours when those are there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != AFTER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            _register()

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec


if AFTER in sys.modules:
    _register()
else:
    sys.meta_path.insert(0, _AfterTrainers())
_say(f"plugin registered with verl {installed('verl')}, trainer modes {', '.join(MODES)}")
