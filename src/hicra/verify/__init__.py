"""Checks answers, whatever they hold, with `Verifier`, `verify_file` and `reward`; docs/reference/verifier.md has the contract.

    from hicra import verify
    with verify.Verifier(workers=2, timeout=2.0) as v:
        for answer in v.check(completions, golds):
            answer.verdict, answer.extracted, answer.seconds

Importing this package imports only the standard library; math-verify and sympy run in the worker processes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hicra.verify.item import VERDICTS, Answer, Verdict
from hicra.verify.reading.extract import MODES, Mode, last_box, last_number
from hicra.verify.reading.gold import Gold
from hicra.verify.reward import Rewards, counts, reward
from hicra.verify.verifier import Verifier, versions

if TYPE_CHECKING:
    from hicra.verify.files import verify_file

__all__ = [
    "MODES", "VERDICTS", "Answer", "Gold", "Mode", "Rewards", "Verdict", "Verifier", "counts", "last_box", "last_number",
    "reward", "verify_file", "versions",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "verify_file":  # its reader imports polars, which neither a worker nor a reward function needs
        return importlib.import_module("hicra.verify.files").verify_file
    raise AttributeError(f"module 'hicra.verify' has no attribute {name!r}")
