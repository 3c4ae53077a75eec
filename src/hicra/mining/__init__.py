"""Mining strategic grams from solutions (paper section 2.1): n-grams -> embeddings -> clusters -> the frequent ones.

    from hicra import mining
    result = mining.mine(solutions, mining.MineSettings(min_df=3))
    lexicon, report = mining.mine_paths("rollouts/")

Stages, each a module of pure functions: words (what a word is), ngrams (counting), embed, cluster, select, pipeline.
"""

from __future__ import annotations

from hicra.mining.mine import MineResult, MineSettings, mine, mine_paths

__all__ = ["MineResult", "MineSettings", "mine", "mine_paths"]
