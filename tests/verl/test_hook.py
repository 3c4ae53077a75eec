"""The override of `_compute_advantage` around verl's own, on its own data types; the queue between processes is a dict here."""

import numpy as np
import pytest
import torch
import verl.trainer.ppo.v1.trainer_base as of_verl
import verl.trainer.ppo.v1.trainer_sync as of_sync
from tensordict import NonTensorStack, TensorDict
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer, ReplayBufferAsync
from verl.trainer.ppo.v1.trainer_base import PPOTrainer

import hicra.engines.verl.trainer as ours
from hicra.engines.chosen import SECTION
from hicra.engines.verl.rows import Credit
from hicra.engines.verl.section import Section
from hicra.errors import ConfigError, EngineError
from verl_compose import config
from verl_small import GRAMS, LANGUAGE, make_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:lexicon ")
TOKENIZER = make_tokenizer()
WORD = {word: TOKENIZER(f" {word}")["input_ids"][0] for word in LANGUAGE.split()}
END = TOKENIZER.eos_token_id
SAID = [
    "hold on let me recheck",
    "the sum is nine",
    "so the sum",
    "three is one so",
    "let me",
    "me recheck and hold on",
]
UIDS = ["a", "a", "a", "b", "b", "b"]


class Queue:
    """Holds rows by key, as the queue does: fields that are asked for and absent are left out."""

    def __init__(self):
        self.rows = {}

    def kv_batch_put(self, keys, partition_id, fields=None, tags=None):
        for name in fields.keys():  # noqa: SIM118
            value = fields.get(name)
            values = value.unbind() if torch.is_tensor(value) else value.tolist()
            for key, one in zip(keys, values, strict=True):
                self.rows.setdefault(key, {})[name] = one
        return KVBatchMeta(partition_id=partition_id, keys=list(keys), tags=tags or [self.tags[key] for key in keys])

    def kv_batch_get(self, keys, partition_id, select_fields):
        out = {}
        for name in select_fields:
            if all(name in self.rows[key] for key in keys):
                values = [self.rows[key][name] for key in keys]
                tensors = torch.is_tensor(values[0])
                out[name] = (
                    torch.nested.as_nested_tensor(values, layout=torch.jagged) if tensors else NonTensorStack(*values)
                )
        return TensorDict(out, batch_size=len(keys))


def batch(queue, keys=None, masks=None, padding=(), entropy=True, critic=False):
    """Puts six rollouts of two prompts into the queue, as they stand there when advantages are computed."""
    torch.manual_seed(1)
    rows = [[*(WORD[word] for word in text.split()), END] for text in SAID]
    masks = masks or [[1] * len(row) for row in rows]
    keys = keys or [f"{uid}_{place}_0" for place, uid in enumerate(UIDS)]
    queue.tags = {key: {"is_padding": place in padding} for place, key in enumerate(keys)}
    for place, (key, row, mask) in enumerate(zip(keys, rows, masks, strict=True)):
        logps = -torch.rand(len(row))
        queue.rows[key] = {
            "uid": key.rsplit("_", 2)[0], "responses": torch.tensor(row), "response_mask": torch.tensor(mask),
            "rm_scores": torch.nn.functional.one_hot(torch.tensor(len(row) - 1)) * float(place % 3) / 2,
            "rollout_log_probs": logps + 0.01 * torch.randn(len(row)), "old_log_probs": logps,
            "extra_fields": {"reward_extra_info": {"acc": place % 2 == 0}},
        }  # fmt: skip
        if critic:
            queue.rows[key]["values"] = torch.rand(len(row))
        if entropy:
            queue.rows[key]["entropy"] = torch.rand(len(row)).bfloat16()  # as verl's default precision has it
    return KVBatchMeta(partition_id="train", keys=keys, tags=[queue.tags[key] for key in keys])


@pytest.fixture
def queue(monkeypatch):
    made = Queue()
    monkeypatch.setattr(of_verl, "tq", made)
    monkeypatch.setattr(ours, "tq", made)
    return made


@pytest.fixture(scope="session")
def lexicon(tmp_path_factory):
    path = tmp_path_factory.mktemp("lexicon") / "grams.txt"
    path.write_text("\n".join(GRAMS))
    return str(path)


def trainer(kind, chosen, *overrides):
    made = object.__new__(kind)
    made.config = config(*overrides)
    made.use_critic = False
    if chosen is not None:
        made.hicra = Credit(Section.read(chosen, SECTION), TOKENIZER)
    return made


def advantages(queue, meta, name="advantages"):
    return [queue.rows[key][name].clone() for key in meta.keys]


def naive(text):
    """Planning tokens, found word by word in plain Python; the end token is none."""
    words = text.split()
    marked = [False] * (len(words) + 1)
    for gram in (gram.split() for gram in GRAMS):
        for start in range(len(words) - len(gram) + 1):
            if words[start : start + len(gram)] == gram:
                marked[start : start + len(gram)] = [True] * len(gram)
    return marked


