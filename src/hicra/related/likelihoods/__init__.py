"""Likelihoods of whole responses (ESPO, arXiv:2512.03759): one loss for autoregressive and for masked-diffusion models.

`interface.py` says what a likelihood is; `ar.py` has that of a causal model, `elbo.py` the bound of a masked-diffusion model,
with the masks of `masks.py`. `loss.py` is the loss, `divergence.py` its KL term. `denoiser.py`, `sample.py` and `pretrain.py` are
a small masked-diffusion model, `sudoku.py` and `countdown.py` what it learns on, and `train.py` the loop.
"""
