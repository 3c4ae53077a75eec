"""Measures during training, on TRL, how much signal and noise the gradient has on tokens of each kind (`signal/halves.py`).

A generation is measured where it has been sampled and before any step trains on it, so at the policy that sampled it. The rows
that have an advantage go through the model once more, in micro-batches, and backwards once for each token kind. Nothing that is
trained on is touched: the gradients are taken at stand-ins that share the weights' memory, so neither `.grad` nor a hook of a
weight nor DDP sees them, and the state of the random numbers is put back.

Deviations (this project's; the paper measures no signal):
METER-7. The steps k, 2k, ... are measured. A generation that is used for several steps is measured once, where one of them is
    among these, and logged at the first. Of several generations in a step each is measured, and the mean is logged.
METER-8. With dynamic sampling the rollouts that are trained on are measured, so the signal is that of prompts with spread.
METER-9. Adaptive methods read the weights as they were before this generation was measured: weights that had seen its noise
    would favour the kind whose noise happened to agree with itself.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.func import functional_call
from transformers import TrainerCallback

from hicra.arrays import Floats
from hicra.artifacts import canonical_json, read_json, write_text
from hicra.engines.shaping import OF_THE_METER, Generation
from hicra.errors import EngineError
from hicra.metrics.kinds import KINDS
from hicra.signal.halves import HALVES, half_of, masks_by_kind, readings, wide
from hicra.signal.memory import SignalMemory

FILE = "hicra_signal.json"  # in a checkpoint
BY_ROW = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "token_type_ids", "mm_token_type_ids")
BY_IMAGE = ("pixel_values", "image_grid_thw", "num_images", "image_sizes", "image_position_ids")


class Meter(TrainerCallback):  # type: ignore[misc]
    """Measures the generations of a trainer that reads them (`reading.py`), where it is asked to.

    Args:
        trainer: the trainer.
        every: as below; where it is 0 and the method reads the meter, each step is measured.

    Attributes:
        every: each so-many-th step is measured; 0 measures none.
        memory: what was measured so far; checkpoints hold it.

    Raises:
        EngineError: measuring is asked for, and weights lie in parts on several processes, a generation has one group, or
            gradient checkpointing is of the kind that gives no gradients but to `.grad`.
    """

    def __init__(self, trainer: Any, every: int = 0) -> None:
        self.trainer = trainer
        self.every = every or int(trainer.hicra_shaping.needs_signal)
        self.memory = SignalMemory()
        self._found: list[tuple[dict[str, float | None], dict[str, float | None]]] = []  # since TRL last logged
        self._read: list[Floats] = []  # the kind weights that methods read, likewise
        self._began = self._spent = 0.0
        self._said = False
        if self.every:
            _refuse(trainer, f"signal_every is {every}" if every else "the method reads the meter")

    def given(self) -> dict[str, Any]:
        """Returns the field of a batch that adaptive methods read, where one is asked for."""
        return {OF_THE_METER: self.memory.weights.copy()} if self.trainer.hicra_shaping.needs_signal else {}

    def __call__(self, out: dict[str, Any], made: Generation, forward: Callable[[Any, dict[str, Any]], Any]) -> None:
        """Measures a generation for training, if it is its turn, and remembers what was found.

        Args:
            out: TRL's batch, as it was sampled.
            made: the same rollouts, shaped.
            forward: (model, batch of rows) -> log-probabilities of the sampled tokens [B,T], with their gradient.
        """
        if self.trainer.hicra_shaping.needs_signal:
            self._read.append(self.memory.weights.copy())  # as `given` gave them: nothing was measured in between
        if not self.every or not any(step % self.every == 0 for step in self.trainer.hicra_steps):
            return
        began = time.perf_counter()
        if images := [key for key in BY_IMAGE if key in out]:
            raise EngineError(
                f"the batch holds images ({images[0]}), which the meter does not split", "set signal_every=0"
            )
        device = self.trainer.accelerator.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.enable_grad():
            signal, noise = self._measured(out, made, forward)
        self.memory.update(signal, noise)
        self._found.append((signal, noise))
        self._spent += time.perf_counter() - began

    def logged(self) -> dict[str, float | None]:
        """Returns what was measured and read since this was last called, by the names of the metrics table.

        Kind weights are there where a method reads them, in each step; signal and noise where something was measured.
        """
        found, self._found = self._found, []
        read, self._read = self._read, []
        values: dict[str, float | None] = {}
        for place, of in enumerate(("signal", "noise")) if found else ():
            for kind in KINDS:
                known = [value for pair in found if (value := pair[place][kind]) is not None]
                values[f"hicra/{of}_{kind}"] = sum(known) / len(known) if known else None
        for place, kind in enumerate(KINDS) if read else ():
            values[f"hicra/kind_weight_{kind}"] = float(np.mean([weights[place] for weights in read]))
        return values

    # ---- checkpoints
    def save(self, checkpoint: Path) -> None:
        """Writes the memory into the folder of a checkpoint, where anything is measured."""
        if self.every and self.trainer.args.should_save:
            write_text(checkpoint / FILE, canonical_json(self.memory.state()))

    def load(self, checkpoint: str | None) -> None:
        """Takes over the memory of a checkpoint.

        Raises:
            ArtifactError: its file cannot be read.
        """
        if not self.every or checkpoint is None:
            return
        path = Path(checkpoint) / FILE
        if not path.exists():
            warnings.warn(
                f"{checkpoint} has no {FILE}, since nothing was measured before it: the memory of the signal starts empty",
                stacklevel=2,
            )
            return
        self.memory.load(read_json(path, "resume from another checkpoint"), str(path))

    # ---- the events of transformers' trainer, which tell the cost
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began, self._spent = time.perf_counter(), 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # the first step of a run warms up, so its times are said only where there is no other
        if not self._spent or self._said or (state.global_step == 1 and state.max_steps > 1):
            return
        self._said = True
        rest = max(time.perf_counter() - self._began - self._spent, 1e-9)
        if state.is_world_process_zero:
            print(
                f"signal_every {self.every}: of step {state.global_step} the meter took {self._spent:.2g} s of wall time and all "
                f"else {rest:.2g} s, so this step took {1 + self._spent / rest:.2f} times what it would have without the meter",
                file=sys.stderr,
            )

    # ---- what they call
    def _measured(self, out: dict[str, Any], made: Generation, forward: Any) -> tuple[Any, Any]:
        """Returns (signal, noise) by kind, equal on all ranks; arguments as of `__call__`."""
        accelerator, arrays = self.trainer.accelerator, made.arrays
        live, base = arrays["response_mask"], wide(arrays["base"], arrays["response_mask"])
        half = half_of(arrays["rollout"], self.trainer.num_generations)
        tokens = torch.tensor([int(live[half == one].sum()) for one in range(HALVES)], device=accelerator.device)
        kinds = masks_by_kind(arrays["planning_mask"], live)
        model = accelerator.unwrap_model(self.trainer.model)
        stand_ins = {f"model.{n}": w.detach().requires_grad_() for n, w in model.named_parameters() if w.requires_grad}
        holder = _Holder(model)
        sums = {
            kind: [[torch.zeros_like(w, dtype=torch.float32) for w in stand_ins.values()] for _ in range(HALVES)]
            for kind in KINDS
        }
        for one in range(HALVES):
            moving = np.flatnonzero((half == one) & (base != 0).any(axis=1))
            for rows in self._micro_batches(moving):
                batch = {key: out[key][torch.from_numpy(rows).to(out[key].device)] for key in BY_ROW if key in out}
                weights = {kind: np.where(mask[rows], base[rows], 0.0) for kind, mask in kinds.items()}
                weights = {kind: weight for kind, weight in weights.items() if weight.any()}
                logps = functional_call(holder, stand_ins, (lambda inner, given=batch: forward(inner, given),))
                for place, (kind, weight) in enumerate(weights.items(), 1):
                    _add(sums[kind][one], logps, weight, list(stand_ins.values()), last=place == len(weights))
                del logps  # and its graph, before the next one is made
        if accelerator.num_processes > 1:
            tokens, sums = accelerator.reduce(tokens, reduction="sum"), accelerator.reduce(sums, reduction="sum")
        return readings({kind: _products(halves) for kind, halves in sums.items()}, tokens.cpu().numpy())

    def _micro_batches(self, rows: Any) -> Iterator[Any]:
        size = self.trainer.args.per_device_train_batch_size
        return (rows[start : start + size] for start in range(0, len(rows), size))


class _Holder(torch.nn.Module):  # type: ignore[misc]
    """Holds a model, so that a function which takes the model can be called with stand-ins for its weights."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, call: Callable[[Any], Any]) -> Any:
        return call(self.model)


