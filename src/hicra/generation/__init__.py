"""Samples texts from models, through one interface; only `local`, `vision`, `sampling` and `vllm` import torch.

`interface` holds the requests, the settings and the protocol. `open` chooses the generator: `local` (transformers), `vision`
(the same for models that read images), `vllm` or `endpoint` (an OpenAI-compatible server). `models` turns model names into
folders, `folder` checks a folder, `render` writes prompts, `ends` knows where a response ends, and `sampling` samples and scores
responses to a task.
"""
