"""What a model of scikit-learn scores on a data set that scikit-learn brings along, or the text of the error that it raises.

A choice is a word for the model and its settings, such as `forest trees 10 depth 9`. Its score is the mean ROC-AUC of a
three-fold cross-validation with fixed folds and seeds, so the same choice has the same score everywhere with one version of the
package. Some choices cannot work, and raise the package's own error. Scores are kept for the life of the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from time import process_time
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from sklearn import datasets
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from hicra.arrays import Array, Floats

FOLDS, DIGITS = 3, 6  # a score has so many digits, on which processors agree
ROWS = 200  # the first of a data set in an order that is drawn once, so that a score takes a tenth of a second at most
PARAMETERS = {
    "strength": "C", "solver": "solver", "shrinkage": "shrinkage", "neighbours": "n_neighbors", "depth": "max_depth",
    "trees": "n_estimators",
}  # fmt: skip
SETTINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "bayes": {},
    "forest": {"trees": ("0", "10", "40"), "depth": ("1", "9")},
    "lda": {"solver": ("svd", "lsqr"), "shrinkage": ("none", "auto")},
    "logistic": {"strength": ("0.001", "1", "1000")},
    "near": {"neighbours": ("0", "1", "10", "1000")},
    "tree": {"depth": ("0", "1", "3", "9")},
}  # of each model, the settings in their order and their values
MAKERS: Mapping[str, Callable[..., Any]] = {
    "bayes": GaussianNB,
    "forest": lambda **given: RandomForestClassifier(random_state=0, **given),
    "lda": LinearDiscriminantAnalysis,
    "logistic": lambda **given: LogisticRegression(solver="liblinear", random_state=0, **given),
    "near": KNeighborsClassifier,
    "tree": lambda **given: DecisionTreeClassifier(random_state=0, **given),
}
Data = Literal["cancer", "diabetes", "digits", "wine"]
DATA: tuple[Data, ...] = get_args(Data)
SOURCES: Mapping[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "cancer": (datasets.load_breast_cancer, lambda target: target == 1),
    "diabetes": (datasets.load_diabetes, lambda target: target > np.median(target)),
    "digits": (datasets.load_digits, lambda target: target == 8),
    "wine": (datasets.load_wine, lambda target: target == 1),
}  # what loads a data set, and which of its rows are of the class in question
REFUSED = (ValueError, NotImplementedError)  # what the package raises for settings that cannot work


class Scored(NamedTuple):
    """What came of a choice: a score between 0 and 1, or None and the error as words."""

    score: float | None
    error: str


def _value(word: str) -> Any:
    if word == "none":
        return None
    if word.isdigit():
        return int(word)
    return float(word) if word[0].isdigit() else word


def choices() -> dict[str, tuple[str, dict[str, Any]]]:
    """Returns every choice as text, with its model and the arguments of the package."""
    found = {}
    for model, settings in SETTINGS.items():
        for values in product(*settings.values()):
            pairs = list(zip(settings, values, strict=True))
            text = " ".join([model, *(word for pair in pairs for word in pair)])
            found[text] = (model, {PARAMETERS[name]: _value(value) for name, value in pairs})
    return found


CHOICES = choices()
# that these fail on every data set, and no others do, is tested
BROKEN = (
    *(text for text in CHOICES if text.endswith("depth 0") or "trees 0 " in text),
    "lda solver svd shrinkage auto", "near neighbours 0", "near neighbours 1000",
)  # fmt: skip
WORDS = (
    *SETTINGS,
    *PARAMETERS,
    *sorted({value for one in SETTINGS.values() for values in one.values() for value in values}),
)


@cache
def outcome(data: str, choice: str) -> Scored:
    """Returns what a choice scores on a data set, or the words of its error.

    Args:
        data: one of DATA.
        choice: one of CHOICES.
    """
    features, labels = load(data)
    model, arguments = CHOICES[choice]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    try:
        scores = cross_val_score(
            MAKERS[model](**arguments), features, labels, scoring="roc_auc", cv=folds, error_score="raise"
        )
    except REFUSED as error:
        return Scored(None, " ".join(re.findall(r"[a-z_]+|\d+", str(error).lower())))
    return Scored(round(float(scores.mean()), DIGITS), "")


def error_words() -> list[str]:
    """Returns every word of every error, in a fixed order."""
    return sorted({word for data in DATA for choice in BROKEN for word in outcome(data, choice).error.split()})


@cache
def load(data: str) -> tuple[Floats, Array]:
    """Returns the features [N,D] of a data set and whether each row is of the class in question [N].

    That is for `cancer` a benign tumour, for `diabetes` a progression above the median, for `digits` an 8, and for `wine` the
    second of three growers.
    """
    load_it, is_it = SOURCES[data]
    features, target = load_it(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(target))[:ROWS]
    return features[rows], is_it(target)[rows]


if __name__ == "__main__":
    for name in DATA:
        began = process_time()
        scores = {choice: outcome(name, choice) for choice in CHOICES}
        print(f"{name}: {len(scores)} choices in {process_time() - began:.2f} CPU-seconds")
        for choice, one in scores.items():
            print(f"  {one.score if one.error == '' else 'fails':<9} {choice}")
