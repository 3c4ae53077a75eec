"""Mining strategic grams from solutions (paper section 2.1): n-grams -> embeddings -> clusters -> the frequent ones.

    from hicra import mining
    result = mining.mine(solutions, mining.MineSettings(min_df=3))
    lexicon, report = mining.mine_paths("rollouts/")

`mine` is the whole way: `counting/` counts n-grams (here or on Ray), `choose` decides which stay, with `criteria`, vectors of
`embedders/`, `cluster` and `select`; `why` says what became of a gram, `settings` holds every choice.
"""

from __future__ import annotations

from hicra.mining.mine import MineResult, MineSettings, mine, mine_paths

__all__ = ["MineResult", "MineSettings", "mine", "mine_paths"]
