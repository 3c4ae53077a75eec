"""The small world of the engine tests: a 16-word language, a random model that speaks only it, and a naive tagger.

The tagger here is written a second time, word by word in plain Python, so that the tests do not take hicra's word for
what a planning token is. Every word is one token, with its leading space, as in the byte-level BPE of Qwen2.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from trl import GRPOConfig, GRPOTrainer

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer

LANGUAGE = "hold on let me recheck so the sum of three and nine is twelve minus one"
WORDS = LANGUAGE.split()
GRAMS = ("hold on", "let me", "me recheck", "recheck", "so")
LENGTH, GROUP = 14, 4
# losses of older versions of TRL that take a mean over the padding too, and are therefore refused
COUNT_PADDING = ("luspo",) if tuple(map(int, trl.__version__.split(".")[:2])) < (1, 10) else ()


def make_tokenizer() -> Any:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [" " + " ".join(WORDS)] * 8,
        trainers.BpeTrainer(
            vocab_size=700, special_tokens=["<pad>", "<end>"], initial_alphabet=alphabet, show_progress=False
        ),
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<pad>", eos_token="<end>")


TOKENIZER = make_tokenizer()
ID = {word: TOKENIZER(f" {word}")["input_ids"][0] for word in WORDS}
WORD = {token: word for word, token in ID.items()}
SPOKEN = {*ID.values(), TOKENIZER.eos_token_id}
assert len(WORD) == len(WORDS)


def naive_mask(ids: Sequence[int], live: Sequence[bool] | None = None) -> list[bool]:
    """Planning tokens of one row: every place where the words of a gram stand one after another in live tokens."""
    alive = [True] * len(ids) if live is None else [bool(value) for value in live]
    said = [WORD.get(token) if on else None for token, on in zip(ids, alive, strict=True)]
    mask = [False] * len(said)
    for gram in (gram.split() for gram in GRAMS):
        for start in range(len(said) - len(gram) + 1):
            if said[start : start + len(gram)] == gram:
                mask[start : start + len(gram)] = [True] * len(gram)
    return mask


def naive_masks(ids: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
    return torch.tensor([naive_mask(a, b) for a, b in zip(ids.tolist(), live.tolist(), strict=True)]) & live


def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A fixed function of the tokens, in steps of 1/7: groups are mixed and their advantages differ in size."""
    return [sum(map(int, ids)) % 8 / 7 for ids in completion_ids]


def make_model(family: str = "qwen2", seed: int = 5) -> Any:
    transformers.set_seed(seed)
    size: dict[str, Any] = {
        "vocab_size": len(TOKENIZER), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
        "eos_token_id": TOKENIZER.eos_token_id, "pad_token_id": TOKENIZER.pad_token_id, "bos_token_id": None,
    }  # fmt: skip
    if family == "llama":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**size))
    return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**size))


def prompts(n: int = 8) -> Dataset:
    return Dataset.from_list([{"prompt": " " + " ".join(WORDS[i : i + 2 + i % 3])} for i in range(n)])


def lexicon_file(folder: Path) -> str:
    """Writes the file whole and then gives it its name, since another rank may read it at that moment."""
    path = folder / "grams.txt"
    folder.mkdir(parents=True, exist_ok=True)
    mine = path.with_suffix(f".{os.getpid()}")
    mine.write_text("\n".join(GRAMS) + "\n", encoding="utf-8")
    mine.replace(path)
    return str(path)


def settings(folder: Path, **changed: Any) -> dict[str, Any]:
    """Arguments of a GRPOConfig for a run of two short steps."""
    return {
        "output_dir": str(folder / "out"), "max_steps": 2, "per_device_train_batch_size": 8, "num_generations": GROUP,
        "learning_rate": 5e-3, "max_completion_length": LENGTH, "logging_steps": 1, "save_strategy": "no",
        "report_to": "none", "use_cpu": True, "bf16": False, "seed": 3, "disable_tqdm": True,
        "gradient_checkpointing": False,
        "generation_kwargs": {"suppress_tokens": sorted(set(range(len(TOKENIZER))) - SPOKEN), "min_new_tokens": 4},
    } | changed  # fmt: skip


def make_trainer(
    folder: Path,
    method: str | None = "hicra",
    method_settings: dict[str, Any] | None = None,
    *,
    trainer: type = HicraGRPOTrainer,
    model: Any = None,
    rewards: Any = reward,
    extra: dict[str, Any] | None = None,
    **changed: Any,
) -> Any:
    """A trainer, not yet started; TRL's own where `method` is None. `extra` goes to it, the rest to the config."""
    config = settings(folder, **changed)
    if method is None:
        made, args = GRPOTrainer, GRPOConfig(**config)
    else:
        args = HicraGRPOConfig(
            lexicon=config.pop("lexicon", None) or lexicon_file(folder),
            method=method, method_settings=method_settings or {}, **config,
        )  # fmt: skip
        made = trainer
    return made(
        model=model or make_model(), reward_funcs=rewards, args=args,
        train_dataset=prompts(), processing_class=TOKENIZER, **(extra or {}),
    )  # fmt: skip


def run(folder: Path, method: str | None = "hicra", method_settings: Any = None, **rest: Any) -> Any:
    made = make_trainer(folder, method, method_settings, **rest)
    made.train()
    return made


def parameters_hash(trainer: Any) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(trainer.accelerator.unwrap_model(trainer.model).state_dict().items()):
        digest.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def logged(trainer: Any, name: str) -> list[float]:
    return [entry[name] for entry in trainer.state.log_history if name in entry]


class Recorder(HicraGRPOTrainer):
    """Keeps what every micro-batch of the loss saw, and each generation as it left the hook."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []
        self.generations: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        out = super()._generate_and_score_completions(inputs)
        self.generations.append({key: value.copy() for key, value in self.last_generation.arrays.items()})
        return out

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        logps, entropies = self.last_forward
        live = inputs["completion_mask"].bool()
        if "tool_mask" in inputs:
            live = live & inputs["tool_mask"].bool()
        self.seen.append({
            "ids": inputs["completion_ids"].clone(), "live": live, "advantages": inputs["advantages"].clone(),
            "base": inputs["hicra_base"].clone(), "mask": inputs["planning_mask"].clone(),
            "logps": logps, "entropies": entropies,
        })  # fmt: skip
        return loss

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self.last_forward = (result[0].detach(), None if result[1] is None else result[1].detach())
        return result
