"""Writes docs/metrics.md from the table in hicra.metrics: `python docs/make_metrics.py`. A test keeps the two equal."""

from __future__ import annotations

from pathlib import Path

from hicra.metrics import METRICS

HEAD = """# Metrics

Written by `python docs/make_metrics.py` from `src/hicra/metrics/table.py`, which the logger and the report read as well.

Shares are tokens over tokens the policy produced (end token included), pooled over the batch and all ranks. Where no token ids
are known (`hicra diagnose` on plain text), words stand in for tokens. A step without a value has null, never NaN and never 0.
Token entropy and log-probability are those of the forward pass that was trained on, in nats.

| name | meaning | unit | better | needs |
| --- | --- | --- | --- | --- |
"""
TAIL = """
Deviations (the paper leaves them open):

1. Bins of the semantic entropy are the lexicon's grams; of nested occurrences only the longest counts. More hits raise the
   plug-in estimate by themselves, so the rarefied one is the one to compare over steps.
2. What follows a gram is the next three tokens of the same response.
3. A response is right when its task says so, else when its reward is at least 0.5.
4. exp(mean entropy) and perplexity of a policy's own samples at temperature 1 agree in expectation: they are two views of
   one quantity, not two findings.
"""


def page() -> str:
    """The text of docs/metrics.md."""
    better = {"up": "higher", "down": "lower", "": ""}
    rows = [
        f"| `{m.name}` | {m.meaning} | {m.unit} | {better[m.direction]} | {', '.join(m.needs)} |\n" for m in METRICS
    ]
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    (Path(__file__).parent / "metrics.md").write_text(page(), encoding="utf-8")
