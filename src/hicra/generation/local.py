"""Samples with transformers in batches on the CPU, where each row has its own random numbers; needs torch.

A draw inverts the cumulative distribution at one uniform number per token, from a counter-based generator with the row's seed
as key. So what a row draws does not depend on the other rows of its batch. (The last bits of its logits may, because another
padding rounds differently. So an evaluation keeps its batches fixed, and a resumed one makes the same ones again.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from hicra.generation.ends import cut_at_end, end_tokens
from hicra.generation.folder import model_folder
from hicra.generation.interface import Made, Request, SamplingSettings
from hicra.generation.render import rendered_ids
from hicra.generation.sampling import load

LIKELIEST = 256  # the nucleus is looked for among this many tokens first; only then is the whole vocabulary sorted


class LocalModel:
    """A generator that runs a model folder on this machine's CPU, in float32."""

    def __init__(self, model: str, settings: SamplingSettings) -> None:
        self.folder = model_folder(model)
        self.model, self.tokenizer = load(self.folder, settings.threads or torch.get_num_threads())
        self.ends, self.pad, self.context = prepared(self.model, self.tokenizer)

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """Samples one text per request; rows with different room left in the model's context are sampled separately."""
        prompts = [rendered_ids(self.tokenizer, request.prompt) for request in requests]
        room = [min(settings.max_new_tokens, self.context - len(ids)) for _, ids in prompts]
        made: list[Made | None] = [None] * len(requests)
        for size in sorted(set(room)):
            rows = [row for row, each in enumerate(room) if each == size]
            for begin in range(0, len(rows), settings.batch):
                part = rows[begin : begin + settings.batch]
                if size < 1:
                    ids: list[list[int]] = [[] for _ in part]
                else:
                    seeds = [requests[row].seed for row in part]
                    ids = self._sample([prompts[row][1] for row in part], seeds, size, settings)
                for row, each in zip(part, ids, strict=True):
                    made[row] = self._made(each, prompts[row][0], size < 1)
        return [one for one in made if one is not None]

    def close(self) -> None:
        """Drops the weights."""
        del self.model

    def _sample(
        self, prompts: list[list[int]], seeds: list[int], most: int, settings: SamplingSettings
    ) -> list[list[int]]:
        width = max(map(len, prompts))
        ids = torch.tensor([[self.pad] * (width - len(row)) + row for row in prompts])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
        drawing = LogitsProcessorList()
        if settings.temperature > 0:
            drawing.append(Draw(seeds, most, settings.temperature, settings.top_p))
        with torch.no_grad():
            out = self.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=most, do_sample=False, logits_processor=drawing
            )
        made: list[list[int]] = out[:, width:].tolist()
        return made

    def _made(self, ids: list[int], prompt: str, too_long: bool) -> Made:
        ids, ended = cut_at_end(ids, self.ends)
        return Made(self.tokenizer.decode(ids, skip_special_tokens=True), ids, len(ids), ended, prompt, too_long)


def prepared(model: Any, tokenizer: Any) -> tuple[list[int], int, int]:
    """Makes a model ready to sample as it is asked to, and returns its end tokens, its pad token and its context in tokens."""
    ends = sorted(end_tokens(tokenizer, model))
    pad = tokenizer.pad_token_id
    pad = pad if pad is not None else (ends[0] if ends else 0)
    # the folder's own settings (repetition penalty, top-k ...) would change the distribution that is asked for
    model.generation_config = GenerationConfig(eos_token_id=ends or None, pad_token_id=pad)
    model.eval()
    return ends, pad, int(getattr(model.config.get_text_config(), "max_position_embeddings", 0) or 2**31)


class Draw(LogitsProcessor):  # type: ignore[misc]
    """Leaves one token per row possible: the one drawn with that row's next uniform number.

    Args:
        seeds: [B] one seed per row.
        most: the most tokens of a row.
        temperature: above 0.
        top_p: tokens are drawn from the smallest set of likeliest tokens with at least this probability.
    """

    def __init__(self, seeds: Sequence[int], most: int, temperature: float, top_p: float) -> None:
        streams = [np.random.Generator(np.random.Philox(key=seed)).random(most) for seed in seeds]
        self.uniform = torch.from_numpy(np.stack(streams))
        self.temperature, self.top_p, self.step = temperature, top_p, 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Turns scores [B,V] into [B,V] with 0 at the drawn token and -inf elsewhere."""
        at = self.uniform[:, self.step, None].to(scores.device)
        self.step += 1
        chosen = draw(torch.softmax(scores.float() / self.temperature, -1), at, self.top_p)
        return torch.full_like(scores, float("-inf")).scatter_(1, chosen, 0.0)


def draw(probabilities: Any, uniform: Any, top_p: float) -> Any:
    """Draws tokens [B,1] from probabilities [B,V] with uniform numbers [B,1] in [0, 1)."""
    if top_p >= 1:
        return _at(probabilities.double().cumsum(-1), uniform)
    values, order = probabilities.topk(min(LIKELIEST, probabilities.shape[-1]))
    if bool((values.double().sum(-1) < top_p).any()):
        values, order = probabilities.sort(descending=True, stable=True)
    values = values.double()
    kept = torch.where(values.cumsum(-1) - values < top_p, values, 0.0)  # the token that reaches top_p is kept
    return order.gather(-1, _at(kept.cumsum(-1), uniform))


def _at(cumulative: Any, uniform: Any) -> Any:
    return (cumulative <= uniform * cumulative[:, -1:]).sum(-1, keepdim=True).clamp_(max=cumulative.shape[-1] - 1)
