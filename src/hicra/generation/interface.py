"""The interface of all generators: a request, a sampled text, the settings of sampling, and the seeds.

To add a generator, write a class with the members of `Generator` in a file here, and a line in `open.py: open_generator`.
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
    """How texts are sampled; the defaults are the paper's temperature 0.6 and top-p 0.95."""

    temperature: float = Field(default=0.6, ge=0, le=10, description="Sampling temperature; 0 is greedy decoding.")
    top_p: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="Tokens are drawn from the smallest set of likeliest tokens with at least this probability.",
    )
    max_new_tokens: Positive = Field(default=1024, description="Longest response, in tokens, including the end token.")
    engine: Literal["transformers", "vllm", "endpoint"] = Field(default="transformers", description="What samples.")
    batch: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="Number of rows sampled at once; 0 takes the engine's default (32 for transformers).",
    )
    threads: int = Field(default=0, ge=0, le=1024, description="Number of threads of torch; 0 takes torch's default.")
    seed: Count = Field(default=0, description="Seed of the draws, and of the order of a generated task's questions.")
    endpoint: str = Field(
        default="", description="Address of an OpenAI-compatible server, for example http://localhost:8000/v1."
    )

    @model_validator(mode="after")
    def _endpoint_has_an_address(self) -> SamplingSettings:
        if (self.engine == "endpoint") != bool(self.endpoint):
            raise ConfigError(
                "the engine `endpoint` and an address must be given together",
                "give an address, as in --endpoint http://localhost:8000/v1",
            )
        return self


class Request(NamedTuple):
    """One text to sample: its prompt, the seed of its draws, and the images that the prompt has parts for, as encoded files."""

    prompt: Prompt
    seed: int
    images: tuple[bytes, ...] = ()


class Made(NamedTuple):
    """One sampled text.

    Attributes:
        text: the text without special tokens.
        ids: its token ids, including the end token; None if the engine does not give them.
        tokens: the number of tokens; None if unknown.
        ended: whether the model ended the text itself (False if it was cut at a limit); None if unknown.
        prompt: the prompt as the model read it; None if unknown.
        too_long: whether the prompt left no room for an answer, so that nothing was sampled.
    """

    text: str
    ids: list[int] | None
    tokens: int | None
    ended: bool | None
    prompt: str | None
    too_long: bool = False


class Generator(Protocol):
    """Something that samples texts."""

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """Samples one text per request, in order; the text of a request depends on its prompt and seed."""
        ...

    def close(self) -> None:
        """Releases what the generator holds; no more texts are wanted."""
        ...


def seed_of(seed: int, question: str, sample: int) -> int:
    """Computes a sample's seed, 0 to 2^31 - 1, from the evaluation's seed, the question's id and the sample's number only."""
    digest = hashlib.sha256(f"{seed}\0{sample}\0{question}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
