"""The generator that the settings name: transformers on this machine, vLLM, or an endpoint."""

from __future__ import annotations

from hicra.errors import ConfigError
from hicra.generation.folder import model_folder, model_hash
from hicra.generation.interface import Generator, SamplingSettings


def identity_of(model: str, settings: SamplingSettings) -> dict[str, str]:
    """What the samples come from: a resumed evaluation must find the same. Nothing is loaded.

    Raises:
        ConfigError: no such model, or a folder without weights or tokenizer.
    """
    if settings.engine == "endpoint":
        return {"name": model, "endpoint": settings.endpoint}
    return {"name": model, "sha256": model_hash(model_folder(model))}


def open_generator(model: str, settings: SamplingSettings) -> Generator:
    """The generator that the settings name, for a model.

    Args:
        model: a folder, a name that `models.resolve` knows, or what the endpoint calls its model.

    Raises:
        ConfigError: no such model, a folder without a tokenizer, or a package that is not installed.
    """
    if settings.engine == "endpoint":
        from hicra.generation.endpoint import Endpoint

        return Endpoint(settings.endpoint, model)
    package = {"transformers": "hicra[train]", "vllm": "hicra[vllm]"}[settings.engine]
    try:
        if settings.engine == "vllm":
            from hicra.generation.vllm import Vllm

            return Vllm(model, settings)
        from hicra.generation.local import LocalModel
    except ImportError as error:
        raise ConfigError(
            f"engine {settings.engine} needs {error.name}, which is not installed", f"pip install '{package}'"
        ) from None
    return LocalModel(model, settings)
