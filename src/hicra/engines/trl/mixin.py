"""HICRA inside TRL's GRPOTrainer: a mixin of overrides that call super(), with no copied code (TRL versions: `versions.py`).

    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer

- `_calculate_rewards` records the rewards, which TRL does not hand out later.
- `_generate_and_score_completions` tags the sampled ids, computes the advantages where a baseline is named, and shapes them to
  [B,T], once per generation. The batch carries the result through TRL's shuffle and split, so inner epochs (`num_iterations`)
  never shape again.
- `_get_per_token_logps_and_entropies` keeps the policy's latest log-probabilities and entropies.
- `_compute_loss` puts the chosen loss in the place of TRL's (`losses.py`), checks that the advantages trained on are those of
  this batch's mask, then sums up entropies and log-probabilities by token kind.
- `log` adds the metrics. They are pooled over all generations and micro-batches since TRL last logged, and are no mean of means.
- `_get_grad_norm` hands the norm to the guard, which refuses steps that are not finite (`guard.py`).
- `_save_checkpoint` and `_load_optimizer_and_scheduler` keep the memory of the meter, which measures generations (`meter.py`).
- `save_model` and `create_model_card` say beside the weights what they were trained with (`beside.py`).

Collectives run on every rank in the same order, whatever a rank's own mask holds; none runs in `log`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import GRPOTrainer

from hicra.arrays import Array, as_numpy
from hicra.correctness import judge_of
from hicra.engines.shaping import Generation, Shaping
from hicra.engines.trl.beside import add_to_card, write_beside
from hicra.engines.trl.config import HicraGRPOConfig, assignment_of, warn_of_save_steps
from hicra.engines.trl.guard import Guard
from hicra.engines.trl.losses import loss_of
from hicra.engines.trl.meter import Meter
from hicra.engines.trl.probe import probe
from hicra.engines.trl.resample import Resampler, Sampled
from hicra.engines.trl.writer import OwnRun
from hicra.errors import EngineError
from hicra.lexicon import Lexicon
from hicra.metrics import RolloutStats, correct_from_reward, kind_sums, kind_values

FORWARD_KEYS = (
    "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask", "spatial_shapes", "num_tiles",
    "image_sizes", "token_type_ids", "mm_token_type_ids", "image_position_ids",
)  # fmt: skip
Trainer: Any = object  # stands for the trainer class that HicraMixin is put before


class HicraMixin(Trainer):  # type: ignore[misc]
    """Adds HICRA to a GRPOTrainer class that stands after it: `class Mine(HicraMixin, GRPOTrainer)`.

    Attributes:
        last_generation: the latest generation of this process; `hicra train` saves it.
        hicra_guard: refuses steps that are not finite, and counts them.
        hicra_meter: measures the signal of the gradient by token kind, where asked to (`signal_every`).
        hicra_resampler: replaces groups without a gradient (dynamic sampling); None replaces none.

    Raises:
        ConfigError: a field of hicra has a value that is refused.
        EngineError: the trainer's loss does not take advantages [B,T], or the signal is to be measured and cannot be.
    """

    last_generation: Generation | None = None
    hicra_resampler: Resampler | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hicra_lexicon = Lexicon.load(getattr(self.args, "lexicon", HicraGRPOConfig.lexicon))
        self.hicra_shaping = Shaping(
            assignment_of(self.args), self.hicra_lexicon, self._tokenizer, getattr(self.args, "unit", None),
            gather=lambda value: gather_object([value]), rank=self.accelerator.process_index,
            ranks=self.accelerator.num_processes,
        )  # fmt: skip
        self._hicra_scores: Any = None  # (rewards, correct), [B] of all ranks, numpy; NaN where unknown
        # (log-probabilities, entropies) [B,T] of the latest forward pass, with their gradient
        self._hicra_latest: Any = None
        self._hicra_window: dict[str, tuple[list[RolloutStats], list[torch.Tensor]]] = {}  # by mode, until TRL logs
        if getattr(self.args, "use_liger_kernel", False) and hasattr(self, "compute_liger_loss"):
            raise EngineError(
                "the Liger loss of this TRL takes advantages [B] and passes over the one that takes [B,T]",
                "set use_liger_kernel=False, or install TRL 1.14 or later, where Liger is only a kernel",
            )
        probe(self, super()._compute_loss)
        warn_of_save_steps(self.args)
        self.hicra_guard, self.hicra_meter = Guard(self), Meter(self)
        if run_dir := getattr(self.args, "run_dir", None):
            writer = OwnRun(run_dir)
            writer.trainer = self
            self.add_callback(writer)
        self.add_callback(self.hicra_guard)
        self.add_callback(self.hicra_meter)

    # ---- the overrides
    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        rewards: torch.Tensor = super()._calculate_rewards(*args, **kwargs)
        given = rewards.cpu().numpy()
        if np.isinf(given).any():
            row, column = np.argwhere(np.isinf(given))[0]
            raise EngineError(
                f"reward function {self.reward_func_names[column]!r} gave {given[row, column]} for rollout {row}",
                "return a finite number, or None where a rollout cannot be scored",
            )
        missing = np.isnan(given)
        total = np.where(missing, 0.0, given) @ self.reward_weights.cpu().numpy()
        self._hicra_scores = np.where(missing.all(axis=1), np.nan, total), self._hicra_correct(given)
        return rewards

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        training = self.model.training
        first = batch = self._hicra_sampled(inputs)
        if training and self.hicra_resampler:
            batch = self.hicra_resampler(first, self._hicra_sampled)
        out, base = batch.out, batch.out["advantages"]
        rows, live = len(base), _live(out)
        made = self.hicra_shaping.generation(
            batch.inputs,
            ids=as_numpy(out["completion_ids"]),
            live=as_numpy(live),
            base=as_numpy(base),
            rewards=batch.rewards,
            correct=batch.correct,
            group_size=self.num_generations if training else self.num_generations_eval,
            first_group=self.hicra_generation_number() * rows * self.accelerator.num_processes if training else None,
            truncated=as_numpy(_truncated(out["completion_ids"], live, self._tokenizer.eos_token_id)),
            n_tool_calls=as_numpy(_tool_calls(out["completion_mask"].bool(), live)),
            **(self._hicra_policy(out) if self.hicra_shaping.needs_policy else {}),
            **self.hicra_meter.given(),
        )
        if batch is not first:
            made.stats = replace(made.stats, reward=first.rewards, correct=first.correct)
        if training:
            self.last_generation = made
            self.hicra_meter(out, made, lambda model, rows: self._hicra_forward(model, rows)[0])
        self._hicra_since_logged()[0].append(made.stats)
        shaped, planning, before = (
            torch.from_numpy(made.arrays[name]).to(base.device) for name in ("advantages", "planning_mask", "base")
        )
        return out | {
            "advantages": shaped, "planning_mask": planning, "hicra_base": before,
            "hicra_row": torch.arange(rows, device=base.device),
        }  # fmt: skip

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._hicra_latest = result[0], result[1]
        return result

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        live, planning = _live(inputs), inputs["planning_mask"]
        loss, stopped = loss_of(self, super()._compute_loss, model, inputs, live)
        self.hicra_shaping.check(inputs["advantages"], inputs["hicra_base"], planning, live)
        logps, entropies = (value.detach() for value in self._hicra_latest)
        self._hicra_latest = None
        if self.last_generation is not None and self.model.training:
            rows = inputs["hicra_row"].cpu().numpy()
            self.last_generation.arrays["entropies"][rows] = entropies.float().cpu().numpy()
            self.last_generation.arrays["logprobs"][rows] = logps.float().cpu().numpy()
        moving, broken = ((inputs["advantages"] != 0) & live).sum(), ~torch.isfinite(loss.detach())
        counts = (*kind_sums(planning, live, entropies, logps), stopped, moving, broken)
        sums = torch.stack([value.float() for value in counts])
        sums = self.accelerator.reduce(sums, reduction="sum").cpu().double()  # not every device has float64
        self._hicra_since_logged()[1].append(sums[:-1])
        if self.model.training:
            self.hicra_guard.saw(*sums[-2:].tolist())
        return loss

    def _get_grad_norm(self, *args: Any, **kwargs: Any) -> Any:
        self.hicra_guard.norm = super()._get_grad_norm(*args, **kwargs)
        return self.hicra_guard.norm

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        mode = "train" if self.model.training else "eval"
        stats, sums = self._hicra_window.pop(mode, ((), ()))
        values = RolloutStats.merge(stats).values() if stats else {}
        if sums:
            *kinds, stopped, moving = torch.stack(sums).sum(dim=0).tolist()
            values |= kind_values(kinds)
            if moving and stopped == stopped:  # NaN where the loss is TRL's own
                values["hicra/clipped_share"] = stopped / moving
        if mode == "train":
            values |= self.hicra_guard.logged() | (self.hicra_resampler.logged() if self.hicra_resampler else {})
            values |= self.hicra_meter.logged()
        self._metrics[mode] |= {name: [value] for name, value in values.items() if value is not None}
        super().log(logs, *args, **kwargs)
        if not torch.isfinite(self._tr_loss):
            self._tr_loss.zero_()  # the Trainer subtracts it from itself, and would log NaN for ever
        self.hicra_guard.stop_if_hopeless()

    def save_model(self, output_dir: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().save_model(output_dir, *args, **kwargs)
        if self.args.should_save:
            write_beside(Path(output_dir or self.args.output_dir), self)

    def _save_checkpoint(self, model: Any, trial: Any, *args: Any, **kwargs: Any) -> None:
        super()._save_checkpoint(model, trial, *args, **kwargs)
        step = self.state.global_step
        self.hicra_meter.save(Path(self._get_output_dir(trial=trial)) / f"{PREFIX_CHECKPOINT_DIR}-{step}")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None, *args: Any, **kwargs: Any) -> None:
        super()._load_optimizer_and_scheduler(checkpoint, *args, **kwargs)
        self.hicra_meter.load(checkpoint)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        super().create_model_card(*args, **kwargs)
        if self.is_world_process_zero():
            add_to_card(Path(self.args.output_dir) / "README.md", self)

    # ---- what the overrides call
    def _hicra_sampled(self, inputs: list[dict[str, Any]]) -> Sampled:
        """Samples and scores a generation by TRL's own way, for rows that stand there once for every rollout of their group."""
        try:
            out: dict[str, Any] = super()._generate_and_score_completions(inputs)
        except RuntimeError as error:
            if "probability tensor contains" not in str(error):
                raise
            raise EngineError(
                f"the model gives no finite probabilities to sample from after step {self.state.global_step}",
                "its weights have grown beyond all bounds: lower the learning rate, and start again or from an older checkpoint",
            ) from error
        rows, rank = len(out["advantages"]), self.accelerator.process_index
        rewards, correct = (scores[rank * rows : (rank + 1) * rows] for scores in self._hicra_scores)
        return Sampled(inputs, out, rewards, correct)

    def _hicra_correct(self, given: Array) -> Array:
        """Returns which rollouts of all ranks are right, [B], 1 or 0, NaN where unknown, by the reward that judges.

        Args:
            given: [B,F] what the F reward functions gave.
        """
        judge = judge_of(self.reward_func_names)
        if judge is None:
            return np.full(len(given), np.nan)
        return correct_from_reward(given[:, self.reward_func_names.index(judge)])

    def hicra_generation_number(self) -> int:
        """Returns the number of this generation for training, from 0, which a resumed run counts as the straight one does."""
        micro_steps: int = self.hicra_guard.first_micro_step + self._step
        uses: int = self.args.steps_per_generation * self.num_iterations
        return micro_steps // uses

    def _hicra_policy(self, out: dict[str, Any]) -> dict[str, Array]:
        """Computes entropies and log-probabilities [B,T] (nats) of the sampling policy in one more forward pass, where needed."""
        mode = "train" if self.model.training else "eval"
        size = self.args.per_device_train_batch_size if mode == "train" else self.args.per_device_eval_batch_size
        with torch.no_grad():
            logps, entropies, _ = self._hicra_forward(self.model, out, batch_size=size, compute_entropy=True)
        return {"entropies": as_numpy(entropies.float()), "old_logprobs": as_numpy(logps.float())}

    def _hicra_forward(self, model: Any, out: dict[str, Any], **asked: Any) -> Any:
        """Returns TRL's (log-probabilities, entropies or None, ...) [B,T] of rollouts, and leaves no trace of the pass."""
        return super()._get_per_token_logps_and_entropies(
            model,
            torch.cat([out["prompt_ids"], out["completion_ids"]], dim=1),
            torch.cat([out["prompt_mask"], out["completion_mask"]], dim=1),
            out["completion_ids"].size(1),
            **asked,
            **{key: out[key] for key in FORWARD_KEYS if key in out},
        )

    def _hicra_since_logged(self) -> tuple[list[RolloutStats], list[torch.Tensor]]:
        """Returns what came since TRL last logged: statistics of the generations, and sums by token kind of the micro-batches."""
        return self._hicra_window.setdefault("train" if self.model.training else "eval", ([], []))


