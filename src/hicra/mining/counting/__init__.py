"""Counts n-grams over a corpus of any size, on this machine or on a Ray cluster.

`interface` says what mining needs, `open` chooses `local` or `ray/`; both use `maps`, on top of `words` (text to words),
`rows` (rollouts to solutions), `documents` (copies and near copies), `index` (words to numbers), `ngrams` (the counts)
and `spill` (what does not fit into memory).
"""
