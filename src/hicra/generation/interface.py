"""The one interface behind which texts are generated: a request, a text made, the settings of sampling, and the seeds.

Adding a generator: a class with the members of `Generator` in a file here, and a line in `open.py: open_generator`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from pydantic import Field, model_validator

from hicra.errors import ConfigError
from hicra.generation.render import Prompt
from hicra.strict import Count, Positive, Strict


class SamplingSettings(Strict):
    """How texts are sampled. The defaults are the paper's: temperature 0.6, top-p 0.95."""

    temperature: float = Field(default=0.6, ge=0, le=10, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(
        default=0.95, gt=0, le=1, description="Draw from the smallest set of likeliest tokens with this probability."
    )
    max_new_tokens: Positive = Field(default=1024, description="Longest response in tokens, the end token included.")
    engine: Literal["transformers", "vllm", "endpoint"] = Field(default="transformers", description="What samples.")
    batch: int = Field(
        default=0, ge=0, le=4096, description="Rows sampled at once; 0 is the engine's own number (transformers 32)."
    )
    threads: int = Field(default=0, ge=0, le=1024, description="Threads of torch; 0 is its own number.")
    seed: Count = Field(default=0, description="Seed of the draws, and of the order of a generated task's questions.")
    endpoint: str = Field(
        default="", description="Address of an OpenAI-compatible server, as in http://localhost:8000/v1."
    )

    @model_validator(mode="after")
    def _endpoint_has_an_address(self) -> SamplingSettings:
        if (self.engine == "endpoint") != bool(self.endpoint):
            raise ConfigError(
                "engine endpoint and an address belong together", "as in --endpoint http://localhost:8000/v1"
            )
        return self


class Request(NamedTuple):
    """One text to sample: the prompt, and the seed of its draws."""

    prompt: Prompt
    seed: int


class Made(NamedTuple):
    """One sampled text.

    text: without special tokens.
    ids: token ids, the end token included; None where the engine does not say.
    tokens: their number; None where unknown.
    ended: whether the model ended it itself (False: cut at a limit); None where unknown.
    prompt: the prompt as the model read it, where known.
    too_long: the prompt left no room for an answer, so nothing was sampled.
    """

    text: str
    ids: list[int] | None
    tokens: int | None
    ended: bool | None
    prompt: str | None
    too_long: bool = False


class Generator(Protocol):
    """Samples texts. `close` gives back what it holds."""

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """One text a request, in order; the text of a request depends on its prompt and seed."""
        ...

    def close(self) -> None:
        """No more texts are wanted."""
        ...


def seed_of(seed: int, question: str, sample: int) -> int:
    """Seed of a sample, 0 to 2^31 - 1: of the run's seed, the question's id and the sample's number, and nothing else."""
    digest = hashlib.sha256(f"{seed}\0{sample}\0{question}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
