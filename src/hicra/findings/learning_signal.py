"""Where the learning signal of the rollouts is, on planning or on execution tokens, as `hicra diagnose --signal` measured it."""

from __future__ import annotations

from typing import Any

from hicra.drawing.readable import counted
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.measured_signal import kind_sentence, notes
from hicra.metrics.kinds import KINDS

PLANNING = KINDS[0]


def learning_signal(evidence: Evidence) -> Finding | None:
    """Says which kind of token holds the signal; None where nothing was measured."""
    found = evidence.signal
    if found is None:
        return None
    one = found["kinds"][PLANNING]
    figures: dict[str, Any] = {
        **{f"share_{kind}": found["kinds"][kind]["share"] for kind in KINDS},
        "ci_planning": one["ci"], "batches": found.get("batches"), "rollouts": found.get("rollouts"),
        "mixed_groups": found.get("mixed_groups"), "groups": found.get("groups"), "steps": found.get("steps"),
    }  # fmt: skip
    headline = None
    if one["share"] is not None:
        low, high = one["ci"] or (None, None)
        headline = Headline("share of the learning signal on planning tokens", one["share"], low, high)
    rollouts = counted(found.get("rollouts") or 0, "rollout")
    said = " ".join(f"{text[:1].upper()}{text[1:]}." for text in notes(found))
    text = f"{kind_sentence(found)} Measured on {rollouts} of the data, at one model. {said}".rstrip()
    return Finding("learning_signal", text, figures, headline=headline)
