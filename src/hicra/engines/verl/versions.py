"""Which versions of verl the plug-in works with: those that it is tested on end to end (`make check-verl`)."""

from __future__ import annotations

import re

from hicra.errors import EngineError
from hicra.install import install_command
from hicra.version import installed

RANGE = "0.9.1"


def is_known(version: str) -> bool:
    """Says whether the trainer modes work with this version of verl.

    >>> is_known("0.9.1"), is_known("0.9.1.post2"), is_known("0.9.0"), is_known("0.10.0.dev")
    (True, True, False, False)
    """
    return re.fullmatch(r"0\.9\.1(\.post\d+)?", version) is not None


def refuse_unknown() -> None:
    """Raises EngineError where the installed verl is another one."""
    version = installed("verl")
    if version is None or not is_known(version):
        raise EngineError(
            f"the trainer modes of hicra work with verl {RANGE}, and {version or 'no version of it'} is installed",
            f"{install_command('verl')}; in a trainer of an older fork, call hicra.engines.verl.shape(data, ...) after "
            "compute_advantage",
        )
