"""The state of the environment in which each token was written, for methods that compare actions taken in the same state (GiGPO).

Deviations:
GIGPO-4. The state is what tools have answered so far in the response, token by token. So all rollouts of a prompt share the state
    of their first turn, and two share a later one where their tools have answered the same, whatever the policy wrote.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Bools, Ints
from hicra.credit.draws import hashed


def tool_tokens(live: Bools) -> Bools:
    """Returns the tokens [B,T] that stand between two policy tokens of a row: the output of tools."""
    behind = np.cumsum(live[:, ::-1], axis=1)[:, ::-1] > 0
    return np.asarray((np.cumsum(live, axis=1) > 0) & behind & ~live)


def state_ids(ids: Array, live: Bools) -> Ints:
    """Returns the state of each policy token [B,T], -1 elsewhere; 0 before any tool has answered.

    Args:
        ids: [B,T] token ids.
        live: [B,T] the policy tokens.
    """
    tool = tool_tokens(live)
    terms = np.zeros(live.shape, np.uint64)
    place = np.cumsum(tool, axis=1)[tool]
    terms[tool] = hashed(ids[tool].astype(np.uint64), place)
    states = np.cumsum(terms, axis=1, dtype=np.uint64) >> np.uint64(1)  # half of the range, so that an int64 holds it
    return np.where(live, states.astype(np.int64), -1)
