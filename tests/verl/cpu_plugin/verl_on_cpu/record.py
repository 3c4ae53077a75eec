"""Keeps what the actor is trained on: one file a step, in the folder that VERL_ON_CPU_RECORD names."""

import os
from pathlib import Path

import numpy as np
import torch
import transfer_queue as tq
from verl.trainer.ppo.v1.trainer_base import PPOTrainer

from hicra.arrays import as_numpy

FIELDS = (
    "responses", "response_mask", "advantages", "returns", "planning_mask", "entropy", "old_log_probs", "rm_scores", "uid",
    "prompts",
)  # fmt: skip
_update = PPOTrainer._update_actor


def _recorded(self, batch, metrics):
    found = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=list(FIELDS))
    kept = {"keys": np.array(batch.keys)}
    for name in found.keys():  # noqa: SIM118
        value = found.get(name)
        nested = torch.is_tensor(value) and value.is_nested
        kept[name] = as_numpy(value.to_padded_tensor(0)) if nested else np.array([str(one) for one in value.tolist()])
    folder = Path(os.environ["VERL_ON_CPU_RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{self.global_steps}.npz", **kept)
    return _update(self, batch, metrics)


PPOTrainer._update_actor = _recorded
