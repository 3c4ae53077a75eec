"""Runs on every rank of two (test_trl_two_processes.py): trains each arm and writes what this rank has seen.

Six rows a rank in groups of four, so that the second group straddles the ranks. Completions are long enough for the
ranks to pad to different widths.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hicra.engines.trl import HicraObserver
from trl_tiny import ID, TOKENIZER, Recorder, lexicon_file, logged, make_trainer, parameters_hash, prompts

MEASURED = ("signal_planning", "signal_execution", "noise_planning", "noise_execution")
ARMS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "plain": (None, {}),
    "alpha 0": ("hicra", {"alpha": 0.0}),
    "hicra": ("hicra", {"alpha": 0.2}),
    "recentred": ("hicra_recentred", {"alpha": 0.3}),
    "forking": ("forking_tokens", {"rho": 0.2}),
    "measured": ("hicra", {"alpha": 0.2}),
    "adaptive": ("hicra_adaptive", {}),
    "observed plain": (None, {}),
    "quiet plain": (None, {}),
    "quiet alpha 0": ("hicra", {"alpha": 0.0}),
    "quiet hicra": ("hicra", {"alpha": 0.2}),
}
FIGURES = ("planning_share", "changed_share", "entropy_planning", "entropy_execution", "accuracy", "length")


def quiet_rollouts(prompts: list[str], trainer: Any) -> dict[str, Any]:
    """Rollouts of other lengths on each rank, with a stretch that the policy did not write; rank 1 has no planning token."""
    second = trainer.accelerator.process_index
    begin, written = ("twelve minus one", "is nine three") if second else ("hold on so", "let me recheck")
    tail, rows = ["three", "nine", "twelve", "minus", "one"], range(len(prompts))
    ids, masks = [], []
    for row in rows:
        own = [tail[(row + place * place) % 5] for place in range(1 + row + 3 * second)]
        ids.append([ID[word] for word in (*begin.split(), *written.split(), *own)] + [TOKENIZER.eos_token_id])
        masks.append([1, 1, 1, 0, 0, 0] + [1] * (len(own) + 1))
    return {
        "prompt_ids": [TOKENIZER(prompt)["input_ids"] for prompt in prompts], "completion_ids": ids,
        "logprobs": [[0.0] * len(one) for one in ids], "env_mask": masks,
    }  # fmt: skip


def options(arm: str, folder: Path) -> dict[str, Any]:
    """What differs between the arms besides the method."""
    if arm.startswith("quiet"):  # two micro-batches a step, and an evaluation
        return {
            "per_device_train_batch_size": 3, "gradient_accumulation_steps": 2, "eval_strategy": "steps", "eval_steps": 2,
            "per_device_eval_batch_size": 4, "extra": {"rollout_func": quiet_rollouts, "eval_dataset": prompts(2)},
        }  # fmt: skip
    more = {"measured": {"signal_every": 1}, "hicra": {"run_dir": str(folder / "run")}}
    return {"per_device_train_batch_size": 6} | more.get(arm, {})


class Shapes(Recorder):
    """Keeps the fields that each generation was shaped from, some of which are overwritten later on, and its prompts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shapes: list[dict[str, Any]] = []
        inner = self.hicra_shaping._credited

        def credited(base: Any, batch: dict[str, Any]) -> Any:
            before, made = inner(base, batch)
            self.shapes.append(batch | {"base": before, "advantages": made})
            return before, made

        self.hicra_shaping._credited = credited

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        out = super()._generate_and_score_completions(inputs)
        self.shapes[-1] |= {name: out[name].numpy().copy() for name in ("prompt_ids", "prompt_mask")}
        return out


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    summary: dict[str, Any] = {}
    for arm, (method, method_settings) in ARMS.items():
        trainer = make_trainer(
            folder / arm, method, method_settings, trainer=Shapes,
            max_completion_length=44, scale_rewards="none", **options(arm, folder),
        )  # fmt: skip
        if arm.startswith("observed"):
            trainer.add_callback(HicraObserver(trainer, lexicon=lexicon_file(folder / arm), signal_every=1))
        trainer.train()
        rank = trainer.accelerator.process_index
        summary[arm] = {
            "world": trainer.accelerator.num_processes,
            "type": str(trainer.accelerator.distributed_type),
            "hash": parameters_hash(trainer),
            "logged": {name: logged(trainer, f"hicra/{name}") for name in (*FIGURES, *MEASURED)},
            "evaluated": {name: logged(trainer, f"eval_hicra/{name}") for name in FIGURES},
        }
        if method is not None:
            fields = {
                f"{step}.{name}": value for step, batch in enumerate(trainer.shapes) for name, value in batch.items()
            }
            for step, batch in enumerate(trainer.seen):  # after the shuffle, in the order of the loss
                fields |= {f"{step}.loss.{name}": batch[name].numpy() for name in ("mask", "live", "entropies")}
            np.savez(folder / f"{arm}-{rank}.npz", **fields)
    (folder / f"summary-{rank}.json").write_text(json.dumps(summary), encoding="utf-8")
    torch.distributed.destroy_process_group()  # its threads must not outlive the interpreter


if __name__ == "__main__":
    main(Path(sys.argv[1]))