class HicraGRPOTrainer(HicraMixin, GRPOTrainer):  # type: ignore[misc]
    """TRL's GRPOTrainer with hierarchy-aware credit; it takes the same arguments, with a `HicraGRPOConfig` as `args`."""

    def __init__(self, model: Any, reward_funcs: Any = None, args: Any = None, *rest: Any, **kwargs: Any) -> None:
        if args is None:
            name = model if isinstance(model, str) else str(getattr(model.config, "_name_or_path", "") or "model")
            args = HicraGRPOConfig(f"{name.split('/')[-1]}-HICRA")
        super().__init__(model, reward_funcs, args, *rest, **kwargs)


def _tool_calls(produced: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
    """Counts the stretches [B] of tokens inside responses [B,T] that the policy did not produce: each is a tool's output."""
    tool = (produced & ~live).int()
    return (torch.nn.functional.pad(tool, (1, 0)).diff(dim=1) == 1).sum(dim=1)


def _truncated(ids: torch.Tensor, live: torch.Tensor, end: int) -> torch.Tensor:
    """Says of which responses [B] the last policy token is not the end token; with a tool, each earlier turn has one too."""
    last = torch.where(live, torch.arange(live.size(1), device=live.device), -1).amax(dim=1)
    return (last < 0) | (ids.gather(1, last.clamp(min=0)[:, None])[:, 0] != end)


def _live(batch: dict[str, Any]) -> torch.Tensor:
    """Returns the policy tokens [B,T] bool; TRL pads tool_mask with 1, so it is never used without completion_mask."""
    mask: torch.Tensor = batch["completion_mask"].bool()
    return mask & batch["tool_mask"].bool() if "tool_mask" in batch else mask
