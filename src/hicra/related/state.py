"""What a checkpoint of the engine holds beside the model: optimizer, random numbers and counts, none of them by pickle."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from hicra.artifacts import canonical_json, read_json, write_text
from hicra.errors import ArtifactError
from hicra.generation.ruined import refuse_ruined
from hicra.related.policy.network import write_network
from hicra.runs import RunFolder
from hicra.runs.checkpoints import publish, replace

WORK, OPTIMIZER, STATE = ".work", "optimizer.safetensors", "state.json"
CHANCE = "chance"  # the state of the random numbers, beside the optimizer's tensors
FIX = "resume from another checkpoint, or train into another -o"


def save(
    run: RunFolder, step: int, keep: int, *, model: Any, tokenizer: Any, optimizer: Any, chance: Any, counts: dict[str, int]
) -> Path:  # fmt: skip
    """Publishes the checkpoint of a step.

    Args:
        run, step, keep: the run folder, the step, and the number of newest checkpoints that are kept.
        model, tokenizer, optimizer: as they are after the step.
        chance: the generator of random numbers of the policy.
        counts: further numbers.

    Raises:
        EngineError: the model gives numbers that are not finite.
    """
    refuse_ruined(model, f"after step {step}, so its checkpoint is not published")
    made = run.checkpoints / WORK / f"step-{step}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    write_network(model, tokenizer, made)
    tensors = {CHANCE: chance.get_state()}
    for name, weight in model.named_parameters():
        for part, value in optimizer.state.get(weight, {}).items():
            tensors[f"{part}/{name}"] = value.detach().contiguous()
    save_file(tensors, made / OPTIMIZER)
    write_text(made / STATE, canonical_json({"step": step, **counts}))
    return publish(made, run, step, keep)


def restore(checkpoint: Path, *, model: Any, optimizer: Any, chance: Any) -> dict[str, int]:
    """Puts the optimizer and the random numbers back as a checkpoint has them, for the model that was loaded from it.

    Returns:
        The counts, and `step`.

    Raises:
        ArtifactError: a file cannot be read, or is of another model or another kind of device.
    """
    try:
        tensors = load_file(checkpoint / OPTIMIZER)
    except Exception as error:  # safetensors raises errors of its own
        raise ArtifactError(f"{checkpoint / OPTIMIZER} cannot be read: {error}", FIX) from None
    if CHANCE not in tensors:
        raise ArtifactError(f"{checkpoint / OPTIMIZER} holds no state of the random numbers", FIX)
    try:
        chance.set_state(tensors.pop(CHANCE))
    except RuntimeError:  # that of a GPU has another size
        raise ArtifactError(
            f"{checkpoint / OPTIMIZER} holds random numbers of another device than this one ({chance.device.type})",
            "resume on the kind of device that the run began on, or train into another -o",
        ) from None
    weights = dict(model.named_parameters())
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        if name not in weights or (value.ndim and value.shape != weights[name].shape):
            raise ArtifactError(f"{checkpoint / OPTIMIZER} holds {key!r}, which does not fit the model", FIX)
        optimizer.state[weights[name]][part] = value if part == "step" else value.to(weights[name].device)
    counts: dict[str, int] = read_json(checkpoint / STATE, FIX)
    return counts


def write_final(run: RunFolder, model: Any, tokenizer: Any) -> None:
    """Writes the trained model into `final/`, whole or not at all.

    Raises:
        EngineError: the model gives numbers that are not finite.
    """
    refuse_ruined(model, "at the end, so final/ is not written")
    staged = run.path / ".tmp-final"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    write_network(model, tokenizer, staged)
    replace(staged, run.path / "final")
    shutil.rmtree(run.checkpoints / WORK, ignore_errors=True)
