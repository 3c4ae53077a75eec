"""The mixin for SkyRL, on a stand-in of its trainer and of its batch, whose responses end where the sequences end."""

import numpy as np
import pytest
import torch

from hicra import Lexicon, Tagger
from hicra.engines.skyrl import HicraSkyRL
from hicra.errors import ConfigError, DataError, EngineError
from tokenizers_made import byte_level

TOKENIZER = byte_level()
GRAMS = ["let me check", "so"]
PROMPTS = ["what is it", "why", "what is it", "why"]
TEXTS = ["so it is two", "let me check that it is", "it is", "so let me check"]
REWARDS = [1.0, 0.0, 1.0, 1.0]
UIDS = ["p", "q", "p", "q"]


class Batch(dict):
    """What SkyRL hands over: tensors by name, and metadata."""

    def __init__(self, tensors, metadata):
        super().__init__(tensors)
        self.metadata = metadata


class Trainer:
    """Stands for RayPPOTrainer: rewards at the last token, compared with the mean of their group, on every response token."""

    def __init__(self, tokenizer):
        self.tokenizer, self.all_metrics = tokenizer, {}

    def compute_advantages_and_returns(self, data):
        rewards, uids = data["rewards"].sum(dim=-1), data.metadata["uids"]
        means = torch.stack([rewards[[other == uid for other in uids]].mean() for uid in uids])
        data["advantages"] = (rewards - means)[:, None] * data["response_mask"].float()
        data["returns"] = data["advantages"].clone()
        return data


def batch(pad=0, **metadata):
    """Rows padded at the left; row 1 has a token in it that a tool wrote, and `pad` copies of row 0 end the batch."""
    rows = [(TOKENIZER.encode(p).ids, TOKENIZER.encode(t).ids) for p, t in zip(PROMPTS, TEXTS, strict=True)]
    width, total = max(len(r) for _, r in rows), max(len(p + r) for p, r in rows)
    made = {name: torch.zeros(len(rows), width) for name in ("response_mask", "loss_mask", "rewards")}
    made["sequences"] = torch.zeros(len(rows), total, dtype=torch.long)
    for number, (prompt, response) in enumerate(rows):
        made["sequences"][number, total - len(prompt + response) :] = torch.tensor(prompt + response)
        made["response_mask"][number, width - len(response) :] = 1
        made["loss_mask"][number, width - len(response) :] = 1
        made["rewards"][number, -1] = REWARDS[number]
    made["loss_mask"][1, -1] = 0
    made = {name: torch.cat([value, value[:1].repeat(pad, 1)]) for name, value in made.items()}
    made["loss_mask"][len(rows) :] = 0
    return Batch(made, {"uids": UIDS + [f"pad{n}" for n in range(pad)], "pad_size": pad, **metadata})


@pytest.fixture
def trainer(tmp_path):
    (tmp_path / "grams.txt").write_text("\n".join(GRAMS))

    def of(**chosen):
        class Mine(HicraSkyRL, Trainer):
            hicra = {"lexicon": str(tmp_path / "grams.txt"), **chosen}  # noqa: RUF012

        return Mine(TOKENIZER)

    return of


def planning(data):
    width = data["response_mask"].shape[1]
    live = (data["response_mask"] > 0) & (data["loss_mask"] > 0)
    return Tagger(Lexicon.from_phrases(GRAMS), TOKENIZER).mask(data["sequences"][:, -width:], live)


@pytest.mark.parametrize("pad", [0, 3])
def test_it_shapes_after_the_own_estimator(trainer, pad):
    """Rewards 1 and 1 of p: A = 0. Rewards 0 and 1 of q: A = -1/2 and 1/2, with alpha 0.2 so -0.4 and 0.6 on planning tokens."""
    mine = trainer()
    data = mine.compute_advantages_and_returns(batch(pad))
    mask = planning(data)
    plain = Trainer(TOKENIZER).compute_advantages_and_returns(batch(pad))
    assert torch.equal(data["returns"], plain["returns"])
    assert {round(float(one), 6) for one in data["advantages"][1][mask[1]]} == {-0.4}
    assert {round(float(one), 6) for one in data["advantages"][3][mask[3]]} == {0.6}
    assert torch.equal(data["advantages"][~mask], plain["advantages"][~mask])
    assert data["advantages"].dtype == torch.float32
    assert not (data["advantages"][0]).any()
    if pad:
        assert torch.equal(data["advantages"][4:], plain["advantages"][4:])
    live = int(((data["response_mask"] > 0) & (data["loss_mask"] > 0))[:4].sum())
    assert mine.all_metrics["hicra/planning_share"] == pytest.approx(int(mask[:4].sum()) / live)
    assert mine.all_metrics["hicra/accuracy"] == 0.75


def test_alpha_0_is_the_own_estimator(trainer):
    data = trainer(method_settings={"alpha": 0.0}).compute_advantages_and_returns(batch(2))
    assert torch.equal(data["advantages"], Trainer(TOKENIZER).compute_advantages_and_returns(batch(2))["advantages"])