ESTIMATORS = (
    "grpo", "grpo_vectorized", "grpo_passk", "rloo", "rloo_vectorized", "reinforce_plus_plus", "reinforce_plus_plus_baseline",
    "opo", "gpg", "gae",
)  # fmt: skip


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_none_leaves_every_estimator_as_it_is_and_hicra_changes_planning_tokens_alone(queue, lexicon, estimator):
    setting = f"algorithm.adv_estimator={estimator}"
    meta = batch(queue, critic=estimator == "gae")
    PPOTrainer._compute_advantage(trainer(ours.HicraSync, None, setting), meta, {})
    plain = advantages(queue, meta)
    assert any(row.any() for row in plain)
    ours.HicraSync._compute_advantage(
        trainer(ours.HicraSync, {"lexicon": lexicon, "method": "none"}, setting), meta, {}
    )
    assert all(torch.equal(a, b) for a, b in zip(plain, advantages(queue, meta), strict=True))
    hicra = trainer(ours.HicraSync, {"lexicon": lexicon, "method": "hicra", "method_settings": {"alpha": 0.5}}, setting)
    ours.HicraSync._compute_advantage(hicra, meta, {})
    for text, before, after, mask in zip(
        SAID, plain, advantages(queue, meta), advantages(queue, meta, "planning_mask"), strict=True
    ):
        assert mask.bool().tolist() == naive(text)
        assert torch.equal(after, torch.where(mask.bool(), before + 0.5 * before.abs(), before))
    values = hicra.hicra.logged()
    tokens = sum(len(text.split()) + 1 for text in SAID)
    assert values["hicra/planning_share"] == sum(map(sum, map(naive, SAID))) / tokens
    assert values["hicra/accuracy"] == 0.5  # what the reward function calls acc, and not its score
    assert values["hicra/entropy_planning"] > 0


def test_padding_rows_are_neither_counted_nor_shaped(queue, lexicon):
    keys = [f"{uid}_{place}_0" for place, uid in enumerate(["a", "a", "a", "b", "b", "pad0"])]
    meta = batch(queue, keys=keys, padding=(5,))
    made = trainer(ours.HicraSync, {"lexicon": lexicon, "method": "hicra"})
    ours.HicraSync._compute_advantage(made, meta, {})
    assert not queue.rows["pad0_5_0"]["planning_mask"].any()
    tokens = sum(len(text.split()) + 1 for text in SAID[:5])
    assert made.hicra.logged()["hicra/length"] == tokens / 5


def test_tool_output_is_a_boundary(queue, lexicon):
    masks = [[1] * (len(text.split()) + 1) for text in SAID]
    masks[5] = [1, 0, 1, 1, 1, 1]  # me [recheck] and hold on
    meta = batch(queue, masks=masks)
    ours.HicraSync._compute_advantage(trainer(ours.HicraSync, {"lexicon": lexicon}), meta, {})
    assert queue.rows[meta.keys[5]]["planning_mask"].tolist() == [False, False, False, True, True, False]


def test_tokens_that_rejection_sampling_removes_stay_text_and_are_not_shaped(queue, lexicon):
    meta = batch(queue)
    queue.rows[meta.keys[0]]["rollout_log_probs"][3] -= 5.0  # "me" of "let me recheck": its ratio is far off
    correction = [
        "algorithm.rollout_correction.rollout_rs=token_k1",
        "algorithm.rollout_correction.rollout_rs_threshold=2.0",
    ]
    made = trainer(ours.HicraSync, {"lexicon": lexicon}, *correction)
    ours.HicraSync._compute_advantage(made, meta, {})
    row = queue.rows[meta.keys[0]]
    assert row["response_mask"].tolist() == [1, 1, 1, 0, 1, 1]
    assert row["planning_mask"].tolist() == [True, True, True, False, True, False]


def test_without_entropies_all_but_their_metrics_is_there(queue, lexicon):
    meta = batch(queue, entropy=False)
    made = trainer(ours.HicraSync, {"lexicon": lexicon}, "algorithm.rollout_correction.bypass_mode=True")
    ours.HicraSync._compute_advantage(made, meta, {})
    values = made.hicra.logged()
    assert "hicra/entropy_planning" not in values
    assert values["hicra/ppl_planning"] > 1


def test_the_last_trajectory_of_a_rollout_is_scored(queue, lexicon):
    keys = ["a_0_0", "a_0_1", "a_0_10", "b_0_0", "b_1_0", "b_2_0"]
    meta = batch(queue, keys=keys)
    made = trainer(ours.HicraSync, {"lexicon": lexicon})
    ours.HicraSync._compute_advantage(made, meta, {})
    # acc is true in rows 0, 2 and 4; rows 0 and 1 are not the last of their rollout: rows 2 to 5 give 1, 0, 1, 0
    assert made.hicra.logged()["hicra/accuracy"] == 0.5


