"""The plots of docs/lexicons.md, as plain SVG files that read on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from hicra.artifacts import write_text
from hicra.report.scales import nice_ticks

INK, PALE, MARKED = "#6b7280", "#9ca3af", "#d9480f"
BELOW = ("paper-n3", "mined", "mined-sparse")  # labels that would lie on others above their point
PANELS = {"human": "people's labels", "machine": "a model's labels (AIME 2024)"}


def draw(result: dict[str, Any], folder: Path) -> None:
    """precision-recall.svg, groups.svg and importance.svg."""
    write_text(folder / "precision-recall.svg", precision_recall(result))
    write_text(folder / "groups.svg", groups(result))
    write_text(folder / "importance.svg", importance(result))


def page(width: int, height: int, title: str, body: Sequence[str]) -> str:
    style = f"text{{font:12px system-ui,sans-serif;fill:{INK}}}.m{{fill:{MARKED};font-weight:600}}.s{{font-size:11px}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f"<title>{escape(title)}</title><style>{style}</style>{''.join(body)}</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, colour: str = PALE, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def best_unit(result: dict[str, Any], name: str) -> str:
    """The unit in which a lexicon is meant to be used."""
    return "sentence" if name == "planning" else "gram"


def precision_recall(result: dict[str, Any]) -> str:
    """A point a lexicon, crossed by its 95 % intervals; dashed: the base rate, which a random mask has as precision."""
    size, left, top, gap = 300, 46, 34, 70
    body = []
    for index, (which, title) in enumerate(PANELS.items()):
        x0 = left + index * (size + gap)

        def at(recall: float, precision: float, x0: int = x0) -> tuple[float, float]:
            return x0 + recall * size, top + (1 - precision) * size

        body.append(f'<rect x="{x0}" y="{top}" width="{size}" height="{size}" fill="none" stroke="{PALE}"/>')
        body.append(text(x0 + size / 2, 20, title, "middle"))
        for tick in (0, 0.25, 0.5, 0.75, 1):
            body.append(text(at(tick, 0)[0], top + size + 16, f"{tick:g}", "middle", "s"))
            body.append(text(x0 - 6, at(0, tick)[1] + 4, f"{tick:g}", "end", "s"))
        body.append(text(x0 + size / 2, top + size + 34, "recall", "middle"))
        body.append(text(x0 - 6, top - 8, "precision", "middle"))
        base = result["scores"]["paper"]["gram"][which]["all"]["base_rate"]
        body.append(line(*at(0, base), *at(1, base), dash="4 3"))
        body.append(text(at(1, base)[0] - 4, at(1, base)[1] + 14, f"base rate {base:.2f}", "end", "s"))
        for name, scores in result["scores"].items():
            found = scores[best_unit(result, name)][which]["all"]
            p, r = found["precision"], found["recall"]
            colour = MARKED if name == "planning" else INK
            low, high = found["intervals"]["recall"]
            body.append(line(*at(low, p), *at(high, p), colour))
            low, high = found["intervals"]["precision"]
            body.append(line(*at(r, low), *at(r, high), colour))
            x, y = at(r, p)
            body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            down = 14 if name in BELOW else -6
            right = r > 0.75  # the label would run out of the panel
            body.append(
                text(
                    x - 7 if right else x + 7,
                    y + down,
                    name,
                    "end" if right else "start",
                    "m" if name == "planning" else "s",
                )
            )
    return page(left + 2 * size + gap + 70, top + size + 44, "Precision and recall of each lexicon", body)


def rows_plot(
    title: str, rows: Sequence[tuple[str, float, float, float, bool]], low: float, high: float, axis: str,
    zero: float | None = None,
) -> str:  # fmt: skip
    """A row a line: label, value, interval, whether it is marked."""
    low, *_, high = nice_ticks(low, high)
    left, width, top, step = 240, 420, 14, 22
    bottom = top + step * len(rows)

    def at(value: float) -> float:
        return left + (min(max(value, low), high) - low) / (high - low) * width

    body = []
    for tick in nice_ticks(low, high):
        body.append(line(at(tick), top, at(tick), bottom, width=0.4))
        body.append(text(at(tick), bottom + 16, f"{tick:.2g}", "middle", "s"))
    if zero is not None:
        body.append(line(at(zero), top, at(zero), bottom, INK, 1.2))
    for index, (label, value, least, most, marked) in enumerate(rows):
        y = top + step * (index + 0.5)
        colour = MARKED if marked else INK
        body.append(text(left - 10, y + 4, label, "end", "m" if marked else ""))
        body.append(line(at(least), y, at(most), y, colour, 1.5))
        body.append(f'<circle cx="{at(value):.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
    body.append(text(left + width / 2, bottom + 34, axis, "middle"))
    return page(left + width + 24, bottom + 44, title, body)


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
        (label, gap[name]["within_fifths"]["value"], *gap[name]["within_fifths"]["interval"], label == "planning")
        for label, gap in found
    ]
    reach = max(max(abs(row[2]), abs(row[3])) for row in rows) * 1.1
    return rows_plot("Importance of flagged sentences", rows, -reach, reach, "nats, flagged minus rest (95 %)", 0.0)
