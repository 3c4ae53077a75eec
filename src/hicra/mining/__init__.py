"""Mines strategic grams from solutions (paper section 2.1): n-grams -> embeddings -> clusters -> the frequent ones.

    from hicra.mining.mine import mine, mine_paths
    from hicra.mining.settings import MineSettings
    result = mine(solutions, MineSettings(min_df=3))
    lexicon, report = mine_paths("rollouts/")

`mine` does all of it: `counting/` counts n-grams (on this machine or on Ray), `choose` decides which stay, with `criteria`, the
vectors of `embedders/`, `cluster` and `select`; `why` says what became of a gram, `settings` holds every choice.
"""
