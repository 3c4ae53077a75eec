"""The warm start's network without an engine around it: the same weights and the same numbers, at about half the cost of one.

A Llama of 3 layers with tied embeddings in plain torch calls, fp32, one thread. Prompts of the task have eight tokens each, so
nothing is padded on the left. `sample` draws as transformers' `generate` does, from the same stream of random numbers.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention, silu

from hicra.tasks.plan_execute.language import EOS, ID_OF, PAD, VOCABULARY

LAYERS, HEADS, WIDTH, EPS, THETA, CONTEXT = 3, 4, 96, 1e-6, 10000.0, 96
HEAD = WIDTH // HEADS
END, PADDING = ID_OF[EOS], ID_OF[PAD]
LAYER_NORMS = ("input_layernorm.weight", "post_attention_layernorm.weight")


class Network:
    """A policy of the plan-execute task.

    Attributes:
        w: the weights by their names in transformers.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.w = {name: w.detach().clone().requires_grad_() for name, w in weights.items() if name != "lm_head.weight"}
        angles = torch.outer(torch.arange(float(CONTEXT)), THETA ** (-torch.arange(0, HEAD, 2) / HEAD))
        angles = torch.cat([angles, angles], dim=-1)
        # rotation of position 0 .. CONTEXT - 1, [1, CONTEXT, 1, HEAD]; the sign of the sine does the half turn
        self.cos = angles.cos()[None, :, None]
        self.sin = (angles.sin() * torch.cat([-torch.ones(HEAD // 2), torch.ones(HEAD // 2)]))[None, :, None]

    @classmethod
    def load(cls, folder: Path) -> Network:
        return cls(load_file(folder / "model.safetensors"))

    def save(self, file: Path) -> None:
        save_file({name: w.detach().contiguous() for name, w in self.w.items()}, file)

    def parameters(self) -> list[Tensor]:
        return list(self.w.values())

    def logits(self, hidden: Tensor) -> Tensor:
        return linear(hidden, self.w["model.embed_tokens.weight"])

    def hidden(self, ids: Tensor) -> Tensor:
        """Last hidden states [B, T, WIDTH] of ids [B, T], with their gradient."""
        return _Pass(self).hidden(ids)

    @torch.no_grad()
    def go_on(
        self, prefix: Tensor, new: int, chance: torch.Generator | None = None, greedy: bool = False,
        seen: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:  # fmt: skip
        """Continuations [B, new] of prefixes [B, T] of equal length, at temperature 1; after <eos> comes <pad>.

        Finished rows leave the batch, yet random numbers are drawn for them too, as `generate` does.

        Args:
            prefix: ids.
            new: the most new tokens.
            chance: where random numbers come from; None takes torch's own stream.
            greedy: whether the likeliest token is taken.
            seen: two [B, new] tensors that get the entropy (nats) of each drawn token's distribution, and its log-probability.
        """
        batch, length = prefix.shape
        out = torch.full((batch, new), PADDING)
        alive = torch.arange(batch)
        run = _Pass(self, batch, length + new)
        hidden = run.hidden(prefix)[:, -1]
        noise = torch.empty(batch, len(VOCABULARY))
        for step in range(new):
            logits = self.logits(hidden)
            if greedy:
                token = logits.argmax(-1)
            else:
                noise.exponential_(generator=chance)
                token = (logits.softmax(-1) / noise[alive]).argmax(-1)
            out[alive, step] = token
            if seen is not None:
                logps = logits.log_softmax(-1)
                seen[0][alive, step] = -(logps.exp() * logps).sum(-1)
                seen[1][alive, step] = logps.gather(1, token[:, None])[:, 0]
            going = token != END
            if not going.all():
                alive, token = alive[going], token[going]
                run.keep(going)
            if not len(alive) or step + 1 == new:
                break
            hidden = run.hidden(token[:, None])[:, -1]
        return out


class _Pass:
    """One forward pass, or the steps of one generation, with the matrices that go together put into one."""

    def __init__(self, network: Network, batch: int = 0, room: int = 0) -> None:
        self.net, w = network, network.w
        self.layers = []
        for layer in range(LAYERS):
            p = f"model.layers.{layer}."
            self.layers.append(
                (
                    w[p + "input_layernorm.weight"],
                    torch.cat([w[f"{p}self_attn.{n}_proj.weight"] for n in "qkv"]),
                    w[p + "self_attn.o_proj.weight"],
                    w[p + "post_attention_layernorm.weight"],
                    torch.cat([w[p + "mlp.gate_proj.weight"], w[p + "mlp.up_proj.weight"]]),
                    w[p + "mlp.down_proj.weight"],
                )
            )
        self.at = 0
        shape = (batch, HEADS, room, HEAD)
        self.cache = [(torch.empty(shape), torch.empty(shape)) for _ in range(LAYERS)] if room else []

    def keep(self, rows: Tensor) -> None:
        """Forgets the other rows of the batch."""
        at = self.at
        kept = []
        for k, v in self.cache:
            new_k, new_v = torch.empty_like(k[: int(rows.sum())]), torch.empty_like(v[: int(rows.sum())])
            new_k[:, :, :at], new_v[:, :, :at] = k[rows, :, :at], v[rows, :, :at]
            kept.append((new_k, new_v))
        self.cache = kept

    def hidden(self, ids: Tensor) -> Tensor:
        batch, length = ids.shape
        net, at = self.net, self.at
        cos, sin = net.cos[:, at : at + length], net.sin[:, at : at + length]
        x = net.w["model.embed_tokens.weight"][ids]
        for layer, (norm, qkv, o, norm2, gate_up, down) in enumerate(self.layers):
            both = linear(_norm(x, norm), qkv).view(batch, length, 3 * HEADS, HEAD)
            turned, v = both[:, :, : 2 * HEADS], both[:, :, 2 * HEADS :].transpose(1, 2)
            turned = turned * cos + turned.roll(HEAD // 2, -1) * sin
            q, k = turned[:, :, :HEADS].transpose(1, 2), turned[:, :, HEADS:].transpose(1, 2)
            if self.cache:
                keys, values = self.cache[layer]
                keys[:, :, at : at + length], values[:, :, at : at + length] = k, v
                k, v = keys[:, :, : at + length], values[:, :, : at + length]
            if length == 1 and at > 16:  # torch's kernel is slow for a single query
                o_in = torch.matmul(torch.matmul(q * HEAD**-0.5, k.transpose(2, 3)).softmax(-1), v)
            else:
                o_in = scaled_dot_product_attention(q, k, v, is_causal=length > 1)
            x = x + linear(o_in.transpose(1, 2).reshape(batch, length, WIDTH), o)
            gate, up = linear(_norm(x, norm2), gate_up).chunk(2, -1)
            x = x + linear(silu(gate) * up, down)
        self.at = at + length if self.cache else 0
        return _norm(x, net.w["model.norm.weight"])


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return torch.nn.functional.rms_norm(x, (WIDTH,), weight, EPS)
