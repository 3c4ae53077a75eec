"""A goal environment in numpy: a point that moves in a square, for tests that need no simulator."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class OpenSquare(gym.Env[Any, Any]):
    """A point in [-1, 1]^2 moves by 0.2 of its action; the observation is its place twice, as place and as speed."""

    def __init__(self, longest: int = 20) -> None:
        box = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.observation_space = spaces.Dict({
            "observation": spaces.Box(-1.0, 1.0, (4,), np.float64), "achieved_goal": box, "desired_goal": box,
        })  # fmt: skip
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.longest = longest

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at, self.goal = self.np_random.uniform(-1, 1, 2), self.np_random.uniform(-1, 1, 2)
        self.clock = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at = np.clip(self.at + 0.2 * np.asarray(action, np.float64), -1, 1)
        self.clock += 1
        won = bool(np.linalg.norm(self.at - self.goal) < 0.2)
        return self._seen(), float(won), won, self.clock >= self.longest, {"success": won}

    def _seen(self) -> dict[str, Any]:
        return {"observation": np.tile(self.at, 2), "achieved_goal": self.at.copy(), "desired_goal": self.goal.copy()}
