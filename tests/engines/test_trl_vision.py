"""A vision-language model, tiny and random: a processor in place of a tokenizer, and images in the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer, HicraObserver
from hicra.errors import EngineError
from trl_tiny import (
    TOKENIZER,
    WORDS,
    lexicon_file,
    logged,
    make_tokenizer,
    naive_mask,
    parameters_hash,
    reward,
    settings,
)
from vision_tiny import SIDE, tiny_processor, tiny_vision_model

Image = pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")
pytestmark = [pytest.mark.engine, pytest.mark.slow]


def processor() -> Any:
    return tiny_processor(make_tokenizer())


def rows() -> Dataset:
    """Prompts of a picture and some words; no two pictures are equal."""
    pictures = [Image.new("RGB", (SIDE, SIDE), (30 * n, 255 - 30 * n, 17)) for n in range(4)]
    prompts = [[{"role": "user", "content": " ".join(WORDS[n : n + 2])}] for n in range(4)]
    return Dataset.from_list([{"prompt": one, "image": image} for one, image in zip(prompts, pictures, strict=True)])


def made(
    folder: Path,
    method_settings: dict[str, Any] | None,
    trainer: type = HicraGRPOTrainer,
    method: str = "hicra",
    **more: Any,
) -> Any:
    whole = processor()
    spoken = {*TOKENIZER(" " + " ".join(WORDS))["input_ids"], whole.tokenizer.eos_token_id}
    silent = sorted(set(range(len(whole.tokenizer))) - spoken)
    chosen = settings(folder, generation_kwargs={"suppress_tokens": silent, "min_new_tokens": 4}, **more)
    if method_settings is None:
        args, trainer = GRPOConfig(**chosen), GRPOTrainer
    else:
        args = HicraGRPOConfig(lexicon=lexicon_file(folder), method=method, method_settings=method_settings, **chosen)
    return trainer(tiny_vision_model(whole.tokenizer), reward, args, train_dataset=rows(), processing_class=whole)


def trained(trainer: Any) -> Any:
    """Trains at once, since a trainer sets the seed when it is made."""
    trainer.train()
    return trainer


class Kept(HicraGRPOTrainer):
    """Keeps what the loss saw."""

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        self.seen = inputs
        return super()._compute_loss(model, inputs)


def test_a_vision_language_model_trains_as_a_text_model_does(tmp_path: Path) -> None:
    plain = trained(made(tmp_path, None))
    zero, shaped = trained(made(tmp_path, {"alpha": 0.0})), trained(made(tmp_path, {"alpha": 0.2}, Kept))
    assert parameters_hash(zero) == parameters_hash(plain)
    assert parameters_hash(shaped) != parameters_hash(zero)
    assert "pixel_values" in shaped.seen
    batch = shaped.seen
    for ids, live, mask in zip(
        batch["completion_ids"], batch["completion_mask"].bool(), batch["planning_mask"], strict=True
    ):
        assert (mask & live).tolist() == naive_mask(ids.tolist(), live.tolist())
    assert batch["planning_mask"].any()
    assert max(logged(shaped, "hicra/changed_share")) > 0


def test_methods_that_need_a_forward_pass_of_their_own_see_the_images(tmp_path: Path) -> None:
    """At the first step the sampling policy is the trained one, so the entropies of the loss give the same advantages."""
    trainer = made(tmp_path, {"alpha": 0.4, "kappa": 2.0}, Kept, "entropy_advantage", max_steps=1)
    trainer.train()
    batch, entropies = (
        trainer.seen,
        torch.from_numpy(trainer.last_generation.arrays["entropies"])[trainer.seen["hicra_row"]],
    )
    base, live = batch["hicra_base"][:, None], batch["completion_mask"].bool()
    expected = base + torch.minimum(0.4 * entropies, base.abs() / 2)
    assert torch.allclose(batch["advantages"][live], expected[live], atol=1e-5)


def test_an_observer_reads_it_and_the_meter_refuses_images_by_name(tmp_path: Path) -> None:
    plain = trained(made(tmp_path, None))
    seen = made(tmp_path, None)
    seen.add_callback(HicraObserver(seen, lexicon=lexicon_file(tmp_path)))
    seen.train()
    assert parameters_hash(seen) == parameters_hash(plain)
    assert len(logged(seen, "hicra/planning_share")) == 2
    with pytest.raises(EngineError, match="the batch holds images .pixel_values., which the meter does not split"):
        made(tmp_path, {"alpha": 0.2}, signal_every=1).train()