def test_a_method_that_looks_at_groups_takes_them_from_the_uids(trainer):
    """hicra_recentred takes from alpha|A| its mean over the planning tokens of the group, so that these sum to nothing.

    Both rollouts of q have |A| = 1/2, so alpha|A| is 0.1 on each of their planning tokens, and so is the mean: nothing changes.
    """
    data = trainer(method="hicra_recentred").compute_advantages_and_returns(batch(2))
    own = Trainer(TOKENIZER).compute_advantages_and_returns(batch(2))
    assert torch.allclose(data["advantages"], own["advantages"])
    assert planning(data)[1].any()


def test_step_wise_rows_are_shaped_and_not_compared(trainer):
    data = trainer().compute_advantages_and_returns(batch(is_last_step=[True] * 4))
    assert float(data["advantages"][3].max()) == np.float32(0.6)
    with pytest.raises(
        ConfigError, match="hicra_recentred compares rollouts with each other, and in step-wise training"
    ):
        trainer(method="hicra_recentred").compute_advantages_and_returns(batch(is_last_step=[True] * 4))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.pop("loss_mask"), "has no 'loss_mask'"),
        (
            lambda data: data.update(loss_mask=data["loss_mask"][:, :2]),
            r"advantages have shape .* and its loss_mask \(4, 2\)",
        ),
        (
            lambda data: data.update(advantages=data["advantages"][:, 0]),
            r"advantages have shape \(4,\) and its response_mask",
        ),
        (lambda data: data.metadata.update(uids=["p"]), "has 1 uids for 4 rows"),
        (lambda data: data.metadata.pop("uids"), "has no uids for 4 rows"),
        (lambda data: data.metadata.update(pad_size=9), "pad_size of SkyRL's batch of 4 rows is 9"),
        (lambda data: data.metadata.update(pad_size=None), "pad_size of SkyRL's batch of 4 rows is None"),
    ],
)
def test_a_batch_of_another_skyrl_is_named(trainer, monkeypatch, change, says):
    real = Trainer.compute_advantages_and_returns

    def changed(self, data):
        change(real(self, data))
        return data

    monkeypatch.setattr(Trainer, "compute_advantages_and_returns", changed)
    with pytest.raises(EngineError, match=f"{says}(.|\n)*docs/engines/skyrl.md"):
        trainer().compute_advantages_and_returns(batch())


def test_an_advantage_that_is_not_finite_is_named_as_skyrls(trainer):
    """A reward without end makes the mean of its group infinite, and inf - inf is NaN."""
    spoilt = batch()
    spoilt["rewards"][1, -1] = float("inf")
    with pytest.raises(DataError, match="SkyRL's own advantage of row 1, token .* is nan"):
        trainer(method="planning_only").compute_advantages_and_returns(spoilt)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"lexikon": "paper"}, "unknown config key 'hicra.lexikon'"),
        ({"method": "hikra"}, "did you mean 'hicra'"),
        ({"lexicon": "papre"}, "did you mean 'paper'"),
        ({"method": "entropy_advantage"}, "needs the batch field 'entropies', which SkyRL does not hand over"),
    ],
)
def test_what_is_refused_is_refused_as_the_trainer_is_made(trainer, chosen, says):
    with pytest.raises(ConfigError, match=says):
        trainer(**chosen)


def test_a_trainer_that_stands_before_the_mixin_is_refused_as_the_class_is_made():
    """Its estimator would be the one that runs, and nothing would be shaped without a word."""
    with pytest.raises(EngineError, match=r"Trainer stands before HicraSkyRL.*\n.*class Wrong\(HicraSkyRL, Trainer\)"):

        class Wrong(Trainer, HicraSkyRL):
            pass

    own = type("Own", (Trainer,), {})  # has no estimator of its own, and is the class to write
    with pytest.raises(EngineError, match=r"Own stands before HicraSkyRL.*\n.*class Wrong\(HicraSkyRL, Own\)"):
        type("Wrong", (own, HicraSkyRL), {})
    hides = type("Own", (), {"compute_advantages_and_returns": lambda self, data: data})
    with pytest.raises(EngineError, match=r"Own stands before Right.*\n.*class Wrong\(Right, Own\)"):
        type("Wrong", (hides, type("Right", (HicraSkyRL, Trainer), {})), {})


def test_a_class_of_ones_own_may_call_the_estimator_of_the_mixin(trainer):
    class More(type(trainer())):
        def compute_advantages_and_returns(self, data):
            return super().compute_advantages_and_returns(data)

    shaped = More(TOKENIZER).compute_advantages_and_returns(batch())["advantages"]
    assert torch.equal(shaped, trainer().compute_advantages_and_returns(batch())["advantages"])


def test_it_says_what_it_trains_with_as_the_trainer_is_made(trainer, capsys):
    trainer(method_settings={"alpha": 0.35}, baseline="rloo")
    said = capsys.readouterr().err
    assert ": hicra {'alpha': 0.35} after baseline rloo, lexicon grams " in said
