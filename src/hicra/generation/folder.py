"""Checks that a model folder can be sampled from, and computes its identity."""

from __future__ import annotations

import json
from pathlib import Path

from hicra.artifacts import canonical_json, sha256_bytes, sha256_file
from hicra.errors import ConfigError
from hicra.generation import models

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
HASHED = (".safetensors", ".json", ".jinja", ".model", ".txt")


def model_folder(name: str) -> Path:
    """Finds the folder of a model by name or path, and checks that it has weights and a tokenizer.

    Raises:
        ConfigError: there is no such model, or its folder lacks a tokenizer or weights as safetensors.
    """
    if (Path(name) / "hicra.json").is_file() and (Path(name) / "final").is_dir():
        raise ConfigError(f"{name} is a run folder, not a model", f"give the run's model, {Path(name) / 'final'}")
    folder = models.resolve(name, "--model")
    if not any((folder / file).is_file() for file in TOKENIZERS):
        raise ConfigError(
            f"model folder {folder} holds no tokenizer ({', '.join(TOKENIZERS)})",
            "copy the tokenizer files of its start model into it",
        )
    weights(folder)
    return folder


def weights(folder: Path) -> list[Path]:
    """Returns the files of a model's weights: one, or the parts that a large model is saved in.

    Raises:
        ConfigError: there is none as safetensors.
    """
    whole = folder / "model.safetensors"
    found = [whole] if whole.is_file() else sorted(folder.glob("*.safetensors"))
    if not found:
        raise ConfigError(
            f"model folder {folder} holds no .safetensors file",
            "save the weights as safetensors; hicra reads no pickle files",
        )
    return found


def weights_hash(folder: Path) -> str:
    """Computes the sha256 of the weights: of the one file, or over the names and contents of its parts; raises as `weights`."""
    hashes = {path.name: sha256_file(path) for path in weights(folder)}
    return next(iter(hashes.values())) if len(hashes) == 1 else sha256_bytes(canonical_json(hashes).encode())


def reads_images(folder: Path) -> bool:
    """Tells whether the model in a folder is one that reads images too: its config.json has a `vision_config`."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "vision_config" in config


def model_hash(folder: Path) -> str:
    """Computes the sha256 over the names and contents of weights, config and tokenizer files."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in HASHED)
    return sha256_bytes(canonical_json({path.name: sha256_file(path) for path in files}).encode())
