"""Makes the table of the lexicon's clusters in use: members, how often each arm uses them early and late, and an example."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hicra.drawing.readable import number, shorten
from hicra.report.model import Gram, ReportModel
from hicra.report.sections import early_and_late

MAX_CLUSTERS, MAX_MEMBERS = 60, 5
_AROUND = 40  # characters of the text on each side of an example


def cluster_table(model: ReportModel) -> dict[str, Any]:
    """Makes {text, columns, rows} with the clusters used most first; no rows where no gram's cluster is known."""
    members: dict[int, list[Gram]] = defaultdict(list)
    for gram in model.grams:
        if gram.cluster is not None:
            members[gram.cluster].append(gram)
    order = sorted(members, key=lambda cluster: (-sum(gram.total for gram in members[cluster]), cluster))
    columns = ["cluster", "grams in use", "solutions with the cluster"]
    for name in model.labels:
        columns += early_and_late(model, name)
    examples = _examples(model)
    rows = []
    for cluster in order[:MAX_CLUSTERS]:
        grams = members[cluster]
        names = ", ".join(gram.text for gram in grams[:MAX_MEMBERS])
        more = f" and {len(grams) - MAX_MEMBERS} more" if len(grams) > MAX_MEMBERS else ""
        row = [str(cluster), names + more, number(grams[0].cluster_df)]
        for arm in range(len(model.arms)):
            uses = [[gram.early[arm] for gram in grams], [gram.late[arm] for gram in grams]]
            row += [number(_sum(use)) for use in uses[: 1 if model.one_step else 2]]
        rows.append([*row, next((examples[gram.text] for gram in grams if gram.text in examples), "\u2013")])
    text = "A cluster holds grams that the embedder finds alike. "
    text += "Its use adds up that of its grams." if model.one_step else "Early and late add up those of its grams."
    if len(order) > MAX_CLUSTERS:
        text += f" The table has the {MAX_CLUSTERS} most used of {len(order)} clusters."
    return {"text": text, "columns": [*columns, "example"], "rows": rows}


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _examples(model: ReportModel) -> dict[str, str]:
    """Returns for each gram the text around its first occurrence in the rollouts that are shown."""
    found: dict[str, str] = {}
    for rollout in model.rollouts:
        for start, end, gram in rollout.spans:
            if gram not in found:
                low, high = max(0, start - _AROUND), min(len(rollout.response), end + _AROUND)
                text = " ".join(rollout.response[low:high].split())
                edges = ("\u2026" * (low > 0), "\u2026" * (high < len(rollout.response)))
                found[gram] = shorten(f"{edges[0]}{text}{edges[1]}", 2 * _AROUND + 100)
    return found
