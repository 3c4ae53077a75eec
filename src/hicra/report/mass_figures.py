"""Makes the figures of the advantage mass by kind: bars before and after shaping for each arm, and its course over steps."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hicra.drawing import svg
from hicra.drawing.readable import number, shorten
from hicra.drawing.scales import Scale
from hicra.report.figures import MAX_FAINT, Curve, Figure, Panel, grid
from hicra.report.mass import Mass
from hicra.report.model import ReportModel
from hicra.report.values import Values, average, band_of_seeds, smooth

WIDTH, MAX_ARMS = 400, 6
_LEFT, _RIGHT, _TOP, _HEAD, _ROW, _BAR = 50, 350, 30, 24, 24, 16
_WHEN = (("before", "advantage before shaping"), ("after", "advantage trained on"))


def of_arms(model: ReportModel) -> list[tuple[int, Mass]]:
    """Returns the mass of each arm that has any, over all of its runs and steps."""
    out = []
    for arm in range(len(model.arms)):
        whole = sum((mass for run in model.runs if run.arm == arm for mass in run.mass.values()), Mass())
        if any(whole.parts()):
            out.append((arm, whole))
    return out


def mass_bars(model: ReportModel) -> dict[str, Any] | None:
    """Makes the bars with their table, as the template takes a figure; None where no run has advantages a token."""
    found = of_arms(model)
    if not found:
        return None
    rows = []
    for arm, mass in found:
        for (when, _), planning, execution, share in zip(
            _WHEN, mass.parts()[::2], mass.parts()[1::2], mass.shares(), strict=True
        ):
            execution_share = None if share is None else 1 - share
            rows.append(
                [
                    f"{model.labels[arm]}, {when}", number(share, True), number(execution_share, True),
                    number(planning), number(execution),
                ]
            )  # fmt: skip
    return {
        "key": "mass",
        "title": "Advantage mass by kind",
        "shows": "The sum of the advantages of all tokens of a kind, each without its sign, over all rollouts of an arm.",
        "read": "How much of what a model learns from stands on planning tokens, before shaping and after it.",
        "notes": [],
        "charts": [{"name": "", "svg": Markup(_drawn(model, found))}],
        "table": {
            "caption": "Shares and sums over all rollouts of an arm",
            "first": "arm",
            "columns": [
                {"name": name} for name in ("planning share", "execution share", "planning mass", "execution mass")
            ],
            "rows": rows,
        },
    }  # fmt: skip


def _drawn(model: ReportModel, found: list[tuple[int, Mass]]) -> str:
    scale = Scale(0.0, 1.0, _LEFT, _RIGHT)
    out = [_key()]
    y, said = float(_TOP), []
    for arm, mass in found[:MAX_ARMS]:
        if len(model.arms) > 1:
            out.append(svg.text(0, y + 14, shorten(model.labels[arm], 48), class_="strong"))
            y += _HEAD
        for (when, words), share in zip(_WHEN, mass.shares(), strict=True):
            out.append(svg.text(0, y + 12, when, class_="ink"))
            if share is not None:
                edge, end = scale(share), scale(1.0)
                out.append(svg.tag("rect", class_="full planning", x=_LEFT, y=y, width=edge - _LEFT, height=_BAR))
                out.append(svg.tag("rect", class_="full execution", x=edge, y=y, width=end - edge, height=_BAR))
                said.append(f"{model.labels[arm]}, {words}: {number(share, True)} on planning tokens")
            out.append(svg.text(WIDTH, y + 12, number(share, True), class_="end ink"))
            y += _ROW
        y += 8
    if len(found) > MAX_ARMS:
        out.append(svg.text(0, y + 12, f"{len(found) - MAX_ARMS} further arms are in the table"))
        y += _ROW
    return svg.document(
        WIDTH, y, "Advantage mass by kind", *out, about=f"{'. '.join(said)}.", key="mass", class_="chart"
    )


def _key() -> str:
    def part(x: float, kind: str) -> list[str]:
        box = svg.tag("rect", class_=f"full {kind}", x=x, y=4, width=12, height=12)
        return [box, svg.text(x + 18, 14, kind, class_="ink")]

    return svg.tag(
        "g", *part(_LEFT, "planning"), *part(_LEFT + 90, "execution"), svg.text(WIDTH, 14, "planning", class_="end")
    )


def mass_curve(model: ReportModel) -> list[Figure]:
    """Returns the figure of the planning share of the mass over steps, before and after shaping; none without two steps."""
    groups = [group for group in grid(model) if any(step in run.mass for run in model.runs for step in group)]
    if len(groups) < 2:
        return []
    several = len(model.arms) > 1
    lines = []
    for arm, title in enumerate(model.labels):
        members = [run.mass for run in model.runs if run.arm == arm and run.mass]
        for kind, name in ((1, "after"), (0, "before")):
            curves = [_shares(mass, groups, kind) for mass in members]
            if not curves:
                continue
            mean: Values = tuple(average(column) for column in zip(*curves, strict=True))
            bold = smooth(mean)
            faint = tuple(curves) if len(model.runs) <= MAX_FAINT and (len(curves) > 1 or bold != mean) else ()
            low, high = band_of_seeds(curves)
            lines.append(Curve(arm, 1 - kind, title if several else "", name, mean, bold, faint, None, low, high))
    x = tuple(sum(group) / len(group) for group in groups)
    panel = Panel("", "", x, tuple(lines), (0.0,), percent=True)
    shows = "The share of the advantage mass on planning tokens at each step: the sum of |A| over them, over that of all tokens."
    read = "The gap between the two lines of an arm is what shaping moves to planning tokens."
    return [Figure("mass-steps", "Advantage mass on planning", (panel,), shows, read)]


def _shares(mass: Any, groups: list[list[int]], kind: int) -> Values:
    sums = [sum((mass[step] for step in group if step in mass), Mass()) for group in groups]
    return tuple(one.shares()[kind] for one in sums)
