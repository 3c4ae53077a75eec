"""A loss turns advantages into the number that is minimised: a loss for each token, and a mean over tokens.

The two are chosen apart. `mean` says how much a token of a long response counts, and every loss takes each of the three. The
formulas are for a whole batch at once; an engine that sees the batch in parts divides by the totals of the whole batch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import create_model

from hicra.arrays import as_flags, namespace_of
from hicra.credit.border import array_of, cast, floats, like
from hicra.credit.entry import Batch, Entry, Settings
from hicra.errors import DataError
from hicra.strict import Positive

Mean = Literal["tokens", "responses", "constant"]


@dataclass(frozen=True)
class Loss(Entry):
    """Turns advantages into the loss: `loss(logps, old_logps, advantages, mask, batch=None, **settings)`, all [B,T].

    The number is numpy or torch as `logps` is, with its dtype and device, and a gradient flows back to `logps`. `function` is
    `(logps, old_logps, advantages, mask, batch, *, settings...) -> [B,T]`, the loss of each token, in numpy or torch. Its arrays
    are floats of one dtype, copies that it may write into, and 0 where the mask is False. The batch holds the needed fields
    alone, [B,T], of the policy that is trained, so a gradient may flow into its entropies too.

    Every loss has two settings more than its function. `mean`: "tokens" averages over all tokens of the batch (DAPO),
    "responses" over the tokens of each response and then over responses (GRPO), "constant" divides the sum by B * most_tokens
    (Dr. GRPO). `most_tokens`: the longest response allowed; None takes T.

    Attributes:
        mean: the default of the setting of that name.
        signed: whether the loss treats tokens differently by the sign of their advantage, beyond its product with the ratio.
        by_part: whether the loss of a token depends on which tokens are seen at once, as a micro-batch, and not on its row alone.
        by_response: whether every token gets the mean advantage of its response, so that shaping tokens apart is averaged away.
    """

    mean: Mean = "tokens"
    signed: bool = False
    by_part: bool = False
    by_response: bool = False
    kind: ClassVar[str] = "loss"
    section: ClassVar[str] = "loss.settings"

    @functools.cached_property
    def settings_class(self) -> type[Settings]:
        """The class that checks the settings: those of the function, `mean` and `most_tokens`."""
        return create_model(
            f"{self.name}_settings",
            __base__=super().settings_class,
            mean=(Mean, self.mean),
            most_tokens=(Positive | None, None),
        )

    def tokens(
        self, logps: Any, old_logps: Any, advantages: Any, mask: Any, batch: Batch | None = None, **settings: Any
    ) -> Any:
        """Computes the loss of each token [B,T], which an engine averages itself; takes and raises what a call does.

        They are computed in the dtype of `logps`, but at least in float32, and are numbers outside the mask too, whatever stood
        there.
        """
        chosen = self.checked(settings)
        self.require(batch or {})
        logps = floats(array_of(logps))
        given = {"logps": logps, "old_logps": old_logps, "advantages": advantages}
        given |= {field: (batch or {})[field] for field in self.needs}
        live = like(as_flags(mask, "mask"), logps)
        arrays = {name: cast(floats(like(value, logps)), logps) for name, value in given.items()}
        for name, array in {**arrays, "mask": live}.items():
            if array.shape != logps.shape or array.ndim != 2:
                raise DataError(
                    f"{name} {tuple(array.shape)} and logps {tuple(logps.shape)} must both be [B,T]",
                    f"give {name} for each token",
                )
        where = namespace_of(logps).where  # 0 under the padding: a NaN there would reach the gradient of its row
        arrays = {name: where(live, array, 0.0) for name, array in arrays.items()}
        three = [arrays.pop(name) for name in ("logps", "old_logps", "advantages")]
        del chosen["mean"], chosen["most_tokens"]
        losses = self.function(*three, live, arrays, **chosen)
        if getattr(losses, "shape", None) != logps.shape:
            found = tuple(getattr(losses, "shape", ()))
            raise DataError(
                f"loss {self.name!r} gave {type(losses).__name__} of shape {found} and must give {tuple(logps.shape)}",
                "mend that function: it gives the loss of each token, and how they are averaged is a setting",
            )
        return losses

    def __call__(
        self, logps: Any, old_logps: Any, advantages: Any, mask: Any, batch: Batch | None = None, **settings: Any
    ) -> Any:
        """Computes the loss of a whole batch.

        Args:
            logps: [B,T] log-probabilities of the policy that is trained, in nats.
            old_logps: [B,T] those of the policy that sampled.
            advantages: [B,T].
            mask: [B,T] policy tokens, bool or exactly 0 or 1.
            batch: the fields that the loss needs beyond these, [B,T].
            **settings: those of the loss.

        Raises:
            ConfigError: a setting is unknown or refused.
            MissingField: the batch lacks a field that the loss needs.
            DataError: the arrays have different shapes, are not [B,T], or the mask holds what is neither 0 nor 1.
        """
        chosen = self.checked(settings)
        logps = array_of(logps)
        losses = self.tokens(logps, old_logps, advantages, mask, batch, **settings)
        live = like(as_flags(mask, "mask"), logps)
        rows, width = live.shape
        most = chosen["most_tokens"] or max(width, 1)
        return cast(averaged(losses, live, chosen["mean"], live.sum(), rows, most), logps)


def averaged(losses: Any, mask: Any, mean: Mean, tokens: Any, rows: Any, most_tokens: int) -> Any:
    """Returns the share of a part of a batch in its mean loss; the parts add up to the mean of the whole batch.

    Args:
        losses: [B,T] losses of the part's tokens, numpy or torch; what stands outside the mask does not count.
        mask: [B,T] policy tokens, bool.
        mean: see `Loss`.
        tokens, rows: numbers of policy tokens and of rollouts of the whole batch.
        most_tokens: the longest response allowed.
    """
    live = as_flags(mask, "mask")
    losses = namespace_of(losses).where(live, losses, 0.0)
    rows = rows + (rows == 0)
    if mean == "tokens":
        return losses.sum() / (tokens + (tokens == 0))
    if mean == "constant":
        return losses.sum() / (rows * most_tokens)
    count = live.sum(-1)
    return (losses.sum(-1) / (count + (count == 0))).sum() / rows
