"""Opens the generator that the settings name: transformers on this machine, vLLM, or an endpoint."""

from __future__ import annotations

from hicra.errors import ConfigError
from hicra.generation.folder import model_folder, model_hash, reads_images
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


def refuse_images(model: str, settings: SamplingSettings, where: str) -> None:
    """Raises ConfigError if what samples cannot be shown images, which the questions of `where` have; nothing is loaded.

    Whether the model of an endpoint reads images is known to its server alone, which then refuses the first request.
    """
    if settings.engine == "vllm":
        raise ConfigError(
            f"{where} has questions about images, and the engine vllm is given texts alone here",
            "take the engine transformers, or serve the model by vLLM and give its address with --endpoint",
        )
    if settings.engine == "transformers" and not reads_images(model_folder(model)):
        raise ConfigError(
            f"{where} has questions about images, and {model} is a model of texts alone (its config.json has no vision_config)",
            "give a vision-language model, or an --endpoint that serves one",
        )


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
        if reads_images(model_folder(model)):
            from hicra.generation.vision import VisionModel

            return VisionModel(model, settings)
        from hicra.generation.local import LocalModel
    except ImportError as error:
        raise ConfigError(
            f"engine {settings.engine} needs {error.name}, which is not installed", install_command(extra)
        ) from None
    return LocalModel(model, settings)
