"""A model folder as evaluations see it: that it can be sampled from, and what it is."""

from __future__ import annotations

from pathlib import Path

from hicra.artifacts import canonical_json, sha256_bytes, sha256_file
from hicra.errors import ConfigError
from hicra.generation import models

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
HASHED = (".safetensors", ".json", ".jinja", ".model", ".txt")


def model_folder(name: str) -> Path:
    """The folder of a model by name or path, with weights and a tokenizer.

    Raises:
        ConfigError: no such model, or a folder that lacks either; weights count as safetensors only.
    """
    if (Path(name) / "hicra.json").is_file() and (Path(name) / "final").is_dir():
        raise ConfigError(f"{name} is a run folder, not a model", f"its model is {Path(name) / 'final'}")
    folder = models.resolve(name)
    if not any((folder / file).is_file() for file in TOKENIZERS):
        raise ConfigError(
            f"model folder {folder} holds no tokenizer ({', '.join(TOKENIZERS)})",
            "copy the tokenizer files of the model it was trained from into it",
        )
    if not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"model folder {folder} holds no .safetensors file", "save the weights as safetensors; pickles are not read"
        )
    return folder


def model_hash(folder: Path) -> str:
    """sha256 over the names and contents of weights, config and tokenizer files."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in HASHED)
    return sha256_bytes(canonical_json({path.name: sha256_file(path) for path in files}).encode())
