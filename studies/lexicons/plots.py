"""The plots of docs/evidence/lexicons.md, as SVG files that read on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import write_text
from hicra.drawing import svg
from hicra.drawing.plot import columns, plot
from hicra.drawing.scales import Scale, nice_ticks

MARKED = "planning"  # the lexicon that the page is about
BELOW = ("paper-n3", "mined", "mined-sparse")  # labels that would lie on others above their point
PANELS = {"human": "people's labels", "machine": "a model's labels (AIME 2024)"}


def draw(result: dict[str, Any], folder: Path) -> None:
    """precision-recall.svg, groups.svg and importance.svg."""
    write_text(folder / "precision-recall.svg", precision_recall(result) + "\n")
    write_text(folder / "groups.svg", groups(result) + "\n")
    write_text(folder / "importance.svg", importance(result) + "\n")


def best_unit(result: dict[str, Any], name: str) -> str:
    """The unit in which a lexicon is meant to be used."""
    return "sentence" if name == MARKED else "gram"


def precision_recall(result: dict[str, Any]) -> str:
    """A point a lexicon, crossed by its 95 % intervals; dashed: the base rate, which a random mask has as precision."""
    size, left, top, gap = 300, 46, 34, 70
    inside, told = [], []
    for index, (which, title) in enumerate(PANELS.items()):
        x0 = left + index * (size + gap)
        recall, precision = Scale(0, 1, x0, x0 + size), Scale(0, 1, top + size, top)
        inside.append(svg.tag("rect", class_="frame", x=x0, y=top, width=size, height=size))
        inside.append(svg.text(x0 + size / 2, 20, title, class_="ink mid"))
        for tick in (0, 0.25, 0.5, 0.75, 1):
            inside.append(svg.text(recall(tick), top + size + 16, f"{tick:g}", class_="mid"))
            inside.append(svg.text(x0 - 6, precision(tick) + 4, f"{tick:g}", class_="end"))
        inside.append(svg.text(x0 + size / 2, top + size + 34, "recall", class_="mid"))
        inside.append(svg.text(x0 - 6, top - 8, "precision", class_="mid"))
        base = result["scores"]["paper"]["gram"][which]["all"]["base_rate"]
        inside.append(svg.line(recall(0), precision(base), recall(1), precision(base), class_="zero"))
        inside.append(svg.text(recall(1) - 4, precision(base) + 14, f"base rate {base:.2f}", class_="end"))
        for name, scores in result["scores"].items():
            found = scores[best_unit(result, name)][which]["all"]
            x, y = recall(found["recall"]), precision(found["precision"])
            (left_end, right_end), (low, high) = found["intervals"]["recall"], found["intervals"]["precision"]
            right = found["recall"] > 0.75  # the label would run out of the panel
            cross = (
                svg.line(recall(left_end), y, recall(right_end), y, class_="span"),
                svg.line(x, precision(low), x, precision(high), class_="span"),
                svg.tag("circle", cx=x, cy=y, r=4),
                svg.text(
                    x - 7 if right else x + 7, y + (14 if name in BELOW else -6), name,
                    class_=("strong" if name == MARKED else "ink") + (" end" if right else ""),
                ),
            )  # fmt: skip
            inside.append(svg.tag("g", *cross, class_=look(name == MARKED)))
            told.append(f"{title}, {name}: precision {found['precision']:.2f}, recall {found['recall']:.2f}")
    return plot(
        left + 2 * size + gap + 70,
        top + size + 44,
        "Precision and recall of each lexicon",
        inside,
        "; ".join(told) + ".",
    )


def look(marked: bool) -> str:
    """The class of what is drawn for one row or point."""
    return "a1" if marked else "plain"


def rows_plot(
    title: str, rows: Sequence[tuple[str, float, float, float, bool]], low: float, high: float, axis: str,
    zero: float | None = None,
) -> str:  # fmt: skip
    """A row a line: label, value, interval, whether it is marked."""
    ticks = nice_ticks(low, high)
    left, width, top, step = 240, 420, 14, 22
    bottom = top + step * len(rows)
    scale = Scale(ticks[0], ticks[-1], left, left + width)

    def at(value: float) -> float:
        return scale(min(max(value, scale.low), scale.high))

    inside = columns(scale, ticks, top, bottom)
    if zero is not None:
        inside.append(svg.line(at(zero), top, at(zero), bottom, class_="zero"))
    for index, (label, value, least, most, marked) in enumerate(rows):
        y = top + step * (index + 0.5)
        name = svg.text(left - 10, y + 4, label, class_="strong end" if marked else "ink end")
        span = svg.line(at(least), y, at(most), y, class_="span")
        inside.append(svg.tag("g", name, span, svg.tag("circle", cx=at(value), cy=y, r=4), class_=look(marked)))
    inside.append(svg.text(left + width / 2, bottom + 38, axis, class_="mid"))
    told = "; ".join(f"{label}: {value:.3f}, {least:.3f} to {most:.3f}" for label, value, least, most, _ in rows)
    return plot(left + width + 24, bottom + 50, title, inside, told + ".")


def groups(result: dict[str, Any]) -> str:
    """F1 of `planning` by model and domain, cross-validated."""
    rows = []
    for which in PANELS:
        scores = result["scores"]["planning"]["sentence"][which]
        for key in ("model", "domain"):
            for value, found in scores[key].items():
                low, high = found["intervals"]["f1"]
                rows.append((f"{which}, {value.split('/')[-1]} ({found['traces']})", found["f1"], low, high, False))
        low, high = scores["all"]["intervals"]["f1"]
        rows.append((f"{which}, all ({scores['all']['traces']})", scores["all"]["f1"], low, high, True))
    return rows_plot(
        "F1 of planning by model and domain",
        rows,
        0.6,
        1.0,
        "F1, cross-validated by question (95 %); in brackets: traces",
    )


def importance(result: dict[str, Any]) -> str:
    """Importance of flagged sentences minus that of the rest, within fifths of the trace."""
    name = "counterfactual_importance_kl"
    found = [("labels", result["importance"]["labels"])]
    found += [(key, value[best_unit(result, key)]) for key, value in result["importance"].items() if key != "labels"]
    rows = [
        (label, gap[name]["within_fifths"]["value"], *gap[name]["within_fifths"]["interval"], label == MARKED)
        for label, gap in found
    ]
    reach = max(max(abs(row[2]), abs(row[3])) for row in rows) * 1.1
    return rows_plot("Importance of flagged sentences", rows, -reach, reach, "nats, flagged minus rest (95 %)", 0.0)
