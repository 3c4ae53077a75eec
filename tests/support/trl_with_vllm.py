"""Trains two steps with vLLM inside the process, and writes what it found into FOLDER/found.json (test_trl_vllm.py)."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from trl.generation import vllm_generation

from trl_tiny import SPOKEN, TOKENIZER, Recorder, logged, make_model, make_trainer, naive_masks, parameters_hash


class Kept(Recorder):
    """Keeps the ratios of a micro-batch, its loss, and its loss with twice the advantages."""

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        twice = dict(inputs, advantages=2 * inputs["advantages"], hicra_base=2 * inputs["hicra_base"])
        self.losses = [float(loss.detach()), float(super()._compute_loss(model, twice).detach())]
        ratio = inputs.get("importance_sampling_ratio")
        self.ratios = [] if ratio is None else ratio.flatten().tolist()
        return loss


def keep_weights() -> None:
    """Lets vLLM compute with the weights that TRL writes after each step.

    On a CPU with AVX-512 vLLM 0.31 packs the weights of a linear layer and drops the originals, so TRL finds nothing to write to
    ('Parameter' object has no attribute 'weight_loader'). With AVX2 alone it keeps them, as it does here.
    """
    from vllm.model_executor.layers import utils

    def plain(layer: Any, remove_weight: bool) -> None:
        layer.cpu_linear = torch.nn.functional.linear

    utils.dispatch_cpu_unquantized_gemm = plain


def leave_out_compilation() -> None:
    """Lets vLLM run the model as it is written: to compile it takes longer than all that is tested, and changes none of it."""
    vllm_generation.LLM = functools.partial(vllm_generation.LLM, enforce_eager=True)


def main(folder: Path) -> None:
    keep_weights()
    leave_out_compilation()
    config = make_model().config
    config.hidden_size = 64  # heads of 32 numbers: the attention of vLLM on a CPU knows no heads of 16
    model = transformers.Qwen2ForCausalLM(config)
    model.save_pretrained(folder / "model")  # vLLM reads the model by its folder
    TOKENIZER.save_pretrained(folder / "model")
    trainer = make_trainer(
        folder, "hicra", {"alpha": 0.2}, trainer=Kept, model=str(folder / "model"), use_vllm=True, vllm_mode="colocate",
        # of a whole response the ratio would be about 0: vLLM counts over the allowed tokens alone, TRL over all
        vllm_importance_sampling_mode="token_truncate",
        vllm_max_model_length=64, generation_kwargs={"allowed_token_ids": sorted(SPOKEN), "min_tokens": 4},
    )  # fmt: skip
    start = parameters_hash(trainer)
    trainer.train()
    (first, *_) = trainer.generations
    ids, live = torch.from_numpy(first["response_ids"]), torch.from_numpy(first["response_mask"])
    found = {
        "steps": trainer.state.global_step, "engine": trainer.args.vllm_mode,
        "weights moved": parameters_hash(trainer) != start,
        "planning_share": logged(trainer, "hicra/planning_share"), "changed_share": logged(trainer, "hicra/changed_share"),
        "mask is that of the sampled ids": bool((torch.from_numpy(first["planning_mask"]) == naive_masks(ids, live)).all()),
        "ratios": trainer.ratios, "loss": trainer.losses[0], "loss of twice the advantages": trainer.losses[1],
    }  # fmt: skip
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
