"""Scores a lexicon against labelled traces, or fits one to them: texts cut into units that a person or a model labelled.

`traces` reads label rows, `score` compares a lexicon with them (`hicra lexicon score`), `fit` makes a weighted lexicon
(`hicra lexicon fit`) from what `sentences` and `fit_data` prepare and `fit_model` learns; `settings` holds its choices.
`sheet` draws what people are asked about a lexicon, `sheet_files` writes and reads it, `agree` says what they answered.
"""
