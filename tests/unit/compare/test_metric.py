"""Checkpoint rules: which number stands for a run."""

import pytest

from hicra.compare.metric import parse_metric
from hicra.errors import ConfigError, DataError

CURVE = [0.0, 0.2, 0.6, 0.4]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("hicra/accuracy", 0.4),
        ("at2:hicra/accuracy", 0.2),
        ("last2:hicra/accuracy", 0.5),
        ("auc:hicra/accuracy", (0.1 + 0.4 + 0.5) / 3),  # trapezoids 0.1, 0.4, 0.5 over a length of 3
        ("steps_to:0.3:hicra/accuracy", 3),
        (
            "steps_to:0.3:2:hicra/accuracy",
            3,
        ),  # means of two steps: 0.1, 0.4, 0.5; the first at 0.3 or more ends at step 3
        ("steps_to:0.5:2:hicra/accuracy", 4),
    ],
)
def test_by_hand(metric, expected):
    rule = parse_metric(metric)
    value, censored = rule.of(CURVE, "run")
    assert value == pytest.approx(expected)
    assert not censored
    assert rule.name == "hicra/accuracy"
    assert rule.text


def test_a_threshold_never_reached_counts_with_the_last_step():
    assert parse_metric("steps_to:0.9:x").of(CURVE, "run") == (4.0, True)
    assert parse_metric("steps_to:0.4:x").of([0.0, 0.4], "run") == (2.0, False)


def test_steps_with_gaps():
    """A diagnosed run has the steps of its data: 10, 20 and 60, as they were saved."""
    steps, curve = [10, 20, 60], [0.0, 0.4, 0.6]
    assert parse_metric("at20:x").of(curve, "run", steps) == (0.4, False)
    # trapezoids (0 + 0.4) / 2 over 10 steps, (0.4 + 0.6) / 2 over 40, divided by 50
    assert parse_metric("auc:x").of(curve, "run", steps) == (pytest.approx((2 + 20) / 50), False)
    assert parse_metric("steps_to:0.3:x").of(curve, "run", steps) == (20.0, False)
    assert parse_metric("steps_to:0.5:2:x").of(curve, "run", steps) == (60.0, False)
    assert parse_metric("steps_to:0.9:x").of(curve, "run", steps) == (60.0, True)
    assert parse_metric("last2:x").of(curve, "run", steps) == (0.5, False)
    with pytest.raises(DataError, match="run has no step 30") as error:
        parse_metric("at30:x").of(curve, "run", steps)
    assert error.value.fix == "the nearest is step 20: --metric at20:x"
    with pytest.raises(DataError, match="no value of x at step 60"):
        parse_metric("x").of([0.0, 0.4, None], "run", steps)


def test_a_constant_curve_and_a_single_step():
    assert parse_metric("auc:x").of([0.3] * 5, "run")[0] == pytest.approx(0.3)
    assert parse_metric("auc:x").of([0.3], "run") == (0.3, False)


def test_steps_without_a_value_are_named():
    with pytest.raises(DataError, match="no value of x at step 4"):
        parse_metric("x").of([0.1, None, 0.2, None], "run")
    assert parse_metric("x").of([0.1, None, 0.2], "run")[0] == 0.2
    with pytest.raises(DataError, match="at step 2"):
        parse_metric("auc:x").of([0.1, None, 0.2], "run")
    for metric in ("at9:x", "last9:x", "steps_to:0.5:9:x"):
        with pytest.raises(DataError, match="run-1 has 4 steps"):
            parse_metric(metric).of(CURVE, "run-1")


@pytest.mark.parametrize(
    "metric",
    [
        "",
        " ",
        "auc:",
        "at:x",
        "at0:x",
        "last0:x",
        "steps_to:x",
        "steps_to:half:x",
        "steps_to:nan:x",
        "best:x",
        "steps_to:0.5:3",
    ],
)
def test_half_written_rules_are_refused(metric):
    with pytest.raises(ConfigError, match="metric"):
        parse_metric(metric)
