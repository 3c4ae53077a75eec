"""Loads the model whose signal is measured, in float32, and says which packages it needs."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from hicra.errors import ConfigError
from hicra.install import install_command
from hicra.signal.settings import SignalSettings

PACKAGES = ("torch", "transformers")
SMALL = 1_000_000  # weights; below this, several threads of torch are slower than one


def load_model(folder: Path, settings: SignalSettings) -> tuple[Any, Any]:
    """Loads (model in float32, tokenizer) onto the device of the settings, ready to sample.

    Raises:
        ConfigError: the folder cannot be loaded, its tokenizer has no end token, or there is no such device.
    """
    model, tokenizer = load_weights(folder, settings.device, settings.threads)
    from transformers import GenerationConfig

    if tokenizer.eos_token_id is None:
        raise ConfigError(f"the tokenizer of {folder} has no end token", "set eos_token in its tokenizer_config.json")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    # the folder's own settings (repetition penalty, top-k ...) would sample from another policy than the one that is measured
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model, tokenizer


def load_weights(folder: Path, device: str = "auto", threads: int = 0, verb: str = "hicra signal") -> tuple[Any, Any]:
    """Loads (model in float32, tokenizer) onto a device.

    Args:
        folder: the model folder.
        device: cpu, cuda, cuda:N, or auto for a GPU if there is one.
        threads: of torch; 0 takes one for a model of less than a million weights, else torch's default.
        verb: who asks, for messages.

    Raises:
        ConfigError: torch is not installed, the folder cannot be loaded, or there is no such device.
    """
    try:
        import torch

        from hicra.generation.sampling import load
    except ImportError as error:
        raise ConfigError(f"{verb} needs {error.name}, which is not installed", install_command("train")) from None
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}, and torch sees no GPU here", "give --device cpu, or `hicra doctor`")
    model, tokenizer = load(folder, threads or torch.get_num_threads())
    if not threads and sum(one.numel() for one in model.parameters()) < SMALL:
        torch.set_num_threads(1)
    return model.to(device), tokenizer


def package_versions() -> dict[str, str]:
    """Returns the versions of Python and of `PACKAGES`.

    Raises:
        ConfigError: one is not installed.
    """
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise ConfigError(f"hicra signal needs {name}, which is not installed", install_command("train")) from None
    return found
