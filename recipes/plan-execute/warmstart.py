"""Trains the warm starts: `python recipes/plan-execute/warmstart.py strong|weak -o DIR [--seed N] [--set K=V]`

Two stages, since drills mixed into traces from the start do not teach the arithmetic: first drills of single equations
with the loss on results alone, then traces, a third of them forced-retry traces. One thread, fp32. The initial values
matter: with the usual 0.02 the equations stay at chance.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from demonstrations import Example, drill, trace
from hicra.artifacts import atomic_dir, check_output, sha256_file
from hicra.errors import ConfigError, HicraError, did_you_mean
from hicra.related.policy.network import initialise
from hicra.tasks.plan_execute.language import BOS, EOS, ID_OF, PAD, VOCABULARY, build_tokenizer
from hicra.tasks.plan_execute.settings import PlanExecuteSettings
from hicra.tasks.plan_execute.task import PlanExecute

CONTEXT = 96
DRILLS, TRACES, FORCED = 64, 48, 16
LEARNING_RATE, WARM_UP, CONSTANT_UNTIL, FLOOR = 2e-3, 50, 0.6, 0.05


@dataclass(frozen=True)
class Recipe:
    """A warm start: its length in updates, and how careful its demonstrator is.

    Attributes:
        drills: updates on drills.
        traces: updates on traces the learning-rate schedule is laid out for.
        stop: update after which training ends, counted from the first drill; None runs the schedule to its end.
        careless: share of wrong results in the traces; see `demonstrations.trace`.
    """

    drills: int
    traces: int
    stop: int | None = None
    careless: float = 0.0

    @property
    def updates(self) -> int:
        """Updates really made."""
        return self.drills + self.traces if self.stop is None else self.stop


RECIPES = {"strong": Recipe(270, 430), "weak": Recipe(270, 430, careless=0.3)}


def new_model(seed: int) -> Any:
    """A `LlamaForCausalLM` of 344,352 parameters with the initial values that make arithmetic learnable.

    Embeddings (tied) have standard deviation 0.1, matrices fan_in^-0.5, output and down projections 0.4 of that.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=256,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        attention_bias=False,
        mlp_bias=False,
        pad_token_id=ID_OF[PAD],
        bos_token_id=ID_OF[BOS],
        eos_token_id=ID_OF[EOS],
        dtype="float32",
    )
    model = LlamaForCausalLM(config)
    initialise(model, seed)
    return model


def learning_rate(update: int, total: int) -> float:
    """Rate of an update (from 0): 50 to warm up, constant to 60 % of `total`, then a line down to 5 % of the rate."""
    flat = CONSTANT_UNTIL * total
    decay = 1.0 if update < flat else 1 - (1 - FLOOR) * (update - flat) / (total - flat)
    return LEARNING_RATE * min(1.0, (update + 1) / WARM_UP) * decay


def loss_of(model: Any, examples: Sequence[Example]) -> Tensor:
    """Mean cross-entropy (nats) over the tokens in the loss. Padding is on the right, so no token sees it."""
    longest = max(len(example.ids) for example in examples)
    pad = ID_OF[PAD]
    ids = torch.tensor([example.ids + [pad] * (longest - len(example.ids)) for example in examples])
    wanted = torch.tensor([example.in_loss + [False] * (longest - len(example.ids)) for example in examples])[:, 1:]
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), ids[:, 1:][wanted])


def train(
    recipe: Recipe, settings: PlanExecuteSettings, seed: int, after: Callable[[int, float, Any], None] | None = None
) -> tuple[Any, int]:
    """Trains one warm start.

    Args:
        recipe: its length and demonstrator.
        settings: the task it is for.
        seed: fixes initial values and data.
        after: called after every update with (updates made, loss, model).

    Returns:
        The model and the number of tokens it was trained on.
    """
    torch.set_num_threads(1)
    random = Random(seed)
    model = new_model(seed)
    rows = PlanExecute(**vars(settings)).rows("train", seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    total, tokens = recipe.drills + recipe.traces, 0
    for update in range(recipe.updates):
        if update < recipe.drills:
            batch = [drill(random) for _ in range(DRILLS)]
        else:
            batch = [trace(random, random.choice(rows), settings, at < FORCED, recipe.careless) for at in range(TRACES)]
        tokens += sum(len(example.ids) for example in batch)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(update, total)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if after is not None:
            after(update + 1, loss.item(), model)
    return model, tokens


def save(model: Any, settings: PlanExecuteSettings, folder: Path) -> None:
    """Writes what transformers' `from_pretrained` loads: weights, config, tokenizer, generation config."""
    from transformers import GenerationConfig, PreTrainedTokenizerFast

    limit = PlanExecute(**vars(settings)).max_new_tokens
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=limit,
        pad_token_id=ID_OF[PAD],
        bos_token_id=ID_OF[BOS],
        eos_token_id=ID_OF[EOS],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(),
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=CONTEXT,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def _settings(assignments: Sequence[str]) -> PlanExecuteSettings:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment!r} is not KEY=VALUE", "for example --set nouns=24")
        literal: Any = {"true": True, "false": False}.get(text, text)
        for kind in (int, float):
            try:
                literal = kind(text)
                break
            except ValueError:
                continue
        values[name] = literal
    return PlanExecuteSettings.parse(values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="warmstart", description="Trains a warm start of the plan-execute task.")
    parser.add_argument("recipe", help=" or ".join(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the model")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--seed", type=int, default=0, help="initial values and data (default 0: the shipped ones)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a task setting; repeatable")
    options = parser.parse_args(arguments)
    try:
        if options.recipe not in RECIPES:
            raise ConfigError(f"no recipe {options.recipe!r}", did_you_mean(options.recipe, RECIPES))
        settings = _settings(options.set)
        check_output(options.output, "the warm start", overwrite=options.overwrite, folder=True)
        recipe, start = RECIPES[options.recipe], time.process_time()

        def progress(update: int, loss: float, _: Any) -> None:
            if update % 50 == 0 or update == recipe.updates:
                print(f"update {update}/{recipe.updates} loss {loss:.3f}", file=sys.stderr)

        model, tokens = train(recipe, settings, options.seed, progress)
        with atomic_dir(options.output, options.overwrite) as folder:
            save(model, settings, folder)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    digest = sha256_file(options.output / "model.safetensors")
    seconds = time.process_time() - start
    print(f"{options.output}: {tokens} tokens, {seconds:.0f} cpu-s, torch {torch.__version__}, weights {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
