"""Samples responses from a masked-diffusion model: block by block, keeping at each step the tokens that it is surest of.

A response begins hidden. In each step the denoiser proposes a token for every hidden place of the current block; the proposals
with the highest probability stay, and the others are hidden again (low-confidence remasking, LLaDA, arXiv:2502.09992).

Deviations:
ESPO-5. Probabilities, of the draw and of the confidence alike, are those at the temperature of sampling. In the code of LLaDA
    noise is added to the logits before the draw, and the confidence is of temperature 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hicra.errors import ConfigError, EngineError
from hicra.related.likelihoods.elbo import Denoise


def respond(
    denoiser: Denoise, mask_id: int, prompts: Tensor, length: int, *, block: int, steps: int, temperature: float,
    chance: torch.Generator,
) -> Tensor:  # fmt: skip
    """Samples one response of `length` tokens for each prompt.

    Args:
        denoiser: as for `ELBO`.
        mask_id: the id of what is hidden.
        prompts: [N,P] int64, all of one length; give a prompt as often as it is to be answered.
        length: tokens of a response.
        block: tokens of a block; the blocks are uncovered from left to right, and each block in any order.
        steps: of all blocks together; with as many as tokens, each step uncovers one.
        temperature: of the draws; 0 takes the likeliest token.
        chance: where random numbers come from.

    Returns:
        [N, length] int64.

    Raises:
        ConfigError: the blocks or steps do not divide what they must, or the temperature is negative.
        EngineError: the model gives numbers that are not finite.
    """
    blocks, rest = divmod(length, block)
    if rest or steps % blocks or steps < blocks or steps > length:
        raise ConfigError(
            f"{length} tokens in blocks of {block} with {steps} steps: they must divide",
            f"take block: {length} and steps: {length}, or fewer of both",
        )
    if temperature < 0:
        raise ConfigError(f"temperature is {temperature}", "give 0 for the likeliest token, or a number above it")
    rows, start = prompts.shape
    ids = torch.cat([prompts, prompts.new_full((rows, length), mask_id)], dim=1)
    real = torch.ones_like(ids, dtype=torch.bool)
    share = steps // blocks
    with torch.no_grad():
        for number in range(blocks):
            places = slice(start + number * block, start + (number + 1) * block)
            for step in range(share):
                hidden = ids[:, places] == mask_id
                drawn, sure = _propose(denoiser(ids, real)[:, places], temperature, chance)
                kept = block // share + (step < block % share)  # what is left over goes to the first steps
                chosen = torch.where(hidden, sure, -1.0).topk(kept, dim=1).indices
                ids[:, places] = ids[:, places].scatter(1, chosen, drawn.gather(1, chosen))
    return ids[:, start:]


def _propose(logits: Tensor, temperature: float, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns a token and its probability for each place, [N,T] each."""
    if not bool(torch.isfinite(logits).all()):
        raise EngineError(
            "the model gives no finite probabilities to sample from",
            "its weights have grown beyond all bounds: lower the learning rate, and begin from an older model",
        )
    chances = torch.softmax(logits / (temperature or 1.0), dim=-1)
    if temperature == 0:
        sure, drawn = chances.max(-1)
        return drawn, sure
    noise = torch.empty_like(chances).exponential_(generator=chance)
    drawn = (chances / noise).argmax(-1)
    return drawn, chances.gather(-1, drawn[..., None])[..., 0]
