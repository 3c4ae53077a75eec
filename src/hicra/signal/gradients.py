"""Gradients of one batch, one for each row of a basis of advantages, by one forward pass in micro-batches; needs torch.

The gradient of a basis row w [B,T] is that of

    sum over tokens t of  w_t log pi(token t)   /   number of policy tokens of the batch

at the policy that has sampled the batch, so it is the ascent direction of the policy objective (a mean over tokens, as with TRL's
loss `dapo`) where the probability ratio is 1 and no clip acts. It is linear in w, which is why few rows serve many methods.

Deviations:
SIGNAL-5. The objective is the mean over all policy tokens of a batch, without clip, KL penalty and entropy bonus, since at the
    sampling policy the first does nothing and the others are the same for all methods. The mean over tokens is of a batch, so a
    batch of longer responses weighs no more than another.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hicra.arrays import Array, Bools, Floats, Ints, Vectors
from hicra.signal.projection import project as projected

LOGITS = 2**25  # numbers in the logits of one micro-batch, at most: 128 MB in float32
SLICE = 2**22  # numbers of logits that are normalised at once where nothing goes backward
MOST_ROWS = 64


@dataclass(frozen=True)
class EncodedRollouts:
    """The token ids of a batch.

    Attributes:
        prompts: the ids of each rollout's prompt, at least one a rollout.
        ids: [B,T] int64, the ids of the responses with what tools wrote in them, padded at the end.
        live: [B,T] bool, the policy tokens.
    """

    prompts: Sequence[Sequence[int]]
    ids: Ints
    live: Bools


def encode(prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]]) -> EncodedRollouts:
    """Pads the responses of a batch; all their tokens are policy tokens."""
    width = max(1, *map(len, responses))
    ids, live = np.zeros((len(responses), width), np.int64), np.zeros((len(responses), width), bool)
    for row, response in enumerate(responses):
        ids[row, : len(response)], live[row, : len(response)] = response, True
    return EncodedRollouts(prompts, ids, live)


def batch_gradients(
    model: Any,
    encoded: EncodedRollouts,
    basis: Floats,
    *,
    parameters: Sequence[Any],
    project: int = 0,
    seed: int = 0,
    micro: int = 0,
    temperature: float = 1.0,
) -> Vectors:
    """Computes the gradient of every basis row.

    Args:
        model: a transformers causal LM in evaluation mode (dropout would measure other policies).
        encoded: the batch.
        basis: [R,B,T] weights of the tokens; what stands outside the policy tokens does not matter.
        parameters: the parameters that the gradient is of, as `parameters.chosen_parameters` gives them.
        project: the number of numbers that a gradient is projected to (`projection.py`); 0 keeps all D.
        seed: of the projection.
        micro: rollouts of a micro-batch; 0 takes as many as keep the logits small.
        temperature: of sampling, above 0; the policy is the softmax of the logits divided by it.

    Returns:
        [R,D] or [R,project] float32; D is the number of all values of the parameters, in their order.
    """
    weights = np.where(encoded.live, basis, 0.0)
    count = max(1, int(encoded.live.sum()))
    total = [_Sum(parameters, project, seed) for _ in weights]
    used = np.flatnonzero(weights.any(axis=(0, 2)))  # rows whose weights are all 0 have no gradient
    for rows in _micro_batches(model, encoded, used, micro):
        mine = np.flatnonzero(weights[:, rows].any(axis=(1, 2)))
        ends, factors = _ends(model, encoded, rows, weights[np.ix_(mine, rows)], parameters, temperature)
        for row, factor in zip(mine, factors, strict=True):
            made = torch.autograd.grad(
                ends, parameters, factor / count, retain_graph=bool(row != mine[-1]), allow_unused=True
            )
            total[row].add(made)
    size = project or sum(one.numel() for one in parameters)
    return np.stack([one.vector() for one in total]) if total else np.zeros((0, size), np.float32)


def policy_values(
    model: Any, encoded: EncodedRollouts, *, micro: int = 0, temperature: float = 1.0
) -> tuple[Vectors, Vectors]:
    """Returns log-probabilities and entropies of the policy (nats), [B,T] float32 each, 0 outside the policy tokens.

    Memory is that of the logits of one micro-batch, of one rollout at least: they are normalised some places at a time.

    Args:
        model, encoded, micro, temperature: as for `batch_gradients`.
    """
    logprobs, entropies = np.zeros(encoded.ids.shape, np.float32), np.zeros(encoded.ids.shape, np.float32)
    with torch.no_grad():
        for rows in _micro_batches(model, encoded, np.flatnonzero(encoded.live.any(axis=1)), micro):
            logits, chosen, places = _logits(model, encoded, rows)
            width, step = chosen.shape[1], max(1, SLICE // (len(rows) * logits.shape[2]))
            for begin in range(0, width, step):
                cut = slice(begin, min(width, begin + step))
                live = encoded.live[rows, cut]
                logs = _normalised(logits, places[:, cut], temperature)
                made = (logs.gather(2, chosen[:, cut, None])[..., 0], torch.special.entr(logs.exp()).sum(dim=2))
                for into, values in zip((logprobs, entropies), made, strict=True):
                    into[rows, cut] = np.where(live, values.float().cpu().numpy(), 0.0)
    return logprobs, entropies


class _Sum:
    """Adds up the gradients of micro-batches in float32 (projected: in float64)."""

    def __init__(self, parameters: Sequence[Any], size: int, seed: int) -> None:
        self.parameters, self.size, self.seed = parameters, size, seed
        self.total: Any = None

    def add(self, made: Sequence[Any]) -> None:
        whole = [
            torch.zeros_like(one) if each is None else each for one, each in zip(self.parameters, made, strict=True)
        ]
        if self.size:
            new = projected(whole, self.size, self.seed)
        else:
            new = torch.cat([one.detach().reshape(-1).float() for one in whole])
        self.total = new if self.total is None else self.total.add_(new)

    def vector(self) -> Array:
        if self.total is None:
            return np.zeros(self.size or sum(one.numel() for one in self.parameters), np.float32)
        made: Array = self.total.float().cpu().numpy()
        return made


def _micro_batches(model: Any, encoded: EncodedRollouts, rows: Ints, micro: int) -> Iterator[Ints]:
    """Yields rows in their order, so many at a time that their logits stay small."""
    if not micro:
        longest = max((len(encoded.prompts[row]) for row in rows), default=0) + encoded.ids.shape[1]
        micro = min(MOST_ROWS, max(1, LOGITS // (longest * int(model.config.get_text_config().vocab_size))))
    for begin in range(0, len(rows), micro):
        yield rows[begin : begin + micro]


def _ends(
    model: Any, encoded: EncodedRollouts, rows: Ints, weights: Floats, parameters: Sequence[Any], temperature: float
) -> tuple[Any, Iterator[Any]]:
    """Returns a tensor from which to go backward for some rows of a batch, and for each component what to multiply it by.

    Where no gradient of the output matrix is asked for, that tensor is its input [b,L,d]: a token's log-probability depends on
    its own place of it alone, so one backward pass through the matrix, the largest of a small model, serves all components.
    Else it is the log-probabilities [b,t] themselves.
    """
    head, seen = _output_matrix(model, parameters), list[Any]()
    hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0])) if head is not None else None
    logs, chosen, places = token_distributions(model, encoded, rows, temperature)
    logprobs = logs.gather(2, chosen[..., None])[..., 0]
    width = logprobs.shape[1]
    factors = (torch.from_numpy(w[:, :width]).to(logprobs) for w in weights)
    if hook is None:
        return logprobs, factors
    hook.remove()
    inputs = seen[0]
    live = torch.from_numpy(encoded.live[rows, :width]).to(logprobs)
    (slopes,) = torch.autograd.grad((logprobs * live).sum(), inputs)  # [b,L,d]: of each token, at its own place

    def spread(factor: Any) -> Any:
        at = torch.zeros(inputs.shape[:2], dtype=factor.dtype, device=inputs.device).scatter_add_(1, places, factor)
        return slopes * at[..., None].to(slopes.dtype)

    return inputs, map(spread, factors)


def _output_matrix(model: Any, parameters: Sequence[Any]) -> Any:
    """Returns the module that makes logits, or None if it has parameters whose gradient is asked for, or is not known."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    wanted = {id(one) for one in parameters}
    return None if head is None or any(id(one) in wanted for one in head.parameters()) else head


