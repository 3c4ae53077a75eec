"""HICRA inside TRL's GRPOTrainer: a mixin of overrides that call super(), with no copied code (pinned to TRL 1.16).

    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer

- `_calculate_rewards` records the rewards, which TRL does not hand out later.
- `_generate_and_score_completions` tags the sampled ids and shapes the advantages to [B,T], once per generation. The batch
  carries the result through TRL's shuffle and split, so inner epochs (`num_iterations`) never shape again.
- `_get_per_token_logps_and_entropies` keeps the policy's latest log-probabilities and entropies.
- `_compute_loss` checks that the advantages trained on are those of this batch's mask, then sums up entropies and
  log-probabilities by token kind.
- `log` adds the metrics. They are pooled over all generations and micro-batches since TRL last logged, and are no mean of means.

Collectives run on every rank in the same order, whatever a rank's own mask holds; none runs in `log`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from trl import GRPOConfig, GRPOTrainer

from hicra.arrays import as_numpy
from hicra.credit import Method, get_method
from hicra.engines.shaping import Generation, Shaping
from hicra.errors import ConfigError, EngineError
from hicra.lexicon import Lexicon
from hicra.metrics import RolloutStats, kind_sums, kind_values
from hicra.runs.config import RunConfig
from hicra.strict import field_of

FORWARD_KEYS = (
    "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask", "spatial_shapes", "num_tiles",
    "image_sizes", "token_type_ids", "mm_token_type_ids", "image_position_ids",
)  # fmt: skip
Trainer: Any = object  # stands for the trainer class that HicraMixin is put before


def _field(key: str) -> Any:
    """Makes a field with the default and the meaning of a key of `hicra train`'s config."""
    found = field_of(RunConfig, key)
    default = {"default_factory": dict} if found.default == {} else {"default": found.default}
    return field(**default, metadata={"help": found.description})


@dataclass
class HicraGRPOConfig(GRPOConfig):  # type: ignore[misc]
    """TRL's GRPOConfig with four more fields.

    Args:
        lexicon: built-in name, lexicon folder, or text file of phrases.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        method: a name in `hicra.credit.METHODS`.
        method_settings: settings of the method; absent ones take its defaults.
    """

    _VALID_DICT_FIELDS = [*GRPOConfig._VALID_DICT_FIELDS, "method_settings"]  # noqa: RUF012

    lexicon: str = _field("lexicon")
    unit: str | None = _field("unit")
    method: str = _field("method.name")
    method_settings: dict[str, Any] | str | None = _field("method.settings")  # noqa: RUF009

    def __post_init__(self) -> None:
        super().__post_init__()
        _method(self)  # a typo is found here, not after the model has loaded
        Lexicon.load(self.lexicon)


