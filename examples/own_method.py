"""A credit method of one's own, outside of the package: credit on the last part of each response alone.

    cd examples
    hicra train --config ../recipes/plan-execute/config.yaml --method own_method:late --set train.steps=3 -o /tmp/late

A plain function is enough. It gets advantages [B,T] and a batch of numpy arrays, and gives advantages [B,T].
"""

import numpy as np


def late(advantages, batch, *, share: float = 0.5):
    """Keeps A on the last `share` of each response's tokens and sets it to 0 elsewhere."""
    live = batch["response_mask"]
    place = np.cumsum(live, axis=1) / np.maximum(live.sum(axis=1, keepdims=True), 1)  # 1 at the last token
    return np.where(live & (place > 1 - share), advantages, 0.0)
