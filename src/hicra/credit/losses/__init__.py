"""Losses turn log-probabilities, advantages and a mask, all [B,T], into the number that is minimised.

To add one, write a file here with a function `(logps, old_logps, advantages, mask, batch, *, settings...) -> [B,T]` and its
entry, and one line in the table below. How token losses are averaged is a setting of every loss (`hicra/credit/loss.py`).
The function gets clean arrays: numpy or torch, floats of one dtype, 0 where the mask is False.
"""

from __future__ import annotations

from hicra.credit.entry import Table
from hicra.credit.losses import clipped, covariance, entropy, future, score, sequence, soft

LOSSES = Table(
    "loss",
    (
        clipped.CLIP,
        clipped.DUAL_CLIP,
        entropy.ENTROPY_REGULARISED,
        covariance.CLIP_COV,
        covariance.KL_COV,
        score.CISPO,
        sequence.GSPO,
        sequence.GSPO_TOKEN,
        sequence.GMPO,
        soft.SAPO,
        score.VESPO,
        future.FIPO,
        score.EM_POLICY_GRADIENT,
    ),
)