class HicraMixin(Trainer):  # type: ignore[misc]
    """Adds HICRA to a GRPOTrainer class that stands after it: `class Mine(HicraMixin, GRPOTrainer)`.

    Attributes:
        last_generation: the latest generation of this process; `hicra train` saves it.
    """

    last_generation: Generation | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hicra_method, self.hicra_settings = _method(self.args)
        self.hicra_lexicon = Lexicon.load(getattr(self.args, "lexicon", HicraGRPOConfig.lexicon))
        self.hicra_shaping = Shaping(
            self.hicra_method, self.hicra_settings, self.hicra_lexicon, self._tokenizer, getattr(self.args, "unit", None),
            gather=lambda value: gather_object([value]), rank=self.accelerator.process_index,
            ranks=self.accelerator.num_processes,
        )  # fmt: skip
        self._hicra_rewards: Any = None  # [B] of all ranks, numpy
        self._hicra_latest: Any = None  # (log-probabilities, entropies) [B,T] of the latest forward pass
        self._hicra_window: dict[str, tuple[list[RolloutStats], list[torch.Tensor]]] = {}  # by mode, until TRL logs

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
        self._hicra_rewards = np.where(missing.all(axis=1), np.nan, total)
        return rewards

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = super()._generate_and_score_completions(inputs)
        training, base = self.model.training, out["advantages"]
        rows, rank = len(base), self.accelerator.process_index
        made = self.hicra_shaping.generation(
            inputs,
            ids=as_numpy(out["completion_ids"]),
            live=as_numpy(_live(out)),
            base=as_numpy(base),
            rewards=self._hicra_rewards[rank * rows : (rank + 1) * rows],
            group_size=self.num_generations if training else self.num_generations_eval,
            entropies=as_numpy(self._hicra_entropies(out)) if self.hicra_shaping.needs_entropies else None,
        )
        if training:
            self.last_generation = made
        self._hicra_since_logged()[0].append(made.stats)
        shaped, planning = (torch.from_numpy(made.arrays[name]) for name in ("advantages", "planning_mask"))
        return out | {
            "advantages": shaped.to(base.device), "planning_mask": planning.to(base.device), "hicra_base": base,
            "hicra_row": torch.arange(rows, device=base.device),
        }  # fmt: skip

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._hicra_latest = (result[0].detach(), None if result[1] is None else result[1].detach())
        return result

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss: torch.Tensor = super()._compute_loss(model, inputs)
        live, planning = _live(inputs), inputs["planning_mask"]
        self.hicra_shaping.check(inputs["advantages"], inputs["hicra_base"], planning, live)
        logps, entropies = self._hicra_latest
        self._hicra_latest = None
        if self.last_generation is not None and self.model.training:
            rows = inputs["hicra_row"].cpu().numpy()
            self.last_generation.arrays["entropies"][rows] = entropies.float().cpu().numpy()
            self.last_generation.arrays["logprobs"][rows] = logps.float().cpu().numpy()
        sums = torch.stack([value.float() for value in kind_sums(planning, live, entropies, logps)])
        sums = self.accelerator.reduce(sums, reduction="sum").cpu().double()  # not every device has float64
        self._hicra_since_logged()[1].append(sums)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        mode = "train" if self.model.training else "eval"
        stats, sums = self._hicra_window.pop(mode, ((), ()))
        values = RolloutStats.merge(stats).values() if stats else {}
        values |= kind_values(torch.stack(sums).sum(dim=0).tolist()) if sums else {}
        self._metrics[mode] |= {name: [value] for name, value in values.items() if value is not None}
        super().log(logs, *args, **kwargs)

    # ---- what the overrides call
    def _hicra_entropies(self, out: dict[str, Any]) -> torch.Tensor:
        """Computes the entropies [B,T] (nats) of the sampling policy in one more forward pass, for methods that need them."""
        mode = "train" if self.model.training else "eval"
        size = self.args.per_device_train_batch_size if mode == "train" else self.args.per_device_eval_batch_size
        with torch.no_grad():
            entropies: torch.Tensor
            _, entropies, _ = super()._get_per_token_logps_and_entropies(
                self.model,
                torch.cat([out["prompt_ids"], out["completion_ids"]], dim=1),
                torch.cat([out["prompt_mask"], out["completion_mask"]], dim=1),
                out["completion_ids"].size(1),
                batch_size=size,
                compute_entropy=True,
                **{key: out[key] for key in FORWARD_KEYS if key in out},
            )
        return entropies.float()

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


def _live(batch: dict[str, Any]) -> torch.Tensor:
    """Returns the policy tokens [B,T] bool; TRL pads tool_mask with 1, so it is never used without completion_mask."""
    mask: torch.Tensor = batch["completion_mask"].bool()
    return mask & batch["tool_mask"].bool() if "tool_mask" in batch else mask


def _method(args: Any) -> tuple[Method, dict[str, Any]]:
    """Returns the checked method and settings of a config; a plain GRPOConfig gives the defaults."""
    settings = getattr(args, "method_settings", None) or {}
    if not isinstance(settings, dict):
        raise ConfigError(
            f"method_settings is {settings!r}, not a mapping", """give an object, for example '{"alpha": 0.2}'"""
        )
    return get_method(getattr(args, "method", HicraGRPOConfig.method), settings), dict(settings)