def test_rows_of_another_order_stop_the_run(queue, lexicon):
    meta = batch(queue)
    queue.rows[meta.keys[0]]["uid"] = "b"
    with pytest.raises(EngineError, match="other rows than were asked for: 1 of 6, the first is a_0_0"):
        ours.HicraSync._compute_advantage(trainer(ours.HicraSync, {"lexicon": lexicon}), meta, {})


def test_metrics_are_pooled_over_the_updates_of_a_step(queue, lexicon, monkeypatch):
    made = trainer(ours.HicraSync, {"lexicon": lexicon})

    def two_updates(self, metrics, timing_raw):
        for _ in range(2):
            self._compute_advantage(batch(queue), metrics)
        return "the batch"

    monkeypatch.setattr(PPOTrainer, "step", two_updates)
    metrics = {}
    assert made.step(metrics, {}) == "the batch"
    # in SAID, of nested grams the longest: hold on, let me, me recheck; so; so; let me; me recheck, hold on
    assert metrics["hicra/gram_hits"] == 2 * (3 + 1 + 1 + 1 + 2)
    assert metrics["hicra/accuracy"] == 0.5


# ---- what is made before any worker starts
def test_a_trainer_before_the_mixin_is_refused_where_the_class_is_written():
    with pytest.raises(EngineError, match="PPOTrainerSync stands before HicraVerlMixin, so that nothing") as error:

        class Mine(of_sync.PPOTrainerSync, ours.HicraVerlMixin):
            pass

    assert error.value.fix == "write class Mine(HicraVerlMixin, PPOTrainerSync)"
    own = type("Own", (of_sync.PPOTrainerSync,), {})
    with pytest.raises(EngineError, match="Own stands before HicraVerlMixin") as error:
        type("Other", (own, ours.HicraVerlMixin), {})
    assert error.value.fix == "write class Other(HicraVerlMixin, Own)"
    type("Right", (own, ours.HicraSync), {})  # own's overrides call ours by super()


@pytest.mark.parametrize(
    ("kind", "buffer", "mode", "updates"),
    [
        (ours.HicraSync, ReplayBuffer, "sync", 1),
        (ours.HicraColocateAsync, ReplayBufferAsync, "colocate_async", 1),
        (ours.HicraSeparateAsync, ReplayBufferAsync, "separate_async", 4),
    ],
)
def test_a_mode_goes_by_the_name_of_the_one_that_it_extends(kind, buffer, mode, updates):
    rollout = "actor_rollout_ref.rollout"
    apart = [f"{rollout}.checkpoint_engine.backend=nccl", f"{rollout}.nnodes=1", f"{rollout}.n_gpus_per_node=1"]
    extra = apart if mode == "separate_async" else []
    made = kind(config(f"trainer.v1.trainer_mode=hicra_{mode}", "+hicra.method=hicra", *extra))
    assert type(made.replay_buffer) is buffer
    assert (made.trainer_mode, made.parameter_sync_step) == (mode, updates)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+hicra.metod=hicra"], "unknown config key 'hicra.metod'"),
        (["+hicra.method=hicro"], "did you mean 'hicra'"),
        (["+hicra.method_settings.alpha=2"], "alpha is 2"),
        (["+hicra.lexicon=papper"], "papper"),
        (["+hicra.baseline=grpoo"], "did you mean 'grpo'"),
        (["+hicra=hicra"], "no mapping"),
        (["+hicra.method=entropy_advantage", "algorithm.rollout_correction.bypass_mode=True"], "needs entropies"),
    ],
)
def test_a_wrong_key_or_value_ends_before_anything_starts(overrides, said):
    with pytest.raises(ConfigError) as raised:
        ours.HicraSync(config(*overrides))
    assert said in str(raised.value)


def test_another_version_of_verl_is_refused(monkeypatch):
    monkeypatch.setattr("hicra.engines.verl.versions.installed", lambda name: "0.10.0")
    with pytest.raises(EngineError, match=r"work with verl 0.9.1, and 0.10.0 is installed"):
        ours.HicraSync(config())


def test_padded_values_come_back_without_padding(queue, lexicon):
    meta = batch(queue)
    ours.HicraSync._compute_advantage(trainer(ours.HicraSync, {"lexicon": lexicon}), meta, {})
    lengths = [len(text.split()) + 1 for text in SAID]
    assert [len(row) for row in advantages(queue, meta)] == lengths
    assert len(set(lengths)) > 1
    assert all(np.isfinite(row.numpy()).all() for row in advantages(queue, meta))
