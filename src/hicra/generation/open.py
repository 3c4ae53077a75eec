"""Opens the generator that the settings name: transformers on this machine, vLLM, or an endpoint."""

from __future__ import annotations

from hicra.errors import ConfigError
from hicra.generation.folder import model_folder, model_hash
from hicra.generation.interface import Generator, SamplingSettings
from hicra.install import install_command


def identity_of(model: str, settings: SamplingSettings) -> dict[str, str]:
    """Returns the identity of the model, which must be the same when an evaluation is resumed; nothing is loaded.

    Raises:
        ConfigError: there is no such model, or its folder lacks weights or a tokenizer.
    """
    if settings.engine == "endpoint":
        return {"name": model, "endpoint": settings.endpoint}
    return {"name": model, "sha256": model_hash(model_folder(model))}


def open_generator(model: str, settings: SamplingSettings) -> Generator:
    """Opens the generator that the settings name, for a model.

    Args:
        model: a folder, a name that `models.resolve` knows, or the endpoint's name for its model.
        settings: how texts are sampled.

    Raises:
        ConfigError: there is no such model, its folder lacks a tokenizer, or a package is not installed.
    """
    if settings.engine == "endpoint":
        from hicra.generation.endpoint import Endpoint

        return Endpoint(settings.endpoint, model)
    extra = {"transformers": "train", "vllm": "vllm"}[settings.engine]
    try:
        if settings.engine == "vllm":
            from hicra.generation.vllm import Vllm

            return Vllm(model, settings)
        from hicra.generation.local import LocalModel
    except ImportError as error:
        raise ConfigError(
            f"engine {settings.engine} needs {error.name}, which is not installed", install_command(extra)
        ) from None
    return LocalModel(model, settings)
