"""The environment "model_choice": scores are those of scikit-learn, failures pay and are told, and nothing is drawn anew."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB

from hicra.errors import ConfigError
from hicra.related.environments import model_scores
from hicra.related.environments.model_choice import ModelChoice
from hicra.related.environments.model_scores import BROKEN, CHOICES, DATA, load, outcome
from hicra.related.environments.open import open_environment


def test_a_score_is_the_mean_area_over_three_folds() -> None:
    """The same worked without cross_val_score: fit on two thirds, area under the curve on the third left out."""
    features, labels = load("cancer")
    assert features.shape == (200, 30)
    areas = []
    for inside, outside in StratifiedKFold(3, shuffle=True, random_state=0).split(features, labels):
        chances = GaussianNB().fit(features[inside], labels[inside]).predict_proba(features[outside])[:, 1]
        areas.append(roc_auc_score(labels[outside], chances))
    assert outcome("cancer", "bayes").score == pytest.approx(np.mean(areas), abs=1e-6)
    whole, target = load_breast_cancer(return_X_y=True)
    assert {*map(tuple, features)} <= {*map(tuple, whole)}
    assert 0 < labels.mean() < 1
    assert target.mean() == pytest.approx(labels.mean(), abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
def test_exactly_the_broken_choices_fail_and_the_others_differ(data: str) -> None:
    found = {choice: outcome(data, choice) for choice in CHOICES}
    assert [choice for choice, one in found.items() if one.score is None] == [one for one in CHOICES if one in BROKEN]
    assert all(one.error for one in found.values() if one.score is None)
    scores = [one.score for one in found.values() if one.score is not None]
    assert all(0 < one <= 1 for one in scores)
    assert max(scores) - min(scores) > 0.09  # so there is something to learn


def test_a_failure_pays_and_its_error_is_read_next() -> None:
    environment = ModelChoice()
    assert environment.reset(0) == "choose model . data cancer ."
    failed = environment.step("near neighbours 0")
    assert (failed.reward, failed.done, failed.valid) == (-1.0, False, True)
    assert failed.text.startswith("error the n_neighbors parameter ")
    assert failed.text.endswith(" 0 instead . data cancer .")
    unknown = environment.step("near depth 3")
    assert (unknown.reward, unknown.done, unknown.valid) == (-1.0, False, False)
    worked = environment.step("bayes")
    assert (worked.reward, worked.done, worked.text) == (outcome("cancer", "bayes").score, True, "")


def test_the_last_action_pays_when_it_fails_too() -> None:
    environment = ModelChoice(longest=2)
    environment.reset(2)
    replies = [environment.step("tree depth 0"), environment.step("tree depth 0")]
    assert [(one.reward, one.done) for one in replies] == [(-1.0, False), (-1.0, True)]


def test_even_and_odd_seeds_go_through_the_data_sets() -> None:
    environment = ModelChoice(data=("wine", "digits"))
    assert [environment.reset(seed).split()[-2] for seed in range(6)] == ["wine"] * 2 + ["digits"] * 2 + ["wine"] * 2


def test_a_score_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome.cache_clear()
    asked: list[int] = []
    monkeypatch.setattr(model_scores, "cross_val_score", lambda *given, **more: asked.append(1) or np.array([0.5]))
    try:
        for _ in range(3):
            environment = ModelChoice(data=("wine",))
            environment.reset(0)
            assert environment.step("bayes").reward == 0.5
        assert len(asked) == 1 + len(BROKEN) * len(DATA)  # the words of its errors are asked for as well
    finally:
        outcome.cache_clear()


@pytest.mark.parametrize("given", [{"data": ["titanic"]}, {"data": []}, {"failure": 1.0}])
def test_settings_that_cannot_be_are_named(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"task\.settings"):
        open_environment("model_choice", given)
