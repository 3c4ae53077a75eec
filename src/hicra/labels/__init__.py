"""Labelled traces: texts cut into units that a person or a model named. Score a lexicon against them, or fit one.

`traces` reads label rows, `score` compares a lexicon with them (`hicra lexicon score`), `fit` makes a weighted lexicon
(`hicra lexicon fit`) from what `sentences` and `fit_data` prepare and `fit_model` learns.
"""

from __future__ import annotations

from hicra.labels.traces import DEFAULT_POSITIVE, LabelledTrace, read_labels

__all__ = ["DEFAULT_POSITIVE", "LabelledTrace", "read_labels"]
