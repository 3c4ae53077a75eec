"""A small masked-diffusion model: a transformer that sees both sides, and says what stands where something is hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from hicra.artifacts import atomic_dir, canonical_json, read_json, write_text
from hicra.errors import ArtifactError, ConfigError, EngineError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
FIX = "make the start model again"


class DenoiserBlock(nn.Module):  # type: ignore[misc]  # torch is not followed by the checker
    """Attention over all tokens that are real, and a perceptron; each reads the normalised stream and adds to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, stream: Tensor, seen: Tensor) -> Tensor:
        rows, length, width = stream.shape
        q, k, v = self.qkv(self.before(stream)).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2).reshape(rows, length, width)
        stream = stream + self.out(attended)
        return stream + self.narrow(nn.functional.gelu(self.wide(self.between(stream))))


class Denoiser(nn.Module):  # type: ignore[misc]
    """Gives logits for every place of a text, hidden or not; `(ids [N,T], real [N,T]) -> [N,T,V]`.

    Args:
        symbols: V, the ids that a text may hold; the id V stands for what is hidden.
        longest: the most tokens of a text.
        width, layers, heads: sizes; `heads` must divide `width`.
        seed: of the initial values.

    Raises:
        ConfigError: the width cannot be shared among the heads.
    """

    def __init__(
        self, symbols: int, longest: int, *, width: int = 64, layers: int = 3, heads: int = 4, seed: int = 0
    ) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(
                f"a width of {width} cannot be shared among {heads} heads", "give a multiple of the heads"
            )
        self.sizes: dict[str, int] = {
            "symbols": symbols, "longest": longest, "width": width, "layers": layers, "heads": heads,
        }  # fmt: skip
        self.token, self.place = nn.Embedding(symbols + 1, width), nn.Embedding(longest, width)
        self.blocks = nn.ModuleList(DenoiserBlock(width, heads) for _ in range(layers))
        self.last, self.head = nn.LayerNorm(width), nn.Linear(width, symbols)
        chance = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if weight.ndim > 1:  # with the usual 0.02 a small network is slow to combine two tokens
                    scale = 0.1 if name.split(".")[0] in ("token", "place") else weight.shape[1] ** -0.5
                    weight.normal_(
                        0.0, 0.4 * scale if ".out." in name or ".narrow." in name else scale, generator=chance
                    )
                elif name.endswith("bias"):
                    weight.zero_()

    @property
    def mask_id(self) -> int:
        """The id of what is hidden."""
        return self.sizes["symbols"]

    def forward(self, ids: Tensor, real: Tensor) -> Tensor:
        """Returns the logits [N,T,V]; what stands at padding does not matter.

        Raises:
            EngineError: a text is longer than the model can read.
        """
        length = ids.shape[1]
        if length > self.sizes["longest"]:
            raise EngineError(
                f"a text has {length} tokens, and this model reads {self.sizes['longest']}",
                "make a model with a larger `longest`, or shorten the texts",
            )
        places = torch.arange(length, device=ids.device)
        stream = self.token(torch.where(real, ids, 0)) + self.place(places)
        for block in self.blocks:
            stream = block(stream, real[:, None, None])
        logits: Tensor = self.head(self.last(stream))
        return logits


def save_denoiser(model: Denoiser, folder: Path, overwrite: bool = False) -> None:
    """Writes a model into a folder, whole or not at all.

    Raises:
        ArtifactError: the folder exists, and it may not be replaced.
    """
    with atomic_dir(folder, overwrite) as made:
        save_file(model.state_dict(), made / WEIGHTS)
        write_text(made / CONFIG, canonical_json(model.sizes))


def load_denoiser(folder: Path) -> Denoiser:
    """Returns the model of a folder.

    Raises:
        ArtifactError: a file is missing or damaged, or the two do not fit each other.
    """
    sizes: dict[str, Any] = read_json(folder / CONFIG, FIX)
    try:
        model = Denoiser(**sizes)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except Exception as error:  # torch and safetensors raise errors of their own
        raise ArtifactError(f"{folder / WEIGHTS} cannot be read: {error}", FIX) from None
    return model