def _add(sums: list[Any], logps: Any, weight: Floats, stand_ins: list[Any], last: bool) -> None:
    """Adds the gradient of the sum over tokens of weight x log-probability, both [B,T], to `sums`, one a stand-in.

    `last` says that the graph is needed no more. Where the weight is 0, the log-probability may be anything.
    """
    there = torch.from_numpy(weight).to(logps.device, torch.float32)
    total = (there * torch.where(there != 0, logps, 0.0)).sum()
    for summed, slope in zip(
        sums, torch.autograd.grad(total, stand_ins, retain_graph=not last, allow_unused=True), strict=True
    ):
        if slope is not None:
            summed += slope


def _products(halves: list[list[Any]]) -> Floats:
    """Returns the inner products [2,2] of gradients, each a list of tensors.

    Some devices have no float64, so only the sum over the tensors has it.
    """
    found = np.empty((HALVES, HALVES))
    for i, one in enumerate(halves):
        for j, other in enumerate(halves[: i + 1]):
            parts = torch.stack([(a * b).sum() for a, b in zip(one, other, strict=True)])
            found[i, j] = found[j, i] = float(parts.cpu().double().sum())
    return found


def _refuse(trainer: Any, because: str) -> None:
    """Raises EngineError where the meter cannot work; so before anything is trained."""
    args = trainer.args
    groups = args.generation_batch_size // trainer.num_generations
    if groups < HALVES:
        raise EngineError(
            f"{because}, and a generation has one group: halves by prompt need two",
            f"raise the batch so that a generation has at least {2 * trainer.num_generations} rollouts, or set signal_every=0",
        )
    plugin = getattr(trainer.accelerator.state, "deepspeed_plugin", None)
    sharded = trainer.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3)
    if sharded or any(hasattr(weight, "full_tensor") for weight in trainer.model.parameters()):
        raise EngineError(
            f"{because}, and each process holds parts of the weights (FSDP, DeepSpeed ZeRO-3, tensor parallel)",
            "train with whole weights in each process, or leave out signal_every and methods that need it; "
            "`hicra signal` measures a saved model",
        )
    if args.gradient_checkpointing and (args.gradient_checkpointing_kwargs or {}).get("use_reentrant"):
        raise EngineError(
            f"{because}, and reentrant gradient checkpointing gives no gradient to a meter",
            'set gradient_checkpointing_kwargs={"use_reentrant": False}',
        )
