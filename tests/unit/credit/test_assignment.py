"""Baseline, shapers and loss together: their order, what they need, and what means nothing together."""

from __future__ import annotations

import numpy as np
import pytest

from hicra import credit
from hicra.credit.assignment import Assignment, Picked, assign
from hicra.errors import ConfigError

LIVE = np.ones((2, 2), bool)
BATCH = {
    "response_mask": LIVE,
    "planning_mask": [[1, 0], [0, 1]],
    "entropies": [[2.0, 0.1], [0.1, 2.0]],
    "group_ids": [1, 1],
}


def method(name="of_a_test", **more):
    def shape(advantages, batch, *, alpha: float = 0.5):
        return advantages * (1 + alpha) * batch["response_mask"]

    return credit.Method(name, shape, "-", needs=("response_mask",), **more)


def with_shapers(*shapers, loss=None):
    return Assignment(tuple(Picked(one, dict(one.settings)) for one in shapers), loss=loss)


def test_shapers_are_applied_in_their_order():
    found = credit.assign(
        {"name": "hicra", "settings": {"alpha": 0.2}},
        [{"name": "entropy_advantage", "settings": {"alpha": 1.0, "kappa": 2.0}}],
    )
    # 1 -> 1.2 on planning tokens; then + min(H, A / 2): + 0.6 and + 0.1 (of H); -1 -> -0.8, + 0.4
    assert found.shaped(np.array([1.0, -1.0]), BATCH) == pytest.approx(np.array([[1.8, 1.1], [-0.9, -0.4]]))
    assert found.needs == ("entropies", "group_ids", "planning_mask", "response_mask")
    assert (found.changes, found.strength, found.name) == ("any", 1.0, "hicra+entropy_advantage")


def test_one_shaper_that_changes_something_gives_its_promise():
    found = credit.assign({"name": "none"}, [{"name": "hicra", "settings": {"alpha": 0.4}}])
    assert (found.changes, found.strength, found.wide) == ("planning", 0.4, False)
    assert credit.assign({"name": "none"}).changes == "nothing"
    assert credit.assign({"name": "none"}, baseline={"name": "rloo"}).wide
    assert credit.assign({"name": "hicra_recentred"}).wide


def test_two_masks_are_refused():
    with pytest.raises(ConfigError, match="first and second both set tokens to 0"):
        with_shapers(method("first", selects=True), method(), method("second", selects=True))


def test_whitening_after_shaping_is_refused():
    with_shapers(method("white", whitens=True), method())
    with_shapers(credit.METHODS["none"], method("white", whitens=True))
    with pytest.raises(ConfigError, match="white after of_a_test centres the advantages again"):
        with_shapers(method(), method("white", whitens=True))


@pytest.mark.parametrize(("alpha", "keeps", "signed", "refused"), [
    (1.0, False, True, True), (0.99, False, True, False), (1.0, True, True, False), (1.0, False, False, False),
])  # fmt: skip
def test_a_strength_that_turns_signs_is_refused_where_the_loss_looks_at_the_sign(alpha, keeps, signed, refused):
    loss = credit.Loss("of_a_test", lambda *four: four[0], "-", signed=signed)
    shaper = Picked(method(strength="alpha", keeps_sign=keeps), {"alpha": alpha})
    if refused:
        with pytest.raises(ConfigError, match="of_a_test with alpha = 1 may turn the sign"):
            Assignment((shaper,), loss=Picked(loss, {}))
    else:
        Assignment((shaper,), loss=Picked(loss, {}))


def test_an_assignment_says_what_it_is():
    found = credit.assign(
        {"name": "hicra"}, baseline={"name": "grpo"}, loss={"name": "clip", "settings": {"clip_high": 0.3}}
    )
    assert found.described() == {
        "baseline": {"name": "grpo", "settings": {}},
        "shapers": [{"name": "hicra", "settings": {"alpha": 0.2}}],
        "loss": {
            "name": "clip",
            "settings": {"clip_low": 0.2, "clip_high": 0.3, "mean": "tokens", "most_tokens": None},
        },
    }


def test_what_goes_together_and_does_something_else_is_said():
    def said(*shapers, loss="clip", **settings):
        first, *then = ({"name": name} for name in shapers)
        return credit.assign(first, then, loss={"name": loss, "settings": settings}).remarks

    assert (
        said("hicra")
        == said("hicra", loss="gspo_token")
        == said("none", loss="gspo")
        == said("hicra", loss="sapo")
        == []
    )
    assert said("hicra", "hicra") == ["hicra is named twice, so it is applied twice"]
    assert "averaged away" in said("hicra", loss="gspo")[0]
    assert "hicra_recentred may turn the sign" in said("hicra_recentred", loss="sapo")[0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": {"name": "hicra", "setings": {}}}, "'method.setings'(.|\n)*did you mean 'settings'"),
        ({"then": [{"name": "placebo"}, {"name": 3}]}, r"method.then\[1\].name is 3, no name"),
        ({"then": [{}]}, r"method.then\[0\].name is None, no name"),
        ({"then": [{"name": "placebo", "settings": "seed=1"}]}, r"method.then\[0\].settings is 'seed=1', no mapping"),
        ({"method": {"name": "hicra", "settings": {1: 2}}}, "method.settings.1: hicra has no setting 1"),
        ({"baseline": {"name": "grpo", "scale": 1}}, "unknown config key 'baseline.scale'"),
        ({"loss": {"name": "clip", "settings": [1]}}, r"loss.settings is \[1\], no mapping"),
    ],
)
def test_what_names_a_part_is_a_name_and_settings_and_nothing_else(given, says):
    with pytest.raises(ConfigError, match=says):
        assign(**{"method": {"name": "hicra"}} | given)