def token_distributions(model: Any, encoded: EncodedRollouts, rows: Ints, temperature: float) -> tuple[Any, Any, Any]:
    """Returns the log-probabilities [b,t,V] of what may stand in the responses, the ids that do and the logits' places [b,t].

    Args:
        model: a transformers causal LM.
        encoded: the batch; each prompt has at least one token.
        rows: [b] those of the batch that are read, each with a policy token; t reaches to the last of these.
        temperature: of sampling, above 0; the policy is the softmax of the logits divided by it.
    """
    logits, chosen, places = _logits(model, encoded, rows)
    return _normalised(logits, places, temperature), chosen, places


def _normalised(logits: Any, places: Any, temperature: float) -> Any:
    """Returns log-probabilities [b,t,V] of the logits [b,L,V] at some places [b,t]."""
    of_tokens = logits.gather(1, places[..., None].expand(-1, -1, logits.shape[2])).float()
    return torch.log_softmax(of_tokens / temperature, dim=2)


def _logits(model: Any, encoded: EncodedRollouts, rows: Ints) -> tuple[Any, Any, Any]:
    """Returns logits [b,L,V], the ids in the responses [b,t], and the place of each one's logits [b,t]."""
    device = next(model.parameters()).device
    lengths = encoded.live.shape[1] - encoded.live[rows, ::-1].argmax(axis=1)  # up to the last policy token
    width, before = int(lengths.max()), np.array([len(encoded.prompts[row]) for row in rows])
    ids, mask = np.zeros((2, len(rows), int((before + lengths).max())), np.int64)
    for at, row in enumerate(rows):
        # prompt and response in a row and all padding behind them, so that no token that counts sees any padding
        written = [*encoded.prompts[row], *encoded.ids[row, : lengths[at]].tolist()]
        ids[at, : len(written)], mask[at, : len(written)] = written, 1
    first = int(before.min()) - 1
    keep = {"logits_to_keep": ids.shape[1] - first} if _keeps_logits(model) else {}
    logits = model(
        input_ids=torch.from_numpy(ids).to(device),
        attention_mask=torch.from_numpy(mask).to(device),
        use_cache=False,
        **keep,
    ).logits
    start = torch.from_numpy(before - 1 - (first if keep else 0)).to(device)
    places = (start[:, None] + torch.arange(width, device=device)).clamp_(max=logits.shape[1] - 1)
    chosen = torch.from_numpy(np.where(encoded.live[rows, :width], encoded.ids[rows, :width], 0)).to(device)
    return logits, chosen, places


def _keeps_logits(model: Any) -> bool:
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def stopped(loss: Any, logps: Any, advantages: Any, live: Any) -> Any:
    """Counts the policy tokens with an advantage whose log-probability the loss does not move; 0 where nothing is trained."""
    if not (torch.is_tensor(logps) and logps.requires_grad):
        return torch.zeros((), device=live.device)
    if not loss.requires_grad:
        return ((advantages != 0) & live).sum()
    (slope,) = torch.autograd.grad(loss, logps, retain_graph=True, allow_unused=True)
    moved = torch.zeros_like(live) if slope is None else slope != 0
    return ((advantages != 0) & live & ~moved).sum()
