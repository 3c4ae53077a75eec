"""Samples responses from a causal language model, batch by batch, and scores them with a task; needs torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hicra.errors import ConfigError, HicraError
from hicra.generation.ends import cut_at_end, end_tokens, has_ended
from hicra.generation.tools import converse
from hicra.tasks.base import Row, Score, Task


@dataclass(frozen=True)
class Sample:
    """One scored response.

    Attributes:
        row: the problem.
        ids: the token ids that the model wrote, including its end tokens; not those of tools.
        text: the response without special tokens.
        ended: whether the response ends with an end token (with tools: its last turn).
        score: the task's score.
    """

    row: Row
    ids: list[int]
    text: str
    ended: bool
    score: Score


def load(folder: Path, threads: int, vision: bool = False) -> tuple[Any, Any]:
    """Loads (model in float32, tokenizer) from the safetensors of a local folder, and sets torch's number of threads.

    With `vision` it is a model that reads images too, and its processor, which holds the tokenizer.

    Raises:
        ConfigError: the folder cannot be read, or its weights are missing, of other shapes than its config says, or not finite.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
    from transformers.utils import logging

    kinds = (AutoModelForImageTextToText, AutoProcessor) if vision else (AutoModelForCausalLM, AutoTokenizer)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(threads)
    try:
        # shapes are looked at below, where the weight can be named
        model, found = kinds[0].from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True
        )
        tokenizer = kinds[1].from_pretrained(folder)
    except Exception as error:  # transformers checks little, so a damaged file raises whatever its first use raises
        if isinstance(error, HicraError | MemoryError):
            raise
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"transformers cannot load {folder}: {why}", "check the folder's files") from None
    if lost := sorted(found["missing_keys"]):  # transformers would draw them at random with an easily missed warning
        raise ConfigError(
            f"model folder {folder} lacks {len(lost)} of its weights, the first is {lost[0]}", "save the model again"
        )
    if other := sorted(found["mismatched_keys"]):
        name, stored, wanted = other[0]
        raise ConfigError(
            f"{len(other)} weights in model folder {folder} have another shape than its config.json says, the first is {name}: "
            f"{list(stored)}, not {list(wanted)}",
            "give the folder the config.json that its weights were saved with",
        )
    broken = next((name for name, one in model.named_parameters() if not torch.isfinite(one).all()), None)
    if broken is not None:
        raise ConfigError(
            f"weight {broken} in model folder {folder} is not finite",
            "take an older checkpoint, or save the model again",
        )
    return model, tokenizer


def sample(
    model: Any,
    tokenizer: Any,
    task: Task,
    rows: Sequence[Row],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int = 0,
    batch: int = 128,
    progress: Callable[[int], None] | None = None,
) -> list[Sample]:
    """Samples one response per row, in order; where the task has tools, the model may call them.

    Args:
        model: a transformers causal LM; it is left in training or evaluation mode as it was.
        tokenizer: the model's tokenizer.
        task: scores the responses.
        rows: the problems; repeat a row to sample it several times.
        max_new_tokens: longest response, in tokens; those of tools count.
        temperature: of sampling; 0 is greedy decoding.
        seed: decides the draws; torch's global generator is restored afterwards.
        batch: number of rows at a time.
        progress: is called with the number of rows done.

    Raises:
        ConfigError: the model gives no finite probabilities.
    """
    out: list[Sample] = []
    training, ends = model.training, end_tokens(tokenizer, model)
    model.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for begin in range(0, len(rows), batch):
            part = list(rows[begin : begin + batch])
            prompts = [row["prompt"] for row in part]

            def say(inputs: Any) -> list[list[int]]:
                draw: dict[str, Any] = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
                try:
                    made = model.generate(
                        **{key: inputs[key].to(model.device) for key in ("input_ids", "attention_mask")},
                        max_new_tokens=max_new_tokens,
                        pad_token_id=tokenizer.pad_token_id,
                        eos_token_id=list(ends) or None,
                        **(draw if temperature > 0 else {"do_sample": False}),
                    )[:, inputs["input_ids"].shape[1] :]
                except RuntimeError as error:
                    if "probability tensor contains" not in str(error):
                        raise
                    raise ConfigError(
                        f"the model {getattr(model, 'name_or_path', '')} gives no finite probabilities to sample from",
                        "its weights have grown beyond all bounds, or the temperature is too low: take an older checkpoint, or a "
                        "temperature nearer to 1",
                    ) from error
                return [cut_at_end(ids, ends)[0] for ids in made.tolist()]

            tools = getattr(task, "tools", ())
            made = (
                converse(say, tokenizer, prompts, tools, max_new_tokens) if tools else say(_encode(tokenizer, prompts))
            )
            out += [_sample(tokenizer, task, row, ids, ends) for row, ids in zip(part, made, strict=True)]
            if progress:
                progress(len(out))
    model.train(training)
    return out


def _sample(tokenizer: Any, task: Task, row: Row, ids: list[int], ends: Collection[int]) -> Sample:
    ended = has_ended(ids, ends)
    text = tokenizer.decode(ids, skip_special_tokens=True)
    return Sample(row, ids, text, ended, task.score(text, row, ended))


def _encode(tokenizer: Any, prompts: list[Any]) -> Any:
    texts = [
        prompt
        if isinstance(prompt, str)
        else tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        for prompt in prompts
    ]
    special = isinstance(prompts[0], str)  # a chat template writes its own special tokens
    return tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=special)
