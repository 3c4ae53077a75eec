"""The likelihood of a causal language model: the sum of the log-probabilities of the response's tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hicra.errors import DataError
from hicra.related.likelihoods.interface import SequenceLikelihood, Sequences


class AR(SequenceLikelihood):
    """log p(y|x) = sum_t log p(y_t | x, y_<t), at temperature 1.

    Args:
        model: a causal model, called as those of transformers are: `model(input_ids=[B,T], attention_mask=[B,T]).logits`.
    """

    def __init__(self, model: Callable[..., Any]) -> None:
        self.model = model

    def parts(self, sequences: Sequences, seeds: Tensor | None = None) -> Tensor:
        """Returns the log-probability of each token of the responses, [B,T]; see `SequenceLikelihood`.

        Raises:
            DataError: a response begins at the first column, so nothing stands before its first token, or a text is longer than
                the model.
        """
        ids, live = sequences.ids, sequences.live
        if bool(live[:, 0].any()):
            raise DataError("a response begins at the first column", "give each row a prompt of at least one token")
        longest = getattr(getattr(self.model, "config", None), "max_position_embeddings", None)
        if longest is not None and ids.shape[1] > longest:
            raise DataError(
                f"a text has {ids.shape[1]} tokens, and the model has {longest} positions", "leave longer texts out"
            )
        logits = self.model(input_ids=ids, attention_mask=sequences.real.long()).logits[:, :-1]
        targets = torch.where(live, ids, 0)[:, 1:, None]
        logps = torch.log_softmax(logits, dim=-1).gather(-1, targets)[..., 0]
        return torch.nn.functional.pad(torch.where(live[:, 1:], logps, 0.0), (1, 0))
