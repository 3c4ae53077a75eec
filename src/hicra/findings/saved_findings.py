"""The findings of a diagnosed run as a file of its run folder, so that who shows them need not read all rollouts again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, read_json, write_text
from hicra.errors import ArtifactError
from hicra.findings.finding import Finding, Headline, Looked

FINDINGS_FILE = "findings.json"
_AGAIN = "remove the file, or let `hicra diagnose` make the run folder again"


def save_findings(run: Path, looked: Looked) -> None:
    """Writes what was looked for into a run folder: {found: [as `Finding.as_json`], unlooked: {name: why}}."""
    found = [one.as_json() for one in looked.found]
    write_text(run / FINDINGS_FILE, canonical_json({"found": found, "unlooked": looked.unlooked}))


def saved_findings(run: Path) -> Looked | None:
    """Reads it back; None where there is none.

    Raises:
        ArtifactError: the file is not what `save_findings` writes.
    """
    if not (run / FINDINGS_FILE).exists():
        return None
    saved = read_json(run / FINDINGS_FILE, _AGAIN)
    try:
        found = [_finding(one) for one in saved["found"]]
        return Looked(found, {str(name): str(why) for name, why in saved["unlooked"].items()})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ArtifactError(f"{run / FINDINGS_FILE} holds no findings", _AGAIN) from None


def _finding(saved: dict[str, Any]) -> Finding:
    headline = saved["headline"]
    if headline is not None:
        low, high = headline["interval"] or (None, None)
        headline = Headline(str(headline["what"]), float(headline["value"]), low, high)
    if saved["alarm"] not in (True, False, None) or not all(
        {"step", "row", "id"} <= set(one) for one in saved["rollouts"]
    ):
        raise ValueError
    return Finding(
        str(saved["name"]), str(saved["text"]), dict(saved["figures"]), saved["alarm"], headline, tuple(saved["rollouts"]),
        str(saved["then"]),
    )  # fmt: skip
