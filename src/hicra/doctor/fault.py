"""A fault is something broken (`problems` of `--json`), with the one command or sentence that repairs it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Fault(NamedTuple):
    """Says what is broken, and how to repair it."""

    what: str
    fix: str

    def as_json(self) -> dict[str, Any]:
        """Returns it as `--json` prints it."""
        return {"what": self.what, "fix": self.fix}
