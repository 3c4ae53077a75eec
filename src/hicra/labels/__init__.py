"""Labelled traces: texts cut into units that a person or a model named. Score a lexicon against them, or fit one.

`traces` reads label rows, `score` compares a lexicon with them (`hicra lexicon score`), `fit` makes a weighted lexicon
(`hicra lexicon fit`) from what `sentences` and `fit_data` prepare and `fit_model` learns; `settings` holds its choices.
"""
