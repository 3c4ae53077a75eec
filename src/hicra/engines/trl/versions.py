"""Which versions of TRL the adapter works with: those whose results are tested. Another one is refused by name.

`make check-slow` runs the engine's tests on the oldest, a middle and the newest of them. TRL 1.15 is left out: without Triton,
as on a CPU, its own loss fails, so nothing could be tested.
"""

from __future__ import annotations

import re

from hicra.errors import EngineError
from hicra.install import install_command
from hicra.version import installed

OLDEST, NEWEST, LEFT_OUT = (1, 8), (1, 16), (1, 15)
TOOLS_FROM = (1, 10)  # before, TRL does not read the response template of a tokenizer
RANGE = "1.8 to 1.14 and 1.16"
INSTALL = "pip install 'trl>=1.8,!=1.15.*,<1.17'"


def is_known(version: str) -> bool:
    """Says whether this version of TRL is one of those.

    >>> is_known("1.16.3"), is_known("1.8.0"), is_known("1.17.0"), is_known("0.29.1"), is_known("1.16.0.dev0")
    (True, True, False, False, False)
    """
    found = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)*", version)
    pair = (int(found[1]), int(found[2])) if found else LEFT_OUT
    return OLDEST <= pair <= NEWEST and pair != LEFT_OUT


def right_version() -> str:
    """Returns the command that installs one of those; beside verl, which TRL would break, in an environment of its own."""
    return install_command("train") if installed("verl") else INSTALL


def refuse_unknown() -> None:
    """Raises EngineError where the installed TRL is none of those, or where there is none."""
    version = installed("trl")
    if version is None:
        raise EngineError("hicra.engines.trl needs trl, which is not installed", install_command("train"))
    if not is_known(version):
        raise EngineError(f"trl {version} is installed, but hicra works with TRL {RANGE}", right_version())


def has_tools() -> bool:
    """Says whether the installed TRL, one of those, can let a model call tools."""
    return tuple(map(int, str(installed("trl")).split(".")[:2])) >= TOOLS_FROM


def refuse_tools() -> None:
    """Raises EngineError where the installed TRL cannot let a model call tools."""
    if not has_tools():
        raise EngineError(
            f"the task has tools, and trl {installed('trl')} does not read calls by a tokenizer's response template",
            "pip install 'trl>=1.10,!=1.15.*,<1.17'",
        )
