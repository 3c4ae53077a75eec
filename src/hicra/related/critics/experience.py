"""What ETPO learns from: episodes with the reward of each action and the reference's log-probabilities, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hicra.arrays import Bools, Floats, Ints
from hicra.related.agents.execute import Played
from hicra.related.rollouts import NOWHERE, Row, batch_of
from hicra.related.update import encoded_of
from hicra.signal.gradients import EncodedRollouts


@dataclass(frozen=True)
class Episode:
    """One episode of a flat agent.

    Attributes:
        row: its tokens, with `action_ids`.
        rewards: of each action.
        log_rho: [t,V] the reference's log-probabilities, up to the last token that the policy wrote.
    """

    row: Row
    rewards: tuple[float, ...]
    log_rho: Tensor


@dataclass(frozen=True)
class Lesson:
    """A batch of episodes, padded on the right.

    Attributes:
        encoded: the token ids.
        action_ids: [B,T] number of the action of each token.
        rewards: [B,T] reward of the action of each token.
        log_rho: [B,T,V], 0 behind the end of a row.
    """

    encoded: EncodedRollouts
    action_ids: Ints
    rewards: Floats
    log_rho: Tensor

    @property
    def mask(self) -> Bools:
        return self.encoded.live


def plain_row(played: Played) -> Row:
    """Returns the row of an episode without thoughts, up to the last token that the policy wrote."""
    (row,) = played.rows
    assert row.actions == len(played.rewards), "an action that is no action of the environment has no reward"
    return row


def encoded_rows(rows: Sequence[Row], pad: int) -> tuple[EncodedRollouts, Ints]:
    """Returns rows as the functions that read a model take them, and their `action_ids` [B,T]."""
    batch = batch_of(rows, [0.0] * len(rows), [0] * len(rows), pad)
    return encoded_of(rows, batch["response_ids"], batch["response_mask"]), batch["action_ids"]


def lesson_of(episodes: Sequence[Episode], pad: int) -> Lesson:
    """Puts episodes into one batch."""
    encoded, action_ids = encoded_rows([one.row for one in episodes], pad)
    rewards = np.zeros(action_ids.shape)
    for number, one in enumerate(episodes):
        of_action = np.array([*one.rewards, 0.0])  # the last stands for NOWHERE
        rewards[number] = of_action[np.where(action_ids[number] == NOWHERE, -1, action_ids[number])]
    log_rho = torch.nn.utils.rnn.pad_sequence([one.log_rho for one in episodes], batch_first=True)
    return Lesson(encoded, action_ids, rewards, log_rho)
