"""Samples actions from a causal language model of transformers, many contexts of unequal length at a time.

Equal contexts are read once, and of a context that goes on from one of the call before only what is new (`memory.py`). Shorter
contexts are padded on the left, and the padding is masked. A row whose action has ended leaves the batch. Log-probabilities and
entropies are of the distribution that each token was drawn from, at its temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hicra.errors import ConfigError, EngineError
from hicra.related.policy.memory import Block, Memory, Remembered, gathered
from hicra.related.rollouts import Action, Asked
from hicra.related.system import Codec

BATCH = 256  # rows at a time


class NetworkPolicy:
    """Writes actions by a network.

    Args:
        model: a causal LM of transformers; it samples in evaluation mode, and is left in the mode that it was in.
        codec: its tokenizer's; the end token ends an action.
        temperature: of sampling, above 0; a greedy wish takes the likeliest token whatever it is.
        seed: decides the draws. The same wishes after each other get the same actions.

    Attributes:
        chance: where random numbers come from; its state goes into checkpoints.
        limit: the most tokens of context and action together; None where the model names no limit.
        written: number of tokens that were sampled so far.
    """

    def __init__(
        self, model: Any, codec: Codec, *, temperature: float = 1.0, seed: int = 0, batch: int = BATCH
    ) -> None:
        self.model, self.codec, self.temperature, self.batch = model, codec, temperature, batch
        self.device = next(model.parameters()).device
        self.chance = torch.Generator(self.device).manual_seed(seed)
        self.limit: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.written = 0
        self.memory, self._moves = Memory(), -1

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        """Writes one action for each wish, in order.

        Raises:
            EngineError: a context and its action are longer than the model can read, or the model gives no finite probabilities.
            ConfigError: a wish is for no token, or has no context.
        """
        for one in asked:
            self._check(one)
        self._forget_if_moved()
        made: list[Action | None] = [None] * len(asked)
        order = sorted(range(len(asked)), key=lambda place: len(asked[place].context))  # so that little is padded
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            for begin in range(0, len(order), self.batch):
                places = order[begin : begin + self.batch]
                for place, action in zip(places, self._write([asked[place] for place in places]), strict=True):
                    made[place] = action
        self.model.train(training)
        self.memory.turn()
        done = [one for one in made if one is not None]
        self.written += sum(len(one.ids) for one in done)
        return done

    def forget(self) -> None:
        """Forgets what was read before, so that what comes does not depend on it in the last digits."""
        self.memory.forget()

    def _forget_if_moved(self) -> None:
        moves = sum(weight._version for weight in self.model.parameters())  # torch counts each change in place
        if moves != self._moves:
            self._moves = moves
            self.forget()

    def _check(self, one: Asked) -> None:
        if one.most < 1 or not one.context:
            raise ConfigError(
                f"an action of at most {one.most} tokens after {len(one.context)} tokens of context was asked for",
                "an action has at least one token, and follows a text that is not empty",
            )
        if self.limit is not None and len(one.context) + one.most > self.limit:
            raise EngineError(
                f"an action of at most {one.most} tokens after a context of {len(one.context)} needs a model that reads "
                f"{len(one.context) + one.most} tokens, and this one reads {self.limit} (max_position_embeddings)",
                "shorten the episodes or the trees (task.settings, system.settings) or the actions (train.max_new_tokens), or "
                "start from a model with a longer context",
            )

    def _write(self, asked: Sequence[Asked]) -> list[Action]:
        """Writes the actions of one batch."""
        logits, cache, mask, places = self._read(asked)
        most = torch.tensor([one.most for one in asked])
        greedy = torch.tensor([one.greedy for one in asked], device=self.device)
        alive = torch.arange(len(asked))
        ids: list[list[int]] = [[] for _ in asked]
        logps: list[list[float]] = [[] for _ in asked]
        entropies: list[list[float]] = [[] for _ in asked]
        for step in range(1, int(most.max()) + 1):
            token, logp, entropy = self._draw(logits, greedy)
            drawn: list[int] = token.tolist()
            for row, one, its_logp, its_entropy in zip(
                alive.tolist(), drawn, logp.tolist(), entropy.tolist(), strict=True
            ):
                ids[row].append(one)
                logps[row].append(its_logp)
                entropies[row].append(its_entropy)
            on = (token.cpu() != self.codec.end) & (most[alive] > step)
            going, ended = on.nonzero()[:, 0], (~on).nonzero()[:, 0]
            texts = [(*asked[row].context, *ids[row][:-1]) for row in alive[ended].tolist()]
            self._remember(texts, cache, mask, ended)  # the last token was written and not yet read
            if not len(going):
                break
            if len(going) < len(alive):
                here = going.to(self.device)
                alive, token, greedy, mask, places = alive[going], token[here], greedy[here], mask[here], places[here]
                cache.batch_select_indices(here)
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            places = places + 1
            out = self.model(
                input_ids=token[:, None], attention_mask=mask, position_ids=places[:, None], past_key_values=cache,
                use_cache=True,
            )  # fmt: skip
            logits = out.logits[:, -1]
        return [
            Action(
                tuple(ids[row]), self.codec.decode(ids[row]), ids[row][-1] == self.codec.end, tuple(logps[row]),
                tuple(entropies[row]),
            )
            for row in range(len(asked))
        ]  # fmt: skip

    def _read(self, asked: Sequence[Asked]) -> tuple[Tensor, Any, Tensor, Tensor]:
        """Reads the contexts; returns the logits [B,V] behind them, the cache, the mask [B,L] and each last position [B]."""
        number: dict[tuple[int, ...], int] = {}
        of = [number.setdefault(one.context, len(number)) for one in asked]
        contexts = list(number)
        known = [self.memory.find(context) for context in contexts]
        logits: list[Tensor] = []
        picks: dict[int, tuple[Block, int]] = {}
        for places in ([p for p, one in enumerate(known) if one is None], [p for p, one in enumerate(known) if one]):
            if places:
                found, block = self._read_on([contexts[p] for p in places], [one for p in places if (one := known[p])])
                picks |= {place: (block, row) for row, place in enumerate(places)}
                logits.append(found)
        where = {place: row for row, place in enumerate(picks)}
        block = picks[0][0] if len(logits) == 1 and len(number) == len(asked) else gathered([picks[one] for one in of])
        last = torch.tensor([len(one.context) - 1 for one in asked], device=self.device)
        return torch.cat(logits)[[where[one] for one in of]], block.cache(), block.mask, last

    def _read_on(self, contexts: Sequence[tuple[int, ...]], known: Sequence[Remembered]) -> tuple[Tensor, Block]:
        """Reads what is new in some contexts, of which all have a known beginning or none; returns logits [n,V] and the whole."""
        begun = [one.length for one in known] or [0] * len(contexts)
        before = gathered([(one.block, one.row) for one in known]) if known else None
        longest = max(len(context) - start for context, start in zip(contexts, begun, strict=True))
        ids = torch.full((len(contexts), longest), self.codec.pad)
        mask = torch.zeros((len(contexts), longest), dtype=torch.long)
        for row, (context, start) in enumerate(zip(contexts, begun, strict=True)):
            ids[row, longest - len(context) + start :] = torch.tensor(context[start:])
            mask[row, longest - len(context) + start :] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        positions = (torch.tensor(begun, device=self.device)[:, None] + mask.cumsum(1) - 1).clamp(min=0)
        whole = mask if before is None else torch.cat([before.mask, mask], dim=1)
        out = self.model(
            input_ids=ids, attention_mask=whole, position_ids=positions, use_cache=True, logits_to_keep=1,
            past_key_values=None if before is None else before.cache(),
        )  # fmt: skip
        return out.logits[:, -1], Block.of(out.past_key_values, whole)

    def _remember(self, texts: Sequence[tuple[int, ...]], cache: Any, mask: Tensor, ended: Tensor) -> None:
        """Keeps the rows whose actions have ended, where the cache is a plain one of all that was read."""
        if len(ended) and all(type(layer).__name__ == "DynamicLayer" for layer in cache.layers):
            self.memory.keep(texts, Block.of(cache, mask, ended.to(self.device)))

    def _draw(self, logits: Tensor, greedy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns a token, its log-probability and the entropy of its distribution for each row, [B] each."""
        every = torch.log_softmax(logits.float() / self.temperature, dim=-1)
        if not bool(torch.isfinite(logits).all()):
            raise EngineError(
                "the model gives no finite probabilities to sample from",
                "its weights have grown beyond all bounds: lower train.learning_rate, and start from an older checkpoint",
            )
        chances = every.exp()
        token = every.argmax(-1)
        if not bool(greedy.all()):
            noise = torch.empty_like(chances).exponential_(generator=self.chance)
            token = torch.where(greedy, token, (chances / noise).argmax(-1))
        return token, every.gather(1, token[:, None])[:, 0], torch.special.entr(chances).sum(-1)
