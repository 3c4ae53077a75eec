"""Losses turn log-probabilities, advantages and a mask, all [B,T], into the number that is minimised.

To add one, write a file here with a function `(logps, old_logps, advantages, mask, batch, *, settings...) -> [B,T]` and its
entry, and one line in the table below. How token losses are averaged is a setting of every loss (`hicra/credit/loss.py`).
"""

from __future__ import annotations

from hicra.credit.entry import Table
from hicra.credit.losses import clipped

LOSSES = Table(
    "loss",
    (clipped.CLIP,),
)
