"""The charts of the learning signal, with places and words worked out by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from hicra.drawing import svg
from hicra.drawing.signal import (
    MAX_ROWS,
    WIDTH,
    Chart,
    ModelShares,
    Share,
    Step,
    in_order,
    shares_chart,
    steps_chart,
)
from hostile_run import PAYLOADS

SPACE = "{http://www.w3.org/2000/svg}"


def parse(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(svg.document(WIDTH, chart.height, "t", *chart.inside, about=chart.about))


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in parse(chart).iter(f"{SPACE}text")]


def model(planning: float | None, low: float | None, high: float | None, *more: Share) -> ModelShares:
    execution = None if planning is None else 1 - planning
    return ModelShares(
        "weak", "5 % right", (Share("planning", planning, low, high), Share("execution", execution), *more)
    )


def test_marks_stand_where_their_values_are() -> None:
    # the axis goes from 0 at 74 to 1 at 222: .25 is at 74 + 148 / 4 = 111, one half at 148
    root = parse(shares_chart([model(0.25, 0.0, 0.5)]))
    (dot,) = root.iter(f"{SPACE}circle")
    assert dot.get("cx") == "111"
    bars = [rect for rect in root.iter(f"{SPACE}rect") if rect.get("class") == "bar"]
    assert [(bar.get("x"), bar.get("width")) for bar in bars] == [("74", "37"), ("74", "111")]
    (half,) = [path for path in root.iter(f"{SPACE}path") if path.get("class") == "zero"]
    assert (half.get("d") or "").startswith("M148 ")
    (interval,) = [path for path in root.iter(f"{SPACE}path") if path.get("class") == "mean"]
    assert (interval.get("d") or "").startswith("M74 ")
    assert (interval.get("d") or "").endswith("H148")


def test_kinds_differ_by_shape_and_say_their_values() -> None:
    root = parse(shares_chart([model(0.25, 0.1, 0.4)]))
    groups = {group.get("class"): group for group in root.iter(f"{SPACE}g")}
    assert groups["planning"].find(f"{SPACE}circle") is not None
    assert groups["execution"].find(f"{SPACE}circle") is None
    said = texts(shares_chart([model(0.25, 0.1, 0.4, Share("label:plan", 0.061, 0.02, 0.1))]))
    assert "25\u00a0% (10 to 40)" in said
    assert "75\u00a0% (no interval)" in said
    assert "plan" in said
    assert "6\u00a0% (2 to 10)" in said


def test_what_lies_far_outside_is_drawn_at_the_edge_with_an_arrow() -> None:
    chart = shares_chart([model(0.4, -3.0, 9.0)])
    root = parse(chart)
    (interval,) = [path for path in root.iter(f"{SPACE}path") if path.get("class") == "mean"]
    assert (interval.get("d") or "").startswith("M74 ")
    assert (interval.get("d") or "").endswith("H222")
    slanted = [
        path for path in root.iter(f"{SPACE}path") if path.get("class") == "span" and "L" in (path.get("d") or "")
    ]
    assert len(slanted) == 4  # two arrows of two strokes
    assert "40\u00a0% (\u2212300 to 900)" in texts(chart)


def test_an_unknown_share_has_words_and_no_mark() -> None:
    chart = shares_chart([model(None, None, None)])
    assert texts(chart).count("cannot be told") == 2
    assert not list(parse(chart).iter(f"{SPACE}circle"))


STEPS = [
    Step("none", 0.475, 0.0, 0.0, 0.0),
    Step("worse", 0.455, -0.02, -0.03, -0.01),
    Step("unknown", None, None),
    Step("better", 0.575, 0.1, 0.06, 0.14),
    Step("open", 0.478, 0.003, -0.01, 0.016),
]


def test_methods_stand_in_the_order_of_their_differences() -> None:
    assert [step.method for step in in_order(STEPS)] == ["better", "open", "none", "worse", "unknown"]
    chart = steps_chart(STEPS)
    said = [text for text in texts(chart) if text in ("better", "open", "none (GRPO)", "worse", "unknown")]
    assert said == ["better", "open", "none (GRPO)", "worse", "unknown"]
    assert {"0.575", "0.478", "0.475", "0.455", "\u2013"} <= set(texts(chart))


def test_only_an_interval_off_zero_fills_a_dot() -> None:
    looks = [circle.get("class") for circle in parse(steps_chart(STEPS)).iter(f"{SPACE}circle")]
    assert looks == ["dot", "hollow", "dot"]  # better, open, worse; none is a diamond, and unknown has no mark


def test_charts_of_several_models_have_one_scale() -> None:
    alone, wide = texts(steps_chart(STEPS[:2])), texts(steps_chart(STEPS[:2], include=[0.4]))
    assert "+0.4" in wide
    assert "+0.4" not in alone


def test_a_chart_of_too_many_methods_keeps_the_unshaped_one_and_says_so() -> None:
    many = [Step("none", 0.5, 0.0, 0.0, 0.0), *(Step(f"m{at}", 0.5, 0.001 * at, 0.0, 0.1) for at in range(1, 100))]
    said = texts(steps_chart(many))
    assert "none (GRPO)" in said
    assert f"{100 - MAX_ROWS} further methods are in the table" in said
    assert sum(text.startswith("m") and text[1:].isdigit() for text in said) == MAX_ROWS - 1


def test_a_single_method_is_drawn() -> None:
    assert "none (GRPO)" in texts(steps_chart(STEPS[:1]))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_names_stay_text(payload: str) -> None:
    charts = (
        shares_chart([ModelShares(payload, payload, (Share(payload, 0.5, 0.4, 0.6),))]),
        steps_chart([Step(payload, 0.1, 0.1, 0, 1)]),
    )
    for chart in charts:
        tags = {element.tag.removeprefix(SPACE) for element in parse(chart).iter()}
        assert tags <= {"svg", "title", "desc", "g", "path", "text", "rect", "circle"}
