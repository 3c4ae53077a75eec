"""Reads what a GRPOTrainer of TRL samples and computes, and changes nothing of it: it tags, counts, and logs the metrics.

These are overrides that call super(), with no copied code. `HicraMixin` (`mixin.py`) adds to them what shapes and trains;
`HicraObserver` (`observer.py`) puts them before a trainer that trains as it ever did.

- `_calculate_rewards` records the rewards, which TRL does not hand out later.
- `_generate_and_score_completions` tags the sampled ids once per generation. The batch carries the planning mask and the place of
  each row through TRL's shuffle and split.
- `_get_per_token_logps_and_entropies` keeps the policy's latest log-probabilities and entropies.
- `_compute_loss` sums up entropies and log-probabilities by token kind.
- `log` adds the metrics. They are pooled over all generations and micro-batches since TRL last logged, and are no mean of means.

Collectives run on every rank in the same order, whatever a rank's own mask holds; none runs in `log`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object

from hicra.arrays import Array, as_numpy
from hicra.correctness import judge_of
from hicra.credit import Assignment
from hicra.engines.shaping import Generation, Shaping
from hicra.engines.trl.config import steps_of
from hicra.engines.trl.meter import Meter
from hicra.engines.trl.ranks import refuse_different
from hicra.engines.trl.resample import Resampler, Sampled
from hicra.engines.turns import calls, truncated
from hicra.errors import EngineError
from hicra.generation.ends import end_tokens
from hicra.lexicon import Lexicon
from hicra.metrics import RolloutStats, correct_from_reward, kind_sums, kind_values

FORWARD_KEYS = (
    "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask", "spatial_shapes", "num_tiles",
    "image_sizes", "token_type_ids", "mm_token_type_ids", "image_position_ids",
)  # fmt: skip
Trainer: Any = object  # stands for the trainer class that HicraReading is put before


class HicraReading(Trainer):  # type: ignore[misc]
    """Reads the rollouts and losses of a GRPOTrainer class that stands after it.

    Attributes:
        last_generation: the latest generation of this process; whoever writes rollouts reads it.
        hicra_steps: the optimiser steps, counted from 1, that it is used for.
        hicra_lexicon, hicra_shaping: what marks the planning tokens, and what tags and counts with it.
        hicra_ends: the tokens that end a response.
        hicra_asked: lexicon, unit (the span type) and signal_every as they were asked for.
        hicra_meter: measures the signal of the gradient by token kind, where asked to (`signal_every`).
        hicra_resampler: replaces groups without a gradient (dynamic sampling); None replaces none.
        hicra_guard: refuses steps that are not finite; None where nothing watches them.
        hicra_first_micro_step: micro-steps that the run had before this process trains, over all of its resumes.
    """

    last_generation: Generation | None = None
    hicra_steps = range(0)
    hicra_resampler: Resampler | None = None
    hicra_guard: Any = None
    hicra_first_micro_step = 0

    def hicra_begin(self, credit: Assignment, lexicon: str, unit: str | None, signal_every: int) -> None:
        """Makes what the overrides need; before anything is trained.

        Raises:
            ConfigError: the lexicon or the span type is refused, or a part of `credit` needs what no engine has.
            EngineError: the processes differ in what they were given, or the signal is to be measured and cannot be.
        """
        self.hicra_lexicon = Lexicon.load(lexicon)
        self.hicra_ends = end_tokens(self._tokenizer, self.model)
        self.hicra_asked = {"lexicon": lexicon, "unit": unit, "signal_every": signal_every}
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        self.hicra_shaping = Shaping(
            credit, self.hicra_lexicon, self._tokenizer, unit,
            gather=lambda value: gather_object([value]), rank=rank, ranks=ranks,
        )  # fmt: skip
        refuse_different(
            {"lexicon": self.hicra_lexicon.content_hash, "span type": self.hicra_shaping.tagger.unit}
            | {"method, baseline and loss": repr(credit.described())}
            | {f"code of the {part}": code for part, code in credit.hashes().items()}
        )
        self._hicra_scores: Any = None  # (rewards, correct), [B] of all ranks, numpy; NaN where unknown
        # (log-probabilities, entropies) [B,T] of the latest forward pass, with their gradient
        self._hicra_latest: Any = None
        self._hicra_window: dict[str, tuple[list[RolloutStats], list[torch.Tensor]]] = {}  # by mode, until TRL logs
        self.hicra_meter = Meter(self, signal_every)

    # ---- the overrides
    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        rewards: torch.Tensor = super()._calculate_rewards(*args, **kwargs)
        given = self._hicra_given(rewards.detach().float().cpu().numpy())
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
        rows, live, ids = len(base), as_numpy(live_of(out)), as_numpy(out["completion_ids"])
        made = self.hicra_shaping.generation(
            batch.inputs,
            ids=ids,
            live=live,
            base=as_numpy(base),
            rewards=batch.rewards,
            correct=batch.correct,
            group_size=self.num_generations if training else self.num_generations_eval,
            first_group=self.hicra_generation_number() * rows * self.accelerator.num_processes if training else None,
            truncated=truncated(ids, live, self.hicra_ends),
            n_tool_calls=calls(as_numpy(out["completion_mask"]).astype(np.bool_) & ~live),
            **(self._hicra_policy(out) if self.hicra_shaping.needs_policy else {}),
            **self.hicra_meter.given(),
        )
        if batch is not first:
            made.stats = replace(made.stats, reward=first.rewards, correct=first.correct)
        if training:
            self.last_generation = made
            self.hicra_steps = steps_of(self.args, self.hicra_first_micro_step + self._step)
            self.hicra_meter(out, made, lambda model, rows: self._hicra_forward(model, rows)[0])
        self._hicra_since_logged()[0].append(made.stats)
        fields = self._hicra_fields(made) | {"hicra_row": np.arange(rows)}
        return out | {name: torch.from_numpy(value).to(base.device) for name, value in fields.items()}

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._hicra_latest = result[0], result[1]
        return result

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        live, planning = live_of(inputs), inputs["planning_mask"]
        loss, stopped = self._hicra_loss(super()._compute_loss, model, inputs, live)
        if self._hicra_latest is None or self._hicra_latest[1] is None:
            raise EngineError(
                f"the loss of {type(self).__name__} computes its log-probabilities or entropies by a way of its own",
                "hicra reads a loss that calls `_get_per_token_logps_and_entropies`, as TRL's GRPOTrainer does",
            )
        logps, entropies = (value.detach() for value in self._hicra_latest)
        self._hicra_latest = None
        if self.last_generation is not None and self.model.training:
            rows = inputs["hicra_row"].cpu().numpy()
            self.last_generation.arrays["entropies"][rows] = entropies.float().cpu().numpy()
            self.last_generation.arrays["logprobs"][rows] = logps.float().cpu().numpy()
        wide = inputs["advantages"] if inputs["advantages"].dim() == 2 else inputs["advantages"][:, None]
        moving, broken = ((wide != 0) & live).sum(), ~torch.isfinite(loss.detach())
        counts = (*kind_sums(planning, live, entropies, logps), stopped, moving, broken)
        sums = torch.stack([value.float() for value in counts])
        sums = self.accelerator.reduce(sums, reduction="sum").cpu().double()  # not every device has float64
        self._hicra_since_logged()[1].append(sums[:-1])
        if self.model.training and self.hicra_guard:
            self.hicra_guard.saw(*sums[-2:].tolist())
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        mode = "train" if self.model.training else "eval"
        self._metrics[mode] |= {name: [value] for name, value in self._hicra_values(mode).items() if value is not None}
        super().log(logs, *args, **kwargs)

    # ---- what a trainer that shapes does otherwise
    def _hicra_given(self, given: Array) -> Array:
        """Returns what the F reward functions gave [B,F], NaN where it says nothing: an infinite reward too."""
        return np.where(np.isinf(given), np.nan, given)

    def _hicra_correct(self, given: Array) -> Array:
        """Returns which rollouts of all ranks are right, [B], 1 or 0, NaN where unknown, by the reward that judges.

        Args:
            given: [B,F] what the F reward functions gave.
        """
        judge = judge_of(self.reward_func_names)
        if judge is None:
            return np.full(len(given), np.nan)
        return correct_from_reward(given[:, self.reward_func_names.index(judge)])

    def _hicra_fields(self, made: Generation) -> dict[str, Array]:
        """Returns what the batch carries to the loss besides the place of its rows."""
        return {"planning_mask": made.arrays["planning_mask"]}

    def _hicra_loss(
        self, loss_of_trl: Callable[[Any, dict[str, Any]], Any], model: Any, inputs: dict[str, Any], live: Any
    ) -> tuple[Any, Any]:
        """Returns the loss, and the number of tokens that it clips; NaN where the loss logs that by itself."""
        return loss_of_trl(model, inputs), torch.full((), float("nan"), device=live.device)

    def _hicra_values(self, mode: str) -> dict[str, float | None]:
        """Returns the metrics since TRL last logged, by the names of the metrics table."""
        stats, sums = self._hicra_window.pop(mode, ((), ()))
        values: dict[str, float | None] = dict(RolloutStats.merge(stats).values()) if stats else {}
        if sums:
            *kinds, stopped, moving = torch.stack(sums).sum(dim=0).tolist()
            values |= kind_values(kinds)
            if moving and stopped == stopped:  # NaN where the loss is TRL's own
                values["hicra/clipped_share"] = stopped / moving
        return values | self.hicra_meter.logged() if mode == "train" else values

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

    def hicra_generation_number(self) -> int:
        """Returns the number of this generation for training, from 0, which a resumed run counts as the straight one does."""
        micro_steps: int = self.hicra_first_micro_step + self._step
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


def live_of(batch: dict[str, Any]) -> torch.Tensor:
    """Returns the policy tokens [B,T] bool; TRL pads tool_mask with 1, so it is never used without completion_mask."""
    mask: torch.Tensor = batch["completion_mask"].bool()
    return mask & batch["tool_mask"].bool() if "tool_mask" in batch else mask
