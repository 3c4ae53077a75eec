"""Counting n-grams over a corpus of any size: what a word is, what a solution is, and who counts.

`interface` is what mining asks, `open` chooses `local` or `ray/`; both use `maps`, on top of `words` (text to words),
`rows` (rollouts to solutions), `documents` (copies and near copies), `index` (words to numbers), `ngrams` (the counts)
and `spill` (what does not fit into memory).
"""
