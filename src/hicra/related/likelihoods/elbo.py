"""The evidence lower bound of a masked-diffusion model, which stands in for the log-likelihood of a whole response."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.related.likelihoods.interface import SequenceLikelihood, Sequences
from hicra.related.likelihoods.masks import MASKS

Denoise = Callable[[Tensor, Tensor], Tensor]  # ids [N,T] and real [N,T] to logits [N,T,V]


class ELBO(SequenceLikelihood):
    """An estimate of L(y|x) <= log p(y|x) (ESPO, arXiv:2512.03759; the formula stands in `masks.py`).

    With a denoiser that gives the exact conditionals of one joint distribution, the bound is log p(y|x): each order in which
    tokens are uncovered gives the chain rule.

    Args:
        denoiser: `(ids [N,T] int64, real [N,T] bool) -> logits [N,T,V]`; a hidden token has the id V in `ids`.
        mask_id: that id, V.
        masks: a name of `masks.MASKS`: "coupled", "plain", "every", or the stand-in "mean_field", which is no bound.

    Raises:
        ConfigError: there are no masks of that name.
    """

    def __init__(self, denoiser: Denoise, mask_id: int, masks: str = "coupled") -> None:
        if masks not in MASKS:
            raise ConfigError(f"masks: no masks {masks!r}", did_you_mean(masks, MASKS))
        self.denoiser, self.mask_id, self.masks = denoiser, mask_id, masks

    def parts(self, sequences: Sequences, seeds: Tensor | None = None) -> Tensor:
        """Returns what each token of the responses adds to the estimate, [B,T]; see `SequenceLikelihood`.

        Raises:
            DataError: seeds are missing or have another shape, or a response holds the mask itself.
        """
        ids, live = sequences.ids, sequences.live
        if bool((ids[live] >= self.mask_id).any()):
            raise DataError(
                f"a response holds the mask, id {self.mask_id}", "sample until every token of it is uncovered"
            )
        masks, weights = MASKS[self.masks](seeds, live)
        shown = torch.where(masks, self.mask_id, ids[:, None])
        real = sequences.real[:, None].expand_as(shown)
        logits = self.denoiser(shown.flatten(0, 1), real.flatten(0, 1)).view(*shown.shape, -1)
        targets = torch.where(live, ids, 0)[:, None, :, None].expand(*shown.shape, 1)
        logps = torch.log_softmax(logits, dim=-1).gather(-1, targets)[..., 0]
        return (torch.where(masks, logps, 0.0) * weights[..., None].to(logps.dtype)).sum(1)
