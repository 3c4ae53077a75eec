"""Which versions of TRL the adapter works with: those whose results are tested. Another one is refused by name.

`make check-slow` runs the engine's tests on the oldest, a middle and the newest of them.
"""

from __future__ import annotations

import re

from hicra.errors import EngineError
from hicra.version import installed

OLDEST, NEWEST = (1, 8), (1, 16)
RANGE = f"{'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
INSTALL = f"pip install 'trl>={OLDEST[0]}.{OLDEST[1]},<{NEWEST[0]}.{NEWEST[1] + 1}'"


def is_known(version: str) -> bool:
    """Says whether this version of TRL is one of those.

    >>> is_known("1.16.3"), is_known("1.8.0"), is_known("1.17.0"), is_known("0.29.1"), is_known("1.16.0.dev0")
    (True, True, False, False, False)
    """
    found = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)*", version)
    return found is not None and OLDEST <= (int(found[1]), int(found[2])) <= NEWEST


def refuse_unknown() -> None:
    """Raises EngineError where the installed TRL is none of those; without TRL its import says what to do."""
    version = installed("trl")
    if version is not None and not is_known(version):
        raise EngineError(f"trl {version} is installed, but hicra works with TRL {RANGE}", INSTALL)
