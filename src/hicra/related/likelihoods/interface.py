"""What a likelihood of whole responses is, and the texts that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from hicra.errors import DataError


@dataclass(frozen=True)
class Sequences:
    """Prompts with their responses, a row each; padding stands on the right.

    Attributes:
        ids: [B,T] int64 token ids; what stands at padding does not matter.
        real: [B,T] bool, False at padding.
        live: [B,T] bool, the tokens of the response.

    Raises:
        DataError: the shapes differ, a response has no token, or one stands at padding, or padding stands before a token.
    """

    ids: Tensor
    real: Tensor
    live: Tensor

    def __post_init__(self) -> None:
        shapes = [tuple(one.shape) for one in (self.ids, self.real, self.live)]
        if len(set(shapes)) > 1 or self.ids.ndim != 2:
            raise DataError(f"ids, real and live have the shapes {shapes}", "give all three as [B,T]")
        if bool((self.live & ~self.real).any()):
            raise DataError("a response token stands at padding", "real must be true wherever live is")
        if bool((self.real[:, 1:] & ~self.real[:, :-1]).any()):
            raise DataError("padding stands before a token", "put the padding of every row on its right")
        if not bool(self.live.any(-1).all()):
            row = int((~self.live.any(-1)).nonzero()[0])
            raise DataError(f"the response of row {row} has no token", "leave that row out: it has no likelihood")

    @property
    def lengths(self) -> Tensor:
        """Tokens of each response, [B] int64."""
        return self.live.sum(-1)


class SequenceLikelihood(Protocol):
    """The log-likelihood of responses given their prompts, or a bound that stands in for it; a gradient flows to the model.

    It is made of one part for each token. Only their sum means anything in general: the parts of a causal model are the
    log-probabilities of its tokens, while those of an ELBO depend on the masks that were drawn.
    """

    def parts(self, sequences: Sequences, seeds: Tensor | None = None) -> Tensor:
        """Returns the parts [B,T] in nats, 0 outside the responses.

        Args:
            sequences: what is asked for.
            seeds: [B,n_mc] int64; equal seeds draw equal masks. A causal model needs none.
        """
        ...

    def __call__(self, sequences: Sequences, seeds: Tensor | None = None) -> Tensor:
        """Returns the log-likelihoods [B] in nats; arguments as in `parts`."""
        return self.parts(sequences, seeds).sum(-1)
