"""Claim C13: the identities of HICRA, computed on drawn batches with the project's own methods."""

from __future__ import annotations

import numpy as np

from hicra import credit

GROUPS, SIZE, TOKENS, ALPHA = 40, 8, 12, 0.2


def algebra_holds(seed: int = 0) -> dict[str, bool]:
    """Returns {identity: whether it holds} on 40 groups of 8 rollouts of 12 tokens with rewards of 0 and 1."""
    rng = np.random.default_rng(seed)
    rows = GROUPS * SIZE
    rewards = (rng.random(rows) < np.repeat(rng.random(GROUPS), SIZE)).astype(np.float64)
    groups = np.repeat(np.arange(GROUPS), SIZE)
    mask = rng.random((rows, TOKENS)) < 0.3
    live = np.ones((rows, TOKENS), bool)
    plain = credit.group_advantages(rewards, groups, scale="none")[:, None] * np.ones((1, TOKENS))
    batch = {"planning_mask": mask, "response_mask": live, "rewards": rewards, "group_ids": groups}
    nothing = batch | {"planning_mask": np.zeros_like(mask)}

    def shaped(name: str, alpha: float = ALPHA, given: dict[str, np.ndarray] = batch) -> np.ndarray:
        return np.asarray(credit.METHODS[name](plain, given, alpha=alpha))

    ours = shaped("hicra")
    share = np.repeat(rewards.reshape(GROUPS, SIZE).mean(axis=1), SIZE)[:, None]
    parts = shaped("hicra_difficulty") + shaped("hicra_bonus") - plain
    return {
        "1 + alpha where A > 0": bool(
            np.allclose(ours[mask & (plain > 0)], 1.2 * plain[mask & (plain > 0)], atol=1e-12)
        ),
        "1 - alpha where A < 0": bool(
            np.allclose(ours[mask & (plain < 0)], 0.8 * plain[mask & (plain < 0)], atol=1e-12)
        ),
        "signs kept": bool((np.sign(ours) == np.sign(plain)).all()),
        "nothing changed on execution tokens": bool((ours[~mask] == plain[~mask]).all()),
        "GRPO at alpha 0": bool((shaped("hicra", 0.0) == plain).all()),
        "GRPO with an empty mask": bool((shaped("hicra", given=nothing) == plain).all()),
        "difficulty and bonus add up to it": bool(np.allclose(ours, parts, atol=1e-12)),
        "the bonus is 2 alpha p(1 - p)": bool(
            np.allclose(
                (shaped("hicra_bonus") - plain)[mask], (2 * ALPHA * share * (1 - share) * mask)[mask], atol=1e-12
            )
        ),
    }
