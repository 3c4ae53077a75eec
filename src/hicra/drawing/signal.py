"""Draws where the learning signal of a model is, and what one step of a method is worth, as parts of a figure.

Both charts are narrow, so that a telephone shows them at a size that can be read. A kind of token has its colour and its shape,
and every value stands beside its mark in figures: nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from hicra.drawing import svg
from hicra.drawing.readable import decimal, interval_end, number, shorten
from hicra.drawing.scales import Scale, nice_ticks

WIDTH = 360
MAX_ROWS = 60  # methods of a chart, and kinds of a model; the tables of the page hold the rest
KINDS = ("planning", "execution")
_HEAD, _ROW, _SMALL = 24, 22, 17
_LEFT, _RIGHT = 74, 222  # the axis of shares
_LETTER, _BOLD = 6.6, 8.4  # the width of a letter, and of a bold one
_LONGEST = 23  # letters of the name of a method
_COSINE = 46  # room for the column of cosines


@dataclass(frozen=True)
class Share:
    """The share of the signal on one kind of token, with its interval; None where it is not known."""

    kind: str
    share: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ModelShares:
    """One measured model: its name, a few words on it, and its kinds, planning and execution first."""

    name: str
    about: str
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Step:
    """What one step of a method is worth: its cosine, and the difference to the cosine of the unshaped step."""

    method: str
    cosine: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Chart:
    """A chart before it is put into a page or a file: its elements, its height, and what it shows in words."""

    inside: list[str]
    height: float
    about: str


def looks() -> str:
    """The style of both charts, which a page or a file needs beside that of theme.py."""
    return files("hicra.drawing").joinpath("signal.css").read_text(encoding="utf-8")


def percent(value: float) -> str:
    """Writes a share in whole percent, without the sign.

    >>> [percent(0.914), percent(-0.004), percent(1.02)]
    ['91', '0', '102']
    """
    return shorten(decimal(100 * value, 0).replace("-", "\u2212"), 9)


def share_words(share: Share) -> str:
    """Writes a share with its interval.

    >>> share_words(Share("planning", 0.914, 0.84, 0.95))
    '91\\xa0% (84 to 95)'
    """
    if share.share is None:
        return "cannot be told"
    said = f"{percent(share.share)}\u00a0%"
    if share.low is None or share.high is None:
        return f"{said} (no interval)"
    return f"{said} ({percent(share.low)} to {percent(share.high)})"


# ---- the signal by kind
def shares_chart(models: Sequence[ModelShares]) -> Chart:
    """Draws the share of the signal on each kind of token, model by model, with a line at one half.

    Args:
        models: the models, in the order of the chart.
    """
    ends = [end for model in models for one in model.shares[:MAX_ROWS] for end in (one.share, one.low, one.high)]
    known = [end for end in ends if end is not None]
    scale = Scale(max(-0.5, min([0.0, *known])), min(1.5, max([1.0, *known])), _LEFT, _RIGHT)
    rows, y, said = list[str](), 0.0, list[str]()
    for model in models:
        about = shorten(model.about, 30)
        name = shorten(model.name, int((WIDTH - _LETTER * len(about)) / _BOLD) - 1)
        words = svg.text(0, y + 14, name, class_="strong")
        rows.append(svg.tag("g", svg.tag("title", svg.escaped(model.name)), words))
        rows.append(svg.text(WIDTH, y + 14, about, class_="end"))
        y += _HEAD
        for share in model.shares[:MAX_ROWS]:
            tall = _ROW if share.kind in KINDS else _SMALL
            rows.append(_share_row(share, scale, y + tall / 2))
            y += tall
        y += 12
        said.append(f"{model.name}: " + ", ".join(f"{one.kind} {share_words(one)}" for one in model.shares[:MAX_ROWS]))
    bottom = y - 6
    grid = [svg.line(scale(at), _HEAD - 4, scale(at), bottom, class_="grid") for at in (0.0, 1.0)]
    grid.append(svg.line(scale(0.5), _HEAD - 4, scale(0.5), bottom, class_="zero"))
    ticks = [
        svg.text(scale(at), bottom + 15, words, class_="mid")
        for at, words in ((0.0, "0"), (0.5, "half"), (1.0, "100\u00a0%"))
    ]
    return Chart([*grid, *rows, *ticks], bottom + 20, f"Share of the signal with 95 % intervals. {'. '.join(said)}.")


def _share_row(share: Share, scale: Scale, y: float) -> str:
    main = share.kind in KINDS
    look = share.kind if main else "plain"
    name, size = (share.kind, None) if main else (share.kind.removeprefix("label:"), "small")
    inside = [
        svg.tag("title", svg.escaped(f"{share.kind}: {share_words(share)}")),
        svg.text(0 if main else 8, y + 4, shorten(name, 11 if main else 10), class_="ink" if main else size),
        svg.text(WIDTH, y + 4, share_words(share), class_=f"end {'ink' if main else size}"),
    ]
    if share.share is not None:
        low, high = sorted((_within(scale, 0.0), _within(scale, share.share)))
        tall = 12 if main else 7
        inside.append(svg.tag("rect", class_="bar", x=low, y=y - tall / 2, width=high - low, height=tall))
        inside += _interval(scale, share.low, share.high, y)
        inside.append(_mark(share.kind, _within(scale, share.share), y))
    return svg.tag("g", *inside, class_=look)


def _mark(kind: str, x: float, y: float) -> str:
    if kind == "execution":  # a square, so that the kinds differ without their colours
        return svg.tag("rect", class_="dot", x=x - 4, y=y - 4, width=8, height=8)
    return svg.tag("circle", cx=x, cy=y, r=4.5 if kind == "planning" else 2.8)


def _within(scale: Scale, value: float) -> float:
    """The place of a value; what lies outside the axis is put at its end."""
    return scale(max(scale.low, min(scale.high, value)))


def _interval(scale: Scale, low: float | None, high: float | None, y: float) -> list[str]:
    """Draws an interval; an end that lies outside the axis has an arrow."""
    if low is None or high is None:
        return []
    start, end = _within(scale, low), _within(scale, high)
    out = [svg.line(start, y, end, y, class_="mean")]
    for value, x, inwards in ((low, start, 5), (high, end, -5)):
        if scale.low <= value <= scale.high:
            out.append(svg.line(x, y - 4, x, y + 4, class_="span"))
        else:
            out += [svg.line(x + inwards, y + side, x, y, class_="span") for side in (-4, 4)]
    return out


# ---- the quality of a step
def in_order(steps: Sequence[Step]) -> list[Step]:
    """Sorts methods by the difference to the unshaped step, the best first; those without one come last."""
    return sorted(steps, key=lambda step: (step.difference is None, -(step.difference or 0.0), step.method))


def reach(steps: Sequence[Step]) -> list[float]:
    """Returns every difference and every end of an interval, so that charts can have one scale."""
    return [end for step in steps for end in (step.difference, step.low, step.high) if end is not None]


def steps_chart(steps: Sequence[Step], include: Sequence[float] = ()) -> Chart:
    """Draws a row a method: the difference of its cosine to that of the unshaped step, with its interval, and the cosine.

    A filled dot has an interval off 0, a hollow one has not.

    Args:
        steps: the methods; `none` is the unshaped step, which is GRPO's.
        include: further differences that the scale must hold, such as those of other models.
    """
    shown = in_order(steps)
    left_out = max(0, len(shown) - MAX_ROWS)
    if left_out:  # the unshaped step stays, since the others are compared with it
        unshaped = [step for step in shown[MAX_ROWS - 1 :] if step.method == "none"]
        shown = [*shown[: MAX_ROWS - len(unshaped)], *unshaped]
    ends = [max(-2.0, min(2.0, end)) for end in (*reach(shown), *include)]
    ticks = nice_ticks(min([0.0, *ends]), max([0.0, *ends]), 3)
    left = _LETTER * max([6, *(len(_method(step)) for step in shown)]) + 12
    right, bottom = WIDTH - _COSINE - 12.0, _HEAD + _ROW * len(shown)
    scale = Scale(ticks[0], ticks[-1], left, right)
    out = [
        svg.text(0, 13, "method"),
        svg.text((left + right) / 2, 13, "cosine minus none", class_="mid"),
        svg.text(WIDTH, 13, "cosine", class_="end"),
    ]
    for tick in ticks:
        look = "zero" if tick == 0 else "grid"
        out.append(svg.line(scale(tick), _HEAD - 4, scale(tick), bottom, class_=look))
        words = number(tick) if tick <= 0 else f"+{number(tick)}"
        out.append(svg.text(scale(tick), bottom + 15, words, class_="mid"))
    for at, step in enumerate(shown):
        out.append(_step_row(step, scale, _HEAD + _ROW * (at + 0.5)))
    said = [f"{step.method}: {step_words(step)}" for step in shown]
    if left_out:
        said.append(f"{left_out} further methods are in the table")
        out.append(svg.text(0, bottom + 34, f"{left_out} further methods are in the table"))
    return Chart(out, bottom + (40 if left_out else 20), f"Cosine with the unshaped gradient. {'. '.join(said)}.")


def _method(step: Step) -> str:
    return shorten("none (GRPO)" if step.method == "none" else step.method, _LONGEST)


def step_words(step: Step) -> str:
    """Writes the cosine of a step and its difference to that of the unshaped one.

    >>> step_words(Step("hicra", 0.52, 0.045, 0.02, 0.07))
    'cosine 0.520, +0.045 (+0.020 to +0.070)'
    """
    cosine = "cosine cannot be told" if step.cosine is None else f"cosine {_signed(step.cosine, False)}"
    if step.method == "none" or step.difference is None:
        return cosine
    ends = "no interval" if step.low is None or step.high is None else f"{_end(step.low)} to {_end(step.high)}"
    return f"{cosine}, {_signed(step.difference)} ({ends})"


def told_apart(step: Step) -> int:
    """Returns 1 where the interval of the difference lies above 0, -1 where it lies below, 0 where it does not tell.

    >>> [told_apart(Step("x", 0.5, 0.1, low, high)) for low, high in ((0.05, 0.2), (-0.1, 0.2), (None, None))]
    [1, 0, 0]
    """
    if step.method == "none" or step.low is None or step.high is None:
        return 0
    return side_of(step.low, step.high)


def side_of(low: float, high: float) -> int:
    """Returns 1 where an interval lies above 0, -1 where it lies below, and 0 where it holds 0."""
    return (low > 0) - (high < 0)


def _signed(value: float, sign: bool = True) -> str:
    return shorten(decimal(value, 3, sign=sign).replace("-", "\u2212"), 9)


def _end(value: float) -> str:
    return shorten(interval_end(value, 3).replace("-", "\u2212"), 9)


def _step_row(step: Step, scale: Scale, y: float) -> str:
    cosine = "\u2013" if step.cosine is None else _signed(step.cosine, False)
    inside = [
        svg.tag("title", svg.escaped(f"{step.method}: {step_words(step)}")),
        svg.text(0, y + 4, _method(step), class_="strong" if step.method == "none" else "ink"),
        svg.text(WIDTH, y + 4, cosine, class_="ink end"),
    ]
    if step.difference is None:
        inside.append(svg.text((scale.start + scale.end) / 2, y + 4, "cannot be told", class_="mid"))
    elif step.method == "none":
        x = scale(0.0)
        inside.append(svg.tag("path", class_="span", d=f"M{svg.short(x)} {svg.short(y - 5)}l5 5l-5 5l-5 -5z"))
    else:
        inside += _interval(scale, step.low, step.high, y)
        look = "dot" if told_apart(step) else "hollow"
        inside.append(svg.tag("circle", class_=look, cx=_within(scale, step.difference), cy=y, r=4.2))
    return svg.tag("g", *inside, class_="plain" if step.method == "none" else "a0")
