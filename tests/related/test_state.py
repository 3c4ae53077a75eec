"""What a checkpoint of the engine related gives back, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hicra.artifacts import canonical_json, write_text
from hicra.errors import ArtifactError
from hicra.related import state

pytestmark = pytest.mark.slow  # it imports torch


def checkpoint(folder: Path, **tensors: torch.Tensor) -> Path:
    save_file(tensors, folder / state.OPTIMIZER)
    write_text(folder / state.STATE, canonical_json({"step": 3, "rollouts": 8, "refused": 0}))
    return folder


def restored(folder: Path) -> tuple[dict[str, int], torch.Generator]:
    model, chance = torch.nn.Linear(2, 1), torch.Generator()
    counts = state.restore(folder, model=model, optimizer=torch.optim.AdamW(model.parameters()), chance=chance)
    return counts, chance


def test_the_draws_go_on_where_they_were(tmp_path):
    before = torch.Generator().manual_seed(7)
    torch.rand(5, generator=before)
    counts, after = restored(checkpoint(tmp_path, chance=before.get_state()))
    assert counts == {"step": 3, "rollouts": 8, "refused": 0}
    assert torch.rand(3, generator=after).tolist() == torch.rand(3, generator=before).tolist()


def test_the_random_numbers_of_another_device_are_named(tmp_path):
    of_a_gpu = torch.zeros(16, dtype=torch.uint8)  # seed and offset, where that of a CPU has 5056 bytes
    with pytest.raises(ArtifactError, match=r"another device than this one \(cpu\)\n.*resume on the kind of device"):
        restored(checkpoint(tmp_path, chance=of_a_gpu))
    with pytest.raises(ArtifactError, match="no state of the random numbers"):
        restored(checkpoint(tmp_path, other=of_a_gpu))


def test_the_optimizer_of_another_model_is_named(tmp_path):
    chance = torch.Generator().get_state()
    with pytest.raises(ArtifactError, match="'exp_avg/weight', which does not fit the model"):
        restored(checkpoint(tmp_path, **{"chance": chance, "exp_avg/weight": torch.zeros(1, 3)}))
