"""The one interface behind which texts are generated: a request, a text made, the settings of sampling, and the seeds.

Adding a generator: a class with the members of `Generator` in a file here, and a line in `open.py: open_generator`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field, model_validator

from hicra.errors import ConfigError
from hicra.generation.render import Prompt
from hicra.strict import Count, Positive, Strict


class SamplingSettings(Strict):
    """How texts are sampled. The defaults are the paper's: temperature 0.6, top-p 0.95.

    Attributes:
        temperature: 0 is greedy.
        top_p: the smallest set of likeliest tokens with this probability is drawn from.
        max_new_tokens: longest response, end token included.
        engine: what samples.
        batch: rows sampled at once; 0: the engine's own (transformers 32).
        threads: of torch; 0: its own number.
        seed: of the draws.
        endpoint: address, with engine endpoint.
    """

    temperature: Annotated[float, Field(ge=0, le=10)] = 0.6
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_new_tokens: Positive = 1024
    engine: Literal["transformers", "vllm", "endpoint"] = "transformers"
    batch: Annotated[int, Field(ge=0, le=4096)] = 0
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    seed: Count = 0
    endpoint: str = ""

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
