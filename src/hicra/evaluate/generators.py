"""The one interface behind which texts are generated, and the seeds that make a sample independent of its batch.

Adding a generator: a class with these members, and a line in `open_generator`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from hicra.errors import ConfigError
from hicra.evaluate.folder import model_folder, model_hash
from hicra.evaluate.render import Prompt
from hicra.evaluate.settings import EvalSettings


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

    def generate(self, requests: Sequence[Request], settings: EvalSettings) -> list[Made]:
        """One text a request, in order; the text of a request depends on its prompt and seed."""
        ...

    def close(self) -> None:
        """No more texts are wanted."""
        ...


def seed_of(seed: int, question: str, sample: int) -> int:
    """Seed of a sample, 0 to 2^31 - 1: of the run's seed, the question's id and the sample's number, and nothing else."""
    digest = hashlib.sha256(f"{seed}\0{sample}\0{question}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def identity_of(model: str, settings: EvalSettings) -> dict[str, str]:
    """What the samples come from: a resumed evaluation must find the same. Nothing is loaded.

    Raises:
        ConfigError: no such model, or a folder without weights or tokenizer.
    """
    if settings.engine == "endpoint":
        return {"name": model, "endpoint": settings.endpoint}
    return {"name": model, "sha256": model_hash(model_folder(model))}


def open_generator(model: str, settings: EvalSettings) -> Generator:
    """The generator that the settings name, for a model.

    Args:
        model: a folder, a name that `models.resolve` knows, or what the endpoint calls its model.

    Raises:
        ConfigError: no such model, a folder without a tokenizer, or a package that is not installed.
    """
    if settings.engine == "endpoint":
        from hicra.evaluate.endpoint import Endpoint

        return Endpoint(settings.endpoint, model)
    package = {"transformers": "hicra[train]", "vllm": "hicra[vllm]"}[settings.engine]
    try:
        if settings.engine == "vllm":
            from hicra.evaluate.vllm import Vllm

            return Vllm(model, settings)
        from hicra.evaluate.local import Local
    except ImportError as error:
        raise ConfigError(
            f"engine {settings.engine} needs {error.name}, which is not installed", f"pip install '{package}'"
        ) from None
    return Local(model, settings)
