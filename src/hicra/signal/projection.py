"""A seeded random projection of long gradients to k numbers, which keeps inner products; needs torch.

The coordinates are cut into chunks of k in a row. Every coordinate gets a random sign, every chunk is turned by a random shift
(coordinate j of a chunk goes to place (j + shift) mod k), and the chunks are added up. So it is a count sketch (Charikar, Chen,
Farach-Colton 2002) in which two coordinates of one chunk never meet. Signs and shifts are drawn again from the seed and the
position whenever they are asked for, so no matrix of D x k numbers is ever made.

What is certain: for vectors x and y, over the draws of signs and shifts,

    E <Px, Py>   = <x, y>
    Var <Px, Py> = 1/k  sum over pairs i != j of different chunks  (x_i^2 y_j^2 + x_i y_i x_j y_j)
                <= (|x|^2 |y|^2 + <x, y>^2) / k

So the standard error of an inner product is at most |x| |y| sqrt(2 / k), and that of a squared norm at most |x|^2 sqrt(2 / k):
1.6 % of it at k = 8192. All batches of a measurement share one projection. Write the gradients of two batches as mu + z and
mu + z': the error of <mu, mu> is the same for all pairs and does not shrink with more batches, and those of <z, z'>, <mu, z'> and
<z, mu> have mean 0 and differ from batch to batch, as noise does. So intervals over batches hold the latter, and not the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

BLOCK = 2**21  # coordinates that are projected at once
WORD = 64  # signs in one draw of the generator


def project(parts: Sequence[Any], size: int, seed: int) -> Any:
    """Projects a vector.

    Args:
        parts: the vector in parts (one tensor of any shape for each parameter); each begins with a chunk of its own. Another
            order or another cut is another projection.
        size: k, the number of numbers that are left.
        seed: decides signs and shifts.

    Returns:
        [k] float64 on the device of the parts.
    """
    total = torch.zeros(size, dtype=torch.float64, device=parts[0].device)
    for number, part in enumerate(parts):
        flat = part.detach().reshape(-1)
        draw = np.random.Philox(key=np.array([seed, number], np.uint64))
        chunks = max(1, BLOCK // size)
        for begin in range(0, len(flat), chunks * size):
            total += _block(flat[begin : begin + chunks * size], size, draw)
    return total


def _block(flat: Any, size: int, draw: np.random.Philox) -> Any:
    """Projects some whole chunks of a vector (the last chunk may be shorter) to [k]."""
    chunks = -(-len(flat) // size)
    signs, shifts = signs_and_shifts(draw, len(flat), chunks, size)
    signed = torch.zeros(chunks * size, dtype=torch.float64, device=flat.device)
    signed[: len(flat)] = flat * torch.from_numpy(signs).to(flat.device)
    if chunks == 1:
        return torch.roll(signed, int(shifts[0]))
    places = torch.arange(size, device=flat.device)[None, :] - torch.from_numpy(shifts).to(flat.device)[:, None]
    return signed.view(chunks, size).gather(1, places.remainder_(size)).sum(dim=0)


def signs_and_shifts(draw: np.random.Philox, n: int, chunks: int, size: int) -> tuple[Any, Any]:
    """Draws n signs (int8, 1 or -1) and the shift of every chunk (int64, 0 to k-1)."""
    # raw words, because only their stream is promised to stay the same over versions of numpy
    shifts = (draw.random_raw(chunks) % np.uint64(size)).astype(np.int64)
    words = draw.random_raw(-(-n // WORD)).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8), count=n)
    return 1 - 2 * bits.astype(np.int8), shifts
