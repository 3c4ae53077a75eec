"""A model to texts: one interface, and what stands behind it. torch is imported by `local`, `sampling` and `vllm` alone.

`interface` holds the requests, the settings and the protocol, `open` chooses the generator, `local` (transformers),
`vllm` and `endpoint` (an OpenAI-compatible server) are generators. `models` turns model names into folders, `folder`
checks one, `render` writes prompts, `sampling` samples and scores responses to a task.
"""
