"""Plain GRPO leaves the advantages of the baseline unchanged."""

from __future__ import annotations

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method


def shape(advantages: Array, batch: Batch) -> Array:
    """Returns A unchanged."""
    return advantages


METHOD = Method(
    "none", shape, "plain GRPO: the baseline's advantages unchanged",
    needs=("response_mask",), changes="nothing", keeps_sign=True,
)  # fmt: skip
