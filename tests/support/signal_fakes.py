"""Made-up results of `hicra signal`, and folders that hold them, for the tests of the report alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

METHODS = ("none", "hicra", "hicra@alpha=0.8", "placebo@alpha=0.2@seed=3", "entropy_advantage")


def signal_result(planning: float = 0.09, ci: tuple[float, float] = (0.05, 0.16), **more: Any) -> dict[str, Any]:
    """A result in which planning tokens hold this share of the signal; hicra's step is better, that of alpha 0.8 worse."""
    differences = (0.0, 0.045, -0.02, 0.003, 0.1)
    intervals = ((0.0, 0.0), (0.02, 0.07), (-0.03, -0.01), (-0.01, 0.016), (0.06, 0.14))
    return {
        "kinds": {
            "planning": {"signal": 1e-5 * planning, "noise": 8e-5, "snr": 0.125 * planning, "share": planning, "ci": list(ci),
                "signal_ci": [-1e-7, 3e-6], "batches_needed": 77,
            },
            "execution": {
                "signal": 1e-5 * (1 - planning), "noise": 4e-4, "snr": 0.025 * (1 - planning),
                "share": 1 - planning, "ci": [1 - ci[1], 1 - ci[0]],
            },
            "label:plan": {"signal": 6e-7, "noise": 1e-5, "snr": 0.06, "share": 0.06, "ci": [0.02, 0.11]},
            "label:format": {"signal": None, "noise": None, "snr": None, "share": None, "ci": None},
        },
        "methods": {
            name: {
                "cosine": 0.475 + difference, "cosine_ci": [0.4 + difference, 0.55 + difference],
                "difference": difference, "difference_ci": list(interval), "bias_cosine": 0.98, "snr": 0.28,
                "bias_cosine_ci": [0.91, 1.02], "batches_needed": None,
            }
            for name, difference, interval in zip(METHODS, differences, intervals, strict=True)
        },
        "batches": 24, "rollouts": 6144, "accuracy": 0.05,
        "model": "plan-execute-weak", "task": "plan_execute", "lexicon": "exact", "warnings": [],
        **more,
    }  # fmt: skip


def signal_folder(path: Path, result: Any = None, **manifest: Any) -> Path:
    """Writes a folder as `hicra signal` does."""
    path.mkdir(parents=True)
    head = {
        "kind": "hicra.signal", "schema_version": 1, "settings": {"batches": 24, "parameters": "all"}, "inputs": {"lexicon": "0"},
        "versions": {}, "complete": True, "seconds": 118.2, **manifest,
    }  # fmt: skip
    (path / "hicra.json").write_text(json.dumps(head), encoding="utf-8")
    (path / "signal.json").write_text(json.dumps(signal_result() if result is None else result), encoding="utf-8")
    return path


def hostile_result(payloads: list[str]) -> dict[str, Any]:
    """A result with a payload in every place that holds text."""
    result = signal_result(warnings=list(payloads), **{payload: payload for payload in payloads})
    result["kinds"] |= {f"label:{payload}": result["kinds"]["label:plan"] for payload in payloads}
    result["methods"] |= dict.fromkeys(payloads, result["methods"]["hicra"])
    return result
