"""Scripts outside the package, as modules under names of their own: several folders have one of the same name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from paths import ROOT


def script(path: str | Path, name: str) -> Any:
    """Runs a script of the checkout and returns it as a module, which is known by that name from then on.

    Args:
        path: of the file, from the root of the checkout.
        name: dataclasses look their module up by it.
    """
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
