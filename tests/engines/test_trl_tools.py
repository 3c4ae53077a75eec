"""Training with a tool, through TRL's own loop: tokens of the tool get no advantage, no gradient and no tag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer
from hicra.engines.trl.versions import has_tools
from hicra.generation.models import resolve
from hicra.generation.sampling import load
from hicra.generation.tools import tool_calls
from hicra.tasks.calculator import Calculator
from hicra.tasks.calculator.language import PHRASES
from trl_tiny import reward

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not has_tools(), reason="this TRL has no tools for us")]
TASK = Calculator()


def parrot(expression: str = "") -> str:
    """Work out one operation.

    Args:
        expression: A number, a sign and a number.

    Returns:
        The result after words that plan.
    """
    return f"from the left then the {TASK.tools[0](expression)}"


parrot.__name__ = "calculator"  # the name that the model calls


class Kept(HicraGRPOTrainer):
    """Keeps what the loss saw, and the gradient of the loss by the log-probability of each token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: list[dict[str, Any]] = []
        self.made: list[dict[str, Any]] = []
        self.conversations: list[Any] = []
        super().__init__(*args, **kwargs)

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self.latest = result[0]
        return result

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        out = super()._generate_and_score_completions(inputs)
        self.made.append(out)
        return out

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        (slope,) = torch.autograd.grad(loss, self.latest, retain_graph=True)
        again = {**inputs, "advantages": inputs["advantages"].clone()}
        again["advantages"][tool_tokens(inputs)] = 1e6  # what stands at tool tokens never matters
        changed = super()._compute_loss(model, again).detach()
        self.seen.append({**inputs, "slope": slope, "loss": loss.detach(), "changed": changed})
        return loss


def tool_tokens(batch: Any) -> Any:
    """[B,T] tokens of a response that the tool wrote."""
    return batch["completion_mask"].bool() & ~batch["tool_mask"].bool()


def make(folder: Path, tool: Any, **changed: Any) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grams.txt").write_text("\n".join(PHRASES) + "\n", encoding="utf-8")
    model, tokenizer = load(resolve("calculator-start"), 1)
    rows = TASK.rows("train", 8)
    trainer: Any = None

    def judge(completions: Any, completion_ids: Any, **_: Any) -> list[float]:
        trainer.conversations.append(completions)
        return reward(completion_ids)

    args = HicraGRPOConfig(**{
        "output_dir": str(folder / "out"), "lexicon": str(folder / "grams.txt"), "method": "hicra", "max_steps": 1,
        "per_device_train_batch_size": 32, "num_generations": 8, "max_completion_length": 48, "temperature": 1.0,
        "top_k": 0, "learning_rate": 1e-3, "report_to": "none", "use_cpu": True, "bf16": False, "seed": 1,
        "save_strategy": "no", "disable_tqdm": True, "gradient_checkpointing": False, "logging_steps": 1,
    } | changed)  # fmt: skip
    trainer = Kept(
        model=model, reward_funcs=judge, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
        tools=[tool],
    )  # fmt: skip
    return trainer


@pytest.fixture(scope="module")
def trained(tmp_path_factory: Any) -> Any:
    trainer = make(tmp_path_factory.mktemp("parrot"), parrot)
    trainer.train()
    return trainer


def test_the_tool_was_called_and_its_words_are_no_policy_tokens(trained: Any) -> None:
    (made,) = trained.made
    text = [
        trained._tokenizer.decode(ids[on]) for ids, on in zip(made["completion_ids"], tool_tokens(made), strict=True)
    ]
    assert sum("from the left then the" in one for one in text) >= 24  # of 32 rollouts, nearly all call
    for words, conversation in zip(text, trained.conversations[0], strict=True):
        # what the tool wrote, and who speaks: <tool> result <model> for each call
        assert words.split().count("<tool>") == words.split().count("<model>") == tool_calls(conversation)
    own = [ids[on].tolist() for ids, on in zip(made["completion_ids"], made["tool_mask"].bool(), strict=True)]
    assert not any(trained._tokenizer.convert_tokens_to_ids("<tool>") in ids for ids in own)


def test_the_number_of_calls_is_that_of_the_conversation(trained: Any) -> None:
    counted = trained.last_generation.arrays["n_tool_calls"]
    assert counted.tolist() == [tool_calls(one) for one in trained.conversations[0]]
    assert counted.max() >= 2


def test_a_response_is_cut_if_its_last_turn_did_not_end(trained: Any, tmp_path: Path) -> None:
    """48 tokens are enough for two calls; 16 end nearly every response in the middle of its second turn."""
    assert not trained.last_generation.arrays["truncated"].all()
    short = make(tmp_path, TASK.tools[0], max_completion_length=16)
    short.train()
    arrays, end = short.last_generation.arrays, short._tokenizer.eos_token_id
    for ids, on, cut in zip(arrays["response_ids"], arrays["response_mask"], arrays["truncated"], strict=True):
        assert bool(cut) == (ids[on][-1] != end)
    assert arrays["truncated"].any()
    assert (arrays["response_ids"] == end)[arrays["truncated"]].any()  # though an earlier turn has ended


def test_words_of_the_tool_are_never_tagged_and_no_span_crosses_into_them(trained: Any) -> None:
    (made,) = trained.made
    tool, mask = tool_tokens(made).numpy(), made["planning_mask"].numpy()
    assert not mask[tool].any()
    assert mask.any()
    hits = trained.last_generation.tagged
    for row, start, stop in zip(hits.row, hits.hits.start, hits.hits.stop, strict=True):
        assert not tool[row, start:stop].any()


def test_a_phrase_that_begins_in_a_turn_and_ends_in_the_result_is_no_span(trained: Any) -> None:
    words = (
        "from the left <eos> <tool> then the rest 5 from <model> then the <tool> rest <model> the left then the rest"
    )
    own = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    ids = np.array([trained._tokenizer(words)["input_ids"]])
    found = trained.hicra_shaping.tagger.tag(ids, np.array([own], bool))
    assert [(int(a), int(b)) for a, b in zip(found.hits.start, found.hits.stop, strict=True)] == [(0, 3), (18, 21)]
    assert np.flatnonzero(found.mask[0]).tolist() == [0, 1, 2, 18, 19, 20]


def test_tool_tokens_have_the_advantage_of_before_and_no_gradient(trained: Any) -> None:
    (batch,) = trained.seen
    tool = tool_tokens(batch)
    assert tool.sum() > 100
    base = batch["hicra_base"][:, None].expand_as(batch["advantages"])
    assert torch.equal(batch["advantages"][tool], base[tool])  # never shaped
    assert (batch["slope"][tool] == 0).all()  # exactly
    own = batch["completion_mask"].bool() & ~tool & (batch["advantages"] != 0)
    assert own.sum() > 100
    assert (batch["slope"][own] != 0).all()
    assert torch.equal(batch["changed"], batch["loss"])  # with 1,000,000 at the tool tokens, bit for bit
    assert batch["loss"] != 0
