"""Samples with transformers from a model that reads images and text, on the CPU; needs torch and Pillow.

Rows are sampled one at a time: how several images of several rows go into one batch differs from model to model, and a row alone
is right for each of them. Draws are those of `local`: one stream a row, from its own seed. Text alone works as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList

from hicra.errors import ConfigError
from hicra.generation.ends import cut_at_end
from hicra.generation.folder import model_folder
from hicra.generation.interface import Made, Request, SamplingSettings
from hicra.generation.local import Draw, prepared
from hicra.generation.sampling import load
from hicra.tasks.images import open_images


class VisionModel:
    """A generator that runs a folder of a vision-language model on this machine's CPU, in float32.

    Raises:
        ConfigError: the folder cannot be loaded, or its processor has no chat template, which says where images go.
    """

    def __init__(self, model: str, settings: SamplingSettings) -> None:
        folder = model_folder(model)
        self.model, self.processor = load(folder, settings.threads or torch.get_num_threads(), vision=True)
        self.tokenizer = self.processor.tokenizer
        if not getattr(self.processor, "chat_template", None):
            raise ConfigError(
                f"model folder {folder} has no chat template, so nothing says where in a prompt its images go",
                "copy chat_template.jinja of its start model into it",
            )
        self.ends, _, self.context = prepared(self.model, self.tokenizer)

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """Samples one text per request, as `Generator` says.

        Raises:
            DataError: an image is damaged or too large.
            EngineError: Pillow is not installed.
        """
        return [self._one(request, settings) for request in requests]

    def close(self) -> None:
        """Drops the weights."""
        del self.model

    def _one(self, request: Request, settings: SamplingSettings) -> Made:
        text, inputs = self._read(request)
        width = inputs["input_ids"].shape[1]  # the tokens that stand for images among them
        room = min(settings.max_new_tokens, self.context - width)
        if room < 1:
            return Made("", [], 0, False, text, True)
        drawing = LogitsProcessorList()
        if settings.temperature > 0:
            drawing.append(Draw([request.seed], room, settings.temperature, settings.top_p))
        with torch.no_grad():
            out = self.model.generate(**inputs, max_new_tokens=room, do_sample=False, logits_processor=drawing)
        ids, ended = cut_at_end(out[0, width:].tolist(), self.ends)
        return Made(self.tokenizer.decode(ids, skip_special_tokens=True), ids, len(ids), ended, text)

    def _read(self, request: Request) -> tuple[str, Any]:
        """Returns the text of a prompt, with the marks of its images, and what the model reads: ids and pixels."""
        prompt = request.prompt
        if isinstance(prompt, str):
            prompt = [{"role": "user", "content": prompt}]
        parts = [message | {"content": _parts(message["content"])} for message in prompt]
        text = self.processor.apply_chat_template(parts, tokenize=False, add_generation_prompt=True)
        images = {"images": [open_images(request.images)]} if request.images else {}
        return text, self.processor(text=[text], add_special_tokens=False, return_tensors="pt", **images)


def _parts(content: Any) -> list[dict[str, Any]]:
    """Returns the content of a message as parts; templates of these models often read nothing else."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
